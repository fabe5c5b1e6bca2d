"""Seeded scheduling requests, two greedy baselines, and a judge of answers that knows nothing of the product (standard library only)."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LEFT_OUT = {1: 4000, 2: 2000, 3: 1000, 4: 500}
LATE = {1: 1500, 2: 800, 3: 400, 4: 200}
HOUR = {1: 4, 2: 2, 3: 1, 4: 1}
OUTSIDE_BAND, EXTRA_CHUNK, PER_MINUTE, MOVED = 30, 15, 4, 60
_MINUTE = timedelta(minutes=1)
Span = tuple[datetime, datetime]
Body = Mapping[str, Any]


def problem(n: int, seed: int, *, load: float = 0.8, zone: str = "Europe/Paris", first: date = date(2027, 3, 22), days: int = 12) -> dict[str, Any]:
    """A request of n tasks in projects that ask for about `load` of the free time; meetings lie at odd minutes. Times of day differ by weekday."""
    chance = random.Random(f"{n}-{seed}")
    tz = ZoneInfo(zone)
    hours = {day: [["08:30", "12:15"], ["13:00", "17:00"]] for day in DAYS[:5]}
    hours[chance.choice(DAYS[:5])] = [["09:00", "13:00"]]
    busy = []
    for offset in range(days):
        day = datetime.combine(first + timedelta(days=offset), time(), tz)
        for _ in range(chance.choice([0, 1, 1, 2, 3, 4])):
            start = day + timedelta(minutes=chance.randrange(8 * 60, 16 * 60, 5))
            busy.append({"start": start.isoformat(), "end": (start + timedelta(minutes=chance.choice([20, 30, 45, 55, 60, 75]))).isoformat()})
    body: dict[str, Any] = {
        "dry_run": True,
        "time_zone": zone,
        "constraints": {
            "start_date": datetime.combine(first, time(), tz).isoformat(),
            "end_date": datetime.combine(first + timedelta(days=days), time(), tz).isoformat(),
        },
        "working_hours": hours,
        "energy_bands": {"high": [["08:30", "11:00"]], "medium": [["11:00", "15:00"]], "low": [["15:00", "17:00"]]},
        "extra_busy": busy,
        "tasks": [],
    }
    free = sum(int((e - s) / _MINUTE) for s, e in free_time(body))
    lengths = [min(6.0, chance.lognormvariate(0, 0.8)) for _ in range(n)]
    scale = load * free / sum(lengths)
    project: list[str] = []
    for i, length in enumerate(lengths):
        if chance.random() < 0.25:
            project = []
        minutes = max(10, round(length * scale / 5) * 5)
        splits = minutes > 100 or chance.random() < 0.15
        due = datetime.combine(first + timedelta(days=chance.randrange(2, days + 1)), time(chance.choice([12, 17])), tz)
        task = {
            "task_id": f"job-{i}",
            "title": f"Job {i}",
            "estimated_minutes": minutes,
            "priority": chance.choice([1, 2, 3, 3, 4]),
            "energy": chance.choice([None, "high", "medium", "low"]),
            "deadline": due.isoformat() if chance.random() < 0.6 else None,
            "earliest_start": datetime.combine(first + timedelta(days=chance.randrange(0, 5)), time(9), tz).isoformat()
            if chance.random() < 0.15
            else None,
            "depends_on": [project[-1]] if project and chance.random() < 0.5 else [],
            "splittable": splits,
            "min_chunk_minutes": min(minutes, chance.choice([20, 30, 45])) if splits else None,
            "max_chunk_minutes": chance.choice([90, 120, 150]) if splits else None,
        }
        project.append(task["task_id"])
        body["tasks"].append(task)
    return body


# --- the rules


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _merged(spans: Sequence[Span]) -> list[Span]:
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def _spans_on(day: date, pairs: Sequence[Sequence[str]], tz: ZoneInfo) -> list[Span]:
    out = []
    for first, last in pairs:
        end_day, end = (day + timedelta(days=1), time()) if last == "24:00" else (day, time.fromisoformat(last))
        start = datetime.combine(day, time.fromisoformat(first), tz).astimezone(UTC)
        out.append((start, datetime.combine(end_day, end, tz).astimezone(UTC)))
    return [(s, e) for s, e in out if s < e]


def free_time(body: Body) -> list[Span]:
    """Working hours within the window, less busy time and the buffer round it."""
    tz = ZoneInfo(body["time_zone"])
    start, end = (_instant(body["constraints"][k]).astimezone(UTC) for k in ("start_date", "end_date"))
    day, last = start.astimezone(tz).date(), end.astimezone(tz).date()
    work: list[Span] = []
    exceptions = body.get("exceptions") or {}
    while day <= last:
        work += _spans_on(day, exceptions.get(day.isoformat(), body["working_hours"].get(DAYS[day.weekday()], ())), tz)
        day += timedelta(days=1)
    margin = timedelta(minutes=body.get("buffer_minutes") or 0)
    busy = _merged([(_instant(b["start"]).astimezone(UTC) - margin, _instant(b["end"]).astimezone(UTC) + margin) for b in body["extra_busy"]])
    out = []
    for s, e in _merged(work):
        cursor, stop = max(s, start), min(e, end)
        for a, b in busy:
            if a < stop and b > cursor:
                if a > cursor:
                    out.append((cursor, a))
                cursor = max(cursor, b)
        if cursor < stop:
            out.append((cursor, stop))
    return out


class Judge:
    """Costs of answers to one request, and every hard rule that they break."""

    def __init__(self, body: Body) -> None:
        self.body, self.tz = body, ZoneInfo(body["time_zone"])
        self.start = _instant(body["constraints"]["start_date"])
        self.free = free_time(body)
        self.margin = timedelta(minutes=body.get("buffer_minutes") or 0)

    def wall(self, at: datetime) -> int:
        """Minutes of local wall time from the window's start."""
        return (at.astimezone(self.tz).replace(tzinfo=None) - self.start.astimezone(self.tz).replace(tzinfo=None)) // _MINUTE

    def outside_band(self, energy: str | None, start: datetime) -> bool:
        pairs = (self.body.get("energy_bands") or {}).get(energy)
        if pairs is None:
            return False
        clock = start.astimezone(self.tz).strftime("%H:%M:%S")
        return not any(a <= clock < b for a, b in pairs)

    def task_cost(self, task: Body, chunks: Sequence[Span]) -> dict[str, int]:
        priority, end = task["priority"], self.wall(chunks[-1][1])
        late = end - self.wall(_instant(task["deadline"])) if task.get("deadline") else 0
        return {
            "late": LATE[priority] + -(-late // 15) if late > 0 else 0,
            "completion": HOUR[priority] * (end // 60),
            "energy": OUTSIDE_BAND * sum(self.outside_band(task.get("energy"), s) for s, _ in chunks),
            "chunks": EXTRA_CHUNK * (len(chunks) - 1),
        }

    def cost(self, plan: Mapping[str, Sequence[Span]]) -> dict[str, int]:
        """The terms of the default objective, and their sum as `cost`."""
        terms = dict.fromkeys(("left_out", "late", "completion", "energy", "chunks"), 0)
        for task in self.body["tasks"]:
            chunks = sorted(plan.get(task["task_id"], ()))
            found = self.task_cost(task, chunks) if chunks else {"left_out": LEFT_OUT[task["priority"]] + PER_MINUTE * int(task["estimated_minutes"])}
            for name, value in found.items():
                terms[name] += value
        return {**terms, "cost": sum(terms.values())}

    def broken(self, plan: Mapping[str, Sequence[Span]]) -> list[str]:
        """Every hard rule that a plan breaks, in words."""
        found: list[str] = []
        taken: list[tuple[datetime, datetime, str]] = []
        for task in self.body["tasks"]:
            name, chunks = task["task_id"], sorted(plan.get(task["task_id"], ()))
            if not chunks:
                continue
            minutes = -(-int(task["estimated_minutes"]) // 5) * 5
            if sum(((e - s) for s, e in chunks), timedelta()) != minutes * _MINUTE:
                found.append(f"{name} is not whole")
            least, most = (
                (min(task.get("min_chunk_minutes") or 30, minutes), task.get("max_chunk_minutes") or 120)
                if task.get("splittable")
                else (
                    minutes,
                    minutes,
                )
            )
            for s, e in chunks:
                if not any(a <= s and e <= b for a, b in self.free):
                    found.append(f"{name} at {s} is outside the hours, or on busy time")
                if not least <= (e - s) / _MINUTE <= max(most, least):
                    found.append(f"{name} has a chunk of {e - s}")
                if task.get("earliest_start") and s < _instant(task["earliest_start"]):
                    found.append(f"{name} is before its earliest start")
                taken.append((s, e, name))
            if task.get("fixed_start") and chunks[0][0] != _instant(task["fixed_start"]):
                found.append(f"{name} is not at its fixed start")
            for other in task.get("depends_on") or ():
                before = plan.get(other)
                if not before or max(e for _, e in before) > chunks[0][0]:
                    found.append(f"{name} does not wait for {other}")
        taken.sort()
        found += [f"{a[2]} and {b[2]} overlap" for a, b in pairwise(taken) if a[1] + self.margin > b[0]]
        return found


def plan_of(answer: Mapping[str, Any]) -> dict[str, list[Span]]:
    """An answer's blocks by task, in UTC."""
    plan: dict[str, list[Span]] = {}
    for block in answer["schedule_blocks"]:
        plan.setdefault(block["task_id"], []).append((_instant(block["start"]).astimezone(UTC), _instant(block["end"]).astimezone(UTC)))
    return {task: sorted(chunks) for task, chunks in plan.items()}


# --- the baselines


def greedy(body: Body, *, by: str) -> dict[str, list[Span]]:
    """List scheduling, each task as early as it goes: by "due" (earliest due date) or "priority", inherited from the tasks that wait."""
    far = datetime(2100, 1, 1, tzinfo=UTC)
    tasks = {t["task_id"]: t for t in body["tasks"]}
    due = {k: _instant(t["deadline"]) if t.get("deadline") else far for k, t in tasks.items()}
    rank = {k: t["priority"] for k, t in tasks.items()}
    for name, task in reversed(tasks.items()):
        for other in task.get("depends_on") or ():
            due[other] = min(due[other], due[name] - task["estimated_minutes"] * _MINUTE)
            rank[other] = min(rank[other], rank[name])
    todo = sorted(tasks, key=lambda k: (due[k], rank[k]) if by == "due" else (rank[k], due[k]))
    free, plan = list(free_time(body)), dict[str, list[Span]]()
    while todo:
        name = next((k for k in todo if all(d in plan for d in tasks[k].get("depends_on") or ())), None)
        if name is None:
            break
        todo.remove(name)
        task = tasks[name]
        earliest = max([plan[d][-1][1] for d in task.get("depends_on") or ()] + [_instant(task.get("earliest_start") or "1970-01-01T00:00:00Z")])
        chunks = _earliest(free, earliest, int(task["estimated_minutes"]), task)
        if chunks:
            plan[name] = chunks
            for s, e in chunks:
                free = [p for a, b in free for p in ([(a, s), (e, b)] if a <= s and e <= b else [(a, b)]) if p[1] > p[0]]
    return plan


def _earliest(free: Sequence[Span], earliest: datetime, minutes: int, task: Body) -> list[Span]:
    least = min(task["min_chunk_minutes"], minutes) if task["splittable"] else minutes
    most = task["max_chunk_minutes"] if task["splittable"] else minutes
    left, chunks = minutes, list[Span]()
    for a, b in sorted(free):
        cursor = max(a, earliest)
        cursor += -cursor.minute % 5 * _MINUTE
        while left:
            room = int((b - cursor) / _MINUTE) // 5 * 5
            size = min(left, most, room)
            if 0 < left - size < least:
                size = left - least
            if size < least and size != left:
                break
            chunks.append((cursor, cursor + size * _MINUTE))
            cursor, left = cursor + size * _MINUTE, left - size
    return chunks if not left else []


def best_greedy(body: Body) -> int:
    """The cost of the better of the two baselines."""
    judge = Judge(body)
    return min(judge.cost(greedy(body, by=by))["cost"] for by in ("due", "priority"))
