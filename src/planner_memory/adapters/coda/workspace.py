"""A Coda doc as the workspace. How Coda is reached (its REST API, or an MCP server in front of it) is the business of what `doc` calls."""

from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from planner_memory.adapters.coda.doc import CodaDoc
from planner_memory.adapters.coda.names import CodaNames
from planner_memory.adapters.coda.rows import CodaRows
from planner_memory.adapters.coda.thread import CodaThread
from planner_memory.adapters.coda.writing import CodaWriting
from planner_memory.ports.workspace import Clients, Mode, Origin, PostedReflection, Reflection
from planner_memory.ports.workspace_records import Changes, NewProcessTemplate, ProcessTemplate, Record, Task, TaskChange

R = TypeVar("R", bound=Record)


class CodaWorkspace:
    """Fulfils Workspace. Rows are the doc's: ids are `coda:` and Coda's own, or may be given as the person's own (`WF-1`)."""

    origin: Origin = "coda"

    def __init__(self, doc: CodaDoc, names: CodaNames, zone: ZoneInfo, *, name: str = "coda") -> None:
        """`zone`: where the person is, for columns that keep a day of an instant."""
        self.name = name
        self._doc = doc
        self._rows = CodaRows(doc, names)
        self._writing = CodaWriting(doc, self._rows, names, zone)
        self._thread = CodaThread(doc, self._writing, zone)

    async def record(self, kind: type[R], record_id: str, clients: Clients) -> R:
        return await self._rows.record(kind, record_id, clients)

    async def records(
        self, kind: type[R], clients: Clients, *, related_to: str | None = None, status: str | None = None, limit: int = 200
    ) -> list[R]:
        return await self._rows.records(kind, clients, related_to=related_to, status=status, limit=limit)

    async def changes(self, kind: type[Record], since: str | None, *, limit: int = 500) -> Changes:
        return await self._rows.changes(kind, since, limit=limit)

    async def create_process_template(self, new: NewProcessTemplate, *, key: str) -> ProcessTemplate:
        return await self._writing.create_process_template(new, key=key)

    async def update_process_template(self, process_template_id: str, new: NewProcessTemplate, *, key: str) -> ProcessTemplate:
        """The key need not be kept: what is set is absolute."""
        return await self._writing.update_process_template(process_template_id, new)

    async def create_tasks(self, process_template_id: str, project_id: str | None, *, client_id: str, key: str) -> list[Task]:
        return await self._writing.create_tasks(process_template_id, project_id, client_id=client_id, key=key)

    async def update_task(self, task_id: str, change: TaskChange, *, key: str) -> Task:
        """The key need not be kept: what is set is absolute."""
        return await self._writing.update_task(task_id, change)

    async def post_reflection(self, reflection: Reflection, *, posted_at: datetime) -> str:
        return await self._thread.post_reflection(reflection, posted_at=posted_at)

    async def reflections(self, person_id: str, client_id: str | None, mode: Mode | None, *, limit: int) -> list[PostedReflection]:
        return await self._thread.reflections(person_id, client_id, mode, limit=limit)

    async def posted(self, person_id: str, client_id: str | None, mode: Mode, period_start: datetime) -> PostedReflection | None:
        return await self._thread.posted(person_id, client_id, mode, period_start)

    async def check(self) -> None:
        await self._doc.check()

    async def missing(self) -> list[str]:
        """What has to be mended in the doc before everything works, in sentences; empty when nothing."""
        return await self._doc.missing()

    async def close(self) -> None:
        await self._doc.close()
