"""Pattern performance: workflows and templates whose actual hours keep drifting from the raw estimate, or whose notes keep naming trouble.

The ratio is actual over RAW estimate. Over the corrected one it would settle at the wrong factor, because the correction feeds back.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Literal

from planner_memory.observer_agent.numbers import plain
from planner_memory.observer_agent.rhythm import percent
from planner_memory.ports.facts import FinishedRun

DRIFT_BEYOND = Decimal("0.30")
RUNS_AT_LEAST = 3
LOOK_BACK_DAYS = 90
_TROUBLE = re.compile(r"(?<!not )(?<!never )(?<!no longer )\b(blocked|delayed)\b", re.IGNORECASE)

Kind = Literal["workflow", "template"]


@dataclass(frozen=True, slots=True)
class Drift:
    """One pattern. `drift_percent` is the size of the drift over all runs together, never negative.

    `typical_factor` is the median of actual over estimate.
    """

    kind: Kind
    name: str
    direction: Literal["over", "under"]
    drift_percent: float
    runs: int
    runs_beyond_threshold: int
    estimated_minutes: int
    actual_minutes: int
    typical_factor: float
    suggestion: str


@dataclass(frozen=True, slots=True)
class RepeatedTrouble:
    kind: Kind
    name: str
    word: Literal["blocked", "delayed"]
    runs: int


_KINDS: tuple[tuple[Kind, Callable[[FinishedRun], str | None]], ...] = (
    ("workflow", lambda run: run.workflow_id),
    ("template", lambda run: run.process_template_id),
)


def _groups(runs: Iterable[FinishedRun]) -> dict[tuple[Kind, str], list[FinishedRun]]:
    groups: dict[tuple[Kind, str], list[FinishedRun]] = defaultdict(list)
    for run in runs:
        for kind, key_of in _KINDS:
            if key := key_of(run):
                groups[kind, key].append(run)
    return groups


def _suggestion(direction: str, factor: float) -> str:
    if (direction == "over") != (factor > 1):
        return "Most runs go as estimated and a few carry the drift: look at what made those different."
    if direction == "over":
        return f"Estimate it at {plain(factor)} times what you would say at first, or split it into smaller steps."
    return f"Estimate it at {plain(factor)} times what you would say at first; it leaves room for other work."


def drifts(runs: Iterable[FinishedRun], label: Callable[[str], str] = str) -> list[Drift]:
    """Patterns of three or more finished and estimated runs whose actual hours are more than 30 % off, the largest drift first."""
    found = []
    for (kind, key), group in _groups(runs).items():
        pairs = [(r.estimated_hours, r.whole_hours) for r in group if r.is_done and r.estimated_hours and r.whole_hours and r.estimated_hours > 0]
        estimated = sum((e for e, _ in pairs), Decimal(0))
        actual = sum((a for _, a in pairs), Decimal(0))
        if len(pairs) < RUNS_AT_LEAST or abs(actual - estimated) <= DRIFT_BEYOND * estimated:
            continue
        direction: Literal["over", "under"] = "over" if actual > estimated else "under"
        sign = 1 if direction == "over" else -1
        factor = round(float(median(a / e for e, a in pairs)), 2)
        found.append(
            Drift(
                kind=kind,
                name=label(key),
                direction=direction,
                drift_percent=percent(abs(actual - estimated), estimated) or 0.0,
                runs=len(pairs),
                runs_beyond_threshold=sum(sign * (a - e) > DRIFT_BEYOND * e for e, a in pairs),
                estimated_minutes=round(estimated * 60),
                actual_minutes=round(actual * 60),
                typical_factor=factor,
                suggestion=_suggestion(direction, factor),
            )
        )
    return sorted(found, key=lambda d: (-d.drift_percent, d.kind, d.name))


def repeated_trouble(runs: Iterable[FinishedRun], label: Callable[[str], str] = str) -> list[RepeatedTrouble]:
    """Patterns whose notes say "blocked", or "delayed", in three or more runs. "Not blocked" and "unblocked" do not count."""
    found: list[RepeatedTrouble] = []
    for (kind, key), group in _groups(runs).items():
        counts: dict[Literal["blocked", "delayed"], int] = {"blocked": 0, "delayed": 0}
        for run in group:
            for word in {m.group(1).lower() for m in _TROUBLE.finditer(run.outcome_notes or "")}:
                counts["blocked" if word == "blocked" else "delayed"] += 1
        found += [RepeatedTrouble(kind, label(key), word, count) for word, count in counts.items() if count >= RUNS_AT_LEAST]
    return sorted(found, key=lambda t: (-t.runs, t.kind, t.name, t.word))
