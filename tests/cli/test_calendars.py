"""Connecting calendars and choosing among them, on the command line."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.cli.conftest import Ran, Small

from planner_memory.adapters.in_process.data_dir import DataDirectory
from planner_memory.adapters.radicale.server import EmbeddedRadicale
from planner_memory.settings import Settings
from planner_memory.wiring.accounts import stored_caldav

Cli = Callable[..., Ran]
STATE = {
    "provider": "google",
    "state": "connected",
    "scopes": [],
    "missing": ["see the list of your calendars"],
    "connected_at": "2027-03-15T09:00:00+00:00",
}
LINK = {"authorize_url": "http://127.0.0.1:8090/oauth/authorize?link=abc", "expires_at": "2099-03-15T09:10:00+00:00"}
FOUND = [
    {"calendar_id": "me@example.org", "name": "me@example.org", "is_busy": True, "is_written": False, "is_writable": True, "is_primary": True},
    {"calendar_id": "c_1", "name": "Family", "is_busy": True, "is_written": False, "is_writable": True, "is_primary": False},
    {"calendar_id": "c_2", "name": "Planner", "is_busy": True, "is_written": True, "is_writable": True, "is_primary": False},
]


@pytest.fixture
def product(small: Small, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Small:
    """The small application, which also has calendars; connected from the second time on that it is asked."""
    usual, asked = small.answer, [0]

    def answer(method: str, path: str, body: Any) -> Any:
        if path == "/api/v1/scheduler/connection/link":
            return LINK
        if path == "/api/v1/scheduler/connection" and method == "GET":
            asked[0] += 1
            return {**STATE, "ends_at": "2027-03-22T09:00:00+00:00", "connected_at": None if asked[0] == 1 else STATE["connected_at"]}
        if path == "/api/v1/scheduler/calendars":
            chosen = small.profile.get("calendars") or [each["name"] for each in FOUND]
            return {"calendars": [{**each, "is_busy": each["is_written"] or each["name"] in chosen} for each in FOUND]}
        return usual(method, path, body)

    monkeypatch.setattr(small, "answer", answer)
    return small


def test_google_wants_a_product_that_runs(cli: Cli, product: Small) -> None:
    ran = cli("calendar", "connect", "google")
    assert ran.code != 0
    assert "planner-memory up" in ran.err


def test_google_is_connected_by_a_link(cli: Cli, product: Small, tmp_path: Path) -> None:
    data = DataDirectory(tmp_path)
    data.acquire("http://127.0.0.1:1")
    data.announce("http://127.0.0.1:1")
    try:
        ran = cli("calendar", "connect", "google")
        assert ran.code == 0, ran.err
        assert ran.out.splitlines() == [LINK["authorize_url"], "Google Calendar is connected."]
        assert "done without: see the list of your calendars" in ran.err
        assert "2027-03-22" in ran.err
        assert "names port 8090" in ran.err
        assert cli("calendar", "connect", "google", "--json").json == LINK
        assert cli("calendar", "connect", "google", "--no-wait").out.splitlines() == [LINK["authorize_url"]]
    finally:
        data.release()


def test_status(cli: Cli, product: Small) -> None:
    assert cli("calendar", "status").out == "google: connected\n"
    assert cli("calendar", "status", "--json").json["state"] == "connected"


def test_the_list_and_the_choice(cli: Cli, product: Small) -> None:
    shown = cli("calendars")
    assert shown.code == 0
    assert "Family" in shown.out
    chosen = cli("calendars", "--busy", "Family", "--json")
    assert product.sent("PUT", "/api/v1/planner/profile") == [{"calendars": ["Family"]}]
    assert {c["name"]: c["is_busy"] for c in chosen.json["calendars"]} == {"me@example.org": False, "Family": True, "Planner": True}
    assert cli("calendars", "--reset").code == 0
    assert product.profile["calendars"] == []
    unknown = cli("calendars", "--busy", "Nowhere")
    assert unknown.code != 0
    assert "Nowhere" in unknown.err
    assert cli("calendars", "--busy", "Family", "--reset").code != 0


@pytest.fixture
async def radicale(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedRadicale]:
    server = EmbeddedRadicale(tmp_path_factory.mktemp("radicale"), port=0)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # no .env
    for name in ("CALDAV_URL", "PLANNER_CALENDAR", "PLANNER_CREDENTIALS_DIR", "PLANNER_CREDENTIALS_KEY"):
        monkeypatch.delenv(name, raising=False)


async def test_caldav_is_tried_and_kept_encrypted(
    cli: Cli, radicale: EmbeddedRadicale, monkeypatch: pytest.MonkeyPatch, no_environment: None, tmp_path: Path
) -> None:
    password = [radicale.password]
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: password[0])
    arguments = ("calendar", "connect", "caldav", "--url", radicale.url, "--username", radicale.username)

    def run(*words: str) -> Ran:
        return cli(*words)

    ran = await _in_thread(run, *arguments)
    assert ran.code == 0, ran.err
    assert "It answers" in ran.out
    kept = tmp_path / "credentials" / "caldav.json"
    assert radicale.password not in kept.read_text()
    assert list(json.loads(kept.read_text())) == ["version", "cipher", "sealed"]
    assert await stored_caldav(Settings(), DataDirectory(tmp_path)) == (radicale.url, radicale.username, radicale.password)
    assert (await _in_thread(run, "calendar", "disconnect", "--json")).json == {"disconnected": True}
    assert (await _in_thread(run, "calendar", "disconnect", "--json")).json == {"disconnected": False}
    password[0] = "wrong"
    refused = await _in_thread(run, *arguments)
    assert refused.code != 0
    assert "app password" in refused.err
    assert "wrong" not in refused.err
    gone = await _in_thread(run, "calendar", "connect", "caldav", "--url", "http://127.0.0.1:9/", "--username", "a")
    assert gone.code != 0
    assert not kept.exists()


async def _in_thread(run: Callable[..., Ran], *words: str) -> Ran:
    """A command has an event loop of its own."""
    return await asyncio.to_thread(run, *words)
