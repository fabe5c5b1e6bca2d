"""Mirrors the workspace in the memory's graph: blueprints, workflows, templates, projects and engagements, and the runs that used them.

Each client's graph is its own: a row of a client goes there with everything that it names, a row without a client to the default client.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import InvalidInput, NotFound
from planner_memory.core.tenancy import spanning
from planner_memory.planner_engine.telling import run_graph
from planner_memory.planner_engine.workspace_steps import one_line
from planner_memory.ports.memory import GraphEdge, GraphNode, Memory
from planner_memory.ports.workspace import Workspace, WorkspaceTables
from planner_memory.ports.workspace_records import (
    KINDS,
    Engagement,
    FinanceSnapshot,
    ProcessTemplate,
    Project,
    Record,
    ServiceBlueprint,
    Sprint,
    Workflow,
)
from planner_memory.ports.workspace_writes import WorkspaceWriteStore

log = structlog.get_logger()
# the field that names another row, and the edge between the two as the graph has it
_EDGES: dict[tuple[str, str], tuple[str, bool]] = {  # (kind, field): (edge type, whether it leads from the other row to this one)
    ("workflow", "blueprint_id"): ("blueprint_has_workflow", True),
    ("process_template", "workflow_id"): ("workflow_has_template", True),
    ("project", "engagement_id"): ("project_serves_engagement", False),
    ("project", "process_template_id"): ("project_follows_template", False),
}
_NODE_TYPES = {"service_blueprint": "blueprint"}
MIRRORED: tuple[type[Record], ...] = (ServiceBlueprint, Workflow, ProcessTemplate, Engagement, Project)
_COPIED: tuple[type[Record], ...] = (Sprint, FinanceSnapshot)  # the scheduler and the observer read them in PostgreSQL
_RUNS_AGAIN = timedelta(hours=1)  # a run may commit after a later one was read
_DEEPEST = 8


@dataclass
class Synced:
    """What a sync brought over. `problems` are rows that could not be read."""

    records: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    gone: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass
class _Part:
    """What goes into one client's graph; nodes by id."""

    nodes: dict[str, GraphNode] = field(default_factory=dict)
    edges: list[GraphEdge] = field(default_factory=list)


class WorkspaceGraph:
    """`tables` takes copies of sprints and finance snapshots; None when they are kept there anyway."""

    def __init__(
        self,
        workspace: Workspace,
        store: WorkspaceWriteStore,
        memory: Memory,
        clock: Clock,
        *,
        default_client: str = "me",
        tables: WorkspaceTables | None = None,
    ) -> None:
        self._workspace = workspace
        self._store = store
        self._memory = memory
        self._clock = clock
        self._default_client = default_client
        self._tables = tables

    async def sync(self, *, whole: bool = False) -> Synced:
        """Brings over what changed since the last time, or everything. Safe to repeat and to interrupt: a cursor moves when its rows are there.

        Raises:
            Unavailable, NotConnected: workspace, memory or database do not answer; what was brought over until then stays.
        """
        done = Synced()
        with spanning("workspace"):
            for kind in MIRRORED:
                await self._sync_kind(kind, done, whole=whole)
            for kind in _COPIED if self._tables is not None else ():
                await self._sync_kind(kind, done, whole=whole)
            await self._sync_runs(done, whole=whole)
        return done

    async def _sync_kind(self, kind: type[Record], done: Synced, *, whole: bool) -> None:
        origin = self._workspace.origin
        async with self._store.begin() as tx:
            since = None if whole else await tx.cursor(origin, kind.kind)
        while True:
            try:
                changes = await self._workspace.changes(kind, since)
            except InvalidInput:
                if since is None:
                    raise
                log.warning("the workspace does not know the cursor any more; everything is read again", kind=kind.kind)
                since = None
                continue
            if kind in MIRRORED:
                await self._mirror(changes.records)
                await self._mark_gone(changes.gone)
            elif self._tables is not None:
                usable = [r for r in changes.records if not isinstance(r, Sprint) or r.planned_billable_hours is not None]
                await self._tables.put(usable, None)
            done.records[kind.kind] = done.records.get(kind.kind, 0) + len(changes.records)
            done.gone += len(changes.gone)
            done.problems += changes.problems
            async with self._store.begin() as tx:
                await tx.set_cursor(origin, kind.kind, changes.cursor)
            since = changes.cursor
            if not changes.has_more:
                return

    async def _mirror(self, records: Iterable[Record]) -> None:
        parts: dict[str, _Part] = {}
        rows = list(records)
        known: dict[str, Record | None] = {record.id: record for record in rows}
        for record in rows:
            part = parts.setdefault(record.client_id or self._default_client, _Part())
            await self._add(part, record, known, depth=0)
        for client_id, part in parts.items():
            await self._memory.put_graph(list(part.nodes.values()), part.edges, client_id=client_id)

    async def _add(self, part: _Part, record: Record, known: dict[str, Record | None], *, depth: int) -> None:
        """The row, what it names that is mirrored too, and the edges between them."""
        if record.id in part.nodes or depth > _DEEPEST:
            return
        part.nodes[record.id] = node_of(record)
        for name, related_id in record.related().items():
            edge = _EDGES.get((record.kind, name))
            if edge is None:
                continue
            if related_id not in known:
                known[related_id] = await self._found(KINDS[record.relations[name]], related_id)
            related = known[related_id]
            if related is None or related.kind != record.relations[name]:
                continue
            await self._add(part, related, known, depth=depth + 1)
            ends = (related.id, record.id) if edge[1] else (record.id, related.id)
            part.edges.append(GraphEdge(*ends, edge[0]))

    async def _found(self, kind: type[Record], record_id: str) -> Record | None:
        try:
            return await self._workspace.record(kind, record_id, None)
        except (NotFound, InvalidInput):
            return None  # deleted, of another workspace, or unreadable: the edge is left out

    async def _mark_gone(self, ids: tuple[str, ...]) -> None:
        """What hung on it stays reachable, so the node stays too, and says that its row is gone."""
        if not ids:
            return
        async with self._store.begin() as tx:
            places = await tx.graph_nodes(list(ids))
        for client_id, node_id, node_type in places:
            await self._memory.put_graph([GraphNode(node_id, node_type, {"deleted": True})], [], client_id=client_id)

    async def _sync_runs(self, done: Synced, *, whole: bool) -> None:
        now = self._clock()
        async with self._store.begin() as tx:
            said = None if whole else await tx.cursor("planner", "execution_run")
            since = datetime.fromisoformat(said) - _RUNS_AGAIN if said else None
            found = await tx.runs_ended_since(since, limit=5000)
        parts: dict[str, _Part] = {}
        last = now
        for run, template_id in found:
            nodes, edges = run_graph(run, template_id)
            part = parts.setdefault(run.client_id, _Part())
            part.nodes.update({n.node_id: n for n in nodes if n.node_id not in part.nodes or n.properties})
            part.edges += edges
            done.runs += bool(nodes)
            last = run.ended_at or last
        for client_id, part in parts.items():
            await self._memory.put_graph(list(part.nodes.values()), part.edges, client_id=client_id)
        async with self._store.begin() as tx:
            await tx.set_cursor("planner", "execution_run", (last if len(found) == 5000 else now).isoformat())


def node_of(record: Record) -> GraphNode:
    """The graph's node of a row: names and what one counts by, no long texts."""
    properties: dict[str, object] = {"name": one_line(record.name), "deleted": False}
    for name in ("status", "version", "automation_status", "estimated_hours", "template_type", "client_name"):
        value = getattr(record, name, None)
        if value not in (None, ""):
            properties[name] = value
    return GraphNode(record.id, _NODE_TYPES.get(record.kind, record.kind), properties)
