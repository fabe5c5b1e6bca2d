"""MCP servers whose tools speak of blueprints, workflows and templates (`mcp__coda__get_workflow`), over MCP or by {tool, params}.

What no tool is there for (engagements, offers, projects, tasks, the daily thread) is read and written through the rest of the server, where it has
one and the doc is named; else it is not there. Templates go that way too, when there is one: `create_process_template` takes no key and no client.
Tasks are never made by `create_tasks_from_template`, which takes no key either: the same call again would make them again.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from planner_memory.adapters.coda.calls import CodaCalls
from planner_memory.adapters.coda.doc import CodaDoc
from planner_memory.adapters.coda.layout import Table, read_table
from planner_memory.adapters.coda.names import CodaNames
from planner_memory.adapters.coda.rows import ORIGIN, Pass, full_id, missing, stored_key
from planner_memory.adapters.coda.steps import step_objects
from planner_memory.core.errors import InvalidInput, NotFound
from planner_memory.ports.workspace import Clients, Mode, Origin, PostedReflection, Reflection, Workspace
from planner_memory.ports.workspace_records import Changes, NewProcessTemplate, ProcessTemplate, Record, ServiceBlueprint, Task, TaskChange, Workflow

R = TypeVar("R", bound=Record)
PREFIX = "mcp__coda__"
_IDS = {"service_blueprint": "blueprint_id", "workflow": "workflow_id", "process_template": "process_template_id"}
NEEDED = tuple(f"{verb}_{kind}{ending}" for kind in _IDS for verb, ending in (("get", ""), ("list", "s")))
_KEY = "planner_key"  # of a checklist's first step: the tool has no other place for it


class _NoDoc(CodaDoc):
    """Where there is no way to the doc's tables."""

    def __init__(self) -> None:
        pass

    async def table(self, kind: str) -> Table | None:
        return None


class CodaToolsWorkspace:
    """Fulfils Workspace."""

    origin: Origin = "coda"
    name = "coda-mcp"

    def __init__(
        self, calls: CodaCalls, names: CodaNames, *, prefix: str = PREFIX, rest: Workspace | None = None, doc: CodaDoc | None = None
    ) -> None:
        """`rest` and `doc` are the same doc by the server's other dialect."""
        self._calls, self._names, self._prefix = calls, names, prefix
        self._rest, self._doc = rest, doc or _NoDoc()

    async def record(self, kind: type[R], record_id: str, clients: Clients) -> R:
        if not self._has_tool(kind):
            if self._rest is None:
                raise _nothing(kind.kind, record_id)
            return await self._rest.record(kind, record_id, clients)
        own = record_id.removeprefix(ORIGIN)
        if own.startswith("ws:"):
            raise missing(kind.kind, record_id)
        try:
            said = await self._ask(f"get_{kind.kind}", {_IDS[kind.kind]: own})
        except NotFound:
            raise missing(kind.kind, record_id) from None
        record = await self._record(kind, _one(kind.kind, said), Pass(self._doc, self._names))
        if not (clients is None or record.client_id is None or record.client_id in clients):
            raise missing(kind.kind, record_id)
        return record

    async def records(
        self, kind: type[R], clients: Clients, *, related_to: str | None = None, status: str | None = None, limit: int = 200
    ) -> list[R]:
        if not self._has_tool(kind):
            return await self._rest.records(kind, clients, related_to=related_to, status=status, limit=limit) if self._rest else []
        reading, found = Pass(self._doc, self._names), []
        wanted = full_id(related_to.removeprefix(ORIGIN)) if related_to is not None else None
        for said in await self._list(kind.kind, {}):
            try:
                record = await self._record(kind, said, reading)
            except InvalidInput:
                continue
            named = wanted is None or wanted in record.related().values()
            seen = clients is None or record.client_id is None or record.client_id in clients
            if named and seen and status in (None, getattr(record, "status", None)):
                found.append(record)
        return sorted(found, key=lambda record: (record.name, record.id))[:limit]

    async def changes(self, kind: type[Record], since: str | None, *, limit: int = 500) -> Changes:
        """By the doc's own times where there is a way to it; else a row is told of when it says something else than it did."""
        if self._rest is not None:
            return await self._rest.changes(kind, since, limit=limit)
        try:
            known: dict[str, str] = json.loads(since) if since is not None else {}
        except ValueError:
            known = {"": ""}
        if not isinstance(known, dict) or "" in known:
            raise InvalidInput("That is no cursor of this workspace; begin without one.", field="since")
        listed = {_id(said): said for said in (await self._list(kind.kind, {}) if self._has_tool(kind) else [])}
        digests = {row_id: hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12] for row_id, said in listed.items()}
        new = [row_id for row_id, digest in digests.items() if known.get(row_id) != digest]
        reading, found, problems = Pass(self._doc, self._names), [], []
        for row_id in new[:limit]:
            try:
                found.append(await self._record(kind, listed[row_id], reading))
            except InvalidInput as error:
                problems.append(error.detail)
        told = {row_id: digests[row_id] for row_id in digests if row_id in known or row_id in new[:limit]}
        told |= {row_id: known[row_id] for row_id in new[limit:] if row_id in known}
        gone = tuple(full_id(row_id) for row_id in sorted(set(known) - set(listed)))
        return Changes(tuple(found), gone, json.dumps(told), len(new) > limit, tuple(problems))

    async def create_process_template(self, new: NewProcessTemplate, *, key: str) -> ProcessTemplate:
        if self._rest is not None:
            return await self._rest.create_process_template(new, key=key)
        if not new.checklist or not 0 < len(key) <= 200:
            raise InvalidInput("A process template for Coda needs at least one step, and a key of 1 to 200 characters.", field="checklist")
        links: dict[str, str] = {}
        if new.workflow_id is not None:
            links["workflow_id"] = (await self.record(Workflow, new.workflow_id, None)).id
        if new.blueprint_id is not None:
            links["blueprint_id"] = (await self.record(ServiceBlueprint, new.blueprint_id, None)).id
        if new.engagement_id is not None:
            links["engagement_id"] = new.engagement_id
        own = {field: value.removeprefix(ORIGIN) for field, value in links.items()}
        stored = stored_key(new.client_id, key)
        if (there := await self._made(stored, own.get("workflow_id"))) is None:
            steps = step_objects(new.checklist)
            steps[0] |= {_KEY: stored, **{field: value for field, value in own.items() if field != "workflow_id"}}
            params = {"workflow_id": own.get("workflow_id"), "name": new.name, "checklist": steps, "template_type": new.template_type}
            said = await self._calls.write("POST", f"/{self._prefix}create_process_template", params)
            row_id = _id(_one("process_template", said))
            there = _one("process_template", await self._ask("get_process_template", {"process_template_id": row_id})) if row_id else None
            there = there or await self._made(stored, own.get("workflow_id"))
        if there is None:
            raise InvalidInput("The MCP server made a process template and does not show it with the key of its checklist.", field="checklist")
        return await self._record(ProcessTemplate, there, Pass(self._doc, self._names))

    async def update_process_template(self, process_template_id: str, new: NewProcessTemplate, *, key: str) -> ProcessTemplate:
        if self._rest is None:
            template = await self.record(ProcessTemplate, process_template_id, (new.client_id,))
            raise InvalidInput(f"The MCP server has no tool that changes {template.id}, so it stays as it was. Set CODA_DOC_ID.", field="checklist")
        return await self._rest.update_process_template(process_template_id, new, key=key)

    async def create_tasks(self, process_template_id: str, project_id: str | None, *, client_id: str, key: str) -> list[Task]:
        if self._rest is None:
            template = await self.record(ProcessTemplate, process_template_id, (client_id,))
            raise InvalidInput(f"Tasks of {template.id} cannot be made once and only once through this MCP server. Set CODA_DOC_ID.", field="tasks")
        return await self._rest.create_tasks(process_template_id, project_id, client_id=client_id, key=key)

    async def update_task(self, task_id: str, change: TaskChange, *, key: str) -> Task:
        if self._rest is None:
            raise _nothing("task", task_id)
        return await self._rest.update_task(task_id, change, key=key)

    async def post_reflection(self, reflection: Reflection, *, posted_at: datetime) -> str:
        return await self._other("the daily thread").post_reflection(reflection, posted_at=posted_at)

    async def reflections(self, person_id: str, client_id: str | None, mode: Mode | None, *, limit: int) -> list[PostedReflection]:
        return await self._other("the daily thread").reflections(person_id, client_id, mode, limit=limit)

    async def posted(self, person_id: str, client_id: str | None, mode: Mode, period_start: datetime) -> PostedReflection | None:
        return await self._other("the daily thread").posted(person_id, client_id, mode, period_start)

    async def check(self) -> None:
        await self._ask("list_service_blueprints", {})

    async def missing(self) -> list[str]:
        """What has to be mended before everything works, in sentences."""
        if self._rest is None:
            return ["The MCP server has tools for blueprints, workflows and templates only. Set CODA_DOC_ID to reach the doc's other tables too."]
        return await self._doc.missing()

    async def close(self) -> None:
        await self._calls.close()
        if self._rest is not None:
            await self._rest.close()

    def _has_tool(self, kind: type[Record]) -> bool:
        return kind.kind in _IDS and (self._rest is None or kind is not ProcessTemplate)

    def _other(self, what: str) -> Workspace:
        if self._rest is None:
            raise InvalidInput(f"The MCP server has no tool for {what}. Set CODA_DOC_ID, so that the doc's tables can be reached.", field="workspace")
        return self._rest

    async def _ask(self, tool: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._calls.write("POST", f"/{self._prefix}{tool}", params, only_reads=True)

    async def _list(self, kind: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        said = await self._ask(f"list_{kind}s", params)
        listed: Any = next((said[name] for name in ("items", f"{kind}s", "results") if isinstance(said.get(name), list)), [])
        return [each for each in listed if isinstance(each, dict) and _id(each)]

    async def _made(self, stored: str, workflow_id: str | None) -> dict[str, Any] | None:
        listed = await self._list("process_template", {"workflow_id": workflow_id} if workflow_id else {})
        return next((each for each in listed if _marks(each).get(_KEY) == stored), None)

    async def _record(self, kind: type[R], said: Mapping[str, Any], reading: Pass) -> R:
        """A tool's answer as a row of a table whose columns are the answer's members."""
        marks = _marks(said) if kind is ProcessTemplate else {}
        values = {"blueprint_id": marks.get("blueprint_id"), "engagement_id": marks.get("engagement_id"), _KEY: marks.get(_KEY)}
        values = {name: {"id": value, "name": ""} if name != _KEY else value for name, value in values.items() if value}
        values |= {name: value for name, value in said.items() if value not in (None, "", [])}
        table = read_table(kind.kind, {"id": kind.kind, "name": f"{kind.kind}s"}, [{"id": name, "name": name} for name in values], self._names)
        row = {"id": _id(said), "name": said.get("name", ""), "updatedAt": said.get("updated_at"), "values": {n: _cell(v) for n, v in values.items()}}
        return await reading.record(kind, table, row)


def _nothing(kind: str, record_id: str) -> NotFound:
    error = missing(kind, record_id)
    return NotFound(f"{error.detail} The MCP server has no tool for it; set CODA_DOC_ID to reach the doc's tables.", **error.extra)


def _one(kind: str, said: Mapping[str, Any]) -> dict[str, Any]:
    inner = said.get(kind)
    return dict(inner if isinstance(inner, Mapping) else said)


def _id(said: Mapping[str, Any]) -> str:
    value = next((said[name] for name in ("id", "rowId", "row_id", *_IDS.values()) if isinstance(said.get(name), str | int)), "")
    return str(value).removeprefix(ORIGIN)


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping) and "id" in value:
        return {"rowId": str(value["id"]).removeprefix(ORIGIN), "name": str(value.get("name") or ""), "additionalType": "row"}
    if isinstance(value, list) and any(isinstance(each, Mapping) and "id" not in each for each in value):
        return json.dumps(value, ensure_ascii=False)
    return [_cell(each) for each in value] if isinstance(value, list) else value


def _marks(said: Mapping[str, Any]) -> dict[str, Any]:
    """What was written into the first step of the checklist."""
    checklist = said.get("checklist")
    if isinstance(checklist, str) and checklist.lstrip().startswith("["):
        try:
            checklist = json.loads(checklist)
        except (ValueError, RecursionError):
            return {}
    first = checklist[0] if isinstance(checklist, list) and checklist else None
    return dict(first) if isinstance(first, Mapping) and _KEY in first else {}
