"""Servers in front of the loopback Coda, one for each dialect: the original deployment's (REST calls and tools), and two that speak real MCP."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from fastapi import Request
from fastapi.responses import JSONResponse, Response
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from tests.fakes.coda_erp import empty_erp
from tests.fakes.coda_server import TOKEN, CodaServer
from tests.fakes.loopback import Loopback
from tests.fakes.scripted import ScriptedServer
from tests.servers import PEERS_PYTHON, free_port, missing

MCP_TOKEN = "mcp-loopback-0123456789"
_OWN_IDS = {"service_blueprints": "blueprint_id", "workflows": "workflow_id", "process_templates": "process_template_id"}


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class CodaTools:
    """The tools of the original deployment: relations come as {id, name}, and `create_process_template` knows no key."""

    def __init__(self, coda: CodaServer) -> None:
        self._coda = coda

    def call(self, tool: str, params: Mapping[str, Any]) -> Any:
        named = re.match(r"^(?:mcp__coda__)?(get|list|create|update)_(\w+)$", tool)
        if named is None or not hasattr(self, f"_{named[1]}"):
            raise Refused(404, f"Unknown tool {tool}")
        return getattr(self, f"_{named[1]}")(named[2], dict(params))

    def _get(self, kind: str, params: dict[str, Any]) -> Any:
        table = self._table(f"{kind}s")
        wanted = params.get(_OWN_IDS[f"{kind}s"])
        found = next((row for row in self._told(table) if wanted in (row["id"], row.get(_OWN_IDS[f"{kind}s"]))), None)
        if found is None:
            raise Refused(404, f"{kind} {wanted} not found")
        return found

    def _list(self, kinds: str, params: dict[str, Any]) -> Any:
        relation = {"workflows": ("blueprint_id", "service_blueprint"), "process_templates": ("workflow_id", "workflow")}.get(kinds)
        rows = self._told(self._table(kinds))
        if relation and (wanted := params.get(relation[0])):
            rows = [row for row in rows if isinstance(row[relation[1]], dict) and row[relation[1]]["id"] == wanted]
        return {kinds: rows, "total": len(rows)}

    def _create(self, kind: str, params: dict[str, Any]) -> Any:
        if kind != "process_template" or set(params) - {"workflow_id", "name", "checklist", "template_type"} or not params.get("name"):
            raise Refused(400, "create_process_template takes workflow_id, name, checklist and template_type")
        values = {"name": params["name"], "template_type": params.get("template_type", "Operational"), "workflow": params.get("workflow_id")}
        row = self._coda.doc.add_row("process_templates", {**values, "checklist": json.dumps(params.get("checklist")), "status": "Active"})
        return {"process_template_id": row.id, "name": params["name"]}

    def _table(self, name: str) -> str:
        if name not in _OWN_IDS:
            raise Refused(404, f"Unknown tool for {name}")
        return name

    def _told(self, name: str) -> list[dict[str, Any]]:
        doc = self._coda.doc
        table, rows = doc.table(name), []
        for row in table.rows.values():
            shown = {column.name: doc.shown(table, row, column, "rich" if column.target else "simple") for column in table.columns}
            told = {key: {"id": cell["rowId"], "name": cell["name"]} if isinstance(cell, dict) else cell for key, cell in shown.items()}
            checklist = told.get("checklist")
            if isinstance(checklist, str) and checklist.startswith("["):
                told["checklist"] = json.loads(checklist)
            rows.append({"id": row.id, **told})
        return rows


class PlainMcpServer(ScriptedServer):
    """POST /mcp with {method, path, params, data}, and, where `with_tools`, with {tool, params}. The only route is named mcp."""

    def __init__(self, coda: CodaServer, *, with_tools: bool, token: str = MCP_TOKEN) -> None:
        super().__init__(f"Bearer {token}", JSONResponse({"success": False, "error": "Unauthorized"}, status_code=401))
        self._coda, self._tools = coda, CodaTools(coda) if with_tools else None
        self._http = httpx.Client(verify=False, timeout=30)
        self.reset()
        self._serve("POST", "/mcp", "mcp", self._answer)
        self.mcp_url = f"{self.url}/mcp"

    def reset(self) -> None:
        super().reset()
        self.errors_inside = False  # a refusal of Coda's as 200 with success false

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._http.close()

    def _answer(self, _: Request, body: dict[str, Any]) -> Any:
        if self._tools and isinstance(body.get("tool"), str):
            try:
                return self._enveloped(self._tools.call(body["tool"], body.get("params") or {}))
            except Refused as refused:
                return self._failed(refused.status, str(refused), {})
        if body.get("method") not in ("GET", "POST", "PUT", "DELETE") or not str(body.get("path", "")).startswith("/"):
            return self._failed(400, "method and path are required", {})
        headers = {"Authorization": f"Bearer {TOKEN}"}
        data = body.get("data") or None
        answer = self._http.request(body["method"], f"{self._coda.base_url}{body['path']}", params=body.get("params"), json=data, headers=headers)
        if not answer.is_success:
            return self._failed(answer.status_code, answer.json()["message"], {k: v for k, v in answer.headers.items() if k == "retry-after"})
        return self._enveloped(answer.json())

    def _enveloped(self, data: Any) -> Any:
        return {"success": True, "data": data, "timestamp": "2026-05-04T12:00:00.000Z", "user": {"id": "loopback"}}

    def _failed(self, status: int, message: str, headers: dict[str, str]) -> Response:
        content = {"success": False, "error": {"message": message, "status": status}, "timestamp": "2026-05-04T12:00:00.000Z"}
        return JSONResponse(content, status_code=200 if self.errors_inside else status, headers=headers)


class SdkMcpServer:
    """A server made with MCP's SDK: the planned tools, and Coda's own operations with parameters in camel case and answers as Coda gives them."""

    def __init__(self, coda: CodaServer, *, with_rows: bool = True, with_tools: bool = True, token: str = MCP_TOKEN) -> None:
        self._coda, self._token = coda, token
        self._server = MCPServer("loopback-coda", log_level="ERROR")
        if with_tools:
            self._add_tools(CodaTools(coda))
        if with_rows:
            self._add_rows()
        app = self._server.streamable_http_app(json_response=True)
        self._loopback = Loopback(self._guarded(app), lifespan="on")
        self.mcp_url = f"{self._loopback.url}/mcp"

    def __enter__(self) -> Self:
        self._loopback.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._loopback.__exit__()

    def reset(self) -> None:
        """It keeps nothing."""

    def _guarded(self, app: Any) -> Any:
        async def guard(scope: Any, receive: Any, send: Any) -> None:
            allowed = f"Bearer {self._token}".encode()
            if scope["type"] == "http" and dict(scope["headers"]).get(b"authorization") != allowed:
                await JSONResponse({"error": "invalid_token"}, status_code=401)(scope, receive, send)
                return
            await app(scope, receive, send)

        return guard

    def _add_tools(self, tools: CodaTools) -> None:
        def called(tool: str, params: dict[str, Any]) -> dict[str, Any]:
            try:
                return dict(tools.call(tool, {name: value for name, value in params.items() if value is not None}))
            except Refused as refused:
                raise ToolError(json.dumps({"error": str(refused), "status_code": refused.status})) from None

        def get_service_blueprint(blueprint_id: str) -> dict[str, Any]:
            return called("get_service_blueprint", {"blueprint_id": blueprint_id})

        def list_service_blueprints() -> dict[str, Any]:
            return called("list_service_blueprints", {})

        def get_workflow(workflow_id: str) -> dict[str, Any]:
            return called("get_workflow", {"workflow_id": workflow_id})

        def list_workflows(blueprint_id: str | None = None) -> dict[str, Any]:
            return called("list_workflows", {"blueprint_id": blueprint_id})

        def get_process_template(process_template_id: str) -> dict[str, Any]:
            return called("get_process_template", {"process_template_id": process_template_id})

        def list_process_templates(workflow_id: str | None = None) -> dict[str, Any]:
            return called("list_process_templates", {"workflow_id": workflow_id})

        def create_process_template(name: str, checklist: list[dict[str, Any]], template_type: str, workflow_id: str | None = None) -> dict[str, Any]:
            params = {"workflow_id": workflow_id, "name": name, "checklist": checklist, "template_type": template_type}
            return called("create_process_template", params)

        each: Callable[..., dict[str, Any]]
        for each in (get_service_blueprint, list_service_blueprints, get_workflow, list_workflows, get_process_template, list_process_templates):
            self._server.add_tool(each, name=f"mcp__coda__{each.__name__}")
        self._server.add_tool(create_process_template, name="mcp__coda__create_process_template")

    def _add_rows(self) -> None:
        async def rest(method: str, path: str, params: dict[str, Any] | None = None, body: Any = None) -> dict[str, Any]:
            known = {name: value for name, value in (params or {}).items() if value is not None}
            async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, verify=False) as http:
                answer = await http.request(method, f"{self._coda.base_url}{path}", params=known, json=body)
            if not answer.is_success:
                raise ToolError(json.dumps(answer.json() | {"retry_after": answer.headers.get("retry-after")}))
            return dict(answer.json())

        async def coda_get_document(docId: str) -> dict[str, Any]:  # noqa: N803
            return await rest("GET", f"/docs/{docId}")

        async def coda_list_tables(docId: str, limit: int | None = None, pageToken: str | None = None) -> dict[str, Any]:  # noqa: N803
            return await rest("GET", f"/docs/{docId}/tables", {"limit": limit, "pageToken": pageToken})

        async def coda_list_columns(docId: str, tableIdOrName: str, limit: int | None = None, pageToken: str | None = None) -> dict[str, Any]:  # noqa: N803
            return await rest("GET", f"/docs/{docId}/tables/{tableIdOrName}/columns", {"limit": limit, "pageToken": pageToken})

        async def coda_list_rows(
            docId: str,  # noqa: N803
            tableIdOrName: str,  # noqa: N803
            query: str | None = None,
            limit: int | None = None,
            pageToken: str | None = None,  # noqa: N803
        ) -> dict[str, Any]:
            return await rest("GET", f"/docs/{docId}/tables/{tableIdOrName}/rows", {"query": query, "limit": limit, "pageToken": pageToken})

        async def coda_get_row(docId: str, tableIdOrName: str, rowIdOrName: str) -> dict[str, Any]:  # noqa: N803
            return await rest("GET", f"/docs/{docId}/tables/{tableIdOrName}/rows/{rowIdOrName}")

        async def coda_create_rows(
            docId: str,  # noqa: N803
            tableIdOrName: str,  # noqa: N803
            rows: list[dict[str, Any]],
            keyColumns: list[str] | None = None,  # noqa: N803
        ) -> dict[str, Any]:
            return await rest("POST", f"/docs/{docId}/tables/{tableIdOrName}/rows", body={"rows": rows, "keyColumns": keyColumns or []})

        async def coda_update_row(docId: str, tableIdOrName: str, rowIdOrName: str, cells: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
            return await rest("PUT", f"/docs/{docId}/tables/{tableIdOrName}/rows/{rowIdOrName}", body={"row": {"cells": cells}})

        async def coda_delete_row(docId: str, tableIdOrName: str, rowIdOrName: str) -> dict[str, Any]:  # noqa: N803
            return await rest("DELETE", f"/docs/{docId}/tables/{tableIdOrName}/rows/{rowIdOrName}")

        async def coda_get_mutation_status(requestId: str) -> dict[str, Any]:  # noqa: N803
            return await rest("GET", f"/mutationStatus/{requestId}")

        for each in (coda_get_document, coda_list_tables, coda_list_columns, coda_list_rows, coda_get_row):
            self._server.add_tool(each)
        for each in (coda_create_rows, coda_update_row, coda_delete_row, coda_get_mutation_status):
            self._server.add_tool(each)


class McpCoda:
    """mcp-coda itself, a server of others' making, run from the peers' environment in front of a loopback Coda of its own."""

    def __init__(self, home: Path) -> None:
        if not PEERS_PYTHON.exists():
            missing("mcp-coda (`make .venv-peers/.installed`)")
        self.coda = CodaServer(empty_erp())
        self._home, self._port = home, free_port()
        self.mcp_url = f"http://127.0.0.1:{self._port}/mcp"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.coda.__enter__()
        known = {"CODA_API_TOKEN": TOKEN, "CODA_BASE_URL": self.coda.base_url, "CODA_HTTP_BEARER_TOKEN": MCP_TOKEN, "HOME": str(self._home)}
        environment = known | {"PATH": os.environ.get("PATH", ""), "NO_PROXY": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [PEERS_PYTHON, "-m", "mcp_coda", "--transport", "streamable-http", "--port", str(self._port)]
        self._process = subprocess.Popen(command, env=environment, cwd=self._home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ends = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > ends or self._process.poll() is not None:
                self.__exit__()
                pytest.fail("mcp-coda did not start")
            time.sleep(0.1)
        return self

    def _answers(self) -> bool:
        try:
            return httpx.get(self.mcp_url, timeout=5).status_code == 401
        except httpx.TransportError:
            return False

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self.coda.__exit__()
