"""Workspaces written as files: YAML with one list per kind of row, CSV with one row per line. Every value knows its line."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from planner_memory.core.errors import InvalidInput
from planner_memory.planner_engine.workspace_documents import kind_named, spellings
from planner_memory.ports.workspace_records import Record

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST, MOST_ROWS, _LONGEST_CELL = 12, 20_000, 2_000_000
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row as it was written. `lines` has the line of each value by its path inside the row."""

    kind: type[Record]
    document: Mapping[str, Any]
    line: int
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int:
        """Of the value, else of what it stands in."""
        while path:
            for written in spellings(str(path[-1])) if isinstance(path[-1], str) else path[-1:]:
                if (*path[:-1], written) in self.lines:
                    return self.lines[(*path[:-1], written)]
            path = path[:-1]
        return self.line


def entries_of(text: str, format: str, kind: str | None) -> list[Entry]:
    """The rows of a file, in its order. `kind` is for CSV, which has no place for it.

    Raises:
        InvalidInput: the text cannot be read; the line is named.
    """
    if "\x00" in text:
        raise InvalidInput("The file holds a NUL character, so it is no text.", field="text")
    found = list(_csv(text, kind) if format == "csv" else _yaml(text))
    if not found:
        raise InvalidInput("The file has no rows.", field="text")
    if len(found) > MOST_ROWS:
        raise InvalidInput(f"The file has {len(found)} rows; {MOST_ROWS} are taken at once. Split it.", field="text")
    return found


def _csv(text: str, kind: str | None) -> Iterator[Entry]:
    if kind is None:
        raise InvalidInput("A CSV file does not say what its rows are. Name the kind, such as workflows or tasks.", field="kind")
    rows_are = kind_named(kind)
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        if len(set(names)) < len(names) or not all(names):
            raise InvalidInput("line 1: every column needs a name of its own.", field="text")
        for cells in _numbered(reader):
            line, row = cells
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > len(names):
                raise InvalidInput(f"line {line}: it has {len(row)} cells, and the first line names {len(names)} columns.", field="text")
            yield Entry(rows_are, {n: c for n, c in zip(names, row, strict=False) if c.strip()}, line)
    except csv.Error as error:
        raise InvalidInput(f"line {reader.line_num}: this is no CSV: {error}.", field="text") from error


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """With the line on which each row begins: cells may hold line breaks."""
    first = reader.line_num + 1
    for row in reader:
        yield first, row
        first = reader.line_num + 1


def _yaml(text: str) -> Iterator[Entry]:
    try:
        _check_plain(text)
        root = yaml.compose(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise InvalidInput(f"{where}this is no YAML: {getattr(error, 'problem', None) or error}.", field="text") from error
    if not isinstance(root, yaml.MappingNode):
        raise InvalidInput("line 1: a workspace file has one list of rows for each kind, such as 'workflows:'.", field="text")
    for name, rows in root.value:
        line = name.start_mark.line + 1
        try:
            kind = kind_named(str(name.value))
        except InvalidInput as error:
            raise InvalidInput(f"line {line}: {error.detail}", field="text") from error
        if not isinstance(rows, yaml.SequenceNode):
            raise InvalidInput(f"line {line}: {name.value} needs a list of rows.", field="text")
        for node in rows.value:
            if not isinstance(node, yaml.MappingNode):
                raise InvalidInput(f"line {node.start_mark.line + 1}: a row of {name.value} needs names and values.", field="text")
            lines: dict[Path, int] = {}
            yield Entry(kind, _value(node, (), lines), node.start_mark.line + 1, lines)


def _check_plain(text: str) -> None:
    """Aliases can make a short file an endless one, and deep nesting ends in the reader's own error."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise InvalidInput(f"line {line}: aliases (*{event.anchor}) are not taken. Write the value out.", field="text")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise InvalidInput(f"line {line}: it is nested too deeply.", field="text")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _value(node: Any, path: Path, lines: dict[Path, int]) -> Any:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in found:
                raise InvalidInput(f"line {key.start_mark.line + 1}: {name} is there twice.", field="text")
            lines[(*path, name)] = key.start_mark.line + 1
            found[name] = _value(value, (*path, name), lines)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, (*path, i), lines) for i, each in enumerate(node.value)]
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidInput(f"line {node.start_mark.line + 1}: {str(node.value)[:80]!r} cannot be read.", field="text") from error
