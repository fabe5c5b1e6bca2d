"""What has no place: why, the earliest it could be, and what would make it fit, each tried on the schedule as it stands."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from planner_memory.core.intervals import Interval
from planner_memory.scheduler_engine import reasons
from planner_memory.scheduler_engine.availability import Axis, ground
from planner_memory.scheduler_engine.board import Board
from planner_memory.scheduler_engine.jobs import GRID, Chunk, Job
from planner_memory.scheduler_engine.tasks import SMALLEST_CHUNK_MINUTES, SPLIT_ABOVE_MINUTES
from planner_memory.scheduler_engine.terms import BEYOND, Terms

Places = Sequence[tuple[tuple[int, int], ...] | None]
_TRIED = 25  # tasks that are taken out on trial, the cheapest first
_SHORTEST = 15


def text_of(at: datetime, terms: Terms) -> str:
    """An instant in the person's zone."""
    return at.astimezone(terms.hours.tz).isoformat()


def left_out(terms: Terms, taken: Sequence[Interval], axis: Axis, jobs: Sequence[Job], places: Places) -> list[dict[str, Any]]:
    """One JSON-ready entry per task without a place."""
    if all(places):
        return []
    where = ground(terms.hours, terms.window, taken, axis)
    empty, after = Board(jobs, where, terms.weights), _after_the_window(terms, taken, axis, jobs, places)
    full = standing(Board(jobs, where, terms.weights), places)
    cut = [_in_pieces(job) if not p and job.fixed_at is None else job for job, p in zip(jobs, places, strict=True)]
    split, after_cut = standing(Board(cut, where, terms.weights), places), _after_the_window(terms, taken, axis, cut, places)
    return [
        {
            "task_id": terms.tasks[i].task_id,
            "reason": reasons.why_left_out(i, terms.tasks, empty, places),
            "earliest_possible": text_of(axis.instant(after[i]), terms) if i in after else None,
            "fits_if": _fits_if(i, terms, full, split, axis, after.get(i), after_cut.get(i)),
        }
        for i, chunks in enumerate(places)
        if not chunks
    ]


def standing(board: Board, places: Places) -> Board:
    """Puts those places on a board, each at its cost."""
    for i in board.in_order(range(len(board.jobs))):
        chunks = places[i]
        if chunks:
            at = tuple(on_board(board, s, e) for s, e in chunks)
            board.put(i, (board.cost_of(i, at), at))
    return board


def on_board(board: Board, start: int, end: int) -> Chunk:
    """The chunk with its window, or with none when it stands outside today's hours or at a fixed time: it then takes no free time."""
    for w, (s, e) in enumerate(zip(board.starts, board.ends, strict=True)):
        if s <= start and end + board.buffer <= e:
            return (w, start, end)
    return (-1, start, end)


def _after_the_window(terms: Terms, taken: Sequence[Interval], axis: Axis, jobs: Sequence[Job], places: Places) -> dict[int, int]:
    """The first start of each task without a place when the window went on, with all that is placed done before."""
    later = Interval(terms.window.end, terms.window.end + BEYOND)
    board = Board(
        [replace(j, release=max(j.release, axis.minute_up(later.start))) for j in jobs], ground(terms.hours, later, taken, axis), terms.weights
    )
    for i, chunks in enumerate(places):
        if chunks:
            board.end[i] = 0
            board.place[i] = ()
    after: dict[int, int] = {}
    for i in board.in_order(sorted((i for i, p in enumerate(places) if not p), key=lambda i: (jobs[i].priority, i))):
        found = board.best(i)
        if found:
            board.put(i, found)
            after[i] = found[1][0][1]
    return after


def _fits_if(i: int, terms: Terms, full: Board, split: Board, axis: Axis, after: int | None, in_pieces: int | None) -> list[str]:
    waiting = [terms.tasks[j] for j in full.before[i] if full.place[j] is None]
    if waiting:
        return [f"Make room for {reasons.listed(waiting)} first."]
    found: list[str] = []
    job = full.jobs[i]
    if job.fixed_at is not None:
        return ["Move its fixed start, or leave the start open."] if Board.best(_open(full, i), i) else ["Leave the start open, and take more days."]
    if full.chunking[i] is None:
        if job.minutes > SMALLEST_CHUNK_MINUTES and (split.best(i) or (after is None and in_pieces is not None)):
            longer = "" if split.best(i) or in_pieces is None else f", and extend the window beyond {_told(in_pieces, axis, terms)}"
            found.append(f"Allow it to be split into pieces of {reasons.duration(SMALLEST_CHUNK_MINUTES)} or more{longer}.")
        room = _longest(full, i)
        if _SHORTEST <= room < job.minutes:
            found.append(f"Shorten it to {reasons.duration(room)}.")
    instead = _instead(i, full)
    if instead is not None:
        waits = " and what waits for it" if full.following[instead] else ""
        found.append(f"Leave out {reasons.called(terms.tasks[instead])} ({reasons.PRIORITY_NAMES[full.jobs[instead].priority]}){waits}.")
    if after is not None:
        found.append(f"Extend the window beyond {_told(after, axis, terms)}.")
    return found


def _told(minute: int, axis: Axis, terms: Terms) -> str:
    return reasons.local(axis.instant(minute), terms.hours.tz)


def _in_pieces(job: Job) -> Job:
    most = max(SMALLEST_CHUNK_MINUTES, min(SPLIT_ABOVE_MINUTES, job.minutes - GRID))
    return replace(job, min_chunk=min(job.minutes, SMALLEST_CHUNK_MINUTES), max_chunk=most)


def _open(board: Board, i: int) -> Board:
    """The same schedule, with no fixed start for that task."""
    jobs = [replace(j, fixed_at=None) if k == i else j for k, j in enumerate(board.jobs)]
    return standing(Board(jobs, board.ground, board.weights), board.spans())


def _longest(board: Board, i: int) -> int:
    limits = board.limits(i)
    if limits is None:
        return 0
    return max((min(e - board.buffer, limits[1]) - max(s, limits[0]) for gaps in board.free for s, e in gaps), default=0)


def _instead(i: int, board: Board) -> int | None:
    """The cheapest placed task that would have to go for this one, if it costs less to leave out; tried on the board, which is left as it was."""
    placed = (j for j, p in enumerate(board.place) if p and board.jobs[j].fixed_at is None and j not in board.before[i])
    for j in sorted(placed, key=lambda j: (board.out[j], j))[:_TRIED]:
        board.mark()
        board.lift_with_followers(j)
        fits = board.best(i) is not None
        board.back()
        if fits:
            return j
    return None
