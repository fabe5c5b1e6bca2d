"""Every error as an RFC 9457 problem: ours, validation's and the framework's."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from planner_memory.core.errors import InvalidInput, PlannerMemoryError

MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger()


def slug(title: str) -> str:
    """The heading's anchor in docs/problems.md."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def problem(status: int, title: str, detail: str, extra: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = {"type": f"/docs/problems.md#{slug(title)}", "title": title, "status": status, "detail": detail, **(extra or {})}
    return JSONResponse(body, status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def problem_of(error: PlannerMemoryError) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if "retry_after" in error.extra:
        headers["Retry-After"] = str(error.extra["retry_after"])
    return problem(error.status, error.title, error.detail, error.extra, headers)


def _field(location: tuple[Any, ...]) -> str:
    """("body", "tasks", 3, "title") becomes tasks[3].title; a leading query, path or body is dropped, as a client sees one set of fields."""
    parts = location[1:] if location and location[0] in ("body", "query", "path", "header") else location
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "body"


def install_problems(app: FastAPI) -> None:
    @app.exception_handler(PlannerMemoryError)
    async def ours(_: Request, error: PlannerMemoryError) -> JSONResponse:
        if error.status >= 500:
            log.warning("problem", title=error.title, detail=error.detail, status=error.status)
        return problem_of(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        errors = [{"field": _field(tuple(e["loc"])), "detail": e["msg"].removeprefix("Value error, ")} for e in error.errors()]
        detail = "; ".join(f"{e['field']}: {e['detail']}" for e in errors[:5])
        return problem(422, InvalidInput.title, f"{detail}. Correct the named fields and send it again.", {"errors": errors[:50]})

    @app.exception_handler(HTTPException)
    async def framework(_: Request, error: HTTPException) -> JSONResponse:
        title = HTTPStatus(error.status_code).phrase
        detail = {
            404: "There is nothing at this path. /openapi.json lists every path.",
            405: "This path does not take that method. /openapi.json lists what it takes.",
        }
        return problem(error.status_code, title, detail.get(error.status_code, str(error.detail)), headers=error.headers)
