"""The journal of calendar writes and the live blocks in PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from planner_memory.adapters.postgres.database import Transaction
from planner_memory.core.errors import Conflict
from planner_memory.ports.journal import CalendarWrite, JournalEntry, LiveBlock


class JournalQueries:
    """Fulfils Journal."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def open_entry(self, entry: JournalEntry, client_id: str | None, writes: Sequence[CalendarWrite]) -> None:
        try:
            await self._tx.run(
                "open_journal_entry",
                id=entry.id,
                run_id=entry.run_id,
                client_id=client_id,
                person_id=entry.person_id,
                purpose=entry.purpose,
                replaces=entry.replaces,
                event_type=entry.event_type,
            )
        except psycopg.errors.UniqueViolation as error:
            raise Conflict("The calendar is still being written for another schedule. Ask again in a moment.", retry_after=5) from error
        rows = [_write(n, each) for n, each in enumerate(writes)]
        await self._tx.run("add_calendar_writes", journal_id=entry.id, client_id=client_id, writes=Jsonb(rows))

    async def open_entries(self, person_id: str | None) -> list[JournalEntry]:
        return await self._tx.rows("open_journal_entries", JournalEntry, person_id=person_id)

    async def writes(self, entry_id: UUID) -> list[CalendarWrite]:
        return await self._tx.rows("calendar_writes", CalendarWrite, journal_id=entry_id)

    async def mark_write(self, entry_id: UUID, event_id: str, state: str, *, etag: str | None, link: str | None) -> None:
        seen = Jsonb({"calendar_link": link} if link else {})
        await self._tx.run("mark_calendar_write", journal_id=entry_id, event_id=event_id, state=state, etag=etag, seen=seen)

    async def set_entry_state(self, entry_id: UUID, state: str) -> None:
        await self._tx.run("set_journal_state", id=entry_id, state=state)

    async def occupy(self, run_ids: Sequence[UUID], blocks: Sequence[LiveBlock]) -> None:
        await self._tx.run("vacate_blocks", run_ids=list(run_ids))
        await self._add(blocks)

    async def live_blocks(self, person_id: str) -> list[LiveBlock]:
        return await self._tx.rows("live_blocks", LiveBlock, person_id=person_id)

    async def replace_live(self, event_ids: Sequence[str], blocks: Sequence[LiveBlock]) -> None:
        await self._tx.run("remove_live_blocks", event_ids=list(event_ids))
        await self._add(blocks)

    async def _add(self, blocks: Sequence[LiveBlock]) -> None:
        try:
            await self._tx.run("occupy_blocks", blocks=Jsonb([_block(each) for each in blocks]))
        except psycopg.errors.ExclusionViolation as error:
            raise Conflict("Another block of yours stands at one of these times, or two of these overlap. Schedule anew.", retry_after=1) from error
        except psycopg.errors.UniqueViolation as error:
            raise Conflict("One of these events belongs to another schedule already. Schedule anew.") from error


def _write(position: int, each: CalendarWrite) -> Mapping[str, Any]:
    return {
        "event_id": each.event_id,
        "position": position,
        "operation": each.operation,
        "wanted": None if each.wanted is None else dict(each.wanted),
        "before": None if each.before is None else dict(each.before),
        "before_run_id": str(each.before_run_id) if each.before_run_id else None,
        "etag": each.etag,
    }


def _block(each: LiveBlock) -> Mapping[str, Any]:
    return {
        "event_id": each.event_id,
        "run_id": str(each.run_id),
        "client_id": each.client_id,
        "person_id": each.person_id,
        "task_id": each.task_id,
        "starts_at": each.starts_at.isoformat(),
        "ends_at": each.ends_at.isoformat(),
        "state": each.state,
        "is_pinned": each.is_pinned,
        "is_done": each.is_done,
        "etag": each.etag,
    }
