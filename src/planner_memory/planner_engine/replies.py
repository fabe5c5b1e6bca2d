"""What a model may answer, and everything that is wrong with an answer in words that it can act on."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from planner_memory.planner_engine.checklist import LARGEST_STEP_HOURS, Draft, ordered
from planner_memory.planner_engine.words import stems

MOST_STEPS = 60
_MOST_FLAWS = 12
_BOUNDS = ("minLength", "maxLength", "minItems", "maxItems", "exclusiveMinimum", "minimum", "maximum")
_LEFT_OUT = frozenset({"title", "description", "default", *_BOUNDS})


def _clean(value: Any) -> Any:
    """A text as PostgreSQL can keep it: no NUL, no other control characters, no halves of surrogate pairs."""
    if not isinstance(value, str):
        return value
    whole = value.encode("utf-8", "replace").decode()
    return "".join(c if c in "\n\t" or (ord(c) >= 32 and ord(c) != 127) else " " for c in whole).strip()


def _one_line(value: Any) -> Any:
    cleaned = _clean(value)
    return re.sub(r"\s+", " ", cleaned) if isinstance(cleaned, str) else cleaned


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("give a number, not true or false")
    return value


Title = Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=300)]
Text = Annotated[str, BeforeValidator(_clean), Field(max_length=5000)]
Number = Annotated[int, BeforeValidator(_no_bool)]
Hours = Annotated[float, BeforeValidator(_no_bool), Field(gt=0, le=LARGEST_STEP_HOURS, allow_inf_nan=False)]


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore")  # servers without strict schemas let models add remarks


class ReplyStep(_Reply):
    step_number: Annotated[Number, Field(ge=1, le=10_000)]
    title: Title
    description: Text
    raw_hours: Hours
    dependencies: Annotated[list[Number], Field(max_length=MOST_STEPS)]
    energy: Literal["high", "medium", "low"]
    billable: bool
    deliverable: Annotated[str, BeforeValidator(_clean), Field(max_length=1000)]


class SopReply(_Reply):
    """For sop_generator."""

    name: Title
    checklist: Annotated[list[ReplyStep], Field(min_length=1, max_length=MOST_STEPS)]


class Option(_Reply):
    name: Title
    trajectory: Text  # where it leads over months, weeks and the next day
    for_and_against: Text


class ManifoldReply(SopReply):
    """For sop_generator_manifold: where the person stands, the options with where each leads, and the one chosen."""

    position: Text
    options: Annotated[list[Option], Field(min_length=2, max_length=4)]
    chosen: Title
    why: Text


class RevisedStep(ReplyStep):
    keeps: Annotated[Number, Field(ge=1)] | None


class RevisionReply(_Reply):
    """For sop_reviser."""

    checklist: Annotated[list[RevisedStep], Field(min_length=1, max_length=500)]
    note: Text


class Unusable(ValueError):
    """An answer with flaws; `flaws` are sentences."""

    def __init__(self, flaws: Sequence[str]) -> None:
        super().__init__("; ".join(flaws))
        self.flaws = tuple(flaws)


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON Schema as strict modes take it: references resolved, all properties required, none beside them, no bounds.

    Bounds are checked on the answer, since not every vendor's strict mode knows them.
    """
    whole = model.model_json_schema()
    definitions = whole.pop("$defs", {})

    def strict(node: Any) -> Any:
        if isinstance(node, list):
            return [strict(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return strict(definitions[node["$ref"].rsplit("/", 1)[-1]])
        if node.get("type") == "object":
            properties = {name: strict(each) for name, each in node["properties"].items()}
            return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
        return {key: strict(each) for key, each in node.items() if key not in _LEFT_OUT}

    found: dict[str, Any] = strict(whole)
    return found


R = TypeVar("R", SopReply, ManifoldReply, RevisionReply)


def read_reply(document: Any, kind: type[R]) -> R:
    """The document as a reply whose steps can be carried out.

    Raises:
        Unusable: with every flaw that was found, at most twelve.
    """
    if isinstance(document, list):  # the checklist alone, as models answer without a schema
        raise Unusable(["the answer must be a JSON object, not a list"])
    try:
        reply = kind.model_validate(document)
    except ValidationError as error:
        raise Unusable([_flaw(e["loc"], e["msg"]) for e in error.errors(include_url=False, include_input=False)[:_MOST_FLAWS]]) from None
    flaws = _flaws_of(reply.checklist)
    if isinstance(reply, ManifoldReply) and reply.chosen.casefold() not in {o.name.casefold() for o in reply.options}:
        flaws.append(f"chosen: {reply.chosen[:80]!r} is not the name of one of the options")
    if flaws:
        raise Unusable(flaws[:_MOST_FLAWS])
    return reply


def _flaw(location: tuple[int | str, ...], message: str) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    return f"{place or 'the answer'}: {message.removeprefix('Value error, ')}"


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
            )
            for step in steps
        ]
    )
