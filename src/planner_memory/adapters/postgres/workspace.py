"""The daily thread as a table, for those who keep no other workspace."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from planner_memory.adapters.postgres.database import Database
from planner_memory.core.intervals import Interval
from planner_memory.ports.workspace import Mode, PostedReflection, Reflection

_WHOLE = ""  # the stored client of a reflection on the person's whole work


@dataclass(frozen=True, slots=True)
class _Entry:
    id: UUID
    person_id: str
    client_id: str
    mode: Mode
    period_start: datetime
    period_end: datetime
    thread_on: date
    reflection: str
    metrics: Mapping[str, Any]
    updated_at: datetime

    def posted(self) -> PostedReflection:
        reflection = Reflection(
            reflection_id=self.id,
            person_id=self.person_id,
            client_id=self.client_id or None,
            mode=self.mode,
            period=Interval(self.period_start, self.period_end),
            thread_on=self.thread_on,
            content=self.reflection,
            metrics=self.metrics,
        )
        return PostedReflection(str(self.id), reflection, self.updated_at)


class PostgresWorkspace:
    """Fulfils Workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def post_reflection(self, reflection: Reflection, *, posted_at: datetime) -> str:
        async with self._database.begin() as tx:
            posted = await tx.value(
                "post_reflection",
                id=reflection.reflection_id,
                person_id=reflection.person_id,
                client_id=reflection.client_id or _WHOLE,
                mode=reflection.mode,
                period_start=reflection.period.start,
                period_end=reflection.period.end,
                thread_on=reflection.thread_on,
                reflection=reflection.content,
                metrics=dict(reflection.metrics),
                posted_at=posted_at,
            )
        return str(posted)

    async def reflections(self, person_id: str, client_id: str | None, mode: Mode | None, *, limit: int) -> list[PostedReflection]:
        async with self._database.begin() as tx:
            entries = await tx.rows("posted_reflections", _Entry, person_id=person_id, client_id=client_id or _WHOLE, mode=mode, limit=limit)
        return [entry.posted() for entry in entries]

    async def posted(self, person_id: str, client_id: str | None, mode: Mode, period_start: datetime) -> PostedReflection | None:
        async with self._database.begin() as tx:
            entry = await tx.row(
                "posted_reflection", _Entry, person_id=person_id, client_id=client_id or _WHOLE, mode=mode, period_start=period_start
            )
        return entry.posted() if entry else None

    async def check(self) -> None:
        await self._database.check()
