"""Which pattern fits an intent: BM25 over the library plus the evidence of trigger phrases.

BM25 as in Robertson & Zaragoza, "The Probabilistic Relevance Framework" (2009), with a weight per field.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from planner_memory.planner_engine.patterns import Pattern, library
from planner_memory.planner_engine.words import STOP_WORDS, plain, stem, stems

_K1, _B = 1.2, 0.5
_WEIGHTS = {"name": 3.0, "triggers": 2.0, "summary": 1.0, "steps": 0.3}
_SUBJECT = 0.35  # weight of words after "about": they name the subject, not the kind of work
THRESHOLD = 0.45
# `translate the handbook` and `renovate the office` are not what the library means by handbook and office
_OTHER = "buy cancel delete find fix learn order paint photograph print read rent renovate repair sell throw translate watch"
_OTHER_DEEDS = frozenset(_OTHER.split())
_OTHER_DEED = 0.5
_ABOUT = re.compile(r"\b(?:about|regarding|concerning|titled|called|named|on how|on the topic of|on why)\b")


@dataclass(frozen=True, slots=True)
class Choice:
    """The best pattern and how well it fits, 0..1. Below THRESHOLD `pattern` is None and `why` says what came nearest."""

    pattern: Pattern | None
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class _Index:
    documents: Mapping[str, Counter[str]]
    lengths: Mapping[str, float]
    average: float
    idf: Mapping[str, float]
    phrases: Mapping[str, tuple[tuple[str, tuple[str, ...], bool], ...]]  # the trigger, its stems, and whether only its very words count


def _weighted(pattern: Pattern) -> Counter[str]:
    counts: Counter[str] = Counter()
    texts = {
        "name": pattern.name,
        "triggers": " ".join(pattern.triggers),
        "summary": pattern.summary,
        "steps": " ".join(step.title.replace("{", "").replace("}", "") for step in pattern.steps),
    }
    for name, text in texts.items():
        for word in stems(text):
            counts[word] += _WEIGHTS[name]  # type: ignore[assignment]
    return counts


@cache
def _index() -> _Index:
    documents = {key: _weighted(pattern) for key, pattern in library().items()}
    lengths = {key: float(sum(words.values())) for key, words in documents.items()}
    seen = Counter(word for words in documents.values() for word in words)
    n = len(documents)
    phrases = {key: tuple(_as_phrase(t) for t in (*pattern.triggers, pattern.name)) for key, pattern in library().items()}
    return _Index(documents, lengths, sum(lengths.values()) / n, {w: math.log(1 + (n - df + 0.5) / (df + 0.5)) for w, df in seen.items()}, phrases)


_LITTLE_WORDS = "a an the our my your their his her this for to of with and new next"
_LITTLE = frozenset(_LITTLE_WORDS.split())


def _phrase(text: str) -> list[str]:
    """A trigger's stems; only the smallest words are dropped, since "run" and "plan" matter in one."""
    return [stem(w) for w in re.findall(r"[a-z0-9]+", plain(text)) if w not in _LITTLE]


def _as_phrase(trigger: str) -> tuple[str, tuple[str, ...], bool]:
    """`new client` is about a client only when both words stand there: any mention of clients is no onboarding."""
    phrase = tuple(_phrase(trigger))
    return trigger, phrase, len(phrase) == 1 and trigger.split()[0] in ("new", "next")


def _evidence(intent: list[str], phrase: tuple[str, ...]) -> float:
    """1 when the phrase stands in the intent word by word, less when its words stand there apart, 0 when one is missing."""
    if not phrase or not set(phrase) <= set(intent):
        return 0.0
    n = len(phrase)
    strength = {1: 0.62, 2: 0.85}.get(n, 1.0)
    if any(tuple(intent[i : i + n]) == phrase for i in range(len(intent) - n + 1)):
        return strength
    places = [intent.index(word) for word in phrase]
    return strength * (0.85 if max(places) - min(places) <= n + 2 else 0.6)


@lru_cache(maxsize=512)  # a composed intent asks about the same clauses more than once
def choose(intent: str) -> Choice:
    """The pattern for an intent in plain words. Deterministic; ties go to the key that comes first."""
    index = _index()
    text = plain(intent)
    about = _ABOUT.search(text)
    head, tail = (text[: about.start()], text[about.start() :]) if about and text[: about.start()].strip() else (text, "")
    words: dict[str, float] = {}
    for part, weight in ((tail, _SUBJECT), (head, 1.0)):
        for word in stems(part):
            words[word] = max(words.get(word, 0.0), weight)
    head_phrase, tail_phrase = _phrase(head), _phrase(tail)
    is_elsewhere = bool(head_phrase) and text.split()[0] in _OTHER_DEEDS
    most = sum(weight * index.idf.get(word, 0.0) * (_K1 + 1) for word, weight in words.items()) or 1.0
    scored: list[tuple[float, str, str, float]] = []
    for key, document in index.documents.items():
        norm = _K1 * (1 - _B + _B * index.lengths[key] / index.average)
        bm25 = sum(w * index.idf[word] * document[word] * (_K1 + 1) / (document[word] + norm) for word, w in words.items() if word in document)
        best, trigger = 0.0, ""
        for text_of, phrase, is_exact in index.phrases[key]:
            if is_exact and not re.search(rf"\b{re.escape(plain(text_of))}", text):
                continue
            found = max(_evidence(head_phrase, phrase), _SUBJECT * _evidence(tail_phrase, phrase))
            if is_elsewhere and len(phrase) == 1 and head_phrase[0] not in document:
                found *= _OTHER_DEED
            early = 0.04 * (1 - head_phrase.index(phrase[0]) / len(head_phrase)) if found and phrase and phrase[0] in head_phrase else 0.0
            if found + early > best:
                best, trigger = found + early, text_of
        scored.append((0.7 * min(1.0, best) + 0.3 * bm25 / most, key, trigger, best))
    scored.sort(key=lambda s: (-s[0], s[1]))
    score, key, trigger, best = scored[0]
    score = round(min(1.0, score), 3)
    pattern = library()[key]
    shared = [w for w in dict.fromkeys(re.findall(r"[a-z0-9]+", text)) if w not in STOP_WORDS and stem(w) in index.documents[key]][:4]
    if score < THRESHOLD:
        near = f" The nearest was '{pattern.name}' ({score:.2f}, below {THRESHOLD:.2f})." if shared else ""
        return Choice(None, score, f"No pattern of the library fits this intent.{near} A general breakdown was used.")
    reason = f"the intent says '{trigger}'" if best >= 0.6 else f"it shares the words {', '.join(repr(w) for w in shared)}"
    return Choice(pattern, score, f"'{pattern.name}' was chosen because {reason} (score {score:.2f}).")
