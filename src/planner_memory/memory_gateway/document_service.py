"""Documents: add, read, list, search, remove. PostgreSQL is the truth; the index follows it."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from planner_memory.core.clock import Clock
from planner_memory.core.errors import InvalidInput, NotFound, PlannerMemoryError, TooLarge
from planner_memory.core.ids import new_id
from planner_memory.core.tenancy import spanning
from planner_memory.memory_gateway.chunking import chunked
from planner_memory.memory_gateway.document_indexer import DocumentIndexer
from planner_memory.memory_gateway.document_search import DocumentSearch, FoundChunk
from planner_memory.memory_gateway.documents import StoreReceipt, receipt_document
from planner_memory.memory_gateway.texts import content_hash
from planner_memory.ports.documents import (
    MAX_DOCUMENT_BYTES,
    ChunkToStore,
    DocumentReader,
    DocumentStore,
    DocumentToStore,
    DocumentTransaction,
    StoredDocument,
)
from planner_memory.ports.embedder import Embedder
from planner_memory.ports.memories import Pending
from planner_memory.ports.vectors import VectorIndex

_WAIT_SECONDS = 0.3
_WAIT_FOR_CHUNKS = 32  # more than one batch takes longer than anybody waits
_LONGEST_TITLE = 500


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document as it was sent; the client is settled. `is_file`: it came as an upload, so that errors name the field `file`."""

    client_id: str
    content: bytes
    media_type: str | None = None
    filename: str | None = None
    title: str | None = None
    doc_id: str | None = None
    source: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_file: bool = True


@dataclass(frozen=True, slots=True)
class AddedDocument:
    doc_id: str
    client_id: str
    title: str
    version: int
    chunks: int
    unchanged: bool
    stored_in: tuple[str, ...]
    pending: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Documents:
    """One per process; `index_vendor` is the index's name in answers. `open` and `close` belong to the process's start and end."""

    def __init__(
        self,
        *,
        store: DocumentStore,
        reader: DocumentReader,
        vectors: VectorIndex | None,
        embedder: Embedder | None,
        clock: Clock,
        index_vendor: str = "qdrant",
        sweep_seconds: float = 2,
    ) -> None:
        self._store = store
        self._reader = reader
        self._vectors = vectors
        self._clock = clock
        self._index_vendor = index_vendor
        self._search = DocumentSearch(store=store, vectors=vectors, embedder=embedder, index_vendor=index_vendor)
        self._indexer = None if vectors is None else DocumentIndexer(store=store, vectors=vectors, embedder=embedder, sweep_seconds=sweep_seconds)

    def open(self) -> None:
        """Starts the sweep over pending chunks. Call inside the running event loop."""
        if self._indexer:
            self._indexer.open()

    async def close(self) -> None:
        if self._indexer:
            await self._indexer.close()

    async def add(self, new: NewDocument) -> AddedDocument:
        """Stores a document, or a new version of the one with its id or source, and waits at most 300 ms for the index.

        The same content again changes nothing. Chunks of the version before are replaced in the same transaction.

        Raises:
            InvalidInput: the document cannot be read.
            TooLarge: it is over the limit.
            Unavailable: PostgreSQL does not answer; nothing was stored.
        """
        if len(new.content) > MAX_DOCUMENT_BYTES:
            raise TooLarge(f"A document may have {MAX_DOCUMENT_BYTES // 1_000_000} MB. Split it, or leave its images out.")
        name = "file" if new.is_file else "content"
        digest = hashlib.sha256(new.content).hexdigest()
        media_type = self._reader.media_type(new.content, media_type=new.media_type, filename=new.filename, field=name)
        async with self._store.begin() as tx:
            known = await self._known(tx, new, digest)
        if known and (known.content_hash, known.media_type) == (digest, media_type):
            return self._unchanged(known)
        read = await self._reader.read(new.content, media_type=new.media_type, filename=new.filename, field=name)
        cut = await asyncio.to_thread(chunked, read.blocks)
        chunks = [ChunkToStore(new_id(), c.index, c.content, content_hash(c.content), c.heading, c.page) for c in cut]
        title = new.title or read.title or (PurePath(new.filename).stem if new.filename else None) or cut[0].content.split("\n")[0]
        async with self._store.begin() as tx:
            await tx.lock(new.client_id)
            known = await self._known(tx, new, digest)
            if known and (known.content_hash, known.media_type) == (digest, media_type):
                return self._unchanged(known)
            document = DocumentToStore(
                client_id=new.client_id,
                doc_id=known.doc_id if known else new.doc_id or str(new_id()),
                title=_tidy(title) or "Untitled",
                content_hash=digest,
                media_type=media_type,
                version=known.version + 1 if known else 1,
                source=new.source or (known.source if known else None),
                metadata=new.metadata or (known.metadata if known else {}),
            )
            await tx.put(document, chunks, self._clock())
        return await self._indexed(document, chunks, read.warnings)

    async def _known(self, tx: DocumentTransaction, new: NewDocument, digest: str) -> StoredDocument | None:
        """The document of which this is a version: by its id, else by its source, else by its very content."""
        if new.doc_id is not None:
            return next(iter(await tx.documents(new.doc_id, (new.client_id,))), None)
        if new.source is not None:
            return await tx.by_source(new.client_id, new.source)
        return await tx.by_hash(new.client_id, digest)

    def _unchanged(self, known: StoredDocument) -> AddedDocument:
        index = (self._index_vendor,) if self._indexer else ()
        stored, pending = ((), index) if known.pending else (index, ())
        return AddedDocument(known.doc_id, known.client_id, known.title, known.version, known.chunks, True, ("postgres", *stored), pending)

    async def _indexed(self, document: DocumentToStore, chunks: list[ChunkToStore], warnings: tuple[str, ...]) -> AddedDocument:
        stored, pending, failed = ["postgres"], list[str](), list[str]()
        notes = list(warnings)
        if self._indexer:
            ids = [c.id for c in chunks] if len(chunks) <= _WAIT_FOR_CHUNKS else []
            outcomes = (await self._indexer.wait_for(ids, _WAIT_SECONDS)).values()
            bad = next((o for o in outcomes if o.state == "failed"), None)
            if bad is not None:
                failed.append(self._index_vendor)
                notes.append(f"{self._index_vendor} failed: {bad.reason} It is tried again until it holds.")
            elif len(outcomes) < len(chunks):
                pending.append(self._index_vendor)
            else:
                stored.append(self._index_vendor)
                lexical = next((o for o in outcomes if o.state == "lexical"), None)
                if lexical is not None:
                    pending.append("embedder")
                    notes.append(f"Only its words can be found yet: {lexical.reason}")
        return AddedDocument(
            *(document.doc_id, document.client_id, document.title, document.version, len(chunks), False),
            *(tuple(stored), tuple(pending), tuple(failed), tuple(notes)),
        )

    async def document(self, doc_id: str, clients: tuple[str, ...] | None) -> dict[str, Any]:
        """Raises NotFound, and InvalidInput when several clients have a document of that id."""
        return _document(await self._one(doc_id, clients))

    async def listed(self, clients: tuple[str, ...] | None, *, limit: int, offset: int) -> dict[str, Any]:
        """The one changed last comes first; `total` counts all of them."""
        async with self._store.begin() as tx:
            rows = await tx.listed(clients, limit=limit, offset=offset)
            total = await tx.count(clients)
        return {"documents": [_document(r) for r in rows], "total": total}

    async def remove(self, doc_id: str, clients: tuple[str, ...] | None) -> dict[str, Any]:
        """Deletes a document everywhere and says for each store how many chunks went and when that was checked."""
        known = await self._one(doc_id, clients)
        async with self._store.begin() as tx:
            await tx.lock(known.client_id)
            ids = await tx.remove(known.client_id, doc_id)
        now = self._clock()
        stores = {"postgres": StoreReceipt("removed", len(ids), now.isoformat(), 0), self._index_vendor: StoreReceipt("off", 0, now.isoformat())}
        if self._vectors is not None:
            try:
                await self._vectors.delete(ids)
                async with self._store.begin() as tx:
                    await tx.confirm_forgotten(ids)
                stores[self._index_vendor] = StoreReceipt("removed", len(ids), self._clock().isoformat())
            except PlannerMemoryError as error:
                detail = f"{error.detail} It is tried again until it holds."
                stores[self._index_vendor] = StoreReceipt("pending", 0, self._clock().isoformat(), detail=detail)
        return {"doc_id": doc_id, **receipt_document(ids, stores, self._clock())}

    async def search(self, query: str, clients: tuple[str, ...] | None, *, k: int) -> dict[str, Any]:
        """The best chunks as a JSON document; nothing found is an empty answer."""
        found = await self._search.find(query, clients, k)
        results = [_hit(h) for h in found.hits]
        return {"results": results, "total": len(results), "degraded": found.degraded}

    async def index_pending(self) -> None:
        """Indexes what is pending now; returns when nothing is due any more or the index does not answer."""
        if self._indexer:
            await asyncio.shield(self._indexer.wake())

    async def reindex(self) -> int:
        """Marks every chunk pending and returns how many; call it after the index was emptied."""
        if self._indexer is None:
            return 0
        with spanning("reindexing"):
            async with self._store.begin() as tx:
                count = await tx.mark_all_pending()
        self._indexer.wake()
        return count

    async def pending(self) -> Pending:
        """Committed chunks that are not in the index; none when no index is configured."""
        if self._indexer is None:
            return Pending(0, None)
        with spanning("health"):
            async with self._store.begin() as tx:
                return await tx.pending()

    async def _one(self, doc_id: str, clients: tuple[str, ...] | None) -> StoredDocument:
        async with self._store.begin() as tx:
            found = await tx.documents(doc_id, clients)
        if not found:
            raise NotFound(f"There is no document {doc_id!r}. GET /api/v1/memory/docs lists what there is.")
        if len(found) > 1:
            raise InvalidInput(f"Several clients have a document {doc_id!r}. Name the client.", field="client_id")
        return found[0]


def _tidy(title: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in title).split())[:_LONGEST_TITLE]


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _document(row: StoredDocument) -> dict[str, Any]:
    return {
        "doc_id": row.doc_id,
        "client_id": row.client_id,
        "title": row.title,
        "source": row.source,
        "media_type": row.media_type,
        "version": row.version,
        "content_hash": row.content_hash,
        "chunks": row.chunks,
        "pending_chunks": row.pending,
        "metadata": row.metadata,
        "created_at": _instant(row.created_at),
        "updated_at": _instant(row.updated_at),
    }


def _hit(hit: FoundChunk) -> dict[str, Any]:
    chunk = hit.chunk
    return {
        "doc_id": chunk.doc_id,
        "client_id": chunk.client_id,
        "title": chunk.title,
        "chunk_index": chunk.chunk_index,
        "content": chunk.content,
        "similarity_score": round(hit.score, 4),
        "heading": chunk.heading,
        "page": chunk.page,
        "metadata": chunk.metadata,
    }
