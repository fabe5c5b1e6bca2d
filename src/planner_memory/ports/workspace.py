"""The workspace: where the person keeps offers, blueprints, workflows, projects and tasks, and where they read reflections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol, TypeVar
from uuid import UUID

from planner_memory.core.intervals import Interval
from planner_memory.ports.workspace_records import Changes, NewProcessTemplate, ProcessTemplate, Record, Task, TaskChange

Mode = Literal["daily", "weekly"]
Origin = Literal["ws", "coda"]
Clients = tuple[str, ...] | None  # None: every client
R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Reflection:
    """One entry of the thread. `thread_on` is the local day on which the period ends.

    `client_id` is None when it is about the person's whole work.
    """

    reflection_id: UUID
    person_id: str
    client_id: str | None
    mode: Mode
    period: Interval
    thread_on: date
    content: str
    metrics: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PostedReflection:
    posted_id: str
    reflection: Reflection
    posted_at: datetime


class DailyThread(Protocol):
    """Raises Unavailable when the workspace does not answer and NotConnected when it refuses the credentials."""

    async def post_reflection(self, reflection: Reflection, *, posted_at: datetime) -> str:
        """Writes it to the thread and returns the entry's id.

        There is one entry per person, client, mode and period start: a second post replaces the first.
        """
        ...

    async def reflections(self, person_id: str, client_id: str | None, mode: Mode | None, *, limit: int) -> list[PostedReflection]:
        """Latest period first."""
        ...

    async def posted(self, person_id: str, client_id: str | None, mode: Mode, period_start: datetime) -> PostedReflection | None:
        """The entry of that period, or None."""
        ...

    async def check(self) -> None: ...


class WorkspaceReading(Protocol):
    """`clients` restricts what is seen: rows of other clients are as if they were not there; rows without a client are everyone's.

    Ids of the workspace may be given without their origin, and always come back with it. Of another origin they are not found. Texts come
    as they are, whatever they say and however long they are; a row whose values cannot be understood raises InvalidInput, which names its id
    and its field, when it is asked for by id, and is left out of lists.

    Raises:
        Unavailable: the workspace does not answer, or asked to wait longer than one would.
        NotConnected: it refuses the credentials.
    """

    async def record(self, kind: type[R], record_id: str, clients: Clients) -> R:
        """Raises NotFound, naming kind and id. Deleted rows are not found."""
        ...

    async def records(
        self, kind: type[R], clients: Clients, *, related_to: str | None = None, status: str | None = None, limit: int = 200
    ) -> list[R]:
        """By name, then id. `related_to`: only rows one of whose relations is that id (the workflows of a blueprint, the tasks of a project)."""
        ...

    async def changes(self, kind: type[Record], since: str | None, *, limit: int = 500) -> Changes:
        """Rows of every client that came, changed or went since the cursor, oldest change first; all of them without one. No change is missed;
        one may come twice. A row that went while it was never told of need not be named.

        Raises:
            InvalidInput: the cursor is none of this workspace's; begin without one.
        """
        ...


class WorkspaceWriting(Protocol):
    """Every write is known by the caller's `key` (at most 200 characters): the same write again, after a lost answer or a crash, changes nothing
    more and answers as before. The workspace keeps the key, so this holds for other processes and for ever.

    Raises:
        Unavailable: it is not known whether it was written; the same again will tell.
        NotConnected, NotFound: nothing was written; NotFound when the row it is about is not there.
        InvalidInput: the workspace cannot hold that value; nothing is kept.
    """

    async def create_process_template(self, new: NewProcessTemplate, *, key: str) -> ProcessTemplate: ...

    async def update_process_template(self, process_template_id: str, new: NewProcessTemplate, *, key: str) -> ProcessTemplate:
        """Sets name, description and checklist to those of `new`; all else of the row stays as it is. Raises NotFound as well."""
        ...

    async def create_tasks(self, process_template_id: str, project_id: str | None, *, client_id: str, key: str) -> list[Task]:
        """One open task per step of the template's checklist, by step number. A call that was cut short is completed by the same again."""
        ...

    async def update_task(self, task_id: str, change: TaskChange, *, key: str) -> Task:
        """Sets what the change names. Values are absolute, so that the same again has no effect."""
        ...


class Workspace(WorkspaceReading, WorkspaceWriting, DailyThread, Protocol):
    """All three, by one vendor. `name` is the adapter's, for /health and doctor."""

    name: str
    origin: Origin

    async def close(self) -> None: ...


class WorkspaceTables(Workspace, Protocol):
    """A workspace whose rows the product itself keeps and the person edits through it."""

    async def put(self, records: Sequence[Record], clients: Clients) -> int:
        """Adds or replaces rows by id, all or nothing; returns how many were new or different. A relation may name a row that is not there.

        Raises:
            Conflict: an id is that of a row of another kind, or of a client that is not among `clients`.
            InvalidInput: a value cannot be held.
        """
        ...

    async def delete(self, kind: type[Record], record_id: str, clients: Clients) -> None:
        """Raises NotFound. What names the row keeps the name."""
        ...
