"""Documents and their chunks in PostgreSQL, and the ids of deleted chunks until the index has followed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from planner_memory.adapters.postgres.database import Database, Transaction
from planner_memory.ports.documents import ChunkToStore, DocumentToStore, StoredChunk, StoredDocument
from planner_memory.ports.memories import Pending, Scored

Clients = tuple[str, ...] | None


def _listed(clients: Clients) -> list[str] | None:
    return None if clients is None else list(clients)


class PostgresDocumentTransaction:
    """Fulfils DocumentTransaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def lock(self, client_id: str) -> None:
        await self._tx.run("lock_documents", client_id=client_id)

    async def documents(self, doc_id: str, clients: Clients) -> list[StoredDocument]:
        return await self._tx.rows("documents_by_id", StoredDocument, doc_id=doc_id, clients=_listed(clients))

    async def by_source(self, client_id: str, source: str) -> StoredDocument | None:
        return await self._tx.row("document_by_source", StoredDocument, client_id=client_id, source=source)

    async def by_hash(self, client_id: str, content_hash: str) -> StoredDocument | None:
        return await self._tx.row("document_by_hash", StoredDocument, client_id=client_id, content_hash=content_hash)

    async def listed(self, clients: Clients, *, limit: int, offset: int) -> list[StoredDocument]:
        return await self._tx.rows("list_documents", StoredDocument, clients=_listed(clients), limit=limit, offset=offset)

    async def count(self, clients: Clients) -> int:
        return int(await self._tx.value("count_documents", clients=_listed(clients)))

    async def put(self, document: DocumentToStore, chunks: Sequence[ChunkToStore], at: datetime) -> None:
        await self._tx.run("put_document", **{**asdict(document), "metadata": dict(document.metadata)}, at=at)
        await self._tx.run("drop_chunks", client_id=document.client_id, doc_id=document.doc_id)
        rows = [{**asdict(chunk), "id": str(chunk.id)} for chunk in chunks]
        if rows:
            await self._tx.run("add_chunks", client_id=document.client_id, doc_id=document.doc_id, chunks=rows)

    async def remove(self, client_id: str, doc_id: str) -> list[UUID]:
        ids = await self._tx.values("chunk_ids_of_document", client_id=client_id, doc_id=doc_id)
        await self._tx.run("remove_document", client_id=client_id, doc_id=doc_id)
        return ids

    async def chunks(self, ids: Sequence[UUID], clients: Clients) -> list[StoredChunk]:
        return await self._tx.rows("chunks_by_id", StoredChunk, ids=list(ids), clients=_listed(clients))

    async def by_words(self, text: str, clients: Clients, limit: int, *, unindexed_only: bool) -> list[Scored]:
        return await self._tx.rows("chunks_by_words", Scored, text=text, clients=_listed(clients), limit=limit, unindexed_only=unindexed_only)

    async def claim(self, *, first: Sequence[UUID], limit: int, lease_seconds: float) -> list[StoredChunk]:
        claimed: list[StoredChunk] = []
        if first:
            claimed = await self._tx.rows("claim_chunks_first", StoredChunk, first=list(first), limit=limit, lease_seconds=lease_seconds)
        if len(claimed) < limit:
            claimed += await self._tx.rows("claim_chunks_due", StoredChunk, limit=limit - len(claimed), lease_seconds=lease_seconds)
        return claimed

    async def mark_indexed(self, chunks: Sequence[StoredChunk]) -> list[UUID]:
        return await self._tx.values("mark_chunks_indexed", **_leased(chunks))

    async def mark_unindexed(self, chunks: Sequence[StoredChunk], *, state: str, error: str) -> list[UUID]:
        return await self._tx.values("mark_chunks_unindexed", **_leased(chunks), state=state, error=error)

    async def end_leases(self) -> int:
        return await self._tx.run("end_chunk_leases")

    async def mark_all_pending(self) -> int:
        return await self._tx.run("mark_all_chunks_pending")

    async def pending(self) -> Pending:
        return await self._tx.row("pending_chunks", Pending) or Pending(0, None)

    async def forgotten(self, limit: int) -> list[UUID]:
        return await self._tx.values("forgotten_chunks", limit=limit)

    async def confirm_forgotten(self, ids: Sequence[UUID]) -> None:
        await self._tx.run("confirm_forgotten_chunks", ids=list(ids))


def _leased(chunks: Sequence[StoredChunk]) -> dict[str, Any]:
    return {"ids": [c.id for c in chunks], "leases": [c.index_due_at for c in chunks]}


class PostgresDocuments:
    """Fulfils DocumentStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self, *, may_be_lost: bool = False) -> AsyncIterator[PostgresDocumentTransaction]:
        async with self._database.begin(may_be_lost=may_be_lost) as tx:
            yield PostgresDocumentTransaction(tx)

    async def check(self) -> None:
        await self._database.check()
