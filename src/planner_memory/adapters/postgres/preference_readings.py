"""Readings of remembered preferences in PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from psycopg.types.json import Jsonb

from planner_memory.adapters.postgres.database import Database, Transaction
from planner_memory.ports.preference_readings import Reading


class PostgresPreferenceReadings:
    """Fulfils PreferenceReadingStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["PreferenceReadingTransaction"]:
        async with self._database.begin() as tx:
            yield PreferenceReadingTransaction(tx)


class PreferenceReadingTransaction:
    """Fulfils PreferenceReadings."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def readings(self, memory_ids: Sequence[UUID]) -> list[Reading]:
        return await self._tx.rows("preference_readings", Reading, memory_ids=list(memory_ids))

    async def save(self, reading: Reading) -> bool:
        touched = await self._tx.run(
            "save_preference_reading",
            memory_id=reading.memory_id,
            read_by=reading.read_by,
            rules=Jsonb([dict(rule) for rule in reading.rules]),
            notes=Jsonb(dict(reading.notes)),
            read_at=reading.read_at,
        )
        return touched > 0

    async def remove(self, memory_id: UUID) -> bool:
        return await self._tx.run("remove_preference_reading", memory_id=memory_id) > 0

    async def text_of(self, memory_id: UUID) -> str | None:
        found: str | None = await self._tx.value("remembered_preference", memory_id=memory_id)
        return found
