"""Documents: how a file becomes blocks of text, and where documents and their chunks are kept."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from planner_memory.ports.memories import Pending, Scored

BlockKind = Literal["heading", "text", "list", "table", "code"]
MAX_DOCUMENT_BYTES = 10_000_000
MAX_DOCUMENT_CHARACTERS = 5_000_000  # of text, once read


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a document. A heading has a `level` from 1 (outermost) to 6 and stands over what follows, down to the next of its level or above.

    `text` is never blank and holds neither NUL nor half characters. `page` counts from 1, where the format has pages.
    """

    kind: BlockKind
    text: str
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """`title` is what the document itself says, if it does. `warnings` name parts that could not be read."""

    media_type: str
    blocks: tuple[Block, ...]
    title: str | None = None
    warnings: tuple[str, ...] = ()


class DocumentReader(Protocol):
    async def read(self, content: bytes, *, media_type: str | None, filename: str | None, field: str = "file") -> ReadDocument:
        """The blocks of a Markdown, plain text, HTML, PDF or DOCX document in reading order; at least one.

        The type is what `media_type` says, else what the file name's ending says, else what the bytes look like. `field` is named in errors.

        Raises:
            InvalidInput: it is of no such type, damaged, encrypted, empty, without text, or takes too much time or memory to read.
            TooLarge: it is over MAX_DOCUMENT_BYTES.
        """
        ...

    def media_type(self, content: bytes, *, media_type: str | None, filename: str | None, field: str = "file") -> str:
        """The type that `read` would take it for, without parameters. Raises InvalidInput when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class DocumentToStore:
    client_id: str
    doc_id: str
    title: str
    content_hash: str  # SHA-256 of the bytes
    media_type: str
    version: int
    source: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    person_id: str = "me"


@dataclass(frozen=True, slots=True)
class ChunkToStore:
    id: UUID
    chunk_index: int
    content: str
    content_hash: str
    heading: str | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class StoredDocument:
    client_id: str
    doc_id: str
    person_id: str
    title: str
    source: str | None
    content_hash: str
    version: int
    media_type: str
    metadata: Any
    created_at: datetime
    updated_at: datetime
    chunks: int
    pending: int  # chunks that the index does not hold yet


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk with what its document says about it."""

    id: UUID
    client_id: str
    doc_id: str
    title: str
    metadata: Any
    chunk_index: int
    heading: str | None
    page: int | None
    content: str
    index_due_at: datetime


class DocumentTransaction(Protocol):
    """Reads and writes of one transaction; all of it raises Unavailable. `clients` None means every client."""

    async def lock(self, client_id: str) -> None:
        """Waits until no other transaction that locked the client's documents is open."""
        ...

    async def documents(self, doc_id: str, clients: tuple[str, ...] | None) -> list[StoredDocument]:
        """Those of that id, one per client at most, at most two."""
        ...

    async def by_source(self, client_id: str, source: str) -> StoredDocument | None: ...

    async def by_hash(self, client_id: str, content_hash: str) -> StoredDocument | None:
        """The oldest document of that content."""
        ...

    async def listed(self, clients: tuple[str, ...] | None, *, limit: int, offset: int) -> list[StoredDocument]:
        """The one changed last comes first."""
        ...

    async def count(self, clients: tuple[str, ...] | None) -> int: ...

    async def put(self, document: DocumentToStore, chunks: Sequence[ChunkToStore], at: datetime) -> None:
        """Stores it; a document of the same client and id is replaced with all its chunks. The chunks are due for indexing."""
        ...

    async def remove(self, client_id: str, doc_id: str) -> list[UUID]:
        """Deletes it and returns the ids of its chunks."""
        ...

    async def chunks(self, ids: Sequence[UUID], clients: tuple[str, ...] | None) -> list[StoredChunk]:
        """Those that exist, in no order."""
        ...

    async def by_words(self, text: str, clients: tuple[str, ...] | None, limit: int, *, unindexed_only: bool) -> list[Scored]:
        """Chunks that hold any word of the text, by full-text search, best first."""
        ...

    async def claim(self, *, first: Sequence[UUID], limit: int, lease_seconds: float) -> list[StoredChunk]:
        """Takes chunks that are due for indexing, those of `first` before the oldest, and leases them until `index_due_at` of the answer."""
        ...

    async def mark_indexed(self, chunks: Sequence[StoredChunk]) -> list[UUID]:
        """Marks claimed chunks. Returns the ids that do not exist any more."""
        ...

    async def mark_unindexed(self, chunks: Sequence[StoredChunk], *, state: str, error: str) -> list[UUID]:
        """Gives claimed chunks back, due again after a wait that doubles with each attempt, at most five minutes. Returns as `mark_indexed`."""
        ...

    async def end_leases(self) -> int:
        """Makes every chunk that is not indexed due now, whoever leased it; returns how many."""
        ...

    async def mark_all_pending(self) -> int: ...

    async def pending(self) -> Pending: ...

    async def forgotten(self, limit: int) -> list[UUID]:
        """Deleted chunks that the index has not confirmed yet, oldest first."""
        ...

    async def confirm_forgotten(self, ids: Sequence[UUID]) -> None: ...


class DocumentStore(Protocol):
    def begin(self, *, may_be_lost: bool = False) -> AbstractAsyncContextManager[DocumentTransaction]:
        """A transaction, committed when the block ends and rolled back when it raises. Raises Unavailable.

        With `may_be_lost` a crash of the store may undo it: for what is only noted about the index, and made again when the note is missing.
        """
        ...

    async def check(self) -> None: ...
