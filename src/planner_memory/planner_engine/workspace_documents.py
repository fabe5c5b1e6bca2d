"""Rows of a workspace as JSON documents, and documents as rows: every value that cannot be is named."""

import difflib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from planner_memory.core.errors import InvalidInput
from planner_memory.ports.workspace_records import KINDS, LAYERS, Record, Step

_LONGEST = 20_000  # characters of a text; layers and descriptions are a page at most
_MOST_STEPS = 200
_ID = re.compile(r"[^\s/\x00-\x1f]{1,200}")
_HOURS = re.compile(r"\s*[([]\s*(\d+(?:[.,]\d+)?)\s*(?:h|hrs?|hours?)\s*[)\]]\s*$", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•]|\[[ xX]?\]|\d+[.)])\s+")
# columns of well-known Coda documents, and the ways in which people write the names
_ALSO = {
    "service_blueprint": "blueprint_id",
    "service_blueprint_id": "blueprint_id",
    "scheduled_start_date": "scheduled_start_at",
    "scheduled_end_date": "scheduled_end_at",
    "start_date": "starts_on",
    "end_date": "ends_on",
    "due_date": "due_on",
    "capacity_hrs": "capacity_hours",
    "planned_billable_hrs": "planned_billable_hours",
    "client": "client_id",
    "title": "name",
}
_STEP_ALSO = {"step_number": "number", "hours": "estimated_hours", "after": "dependencies", "depends_on": "dependencies", "step_key": "key"}
_TEXTS = frozenset({"id", "name", "value", "price", "priority"})  # a file may write a bare number there
_NOT_GIVEN = frozenset({"updated_at"})


@dataclass(frozen=True, slots=True)
class Flaw:
    """`path` leads to the value inside its row."""

    path: tuple[str | int, ...]
    detail: str

    @property
    def field(self) -> str:
        return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path).removeprefix(".")


def kind_named(name: str) -> type[Record]:
    """By its name in any usual spelling: workflow, workflows, process-templates.

    Raises:
        InvalidInput: there is no such kind; the nearest is named.
    """
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    for each in (plain, plain.removesuffix("s")):
        if each in KINDS:
            return KINDS[each]
    near = difflib.get_close_matches(plain, [f"{k}s" for k in KINDS], 1, 0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise InvalidInput(f"There is no kind {name[:80]!r} in a workspace.{hint} There are {', '.join(f'{k}s' for k in KINDS)}.", field="kind")


def spellings(field: str) -> list[str]:
    """How a step's field may be written."""
    return [field, *(written for written, meant in _STEP_ALSO.items() if meant == field)]


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[kind])


@cache
def _steps() -> TypeAdapter[list[Step]]:
    return TypeAdapter(list[Step])


def document_of(record: Record) -> dict[str, Any]:
    """JSON-ready, with its kind."""
    document: dict[str, Any] = _adapter(record.kind).dump_python(record, mode="json")
    return {"kind": record.kind, **document}


def record_from(kind: type[Record], document: Mapping[str, Any]) -> tuple[Record | None, list[Flaw]]:
    """The row, or everything that is wrong with the document."""
    known = {f.name: f for f in fields(kind)}
    given: dict[str, Any] = {}
    flaws: list[Flaw] = []
    paths: dict[str, str] = {}
    for name, value in document.items():
        field = _field(kind, str(name), known)
        if field is None:
            near = difflib.get_close_matches(str(name), known, 1)
            flaws.append(Flaw((str(name),), f"a {_said(kind)} has no {str(name)[:60]!r}.{f' Did you mean {near[0]}?' if near else ''}"))
        elif field not in _NOT_GIVEN and value is not None and value != "":
            if field in given:
                flaws.append(Flaw((str(name),), f"{field} is given twice, as {paths[field]} too."))
            paths[field] = str(name)
            given[field] = value
    for step_field in {"steps", "checklist"} & given.keys():
        given[step_field], more = _steps_from(given[step_field], paths[step_field])
        flaws += more
    given, more = _plain(given, paths)
    flaws += more
    flaws += [Flaw((name,), f"a {_said(kind)} needs {name}.") for name, f in known.items() if f.default is MISSING and name not in given]
    if flaws:
        return None, flaws
    try:
        record: Record = _adapter(kind.kind).validate_python(given)
    except ValidationError as error:
        found = [Flaw((paths.get(str(e["loc"][0]), str(e["loc"][0])), *e["loc"][1:]), f"{_short(e['input'])}: {e['msg']}.") for e in error.errors()]
        return None, found
    numbers = {name: value for name in given if isinstance(value := getattr(record, name), float)}
    flaws = [Flaw((paths[name],), "it is not a possible number.") for name, value in numbers.items() if not _fits(value)]
    return (None, flaws) if flaws else (record, [])


def _field(kind: type[Record], name: str, known: Mapping[str, Any]) -> str | None:
    plain = name.strip().lower().replace(" ", "_").replace("-", "_")
    for each in (plain, _ALSO.get(plain, ""), f"{plain}_id" if f"{plain}_id" in kind.relations else "", "id" if plain == f"{kind.kind}_id" else ""):
        if each in known:
            return each
    return None


def _plain(given: dict[str, Any], paths: Mapping[str, str]) -> tuple[dict[str, Any], list[Flaw]]:
    """Texts and ids as they are stored."""
    flaws: list[Flaw] = []
    out = dict(given)
    for name, value in given.items():
        if name in LAYERS and isinstance(value, list):
            out[name] = value = "\n".join(str(line) for line in value)
        elif (name == "version" and isinstance(value, int | float)) or (
            isinstance(value, int) and not isinstance(value, bool) and (name.endswith("_id") or name in ("id", "name", "value", "price"))
        ):
            out[name] = value = str(value)
        elif isinstance(value, datetime | date) and name in ("id", "name"):
            out[name] = value = value.isoformat()
        elif name.endswith("_at") and isinstance(value, datetime) and value.tzinfo is None:
            flaws.append(Flaw((paths[name],), "an instant needs its zone, as in 2027-03-15T09:00:00+01:00."))
        if isinstance(value, str):
            out[name] = value = value.strip()
            if len(value) > _LONGEST:
                flaws.append(Flaw((paths[name],), f"it has {len(value):,} characters; {_LONGEST:,} are taken."))
            elif any(0xD800 <= ord(c) <= 0xDFFF or c == "\x00" for c in value):
                flaws.append(Flaw((paths[name],), "it holds a character that cannot be stored."))
            if (name == "id" or name.endswith("_id")) and not _ID.fullmatch(value):
                flaws.append(Flaw((paths[name],), f"{value[:60]!r} is no id: 1 to 200 characters, no spaces and no slashes."))
            if name.endswith("_at") and re.fullmatch(r"[\dT:. -]{10,26}", value):
                flaws.append(Flaw((paths[name],), "an instant needs its zone, as in 2027-03-15T09:00:00+01:00."))
    return out, flaws


def _steps_from(value: Any, name: str) -> tuple[tuple[Step, ...], list[Flaw]]:
    """From a list of steps, of titles, or a text: JSON, or one step per line, hours in brackets at the end."""
    if isinstance(value, str):
        if len(value) > 10 * _LONGEST:
            return (), [Flaw((name,), f"it has {len(value):,} characters; {10 * _LONGEST:,} are taken.")]
        try:
            value = json.loads(value) if value.lstrip().startswith("[") else value
        except ValueError:
            value = str(value)  # a text whose first step begins with a bracket
        if isinstance(value, str):
            value = [line for line in value.splitlines() if line.strip()]
    if not isinstance(value, list):
        return (), [Flaw((name,), "steps are a list, or a text with one step per line.")]
    if len(value) > _MOST_STEPS:
        return (), [Flaw((name,), f"there are {len(value)} steps; {_MOST_STEPS} are taken.")]
    documents, flaws = [], list[Flaw]()
    for i, each in enumerate(value):
        document, more = _step(each, i)
        flaws += [Flaw((name, i, *flaw.path), flaw.detail) for flaw in more]
        documents.append(document)
    if flaws:
        return (), flaws
    try:
        steps = tuple(_steps().validate_python(documents))
    except ValidationError as error:
        return (), [Flaw((name, *e["loc"]), f"{_short(e['input'])}: {e['msg']}.") for e in error.errors()]
    return steps, [Flaw((name, *path), detail) for path, detail in _step_flaws(steps)]


def _step(each: Any, index: int) -> tuple[dict[str, Any], list[Flaw]]:
    if isinstance(each, str):
        line = _BULLET.sub("", each).strip()
        hours = _HOURS.search(line)
        return {"number": index + 1, "title": _HOURS.sub("", line), "estimated_hours": float(hours[1].replace(",", ".")) if hours else None}, []
    if not isinstance(each, dict):
        return {}, [Flaw((), "a step is a title, or names and values.")]
    known = {f.name for f in fields(Step)}
    out: dict[str, Any] = {"number": index + 1}
    flaws = []
    for name, value in each.items():
        field = name if name in known else _STEP_ALSO.get(str(name), "")
        if not field:
            near = difflib.get_close_matches(str(name), known, 1)
            flaws.append(Flaw((str(name),), f"a step has no {str(name)[:60]!r}.{f' Did you mean {near[0]}?' if near else ''}"))
        elif value is not None:
            out[field] = [value] if field == "dependencies" and isinstance(value, int) else value
    if not out.get("title") and out.get("description"):
        out["title"] = str(out["description"])[:300]
    if not str(out.get("title", "")).strip():
        flaws.append(Flaw((), "a step needs a title."))
    return out, flaws


def _step_flaws(steps: tuple[Step, ...]) -> list[tuple[tuple[str | int, ...], str]]:
    found: list[tuple[tuple[str | int, ...], str]] = []
    numbers = [s.number for s in steps]
    for i, step in enumerate(steps):
        if step.number in numbers[:i]:
            found.append(((i, "number"), f"two steps have the number {step.number}."))
        if step.estimated_hours is not None and not (math.isfinite(step.estimated_hours) and 0 < step.estimated_hours <= 200):
            found.append(((i, "estimated_hours"), f"{step.estimated_hours:g} hours are not possible: more than 0 and at most 200."))
        if len(step.title) > 300 or len(step.description) > _LONGEST:
            found.append(((i,), "its title or description is too long (300 and 20,000 characters)."))
        found += [((i, "dependencies"), f"there is no other step {n}.") for n in step.dependencies if n not in numbers or n == step.number]
    return found


def _fits(value: float) -> bool:
    return math.isfinite(value) and abs(value) < 1e12


def _said(kind: type[Record]) -> str:
    return kind.kind.replace("_", " ")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
