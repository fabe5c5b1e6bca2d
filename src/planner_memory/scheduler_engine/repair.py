"""Mends a schedule after the calendar has changed, and moves as little of it as it can."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from planner_memory.core.intervals import Interval, clipped, merged
from planner_memory.scheduler_engine.availability import Axis, ground
from planner_memory.scheduler_engine.board import Board
from planner_memory.scheduler_engine.drafting import Draft, blocks_of, finished, jobs_of
from planner_memory.scheduler_engine.jobs import Ground, Job
from planner_memory.scheduler_engine.leftovers import Places, standing
from planner_memory.scheduler_engine.quarters import to_quarters
from planner_memory.scheduler_engine.search import Search
from planner_memory.scheduler_engine.tasks import Task
from planner_memory.scheduler_engine.terms import Terms
from planner_memory.scheduler_engine.writing import when

_RELUCTANCE = 8  # a move has to be worth this many times its cost: measured, 4 % of the blocks move for 13 % above a fresh search
_ROUNDS = 300


def repair(
    run_id: UUID,
    terms: Terms,
    busy: Sequence[Interval],
    blocks: Sequence[Mapping[str, Any]],
    now: datetime,
    *,
    rounds: int = _ROUNDS,
) -> Draft:
    """Moves the tasks that collide with what is busy now, then what waits for them and no longer can; everything else stays.

    Blocks that have begun, that are done, or that a person put somewhere by hand stay as they are; only the rest of their tasks can move.
    """
    axis = Axis.of(terms.window, terms.hours.tz)
    taken = merged([*busy, *terms.extra_busy])
    begun: dict[str, list[Mapping[str, Any]]] = {}
    ahead: dict[str, list[Mapping[str, Any]]] = {}
    for block in blocks:
        stays = datetime.fromisoformat(block["start"]) < now or block.get("pinned") or block.get("done")
        (begun if stays else ahead).setdefault(block["task_id"], []).append(block)
    pinned_spans = {t: [when(b) for b in each if b.get("pinned") and when(b)[0] >= now] for t, each in begun.items()}
    tasks, places = [], []
    for task in terms.tasks:
        rest = ahead.get(task.task_id)
        if rest is None and task.task_id in begun:
            continue  # all of it has begun
        minutes = sum(_minutes(b) for b in rest) if rest else task.minutes
        waits = tuple(d for d in task.depends_on if d in ahead or d not in begun)
        ended = [datetime.fromisoformat(b["end"]) for d in task.depends_on for b in begun.get(d, ())]
        ended += [datetime.fromisoformat(b["end"]) for b in begun.get(task.task_id, ()) if not b.get("pinned")]
        # what waits for this one and was put somewhere by hand stays there: if it stands behind it now, it shall go on doing so
        ends = max((when(b)[1] for b in rest), default=now) if rest else now
        waiting = [s for t in terms.tasks if task.task_id in t.depends_on for s, _ in pinned_spans.get(t.task_id, ()) if s >= ends]
        tasks.append(
            replace(
                task,
                minutes=minutes,
                min_chunk=min(task.min_chunk, minutes),
                depends_on=waits,
                earliest_start=max([*([task.earliest_start] if task.earliest_start else []), *ended, now]),
                within=_before(task.within, min(waiting), terms) if waiting else task.within,
            )
        )
        places.append(tuple((axis.minute(datetime.fromisoformat(b["start"])), axis.minute(datetime.fromisoformat(b["end"]))) for b in rest or ()))
    left = replace(terms, tasks=tuple(tasks))
    jobs = jobs_of(tasks, axis)
    kept = [Interval(datetime.fromisoformat(b["start"]), datetime.fromisoformat(b["end"])) for each in begun.values() for b in each]
    pinned = [task.fixed_start is not None for task in tasks]
    margin = timedelta(minutes=left.hours.buffer_minutes)
    near = [Interval(each.start - margin, each.end + margin) for each in (*taken, *kept)]
    collides = [any(Interval(axis.instant(s), axis.instant(e)).overlaps(t) for s, e in chunks for t in near) for chunks in places]
    collides = [hit or _comes_too_early(task, chunks, pinned_spans, axis) for hit, task, chunks in zip(collides, tasks, places, strict=True)]
    stuck = [t.title for t, hit, fixed in zip(tasks, collides, pinned, strict=True) if hit and fixed]
    collides = [hit and not fixed for hit, fixed in zip(collides, pinned, strict=True)]
    left = replace(left, notes=(*left.notes, *(f"{title} stays at the time you set, though the calendar is busy then." for title in stuck)))
    where = ground(left.hours, left.window, [*taken, *kept], axis)
    # a block that a person put outside their hours stays there, and nothing may be put on it
    kept += [
        Interval(axis.instant(s), axis.instant(e))
        for chunks, hit in zip(places, collides, strict=True)
        if not hit
        for s, e in chunks
        if not any(a <= s and e <= b for a, b in where.windows)
    ]
    released = _released(jobs, ground(left.hours, left.window, [*taken, *kept], axis), places, collides, left, rounds)
    moved = [tasks[i].task_id for i, (old, new) in enumerate(zip(places, released, strict=True)) if old and tuple(new or ()) != old]
    out = [dict(b) for each in begun.values() for b in each]
    for i, chunks in enumerate(released):
        if chunks and chunks == places[i]:
            out += [dict(b) for b in ahead[tasks[i].task_id]]
        elif chunks:
            fresh = blocks_of(run_id, left, i, chunks, axis)
            for old, new in zip(ahead.get(tasks[i].task_id, ()), fresh, strict=False):
                new["event_id"], new["calendar_link"] = old["event_id"], old.get("calendar_link")
            out += fresh
    return finished(left, [*taken, *kept], axis, jobs, released, out, moved)


def _released(
    jobs: Sequence[Job], where: Ground, places: Sequence[tuple[tuple[int, int], ...]], collides: Sequence[bool], terms: Terms, rounds: int
) -> Places:
    """Puts what collides at its cheapest places among what stays, then searches a while for moves that are worth what a move costs."""
    board = Board(jobs, where, replace(terms.weights, moved=_RELUCTANCE * terms.weights.moved))
    stays = [chunks if chunks and not hit else None for chunks, hit in zip(places, collides, strict=True)]
    standing(board, stays)
    board.home = list(board.place)
    frozen = frozenset(i for i, p in enumerate(board.place) if p and (jobs[i].fixed_at is not None or any(w < 0 for w, _, _ in p)))
    for i in board.in_order(range(len(jobs))):
        if board.place[i] is not None:
            continue
        found = board.best(i)
        if found is None:
            for j in board.following[i]:
                if board.place[j] is not None and j not in frozen:
                    board.lift_with_followers(j)
            found = board.best(i)
        if found:
            board.put(i, found)
    search = Search(board, random.Random(terms.seed), frozen)  # noqa: S311 – a search, not a secret
    search.take()
    search.run(rounds)
    search.restore()
    to_quarters(board)
    return board.spans()


def _minutes(block: Mapping[str, Any]) -> int:
    lasts = datetime.fromisoformat(block["end"]) - datetime.fromisoformat(block["start"])
    return int(lasts.total_seconds() // 60)


def _before(within: tuple[Interval, ...] | None, at: datetime, terms: Terms) -> tuple[Interval, ...]:
    return tuple(clipped(within or (terms.window,), Interval(terms.window.start, max(at, terms.window.start))))


def _comes_too_early(task: Task, chunks: Sequence[tuple[int, int]], pinned: Mapping[str, Sequence[tuple[datetime, datetime]]], axis: Axis) -> bool:
    """Whether it stands before the end of something that it waits for and that was put there by hand."""
    ends = [end for d in task.depends_on for _, end in pinned.get(d, ())]
    return bool(ends) and any(axis.instant(start) < max(ends) for start, _ in chunks)
