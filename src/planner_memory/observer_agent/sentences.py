"""The sentences of a prose: where their numbers stand, and which words stand near which number."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from planner_memory.observer_agent.claims import CONCEPT_OF
from planner_memory.observer_agent.numbers import Mention, mentions

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+|\s[–—]\s")
_TOKEN = re.compile(r"(?P<word>[^\W\d_]+(?:-[^\W\d_]+)*)|(?P<break>[,;()]|\b(?:and|but|while|whereas)\b)|(?P<name>¤+)", re.IGNORECASE)
_NOT_BILLABLE = re.compile(r"\b(?:not|non|un)[\s-]?(billable|billed|chargeable|invoiceable)\b", re.IGNORECASE)
_FADES = 0.8  # per word between a number and a word about it
_BREAK, _OTHER_NUMBER = 4.0, 2.0  # words that a comma, and another number, count for
_OF_ANOTHER = 0.5  # a word that stands nearer to another number
_WHOLE_SENTENCE = 0.4  # "usual" and "before" colour all of their sentence


@dataclass(frozen=True, slots=True)
class Word:
    start: int
    end: int
    about: str  # a concept, or a name after a colon


@dataclass(frozen=True, slots=True)
class Sentence:
    start: int
    text: str
    words: tuple[Word, ...]
    tokens: tuple[tuple[int, bool], ...]  # where each token stands, and whether it is a break
    numbers: tuple[Mention, ...]


def masked(prose: str, names: Iterable[str]) -> tuple[str, dict[int, str]]:
    """The prose with its names blanked out, of the same length, and the names by where they stand."""
    found: dict[int, str] = {}

    def blank(match: re.Match[str], name: str) -> str:
        found[match.start()] = name
        return "¤" * len(match.group())

    for name in names:
        one = re.escape(name)
        if f"{name}" not in prose:
            continue
        prose = re.sub(rf"[“\"'‘*_`«]+{one}[”\"'’*_`»]+", lambda m, n=name: blank(m, n), prose)  # type: ignore[misc]
        if len(name) >= 4 and (" " in name or any(c.isdigit() for c in name)) and any(c.isalpha() for c in name):
            prose = re.sub(rf"(?<![\w¤]){one}(?![\w¤])", lambda m, n=name: blank(m, n), prose)  # type: ignore[misc]
    return prose, found


def sentences(prose: str, names: dict[int, str]) -> list[Sentence]:
    numbers = mentions(prose)
    edges = [0, *(m.end() for m in _SENTENCE.finditer(prose) if not any(n.start < m.start() < n.end for n in numbers)), len(prose)]
    out = []
    for start, end in pairwise(edges):
        inside = tuple(n for n in numbers if start <= n.start < end)
        if inside:
            out.append(_sentence(prose, start, end, inside, names))
    return out


def _sentence(prose: str, start: int, end: int, numbers: tuple[Mention, ...], names: dict[int, str]) -> Sentence:
    text = prose[start:end]
    negated = {m.start(1): m for m in _NOT_BILLABLE.finditer(text)}
    words, tokens = [], []
    for token in _TOKEN.finditer(text):
        at = start + token.start()
        if any(n.start <= at < n.end for n in numbers):
            continue
        tokens.append((at, token["break"] is not None or token.group().lower() in ("and", "but", "while", "whereas")))
        if token["name"]:
            words.append(Word(at, start + token.end(), f":{names.get(at, '')}"))
        elif token["word"]:
            concept = CONCEPT_OF.get(token["word"].lower()) or CONCEPT_OF.get(token["word"].lower().split("-")[0])
            if concept == "billable" and (token.start() in negated or re.search(r"\b(?:not|nor|non)[\s-]$", text[: token.start()], re.IGNORECASE)):
                concept = "nonbillable"
            if concept:
                words.append(Word(at, start + token.end(), concept))
    return Sentence(start, text, tuple(words), tuple(tokens), numbers)


def nearness(mention: Mention, sentence: Sentence) -> dict[str, float]:
    """How near the sentence's words are to the number, by what they are about: 1 beside it, less with each word between.

    Under "own …" stand those that are nearer to no other number.
    """
    near: dict[str, float] = {}
    for word in sentence.words:
        steps = _steps(mention, word, sentence)
        weight = _FADES**steps
        if any(_steps(other, word, sentence) < steps for other in sentence.numbers if other is not mention):
            weight *= _OF_ANOTHER
        else:
            near[f"own {word.about}"] = max(near.get(f"own {word.about}", 0.0), weight)
        if word.about in ("past", "sprint"):
            weight = max(weight, _WHOLE_SENTENCE)
        near[word.about] = max(near.get(word.about, 0.0), weight)
    return near


def _steps(mention: Mention, word: Word, sentence: Sentence) -> float:
    low, high = (mention.end, word.start) if word.start >= mention.end else (word.end, mention.start)
    steps = sum(_BREAK if is_break else 1 for at, is_break in sentence.tokens if low <= at < high)
    return steps + sum(_OTHER_NUMBER for other in sentence.numbers if other is not mention and low <= other.start < high)
