"""Between the records of a workspace and their rows: what every kind has are columns, the rest is one JSON document."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from planner_memory.core.errors import InvalidInput
from planner_memory.ports.workspace_records import KINDS, Record

R = TypeVar("R", bound=Record)
ORIGIN = "ws:"
_COLUMNS = frozenset({"id", "name", "client_id", "updated_at"})


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    kind: str
    client_id: str | None
    name: str
    fields: Mapping[str, Any]
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChangedRow(Row):
    revision: int


def full_id(record_id: str) -> str:
    """The id with its origin. One of another workspace stays as it is."""
    return record_id if record_id.startswith((ORIGIN, "coda:")) else ORIGIN + record_id


def own_id(record_id: str) -> str:
    return record_id.removeprefix(ORIGIN)


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[kind])


def record_of(row: Row, kind: type[R]) -> R:
    """Raises InvalidInput, naming row and field, when somebody wrote a value that the field cannot have."""
    known = {f.name for f in fields(kind)}
    try:
        record: R = _adapter(kind.kind).validate_python(
            {k: v for k, v in row.fields.items() if k in known}
            | {"id": row.id, "name": row.name, "client_id": row.client_id, "updated_at": row.updated_at}
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"{row.id} in the workspace cannot be used: its {place or 'row'} is not valid ({first['msg']}).", field=place) from error
    return record


def values_of(record: Record) -> dict[str, Any]:
    """The parameters with which a record is stored; its own id and those that it names with their origin."""
    document = _adapter(record.kind).dump_python(record, mode="json", exclude_none=True, warnings="error")
    related = {name: full_id(value) for name, value in record.related().items()}
    return {
        "record_id": full_id(record.id),
        "kind": record.kind,
        "client_id": record.client_id,
        "name": record.name,
        "fields": {k: v for k, v in document.items() if k not in _COLUMNS} | related,
        "relations": sorted(set(related.values())),
    }
