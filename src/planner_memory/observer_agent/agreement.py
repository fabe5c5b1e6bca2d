"""Whether numbers that a sentence tells side by side agree: "7 h of 8, so 87.5 %", "5 h instead of 4, 25 % more"."""

import re
from collections.abc import Iterator
from decimal import Decimal

from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.sentences import Sentence

_BESIDE = re.compile(
    r"\s*(?:hours?\s+|tasks?\s+)?(?:/|instead\s+of|against|versus|vs\.?|(?:out\s+)?of|rather\s+than)\s*(?:(?:the|a|an|estimated|planned)\s+)*",
    re.IGNORECASE,
)
_SO = re.compile(
    r"(?:\s+(?:planned|estimated|hours?|tasks?))*\s*[,;(=–—-]?\s*(?:so|that\s+is|that['’]s|which\s+is|i\.\s?e\.|hence|thus|or|=)\s*,?\s*(?:(?:about|roughly|nearly|almost|a)\s+)*",
    re.IGNORECASE,
)
_HALF = Decimal("0.5")
_QUARTER = Decimal(15)  # of an hour
_ROUGHLY = Decimal(5)
_HUNDRED = Decimal(100)


def disagreements(sentence: Sentence) -> Iterator[Mention]:
    """The percentages that are neither the share nor the change of the two numbers before them."""
    numbers = sentence.numbers
    for one, other, percent in zip(numbers, numbers[1:], numbers[2:], strict=False):
        if percent.kind != "percent" or not _BESIDE.fullmatch(sentence.between(one, other)) or not _SO.fullmatch(sentence.between(other, percent)):
            continue
        pairs = [(a, b) for a in one.meanings() for b in other.meanings() if a.kind == b.kind and a.kind in ("minutes", "count") and b.value]
        if pairs and not any(_agree(a, b, percent) for a, b in pairs):
            yield percent


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
