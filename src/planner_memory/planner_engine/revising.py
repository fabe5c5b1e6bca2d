"""A plan revised by instruction: its steps as an editable list, the changes that a model answers with, and those that rules understand.

Steps are edited under keys: the number a kept step had, a negative one for a new step. Dependencies name keys until the end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from planner_memory.core.errors import InvalidInput
from planner_memory.planner_engine.checklist import LARGEST_STEP_HOURS, MOST_STEPS, Draft, split
from planner_memory.planner_engine.replies import RevisedStep, RevisionReply
from planner_memory.ports.plans import Plan

_TEXTS = ("title", "description", "energy", "billable", "deliverable")


@dataclass(slots=True)
class Step:
    key: int
    raw_hours: float
    needs: list[int]
    values: dict[str, Any]
    task_id: str | None = None
    step_key: str | None = None

    @property
    def title(self) -> str:
        return str(self.values["title"])


@dataclass(slots=True)
class Draftboard:
    """The steps in order, and what was done to them in sentences."""

    steps: list[Step]
    done: list[str] = field(default_factory=list)

    def step(self, key: int) -> Step:
        found = next((s for s in self.steps if s.key == key), None)
        if found is None:
            raise InvalidInput(f"There is no step {key} in this plan; its steps are 1 to {len(self.steps)}.", field="instruction")
        return found

    def new_key(self) -> int:
        return min([0, *(s.key for s in self.steps)]) - 1

    def remove(self, key: int) -> None:
        """What needed the step needs what the step needed."""
        gone = self.step(key)
        self.steps.remove(gone)
        for step in self.steps:
            if key in step.needs:
                step.needs = list(dict.fromkeys([*(n for n in step.needs if n != key), *gone.needs]))
        if not self.steps:
            raise InvalidInput("Nothing would be left of the plan. Cancel it instead.", field="instruction")

    def insert(self, place: int, title: str, raw_hours: float, needs: Sequence[int]) -> Step:
        values = {"title": title[:300], "description": "", "energy": "medium", "billable": False, "deliverable": ""}
        made = Step(self.new_key(), raw_hours, list(needs), values)
        self.steps.insert(place, made)
        return made

    def scale(self, key: int, factor: float) -> None:
        self.set_hours(key, self.step(key).raw_hours * factor)

    def set_hours(self, key: int, hours: float) -> None:
        if not 0 < hours <= LARGEST_STEP_HOURS:
            raise InvalidInput(f"Step {key} would have {hours:g} hours. A step has more than 0 and at most 200.", field="instruction")
        self.step(key).raw_hours = hours


def board_of(plan: Plan) -> Draftboard:
    return Draftboard(
        [
            Step(
                key=step["step_number"],
                raw_hours=step["raw_hours"],
                needs=list(step["dependencies"]),
                values={name: step[name] for name in (*_TEXTS, "splittable") if name in step},
                task_id=step["task_id"],
                step_key=step["step_key"],
            )
            for step in plan.checklist
        ]
    )


def as_told(plan: Plan) -> list[dict[str, Any]]:
    """The present checklist as a model reads it."""
    names = ("step_number", "raw_hours", "dependencies", *_TEXTS)
    return [{k: step[k] for k in names} | {"splittable": step.get("splittable") is not False} for step in plan.checklist]


def board_from(reply: RevisionReply, plan: Plan) -> Draftboard:
    """The model's revision over the plan's own steps, each after those it needs. Every step that it keeps has to be there."""
    before = {s.key: s for s in board_of(plan).steps}
    keys = {step.step_number: step.keeps if step.keeps is not None else -i for i, step in enumerate(reply.checklist, 1)}
    steps = []
    for step in reply.checklist:
        old = before.get(step.keeps) if step.keeps is not None else None
        values = {name: getattr(step, name) for name in _TEXTS}
        if (splittable := _splittable(step, old)) is not None:
            values["splittable"] = splittable
        needs = [keys[d] for d in step.dependencies]
        steps.append(Step(keys[step.step_number], step.raw_hours, needs, values, old.task_id if old else None, old.step_key if old else None))
    return Draftboard(_in_order(steps))


def _splittable(step: RevisedStep, old: Step | None) -> bool | None:
    """None stays where nobody has said: the model was told true for it."""
    was = old.values.get("splittable") if old is not None else None
    if "splittable" not in step.model_fields_set or (step.splittable and was is None):
        return was
    return step.splittable


def unknown_keeps(reply: RevisionReply, plan: Plan) -> list[int]:
    numbers = {step["step_number"] for step in plan.checklist}
    return [step.keeps for step in reply.checklist if step.keeps is not None and step.keeps not in numbers]


def _in_order(steps: Sequence[Step]) -> list[Step]:
    out: list[Step] = []
    waiting, placed = list(steps), set[int]()
    while waiting:
        ready = next((s for s in waiting if all(n in placed for n in s.needs)), waiting[0])
        waiting.remove(ready)
        out.append(ready)
        placed.add(ready.key)
    return out


def fitted(board: Draftboard, limit_minutes: int, expected: Callable[[float, str | None], float]) -> None:
    """Splits every step whose raw or expected hours exceed the limit. The first part keeps the task's id. `expected`: p50 of hours and step key."""
    out: list[Step] = []
    last: dict[int, int] = {}
    fresh = board.new_key()
    for step in board.steps:
        whole = Draft(str(step.key), step.title, "", step.raw_hours, ())
        parts = split([whole], limit_minutes, lambda d, of=step: expected(d.raw_hours, of.step_key))  # type: ignore[misc]
        before = step.key
        for i, part in enumerate(parts):
            key = step.key if i == 0 else fresh
            fresh -= i > 0
            values = {**step.values, "title": part.title[:300]}
            out.append(Step(key, part.raw_hours, list(step.needs) if i == 0 else [before], values, step.task_id if i == 0 else None, step.step_key))
            before = key
        last[step.key] = before
        if len(parts) > 1:
            board.done.append(f"'{step.title}' was split into {len(parts)} steps, because none may exceed {limit_minutes} minutes.")
    ends = {**{s.key: s.key for s in out}, **last}
    firsts = {s.key for s in board.steps}
    for step in out:
        if step.key in firsts:
            step.needs = [ends[n] for n in step.needs]
    if len(out) > MOST_STEPS:
        raise InvalidInput(f"The plan would have {len(out)} steps; the most is {MOST_STEPS}.", field="instruction")
    board.steps = out


def sent_of(board: Draftboard) -> list[dict[str, Any]]:
    """The checklist as PATCH takes it."""
    numbers = {step.key: i for i, step in enumerate(board.steps, 1)}
    return [
        {
            **step.values,
            "step_number": numbers[step.key],
            "raw_hours": round(step.raw_hours, 4),
            "dependencies": sorted({numbers[n] for n in step.needs if n in numbers}),
            **({"task_id": step.task_id} if step.task_id else {"step_key": step.step_key} if step.step_key else {}),
        }
        for step in board.steps
    ]


def is_changed(sent: Sequence[Mapping[str, Any]], plan: Plan) -> bool:
    names = ("task_id", "raw_hours", "dependencies", *_TEXTS, "splittable")
    return [[s.get(n) for n in names] for s in plan.checklist] != [[s.get(n) for n in names] for s in sent]
