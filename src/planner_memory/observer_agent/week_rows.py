"""Several numbers of one earlier week, told together: "the seven days before brought 13 finished tasks in 23 h 15 min".

Where the words say that it is an earlier week, what the numbers have in common says which one. A single number proves nothing.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from planner_memory.observer_agent.inferred_weeks import as_kind, measures_said
from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Kind, Mention
from planner_memory.observer_agent.scene import Scene
from planner_memory.observer_agent.verdicts import Verdict, Verdicts
from planner_memory.observer_agent.windows import windows_of

_ROW = re.compile(r"(?:^|\.)trend\.(?P<row>average|earlier_weeks\[(?P<week>\d+)\])\.(?P<leaf>\w+)$")
_NOUNS = (
    (re.compile(r"\s*(?:\w+\s+){0,2}?(?:meetings?|appointments?)\b", re.IGNORECASE), ("meetings",)),
    (re.compile(r"\s*(?:\w+\s+){0,2}?(?:switch\w*|changes)\b", re.IGNORECASE), ("context_switches",)),
    (re.compile(r"\s*(?:\w+\s+){0,2}?runs?\b", re.IGNORECASE), ("runs",)),
    (re.compile(r""), ("tasks_completed", "tasks_planned", "planned_tasks_completed")),
)
_PLAIN = 60  # a whole number of hours may be anything's
_LEAST = 2  # numbers that must be of one week


def told_together(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """Of those that no reader understood: they are of one week when the sentence speaks of one and two of its numbers fit it."""
    windows = windows_of(scene.text) or windows_of(scene.sentence.lead) or windows_of(scene.earlier)
    if not windows:
        return {}
    best: dict[int, Verdict] = {}
    for row, figures in _rows(scene).items():
        week = int(row.rpartition("[")[2].rstrip("]")) if row != "average" else None
        if week is not None and windows.weeks and week not in windows.weeks:
            continue
        fits = {n.start: leaf for n in scene.sentence.numbers if not n.is_each and (leaf := _fit(n, figures, scene))}
        found = {n.start: Verdict(n, "derived", f"trend.{row}.{fits[n.start]}", "") for n in numbers if n.start in fits}
        if len(fits) >= _LEAST and len(found) > len(best):
            best = found
    return best


def _rows(scene: Scene) -> dict[str, dict[str, tuple[Kind, Decimal]]]:
    rows: dict[str, dict[str, tuple[Kind, Decimal]]] = {}
    for claim in scene.claims:
        if (match := _ROW.search(claim.path)) is not None:
            rows.setdefault(match["row"], {})[match["leaf"]] = (claim.kind, claim.value)
    return rows


def _fit(number: Mention, figures: dict[str, tuple[Kind, Decimal]], scene: Scene) -> str | None:
    return next(iter(_fits(number, figures, scene)), None)


def _fits(number: Mention, figures: dict[str, tuple[Kind, Decimal]], scene: Scene) -> Iterator[str]:
    counted = next(leaves for noun, leaves in _NOUNS if noun.match(scene.sentence.after(number)))
    for leaf, (kind, value) in figures.items():
        if kind == "count" and leaf not in counted:
            continue
        readings = [each for each in as_kind(number, kind) if each.kind == number.kind or kind == "count" or number.kind == "count"]
        if not any(is_near(abs(each.value), value, each) for each in readings):
            continue
        said = measures_said(readings[0], scene)
        if kind == "count" or leaf in said or not said:
            yield leaf
