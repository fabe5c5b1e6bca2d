"""The HTTP face that all services share: problems, keys, health, metrics, request ids, idempotency."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig

from planner_memory import __version__
from planner_memory.ports.keys import AnswerStore, KeyStore
from planner_memory.web.auth import Authenticator, caller_of
from planner_memory.web.health import HealthCheck
from planner_memory.web.idempotency import Idempotent
from planner_memory.web.metrics import CONTENT_TYPE_LATEST, Metrics
from planner_memory.web.observed import Observed
from planner_memory.web.problems import install_problems

# FastAPI would open four spans of its own per request, and set up an exporter by itself; ours is one, in Observed
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


@dataclass(frozen=True, slots=True)
class Face:
    """What an application needs besides its routes."""

    keys: KeyStore
    answers: AnswerStore
    default_client: str = "me"
    cors_origins: tuple[str, ...] = ()
    max_body_bytes: int = 16_000_000
    started: float = field(default_factory=time.monotonic)


def build_app(
    service: str,
    face: Face,
    *,
    health: HealthCheck,
    routers: Sequence[APIRouter],
    open_routers: Sequence[APIRouter] = (),
    metrics: Metrics | None = None,
    state: dict[str, Any] | None = None,
) -> FastAPI:
    """An application of the service: `routers` ask for a key, `open_routers` do not. `state` becomes `request.app.state`.

    `health`, `metrics` and the OpenAPI page answer without a key.
    """
    measured = metrics or Metrics(service)
    app = FastAPI(title=service, version=__version__, docs_url=None, redoc_url=None, telemetry=NO_TELEMETRY)
    authenticate = Authenticator(face.keys, face.default_client)
    app.state.authenticate = authenticate
    app.state.metrics = measured
    app.state.health = health
    for name, value in (state or {}).items():
        setattr(app.state, name, value)
    install_problems(app)
    for router in routers:
        app.include_router(router, dependencies=[Depends(caller_of)])
    for router in open_routers:
        app.include_router(router)

    @app.get("/health", operation_id=f"{service}-health", tags=["operations"])
    async def read_health() -> JSONResponse:
        """How the service is, and each thing it depends on."""
        report = await health()
        body = {
            "status": report.status,
            "service": service,
            "version": __version__,
            "dependencies": dict(report.dependencies),
            "uptime_seconds": round(time.monotonic() - face.started, 1),
            **report.extra,
        }
        return JSONResponse(body, status_code=503 if report.status == "unhealthy" else 200)

    @app.get("/metrics", operation_id=f"{service}-metrics", tags=["operations"])
    async def read_metrics() -> Response:
        """Prometheus metrics."""
        return Response(await measured.scraped(), media_type=CONTENT_TYPE_LATEST)

    # the last one added is the outermost
    app.add_middleware(Idempotent, answers=face.answers, authenticate=authenticate)
    if face.cors_origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(face.cors_origins), allow_methods=["*"], allow_headers=["*"], expose_headers=["x-request-id"]
        )
    app.add_middleware(Observed, service=service, metrics=measured, max_body_bytes=face.max_body_bytes)
    return app
