"""A Coda doc as a bench of the workspace's contract: seeded as a person would type, over each way to reach it."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.fakes.coda_erp import empty_erp
from tests.fakes.coda_mcp import MCP_TOKEN, McpCoda, PlainMcpServer, SdkMcpServer
from tests.fakes.coda_server import TOKEN, CodaServer

from planner_memory.adapters.coda.calls import CodaCalls
from planner_memory.adapters.coda.doc import CodaDoc
from planner_memory.adapters.coda.limits import Limits, Window
from planner_memory.adapters.coda.mcp.dialects import CodaMcpWorkspace, Dialect, dialect_of
from planner_memory.adapters.coda.names import CodaNames
from planner_memory.adapters.coda.workspace import CodaWorkspace
from planner_memory.ports.workspace import Workspace
from planner_memory.ports.workspace_records import Record, Step
from planner_memory.wiring.coda import CodaMcp

ZONE = ZoneInfo("Europe/Berlin")
_TABLES = {"service_blueprint": "service_blueprints", "finance_snapshot": "finance_snapshot"}
_COLUMNS = {
    "blueprint_id": "service_blueprint",
    "starts_on": "start_date",
    "ends_on": "end_date",
    "taken_on": "as_of",
    "capacity_hours": "capacity_hrs",
    "planned_billable_hours": "planned_billable_hrs",
    "scheduled_start_at": "scheduled_start_date",
    "scheduled_end_at": "scheduled_end_date",
    "client_name": "client",
}
_BELONGS = ("project", "task")  # whose these are, the engagement says


def unlimited() -> Limits:
    return Limits(Window(10**6, 6), Window(10**6, 6))


@dataclass
class CodaBench:
    workspace: Workspace
    cut_off: Workspace
    refused: Workspace | None
    server: CodaServer
    shortens: bool = False

    async def seed(self, records: Sequence[Record]) -> Mapping[str, str]:
        made: dict[str, str] = {}
        for record in records:
            values = {_column(record, each.name): getattr(record, each.name) for each in fields(record) if each.name not in ("id", "updated_at")}
            for field, value in record.related().items():
                values[_column(record, field)] = made.get(value, value).removeprefix("coda:")
            if record.kind in _BELONGS:
                values.pop("client_id")
            known = {name: _typed(value) for name, value in values.items() if value not in (None, "", ())}
            made[record.id] = f"coda:{self.server.doc.add_row(_table(type(record)), known).id}"
        return made

    async def delete(self, kind: type[Record], record_id: str) -> None:
        del self.server.doc.table(_table(kind)).rows[record_id.removeprefix("coda:")]

    async def spoil(self, kind: type[Record], record_id: str, field: str, value: Any) -> None:
        table = self.server.doc.table(_table(kind))
        table.rows[record_id.removeprefix("coda:")].cells[table.column(field).id] = value


def _table(kind: type[Record]) -> str:
    return _TABLES.get(kind.kind, f"{kind.kind}s")


def _column(record: Record, field: str) -> str:
    return _COLUMNS.get(field, field.removesuffix("_id") if field in record.relations else field)


def _typed(value: Any) -> Any:
    if isinstance(value, tuple):
        return json.dumps([_step(each) for each in value])
    return value.isoformat() if isinstance(value, date | datetime) else value


def _step(step: Step) -> dict[str, Any]:
    said = {"step_number": step.number, "title": step.title, "description": step.description, "estimated_hours": step.estimated_hours}
    return said | {"dependencies": list(step.dependencies), "billable": step.billable}


@asynccontextmanager
async def rest(servers: "CodaServers") -> AsyncIterator[CodaBench]:
    """Coda's REST API."""
    server = servers.coda

    def opened(base_url: str, token: str) -> CodaWorkspace:
        calls = CodaCalls(token, base_url, limits=unlimited())
        return CodaWorkspace(CodaDoc(calls, server.doc.id, CodaNames()), CodaNames(), ZONE)

    async with AsyncExitStack() as stack:
        three = [opened(server.base_url, TOKEN), opened("http://127.0.0.1:9/apis/v1", TOKEN), opened(server.base_url, "wrong")]
        for each in three:
            stack.push_async_callback(each.close)
        yield CodaBench(*three, server)


def over_mcp(dialect: Dialect | None, url: str, server: CodaServer, token: str = MCP_TOKEN) -> CodaMcpWorkspace:
    """Without a dialect it is found out."""
    way = CodaMcp(url, token, server.doc.id, CodaNames(), ZONE, unlimited())

    async def spoken() -> Dialect:
        return dialect or await dialect_of(url, token)

    return CodaMcpWorkspace(spoken, way.workspace)


@asynccontextmanager
async def _bench(url: str, server: CodaServer, *, shortens: bool = False) -> AsyncIterator[CodaBench]:
    three = [over_mcp(None, url, server), over_mcp(None, "http://127.0.0.1:9/mcp", server), over_mcp(None, url, server, "wrong")]
    try:
        yield CodaBench(*three, server, shortens)
    finally:
        for each in three:
            await each.close()


@asynccontextmanager
async def proxy(servers: "CodaServers") -> AsyncIterator[CodaBench]:
    """{method, path, params, data}."""
    async with _bench(servers.plain(with_tools=False).mcp_url, servers.coda) as bench:
        yield bench


@asynccontextmanager
async def tools(servers: "CodaServers") -> AsyncIterator[CodaBench]:
    """{tool, params}, on a server that hands on REST calls too."""
    async with _bench(servers.plain(with_tools=True).mcp_url, servers.coda) as bench:
        yield bench


@asynccontextmanager
async def sdk_tools(servers: "CodaServers") -> AsyncIterator[CodaBench]:
    """Real MCP, with the planned tools and others."""
    async with _bench(servers.sdk().mcp_url, servers.coda) as bench:
        yield bench


@asynccontextmanager
async def mcp_coda(servers: "CodaServers") -> AsyncIterator[CodaBench]:
    """Real MCP, by a server of others' making."""
    running = servers.mcp_coda()
    async with _bench(running.mcp_url, running.coda, shortens=True) as bench:
        yield bench


class CodaServers:
    """A loopback Coda, and the servers in front of it, each started when it is first asked for and empty for each test."""

    def __init__(self, home: Path) -> None:
        self._home, self._stack = home, ExitStack()
        self._started: dict[str, Any] = {}
        self.coda = self._start("coda", lambda: CodaServer(empty_erp()))

    def plain(self, *, with_tools: bool) -> PlainMcpServer:
        server: PlainMcpServer = self._start(f"plain {with_tools}", lambda: PlainMcpServer(self.coda, with_tools=with_tools))
        return server

    def sdk(self) -> SdkMcpServer:
        server: SdkMcpServer = self._start("sdk", lambda: SdkMcpServer(self.coda))
        return server

    def mcp_coda(self) -> McpCoda:
        server: McpCoda = self._start("mcp-coda", lambda: McpCoda(self._home))
        return server

    def reset(self) -> None:
        for server in self._started.values():
            (server.coda if isinstance(server, McpCoda) else server).reset()

    def close(self) -> None:
        self._stack.close()

    def _start(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._started:
            self._started[name] = self._stack.enter_context(make())
        return self._started[name]


BENCHES: Mapping[str, Callable[[CodaServers], Any]] = {
    "coda": rest,
    "coda-mcp proxy": proxy,
    "coda-mcp tools": tools,
    "coda-mcp sdk": sdk_tools,
    "coda-mcp mcp-coda": mcp_coda,
}
