"""Connecting a calendar: the two addresses that a browser opens, and under /api/v1/scheduler the state, the link, the end and the list."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel

from planner_memory.core.errors import NotAllowed, NotAuthenticated, PlannerMemoryError
from planner_memory.scheduler_engine import pages
from planner_memory.scheduler_engine.connecting import Connections
from planner_memory.web.auth import Authenticated, Caller, caller_of
from planner_memory.web.problems import problem_of

router = APIRouter(prefix="/api/v1/scheduler", tags=["calendars"], generate_unique_id_function=lambda route: route.name)
browser_router = APIRouter(prefix="/oauth", tags=["calendars"], generate_unique_id_function=lambda route: route.name)
_TITLES = {403: "The calendar was not connected", 422: "This answer came too late"}


class Connection(BaseModel):
    """`state` is connected, not connected or reconnect needed; `missing` the permissions that were left out, in words."""

    provider: str
    state: str
    scopes: list[str]
    missing: list[str]
    connected_at: str | None
    ends_at: str | None


class Link(BaseModel):
    """To be opened in a browser, once, until it expires."""

    authorize_url: str
    expires_at: str


class Disconnected(BaseModel):
    disconnected: bool


class PersonsCalendar(BaseModel):
    calendar_id: str
    name: str
    is_busy: bool
    is_written: bool
    is_writable: bool
    is_primary: bool


class PersonsCalendars(BaseModel):
    calendars: list[PersonsCalendar]


def _connections(request: Request) -> Connections:
    found: Connections = request.app.state.connections
    return found


Service = Annotated[Connections, Depends(_connections)]
Secret = Annotated[str | None, Query(max_length=200, description="The secret of a one-time link; without it an API key is needed")]


def _of_person(caller: Caller) -> None:
    if not caller.may_see_person:
        raise NotAllowed("The calendar belongs to the person. Use a key that is not bound to another client.")


@router.get("/connection", response_model=Connection)
async def read_connection(connections: Service, _: Authenticated) -> dict[str, Any]:
    """How the calendar's account is connected."""
    return await connections.state()


@router.post("/connection/link", status_code=201, response_model=Link)
async def make_connection_link(connections: Service, caller: Authenticated) -> dict[str, Any]:
    """A link that opens the vendor's consent page once."""
    _of_person(caller)
    return await connections.invite()


@router.delete("/connection", response_model=Disconnected)
async def end_connection(connections: Service, caller: Authenticated) -> dict[str, Any]:
    """Forgets the account's tokens and has them revoked."""
    _of_person(caller)
    return {"disconnected": await connections.disconnect()}


@router.get("/calendars", response_model=PersonsCalendars)
async def list_calendars(connections: Service, _: Authenticated) -> dict[str, Any]:
    """The person's calendars: which count as busy, and which one is written to."""
    return {"calendars": await connections.calendars()}


@browser_router.get("/authorize", response_class=RedirectResponse, status_code=303)
async def authorize(request: Request, connections: Service, link: Secret = None) -> Response:
    """Sends the browser to the vendor's consent page."""
    try:
        if link is None:
            await _keyed(request)
        address = await connections.begin(link)
    except PlannerMemoryError as error:
        return _refusal(request, error)
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


@browser_router.get("/callback", response_class=HTMLResponse)
async def callback(request: Request, connections: Service) -> Response:
    """Where the vendor sends the browser back to; guarded by the state that it brings."""
    try:
        found = await connections.finish(dict(request.query_params))
    except PlannerMemoryError as error:
        return _refusal(request, error)
    if _wants_page(request):
        ends = found["ends_at"]
        return HTMLResponse(pages.connected(found["missing"], ends[:10] if ends else None), headers=pages.HEADERS)
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


async def _keyed(request: Request) -> None:
    if "authorization" not in request.headers:
        raise NotAuthenticated("Run `planner-memory calendar connect google` and open the link that it prints, or send an API key.")
    _of_person(await caller_of(request))


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _refusal(request: Request, error: PlannerMemoryError) -> Response:
    if not _wants_page(request):
        return problem_of(error)
    page = pages.stopped(_TITLES.get(error.status, error.title), error.detail)
    return HTMLResponse(page, status_code=error.status, headers=pages.HEADERS)
