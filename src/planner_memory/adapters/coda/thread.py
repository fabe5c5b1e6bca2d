"""Reflections in the doc's table daily_thread: the day, the text, the numbers; and which period of whose work it is, in the key."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args
from urllib.parse import quote, unquote
from uuid import UUID
from zoneinfo import ZoneInfo

from planner_memory.adapters.coda.cells import text_of, unwrapped, write_cell
from planner_memory.adapters.coda.doc import CodaDoc
from planner_memory.adapters.coda.layout import Table
from planner_memory.adapters.coda.names import KEY, THREAD
from planner_memory.adapters.coda.rows import client_in, full_id, stored_key
from planner_memory.adapters.coda.writing import CodaWriting
from planner_memory.core.intervals import Interval
from planner_memory.ports.workspace import Mode, PostedReflection, Reflection

_OURS = "planner"  # the member of the numbers that says what the other columns cannot


class CodaThread:
    """Fulfils DailyThread, but for `check`."""

    def __init__(self, doc: CodaDoc, writing: CodaWriting, zone: ZoneInfo) -> None:
        self._doc, self._writing, self._zone = doc, writing, zone

    async def post_reflection(self, reflection: Reflection, *, posted_at: datetime) -> str:
        table = await self._writing.table(THREAD)
        ours = {"reflection_id": str(reflection.reflection_id), "ends_at": reflection.period.end.isoformat(), "posted_at": posted_at.isoformat()}
        values: dict[str, Any] = {"thread_on": reflection.thread_on, "content": reflection.content}
        values["metrics"] = json.dumps({**reflection.metrics, _OURS: ours}, ensure_ascii=False)
        columns = {field: self._writing.column(table, field) for field in values}
        cells = {columns[field].id: write_cell(columns[field], value, self._zone) for field, value in values.items()}
        stored = _key(reflection.person_id, reflection.client_id, reflection.mode, reflection.period.start)
        row = await self._writing.put_by_key(table, cells, stored)
        return full_id(str(row["id"]))

    async def reflections(self, person_id: str, client_id: str | None, mode: Mode | None, *, limit: int) -> list[PostedReflection]:
        table = await self._doc.table(THREAD)
        posts = [post for row in await self._doc.rows(table) if (post := _read(table, row)) is not None] if table else []
        wanted = [
            post
            for post in posts
            if post.reflection.person_id == person_id and post.reflection.client_id == client_id and mode in (None, post.reflection.mode)
        ]
        return sorted(wanted, key=lambda post: post.reflection.period.start, reverse=True)[:limit]

    async def posted(self, person_id: str, client_id: str | None, mode: Mode, period_start: datetime) -> PostedReflection | None:
        table = await self._doc.table(THREAD)
        row = await self._writing.by_key(table, _key(person_id, client_id, mode, period_start)) if table and KEY in table.columns else None
        return _read(table, row) if table and row is not None else None


def _key(person_id: str, client_id: str | None, mode: Mode, period_start: datetime) -> str:
    return stored_key(client_id, f"{mode} {quote(person_id, safe='')} {period_start.isoformat()}")


def _read(table: Table, row: Mapping[str, Any]) -> PostedReflection | None:
    """None for what others wrote into the thread."""
    said = {field: text_of(unwrapped(row["values"].get(column.id, ""))) for field, column in table.columns.items()}
    try:
        mode, person, start = said[KEY].partition("|")[2].split(" ")
        metrics = json.loads(said["metrics"])
        ours = metrics.pop(_OURS)
        if mode not in get_args(Mode):
            return None
        reflection = Reflection(
            reflection_id=UUID(ours["reflection_id"]),
            person_id=unquote(person),
            client_id=client_in(said[KEY]),
            mode="weekly" if mode == "weekly" else "daily",
            period=Interval(datetime.fromisoformat(start), datetime.fromisoformat(ours["ends_at"])),
            thread_on=datetime.fromisoformat(said["thread_on"]).date(),
            content=said["content"],
            metrics=metrics,
        )
        return PostedReflection(full_id(str(row["id"])), reflection, datetime.fromisoformat(ours["posted_at"]))
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
