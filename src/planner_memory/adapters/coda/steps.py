"""Steps in one cell, as a person writes them and as a machine does.

One step per line, `2. Collect access (2.5 h; after 1; billable)`, its description below it, indented; or the JSON list that the original
deployment kept. What is written is lines where they say everything, and JSON where they would not.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from planner_memory.ports.workspace_records import Step

_LINE = re.compile(r"^(?:(?P<number>\d{1,4})[.)]|[-*•])?[ \t]*(?:\[[ xX]?\][ \t]*)?(?P<title>.*?)(?:[ \t]+\((?P<tail>[^()]*)\))?[ \t]*$")
_HOURS = re.compile(r"^(\d{1,6}(?:\.\d{1,6})?) ?(h|hours?|min|minutes?)$")
_AFTER = re.compile(r"^after (\d{1,4}(?:, ?\d{1,4})*)$")
_KEY = re.compile(r"^key ([^\s;()]+)$")
_INDENT = "   "
_TITLES = ("title", "name", "step", "text")


def read_steps(text: str) -> tuple[Step, ...]:
    """Raises ValueError, in words for the person, when it is a JSON list with something in it that is no step."""
    if text.lstrip().startswith("["):
        try:
            listed = json.loads(text)
        except (ValueError, RecursionError):
            listed = None
        if isinstance(listed, list):
            return tuple(_from_json(item, number) for number, item in enumerate(listed, 1))
    return _from_lines(text)


def write_steps(steps: Iterable[Step]) -> str:
    listed = tuple(steps)
    lines = "\n".join(_line(step) for step in listed)
    return lines if _from_lines(lines) == listed else json.dumps(step_objects(listed), ensure_ascii=False)


def step_objects(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """In the words of the original deployment's process templates."""
    return [_json(step) for step in steps]


def _line(step: Step) -> str:
    tail = []
    if step.estimated_hours is not None:
        tail.append(f"{step.estimated_hours:.6f}".rstrip("0").rstrip(".") + " h")
    if step.dependencies:
        tail.append("after " + ", ".join(map(str, step.dependencies)))
    if step.billable is not None:
        tail.append("billable" if step.billable else "not billable")
    if step.key is not None:
        tail.append(f"key {step.key}")
    said = f" ({'; '.join(tail)})" if tail else ""
    below = "".join(f"\n{_INDENT}{line}" for line in step.description.split("\n")) if step.description else ""
    return f"{step.number}. {step.title}{said}{below}"


def _from_lines(text: str) -> tuple[Step, ...]:
    steps: list[dict[str, Any]] = []
    for line in text.split("\n"):
        if steps and line.startswith(_INDENT):
            steps[-1].setdefault("below", []).append(line.removeprefix(_INDENT))
            continue
        parts = _LINE.match(line)
        if parts is None or not line.strip():
            continue
        tail = _tail(parts["tail"])
        title = parts["title"] if tail is not None or parts["tail"] is None else f"{parts['title']} ({parts['tail']})"
        if title.strip():
            steps.append({"number": int(parts["number"] or 0) or len(steps) + 1, "title": title.strip(), **(tail or {})})
    return tuple(Step(description="\n".join(step.pop("below", [])), **step) for step in steps)


def _tail(text: str | None) -> dict[str, Any] | None:
    """None when one of the parts is nothing that is known: then it belongs to the title."""
    if text is None:
        return {}
    said: dict[str, Any] = {}
    for part in (each.strip() for each in text.split(";")):
        if hours := _HOURS.match(part):
            said["estimated_hours"] = float(hours[1]) / (60 if hours[2].startswith("m") else 1)
        elif after := _AFTER.match(part):
            said["dependencies"] = tuple(int(number) for number in after[1].split(","))
        elif part in ("billable", "not billable"):
            said["billable"] = part == "billable"
        elif key := _KEY.match(part):
            said["key"] = key[1]
        else:
            return None
    return said


def _from_json(item: Any, number: int) -> Step:
    if isinstance(item, str):
        return Step(number=number, title=item)
    if not isinstance(item, dict):
        raise ValueError(f"item {number} of the list is no step")
    title = _first(item, *_TITLES, "description")
    if not isinstance(title, str) or not title.strip():
        raise ValueError(f"item {number} of the list has no title")
    description = item.get("description") if _first(item, *_TITLES) is not None else ""
    try:
        hours = _first(item, "estimated_hours", "hours")
        return Step(
            number=int(_first(item, "number", "step_number") or number),
            title=title,
            description=str(description or ""),
            estimated_hours=None if hours in (None, "") else float(hours),
            dependencies=tuple(int(each) for each in _first(item, "dependencies", "depends_on") or ()),
            billable=None if item.get("billable") is None else bool(item["billable"]),
            key=None if item.get("key") is None else str(item["key"]),
        )
    except (TypeError, ValueError):
        raise ValueError(f"item {number} of the list has hours, a number or dependencies that are no numbers") from None


def _first(item: Mapping[str, Any], *names: str) -> Any:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _json(step: Step) -> dict[str, Any]:
    said: dict[str, Any] = {"step_number": step.number, "title": step.title}
    said |= {"description": step.description, "estimated_hours": step.estimated_hours, "dependencies": list(step.dependencies)}
    return said | {name: value for name in ("billable", "key") if (value := getattr(step, name)) is not None}
