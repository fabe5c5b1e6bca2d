"""A memory transaction's part for export and import, for changes and their history, and for retention."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from planner_memory.adapters.postgres.database import Transaction
from planner_memory.core.errors import Conflict, InvalidInput
from planner_memory.ports.archive import Change, Kind, Line, Retention


class PostgresArchive:
    """Fulfils ArchiveTransaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def lines(self, kind: Kind, client_id: str, *, after: str, limit: int) -> list[Line]:
        return await self._tx.rows(f"archive_{kind}", Line, client_id=client_id, after=after, limit=limit)

    async def put_lines(self, kind: Kind, client_id: str, lines: Sequence[str]) -> int:
        whole = f"[{','.join(lines)}]"  # the text as it came: numbers pass through no floating point on their way
        try:
            new = await self._tx.run(f"restore_{kind}", client_id=client_id, lines=whole)
        except psycopg.errors.ForeignKeyViolation as error:
            belongs = {"memory_history": "memory", "graph_edge": "graph node", "doc_chunk": "document"}.get(kind, "row")
            raise InvalidInput(
                f"A {kind} belongs to a {belongs} that is neither in the file nor stored. Import that first.", field="lines"
            ) from error
        except psycopg.DataError as error:
            raise InvalidInput(f"A {kind} holds a value that cannot be stored: {error.diag.message_primary}.", field="lines") from error
        if kind == "memory" and await self._tx.value("missing_memory", client_id=client_id, lines=whole):
            raise Conflict("Some memory ids are taken by another client. Import them under the client that they were exported from.")
        return new

    async def change(self, memory_id: UUID, changes: Mapping[str, Any]) -> None:
        await self._tx.run("change_memory", memory_id=memory_id, changes=dict(changes))

    async def disturb(self, ids: Sequence[UUID], reach: int) -> None:
        await self._tx.run("mark_neighbours_pending", ids=list(ids), reach=reach)

    async def history(self, memory_id: UUID) -> list[Change]:
        return await self._tx.rows("memory_history", Change, memory_id=memory_id)

    async def retention(self, client_id: str) -> Retention | None:
        return await self._tx.row("retention_policy", Retention, client_id=client_id)

    async def retentions(self) -> list[Retention]:
        return await self._tx.rows("retention_policies", Retention)

    async def put_retention(self, policy: Retention) -> None:
        await self._tx.run("put_retention_policy", **_parameters(policy))

    async def expired(self, policy: Retention, now: datetime, limit: int) -> list[UUID]:
        return await self._tx.values("expired_memories", **_parameters(policy), now=now, limit=limit)

    async def count_expired(self, policy: Retention, now: datetime) -> int:
        return int(await self._tx.value("count_expired_memories", **_parameters(policy), now=now))


def _parameters(policy: Retention) -> dict[str, Any]:
    return {
        "client_id": policy.client_id,
        "memory_types": dict(policy.memory_types),
        "event_types": dict(policy.event_types),
        "include_pinned": policy.include_pinned,
    }
