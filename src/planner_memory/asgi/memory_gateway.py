"""The Memory Gateway's application."""

from dataclasses import replace

from fastapi import FastAPI

from planner_memory.memory_gateway import document_routes, reindex_routes, routes
from planner_memory.memory_gateway.document_service import Documents
from planner_memory.memory_gateway.reindexing import Reindexer
from planner_memory.memory_gateway.service import Gateway
from planner_memory.web.face import Face, build_app
from planner_memory.web.health import HealthReport
from planner_memory.web.metrics import Metrics

ROUTERS = (routes.router, document_routes.router, reindex_routes.router)


def create_memory_gateway(gateway: Gateway, documents: Documents, reindexer: Reindexer, face: Face, metrics: Metrics) -> FastAPI:
    state = {"gateway": gateway, "documents": documents, "reindexer": reindexer}

    async def health() -> HealthReport:
        """The memory's health; a chunk that waits for the index counts as a memory does."""
        report = await gateway.health()
        if report.extra.get("pending_index") is None:
            return report
        waiting = report.extra["pending_index"] + (await documents.pending()).count
        return replace(report, extra={**report.extra, "pending_index": waiting})

    return build_app("memory-gateway", face, health=health, routers=ROUTERS, metrics=metrics, state=state)
