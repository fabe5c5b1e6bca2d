"""From a request, a profile and busy time to a schedule: pure, so that it can run in a thread of its own."""

import hashlib
from base64 import b32hexencode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from planner_memory.core.errors import InvalidInput
from planner_memory.core.intervals import Interval, merged
from planner_memory.core.local_time import days_between, instant, zone
from planner_memory.core.profile import Profile
from planner_memory.scheduler_engine import cost, reasons
from planner_memory.scheduler_engine.availability import Axis, Hours, free_time, ground
from planner_memory.scheduler_engine.board import Board
from planner_memory.scheduler_engine.holidays_of import public_holidays
from planner_memory.scheduler_engine.jobs import Chunk, Job
from planner_memory.scheduler_engine.placement import place
from planner_memory.scheduler_engine.schemas import BusyIn, ScheduleIn, TaskIn
from planner_memory.scheduler_engine.tasks import PRIORITIES, Task, check_tasks, chunk_bounds, on_grid

DEFAULT_WINDOW = timedelta(days=14)
LONGEST_WINDOW = timedelta(days=366)
BEYOND = timedelta(days=28)  # how far after the window a place is looked for that is only told, not taken
Places = Sequence[tuple[tuple[int, int], ...] | None]


@dataclass(frozen=True, slots=True)
class Terms:
    """All that decides a schedule but the busy time of the calendar."""

    tasks: tuple[Task, ...]
    window: Interval
    hours: Hours
    extra_busy: tuple[Interval, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Draft:
    """What the search found, JSON-ready."""

    blocks: list[dict[str, Any]]
    unscheduled: list[dict[str, Any]]
    score: dict[str, Any]
    warnings: list[str]
    moved: list[str]


def terms_of(body: ScheduleIn, profile: Profile, now: datetime, plan_tasks: Sequence[Task] = ()) -> Terms:
    """Reads a request against the profile; what the request says wins.

    Raises:
        InvalidInput: an unknown zone, a window that ends before it starts, tasks that repeat or wait in a circle.
    """
    tz = zone(body.time_zone or profile.time_zone)
    limits = body.constraints
    start = instant(limits.start_date, tz, field="constraints.start_date") if limits and limits.start_date else now
    end = instant(limits.end_date, tz, is_end=True, field="constraints.end_date") if limits and limits.end_date else start + DEFAULT_WINDOW
    if end <= start:
        raise InvalidInput("The window ends before it starts. Give an end_date after the start_date.", field="constraints.end_date")
    if end - start > LONGEST_WINDOW:
        raise InvalidInput("The window is longer than a year. Give an earlier end_date.", field="constraints.end_date")
    window = Interval(start, end)
    if body.tasks:
        tasks = [_task(t, i, tz, profile.largest_task_minutes) for i, t in enumerate(body.tasks)]
    else:
        tasks = list(plan_tasks)
    check_tasks(tasks)
    return Terms(tuple(tasks), window, hours_of(body, profile, window), busy_of(body.extra_busy or (), tz), body.seed or 0)


def hours_of(body: ScheduleIn | None, profile: Profile, window: Interval) -> Hours:
    tz = zone((body and body.time_zone) or profile.time_zone)
    days = days_between(Interval(window.start, window.end + BEYOND), tz)
    return Hours(
        tz=tz,
        working=body.working_hours.by_day() if body and body.working_hours else profile.working_hours,
        exceptions=profile.exceptions,
        holidays=public_holidays(profile.holidays_country, {d.year for d in days}) if profile.holidays_country else frozenset(),
        bands=body.energy_bands.by_name() if body and body.energy_bands else profile.energy_bands,
        buffer_minutes=body.buffer_minutes if body and body.buffer_minutes is not None else profile.buffer_minutes,
    )


def busy_of(given: Sequence[BusyIn], tz: Any) -> tuple[Interval, ...]:
    found = []
    for i, each in enumerate(given):
        start = instant(each.start, tz, field=f"extra_busy[{i}].start")
        end = instant(each.end, tz, is_end=True, field=f"extra_busy[{i}].end")
        if end <= start:
            raise InvalidInput("This busy time ends before it starts.", field=f"extra_busy[{i}].end")
        found.append(Interval(start, end))
    return tuple(found)


def _task(given: TaskIn, i: int, tz: Any, largest: int | None) -> Task:
    minutes = on_grid(given.estimated_minutes if given.estimated_minutes is not None else (given.estimated_hours or 0) * 60)
    least, most = chunk_bounds(minutes, given.splittable, given.min_chunk_minutes, given.max_chunk_minutes, largest)

    def at(name: str, *, is_end: bool = False) -> datetime | None:
        value = getattr(given, name)
        return instant(value, tz, is_end=is_end, field=f"tasks[{i}].{name}") if value else None

    return Task(
        task_id=given.task_id,
        title=given.title or given.task_id,
        minutes=minutes,
        priority=given.priority if isinstance(given.priority, int) else PRIORITIES[given.priority or "medium"],
        deadline=at("deadline", is_end=True),
        earliest_start=at("earliest_start"),
        depends_on=tuple(dict.fromkeys(given.depends_on or ())),
        min_chunk=least,
        max_chunk=most,
        energy=given.energy,
        billable=given.billable,
        fixed_start=at("fixed_start"),
        description=given.description,
    )


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
        )
        for t in tasks
    ]


def draft(run_id: UUID, terms: Terms, busy: Sequence[Interval], *, rounds: int | None = None) -> Draft:
    """Places the tasks and says why each stands where it does, or why it has no place."""
    axis = Axis.of(terms.window, terms.hours.tz)
    taken = [*busy, *terms.extra_busy]
    jobs = jobs_of(terms.tasks, axis)
    found = place(jobs, ground(terms.hours, terms.window, taken, axis), seed=terms.seed, rounds=rounds)
    blocks = [block for i, chunks in enumerate(found.places) if chunks for block in _blocks(run_id, terms, i, chunks, axis)]
    return _finished(terms, taken, axis, jobs, found.places, blocks, ())


def _finished(
    terms: Terms, taken: Sequence[Interval], axis: Axis, jobs: Sequence[Job], places: Places, blocks: list[dict[str, Any]], moved: Sequence[str]
) -> Draft:
    warnings = reasons.overloads(terms.tasks, free_time(terms.hours, terms.window, taken), terms.hours.tz)
    left = _left_out(terms, taken, axis, jobs, places)
    if left:
        warnings.append(f"{len(left)} of {len(terms.tasks)} tasks could not be placed; the reasons stand with them.")
    score = cost.score(
        [_placed(t, chunks, terms, axis, moved=t.task_id in moved) for t, chunks in zip(terms.tasks, places, strict=True) if chunks],
        [(t.minutes, t.priority) for t, chunks in zip(terms.tasks, places, strict=True) if not chunks],
        cost.Weights(),
    )
    return Draft(sorted(blocks, key=lambda b: (datetime.fromisoformat(b["start"]), b["task_id"])), left, score.document(), warnings, list(moved))


def _left_out(terms: Terms, taken: Sequence[Interval], axis: Axis, jobs: Sequence[Job], places: Places) -> list[dict[str, Any]]:
    if all(places):
        return []
    empty = Board(jobs, ground(terms.hours, terms.window, taken, axis), cost.Weights())
    later = Interval(terms.window.end, terms.window.end + BEYOND)
    board = Board(
        [replace(j, release=max(j.release, axis.minute_up(later.start))) for j in jobs], ground(terms.hours, later, taken, axis), cost.Weights()
    )
    for i, chunks in enumerate(places):
        if chunks:
            board.end[i] = 0  # done before: what waits for it may start
            board.place[i] = ()
    after: dict[int, int] = {}
    for i in board.in_order(sorted((i for i, p in enumerate(places) if not p), key=lambda i: (jobs[i].priority, i))):
        where = board.best(i)
        if where:
            board.put(i, where)
            after[i] = where[1][0][1]
    return [
        {
            "task_id": terms.tasks[i].task_id,
            "reason": reasons.why_left_out(i, terms.tasks, empty, places),
            "earliest_possible": _text(axis.instant(after[i]), terms) if i in after else None,
        }
        for i, chunks in enumerate(places)
        if not chunks
    ]


def _text(at: datetime, terms: Terms) -> str:
    return at.astimezone(terms.hours.tz).isoformat()


def _in_band(task: Task, start: datetime, terms: Terms) -> bool | None:
    """Whether a start lies in the task's energy band; None when it has none."""
    spans = terms.hours.bands.get(task.energy or "")
    if spans is None:
        return None
    local = start.astimezone(terms.hours.tz).time()
    return any(a <= local < b or (b == b.max and local >= a) for a, b in spans)


def _placed(task: Task, chunks: Sequence[tuple[int, int]], terms: Terms, axis: Axis, *, moved: bool = False) -> cost.Placed:
    outside = sum(_in_band(task, axis.instant(s), terms) is False for s, _ in chunks)
    walls = [(axis.wall(axis.instant(s)), axis.wall(axis.instant(e))) for s, e in chunks]
    return cost.Placed(task.priority, axis.wall(task.deadline) if task.deadline else None, walls, outside, moved)


def _blocks(run_id: UUID, terms: Terms, i: int, chunks: Sequence[tuple[int, int]], axis: Axis) -> list[dict[str, Any]]:
    task, tz = terms.tasks[i], terms.hours.tz
    last = axis.instant(chunks[-1][1])
    out = []
    for n, (s, e) in enumerate(chunks, 1):
        start, end = axis.instant(s), axis.instant(e)
        why = reasons.rationale(task, n, len(chunks), start, last, in_band=_in_band(task, start, terms), tz=tz)
        out.append(
            {
                "event_id": event_id_of(run_id, task.task_id, n),
                "task_id": task.task_id,
                "title": task.title,
                "start": _text(start, terms),
                "end": _text(end, terms),
                "rationale": why,
                "calendar_link": None,
            }
        )
    return out


# --- repair


def repair(run_id: UUID, terms: Terms, busy: Sequence[Interval], blocks: Sequence[Mapping[str, Any]], now: datetime) -> Draft:
    """Moves the tasks that collide with what is busy now, then what waits for them and no longer can; everything else stays.

    Blocks that have begun stay as they are; of a task that is under way only the rest can move.
    """
    axis = Axis.of(terms.window, terms.hours.tz)
    taken = merged([*busy, *terms.extra_busy])
    begun: dict[str, list[Mapping[str, Any]]] = {}
    ahead: dict[str, list[Mapping[str, Any]]] = {}
    for block in blocks:
        (begun if datetime.fromisoformat(block["start"]) < now else ahead).setdefault(block["task_id"], []).append(block)
    tasks, places = [], []
    for task in terms.tasks:
        rest = ahead.get(task.task_id)
        if rest is None and task.task_id in begun:
            continue  # all of it has begun
        minutes = sum(_minutes(b) for b in rest) if rest else task.minutes
        waits = tuple(d for d in task.depends_on if d in ahead or d not in begun)
        ended = [datetime.fromisoformat(b["end"]) for d in (*task.depends_on, task.task_id) for b in begun.get(d, ())]
        tasks.append(
            replace(
                task,
                minutes=minutes,
                min_chunk=min(task.min_chunk, minutes),
                depends_on=waits,
                earliest_start=max([*([task.earliest_start] if task.earliest_start else []), *ended, now]),
            )
        )
        places.append(tuple((axis.minute(datetime.fromisoformat(b["start"])), axis.minute(datetime.fromisoformat(b["end"]))) for b in rest or ()))
    left = replace(terms, tasks=tuple(tasks))
    jobs = jobs_of(tasks, axis)
    kept = [Interval(datetime.fromisoformat(b["start"]), datetime.fromisoformat(b["end"])) for each in begun.values() for b in each]
    collides = [any(Interval(axis.instant(s), axis.instant(e)).overlaps(t) for s, e in chunks for t in taken) for chunks in places]
    where = ground(left.hours, left.window, [*taken, *kept], axis)
    # a block that a person put outside their hours stays there, and nothing may be put on it
    kept += [
        Interval(axis.instant(s), axis.instant(e))
        for chunks, hit in zip(places, collides, strict=True)
        if not hit
        for s, e in chunks
        if not any(a <= s and e <= b for a, b in where.windows)
    ]
    released = _released(jobs, ground(left.hours, left.window, [*taken, *kept], axis), places, collides)
    moved = [tasks[i].task_id for i, (old, new) in enumerate(zip(places, released, strict=True)) if old and tuple(new or ()) != old]
    out = [dict(b) for each in begun.values() for b in each]
    for i, chunks in enumerate(released):
        if chunks and chunks == places[i]:
            out += [dict(b) for b in ahead[tasks[i].task_id]]
        elif chunks:
            fresh = _blocks(run_id, left, i, chunks, axis)
            for old, new in zip(ahead.get(tasks[i].task_id, ()), fresh, strict=False):
                new["event_id"], new["calendar_link"] = old["event_id"], old.get("calendar_link")
            out += fresh
    return _finished(left, [*taken, *kept], axis, jobs, released, out, moved)


def _released(jobs: Sequence[Job], where: Any, places: Sequence[tuple[tuple[int, int], ...]], collides: Sequence[bool]) -> Places:
    board = Board(jobs, where, cost.Weights())
    stays = [bool(chunks) and not hit for chunks, hit in zip(places, collides, strict=True)]
    for i in board.in_order(range(len(jobs))):
        if stays[i]:
            board.put(i, (0, tuple(_on_board(board, s, e) for s, e in places[i])))
    for i in board.in_order(range(len(jobs))):
        if board.place[i] is not None:
            continue
        found = board.best(i)
        if found is None:
            for j in board.following[i]:
                board.lift_with_followers(j)
            found = board.best(i)
        if found:
            board.put(i, found)
    return [tuple((s, e) for _, s, e in p) if p else None for p in board.place]


def _on_board(board: Board, start: int, end: int) -> Chunk:
    """The chunk with its window, or with none when it stands outside the hours of today's profile: it then takes no free time."""
    for w, (s, e) in enumerate(zip(board.starts, board.ends, strict=True)):
        if s <= start and end + board.buffer <= e:
            return (w, start, end)
    return (-1, start, end)


def _minutes(block: Mapping[str, Any]) -> int:
    lasts = datetime.fromisoformat(block["end"]) - datetime.fromisoformat(block["start"])
    return int(lasts.total_seconds() // 60)
