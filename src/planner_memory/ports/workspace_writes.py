"""What is to be written to the workspace: kept beside the plans until the workspace has taken it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from planner_memory.ports.plans import PlanTransaction, Run

WriteKind = Literal["process_template", "tasks", "task", "graph"]
WriteState = Literal["pending", "done", "refused"]


@dataclass(frozen=True, slots=True)
class WorkspaceWrite:
    """A wish. `payload` is JSON-ready; what it holds is the planner's affair."""

    key: str
    kind: WriteKind
    client_id: str
    payload: Mapping[str, Any]
    plan_id: UUID | None = None
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class KeptWrite:
    """A wish and what became of it. `error` says why the last attempt failed, or why the workspace refused it."""

    key: str
    kind: WriteKind
    client_id: str
    payload: Mapping[str, Any]
    plan_id: UUID | None
    task_id: str | None
    state: WriteState
    revision: int
    result: Mapping[str, Any] | None
    attempts: int
    error: str | None
    due_at: datetime
    leased_until: datetime | None
    noted_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class WriteBacklog:
    pending: int = 0
    refused: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TaskState:
    """What is known here of a task that the workspace has too. Hours are all that were spent; `notes` are the latest run's."""

    task_id: str
    start_at: datetime | None
    end_at: datetime | None
    actual_hours: float | None
    notes: str | None
    is_finished: bool
    is_begun: bool


@dataclass(frozen=True, slots=True)
class TouchedTask:
    task_id: str
    client_id: str
    plan_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PastHours:
    """Finished runs of one workflow, of everyone: how many, and the hours that were estimated and spent."""

    runs: int = 0
    estimated_hours: float = field(default=0.0)
    actual_hours: float = field(default=0.0)


class WorkspaceWriteTransaction(PlanTransaction, Protocol):
    """Reads and writes of one transaction."""

    async def want(self, writes: Sequence[WorkspaceWrite]) -> int:
        """Keeps wishes; one of the same key with another payload replaces what is kept and is due again. How many changed."""
        ...

    async def claim_writes(self, *, plan_id: UUID | None, limit: int, lease_seconds: float) -> list[KeptWrite]:
        """Leases due ones, in the order in which they were first wished. Nobody else gets them until the lease ends."""
        ...

    async def finish_write(self, write: KeptWrite, result: Mapping[str, Any]) -> None:
        """Done; due again at once when the wish has changed meanwhile. A lease that was lost changes nothing."""
        ...

    async def put_off_write(self, write: KeptWrite, *, error: str, wait_seconds: float) -> None: ...

    async def refuse_write(self, write: KeptWrite, *, error: str) -> None:
        """The workspace will not take it; it stays, to be seen."""
        ...

    async def writes(
        self, *, plan_id: UUID | None = None, keys: Sequence[str] = (), state: WriteState | None = None, limit: int = 200
    ) -> list[KeptWrite]:
        """Oldest wish first. Without plan and keys those of every plan."""
        ...

    async def try_again(self) -> int:
        """Makes every one that is pending or refused due now; how many."""
        ...

    async def write_backlog(self) -> WriteBacklog: ...

    async def task_states(self, client_id: str, task_ids: Sequence[str], plan_id: UUID | None) -> list[TaskState]:
        """From the newest applied schedule of the plan (or the newest that has the task), and from its runs. One for each id."""
        ...

    async def tasks_touched(self, since: datetime) -> list[TouchedTask]:
        """Tasks whose plan, schedule or runs changed since; at most 5000."""
        ...

    async def past_hours(self, workflow_id: str) -> PastHours: ...

    async def set_template(self, plan_id: UUID, process_template_id: str) -> None: ...

    async def cursor(self, origin: str, kind: str) -> str | None: ...

    async def set_cursor(self, origin: str, kind: str, cursor: str) -> None: ...

    async def graph_nodes(self, node_ids: Sequence[str]) -> list[tuple[str, str, str]]:
        """(client, node id, node type) of those that are in somebody's graph."""
        ...

    async def runs_ended_since(self, since: datetime | None, *, limit: int) -> list[tuple[Run, str | None]]:
        """Runs by their end, each with the process template of its plan."""
        ...


class WorkspaceWriteStore(Protocol):
    """Raises Unavailable when the database does not answer."""

    def begin(self) -> AbstractAsyncContextManager[WorkspaceWriteTransaction]:
        """A transaction, committed when the block ends and rolled back when it raises."""
        ...
