"""What a cell says, as a field's value, and the other way round."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

from planner_memory.adapters.coda.layout import Column
from planner_memory.adapters.coda.names import plain
from planner_memory.adapters.coda.steps import read_steps, write_steps
from planner_memory.ports.workspace_records import KINDS, Record, Step, TaskStatus

_TICKS = "```"
_YES, _NO = ("yes", "true", "y"), ("no", "false", "n")
_TASK_STATUSES: dict[str, TaskStatus] = {
    **dict.fromkeys(("open", "notstarted", "todo", "backlog", "new", "planned", "ready"), "open"),
    **dict.fromkeys(("scheduled",), "scheduled"),
    **dict.fromkeys(("inprogress", "doing", "started", "active"), "in_progress"),
    **dict.fromkeys(("blocked", "waiting", "onhold", "paused", "delayed"), "blocked"),
    **dict.fromkeys(("done", "complete", "completed", "finished", "closed"), "done"),
    **dict.fromkeys(("cancelled", "canceled", "dropped", "wontdo"), "cancelled"),
}
_HINTS = {name: get_type_hints(kind) for name, kind in KINDS.items()}
_NUMBER = re.compile(r"^[+-]?\d[\d,]*(?:\.\d+)?$|^[+-]?\.\d+$")


@dataclass(frozen=True)
class Reference:
    """A row that a relation shows. Without `id` only its name is known, or the cell is text and no relation."""

    id: str | None
    name: str


def unwrapped(value: Any) -> Any:
    """A cell's value without what the rich format puts round it: text, number, truth, Reference, or a list of these."""
    if isinstance(value, list):
        return [unwrapped(each) for each in value]
    if isinstance(value, dict):
        if value.get("additionalType") == "row" or "rowId" in value:
            return Reference(str(value["rowId"]) if value.get("rowId") else None, str(value.get("name", "")))
        return next((value[name] for name in ("email", "amount", "url", "name") if value.get(name) is not None), "")
    if isinstance(value, str) and len(value) >= 2 * len(_TICKS) and value.startswith(_TICKS) and value.endswith(_TICKS):
        return value[len(_TICKS) : -len(_TICKS)]
    return "" if value is None else value


def text_of(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(text_of(each) for each in value)
    if isinstance(value, Reference):
        return value.name
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def reference_of(value: Any) -> Reference | None:
    """The first of several; text is a name, or a row's id that was not taken for one."""
    one = next((each for each in value if each != ""), "") if isinstance(value, list) else value
    if isinstance(one, Reference):
        return one
    return Reference(None, text_of(one)) if one != "" else None


def read_cell(kind: type[Record], field: str, value: Any, statuses: Mapping[str, TaskStatus]) -> Any:
    """The field's value, or None for an empty cell. Raises ValueError with the reason when the cell says something else."""
    wanted, content = field_type(kind, field), unwrapped(value)
    if content in ("", []):
        return None
    if get_origin(wanted) is Literal:
        return _label(wanted, text_of(content), statuses)
    return _READERS[wanted](content)


def field_type(kind: type[Record], field: str) -> Any:
    """The type of a field, without None."""
    hint = _HINTS[kind.kind][field]
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    return hint


def _label(wanted: Any, said: str, statuses: Mapping[str, TaskStatus]) -> str:
    known: dict[str, str] = {plain(str(each)): str(each) for each in get_args(wanted)}
    if "in_progress" in get_args(wanted):
        known |= {**_TASK_STATUSES, **{plain(label): status for label, status in statuses.items()}}
    if plain(said) not in known:
        more = ", or translate it in PLANNER_CODA_NAMES, statuses" if "in_progress" in get_args(wanted) else ""
        raise ValueError(f"it says {said[:40]!r}, and should be one of {', '.join(map(str, get_args(wanted)))}{more}")
    return known[plain(said)]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not (isinstance(value, int | float) or _NUMBER.match(text_of(value).strip())):
        raise ValueError(f"it says {text_of(value)[:40]!r}, and should be a number")
    return float(value) if isinstance(value, int | float) else float(text_of(value).strip().replace(",", ""))


def _whole(value: Any) -> int:
    return int(_number(value))


def _truth(value: Any) -> bool:
    said = value if isinstance(value, bool) else plain(text_of(value))
    if said not in (True, False, *_YES, *_NO):
        raise ValueError(f"it says {text_of(value)[:40]!r}, and should be yes or no")
    return said is True or said in _YES


def _day(value: Any) -> date:
    """Coda shows a date as that day's midnight in the doc's zone: the day is what is written, whatever the offset."""
    try:
        return date.fromisoformat(text_of(value)[:10])
    except ValueError:
        raise ValueError(f"it says {text_of(value)[:40]!r}, and should be a date") from None


def _instant(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(text_of(value))
    except ValueError:
        raise ValueError(f"it says {text_of(value)[:40]!r}, and should be a date and time") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _text(value: Any) -> str:
    return text_of(value)


def _steps(value: Any) -> tuple[Step, ...]:
    return read_steps("\n".join(text_of(each) for each in value) if isinstance(value, list) else text_of(value))


_READERS: Mapping[Any, Callable[[Any], Any]] = {
    str: _text,
    float: _number,
    int: _whole,
    bool: _truth,
    date: _day,
    datetime: _instant,
    tuple[Step, ...]: _steps,
}


def write_cell(column: Column, value: Any, zone: ZoneInfo) -> Any:
    """What to send for a value: JSON's plain values, dates in ISO 8601, steps as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return value if column.type == "checkbox" else ("Yes" if value else "No")
    if isinstance(value, datetime):
        # a date column keeps a day only; which day it is depends on where the person is
        return value.astimezone(zone).date().isoformat() if column.type == "date" else value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return write_steps(value)
    return value


def status_label(column: Column, status: TaskStatus, statuses: Mapping[str, TaskStatus]) -> str:
    """The option of the column that means this status, else the person's own word for it, else ours."""
    means: dict[str, TaskStatus] = _TASK_STATUSES | {plain(label): meant for label, meant in statuses.items()}
    ours = status.replace("_", " ").capitalize()
    own = [label for label, meant in statuses.items() if meant == status]
    options = [option for option in column.options if means.get(plain(option)) == status]
    exact = [option for option in options if plain(option) == plain(status)]
    return next(iter((*exact, *options, *own)), ours)


def says(column: Column, shown: Any, written: Any) -> bool:
    """Whether a cell shows what was written into it."""
    content = unwrapped(shown)
    if isinstance(written, bool) or isinstance(content, bool):
        return bool(content) == bool(written) if written != "" else content in ("", False)
    if written == "" or content in ("", []):
        return content in ("", []) and written == ""
    if isinstance(written, int | float):
        return isinstance(content, int | float) and abs(float(content) - written) < 1e-6
    if column.type == "date":
        return text_of(content)[:10] == str(written)[:10]
    if column.type == "dateTime":
        return _instant(content) == _instant(written)
    return text_of(content) == str(written)
