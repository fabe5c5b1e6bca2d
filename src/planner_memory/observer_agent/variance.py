"""Estimate against actual: for each task of a period, and for the workflows and templates that were used in it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from planner_memory.core.intervals import Interval
from planner_memory.observer_agent.rhythm import ended_in, percent
from planner_memory.ports.facts import FinishedRun

Direction = Literal["over", "under", "as estimated"]


@dataclass(frozen=True, slots=True)
class Variance:
    """One workflow or template over the runs that were finished in the period. `variance_percent` is the size, never negative."""

    kind: Literal["workflow", "template"]
    name: str
    runs: int
    estimated_minutes: int
    actual_minutes: int
    variance_percent: float
    direction: Direction


def compared(actual: Decimal, estimated: Decimal | None) -> tuple[float | None, Direction | None]:
    """How far off, in percent, and which way; None without an estimate."""
    if not estimated or estimated <= 0:
        return None, None
    size = percent(abs(actual - estimated), estimated)
    return size, "over" if actual > estimated else "under" if actual < estimated else "as estimated"


def variances(runs: Iterable[FinishedRun], window: Interval, label: Callable[[str], str] = str) -> list[Variance]:
    """Of the finished and estimated runs that ended in the window; the largest first."""
    groups: dict[tuple[Literal["workflow", "template"], str], list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for run in runs:
        if not (run.is_done and ended_in(run, window) and run.estimated_hours and run.estimated_hours > 0 and run.whole_hours is not None):
            continue
        pair = (run.estimated_hours, run.whole_hours)
        if run.workflow_id:
            groups["workflow", run.workflow_id].append(pair)
        if run.process_template_id:
            groups["template", run.process_template_id].append(pair)
    found = []
    for (kind, key), pairs in groups.items():
        estimated, actual = sum((e for e, _ in pairs), Decimal(0)), sum((a for _, a in pairs), Decimal(0))
        size, direction = compared(actual, estimated)
        assert size is not None
        assert direction is not None
        found.append(Variance(kind, label(key), len(pairs), round(estimated * 60), round(actual * 60), size, direction))
    return sorted(found, key=lambda v: (-v.variance_percent, v.kind, v.name))
