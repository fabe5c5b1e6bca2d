"""A week as a grid: days as columns, half hours as rows."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

_SLOT = 30  # minutes
_OFFICE = (9 * 60, 17 * 60)  # always shown
_EDGES = (8 * 60, 18 * 60)  # what is in the calendar beyond these is listed above and below the grid
_LABEL = 5
_PLANNED = "bold cyan"
_BUSY = "dim"
LEGEND = Text.assemble(("▌", _PLANNED), " planned   ", ("│", _BUSY), " in the calendar already")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in the calendar; instants are aware."""

    title: str
    start: datetime
    end: datetime
    is_planned: bool = False
    is_all_day: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """The part of an entry on one local day, in minutes after midnight."""

    entry: Entry
    start: int
    end: int
    starts_here: bool

    @property
    def text(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02} {self.entry.title}" if self.start % _SLOT and self.starts_here else self.entry.title


def entry_of(event: Mapping[str, Any]) -> Entry:
    """An entry from an event or a block as the scheduler answers it."""
    return Entry(
        str(event.get("title") or event.get("task_title") or event.get("task_id") or "busy"),
        datetime.fromisoformat(event["start"]),
        datetime.fromisoformat(event["end"]),
        is_planned=bool(event.get("is_own") or event.get("task_id")),
        is_all_day=bool(event.get("is_all_day") or event.get("all_day")),
    )


def week_grid(entries: Sequence[Entry], monday: date, tz: ZoneInfo, width: int) -> Table:
    """The week from that Monday in at most `width` columns (80 or more). Saturday and Sunday are left out when nothing is on."""
    pieces = {day: _pieces(entries, day, tz) for day in (monday + timedelta(days=n) for n in range(7))}
    all_day = {day: [e for e in entries if e.is_all_day and _touches(e, day, tz)] for day in pieces}
    days = [day for n, day in enumerate(pieces) if n < 5 or pieces[day] or all_day[day]]
    cell = (min(width, 140) - _LABEL - len(days)) // len(days)
    table = Table(box=None, padding=(0, 0, 0, 1), pad_edge=False, show_edge=False, header_style="bold")
    table.add_column("", width=_LABEL, no_wrap=True, style="dim")
    for day in days:
        table.add_column(f"{day:%a} {day.day} {day:%b}", width=cell, no_wrap=True)
    if any(all_day.values()):
        titles = [Text(_cut(", ".join(e.title for e in all_day[day]), cell), "yellow") for day in days]
        table.add_row("  day", *titles)
    first, last = _range([p for day in days for p in pieces[day]])
    _add_outside(table, "until", days, pieces, lambda p: p.end <= first, cell)
    columns = [_column(pieces[day], first, last, cell) for day in days]
    for row, minute in enumerate(range(first, last, _SLOT)):
        table.add_row(f"{minute // 60:02}:00" if minute % 60 == 0 else "", *(column[row] for column in columns))
    _add_outside(table, "later", days, pieces, lambda p: p.start >= last, cell)
    return table


def mondays(first: date, last: date) -> list[date]:
    """The Mondays of the weeks from one day to another."""
    monday = first - timedelta(days=first.weekday())
    return [monday + timedelta(weeks=n) for n in range((last - monday).days // 7 + 1)]


def _touches(entry: Entry, day: date, tz: ZoneInfo) -> bool:
    return entry.start.astimezone(tz).date() <= day <= (entry.end.astimezone(tz) - timedelta(seconds=1)).date()


def _pieces(entries: Sequence[Entry], day: date, tz: ZoneInfo) -> list[_Piece]:
    found = []
    for entry in entries:
        if entry.is_all_day or not _touches(entry, day, tz):
            continue
        start, end = entry.start.astimezone(tz), entry.end.astimezone(tz)
        from_, to = (_minutes(start.time()) if start.date() == day else 0), (_minutes(end.time()) if end.date() == day else 24 * 60)
        found.append(_Piece(entry, from_, max(to, from_ + 1), start.date() == day))
    return sorted(found, key=lambda p: (p.start, p.end))


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def _range(pieces: Sequence[_Piece]) -> tuple[int, int]:
    starts = [p.start if p.entry.is_planned else max(p.start, _EDGES[0]) for p in pieces]
    ends = [p.end if p.entry.is_planned else min(p.end, _EDGES[1]) for p in pieces]
    return min([_OFFICE[0], *starts]) // 60 * 60, -(-max([_OFFICE[1], *ends]) // _SLOT) * _SLOT


def _column(pieces: Sequence[_Piece], first: int, last: int, cell: int) -> list[Text]:
    slots = [_shown(pieces, minute) for minute in range(first, last, _SLOT)]
    out: list[Text] = []
    while len(out) < len(slots):
        piece = slots[len(out)]
        rows = 1
        while len(out) + rows < len(slots) and slots[len(out) + rows] is piece:
            rows += 1
        out += [Text()] * rows if piece is None else _box(piece, rows, cell)
    return out


def _shown(pieces: Sequence[_Piece], minute: int) -> _Piece | None:
    """What is on in a half hour; of several the planned one, then the one that fills most of it."""
    candidates = [(p.entry.is_planned, min(p.end, minute + _SLOT) - max(p.start, minute), p) for p in pieces]
    inside = [c for c in candidates if c[1] > 0]
    return max(inside, key=lambda c: c[:2])[2] if inside else None


def _box(piece: _Piece, rows: int, cell: int) -> list[Text]:
    bar, style = ("▌", _PLANNED) if piece.entry.is_planned else ("│", _BUSY)
    lines = textwrap.wrap(piece.text, cell - 1) or [""]
    if len(lines) > rows:
        lines = [*lines[: rows - 1], _cut(" ".join(lines[rows - 1 :]), cell - 1)]
    return [Text.assemble((bar, style), (lines[n] if n < len(lines) else "", style)) for n in range(rows)]


def _add_outside(table: Table, label: str, days: Sequence[date], pieces: Mapping[date, Sequence[_Piece]], chosen: Any, cell: int) -> None:
    texts = [", ".join(f"{p.start // 60:02}:{p.start % 60:02} {p.entry.title}" for p in pieces[day] if chosen(p)) for day in days]
    if any(texts):
        table.add_row(label, *(Text(_cut(text, cell), _BUSY) for text in texts))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"
