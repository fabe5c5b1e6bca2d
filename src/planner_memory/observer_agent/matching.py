"""Whether a number of a prose is a fact's: the same value, to the last digit that is written."""

from datetime import date
from decimal import Decimal

from planner_memory.observer_agent.claims import Claim
from planner_memory.observer_agent.numbers import Mention

DERIVED = frozenset({"difference", "multiple", "share", "rest", "sum"})
_FEW = 20  # counts up to this are told as they are
_POINTS, _MINUTES = Decimal(4), Decimal(45)  # at the most between "nearly four fifths" or "over seven hours" and what it was
_HOUR = 60
_OF_ROUNDED = Decimal("0.05")  # a share of hours that the facts have rounded


def said(claim: Claim) -> str:
    if claim.kind == "minutes":
        return f"{claim.value} minutes"
    if claim.kind == "time":
        return f"{claim.value[0]:02}:{claim.value[1]:02}"
    return f"{claim.value} %" if claim.kind == "percent" else str(claim.value)


def is_value(mention: Mention, claim: Claim) -> bool:
    """Whether the number is the claim's, rounded to the number's last digit. "About" leaves a twentieth more room."""
    if claim.kind == "date":
        return _is_date(mention, claim.value)
    if claim.kind == "time":
        return bool(mention.value == claim.value)
    if mention.kind == "year":
        return bool(claim.value == mention.value)
    return is_near(
        abs(mention.value), abs(claim.value), mention, slack=_OF_ROUNDED if claim.kind == "percent" and claim.pattern in DERIVED else Decimal(0)
    )


def is_near(value: Decimal, known: Decimal, mention: Mention, *, slack: Decimal = Decimal(0)) -> bool:
    """ "About" leaves a twentieth either way, "more than" and "nearly" somewhat more on their side alone."""
    exact = mention.precision / 2 + slack
    if mention.leans and (mention.kind != "count" or known > _FEW):
        gap = (known - value) * mention.leans
        most = (
            _POINTS * (2 if mention.precision > 1 else 1)
            if mention.kind == "percent"
            else min(known / 8, _MINUTES)
            if mention.kind == "minutes"
            else known / 10
        )
        return -exact <= gap <= max(most, exact)
    if mention.kind == "count" and mention.precision == 1 and not (mention.is_rough and known > _FEW):
        return value == known  # a whole number claims a whole count: rounding is for those with decimals
    if mention.kind == "minutes" and mention.precision >= _HOUR and not mention.is_rough:
        return abs(value - known) < exact  # half an hour would be told
    room = max(exact, known / 20) if mention.is_rough else exact
    return abs(value - known) <= room


def _is_date(mention: Mention, known: date) -> bool:
    if mention.kind == "weekday":
        return bool(known.weekday() == mention.value)
    if mention.kind == "week":
        return bool(known.isocalendar().week == mention.value)
    if mention.kind == "year":
        return bool(known.year == mention.value)
    year, month, day = mention.value
    return known.day == day and month in (None, known.month) and year in (None, known.year) and mention.weekday in (None, known.weekday())
