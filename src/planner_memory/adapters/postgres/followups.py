"""What is still to be done for memories, in PostgreSQL: triggers note it in the transaction of the change itself."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.memories import PostgresMemoryTransaction
from planner_memory.ports.followups import Backlog, FollowUp, Open, Purpose
from planner_memory.ports.memories import StoredMemory


def _claims(items: Sequence[FollowUp]) -> dict[str, Any]:
    return {
        "ids": [i.memory_id for i in items],
        "clients": [i.client_id for i in items],
        "revisions": [i.revision for i in items],
        "leases": [i.leased_until for i in items],
    }


class PostgresFollowUpTransaction(PostgresMemoryTransaction):
    """Fulfils FollowUpTransaction."""

    async def start_following(self, purpose: Purpose, *, is_filled: bool) -> None:
        if not await self._tx.value("is_followed", purpose=purpose):
            await self._tx.run("start_following", purpose=purpose, is_filled=is_filled)

    async def fill(self, purpose: Purpose) -> int:
        if await self._tx.value("unfilled_follower", purpose=purpose) is None:
            return 0
        count = await self._tx.run("fill_followups", purpose=purpose)
        await self._tx.run("mark_follower_filled", purpose=purpose)
        return count

    async def stop_following(self, purpose: Purpose) -> None:
        if await self._tx.run("stop_following", purpose=purpose):
            await self._tx.run("drop_followups", purpose=purpose)

    async def claim_followups(self, purpose: Purpose, *, is_gone: bool, first: Sequence[UUID], limit: int, lease_seconds: float) -> list[FollowUp]:
        claimed: list[FollowUp] = []
        asked = {"purpose": purpose, "is_gone": is_gone, "lease_seconds": lease_seconds}
        if first:
            claimed = await self._tx.rows("claim_followups_first", FollowUp, first=list(first), limit=limit, **asked)
        if len(claimed) < limit:
            claimed += await self._tx.rows("claim_followups_due", FollowUp, limit=limit - len(claimed), **asked)
        return claimed

    async def finish_followups(self, purpose: Purpose, done: Sequence[FollowUp]) -> None:
        await self._tx.run("finish_followups", purpose=purpose, **_claims(done))
        await self._tx.run("release_changed_followups", purpose=purpose, **_claims(done))

    async def put_off_followups(self, purpose: Purpose, failed: Sequence[FollowUp], *, error: str, first_wait_seconds: float) -> None:
        await self._tx.run("put_off_followups", purpose=purpose, error=error, first_wait_seconds=first_wait_seconds, **_claims(failed))
        await self._tx.run("release_changed_followups", purpose=purpose, **_claims(failed))

    async def open_followups(self, purpose: Purpose, ids: Sequence[UUID]) -> list[Open]:
        return await self._tx.rows("open_followups", Open, purpose=purpose, ids=list(ids))

    async def followup_backlog(self, purpose: Purpose) -> Backlog:
        return await self._tx.row("followup_backlog", Backlog, purpose=purpose) or Backlog(0, None)

    async def extracted_on(self, topic: str, *, client_id: str, person_id: str, memory_type: str) -> list[StoredMemory]:
        return await self._tx.rows("extracted_on", StoredMemory, topic=topic, client_id=client_id, person_id=person_id, memory_type=memory_type)

    async def extracted_from(self, memory_ids: Sequence[UUID]) -> list[StoredMemory]:
        return await self._tx.rows("extracted_from", StoredMemory, memory_ids=list(memory_ids))

    async def is_said_already(self, content: str, *, client_id: str, memory_type: str) -> bool:
        return bool(await self._tx.value("is_said_already", content=content, client_id=client_id, memory_type=memory_type))

    async def put_provenance(self, memory_id: UUID, metadata: Mapping[str, Any], occurred_at: datetime) -> None:
        await self._tx.run("put_provenance", memory_id=memory_id, metadata=dict(metadata), occurred_at=occurred_at)


class PostgresFollowUps:
    """Fulfils FollowUpStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresFollowUpTransaction]:
        async with self._database.begin() as tx:
            yield PostgresFollowUpTransaction(tx)
