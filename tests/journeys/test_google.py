"""The product with Google as its calendar, as a person uses it: connect, schedule, undo, lose the connection. Nothing secret goes out."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from tests.fakes.collector import Collector
from tests.fakes.google_oauth import CLIENT_ID, CLIENT_SECRET
from tests.fakes.google_server import GoogleServer
from tests.fakes.google_store import ME
from tests.journeys.product import KEY, answering, end, environment, up
from tests.servers import free_port

TASKS = [{"task_id": f"t{n}", "title": f"Task {n}", "estimated_minutes": 45} for n in range(20)]
BROWSER = {"Accept": "text/html"}


@pytest.fixture
def google() -> Iterator[GoogleServer]:
    with GoogleServer() as server:
        yield server


def settings(google: GoogleServer) -> dict[str, str]:
    return {
        "PLANNER_CALENDAR": "google",
        "GOOGLE_CLIENT_ID": CLIENT_ID,
        "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
        "GOOGLE_API_BASE_URL": google.url,
        "GOOGLE_AUTH_URL": f"{google.url}/o/oauth2/v2/auth",
        "GOOGLE_TOKEN_URL": f"{google.url}/token",
    }


async def browse(address: str, product: str) -> httpx.Response:
    """Opens the link as a browser does; the product's own address stands in the place of the registered one."""
    async with httpx.AsyncClient(headers=BROWSER, timeout=30) as browser:
        there = urlsplit(address)
        sent = await browser.get(f"{product}{there.path}?{there.query}")
        assert sent.status_code == 303, sent.text
        back = urlsplit((await browser.get(sent.headers["location"])).headers["location"])
        return await browser.get(f"{product}{back.path}?{back.query}")


async def command(env: dict[str, str], *words: str) -> str:
    run = [sys.executable, "-m", "planner_memory", *words]
    ended = await asyncio.to_thread(subprocess.run, run, env=env, capture_output=True, text=True, timeout=90, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


async def test_connect_schedule_undo_and_lose_the_connection(google: GoogleServer, data_dir: Path) -> None:
    said: list[str] = []
    with Collector() as collector:
        more = settings(google) | {"PLANNER_LOG_LEVEL": "debug", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        env = environment(data_dir, **more)
        with up(data_dir, **more) as running:
            async with running.client() as client:
                health = (await client.get("/health")).json()
                assert (health["status"], health["adapters"]["calendar"], health["dependencies"]["calendar"]) == (
                    "degraded",
                    "google",
                    "unauthorized",
                )
                refused = await client.post("/api/v1/scheduler/schedule", json={"tasks": TASKS})
                assert refused.status_code == 401
                assert "/oauth/authorize" in refused.json()["detail"]
                said.append(refused.text)

                run = [sys.executable, "-m", "planner_memory", "calendar", "connect", "google"]
                waiting = subprocess.Popen(run, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                assert waiting.stdout is not None
                link = (await asyncio.to_thread(waiting.stdout.readline)).strip()
                page = await browse(link, running.url)
                assert (page.status_code, "Calendar connected" in page.text) == (200, True)
                said.append(page.text)
                out, err = await asyncio.to_thread(waiting.communicate, timeout=60)
                assert (waiting.returncode, out.strip()) == (0, "Google Calendar is connected."), err

                answer = await client.post("/api/v1/scheduler/schedule", json={"tasks": TASKS})
                assert answer.status_code == 201, answer.text
                blocks = answer.json()["schedule_blocks"]
                assert len(blocks) == 20
                assert all(block["calendar_link"].startswith("https://www.google.com/calendar/event") for block in blocks)
                (own,) = [c for c in google.store.calendars.values() if c.is_of_app]
                private = [e["extendedProperties"]["private"] for e in own.events.values()]
                assert {p["task_id"] for p in private} == {task["task_id"] for task in TASKS}
                assert {p["run_id"] for p in private} == {answer.json()["scheduler_run_id"]}
                assert google.store.calendar("primary").events == {}
                assert (await client.post("/api/v1/scheduler/sync")).status_code == 200
                moved, removed, finished = sorted(own.events)[:3]
                day = "2099-03-16T0"
                google.store.patch(own, moved, {"start": {"dateTime": day + "8:00:00Z"}, "end": {"dateTime": day + "8:45:00Z"}}, None)
                google.store.delete(own, removed, None)
                google.store.patch(own, finished, {"summary": "✅ " + own.events[finished]["summary"]}, None)
                pulled = await client.post("/api/v1/scheduler/sync")
                assert {k: pulled.json()[k] for k in ("moved", "deleted", "finished", "full")} == {
                    "moved": 1,
                    "deleted": 1,
                    "finished": 1,
                    "full": False,
                }, pulled.text
                listed = await command(env, "calendars")
                assert "Planner" in listed
                said.append(listed.replace(ME, ""))  # the one place that lists the person's calendars names them

                undone = await client.post(f"/api/v1/scheduler/runs/{answer.json()['scheduler_run_id']}/undo")
                assert undone.json()["status"] == "undone"
                assert {e["status"] for e in own.events.values()} == {"cancelled"}

                google.oauth.revoke_all()
                google.oauth.kill_access_tokens()
                lost = await client.get("/api/v1/scheduler/agenda")
                assert lost.status_code == 401
                said += [lost.text, await command(env, "doctor")]
                assert "google calendar: reconnect needed; run `planner-memory calendar connect google`" in said[-1]
                said.append((await client.get("/metrics")).text)
                page = await browse((await client.post("/api/v1/scheduler/connection/link")).json()["authorize_url"], running.url)
                assert page.status_code == 200
                assert (await client.get("/api/v1/scheduler/agenda")).status_code == 200
                assert (await client.delete("/api/v1/scheduler/connection")).json() == {"disconnected": True}
            log = running.log
        said.append(log.read_text())
        said.append(json.dumps([s.attributes for s in collector.spans], default=str))
        assert len(collector.spans) > 10
    secrets = [*google.oauth.secrets, KEY, ME, *(urlsplit(link).query.split("=")[1:])]
    assert len(secrets) > 8
    assert not [(secret, n) for secret in secrets for n, text in enumerate(said) if secret in text]
    for file in (data_dir / "credentials").iterdir():
        assert not [secret for secret in google.oauth.secrets if secret in file.read_text()]


async def test_the_scheduler_alone_stays_small(google: GoogleServer, data_dir: Path, empty_dsn: str) -> None:
    """A process of its own under the 200 MB that each service has, with Google connected and after a schedule."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = environment(data_dir, DATABASE_URL=empty_dsn, **settings(google))
    data_dir.mkdir()
    log = data_dir.parent / "scheduler.log"
    with log.open("w") as errors:
        run = [sys.executable, "-m", "planner_memory", "serve", "scheduler-engine", "--port", str(port)]
        process = subprocess.Popen(run, env=env, stdout=subprocess.DEVNULL, stderr=errors, text=True)
    try:
        await answering(url, [process], [log])
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as client:
            page = await browse((await client.post("/api/v1/scheduler/connection/link")).json()["authorize_url"], url)
            assert page.status_code == 200
            for _ in range(3):
                answer = await client.post("/api/v1/scheduler/schedule", json={"tasks": TASKS})
                assert answer.status_code == 201, answer.text
        held = psutil.Process(process.pid).memory_info().rss / 1e6
        print(f"scheduler with Google: {held:.0f} MB")
        assert held < 200
    finally:
        process.terminate()
        end(process)
