"""What the gateway takes and answers about documents over HTTP."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from planner_memory.memory_gateway.schemas import ClientId, Document, Name, ReceiptOut, no_nul


def _no_path_steps(value: str) -> str:
    if not value.strip() or {".", ".."} & set(value.split("/")) or value != value.strip("/"):
        raise ValueError("must be usable in a path: not blank, no slash at its ends, no part that is . or ..")
    return value


def _object(value: Any) -> Any:
    """A form sends metadata as a JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError("must be a JSON object") from error


DocId = Annotated[Name, AfterValidator(_no_path_steps)]
Title = Annotated[str, AfterValidator(no_nul), Field(min_length=1, max_length=500)]
Source = Annotated[str, AfterValidator(no_nul), Field(min_length=1, max_length=2_000)]


class DocumentAbout(BaseModel):
    """What may be said of a document besides its content."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = Field(None, description="Default: what the document says, else its file name")
    media_type: Annotated[str, AfterValidator(no_nul), Field(max_length=255)] | None = None
    doc_id: DocId | None = Field(None, description="Unique per client; the same id again is a new version")
    source: Source | None = Field(None, description="Where it came from; without doc_id the same source again is a new version")
    client_id: ClientId | None = None
    metadata: Annotated[Document, BeforeValidator(_object)] | None = None


class DocumentIn(DocumentAbout):
    content: str = Field(min_length=1, max_length=10_000_000, description="Markdown unless media_type is text/plain or text/html")

    @property
    def text_type(self) -> str:
        return f"{(self.media_type or 'text/markdown').partition(';')[0].strip()}; charset=utf-8"


class DocumentOut(BaseModel):
    doc_id: str
    client_id: str
    title: str
    source: str | None
    media_type: str
    version: int
    content_hash: str
    chunks: int
    pending_chunks: int
    metadata: dict[str, Any]
    created_at: str
    updated_at: str


class AddedOut(BaseModel):
    doc_id: str
    client_id: str
    title: str
    version: int
    chunks: int
    unchanged: bool
    stored_in: list[str]
    pending: list[str]
    failed: list[str]
    warnings: list[str]


class DocumentsOut(BaseModel):
    documents: list[DocumentOut]
    total: int


class DocumentReceiptOut(ReceiptOut):
    doc_id: str
    state: Literal["complete", "pending"]


class ChunkHitOut(BaseModel):
    doc_id: str
    client_id: str
    title: str
    chunk_index: int
    content: str
    similarity_score: float
    heading: str | None
    page: int | None
    metadata: dict[str, Any]


class ChunkHitsOut(BaseModel):
    results: list[ChunkHitOut]
    total: int
    degraded: list[str]
