"""One pure ASGI layer round each service: request id in and out, body limit, log line, metrics, and one trace span per request."""

import re
import time
from contextlib import AbstractContextManager, ExitStack

import structlog
from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from planner_memory.core.errors import TooLarge
from planner_memory.core.ids import new_id
from planner_memory.core.tenancy import unscoped
from planner_memory.web.metrics import Metrics
from planner_memory.web.problems import problem, problem_of

log = structlog.get_logger()
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_QUIET = ("/health", "/metrics")


class BodyTooLarge(Exception):
    """The body grew over the limit while it was read."""


class Observed:
    def __init__(self, app: ASGIApp, *, service: str, metrics: Metrics, max_body_bytes: int) -> None:
        self._app = app
        self._service = service
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes
        self._tracer = trace.get_tracer("planner_memory")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _SAFE_ID.fullmatch(given) else str(new_id())
        started, status, answered, read = time.perf_counter(), 500, False, 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_body_bytes:
                raise BodyTooLarge
            return message

        async def tagged(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], True
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        with ExitStack() as stack:
            stack.enter_context(unscoped())
            stack.enter_context(structlog.contextvars.bound_contextvars(service=self._service, request_id=request_id))
            span = stack.enter_context(self._span(scope, headers))
            try:
                if int(headers.get("content-length") or 0) > self._max_body_bytes:
                    raise BodyTooLarge
                await self._app(scope, limited, tagged)
            except BodyTooLarge:
                too_large = TooLarge(f"The body is over {self._max_body_bytes // 1_000_000} MB. Send it in smaller parts.")
                await problem_of(too_large)(scope, receive, tagged)
            except Exception:
                log.exception("unexpected error", method=scope["method"], path=scope["path"])
                if not answered:
                    sentence = f"This is a mistake in planner-memory. Its log has the details under request id {request_id}."
                    await problem(500, "Something went wrong", sentence)(scope, receive, tagged)
            finally:
                took = time.perf_counter() - started
                found = scope.get("route")
                route = getattr(found, "path", None) or "unmatched"
                self._metrics.observe(scope["method"], route, status, took)
                span.update_name(f"{scope['method']} {route}")
                span.set_attributes({"http.route": route, "http.response.status_code": status, "planner_memory.request_id": request_id})
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))
                if scope["path"] not in _QUIET:
                    log.info("request", method=scope["method"], path=scope["path"], status=status, took_ms=round(took * 1000, 1))

    def _span(self, scope: Scope, headers: Headers) -> AbstractContextManager[Span]:
        """By the conventions for HTTP servers. A probe of health or metrics is none: there are thousands a day, and collectors charge by number."""
        if scope["path"] in _QUIET:
            return trace.use_span(trace.INVALID_SPAN)
        return self._tracer.start_as_current_span(
            scope["method"],
            context=propagate.extract(dict(headers)),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": scope["method"], "url.path": scope["path"], "service.name": self._service},
            record_exception=False,
            set_status_on_exception=False,
        )
