"""Connecting Google over HTTP: link, browser, state, end; the pages; and nothing secret in anything that goes out."""

import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.fakes import google_client
from tests.fakes.google_oauth import Consent
from tests.fakes.google_server import APP_CREATED, EVENTS_READ, GoogleServer
from tests.fakes.google_store import ME

from planner_memory.adapters.caldav.calendar import CalDavCalendar
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.scheduler_engine.connecting import Connections
from planner_memory.scheduler_engine.connecting_routes import browser_router, router
from planner_memory.web.auth import hash_of
from planner_memory.web.face import Face, build_app
from planner_memory.web.health import HealthReport

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
CONNECTION = "/api/v1/scheduler/connection"


@dataclass
class Place:
    http: httpx.AsyncClient  # with a key
    browser: httpx.AsyncClient  # without one
    bound: httpx.AsyncClient  # with a client's key
    google: GoogleServer
    client: google_client.Client

    async def link(self) -> str:
        answer = await self.http.post(CONNECTION + "/link")
        assert answer.status_code == 201, answer.text
        there = urlsplit(answer.json()["authorize_url"])
        return f"{there.path}?{there.query}"

    async def through(self) -> httpx.Response:
        """What the browser shows at the end."""
        sent = await self.browser.get(await self.link())
        assert sent.status_code == 303, sent.text
        async with httpx.AsyncClient() as outside:
            back = await outside.get(sent.headers["location"])
        there = urlsplit(back.headers["location"])
        return await self.browser.get(f"{there.path}?{there.query}")


@pytest.fixture(scope="module")
def shared() -> Iterator[GoogleServer]:
    with GoogleServer() as server:
        yield server


def app_of(keys: PostgresKeys, connections: Connections) -> Any:
    async def health() -> HealthReport:
        return HealthReport({}, extra=await connections.about())

    state = {"connections": connections}
    return build_app("scheduler-engine", Face(keys, keys), health=health, routers=[router], open_routers=[browser_router], state=state)


@pytest.fixture
async def place(database: Database, shared: GoogleServer, tmp_path: Path) -> AsyncIterator[Place]:
    shared.reset()
    client = google_client.client_of(shared, tmp_path)
    keys = PostgresKeys(database)
    await keys.add_key("all", hash_of("k-all"))
    await keys.add_key("acme", hash_of("k-acme"), client_ids=("acme",))
    transport = httpx.ASGITransport(app_of(keys, Connections(client.calendar, client.account)))

    def as_(headers: dict[str, str]) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    async with as_({"Authorization": "Bearer k-all"}) as http, as_(BROWSER) as browser, as_({"Authorization": "Bearer k-acme"}) as bound:
        yield Place(http, browser, bound, shared, client)
    await client.close()


async def state_of(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = (await place.http.get(CONNECTION)).json()
    return found


async def test_from_the_link_to_the_calendar_and_back(place: Place) -> None:
    assert (await state_of(place))["state"] == "not connected"
    refused = await place.http.get("/api/v1/scheduler/calendars")
    assert (refused.status_code, refused.json()["state"]) == (401, "not connected")
    assert "/oauth/authorize" in refused.json()["detail"]
    page = await place.through()
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Calendar connected" in page.text
    found = await state_of(place)
    assert (found["provider"], found["state"], found["missing"]) == ("google", "connected", [])
    listed = (await place.http.get("/api/v1/scheduler/calendars")).json()["calendars"]
    assert [(c["is_primary"], c["is_busy"], c["is_written"]) for c in listed] == [(True, True, False)]
    assert (await place.http.get("/health")).json()["calendar_account"]["state"] == "connected"
    assert (await place.http.delete(CONNECTION)).json() == {"disconnected": True}
    assert (await state_of(place))["state"] == "not connected"


async def test_a_person_who_declines_sees_a_403_that_says_so(place: Place) -> None:
    place.google.oauth.consent = Consent(denies=True)
    page = await place.through()
    assert page.status_code == 403
    assert "declined" in page.text
    assert "calendar connect google" in page.text
    assert (await state_of(place))["state"] == "not connected"


async def test_permissions_left_out(place: Place) -> None:
    place.google.oauth.consent = Consent(only=[APP_CREATED, EVENTS_READ])
    page = await place.through()
    assert page.status_code == 200
    assert "see the list of your calendars" in page.text
    place.google.oauth.revoke_all()
    place.google.oauth.consent = Consent(only=[EVENTS_READ])
    page = await place.through()
    assert page.status_code == 403
    assert "make a calendar" in page.text


async def test_without_a_link_or_a_key_nobody_comes_in(place: Place) -> None:
    assert (await place.browser.get("/oauth/authorize")).status_code == 401
    assert (await place.browser.get("/oauth/authorize?link=guessed")).status_code == 403
    assert (await place.bound.get("/oauth/authorize")).status_code == 403
    assert (await place.bound.post(CONNECTION + "/link")).status_code == 403
    assert (await place.bound.delete(CONNECTION)).status_code == 403
    for path in (CONNECTION, "/api/v1/scheduler/calendars"):
        assert (await place.browser.get(path)).status_code == 401
    link = await place.link()
    assert (await place.browser.get(link)).status_code == 303
    again = await place.browser.get(link)
    assert (again.status_code, again.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert (await place.http.get("/oauth/authorize")).status_code == 303  # a key will do as well


async def test_an_answer_that_nobody_asked_for(place: Place) -> None:
    page = await place.browser.get("/oauth/callback?state=guessed&code=4/0Astolen")
    assert page.status_code == 422
    assert "4/0Astolen" not in page.text
    problem = await place.browser.get("/oauth/callback?state=guessed&code=4/0Astolen", headers={"Accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"
    assert "4/0Astolen" not in problem.text


async def test_pages_load_nothing_and_are_kept_nowhere(place: Place) -> None:
    for page in (await place.through(), await place.browser.get("/oauth/callback?state=x")):
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "http://" not in page.text.replace("http://www.w3.org", "")
        assert "<script" not in page.text


async def test_a_revoked_connection_is_a_401_that_names_the_way_back(place: Place) -> None:
    await place.through()
    place.google.oauth.revoke_all()
    place.google.oauth.kill_access_tokens()
    place.client.calendar._calendars._seen = None
    refused = await place.http.get("/api/v1/scheduler/calendars")
    assert refused.status_code == 401
    assert "/oauth/authorize" in refused.json()["detail"]
    assert refused.json()["state"] == "reconnect needed"
    assert (await place.http.get("/health")).json()["calendar_account"]["state"] == "reconnect needed"
    before = place.google.oauth.refreshes
    assert (await place.http.get("/api/v1/scheduler/calendars")).status_code == 401
    assert place.google.oauth.refreshes == before


async def test_a_calendar_without_a_browser(database: Database) -> None:
    keys = PostgresKeys(database)
    await keys.add_key("all", hash_of("k-all"))
    calendar = CalDavCalendar("http://127.0.0.1:9/", "a", "b")
    transport = httpx.ASGITransport(app_of(keys, Connections(calendar, None)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"Authorization": "Bearer k-all"}) as http:
        assert (await http.post(CONNECTION + "/link")).status_code == 409
        assert (await http.get(CONNECTION)).json()["state"] == "not connected"
        assert "calendar_account" not in (await http.get("/health")).json()
    await calendar.close()


async def test_nothing_secret_goes_out(place: Place, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """Tokens, codes and the person's address stand in no log line, no problem and no page, whatever happens."""
    caplog.set_level(logging.DEBUG)
    said: list[str] = [(await place.through()).text, (await place.http.get(CONNECTION)).text, (await place.http.get("/health")).text]
    place.google.oauth.consent = Consent(denies=True)
    said.append((await place.through()).text)
    place.google.oauth.revoke_all()
    place.google.oauth.kill_access_tokens()
    place.client.calendar._calendars._seen = None
    said.append((await place.http.get("/api/v1/scheduler/calendars")).text)
    silenced = ("httpx", "httpcore", "uvicorn")  # by configure_logs, and by access_log=False
    said += [record.getMessage() for record in caplog.records if not record.name.startswith(silenced)]
    said += [*capfd.readouterr()]
    whole = "\n".join(said)
    assert len(place.google.oauth.secrets) >= 4
    assert not [secret for secret in (*place.google.oauth.secrets, ME) if secret in whole]
