"""Whether numbers that a sentence tells side by side agree: "7 h of 8, so 87.5 %", "5 h instead of 4, 25 % more", "from Monday to Friday"."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from planner_memory.observer_agent.directions import contradicts
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.roles import exceeds
from planner_memory.observer_agent.sentences import Sentence
from planner_memory.observer_agent.verdicts import Verdict

_BESIDE = re.compile(
    r"\s*(?:hours?\s+|tasks?\s+)?(?:/|instead\s+of|against|versus|vs\.?|(?:out\s+)?of|rather\s+than)\s*(?:(?:the|a|an|estimated|planned)\s+)*",
    re.IGNORECASE,
)
_SO = re.compile(
    r"(?:\s+(?:planned|estimated|hours?|tasks?))*\s*[,;(=–—-]?\s*(?:so|that\s+is|that['’]s|which\s+is|i\.\s?e\.|hence|thus|or|=)\s*,?\s*(?:(?:about|roughly|nearly|almost|a)\s+)*",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\bbetween\s+(?:the\s+)?$", re.IGNORECASE)
_AND = re.compile(r"\s*and\s+(?:the\s+)?", re.IGNORECASE)
_TO = re.compile(r"\s*(?:to|until|till|through|[–—-])\s*(?:the\s+)?", re.IGNORECASE)
_THAN = re.compile(
    r"\s*(?:tasks?\s+|meetings?\s+|hours?\s+|times\s+|minutes?\s+)?(?:(?P<more>more|longer|later)|less|fewer|shorter)\s+than\s+(?:(?:the|your|last\s+week['’]s|an?|its|in|usual|average|of|planned|estimated)\s+)*",
    re.IGNORECASE,
)
_COMMA = re.compile(r",|\bor\b|\bthat\s+is\b|\(|\bwhich\s+is\b", re.IGNORECASE)
_HALF = Decimal("0.5")
_QUARTER = Decimal(15)  # of an hour
_ROUGHLY = Decimal(5)
_HUNDRED = Decimal(100)


def contradicted(verdicts: Sequence[Verdict], sentence: Sentence) -> list[Verdict]:
    """The verdicts, but wrong where two numbers of the sentence cannot both be as it says."""
    out = {verdict.mention.start: verdict for verdict in verdicts}
    for number, why in (*_shares(sentence), *_pairs(sentence), *_gaps(sentence)):
        if number.start in out:
            out[number.start] = Verdict(number, "wrong", out[number.start].fact, why)
    return list(out.values())


def _pairs(sentence: Sentence) -> Iterator[tuple[Mention, str]]:
    """A change goes the way the words say, a part is no more than its whole, and a span ends after it begins."""
    for one, other in pairwise(sentence.numbers):
        between = sentence.between(one, other)
        if contradicts(one, other, between):
            yield other, "The words say the opposite of what the two numbers do."
        if exceeds(one, other, sentence):
            yield one, "The part is more than the whole."
        is_span = _TO.fullmatch(between) or (_AND.fullmatch(between) and _BETWEEN.search(sentence.before(one)))
        if one.kind == other.kind == "date" and is_span and _is_not_before(one, other):
            yield from ((each, "The span ends before it begins, or where it begins.") for each in (one, other))


def _gaps(sentence: Sentence) -> Iterator[tuple[Mention, str]]:
    """ "Seven switches, two fewer than last week's nine": the three make a sum."""
    for one, gap, other in zip(sentence.numbers, sentence.numbers[1:], sentence.numbers[2:], strict=False):
        between = sentence.between(gap, other)
        match = _THAN.fullmatch(between)
        one = next((each for each in one.meanings() if each.kind == gap.kind), one)  # "nine times"
        if match is None or not (one.kind == gap.kind == other.kind) or one.kind not in ("count", "minutes") or gap.is_rough or one.is_rough:
            continue
        if not _COMMA.search(sentence.between(one, gap)):
            continue
        whole = other.value + gap.value if match["more"] else other.value - gap.value
        room = sum((min(n.precision, _QUARTER) for n in (one, gap, other)), Decimal(0)) * _HALF if one.kind == "minutes" else Decimal(0)
        if abs(whole - one.value) > room:
            yield other, "The difference that is told beside it makes another number."


def _is_not_before(one: Mention, other: Mention) -> bool:
    (_, *first), (_, *second) = one.value, other.value
    years = {date_value[0] for date_value in (one.value, other.value)}
    return None not in (*first, *second) and first >= second and (len(years) == 1 or None in years) and not (first[0] == 12 and second[0] == 1)


def _shares(sentence: Sentence) -> Iterator[tuple[Mention, str]]:
    """The percentages that are neither the share nor the change of the two numbers before them."""
    numbers = sentence.numbers
    for one, other, percent in zip(numbers, numbers[1:], numbers[2:], strict=False):
        if percent.kind != "percent" or not _BESIDE.fullmatch(sentence.between(one, other)) or not _SO.fullmatch(sentence.between(other, percent)):
            continue
        pairs = [(a, b) for a in one.meanings() for b in other.meanings() if a.kind == b.kind and a.kind in ("minutes", "count") and b.value]
        if pairs and not any(_agree(a, b, percent) for a, b in pairs):
            yield percent, "The two numbers beside it make another share."


def _agree(one: Mention, other: Mention, percent: Mention) -> bool:
    """Within what the rounding of all three leaves."""
    first, second = (min(n.precision, _QUARTER) * _HALF for n in (one, other))  # whole hours are seldom meant to be rounded by half of one
    low = (one.value - first) / (other.value + second) * _HUNDRED
    high = (one.value + first) / max(other.value - second, second) * _HUNDRED
    if one.kind == "count" and one.precision == other.precision == 1:
        low = high = one.value / other.value * _HUNDRED
    room = max(percent.precision, _ROUGHLY if percent.is_rough or one.is_rough or other.is_rough else Decimal(0))
    told = abs(percent.value)
    shares = ((low, high), (low - _HUNDRED, high - _HUNDRED), (_HUNDRED - high, _HUNDRED - low))
    return any(least - room <= told <= most + room for least, most in shares)
