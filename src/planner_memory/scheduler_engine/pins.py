"""Blocks that a person put somewhere by hand, when their plan is scheduled anew: pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from planner_memory.core.intervals import Interval, clipped
from planner_memory.ports.schedules import SchedulerRun
from planner_memory.scheduler_engine.drafting import Draft
from planner_memory.scheduler_engine.tasks import Task, on_grid
from planner_memory.scheduler_engine.terms import Terms
from planner_memory.scheduler_engine.writing import Block, when


@dataclass(frozen=True, slots=True)
class Pins:
    """`blocks` stay as they are; `terms` are those of what is left to place round them."""

    blocks: Sequence[Block]
    terms: Terms

    @property
    def busy(self) -> list[Interval]:
        margin = timedelta(minutes=self.terms.hours.buffer_minutes)
        return [Interval(start - margin, end + margin) for start, end in map(when, self.blocks)]

    def with_them(self, found: Draft) -> Draft:
        blocks: list[dict[str, Any]] = [*found.blocks, *(dict(b) for b in self.blocks)]
        return replace(found, blocks=sorted(blocks, key=lambda b: (when(b)[0], b["task_id"])))


def stays(block: Block, now: datetime) -> bool:
    """Whether a new schedule of its plan leaves it: it is done, or it was moved by hand and its time has not passed."""
    return bool(block.get("done")) or (bool(block.get("pinned")) and when(block)[1] > now)


def pins_of(previous: SchedulerRun | None, terms: Terms, now: datetime) -> Pins:
    """What of the plan's applied run stays. A task that the request gives a start of its own stands there instead."""
    free = {t.task_id for t in terms.tasks if t.fixed_start is None}
    before = [b for b in previous.schedule_blocks if b["task_id"] in free] if previous else []
    kept = [b for b in before if stays(b, now)]
    if not kept:
        return Pins((), terms)
    open_ones = {b["task_id"] for b in before if not stays(b, now)}
    by_task: dict[str, list[Block]] = {}
    for block in kept:
        by_task.setdefault(block["task_id"], []).append(block)
    rest = [left for task in terms.tasks if (left := _rest(task, by_task.get(task.task_id, ()), is_partly=task.task_id in open_ones)) is not None]
    names = {t.task_id for t in rest}
    tasks = [_round_them(task, rest_names=names, by_task=by_task, tasks=terms.tasks, before=before, terms=terms) for task in rest]
    titles = dict.fromkeys(str(b["title"]) for b in kept if b.get("pinned"))
    notes = [f"“{title}” stays where you put it." for title in titles]
    return Pins(kept, replace(terms, tasks=tuple(tasks), notes=(*terms.notes, *notes)))


def to_keep(run: SchedulerRun, previous: SchedulerRun, now: datetime) -> list[Block]:
    """The blocks of the run that stands which a proposed one, made to replace it, has to have where they are."""
    if run.metadata.get("is_repair"):
        return [b for b in previous.schedule_blocks if b.get("pinned")]
    placed_elsewhere = {t["task_id"] for t in run.request.get("tasks") or () if t.get("fixed_start")}
    tasks = {each["task_id"] for each in (*run.schedule_blocks, *run.unscheduled)} - placed_elsewhere
    return [b for b in previous.schedule_blocks if b["task_id"] in tasks and stays(b, now)]


def _rest(task: Task, kept: Sequence[Block], *, is_partly: bool) -> Task | None:
    """What is left of a task beside its kept blocks. A block that was made shorter by hand is as long as it shall be."""
    if not kept:
        return task
    minutes = task.minutes - sum(int((end - start).total_seconds() // 60) for start, end in map(when, kept))
    if not is_partly or minutes <= 0:
        return None
    minutes = on_grid(minutes)
    return replace(task, minutes=minutes, min_chunk=min(task.min_chunk, minutes))


def _round_them(
    task: Task, *, rest_names: set[str], by_task: dict[str, list[Block]], tasks: Sequence[Task], before: Sequence[Block], terms: Terms
) -> Task:
    """The task after the kept blocks that it waits for, and before those that wait for it, unless a hand has turned that order round."""
    ended = [when(b)[1] for d in task.depends_on for b in by_task.get(d, ())]
    stood = [when(b)[1] for b in before if b["task_id"] == task.task_id]
    starts = [when(b)[0] for t in tasks if task.task_id in t.depends_on for b in by_task.get(t.task_id, ())]
    starts = [s for s in starts if s > terms.window.start and all(end <= s for end in stood)]
    within = task.within
    if starts:
        within = tuple(clipped(within or (terms.window,), Interval(terms.window.start, min(starts))))
    return replace(
        task,
        depends_on=tuple(d for d in task.depends_on if d in rest_names),
        earliest_start=max([*([task.earliest_start] if task.earliest_start else []), *ended], default=None),
        within=within,
    )
