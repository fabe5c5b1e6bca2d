"""Why a task has its place or none, and whether the tasks can fit at all."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
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


def due(at: datetime, tz: ZoneInfo) -> str:
    """A deadline as people say it: midnight is the end of the day before."""
    there = at.astimezone(tz)
    if there.time() == time.min:
        return f"the end of {there.date() - timedelta(days=1):%a %d %b}"
    return local(at, tz)


def called(task: Task) -> str:
    return f"“{task.title}”" if task.title != task.task_id else task.task_id


def listed(tasks: Sequence[Task]) -> str:
    """At most three of them by name."""
    named = [called(t) for t in tasks[:3]]
    rest = len(tasks) - len(named)
    return ", ".join(named) + (f" and {rest} more" if rest else "")


def rationale(
    task: Task, chunk: int, chunks: int, start: datetime, end: datetime, *, in_band: bool | None, tz: ZoneInfo, before: Sequence[Task] = ()
) -> str:
    """Why a block stands where it does, in one sentence of facts. `end` is the whole task's, `before` are the tasks that it waits for."""
    parts = []
    if chunks > 1:
        parts.append(f"part {chunk} of {chunks}")
    if task.fixed_start is not None:
        parts.append("at the time you set")
    if before and chunk == 1:
        parts.append(f"after {listed(before)}")
    asked = task.earliest_start
    if asked is not None and chunk == 1 and asked <= start and asked.astimezone(tz).date() == start.astimezone(tz).date():
        parts.append("on the first day you allow")
    if task.note:
        parts.append(task.note)
    if task.energy and in_band is not None:
        parts.append(
            f"in your {task.energy}-energy hours" if in_band else f"outside your {task.energy}-energy hours, which would have cost more to keep"
        )
    if task.deadline is not None:
        parts.append(_against_deadline(task.deadline, end, tz))
    elif task.fixed_start is None:
        parts.append(f"as early as other work allows (priority {PRIORITY_NAMES[task.priority]})")
    text = "; ".join(parts) or f"priority {PRIORITY_NAMES[task.priority]}"
    return f"{text[:1].upper()}{text[1:]}."


def _against_deadline(deadline: datetime, end: datetime, tz: ZoneInfo) -> str:
    if end > deadline:
        return f"{_apart(end - deadline)} late: it was due {due(deadline, tz)}"
    if end == deadline:
        return f"done just when it is due, {due(deadline, tz)}"
    return f"done {_apart(deadline - end)} before it is due, {due(deadline, tz)}"


def _apart(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    days = minutes // 1440
    return f"{days} day{'s' if days > 1 else ''}" if days else duration(minutes)


def why_left_out(i: int, tasks: Sequence[Task], board: Board, places: Sequence[object | None]) -> str:
    """The first reason that holds, hardest first. `board` is empty: nothing has been put on it."""
    task, job = tasks[i], board.jobs[i]
    waiting = [tasks[j] for j in job.after if places[j] is None]
    if waiting:
        return f"It waits for {listed(waiting)}, which could not be placed."
    if job.fixed_at is not None:
        return "At its fixed start you are busy, not working, outside the window, or what it waits for ends later. Free that time or move the start."
    if task.within is not None and board.best(i) is None and not job.after:
        allowed = task.note or "between the given times"
        return f"On the days and at the times allowed for it ({allowed}) no {duration(task.minutes)} are free in your hours."
    chunking = board.chunking[i]
    if chunking is not None and not chunking.possible(job.minutes):
        bounds = f"{duration(job.min_chunk)} to {duration(job.max_chunk)}"
        return f"{duration(job.minutes)} cannot be cut into pieces of {bounds}. Allow smaller or larger pieces."
    return _no_room(task, board, i, chunking, [tasks[j] for j, p in enumerate(places) if p])


def _no_room(task: Task, board: Board, i: int, chunking: Chunking | None, placed: Sequence[Task]) -> str:
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
        rank = PRIORITY_NAMES[task.priority]
        ahead = sorted((t for t in placed if t.priority <= task.priority), key=lambda t: (t.priority, -t.minutes))
        kept = f" Of {rank} priority, it costs less to leave out than {listed(ahead)}." if ahead else ""
        return f"{duration(asked)} are asked for and {duration(free)} are free, so something has to stay out.{kept}"
    if job.after or job.release > 0:
        return "After what it waits for and its earliest start, no room is left for it before the window ends."
    return "The free time left is too scattered for it: no place is long enough before the window ends."


def overloads(tasks: Sequence[Task], free: Sequence[Interval], tz: ZoneInfo) -> list[str]:
    """Where the tasks due by an instant ask for more than is free until then: no order of work can keep those deadlines."""
    found, worst = [], 0
    for deadline in sorted({t.deadline for t in tasks if t.deadline is not None}):
        asked = sum(t.minutes for t in tasks if t.deadline is not None and t.deadline <= deadline)
        room = int(sum((min(f.end, deadline) - f.start).total_seconds() for f in free if f.start < deadline) // 60)
        if asked - room > worst:  # a later deadline is worth a word only when still more is too much
            worst = asked - room
            found.append(
                f"{duration(worst)} too much before {due(deadline, tz)}: what is due by then needs {duration(asked)}, and {duration(room)} are free. "
                "Some of it will be late or left out, in whatever order you work."
            )
    return found[:3]


def gave_way(tasks: Sequence[Task], outside: Sequence[int], said: Mapping[str, str]) -> list[str]:
    """Which energy hours could not be kept. `outside` counts per task the blocks that start outside its band, `said` are the words behind a band."""
    found = []
    for energy in ("high", "medium", "low"):
        each = [(t, n) for t, n in zip(tasks, outside, strict=True) if n and t.energy == energy]
        if each:
            blocks = sum(n for _, n in each)
            what = f"{blocks} blocks start" if blocks > 1 else "1 block starts"
            though = f", though you said “{said[energy]}”" if energy in said else ""
            found.append(f"{what} outside your {energy}-energy hours{though} ({listed([t for t, _ in each])}): keeping them would have cost more.")
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
