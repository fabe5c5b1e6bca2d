"""What the gateway takes and answers over HTTP."""

import json
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from planner_memory.memory_gateway.requests import Draft
from planner_memory.ports.memory import GraphEdge, GraphNode

MemoryType = Literal["fact", "preference", "episode", "event"]
Direction = Literal["outgoing", "incoming", "both"]


def _digits(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("holds a NUL character, which cannot be stored; remove it")
    return value


def has_text(value: str) -> str:
    if not value.strip():
        raise ValueError("has no text")
    return value


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise ValueError("is not plain JSON: NaN, Infinity, half characters and very deep nesting cannot be stored") from error
    if "\\u0000" in text:
        raise ValueError("holds a NUL character, which cannot be stored; remove it")
    return value


Name = Annotated[str, AfterValidator(no_nul), Field(min_length=1, max_length=255)]
ClientId = Annotated[Name, BeforeValidator(_digits)]
Document = Annotated[dict[str, Any], AfterValidator(_storable)]
Text = Annotated[str, AfterValidator(no_nul), AfterValidator(has_text), Field(min_length=1, max_length=65_536)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MemoryIn(_In):
    content: Text
    client_id: ClientId | None = None
    memory_type: MemoryType | None = None
    event_type: Annotated[str, AfterValidator(no_nul), Field(min_length=1, max_length=100)] | None = None
    event_source: Annotated[str, AfterValidator(no_nul), Field(min_length=1, max_length=50)] | None = None
    occurred_at: str | None = Field(None, description="An ISO 8601 instant; default now", max_length=64)
    person_id: Name | None = None
    thread_id: Name | None = None
    payload: Document | None = None
    metadata: Document | None = None
    entities: list[Name] | None = Field(None, max_length=200)
    supersedes: UUID | None = Field(None, description="The memory that this one replaces from now on")

    def draft(self, client_id: str) -> Draft:
        given = {name: value for name in self.model_fields_set if (value := getattr(self, name)) is not None}
        return Draft(**{**given, "client_id": client_id})


class MemoriesIn(_In):
    memories: list[MemoryIn] = Field(min_length=1, max_length=1_000)


class RememberOut(BaseModel):
    memory_id: UUID
    stored_in: list[str]
    pending: list[str]
    failed: list[str]
    deduplicated: bool
    warning: str | None = None


class BatchOut(BaseModel):
    memory_ids: list[UUID]


class HitOut(BaseModel):
    memory_id: UUID
    client_id: str
    content: str
    score: float = Field(description="0 to 1: what the parts in `scores` come to together")
    scores: dict[str, float] = Field(
        description="Each 0 to 1. `lexical`, `dense`, `window`: how well its own words, its meaning, and the words of the turns round it match; "
        "`thread`, `neighbours`, `answer`: how well the rest of its conversation does; `entity`, `time`: whether the question names its speaker, "
        "something it is about, or when it was; `recency`: how new it is; `pinned`: 1 when it is pinned, which raises the score by a quarter"
    )
    memory_type: str
    event_type: str
    occurred_at: str
    thread_id: str | None
    metadata: dict[str, Any]
    entities: list[str]
    pinned: bool
    superseded_at: str | None
    collection: str


class SimilarOut(BaseModel):
    results: list[HitOut]
    total: int
    degraded: list[str]


class RecallOut(SimilarOut):
    cached: bool
    took_ms: float


class MemoryOut(BaseModel):
    memory_id: UUID
    client_id: str
    person_id: str
    content: str
    memory_type: str
    event_type: str
    event_source: str
    occurred_at: str
    created_at: str
    thread_id: str | None
    payload: Any
    metadata: Any
    entities: list[str]
    pinned: bool
    superseded_at: str | None
    superseded_by: UUID | None
    collection: str
    index_state: str


class MemoriesOut(BaseModel):
    memories: list[MemoryOut]
    next_cursor: str | None


class StoreReceiptOut(BaseModel):
    state: Literal["removed", "pending", "off"]
    removed: int
    checked_at: str
    remaining: int | None = None
    detail: str | None = None


class ReceiptOut(BaseModel):
    removed: int
    state: Literal["complete", "pending"]
    checked_at: str
    stores: dict[str, StoreReceiptOut]


class NodeIn(_In):
    node_id: Name
    node_type: Annotated[str, AfterValidator(no_nul), Field(min_length=1, max_length=100)]
    properties: Document = {}

    def node(self) -> GraphNode:
        return GraphNode(self.node_id, self.node_type, self.properties)


class NodesIn(_In):
    client_id: ClientId | None = None
    nodes: list[NodeIn] = Field(min_length=1, max_length=1_000)


class EdgeIn(_In):
    from_node_id: Name
    to_node_id: Name
    edge_type: Annotated[str, AfterValidator(no_nul), Field(min_length=1, max_length=100)]
    properties: Document = {}

    def edge(self) -> GraphEdge:
        return GraphEdge(self.from_node_id, self.to_node_id, self.edge_type, self.properties)


class EdgesIn(_In):
    client_id: ClientId | None = None
    edges: list[EdgeIn] = Field(min_length=1, max_length=1_000)


class StoredOut(BaseModel):
    stored: int


class EntityOut(BaseModel):
    node_id: str
    node_type: str
    properties: dict[str, Any]


class NeighborOut(EntityOut):
    edge_type: str
    direction: Literal["outgoing", "incoming"]
    distance: int
    edge_properties: dict[str, Any]
    path: list[str]
    execution_runs: int | None = Field(description="Of a template: how many runs used it")


class NeighborsOut(BaseModel):
    entity: EntityOut
    neighbors: list[NeighborOut]
    cut: bool
