"""Finds the numbers of a prose, and what stands beside them that says how exactly they are meant."""

import re
from dataclasses import replace
from itertools import pairwise

from planner_memory.observer_agent.number_rules import RULES
from planner_memory.observer_agent.number_words import value_of
from planner_memory.observer_agent.numbers import Kind, Mention, Reading

_COMPILED = tuple((re.compile(pattern, re.IGNORECASE | re.MULTILINE), read) for pattern, read in RULES)
_ROUGHLY = re.compile(
    r"(?:\b(?:about|around|roughly|some|close\s+to|approximately|approx\.?|circa|ca\.|or\s+so|maybe|perhaps|something\s+like)|[~≈])\s*(?:the\s+|of\s+|an?\s+)?$",
    re.IGNORECASE,
)
_ABOVE = re.compile(  # "more than", "a good": the exact value is a little more
    r"\b(?:(?:just|slightly|well|far|a\s+(?:little|bit|touch|shade))\s+(?:over|above|more\s+than|beyond)|more\s+than|over|upwards\s+of|at\s+least|an?\s+good|a\s+solid|north\s+of|above|beyond)"
    r"\s*(?:the\s+|of\s+|an?\s+)?$",
    re.IGNORECASE,
)
_BELOW = re.compile(
    r"\b(?:nearly|almost|(?:just|slightly|well|a\s+(?:little|bit|touch|shade))\s+(?:under|below|shy\s+of|short\s+of|less\s+than)|less\s+than|under|not\s+quite|barely|close\s+on|close\s+to"
    r"|approaching|fewer\s+than|below|at\s+most)\s*(?:the\s+|of\s+|an?\s+)?$",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"^[ \t>]*\d{1,2}[.)](?=\s)", re.MULTILINE)
_NOT_ONE = re.compile(r"(?:\bnot|n['’]t|\bnever|\bwithout)\b[^.,;:\d]*$", re.IGNORECASE)  # "not a single meeting" are none
_ONE_THING = re.compile(r"(?:one(?:\s+minute|\s+hour)?|a\s+single)$", re.IGNORECASE)
_SIZES: dict[Kind, int] = {"minutes": 60, "percent": 1}
_COORDINATED = re.compile(r"\s*(?:,|,?\s+(?:and|or|to)|[–—-])\s*(?:(?:the|an?|your|about|nearly)\s+)*", re.IGNORECASE)
_HOURS = re.compile(r"h", re.IGNORECASE)
_LISTED = re.compile(r"\s*(?:,|,?\s+(?:and|or))\s+", re.IGNORECASE)
_FROM = re.compile(r"\b(?:from|between)\s+$", re.IGNORECASE)
_TO = re.compile(r"\s*(?:to|until|till|and|[–—-])\s*", re.IGNORECASE)


def mentions(prose: str) -> list[Mention]:
    """Every number of the prose, in order."""
    taken = bytearray(len(prose))
    for mark in _LIST_MARK.finditer(prose):
        taken[mark.start() : mark.end()] = b"\x01" * len(mark.group())
    found: list[Mention] = []
    for pattern, read in _COMPILED:
        for match in pattern.finditer(prose):
            text = match.group().strip()
            start = match.start() + len(match.group()) - len(match.group().lstrip())
            end = start + len(text)
            if not text or any(taken[start:end]):
                continue
            readings = read(match.groupdict())
            if not readings:
                continue
            taken[start:end] = b"\x01" * len(text)
            before = prose[max(0, start - 30) : start]
            leans = 1 if _ABOVE.search(before) else -1 if _BELOW.search(before) else 0
            rough = bool(leans) or _ROUGHLY.search(before) is not None or prose[end : end + 6].lower() == " or so"
            first, *others = (
                [replace(each, value=each.value * 0) for each in readings] if _NOT_ONE.search(before) and _ONE_THING.match(text) else readings
            )
            found.append(Mention(text, first.kind, first.value, first.precision, start, end, rough, None, tuple(others), leans=leans))
    return _with_weekdays(prose, _with_hours(prose, _with_units(prose, sorted(found, key=lambda m: m.start))))


def _with_units(prose: str, found: list[Mention]) -> list[Mention]:
    """In "3.2 and 2.9 hours" and "30 to 45 minutes" the unit is that of both; a number with decimals has no other."""
    out = list(found)
    sizes: dict[int, int] = {}  # of the unit that a number has from the one behind it
    for at in range(len(found) - 2, -1, -1):
        first, second = out[at], out[at + 1]
        is_plain = first.kind == "count" or (first.kind == "time" and "." in first.text)
        if is_plain and second.kind in _SIZES and _COORDINATED.fullmatch(prose[first.end : second.start]):
            size = sizes[at] = sizes.get(at + 1) or (_SIZES[second.kind] if second.kind != "minutes" or _HOURS.search(second.text) else 1)
            value, precision = value_of(first.text)
            own, plain = Reading(second.kind, value * size, precision * size), Reading(first.kind, first.value, first.precision)
            kinds = [own, plain] if precision < 1 else [plain, own]
            others = (*kinds[1:], *first.others)
            out[at] = replace(first, kind=kinds[0].kind, value=kinds[0].value, precision=kinds[0].precision, others=others)
    return out


def _with_hours(prose: str, found: list[Mention]) -> list[Mention]:
    """In "from 9 to 5" both may be hours of the day, and each of "at 9, 11 and 14 o'clock"."""
    out = list(found)
    for at in range(len(found) - 2, -1, -1):
        first, second = out[at], out[at + 1]
        is_hour = second.kind == "time" or any(other.kind == "time" and other.value[1] == 0 for other in second.others)
        if (
            first.kind == "count"
            and is_hour
            and first.value == int(first.value)
            and first.value <= 24
            and _LISTED.fullmatch(prose[first.end : second.start])
        ):
            hour = int(first.value)
            out[at] = replace(first, others=(*first.others, *(Reading("time", (each % 24, 0)) for each in (hour, hour + 12))))
    for n, (first, second) in enumerate(pairwise(found)):
        if (
            first.kind == "count"
            and second.kind in ("count", "time")
            and _FROM.search(prose[: first.start])
            and _TO.fullmatch(prose[first.end : second.start])
        ):
            for at, each in ((n, first), (n + 1, second)):
                if each.kind == "count" and each.value == int(each.value) and each.value <= 24:
                    hours = {int(each.value) % 24, (int(each.value) + 12) % 24}
                    out[at] = replace(each, others=(*each.others, *(Reading("time", (hour, 0)) for hour in sorted(hours))))
    return out


def _with_weekdays(prose: str, found: list[Mention]) -> list[Mention]:
    """A weekday right before its date, or in brackets behind it, is one mention with it."""
    out: list[Mention] = []
    for made in found:
        before = out[-1] if out else None
        if before is not None and made.kind == "date" and before.kind == "weekday" and prose[before.end : made.start].strip(" ,.the(") == "":
            text = prose[before.start : made.end]
            made = Mention(text, "date", made.value, made.precision, before.start, made.end, made.is_rough, before.value)
            out.pop()
        out.append(made)
    return out
