"""From a pattern to the steps of a plan: fill in names and sizes, fit a budget, split what is too large, number and order."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from planner_memory.core.errors import InvalidInput
from planner_memory.planner_engine.names import Names
from planner_memory.planner_engine.patterns import Pattern
from planner_memory.planner_engine.sizes import count_of, duration_hours, work_budget

LARGEST_STEP_HOURS = 200.0
MOST_STEPS = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """A step before it is numbered. `depends_on` names step keys; `part` is (number, of) when a step was split.

    `splittable`: whether a schedule may interrupt it; None when nobody has said.
    """

    step_key: str
    title: str
    description: str
    raw_hours: float
    depends_on: tuple[str, ...]
    energy: str = "medium"
    billable: bool = False
    deliverable: str = ""
    origin: str = "pattern"  # pattern | own (adopted from an earlier plan) | added | edited
    part: tuple[int, int] | None = None
    splittable: bool | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """The steps of a pattern for one intent, and what was read to get there."""

    steps: tuple[Draft, ...]
    sizes: Mapping[str, float] = field(default_factory=dict)  # as named in the intent
    assumed: Mapping[str, float] = field(default_factory=dict)  # the pattern's defaults, where the intent says nothing


def filled_text(text: str, names: Names) -> str:
    return (
        text.replace("{client}", names.client or "the client")
        .replace("{person}", names.person or "the new colleague")
        .replace("{topic}", names.topic or "the topic")
        .replace("{work}", names.work or "Do the main work")
    )


def filled(pattern: Pattern, intent: str, names: Names) -> Filled:
    """The pattern's steps, hours multiplied by the sizes that the intent names."""
    sizes: dict[str, float] = {}
    assumed: dict[str, float] = {}
    for name, size in pattern.sizes.items():
        found = duration_hours(intent) if "duration" in size.words else count_of(intent, size.words) if size.words else _any_count(intent)
        if found:
            sizes[name] = found
        else:
            assumed[name] = size.default
    counts = {**assumed, **sizes}
    steps = tuple(
        Draft(
            step_key=f"{pattern.key}.{step.key}",
            title=filled_text(step.title, names),
            description=filled_text(step.description, names),
            raw_hours=_minutes(step.raw_hours * (counts.get(step.per, 1.0) if step.per else 1.0)) / 60,
            depends_on=tuple(f"{pattern.key}.{key}" for key in step.depends_on),
            energy=step.energy,
            billable=step.billable,
            deliverable=step.deliverable,
            splittable=step.splittable,
        )
        for step in pattern.steps
    )
    return Filled(steps, sizes, assumed)


_NO_THINGS = r"hours?|hrs?|h|days?|weeks?|months?|years?|minutes?|mins?|am|pm|percent|euros?|eur|usd|dollars?|kilos?|kg|st|nd|rd|th"


def _any_count(intent: str) -> float | None:
    """For the general plan: the first count of anything, at most 20: 40 clients are no 40 times the work."""
    m = re.search(
        rf"(?<![\w.,/:-])(\d{{1,2}}|two|three|four|five|six|seven|eight|nine|ten|twelve)\s+(?!(?:{_NO_THINGS})\b)(?:[a-z]+\s+)?[a-z]{{2,}}s\b",
        intent.lower(),
    )
    found = count_of(m[0], (m[0].split()[-1],)) if m else None
    return found if found and found <= 20 else None


def _minutes(hours: float) -> int:
    return max(1, round(hours * 60))


def with_budget(steps: Sequence[Draft], intent: str) -> tuple[tuple[Draft, ...], str | None]:
    """Scaled so that the raw hours add up to the budget that the intent names; and those words, or None."""
    budget = work_budget(intent)
    total = sum(_minutes(s.raw_hours) for s in steps)
    if budget is None or not total:
        return tuple(steps), None
    wanted, done, given = round(budget.hours * 60), 0, 0
    if wanted < len(steps):
        return tuple(steps), None
    out = []
    for left, step in zip(range(len(steps) - 1, -1, -1), steps, strict=True):
        done += _minutes(step.raw_hours)
        upto = min(max(given + 1, round(wanted * done / total)), wanted - left)  # a minute at least for each
        out.append(replace(step, raw_hours=(upto - given) / 60))
        given = upto
    return tuple(out), budget.text


def in_parts(step: Draft, count: int) -> list[Draft]:
    """The step in that many parts of nearly the same whole minutes, each after the one before; their hours add up to the step's."""
    minutes = _minutes(step.raw_hours)
    count = min(count, minutes)
    if count <= 1:
        return [step]
    base, rest = divmod(minutes, count)
    return [
        replace(step, title=f"{step.title} (part {i + 1} of {count})", raw_hours=(base + (i < rest)) / 60, part=(i + 1, count)) for i in range(count)
    ]


def split(steps: Iterable[Draft], limit_minutes: int, expected: Callable[[Draft], float]) -> list[Draft]:
    """Every step whose raw or expected hours exceed the limit, in parts that do not. `expected` gives hours for a step."""
    out: list[Draft] = []
    limit = limit_minutes / 60
    for step in steps:
        parts, count = [step], 1
        for _ in range(40):
            largest = max(max(p.raw_hours, expected(p)) for p in parts)
            if largest <= limit + 1e-9 or count >= _minutes(step.raw_hours):
                break
            count = max(count + 1, math.ceil(count * largest / limit - 1e-9))
            parts = in_parts(step, count)
        out.extend(parts)
    if len(out) > MOST_STEPS:
        raise InvalidInput(
            f"With no step above {limit_minutes} minutes this plan has {len(out)} steps; the most is {MOST_STEPS}. Allow larger steps."
        )
    return out


def ordered(steps: Sequence[Draft]) -> list[Draft]:
    """The same steps, each after those it depends on, else in the given order. Unknown keys and cycles are dropped from the dependencies."""
    known = {s.step_key for s in steps}
    waiting = [replace(s, depends_on=tuple(k for k in dict.fromkeys(s.depends_on) if k in known and k != s.step_key)) for s in steps]
    out: list[Draft] = []
    placed: set[str] = set()
    while waiting:
        ready = next((s for s in waiting if all(k in placed for k in s.depends_on)), None)
        if ready is None:
            ready = replace(waiting[0], depends_on=tuple(k for k in waiting[0].depends_on if k in placed))
            waiting = waiting[1:]
        else:
            waiting.remove(ready)
        out.append(ready)
        placed.add(ready.step_key)
    return out


def numbered(steps: Sequence[Draft], plan_id: object) -> list[dict[str, Any]]:
    """The checklist without estimates: parts follow each other, and what depends on a split step depends on its last part."""
    last: dict[str, int] = {}
    out: list[dict[str, Any]] = []
    for number, step in enumerate(steps, 1):
        first = step.part is None or step.part[0] == 1
        dependencies = sorted({last[key] for key in step.depends_on if key in last}) if first else [number - 1]
        out.append(
            {
                "task_id": f"plan:{plan_id}:{number}",
                "step_key": step.step_key,
                "step_number": number,
                "title": step.title,
                "description": step.description,
                "raw_hours": round(step.raw_hours, 4),
                "dependencies": dependencies,
                "energy": step.energy,
                "billable": step.billable,
                "deliverable": step.deliverable,
                "origin": step.origin,
                **({"part": {"number": step.part[0], "of": step.part[1]}} if step.part else {}),
                **({} if step.splittable is None else {"splittable": step.splittable}),
            }
        )
        last[step.step_key] = number
    return out


def check_steps(steps: Sequence[Mapping[str, Any]]) -> None:
    """Rejects what no plan may hold.

    Raises:
        InvalidInput: a cycle, an unknown dependency, or hours of zero or over 200; the field is named.
    """
    numbers = {step["step_number"] for step in steps}
    for i, step in enumerate(steps):
        if not 0 < step["raw_hours"] <= LARGEST_STEP_HOURS:
            raise InvalidInput(
                f"Step {step['step_number']} has {step['raw_hours']} hours. Give more than 0 and at most 200.", field=f"checklist[{i}].raw_hours"
            )
        for dependency in step["dependencies"]:
            if dependency not in numbers or dependency == step["step_number"]:
                raise InvalidInput(
                    f"Step {step['step_number']} depends on step {dependency}, which is not another step.", field=f"checklist[{i}].dependencies"
                )
    waiting = {step["step_number"]: set(step["dependencies"]) for step in steps}
    while waiting:
        free = [number for number, needs in waiting.items() if not needs & waiting.keys()]
        if not free:
            raise InvalidInput(
                f"The steps {', '.join(map(str, sorted(waiting)))} depend on each other in a circle. Take one dependency out.", field="checklist"
            )
        for number in free:
            del waiting[number]
