"""The records of the facts, and which of them a sentence speaks of, by their whole names or by the words that set them apart."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

from planner_memory.observer_agent.claims import Claim

_WORD = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*|\d+")
EMPTY = frozenset(
    "the and with for of to a an in on at by up new first last hour day week number it its my your is be than as"  # noqa: SIM905
    " against about over into within before after during".split()
)
_NUMBERED = re.compile(r"(.*\w)\s+#?\d+")
_TELLING = re.compile(r"[^\W\d_]{4,}", re.IGNORECASE)
_OF_FACTS = frozenset("task meet plan step call work run focus event sprint block time project".split())  # noqa: SIM905  # what any sentence of a reflection may say
_IN_ANY_TALE = frozenset(  # stems of words that may be said without meaning the record whose name has them
    "need want what that this with from time tak mak get set hold read writ send open clos finish comple don start end keep look mov go back part"  # noqa: SIM905
    " thing person hav been tim result materi week month today morn even tomorr good great short long small big one two three half quarte".split()
)
_LONG = 4
_STEM = 6  # letters: "present" and "presentation"
_COMMON = 0.4  # of the names share this word: it tells none of them apart
_ENOUGH = 0.3


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a list: its name, and its numbers by key. Minutes and percent are Decimals, a date is a date, a time (hour, minute)."""

    group: str
    name: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def minutes(self, key: str) -> Decimal | None:
        found = self.values.get(key)
        return found if isinstance(found, Decimal) else None

    @property
    def over(self) -> Decimal | None:
        """Actual less estimate."""
        actual, estimate = self.minutes("actual_hours"), self.minutes("estimated_hours")
        return None if actual is None or estimate is None else actual - estimate

    @property
    def starts_on(self) -> date | None:
        found = self.values.get("date starts_at")
        return found if isinstance(found, date) else None

    @property
    def starts(self) -> tuple[int, int] | None:
        return self.values.get("time starts_at")

    @property
    def ends(self) -> tuple[int, int] | None:
        lasts = self.minutes("lasts_hours")
        if self.starts is None or lasts is None:
            return None
        end = timedelta(hours=self.starts[0], minutes=self.starts[1] + float(lasts))
        return int(end.total_seconds() // 3600) % 24, int(end.total_seconds() // 60) % 60

    def is_told_in(self, text: str) -> bool:
        """Whether three words of its name stand in the text as they do in the name."""
        words = self.name.lower().split()
        return any(" ".join(words[at : at + 3]) in text.lower() for at in range(len(words) - 2))


def records_of(claims: Iterable[Claim]) -> list[Record]:
    """In the order of the facts."""
    found: dict[str, tuple[str, str, dict[str, Any]]] = {}
    for claim in claims:
        place, _, leaf = claim.path.rpartition(".")
        if not place.endswith("]") or not claim.names:
            continue
        group = place.rpartition("[")[0].rpartition(".")[2]
        _, _, values = found.setdefault(place, (group, max(claim.names, key=len), {}))
        values[f"{claim.kind} {leaf}" if claim.kind in ("date", "time") else leaf] = claim.value
    return [Record(*each) for each in found.values()]


def stem(word: str) -> str:
    """Rough: what is left is compared, never shown."""
    word = word.lower().replace("’", "'").removesuffix("'s")
    for ending in ("ing", "ed", "ies", "es", "d", "s", "e", "y"):
        if len(word) - len(ending) >= 4 and word.endswith(ending) and not word.endswith("ss"):
            word = word.removesuffix(ending)
            break
    return word[:_STEM]


def _own_words(name: str) -> list[str]:
    parts = re.split(r"[:\-_/]", name) if re.match(r"[\w.-]+:[\w-]+$", name) else [name]  # "ws:workflow-audit" is an id
    words = [stem(word) for part in parts for word in _WORD.findall(part)]
    return [word for word in words if word not in EMPTY and not word.isdigit() and word not in _OF_IDS]


def _in_one_word(name: str) -> set[str]:
    """Two words of a name as one: "checkin", "handover", "kickoff"."""
    return {f"{one}{other}" for one, other in combinations(re.findall(r"[a-z]+", name.lower()), 2) if len(one) >= _SHORTEST and other in _PARTICLES}


_PARTICLES = frozenset({"in", "off", "out", "over", "up", "down"})
_SHORTEST = 3
_OF_IDS = frozenset(map(stem, ("ws", "coda", "workflow", "template", "pattern")))


class Names:
    """Finds the records that a text speaks of.

    `families`: titles that differ in their number alone, in its order, by what they are called: "Support hour".
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._words = {r.name: _own_words(r.name) for r in records}
        self._joined = {r.name: _in_one_word(r.name) for r in records}
        spread = self._spread = Counter(word for words in self._words.values() for word in set(words))
        n = max(len(self._words), 1)
        self._tells = {word: math.log(1 + n / often) for word, often in spread.items() if often <= max(3, _COMMON * n)}

        numbered: dict[str, dict[str, None]] = {}
        for name in self._words:
            if match := _NUMBERED.fullmatch(name):
                numbered.setdefault(match[1], {})[name] = None
        self.families = {called: tuple(sorted(names)) for called, names in numbered.items() if len(names) > 1}

    def said_in(self, text: str, exact: Iterable[str] = ()) -> list[Record]:
        """Those whose name stands in the text, else those of which enough words do."""
        named = set(exact)
        spoken = _WORD.findall(text)
        words = {stem(part) for word in spoken for part in (word, *word.split("-"))} - EMPTY
        joined = {word.replace("-", "").lower() for word in spoken}
        found = []
        for record in self._records:
            own = self._words[record.name]
            shared = [word for word in own if word in words and word in self._tells]
            plain = [word for word in shared if word not in _OF_FACTS and word not in _IN_ANY_TALE]
            weight = sum(self._tells[word] for word in shared)
            whole = sum(self._tells.get(word, 0.3) for word in own)
            is_its_own = any(self._spread[word] == 1 and word not in _IN_ANY_TALE and len(word) >= _LONG for word in plain)
            if record.name in named or is_its_own or (self._joined[record.name] & joined) or (plain and whole and weight / whole >= _ENOUGH):
                found.append(record)
        return found


@dataclass(frozen=True, slots=True)
class Telling:
    """Which words of the names tell them apart. `inner` are those that stand behind a comma or an "and" inside a name."""

    own: Mapping[str, Sequence[str]]
    joined: Mapping[str, set[str]]
    tells: Mapping[str, float]
    spread: Mapping[str, int]
    words: frozenset[str]
    inner: frozenset[str]

    def weights(self, said: frozenset[str]) -> dict[str, float]:
        """How much of a name the words say, by the name; empty where they say enough of none."""
        found: dict[str, float] = {}
        is_enough = False
        for name, own in self.own.items():
            shared = [word for word in own if word in said and word in self.tells]
            plain = [word for word in shared if word not in _OF_FACTS and word not in _IN_ANY_TALE and word not in _COUNTED]
            weight, whole = sum(self.tells[word] for word in shared), sum(self.tells.get(word, 0.3) for word in own)
            is_its_own = any(self.spread[word] == 1 and len(word) >= _LONG for word in plain)
            is_joined = bool(self.joined[name] & said)
            is_enough |= is_its_own or is_joined or bool(plain and whole and weight / whole >= _ENOUGH)
            if plain or is_joined:
                found[name] = max(weight, 0.5)
        return found if is_enough else {}


def telling(names: Sequence[str]) -> Telling:
    own = {name: _own_words(name) for name in names}
    joined = {name: _in_one_word(name) for name in names}
    spread = Counter(word for words in own.values() for word in set(words))
    n = max(len(own), 1)
    tells = {word: math.log(1 + n / often) for word, often in spread.items() if often <= max(3, _COMMON * n)}
    inner = frozenset(stem(word) for name in names for word in re.findall(r"(?:,|\band)\s+([^\W\d_]+)", name))
    return Telling(own, joined, tells, spread, frozenset(tells) | frozenset().union(*joined.values()), inner)


def _parts_with_digits(names: Iterable[str]) -> list[re.Pattern[str]]:
    """What of a name is said when it is not said whole, digits and all: "the first 30 days", "Support hours 2 and 3".

    What a number counts in a name hides no number of the prose: else a title could say how many tasks are done.
    """
    found: dict[str, None] = {}
    for name in names:
        words = name.split()
        for at, word in enumerate(words):
            if not word.isdigit():
                continue
            said = rf"(?:{word}|{_SPOKEN[word]})" if word in _SPOKEN else word
            if at and _tells(words[at - 1]):
                found[rf"\b{re.escape(words[at - 1])}s?[\s-]+{said}(?:(?:\s*,\s*|\s+(?:and|or|to|&)\s+)\d+)*\b"] = None
            if at + 1 < len(words) and stem(words[at + 1]) in _COUNTED:
                found[rf"\b{said}-{re.escape(words[at + 1].rstrip('s'))}\b"] = None
            elif at + 1 < len(words) and _tells(words[at + 1]):
                found[rf"\b{said}[\s-]+{re.escape(words[at + 1].rstrip('s'))}s?\b"] = None
    return [re.compile(pattern, re.IGNORECASE) for pattern in found]


def without_digits(prose: str, names: Iterable[str]) -> str:
    """The prose, of the same length, in which the digits of names are no numbers."""
    for pattern in _parts_with_digits(names):
        prose = pattern.sub(lambda match: _DIGIT.sub(lambda each: "x" * len(each.group()), match.group()), prose)
    return prose


_DIGIT = re.compile(r"\d|two|three|thirty", re.IGNORECASE)
_COUNTED = frozenset(
    map(
        stem,
        ("tasks", "meetings", "hours", "minutes", "percent", "events", "runs", "steps", "switches", "plans", "weeks", "days", "times", "bill"),
    )
)


def _tells(word: str) -> bool:
    return _TELLING.fullmatch(word) is not None and stem(word) not in _IN_ANY_TALE


_SPOKEN = {
    "2": "two",
    "3": "three",
    "4": "four",
    "5": "five",
    "7": "seven",
    "10": "ten",
    "12": "twelve",
    "14": "fourteen",
    "30": "thirty",
    "60": "sixty",
    "90": "ninety",
    "100": "hundred",
}
