"""What a model may answer when it is asked for a plan or a revision: the shape, and the flaws that no schema can say."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from planner_memory.planner_engine.checklist import LARGEST_STEP_HOURS, Draft, ordered
from planner_memory.planner_engine.words import stems
from planner_memory.prompting.replies import Number, Reply, Text, Title, clean, no_bool

MOST_STEPS = 60
Hours = Annotated[float, BeforeValidator(no_bool), Field(gt=0, le=LARGEST_STEP_HOURS, allow_inf_nan=False)]


class ReplyStep(Reply):
    step_number: Annotated[Number, Field(ge=1, le=10_000)]
    title: Title
    description: Text
    raw_hours: Hours
    dependencies: Annotated[list[Number], Field(max_length=MOST_STEPS)]
    energy: Literal["high", "medium", "low"]
    billable: bool
    deliverable: Annotated[str, BeforeValidator(clean), Field(max_length=1000)]
    splittable: bool = True  # where a prompt of the person's own does not ask for it, nothing says that it is not


class SopReply(Reply):
    """For sop_generator."""

    name: Title
    checklist: Annotated[list[ReplyStep], Field(min_length=1, max_length=MOST_STEPS)]

    def flaws(self) -> Sequence[str]:
        return _flaws_of(self.checklist)


class Position(Reply):
    """Where the person stands: what is there, what lies between it and the result, and where things go by themselves."""

    now: Text
    missing: Text
    pull: Text


class Scale(Reply):
    scale: Literal["horizon", "season", "work", "day"]
    finding: Text


class Trajectory(Reply):
    day: Text
    weeks: Text
    months: Text


class Option(Reply):
    name: Title
    trajectory: Trajectory
    in_favour: Text
    against: Text
    turning_point: Text  # the early sign that this way was wrong


class ManifoldReply(SopReply):
    """For sop_generator_manifold: where the person stands, what matters at each scale, the options with where each leads, and the one chosen."""

    position: Position
    scales: Annotated[list[Scale], Field(min_length=2, max_length=8)]
    options: Annotated[list[Option], Field(min_length=2, max_length=4)]
    chosen: Title
    why: Text

    def flaws(self) -> Sequence[str]:
        flaws = _flaws_of(self.checklist)
        if self.chosen.casefold() not in {o.name.casefold() for o in self.options}:
            flaws.append(f"chosen: {self.chosen[:80]!r} is not the name of one of the options")
        missing = {"horizon", "season", "work", "day"} - {s.scale for s in self.scales}
        if missing:
            flaws.append(f"scales: nothing is said of {', '.join(sorted(missing))}")
        return flaws


class RevisedStep(ReplyStep):
    keeps: Annotated[Number, Field(ge=1)] | None


class RevisionReply(Reply):
    """For sop_reviser."""

    checklist: Annotated[list[RevisedStep], Field(min_length=1, max_length=500)]
    note: Text

    def flaws(self) -> Sequence[str]:
        return _flaws_of(self.checklist)


def _flaws_of(steps: Sequence[ReplyStep]) -> list[str]:
    flaws: list[str] = []
    numbers: set[int] = set()
    kept: set[int] = set()
    for i, step in enumerate(steps):
        if step.step_number in numbers:
            flaws.append(f"checklist[{i}].step_number: two steps have the number {step.step_number}")
        numbers.add(step.step_number)
        if isinstance(step, RevisedStep) and step.keeps is not None:
            if step.keeps in kept:
                flaws.append(f"checklist[{i}].keeps: two steps keep step {step.keeps}")
            kept.add(step.keeps)
    for i, step in enumerate(steps):
        for dependency in step.dependencies:
            if dependency == step.step_number:
                flaws.append(f"checklist[{i}].dependencies: step {dependency} depends on itself")
            elif dependency not in numbers:
                flaws.append(f"checklist[{i}].dependencies: there is no step {dependency}")
    if not flaws and (circle := _circle({s.step_number: set(s.dependencies) for s in steps})):
        flaws.append(f"checklist: the steps {', '.join(map(str, circle))} depend on each other in a circle")
    return flaws


def _circle(waiting: dict[int, set[int]]) -> list[int]:
    """The steps that can never begin, in order; empty when all can."""
    while waiting:
        free = [number for number, needs in waiting.items() if not needs & waiting.keys()]
        if not free:
            return sorted(waiting)
        for number in free:
            del waiting[number]
    return []


def drafts_of(steps: Sequence[ReplyStep], known: Mapping[str, str]) -> list[Draft]:
    """The steps as drafts, each after those it depends on. `known` gives the step key of a title that the library has, by its stems.

    Keys come from titles, so that the same step of the next plan shares its history.
    """
    keys: dict[int, str] = {}
    taken: set[str] = set()
    for step in steps:
        words = "-".join(stems(step.title)[:6]) or "step"
        base = known.get(words) or f"model.{words}"[:90]
        key, n = base, 2
        while key in taken:
            key, n = f"{base}-{n}", n + 1
        taken.add(key)
        keys[step.step_number] = key
    return ordered(
        [
            Draft(
                step_key=keys[step.step_number],
                title=step.title,
                description=step.description,
                raw_hours=step.raw_hours,
                depends_on=tuple(keys[d] for d in step.dependencies),
                energy=step.energy,
                billable=step.billable,
                deliverable=step.deliverable,
                origin="model",
                splittable=None if step.splittable else False,
            )
            for step in steps
        ]
    )
