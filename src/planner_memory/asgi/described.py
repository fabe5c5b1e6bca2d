"""What the services answer, as OpenAPI documents made from their routes alone."""

from typing import Any

from fastapi import FastAPI

from planner_memory import __version__
from planner_memory.asgi import memory_gateway, observer_agent, planner_engine, scheduler_engine
from planner_memory.asgi.all_in_one import SERVICES, merged_openapi
from planner_memory.web.face import NO_TELEMETRY

_ROUTERS = {
    "memory-gateway": memory_gateway.ROUTERS,
    "planner-engine": planner_engine.ROUTERS,
    "scheduler-engine": (*scheduler_engine.ROUTERS, *scheduler_engine.OPEN_ROUTERS),
    "observer-agent": observer_agent.ROUTERS,
}


def openapi_of(service: str) -> dict[str, Any]:
    """The OpenAPI document of one service, or of "all"; needs no database."""
    if service == "all":
        return merged_openapi({name: _described(name) for name in SERVICES})
    return _described(service).openapi()


def _described(service: str) -> FastAPI:
    app = FastAPI(title=service, version=__version__, telemetry=NO_TELEMETRY)
    for router in _ROUTERS[service]:
        app.include_router(router)
    return app
