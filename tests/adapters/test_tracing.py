"""A request becomes one span, decoded from what arrives at a loopback collector."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from fastapi import APIRouter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from planner_memory.adapters.opentelemetry.tracing import Tracing
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.web.face import Face, build_app
from planner_memory.web.health import HealthReport


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/traces":
                received.append(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    server.server_close()
    thread.join()


async def test_each_request_is_one_span(collector: tuple[str, list[bytes]], database: Database) -> None:
    endpoint, received = collector
    tracing = Tracing(endpoint, version="0")
    tracing.install()
    router = APIRouter()

    @router.get("/things/{thing_id}")
    async def thing(thing_id: str) -> str:
        return thing_id

    async def health() -> HealthReport:
        return HealthReport({})

    keys = PostgresKeys(database)
    app = build_app("thing-desk", Face(keys, keys), health=health, routers=[], open_routers=[router])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as client:
        assert (await client.get("/things/7", headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})).json() == "7"
    tracing.close()
    spans = [
        s for body in received for r in ExportTraceServiceRequest.FromString(body).resource_spans for scope in r.scope_spans for s in scope.spans
    ]
    assert [s.name for s in spans] == ["GET /things/{thing_id}"]
    assert spans[0].trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    attributes = {a.key: a.value for a in spans[0].attributes}
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["service.name"].string_value == "thing-desk"
