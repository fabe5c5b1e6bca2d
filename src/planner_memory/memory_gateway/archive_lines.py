"""The lines of an import, checked one by one before anything is stored."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from planner_memory.core.errors import InvalidInput
from planner_memory.memory_gateway.schemas import ClientId, MemoryType, Name, no_nul
from planner_memory.ports.archive import Kind

Word = Annotated[str, AfterValidator(no_nul)]
Long = Annotated[str, AfterValidator(no_nul), Field(max_length=1_000_000)]
TypeName = Annotated[str, AfterValidator(no_nul), Field(min_length=1, max_length=100)]
Source = Annotated[str, AfterValidator(no_nul), Field(min_length=1, max_length=50)]
Number = Annotated[int, Field(ge=0, le=2_147_483_647)]
Object = dict[str, Any]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    client_id: ClientId | None = None


class MemoryLine(_Line):
    kind: Literal["memory"]
    memory_id: UUID
    content: Long
    occurred_at: AwareDatetime
    person_id: Name = "me"
    memory_type: MemoryType = "event"
    event_type: TypeName = "note"
    event_source: Source = "import"
    payload: Any = None
    metadata: Any = None
    entities: list[Word] = []
    thread_id: Word | None = None
    pinned: bool = False
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    superseded_at: AwareDatetime | None = None
    superseded_by: UUID | None = None


class HistoryLine(_Line):
    kind: Literal["memory_history"]
    id: UUID
    memory_id: UUID
    revision: Annotated[Number, Field(ge=1)]
    changed_at: AwareDatetime
    changes: Object


class NodeLine(_Line):
    kind: Literal["graph_node"]
    node_id: Name
    node_type: TypeName
    properties: Object = {}
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None


class EdgeLine(_Line):
    kind: Literal["graph_edge"]
    from_node_id: Name
    to_node_id: Name
    edge_type: TypeName
    properties: Object = {}
    created_at: AwareDatetime | None = None


class DocumentLine(_Line):
    kind: Literal["document"]
    doc_id: Name
    title: Word
    content_hash: Word
    media_type: Word
    version: Annotated[Number, Field(ge=1)] = 1
    person_id: Name = "me"
    source: Word | None = None
    metadata: Object = {}
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None


class ChunkLine(_Line):
    kind: Literal["doc_chunk"]
    id: UUID
    doc_id: Name
    chunk_index: Number
    content: Long
    content_hash: Word
    heading: Word | None = None
    page: Number | None = None
    created_at: AwareDatetime | None = None


AnyLine = Annotated[MemoryLine | HistoryLine | NodeLine | EdgeLine | DocumentLine | ChunkLine, Field(discriminator="kind")]
_LINE: TypeAdapter[MemoryLine | HistoryLine | NodeLine | EdgeLine | DocumentLine | ChunkLine] = TypeAdapter(AnyLine)


@dataclass(frozen=True, slots=True)
class ArchivedLine:
    """One line as it was sent, and what it says of its kind and client."""

    kind: Kind
    client_id: str | None
    text: str


def lines_of(body: bytes) -> list[ArchivedLine]:
    """The lines of an NDJSON text; blank ones are skipped.

    Raises:
        InvalidInput: a line is no line of an export; the field names it by its place, from 0.
    """
    try:
        texts = body.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The text is not UTF-8: byte {error.start} cannot be read. Send the export as it was.", field="lines") from error
    out = []
    for n, text in enumerate(texts):
        if not text.strip():
            continue
        try:
            line = _LINE.validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"][1:])  # without the name of the kind
            field = f"lines[{n}]" + (f".{place}" if place else ".kind" if first["type"].startswith("union_tag") else "")
            raise InvalidInput(f"Line {n + 1} cannot be imported: {first['msg']}. Nothing was stored.", field=field) from error
        out.append(ArchivedLine(line.kind, line.client_id, text.strip()))
    if not out:
        raise InvalidInput("There are no lines. Send what GET /api/v1/memory/export gave.", field="lines")
    return out
