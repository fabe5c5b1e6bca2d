"""Writes drafts as rows, all or nothing: repeats are the row that is there, and a newer memory takes the place of an older one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from planner_memory.core.errors import Conflict, InvalidInput
from planner_memory.memory_gateway.requests import Draft, to_store
from planner_memory.ports.memories import Added, MemoryStore, MemoryToStore, MemoryTransaction


async def stored(
    store: MemoryStore, drafts: Sequence[Draft], now: datetime, tz: ZoneInfo, *, in_batch: bool = False, lease_seconds: float = 0
) -> list[Added]:
    """What became of each draft: a new row, leased when `lease_seconds` says so, or the row that it repeats.

    Raises:
        InvalidInput: a time cannot be read, or `supersedes` names no memory of the client.
        Conflict: the memory to supersede has been superseded by another.
    """
    rows = [to_store(d, now, tz, prefix=f"memories[{i}]." if in_batch else "") for i, d in enumerate(drafts)]
    if len(drafts) == 1 and drafts[0].supersedes is None:
        return [await store.add_unless_repeated(rows[0], lease_seconds=lease_seconds)]
    asked: dict[tuple[object, ...], MemoryToStore] = {}
    for row in rows:
        asked.setdefault(_identity(row), row)
    async with store.begin(locking=sorted({r.client_id for r in rows})) as tx:
        added = dict(zip(asked, await tx.add_unless_repeated(list(asked.values()), lease_seconds=lease_seconds), strict=True))
        kept = []
        for row in rows:
            there = added[_identity(row)]
            kept.append(there if there.id == row.id else Added(there.id, None))
        for n, (draft, row) in enumerate(zip(drafts, rows, strict=True)):
            if draft.supersedes is not None and draft.supersedes != kept[n].id:
                field = f"memories[{n}].supersedes" if in_batch else "supersedes"
                await _supersede(tx, draft.supersedes, draft.client_id, kept[n].id, row.occurred_at, field=field)
    return kept


def _identity(row: MemoryToStore) -> tuple[object, ...]:
    """What two drafts of one batch have in common when the second repeats the first."""
    return (row.client_id, row.thread_id, row.memory_type, row.event_type, row.content_hash, None if row.thread_id else row.occurred_at)


async def _supersede(tx: MemoryTransaction, old: UUID, client_id: str, new: UUID, at: datetime, *, field: str) -> None:
    found = await tx.memories([old])
    if not found or found[0].client_id != client_id:
        raise InvalidInput(f"There is no memory {old} of client {client_id!r} to supersede. Leave the field out.", field=field)
    if found[0].superseded_by not in (None, new):
        raise Conflict(f"That memory was superseded by {found[0].superseded_by}. Supersede that one instead.")
    if found[0].superseded_by is None:
        await tx.supersede(old, new, at)
