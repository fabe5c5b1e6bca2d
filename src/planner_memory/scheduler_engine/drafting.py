"""From terms and busy time to a schedule: pure, so that it can run in a thread of its own."""

import hashlib
from base64 import b32hexencode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from planner_memory.core.intervals import Interval
from planner_memory.scheduler_engine import cost, reasons
from planner_memory.scheduler_engine.availability import Axis, free_time, ground
from planner_memory.scheduler_engine.jobs import Job
from planner_memory.scheduler_engine.leftovers import Places, left_out, text_of
from planner_memory.scheduler_engine.placement import place
from planner_memory.scheduler_engine.proposals import Proposal
from planner_memory.scheduler_engine.tasks import Task
from planner_memory.scheduler_engine.terms import Terms


@dataclass(frozen=True, slots=True)
class Draft:
    """What the search found, JSON-ready."""

    blocks: list[dict[str, Any]]
    unscheduled: list[dict[str, Any]]
    score: dict[str, Any]
    warnings: list[str]
    moved: list[str]
    proposal: Mapping[str, Any] | None = None


def event_id_of(run_id: UUID, task_id: str, chunk: int) -> str:
    """The same for the same chunk, in an alphabet that every calendar takes as an id (base32hex, lower case)."""
    digest = hashlib.sha256(f"{run_id}\0{task_id}\0{chunk}".encode()).digest()
    return "pm" + b32hexencode(digest[:20]).decode().lower()


def jobs_of(tasks: Sequence[Task], axis: Axis) -> list[Job]:
    index = {task.task_id: i for i, task in enumerate(tasks)}
    return [
        Job(
            key=t.task_id,
            minutes=t.minutes,
            priority=t.priority,
            release=max(0, axis.minute_up(t.earliest_start)) if t.earliest_start else 0,
            deadline=axis.wall(t.deadline) if t.deadline else None,
            after=tuple(index[d] for d in t.depends_on),
            min_chunk=t.min_chunk,
            max_chunk=t.max_chunk,
            energy=t.energy,
            fixed_at=axis.minute_up(t.fixed_start) if t.fixed_start else None,
            within=None if t.within is None else tuple((axis.minute_up(w.start), axis.minute(w.end)) for w in t.within),
        )
        for t in tasks
    ]


def draft(run_id: UUID, terms: Terms, busy: Sequence[Interval], proposal: Proposal | None = None, *, rounds: int | None = None) -> Draft:
    """Places the tasks and says why each stands where it does, or why it has no place."""
    axis = Axis.of(terms.window, terms.hours.tz)
    taken = [*busy, *terms.extra_busy]
    jobs = jobs_of(terms.tasks, axis)
    wishes = proposal.minutes(terms, axis) if proposal else ()
    found = place(jobs, ground(terms.hours, terms.window, taken, axis), seed=terms.seed, rounds=rounds, weights=terms.weights, wishes=wishes)
    blocks = [block for i, chunks in enumerate(found.places) if chunks for block in blocks_of(run_id, terms, i, chunks, axis)]
    if proposal is not None:
        terms = replace(terms, notes=(*terms.notes, *proposal.warnings))
    made = finished(terms, taken, axis, jobs, found.places, blocks, ())
    return made if proposal is None else replace(made, proposal=proposal.worth(found.cost_as_wished, found.cost))


def finished(
    terms: Terms, taken: Sequence[Interval], axis: Axis, jobs: Sequence[Job], places: Places, blocks: list[dict[str, Any]], moved: Sequence[str]
) -> Draft:
    """The draft of those places: with its cost, with reasons for what has none, and with warnings. `taken` is all that is busy."""
    warnings = list(terms.notes)
    warnings += reasons.overloads(terms.tasks, free_time(terms.hours, terms.window, taken), terms.hours.tz)
    left = left_out(terms, taken, axis, jobs, places)
    if left:
        named = reasons.listed([t for t, chunks in zip(terms.tasks, places, strict=True) if not chunks])
        warnings.append(f"{len(left)} of {len(terms.tasks)} tasks found no place, each with its reason: {named}.")
    outside = [_outside(t, chunks, terms, axis) for t, chunks in zip(terms.tasks, places, strict=True)]
    warnings += reasons.gave_way(terms.tasks, outside, {rule.energy: rule.source for rule in terms.rules if rule.kind == "band"})
    score = cost.score(
        [_placed(t, chunks, terms, axis, moved=t.task_id in moved) for t, chunks in zip(terms.tasks, places, strict=True) if chunks],
        [(t.minutes, t.priority) for t, chunks in zip(terms.tasks, places, strict=True) if not chunks],
        terms.weights,
    )
    return Draft(sorted(blocks, key=lambda b: (datetime.fromisoformat(b["start"]), b["task_id"])), left, score.document(), warnings, list(moved))


def _in_band(task: Task, start: datetime, terms: Terms) -> bool | None:
    """Whether a start lies in the task's energy band; None when it has none."""
    spans = terms.hours.bands.get(task.energy or "")
    if spans is None:
        return None
    local = start.astimezone(terms.hours.tz).time()
    return any(a <= local < b or (b == b.max and local >= a) for a, b in spans)


def _placed(task: Task, chunks: Sequence[tuple[int, int]], terms: Terms, axis: Axis, *, moved: bool = False) -> cost.Placed:
    outside = _outside(task, chunks, terms, axis)
    walls = [(axis.wall(axis.instant(s)), axis.wall(axis.instant(e))) for s, e in chunks]
    return cost.Placed(task.priority, axis.wall(task.deadline) if task.deadline else None, walls, outside, moved)


def _outside(task: Task, chunks: Sequence[tuple[int, int]] | None, terms: Terms, axis: Axis) -> int:
    """How many chunks start outside the task's energy band."""
    return sum(_in_band(task, axis.instant(s), terms) is False for s, _ in chunks or ())


def blocks_of(run_id: UUID, terms: Terms, i: int, chunks: Sequence[tuple[int, int]], axis: Axis) -> list[dict[str, Any]]:
    task, tz = terms.tasks[i], terms.hours.tz
    last = axis.instant(chunks[-1][1])
    before = [t for t in terms.tasks if t.task_id in task.depends_on]
    out = []
    for n, (s, e) in enumerate(chunks, 1):
        start, end = axis.instant(s), axis.instant(e)
        why = reasons.rationale(task, n, len(chunks), start, last, in_band=_in_band(task, start, terms), tz=tz, before=before)
        out.append(
            {
                "event_id": event_id_of(run_id, task.task_id, n),
                "task_id": task.task_id,
                "title": task.title,
                "start": text_of(start, terms),
                "end": text_of(end, terms),
                "billable": task.billable,
                "rationale": why,
                "calendar_link": None,
            }
        )
    return out
