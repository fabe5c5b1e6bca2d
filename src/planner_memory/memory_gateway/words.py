"""Words of a text, and BM25 over a handful of candidates."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_STOP_WORDS = """a about above after again against all am an and any are aren't as at be because been before being below between both but by can
can't could did didn't do does doesn't doing don't down during each few for from further had has have having he her here hers herself him himself
his how i i'm i've i'll i'd if in into is isn't it it's its itself just let's like me more most my myself no nor not now of off on once only or
other our ours ourselves out over own really same she should so some such than that that's the their theirs them themselves then there these they
they're this those through to too under until up us very was wasn't we we're were what what's when where which while who whom why will with won't
would yeah yes you you're you've your yours yourself oh hey hi wow well got get also much"""
_STOP = frozenset(_STOP_WORDS.split())


def stem(word: str) -> str:
    """A light English stem: plural, -ed and -ing fall off. Cautious, as Harman (1991) found enough for short texts."""
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def words(text: str) -> list[str]:
    """The stems of a text in order, stop words left out."""
    found = (word.removesuffix("'s") for word in _WORD.findall(text.lower().replace("’", "'")))
    return [stem(word) for word in found if word not in _STOP]


class Corpus:
    """A few hundred short texts with their word counts."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.counts = [Counter(words(t)) for t in texts]
        self.lengths = [sum(c.values()) for c in self.counts]
        self.mean_length = max(1.0, sum(self.lengths) / max(1, len(self.lengths)))
        self._frequency = Counter(w for c in self.counts for w in c)

    def rarity(self, word: str) -> float:
        """The inverse document frequency of BM25, never negative."""
        n, df = len(self.counts), self._frequency[word]
        return math.log(1 + (n - df + 0.5) / (df + 0.5))

    def bm25(self, weights: Mapping[str, float], *, k1: float = 1.2, b: float = 0.75) -> list[float]:
        """One score per text for a weighted query (Robertson and Zaragoza 2009); texts with none of the words score 0."""
        rated = {word: weight * self.rarity(word) for word, weight in weights.items() if self._frequency[word]}
        scores = []
        for counts, length in zip(self.counts, self.lengths, strict=True):
            norm = k1 * (1 - b + b * length / self.mean_length)
            scores.append(sum(rated[w] * counts[w] * (k1 + 1) / (counts[w] + norm) for w in rated.keys() & counts.keys()))
        return scores
