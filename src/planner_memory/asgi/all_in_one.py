"""The four services behind one address."""

import time
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from planner_memory import __version__
from planner_memory.web.face import NO_TELEMETRY
from planner_memory.web.metrics import CONTENT_TYPE_LATEST
from planner_memory.web.problems import install_problems

SERVICES = ("memory-gateway", "planner-engine", "scheduler-engine", "observer-agent")
PREFIXES = {
    "/api/v1/memory": "memory-gateway",
    "/api/v1/planner": "planner-engine",
    "/api/v1/scheduler": "scheduler-engine",
    "/oauth": "scheduler-engine",
    "/api/v1/observer": "observer-agent",
}
_SEVERITY = ("healthy", "degraded", "unhealthy")


class AllInOne:
    """Hands each request to the service that its path names; answers for all at /health, /metrics and /openapi.json.

    `adapters` names what is in use for each need.
    """

    def __init__(self, apps: Mapping[str, FastAPI], adapters: Mapping[str, str]) -> None:
        self._apps = apps
        self._adapters = adapters
        self._started = time.monotonic()
        self._root = self._root_app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app_of(scope)(scope, receive, send)

    def _app_of(self, scope: Scope) -> ASGIApp:
        path = scope.get("path", "")
        for prefix, service in PREFIXES.items():
            if path == prefix or path.startswith(prefix + "/"):
                return self._apps[service]
        return self._root

    def _root_app(self) -> FastAPI:
        root = FastAPI(title="planner-memory", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, telemetry=NO_TELEMETRY)
        install_problems(root)

        @root.get("/health")
        async def health() -> JSONResponse:
            return await self._health()

        @root.get("/metrics")
        async def metrics() -> Response:
            return Response(b"".join([await app.state.metrics.scraped() for app in self._apps.values()]), media_type=CONTENT_TYPE_LATEST)

        @root.get("/openapi.json")
        async def openapi() -> JSONResponse:
            return JSONResponse(merged_openapi(self._apps))

        return root

    async def _health(self) -> JSONResponse:
        services: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        dependencies: dict[str, str] = {}
        for name, app in self._apps.items():
            report = await app.state.health()
            services[name] = {"status": report.status, "dependencies": dict(report.dependencies), **report.extra}
            extra |= {key: value for key, value in report.extra.items() if key == "pending_index"}
            for need, state in report.dependencies.items():
                if need not in SERVICES_AS_DEPENDENCIES and dependencies.get(need, "up") in ("up", "off"):
                    dependencies[need] = state
        worst = max((s["status"] for s in services.values()), key=_SEVERITY.index)
        body = {
            "status": worst,
            "service": "planner-memory",
            "version": __version__,
            "dependencies": dependencies,
            "adapters": dict(self._adapters),
            "uptime_seconds": round(time.monotonic() - self._started, 1),
            **extra,
            "services": services,
        }
        return JSONResponse(body, status_code=503 if worst == "unhealthy" else 200)


SERVICES_AS_DEPENDENCIES = ("memory_gateway", "planner_engine", "scheduler_engine", "observer_agent")


def merged_openapi(apps: Mapping[str, FastAPI]) -> dict[str, Any]:
    """One document of all paths. Schemas of the same name are kept apart by the service's name when they differ."""
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "planner-memory", "version": __version__},
        "paths": {},
        "components": {"schemas": {}},
    }
    schemas = merged["components"]["schemas"]
    for service, app in apps.items():
        document = _renamed(app.openapi(), service, schemas)
        for path, item in document["paths"].items():
            if path not in ("/health", "/metrics"):
                merged["paths"][path] = item
        schemas |= document.get("components", {}).get("schemas", {})
    return merged


def _renamed(document: dict[str, Any], service: str, taken: Mapping[str, Any]) -> dict[str, Any]:
    own = document.get("components", {}).get("schemas", {})
    clashes = {name for name, schema in own.items() if name in taken and taken[name] != schema}
    prefix = "".join(word.capitalize() for word in service.split("-"))

    def rewritten(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: _reference(v) if k == "$ref" else rewritten(v) for k, v in value.items()}
        return [rewritten(v) for v in value] if isinstance(value, list) else value

    def _reference(reference: str) -> str:
        name = reference.rsplit("/", 1)[-1]
        return f"#/components/schemas/{prefix}{name}" if name in clashes else reference

    changed: dict[str, Any] = rewritten(document)
    if clashes:
        changed["components"]["schemas"] = {f"{prefix}{n}" if n in clashes else n: s for n, s in changed["components"]["schemas"].items()}
    return changed
