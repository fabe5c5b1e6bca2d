"""Why a task has its place or none, and whether the tasks can fit at all."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from planner_memory.core.intervals import Interval
from planner_memory.scheduler_engine.board import Board
from planner_memory.scheduler_engine.chunking import Chunking
from planner_memory.scheduler_engine.tasks import Task

PRIORITY_NAMES = {1: "urgent", 2: "high", 3: "medium", 4: "low"}


def duration(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours and rest else f"{hours} h" if hours else f"{rest} min"


def local(at: datetime, tz: ZoneInfo) -> str:
    return at.astimezone(tz).strftime("%a %d %b %H:%M")


def rationale(task: Task, chunk: int, chunks: int, start: datetime, end: datetime, *, in_band: bool | None, tz: ZoneInfo) -> str:
    """Why a block stands where it does, in one sentence of facts."""
    parts = []
    if task.fixed_start is not None:
        parts.append("at the time you set")
    if chunks > 1:
        parts.append(f"part {chunk} of {chunks}")
    if task.depends_on:
        parts.append(f"after {', '.join(task.depends_on)}")
    if task.note:
        parts.append(task.note)
    if task.energy and in_band is not None:
        parts.append(f"{'in' if in_band else 'outside'} your {task.energy}-energy hours")
    if task.deadline is not None:
        late = end > task.deadline
        parts.append(f"late: it was due {local(task.deadline, tz)}" if late else f"due {local(task.deadline, tz)}")
    parts.append(f"priority {PRIORITY_NAMES[task.priority]}")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def why_left_out(i: int, tasks: Sequence[Task], board: Board, places: Sequence[object | None]) -> str:
    """The first reason that holds, hardest first. `board` is empty: nothing has been put on it."""
    task, job = tasks[i], board.jobs[i]
    waiting = [tasks[j].task_id for j in job.after if places[j] is None]
    if waiting:
        return f"It waits for {', '.join(waiting)}, which could not be placed."
    if job.fixed_at is not None:
        return "At its fixed start you are busy, not working, outside the window, or what it waits for ends later. Free that time or move the start."
    if task.within is not None and board.best(i) is None and not job.after:
        allowed = task.note or "between the given times"
        return f"On the days and at the times allowed for it ({allowed}) no {duration(task.minutes)} are free in your hours."
    chunking = board.chunking[i]
    if chunking is not None and not chunking.possible(job.minutes):
        bounds = f"{duration(job.min_chunk)} to {duration(job.max_chunk)}"
        return f"{duration(job.minutes)} cannot be cut into pieces of {bounds}. Allow smaller or larger pieces."
    return _no_room(task, board, i, chunking)


def _no_room(task: Task, board: Board, i: int, chunking: Chunking | None) -> str:
    job = board.jobs[i]
    rooms = [e - max(s, job.release) - board.buffer for s, e in zip(board.starts, board.ends, strict=True) if e > job.release]
    longest, least = max(rooms, default=0), chunking.smallest if chunking else job.minutes
    if longest < least:
        after = " after its earliest start" if job.release > 0 else ""
        hint = " Allow it to be split." if chunking is None and task.minutes > 30 else ""
        piece = duration(least) + (" in one piece" if chunking is None else " at a time")
        return f"It needs {piece}; the longest free time{after} is {duration(max(0, longest))}.{hint}"
    if board.latest[i] < 1 << 40 and chunking is None and board.best(i) is None and not job.after:
        return "It has to end before a task with a fixed start, and there is no room before that."
    free = sum(max(0, room) for room in rooms)
    asked = sum(j.minutes for j in board.jobs)
    if asked > free:
        return f"The tasks ask for {duration(asked)}, and {duration(free)} are free: tasks that cost more to leave out took the room. Take more days."
    return "What it waits for, its length and its earliest start leave no room for it before the window ends. Take more days."


def overloads(tasks: Sequence[Task], free: Sequence[Interval], tz: ZoneInfo) -> list[str]:
    """Where the tasks due by an instant ask for more than is free until then: no order of work can keep those deadlines."""
    found = []
    for due in sorted({t.deadline for t in tasks if t.deadline is not None}):
        asked = sum(t.minutes for t in tasks if t.deadline is not None and t.deadline <= due)
        room = int(sum((min(f.end, due) - f.start).total_seconds() for f in free if f.start < due) // 60)
        if asked > room:
            found.append(f"Tasks due by {local(due, tz)} need {duration(asked)}, and {duration(room)} are free until then: some will be late.")
    return found[:3]


def gave_way(tasks: Sequence[Task], outside: Sequence[int]) -> list[str]:
    """Which energy hours could not be kept. `outside` counts per task the blocks that start outside its band."""
    found = []
    for energy in ("high", "medium", "low"):
        each = [(t.title, n) for t, n in zip(tasks, outside, strict=True) if n and t.energy == energy]
        if each:
            named = ", ".join(title for title, _ in each[:3]) + (f" and {len(each) - 3} more" if len(each) > 3 else "")
            blocks = sum(n for _, n in each)
            what = f"{blocks} blocks start" if blocks > 1 else "1 block starts"
            found.append(f"{what} outside your {energy}-energy hours, where keeping them costs more: {named}.")
    return found


def reserve(estimates: Sequence[Mapping[str, float]], whole: Mapping[str, float] | None) -> dict[str, float] | None:
    """How much longer the plan may well take: the whole's own quantiles, else the steps' spreads added as independent ones (root of squares)."""
    if whole and whole.get("p50") is not None and whole.get("p80") is not None:
        p50, p80 = float(whole["p50"]), float(whole["p80"])
    elif estimates:
        p50 = sum(float(e["p50"]) for e in estimates)
        p80 = p50 + sum((float(e["p80"]) - float(e["p50"])) ** 2 for e in estimates) ** 0.5
    else:
        return None
    return {"p50_hours": round(p50, 2), "p80_hours": round(p80, 2), "reserve_hours": round(max(0.0, p80 - p50), 2)}
