"""Numbers that are no fact but follow from facts, where the prose says so: a difference, a share, a multiple, a sum.

Those of two facts that belong together are claims like the facts themselves; sums and shares of numbers that stand in one sentence are found there.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import combinations, permutations

from planner_memory.observer_agent.claims import Claim
from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Kind, Mention

_SUM = re.compile(
    r"\b(?:sum|total|totals|totalling|together|altogether|in\s+all|combined|overall|adds?\s+up|added\s+up|add\s+up|comes?\s+to|makes?|makes)\b",
    re.IGNORECASE,
)
_REST = re.compile(r"\b(?:rest|remain\w*|left|open|other|not|slipped|unfinished|missing|undone|missed)\b", re.IGNORECASE)
# what stands behind "three times" where it is a multiple, and not how often something happened
_MULTIPLIED = r"\s+(?:(?:more|less|longer|shorter|faster|slower|higher|lower|as|the|its|their|your|my|what|that|this|your)\b|over\b)"
_MEASURES: tuple[Kind, ...] = ("count", "minutes")
_HUNDRED = Decimal(100)
Ranked = Callable[[Kind], Sequence[tuple[float, Claim, bool]]]
# of one rhythm: the part, the whole, and what the rest is about
_PARTS = (
    ("planned_tasks_completed", "tasks_planned", {"task", "planned", "open"}),
    ("deep_work_hours", "worked_hours", None),
    ("billable_hours", "worked_hours", None),
    ("not_billable_hours", "worked_hours", None),
    ("unmarked_hours", "worked_hours", None),
    ("meeting_hours", "worked_hours", None),
    ("planned_tasks_completed", "tasks_completed", {"task", "completed", "unplanned"}),
    ("actual_billable_hours", "planned_billable_hours", {"billable", "sprint", "open", "difference"}),
)
_SUMS = (("billable_hours", "not_billable_hours"), ("deep_work_hours", "meeting_hours"), ("worked_hours", "meeting_hours"))


def derived_claims(claims: Sequence[Claim]) -> list[Claim]:
    """What follows from two facts that belong together: of now and before, of estimate and actual, of part and whole."""
    by_path = {claim.path: claim for claim in claims}
    found: list[Claim] = []
    for claim in claims:
        record, _, leaf = claim.path.rpartition(".")
        found += _against_the_past(claim, record, leaf, by_path)
        if leaf.startswith("actual_") and (estimate := by_path.get(f"{record}.estimated_{leaf.removeprefix('actual_')}")):
            about = frozenset(claim.concepts | estimate.concepts | {"difference"}) - {"actual"}
            found += _differences(claim, estimate, about, claim.names)
            found += _multiple(claim, estimate, frozenset(claim.concepts | estimate.concepts), claim.names)
    for part, whole, rest in _PARTS:
        found += _shares(part, whole, rest, by_path)
    for one, other in _SUMS:
        for claim in claims:
            record, _, leaf = claim.path.rpartition(".")
            second = by_path.get(f"{record}.{other}")
            if leaf == one and second is not None and "past" not in claim.concepts and claim.value and second.value:
                about = claim.concepts | second.concepts | {"sum"}
                found.append(Claim(f"{claim.path} + {second.path}", "sum", claim.kind, claim.value + second.value, frozenset(about)))
    return found


def _against_the_past(now: Claim, record: str, leaf: str, by_path: dict[str, Claim]) -> list[Claim]:
    if record.rpartition(".")[2] != "rhythm" or now.kind not in ("count", "minutes", "percent"):
        return []
    root = record.removesuffix("rhythm")
    found: list[Claim] = []
    for place, more in (("trend.average", {"past"}), ("trend.earlier_weeks[0]", {"past", "single_week"})):
        before = by_path.get(f"{root}{place}.{leaf}")
        if before is not None:
            found += _differences(now, before, frozenset(now.concepts | {"difference"} | more), frozenset())
            found += _multiple(now, before, frozenset(now.concepts | more | {"difference"}), frozenset())
    return found


def _differences(one: Claim, other: Claim, about: frozenset[str], names: frozenset[str]) -> list[Claim]:
    """In the facts' unit, and in percent of the other one."""
    gap = one.value - other.value
    sign = (gap > 0) - (gap < 0)
    path = f"{one.path} - {other.path}"
    found = [Claim(path, "difference", one.kind, abs(gap), about, names, sign)]
    if other.value and one.kind != "percent":
        found.append(Claim(f"{path} in percent", "difference", "percent", abs(gap) * _HUNDRED / other.value, about, names, sign))
    return found


def _multiple(one: Claim, other: Claim, about: frozenset[str], names: frozenset[str]) -> list[Claim]:
    if not other.value or one.kind == "percent":
        return []
    path = f"{one.path} / {other.path}"
    ratio = one.value / other.value
    found = [Claim(path, "multiple", "factor", ratio, about, names)]
    return [*found, Claim(path, "multiple", "percent", ratio * _HUNDRED, about | {"share"}, names)]


_STATED = {"planned_tasks_completed": "completion_percent", "actual_billable_hours": "share_percent"}


def _shares(part: str, whole: str, rest: set[str] | None, by_path: dict[str, Claim]) -> Iterable[Claim]:
    for path, one in by_path.items():
        record, _, leaf = path.rpartition(".")
        all_of = by_path.get(f"{record}.{whole}" if record else whole)
        if leaf != part or all_of is None or not all_of.value or "past" in one.concepts:
            continue
        share = one.value * _HUNDRED / all_of.value
        if f"{record}.{_STATED.get(part)}" not in by_path:
            yield Claim(f"{path} of {all_of.path}", "share", "percent", share, (one.concepts - {"actual"}) | {"share"}, one.names)
        if rest is not None:
            about = frozenset(rest)
            gap = all_of.value - one.value
            yield Claim(f"{all_of.path} - {path}", "rest", one.kind, abs(gap), about, one.names, -1 if gap > 0 and "difference" in rest else 0)
            if "unplanned" not in rest:
                stated = by_path.get(f"{record}.{_STATED.get(part)}")
                left = _HUNDRED - (stated.value if stated is not None else share)
                yield Claim(f"100 - {path} of {all_of.path}", "rest", "percent", abs(left), about, one.names)


def _fits(value: Decimal, known: Decimal, mention: Mention) -> bool:
    return is_near(abs(value), abs(known), mention)


def in_sentence(mention: Mention, text: str, numbers: Sequence[Mention], ranked: Ranked, claims: Sequence[Claim]) -> str | None:
    """How the number follows from others of its sentence, or None.

    `ranked` gives the claims of a kind by how much the words round the number speak of them, best first, each with whether everything that it is
    about is named there.
    """
    if mention.kind in ("count", "minutes") and _SUM.search(text):
        return _sum(mention, numbers, ranked, claims)
    if mention.kind in ("percent", "factor") and not is_how_often(mention, text):
        return _ratio(mention, text, numbers, ranked)
    return None


def is_how_often(mention: Mention, text: str) -> bool:
    """ "Switched 7 times" counts, "7 times the estimate" compares."""
    said = mention.text.lower()
    return said.endswith(" times") and re.search(rf"{re.escape(said)}{_MULTIPLIED}", text, re.IGNORECASE) is None


def _sum(mention: Mention, numbers: Sequence[Mention], ranked: Ranked, claims: Sequence[Claim]) -> str | None:
    others = [n for n in numbers if n is not mention and n.kind == mention.kind]
    for size in range(2, min(len(others), 6) + 1):
        for parts in combinations(others, size):
            if _fits(mention.value, sum((p.value for p in parts), Decimal(0)), mention):
                return " + ".join(p.text for p in parts)
    named = {claim.path for score, claim, _ in ranked(mention.kind) if score > 0.3}
    by_pattern: dict[str, list[Claim]] = {}
    for claim in claims:
        if claim.kind == mention.kind and "[]" in claim.pattern and "past" not in claim.concepts and claim.path in named:
            by_pattern.setdefault(claim.pattern, []).append(claim)
    for pattern, listed in by_pattern.items():
        if len(listed) > 1 and _fits(mention.value, sum((p.value for p in listed), Decimal(0)), mention):
            return f"the sum of {pattern}"
    return None


def _ratio(mention: Mention, text: str, numbers: Sequence[Mention], ranked: Ranked) -> str | None:
    """Of two numbers of the same sentence, unless the facts have the very share that the words speak of."""
    unit = _HUNDRED if mention.kind == "percent" else Decimal(1)
    if any(is_named and score > 1 for score, _, is_named in ranked(mention.kind)[:1]):
        return None
    beside = sorted((n for n in numbers if n is not mention), key=lambda n: min(abs(n.start - mention.end), abs(mention.start - n.end)))[:3]
    for first, second in permutations(beside, 2):
        if first.kind == second.kind in _MEASURES and second.value and first.value <= second.value:
            share = unit * first.value / second.value
            if _fits(mention.value, share, mention) or (_REST.search(text) and _fits(mention.value, unit - share, mention)):
                return f"{first.text} of {second.text}"
    return None
