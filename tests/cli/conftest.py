"""A small application of the tests' own that answers like the product, and a way to run the command line against it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from typer import Typer
from typer.testing import CliRunner

from planner_memory import __main__ as entry
from planner_memory.adapters.postgres.database import Database
from planner_memory.cli import calls
from planner_memory.core.documents import profile_document
from planner_memory.core.profile import Profile

PLAN = "01926f00-0000-7000-8000-00000000a001"
OLDER = "01926f00-0000-7000-8000-00000000b002"
RUN = "01926f00-0000-7000-8000-00000000c003"
MEMORY = "01926f00-0000-7000-8000-00000000d004"


def step(number: int, key: str, title: str, hours: float, after: list[int]) -> dict[str, Any]:
    return {
        "task_id": f"plan:{PLAN}:{number}",
        "step_key": key,
        "step_number": number,
        "title": title,
        "description": "",
        "raw_hours": hours,
        "estimated_hours": hours,
        "estimate": {"p50": hours, "p80": hours * 1.5, "basis": "raw", "runs": 0},
        "dependencies": after,
        "energy": "high",
        "billable": True,
        "deliverable": "Notes",
    }


MANIFOLD = {
    "position": {"now": "Signed", "missing": "Access", "pull": "It waits"},
    "scales": [{"scale": "day", "finding": "Call Acme"}],
    "options": [
        {"name": name, "trajectory": {"day": f"{name} day", "weeks": "busy", "months": "calm"}, "in_favour": "", "against": "", "turning_point": ""}
        for name in ("Bold", "Slow")
    ],
    "chosen": "Bold",
    "why": "Time matters",
}


def plan(plan_id: str = PLAN, name: str = "Client onboarding: Acme") -> dict[str, Any]:
    return {
        "plan_id": plan_id,
        "process_template_id": "ws:template-1",
        "name": name,
        "workflow_id": None,
        "blueprint_id": None,
        "template_type": "Operational",
        "status": "draft",
        "checklist": [step(1, "agreement", "Confirm agreement and billing", 0.75, []), step(2, "kickoff", "Hold the kick-off", 1.5, [1])],
        "estimate": {"p50": 2.25, "p80": 3.0, "basis": "raw"},
        "generator": "rules",
        "similar_plans": [],
        "warnings": ["Acme has no engagement in the workspace."],
        "created_at": "2027-03-12T08:00:00+00:00",
    }


def run_of(task_id: str, actual: float | None) -> dict[str, Any]:
    return {
        "run_id": "run-1",
        "task_id": task_id,
        "title": "Hold the kick-off",
        "started_at": "2027-03-15T08:00:00+00:00",
        "ended_at": None if actual is None else "2027-03-15T10:15:00+00:00",
        "estimated_hours": 1.5,
        "actual_hours": actual,
        "outcome_notes": None,
    }


BLOCKS = [
    {
        "event_id": "pm-1",
        "task_id": f"plan:{PLAN}:1",
        "title": "Confirm agreement and billing",
        "start": "2027-03-15T08:30:00+00:00",
        "end": "2027-03-15T09:15:00+00:00",
        "rationale": "first free time in its band",
        "calendar_link": None,
    }
]
EVENTS = [
    {"event_id": "e1", "title": "Steering call", "start": "2027-03-15T13:00:00+00:00", "end": "2027-03-15T14:00:00+00:00", "is_all_day": False},
    {"event_id": "pm-1", "title": "Confirm agreement", **{k: BLOCKS[0][k] for k in ("start", "end", "task_id")}, "is_all_day": False},
    {"event_id": "e2", "title": "Public holiday", "start": "2027-03-18T23:00:00+00:00", "end": "2027-03-19T23:00:00+00:00", "is_all_day": True},
]
SCHEDULE = {
    "scheduler_run_id": RUN,
    "plan_id": PLAN,
    "client_id": "me",
    "status": "applied",
    "schedule_blocks": BLOCKS,
    "unscheduled": [
        {"task_id": f"plan:{PLAN}:2", "reason": f"It waits for plan:{PLAN}:1, which ends too late.", "earliest_possible": "2027-03-30T07:00:00+00:00"}
    ],
    "warnings": [],
    "score": {"cost": 12, "terms": {}},
    "moved": [],
    "time_zone": "Europe/Berlin",
    "created_at": "2027-03-12T08:00:00+00:00",
}
PERIOD = {"start": "2027-03-14T17:00:00+00:00", "end": "2027-03-15T17:00:00+00:00", "time_zone": "Europe/Berlin"}
REFLECTION = {
    "reflection_id": RUN,
    "mode": "daily",
    "period": PERIOD,
    "facts": {"tasks_completed": 2},
    "content": "# Monday\n\n## Summary\n\nTwo tasks were finished.\n",
    "sections": {"Summary": "Two tasks were finished."},
    "posted_to_workspace": True,
    "stored_in_memory": True,
    "warnings": [],
}
PREFERENCE = {
    "memory_id": MEMORY,
    "words": "No work on Fridays.",
    "read_by": "model",
    "rules": [{"kind": "day_off", "days": ["fri"], "says": "no work on Fridays, because you said: “No work on Fridays”"}],
}
FOUND = {
    "memory_id": MEMORY,
    "client_id": "me",
    "content": "The head of service decides about access.",
    "score": 0.82,
    "scores": {"lexical": 0.7, "dense": 0.9},
    "memory_type": "fact",
    "event_type": "note",
    "occurred_at": "2027-03-12T08:00:00+00:00",
    "thread_id": None,
    "metadata": {},
    "entities": [],
    "superseded_at": None,
    "collection": "agent_memories",
}


@dataclass
class Small:
    """What was asked of the application, and what it is to refuse: path -> (status, title, detail)."""

    seen: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    refuses: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    profile: dict[str, Any] = field(default_factory=lambda: profile_document(Profile(time_zone="Europe/Berlin", confirmed=True)))
    down: bool = False

    def sent(self, method: str, path: str) -> list[Any]:
        """The bodies sent there."""
        return [body for m, p, _, body in self.seen if (m, p) == (method, path)]

    def queried(self, path: str) -> list[dict[str, str]]:
        return [query for _, p, query, _ in self.seen if p == path]

    def answer(self, method: str, path: str, body: Any) -> Any:
        service, _, rest = path.removeprefix("/api/v1/").partition("/")
        if service == "planner":
            return self._planner(method, rest, body)
        answers: dict[tuple[str, str], Any] = {
            ("POST", "memory/remember"): {"memory_id": MEMORY, "stored_in": ["postgres", "qdrant"], "pending": ["valkey"], "failed": []},
            ("GET", "memory/recall"): {"results": [FOUND], "total": 1, "cached": False, "degraded": [], "took_ms": 7.4},
            ("POST", "scheduler/schedule"): SCHEDULE,
            ("GET", "scheduler/agenda"): {"time_zone": "Europe/Berlin", "events": EVENTS},
            ("POST", "scheduler/import"): {"imported": 3},
            ("GET", "scheduler/preferences"): {"preferences": [PREFERENCE], "warnings": []},
            ("PUT", f"scheduler/preferences/{MEMORY}"): {**PREFERENCE, "read_by": "person", "rules": []},
            ("POST", "observer/reflect"): REFLECTION,
            ("GET", "observer/brief"): {**REFLECTION, "brief_on": "2027-03-15", "content": "# Brief\n\nNothing slipped.\n"},
            ("GET", "observer/facts"): {
                "period": PERIOD,
                "facts": {"tasks": {"completed": 2}, "sprint": None, "drifts": [{"name": "x"}]},
                "warnings": [],
            },
        }
        return answers.get((method, f"{service}/{rest}"))

    def _planner(self, method: str, path: str, body: Any) -> Any:
        if path == "profile" and method == "PUT":
            self.profile = {**self.profile, **body}
        if path == "profile":
            return self.profile
        if path.startswith("tasks/"):
            _, task, verb = path.split("/")
            run = run_of(task, None if verb == "start" else 2.25)
            finished = {"task_id": task, "finished": True, "run": run, "actual_hours": 2.25, "plan_status": "active", "warnings": []}
            return finished if verb == "done" else run
        task_id = body["task_id"] if isinstance(body, dict) and "task_id" in body else ""
        answers: dict[tuple[str, str], Any] = {
            ("POST", "plan"): {**plan(), "metadata": {"manifold": MANIFOLD}} if body and body.get("use_manifold") else plan(),
            ("POST", f"plans/{PLAN}/revise"): plan(),
            ("GET", "plans"): {"plans": [plan(), plan(OLDER, "Audit")], "total": 2},
            ("GET", f"plans/{PLAN}"): plan(),
            ("GET", "today"): {
                "running": [run_of("t", None)],
                "blocks": BLOCKS,
                "finished": [run_of(str(BLOCKS[0]["task_id"]), 2.25)],
            },
            ("POST", "execution-runs"): run_of(task_id, 2.25),
            ("GET", "execution-runs"): {"execution_runs": [run_of("t", 2.25)], "total": 1},
        }
        return answers.get((method, path))


Command = Callable[..., "asyncio.Future[Result]"]


def commanding(monkeypatch: pytest.MonkeyPatch, dsn: str, over: Any, group: Typer, profile: Profile, *, columns: int) -> Command:
    """Runs commands against the service that `over` opens on a database. Each runs in a thread, since it has an event loop of its own."""

    @asynccontextmanager
    async def connected(*_: object, **__: object) -> AsyncIterator[httpx.AsyncClient]:
        database = Database(dsn)
        await database.open()
        try:
            async with over(database) as (http, _):

                async def answered(request: httpx.Request) -> httpx.Response:
                    if request.url.path.endswith("/profile"):
                        return httpx.Response(200, json=profile_document(profile))
                    return await http._transport.handle_async_request(request)

                transport = httpx.MockTransport(answered)
                async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=http.headers) as client:
                    yield client
        finally:
            await database.close()

    monkeypatch.setattr(calls, "connected", connected)
    monkeypatch.setenv("COLUMNS", str(columns))
    return lambda *arguments: asyncio.to_thread(lambda: CliRunner().invoke(group, list(arguments)))


def document(result: Result, *, exit_code: int = 0) -> Any:
    """The answer; what stands above it are the lines that the service logs, since it runs in this process."""
    assert result.exit_code == exit_code, (result.output, result.exception)
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture
def small() -> Small:
    return Small()


def application(small: Small) -> FastAPI:
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT"])
    async def any_path(request: Request) -> Response:
        path, raw = request.url.path, await request.body()
        body = json.loads(raw) if raw else None
        small.seen.append((request.method, path, dict(request.query_params), body))
        if path in small.refuses:
            status, title, detail = small.refuses[path]
            problem = {"type": "/docs/problems.md", "title": title, "status": status, "detail": detail}
            return JSONResponse(problem, status_code=status, media_type="application/problem+json")
        if path == "/api/v1/memory/export":
            return Response('{"memory_id": "1"}\n{"memory_id": "2"}\n', media_type="application/x-ndjson")
        answer = small.answer(request.method, path, body)
        return JSONResponse({"title": "Not found", "detail": "Nothing is here."}, status_code=404) if answer is None else JSONResponse(answer)

    return app


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


@pytest.fixture
def cli(small: Small, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Ran]:
    """Runs a command and returns its exit code and output."""

    @asynccontextmanager
    async def connected(settings: object, *, on_start: Callable[[], None] | None = None, rebuild: bool = False) -> AsyncIterator[httpx.AsyncClient]:
        if small.down:
            raise httpx.ConnectError("connection refused")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application(small)), base_url="http://small") as client:
            yield client

    monkeypatch.setattr(calls, "connected", connected)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("PLANNER_DATA_DIR", str(tmp_path))

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["planner-memory", *arguments])
        code = 0
        try:
            entry.main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run
