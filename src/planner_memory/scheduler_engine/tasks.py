"""A task as the scheduler sees it, and the checks on a list of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from planner_memory.core.errors import InvalidInput
from planner_memory.core.intervals import Interval
from planner_memory.core.profile import Profile
from planner_memory.core.titles import is_in_one_piece
from planner_memory.scheduler_engine.jobs import GRID

PRIORITIES = {"urgent": 1, "high": 2, "medium": 3, "low": 4}
SPLIT_ABOVE_MINUTES = 120  # a longer task is split unless it says otherwise
SMALLEST_CHUNK_MINUTES = 30


@dataclass(frozen=True, slots=True)
class Task:
    """Instants are aware. `min_chunk` = `max_chunk` = `minutes` when the task may not be split.

    `within` are the only times at which it may stand, None for any; `note` says why.
    """

    task_id: str
    title: str
    minutes: int
    priority: int = 3
    deadline: datetime | None = None
    earliest_start: datetime | None = None
    depends_on: tuple[str, ...] = ()
    min_chunk: int = 0
    max_chunk: int = 0
    energy: str | None = None
    billable: bool | None = None
    fixed_start: datetime | None = None
    within: tuple[Interval, ...] | None = None
    note: str = ""
    description: str = ""


def on_grid(minutes: float) -> int:
    """Rounded up to the grid, forgiving the noise of hours written in tenths."""
    return max(GRID, math.ceil(round(minutes, 3) / GRID) * GRID)


def chunk_bounds(minutes: int, splittable: bool | None, smallest: int | None, largest: int | None, limit: int | None) -> tuple[int, int]:
    """The smallest and largest chunk of a task. `limit` is the person's largest task; a task above it is split unless told not to be."""
    top = limit or SPLIT_ABOVE_MINUTES
    wanted = splittable if splittable is not None else (minutes > top or smallest is not None or largest is not None)
    if not wanted:
        return minutes, minutes
    most = max(GRID, (largest or max(top, smallest or 0)) // GRID * GRID)
    least = on_grid(smallest if smallest is not None else min(SMALLEST_CHUNK_MINUTES, most))
    return min(least, minutes), most


def check_tasks(tasks: Sequence[Task]) -> None:
    """Raises InvalidInput when ids repeat, a dependency is unknown, or tasks wait for one another in a circle."""
    places: dict[str, int] = {}
    for i, task in enumerate(tasks):
        if task.task_id in places:
            raise InvalidInput(f"The task id {task.task_id!r} stands twice. Give each task its own.", field=f"tasks[{i}].task_id")
        places[task.task_id] = i
    for i, task in enumerate(tasks):
        for other in task.depends_on:
            if other not in places:
                raise InvalidInput(f"{task.task_id!r} depends on {other!r}, which is not among the tasks.", field=f"tasks[{i}].depends_on")
    circle = _circle({t.task_id: t.depends_on for t in tasks})
    if circle:
        named = " → ".join([*circle, circle[0]])
        raise InvalidInput(f"These tasks wait for one another: {named}. Remove one dependency.", field=f"tasks[{places[circle[0]]}].depends_on")


def _circle(after: Mapping[str, Sequence[str]]) -> list[str]:
    done: set[str] = set()
    for first in after:
        path: list[str] = []
        walks = [iter([first])]
        while walks:
            task = next(walks[-1], None)
            if task is None:
                walks.pop()
                if path:
                    done.add(path.pop())
            elif task in path:
                return path[path.index(task) :]
            elif task not in done:
                path.append(task)
                walks.append(iter(after[task]))
    return []


def _longest_stretch(profile: Profile) -> int:
    """Minutes on end that the person works in a usual week, at the most."""
    spans = [span for day in profile.working_hours.values() for span in day]
    return max((_minute(end) - _minute(start) for start, end in spans), default=0)


def _minute(wall: time) -> int:
    return wall.hour * 60 + wall.minute + round(wall.second / 60)


def tasks_of_checklist(checklist: Sequence[Mapping[str, Any]], deadline: datetime | None, profile: Profile) -> list[Task]:
    """A plan's steps as tasks, at their p50.

    A step that is to stay in one piece but is longer than any of the person's days goes on for several, in pieces of up to a day.
    """
    longest = _longest_stretch(profile)
    ids = {step["step_number"]: str(step["task_id"]) for step in checklist}
    tasks = []
    for step in checklist:
        hours = (step.get("estimate") or {}).get("p50") or step["estimated_hours"]
        minutes = on_grid(float(hours) * 60)
        title = str(step.get("title") or step["task_id"])
        splittable = step.get("splittable")
        if splittable is None and is_in_one_piece(title):
            splittable = False
        if splittable is False and minutes > longest >= GRID:
            least, most = chunk_bounds(minutes, True, None, longest, None)
        else:
            least, most = chunk_bounds(minutes, splittable, None, None, profile.largest_task_minutes)
        tasks.append(
            Task(
                task_id=str(step["task_id"]),
                title=title,
                minutes=minutes,
                deadline=deadline,
                depends_on=tuple(ids[n] for n in step.get("dependencies") or () if n in ids),
                min_chunk=least,
                max_chunk=most,
                energy=step.get("energy"),
                billable=step.get("billable"),
                description=str(step.get("description") or ""),
            )
        )
    return tasks
