"""What the gateway takes and answers for changes, history, import, retention and projects."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, model_validator

from planner_memory.memory_gateway.schemas import ClientId, Document, EntityOut, MemoryType, Name, Text, no_nul
from planner_memory.ports.archive import Retention

TypeName = Annotated[str, AfterValidator(no_nul), Field(min_length=1, max_length=100)]
Days = Annotated[int, Field(ge=1, le=36_500, strict=True)]


class MemoryChange(BaseModel):
    """What is to be different; a field that is left out stays. Payload, metadata and entities are replaced whole."""

    model_config = ConfigDict(extra="forbid")

    content: Text | None = None
    payload: Document | None = None
    metadata: Document | None = None
    entities: list[Name] | None = Field(None, max_length=200)
    occurred_at: str | None = Field(None, description="An ISO 8601 instant", min_length=1, max_length=64)
    thread_id: Name | None = None
    event_type: TypeName | None = None
    pinned: StrictBool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.changes():
            raise ValueError("says nothing to change; send content, payload, metadata, entities, occurred_at, thread_id, event_type or pinned")
        return self

    def changes(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class ChangeOut(BaseModel):
    revision: int
    changed_at: str
    changes: dict[str, Any]


class HistoryOut(BaseModel):
    memory_id: str
    created_at: str
    history: list[ChangeOut]
    total: int


class KindOut(BaseModel):
    read: int
    new: int


class ImportOut(BaseModel):
    lines: int
    new: int
    kinds: dict[str, KindOut]


class RetentionIn(BaseModel):
    """Days that memories are kept after they happened. A rule for an event type goes before one for its memory type."""

    model_config = ConfigDict(extra="forbid")

    client_id: ClientId | None = None
    memory_types: dict[MemoryType, Days] = {}
    event_types: dict[TypeName, Days] = Field({}, max_length=200)
    include_pinned: StrictBool = False

    def policy(self, client_id: str) -> Retention:
        return Retention(client_id, {str(k): v for k, v in self.memory_types.items()}, self.event_types, self.include_pinned)


class RetentionOut(BaseModel):
    client_id: str
    memory_types: dict[str, int]
    event_types: dict[str, int]
    include_pinned: bool
    due: int


class ProjectOut(BaseModel):
    project_id: str
    properties: dict[str, Any]
    runs: int
    actual_hours: float
    mean_actual_hours: float | None
    estimate_ratio: float | None
    last_run_at: str | None
    workflow_ids: list[str]
    template_ids: list[str]


class ProjectsOut(BaseModel):
    blueprint: EntityOut
    projects: list[ProjectOut]
    total: int
    cut: bool
