"""The workspace as tables, for those who keep no other: its rows, and the daily thread."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg

from planner_memory.adapters.postgres.database import Database, Transaction
from planner_memory.adapters.postgres.workspace_rows import ORIGIN, ChangedRow, Row, full_id, own_id, record_of, values_of
from planner_memory.core.errors import Conflict, InvalidInput, NotFound
from planner_memory.core.intervals import Interval
from planner_memory.ports.workspace import Clients, Mode, Origin, PostedReflection, Reflection
from planner_memory.ports.workspace_records import Changes, NewProcessTemplate, ProcessTemplate, Record, Sprint, Task, TaskChange

R = TypeVar("R", bound=Record)
_WHOLE = ""  # the stored client of a reflection on the person's whole work


@dataclass(frozen=True, slots=True)
class _Owner:
    record_id: str
    kind: str
    client_id: str | None


@dataclass(frozen=True, slots=True)
class _Entry:
    id: UUID
    person_id: str
    client_id: str
    mode: Mode
    period_start: datetime
    period_end: datetime
    thread_on: date
    reflection: str
    metrics: Mapping[str, Any]
    updated_at: datetime

    def posted(self) -> PostedReflection:
        reflection = Reflection(
            reflection_id=self.id,
            person_id=self.person_id,
            client_id=self.client_id or None,
            mode=self.mode,
            period=Interval(self.period_start, self.period_end),
            thread_on=self.thread_on,
            content=self.reflection,
            metrics=self.metrics,
        )
        return PostedReflection(str(self.id), reflection, self.updated_at)


def _listed(clients: Clients) -> list[str] | None:
    return None if clients is None else list(clients)


def _missing(kind: type[Record], record_id: str) -> NotFound:
    return NotFound(f"The workspace has no {kind.kind.replace('_', ' ')} {record_id}.", kind=kind.kind, id=record_id)


class PostgresWorkspace:
    """Fulfils WorkspaceTables. What it makes gets an id that follows from the key, so that the same write again meets the row it made."""

    name = "postgresql"
    origin: Origin = "ws"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, kind: type[R], record_id: str, clients: Clients) -> R:
        async with self._database.begin() as tx:
            return await _record(tx, kind, record_id, clients)

    async def records(
        self, kind: type[R], clients: Clients, *, related_to: str | None = None, status: str | None = None, limit: int = 200
    ) -> list[R]:
        async with self._database.begin() as tx:
            rows = await tx.rows(
                "workspace_records",
                Row,
                kind=kind.kind,
                clients=_listed(clients),
                related_to=full_id(related_to) if related_to else None,
                status=status,
                limit=limit,
            )
        return [record for row in rows if (record := _readable(row, kind)) is not None]

    async def changes(self, kind: type[Record], since: str | None, *, limit: int = 500) -> Changes:
        if since is not None and not (since.isascii() and since.isdigit()):
            raise InvalidInput("That is no cursor of this workspace; begin without one.", field="since")
        async with self._database.begin() as tx:
            rows = await tx.rows("workspace_changes", ChangedRow, kind=kind.kind, since=int(since or 0), limit=limit)
        found, problems = [], []
        for row in rows:
            try:
                found.append(record_of(row, kind)) if row.deleted_at is None else None
            except InvalidInput as error:
                problems.append(error.detail)
        return Changes(
            records=tuple(found),
            gone=tuple(row.id for row in rows if row.deleted_at is not None),
            cursor=str(rows[-1].revision) if rows else (since or "0"),
            has_more=len(rows) == limit,
            problems=tuple(problems),
        )

    async def create_process_template(self, new: NewProcessTemplate, *, key: str) -> ProcessTemplate:
        record = ProcessTemplate(
            id=_made_id("process_template", key),
            name=new.name,
            client_id=new.client_id,
            description=new.description,
            workflow_id=new.workflow_id,
            blueprint_id=new.blueprint_id,
            engagement_id=new.engagement_id,
            template_type=new.template_type,
            checklist=new.checklist,
        )
        async with self._writing() as tx:
            await tx.run("make_workspace_record", **values_of(record))
            return await _record(tx, ProcessTemplate, record.id, None, also_deleted=True)

    async def update_process_template(self, process_template_id: str, new: NewProcessTemplate, *, key: str) -> ProcessTemplate:
        async with self._writing() as tx:
            found = await _record(tx, ProcessTemplate, process_template_id, (new.client_id,))
            await _put(tx, replace(found, name=new.name, description=new.description, checklist=new.checklist))
            return await _record(tx, ProcessTemplate, found.id, None)

    async def create_tasks(self, process_template_id: str, project_id: str | None, *, client_id: str, key: str) -> list[Task]:
        async with self._writing() as tx:
            template = await _record(tx, ProcessTemplate, process_template_id, (client_id,))
            made = []
            for step in sorted(template.checklist, key=lambda s: s.number):
                task = Task(
                    id=_made_id("task", f"{key}:{step.number}"),
                    name=step.title,
                    client_id=client_id,
                    description=step.description,
                    project_id=project_id,
                    process_template_id=template.id,
                    step_number=step.number,
                    estimated_hours=step.estimated_hours,
                    billable=step.billable,
                )
                await tx.run("make_workspace_record", **values_of(task))
                made.append(await _record(tx, Task, task.id, None, also_deleted=True))
            return made

    async def update_task(self, task_id: str, change: TaskChange, *, key: str) -> Task:
        fields: dict[str, Any] = {
            "status": change.status,
            "scheduled_start_at": change.scheduled_start_at and change.scheduled_start_at.isoformat(),
            "scheduled_end_at": change.scheduled_end_at and change.scheduled_end_at.isoformat(),
            "actual_hours": change.actual_hours,
            "note": change.note,
        }
        fields = {name: value for name, value in fields.items() if value is not None}
        if change.unscheduled:
            fields |= {"scheduled_start_at": None, "scheduled_end_at": None}
        async with self._writing() as tx:
            task = await _record(tx, Task, task_id, None)
            await tx.run("change_workspace_record", record_id=task.id, fields=fields)
            return await _record(tx, Task, task.id, None)

    async def put(self, records: Sequence[Record], clients: Clients) -> int:
        async with self._writing() as tx:
            owners = await tx.rows("workspace_owners", _Owner, ids=[full_id(r.id) for r in records])
            _check_owners(records, {o.record_id: o for o in owners}, clients)
            return sum([await _put(tx, record) for record in records])

    async def delete(self, kind: type[Record], record_id: str, clients: Clients) -> None:
        async with self._database.begin() as tx:
            if kind is Sprint:
                gone = await tx.run("delete_workspace_sprint", sprint_id=own_id(record_id), clients=_listed(clients))
            else:
                gone = await tx.run("delete_workspace_record", record_id=full_id(record_id), kind=kind.kind, clients=_listed(clients))
        if not gone:
            raise _missing(kind, record_id)

    async def post_reflection(self, reflection: Reflection, *, posted_at: datetime) -> str:
        async with self._database.begin() as tx:
            posted = await tx.value(
                "post_reflection",
                id=reflection.reflection_id,
                person_id=reflection.person_id,
                client_id=reflection.client_id or _WHOLE,
                mode=reflection.mode,
                period_start=reflection.period.start,
                period_end=reflection.period.end,
                thread_on=reflection.thread_on,
                reflection=reflection.content,
                metrics=dict(reflection.metrics),
                posted_at=posted_at,
            )
        return str(posted)

    async def reflections(self, person_id: str, client_id: str | None, mode: Mode | None, *, limit: int) -> list[PostedReflection]:
        async with self._database.begin() as tx:
            entries = await tx.rows("posted_reflections", _Entry, person_id=person_id, client_id=client_id or _WHOLE, mode=mode, limit=limit)
        return [entry.posted() for entry in entries]

    async def posted(self, person_id: str, client_id: str | None, mode: Mode, period_start: datetime) -> PostedReflection | None:
        async with self._database.begin() as tx:
            entry = await tx.row(
                "posted_reflection", _Entry, person_id=person_id, client_id=client_id or _WHOLE, mode=mode, period_start=period_start
            )
        return entry.posted() if entry else None

    async def check(self) -> None:
        await self._database.check()

    async def close(self) -> None:
        """The database is closed by whoever opened it."""

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Transaction]:
        try:
            async with self._database.begin() as tx:
                yield tx
        except psycopg.DataError as error:  # a NUL in a text, a number out of range
            raise InvalidInput(f"PostgreSQL cannot hold a value of it: {error.diag.message_primary or error}. Nothing was stored.") from error


def _made_id(kind: str, key: str) -> str:
    return f"{ORIGIN}{kind}-{uuid5(NAMESPACE_URL, f'planner-memory:{kind}:{key}')}"


def _readable(row: Row, kind: type[R]) -> R | None:
    try:
        return record_of(row, kind)
    except InvalidInput:
        return None


async def _record(tx: Transaction, kind: type[R], record_id: str, clients: Clients, *, also_deleted: bool = False) -> R:
    row = await tx.row("workspace_record", Row, record_id=full_id(record_id), clients=_listed(clients)) if record_id.isprintable() else None
    if row is None or row.kind != kind.kind or (row.deleted_at is not None and not also_deleted) or not row.id.startswith(ORIGIN):
        raise _missing(kind, record_id)
    return record_of(row, kind)


async def _put(tx: Transaction, record: Record) -> int:
    values = values_of(record)
    if not isinstance(record, Sprint):
        return await tx.run("put_workspace_record", **values)
    return await tx.run(
        "put_workspace_sprint",
        sprint_id=own_id(record.id),
        client_id=record.client_id,
        name=record.name,
        description=record.description,
        starts_on=record.starts_on,
        ends_on=record.ends_on,
        capacity_hours=record.capacity_hours,
        planned_billable_hours=record.planned_billable_hours,
    )


def _check_owners(records: Sequence[Record], owners: Mapping[str, _Owner], clients: Clients) -> None:
    for record in records:
        owner = owners.get(full_id(record.id))
        if owner and owner.kind != record.kind:
            raise Conflict(f"{full_id(record.id)} is the id of a {owner.kind.replace('_', ' ')} already. Nothing was stored.")
        allowed = clients is None or (record.client_id in clients and (owner is None or owner.client_id in clients))
        if not allowed:
            raise Conflict(f"{full_id(record.id)} belongs to another client, or to all of them, and may not be changed with this key.")
        if isinstance(record, Sprint) and record.planned_billable_hours is None:
            raise InvalidInput(f"Sprint {record.id} needs planned_billable_hours.", field="planned_billable_hours")
        if isinstance(record, Sprint) and record.ends_on < record.starts_on:
            raise InvalidInput(f"Sprint {record.id} ends before it starts.", field="ends_on")
