"""The Scheduler Engine's application."""

from dataclasses import replace

from fastapi import FastAPI

from planner_memory.scheduler_engine import connecting_routes, preference_routes, routes
from planner_memory.scheduler_engine.connecting import Connections
from planner_memory.scheduler_engine.service import Scheduler
from planner_memory.web.face import Face, build_app
from planner_memory.web.health import HealthReport
from planner_memory.web.metrics import Metrics

ROUTERS = (routes.router, connecting_routes.router, preference_routes.router)
OPEN_ROUTERS = (connecting_routes.browser_router, routes.open_router)  # these ask for no key: a state or a token guards them


def create_scheduler_engine(scheduler: Scheduler, connections: Connections, face: Face, metrics: Metrics) -> FastAPI:
    state = {"scheduler": scheduler, "connections": connections}

    async def health() -> HealthReport:
        report = await scheduler.health()
        return replace(report, extra={**report.extra, **await connections.about()})

    return build_app("scheduler-engine", face, health=health, routers=ROUTERS, open_routers=OPEN_ROUTERS, metrics=metrics, state=state)
