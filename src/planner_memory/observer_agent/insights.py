"""What weeks of runs say about how the person works: sentences for the memory, each with the runs that it rests on.

A sentence holds rounded numbers, so that another week of the same says the same sentence.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from statistics import median
from zoneinfo import ZoneInfo

from planner_memory.observer_agent.numbers import plain
from planner_memory.observer_agent.rhythm import task_of
from planner_memory.ports.facts import FinishedRun, ScheduledBlock

RUNS_AT_LEAST, WEEKS_AT_LEAST = 5, 2
FACTOR_BEYOND = 0.3  # the median of actual over raw estimate is at least that far from 1 …
AGREE_AT_LEAST = 0.7  # … and so many of the runs lie on its side of 1
BLOCKS_AT_LEAST, DAYS_AT_LEAST = 8, 6
LATE_DONE_AT_MOST, EARLY_DONE_AT_LEAST = 0.2, 0.6
_HOURS = range(13, 20)
_EVIDENCE_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Insight:
    """`key` names what it is about; `client_id` None: it rests on the work for several clients, so it is the person's own."""

    key: str
    content: str
    client_id: str | None
    evidence: tuple[str, ...]  # ids of runs, or of the tasks of blocks
    evidence_runs: int


def learnt(runs: Sequence[FinishedRun], blocks: Sequence[ScheduledBlock], tz: ZoneInfo, label: Callable[[str], str] = str) -> list[Insight]:
    """All that the evidence is enough for. Blocks must have ended."""
    late = late_hours(runs, blocks, tz)
    return [*factors(runs, tz, label), *([late] if late else [])]


def factors(runs: Iterable[FinishedRun], tz: ZoneInfo, label: Callable[[str], str] = str) -> list[Insight]:
    """Workflows and templates that take another time than estimated: in five runs or more of two weeks or more, seven in ten of which agree.

    The ratio is of actual to raw estimate: over corrected estimates it would correct itself away.
    """
    groups: dict[tuple[str, str], list[tuple[FinishedRun, float]]] = defaultdict(list)
    for run in runs:
        if not (run.is_done and run.estimated_hours and run.estimated_hours > 0 and run.whole_hours):
            continue
        ratio = float(Decimal(run.whole_hours) / run.estimated_hours)
        if run.workflow_id:
            groups["workflow", run.workflow_id].append((run, ratio))
        if run.process_template_id:
            groups["template", run.process_template_id].append((run, ratio))
    found = []
    for (kind, name), group in sorted(groups.items(), key=lambda item: item[0]):
        middle = median(ratio for _, ratio in group)
        weeks = {run.ended_at.astimezone(tz).isocalendar()[:2] for run, _ in group}
        agree = sum((ratio > 1) == (middle > 1) for _, ratio in group) / len(group)
        if len(group) < RUNS_AT_LEAST or len(weeks) < WEEKS_AT_LEAST or abs(middle - 1) <= FACTOR_BEYOND or agree < AGREE_AT_LEAST:
            continue
        found.append(
            Insight(
                key=f"factor:{kind}:{name}",
                content=f"The {kind} “{label(name)}” takes {plain(round(middle, 1))} times the estimate.",
                client_id=_one_client(run.client_id for run, _ in group),
                evidence=tuple(run.run_id for run, _ in group[-_EVIDENCE_SHOWN:]),
                evidence_runs=len(group),
            )
        )
    return found


def late_hours(runs: Iterable[FinishedRun], blocks: Sequence[ScheduledBlock], tz: ZoneInfo) -> Insight | None:
    """The earliest hour from which on planned work does not get done on its day, while earlier work does."""
    done: dict[str, set[date]] = defaultdict(set)
    for run in runs:
        if run.is_done:
            done[task_of(run)].add(run.ended_at.astimezone(tz).date())
    kept = [(block, local.hour, local.date() in done[block.task_id]) for block in blocks for local in [block.starts_at.astimezone(tz)]]
    for hour in _HOURS:
        late = [(block, was_done) for block, start, was_done in kept if start >= hour]
        early = [was_done for _, start, was_done in kept if start < hour]
        days = {block.starts_at.astimezone(tz).date() for block, _ in late}
        if len(late) < BLOCKS_AT_LEAST or len(days) < DAYS_AT_LEAST or len(early) < BLOCKS_AT_LEAST:
            continue
        if sum(was for _, was in late) / len(late) <= LATE_DONE_AT_MOST and sum(early) / len(early) >= EARLY_DONE_AT_LEAST:
            amount = "Nothing" if not any(was for _, was in late) else "Little of what is"
            last = min(start for _, start, _ in kept if start >= hour)
            return Insight(
                key="late_hours",
                content=f"{amount} planned after {last}:00 gets done. No work after {last}:00.",  # the second half is what the scheduler reads
                client_id=None,
                evidence=tuple(sorted({block.task_id for block, _ in late}))[:_EVIDENCE_SHOWN],
                evidence_runs=len(late),
            )
    return None


def _one_client(clients: Iterable[str | None]) -> str | None:
    found = set(clients)
    return found.pop() if len(found) == 1 else None
