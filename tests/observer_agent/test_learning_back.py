"""What a review learnt, used by planner and scheduler in the running product, and no more once it is taken back."""

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from planner_memory.cli.calls import Api
from planner_memory.cli.runtime import in_process
from planner_memory.core.local_time import at_wall_time
from planner_memory.settings import Settings

BERLIN = ZoneInfo("Europe/Berlin")


async def lived_through(dsn: str) -> None:
    """Three weeks of audits that take half as long again, whose late blocks never get done."""
    today = datetime.now(BERLIN).date()
    blocks: list[dict[str, Any]] = []
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        for n in range(1, 20):
            day = today - timedelta(days=n)
            if day.weekday() >= 5:
                continue
            morning, late = at_wall_time(day, time(9), BERLIN), at_wall_time(day, time(16), BERLIN)
            for task, start in ((f"audit-{n}", morning), (f"late-{n}", late)):
                end = start + timedelta(hours=1)
                blocks.append({"event_id": f"e{task}", "task_id": task, "title": task, "start": start.isoformat(), "end": end.isoformat()})
            await connection.execute(
                "insert into execution_runs (run_id, task_id, title, workflow_id, started_at, ended_at, actual_hours, observed_hours,"
                " estimated_hours, client_id, person_id) values (%s, %s, 'Audit', 'ws:workflow-audit', %s, %s, 3, 3, 2, 'acme', 'me')",
                (f"r{n}", f"audit-{n}", morning, morning + timedelta(hours=3)),
            )
        await connection.execute(
            "insert into scheduler_runs (schedule_blocks, client_id, status, created_at) values (%s, 'acme', 'applied', now() - interval '25 days')",
            (json.dumps(blocks),),
        )


async def placed_late(api: Api) -> tuple[bool, list[str]]:
    """Whether a full fortnight reaches beyond 16:00, and the preferences that the scheduler names."""
    start = datetime.now(BERLIN).date() + timedelta(days=1)
    tasks = [{"task_id": f"new-{n}", "title": f"Task {n}", "estimated_hours": 6, "splittable": True} for n in range(6)]
    window = {"start_date": start.isoformat(), "end_date": (start + timedelta(days=13)).isoformat()}
    body = {"tasks": tasks, "client_id": "acme", "constraints": window, "time_zone": "Europe/Berlin", "seed": 1, "dry_run": True}
    answer = await api.post("/api/v1/scheduler/schedule", body)
    ends = [datetime.fromisoformat(b["end"]).astimezone(BERLIN).time() for b in answer["schedule_blocks"]]
    assert ends
    return max(ends) > time(16), [each["content"] if "content" in each else json.dumps(each) for each in answer["preferences"]]


@pytest.mark.timeout(120)
async def test_insights_reach_planner_and_scheduler_and_can_be_taken_back(dsn: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=dsn, time_zone="Europe/Berlin", log_level="error", _env_file=None)  # type: ignore[call-arg]
    async with in_process(settings) as http:
        api = Api(http)
        assert (await placed_late(api))[0]
        await lived_through(dsn)
        await api.post("/api/v1/observer/reflect", query={"mode": "weekly"})
        found = {each["content"]: each for each in (await api.get("/api/v1/observer/insights"))["insights"]}
        late = "Nothing planned after 16:00 gets done. No work after 16:00."
        factor = "The workflow “ws:workflow-audit” takes 1.5 times the estimate."
        assert set(found) == {late, factor}
        assert found[factor]["evidence_runs"] >= 10

        is_late, preferences = await placed_late(api)
        assert not is_late
        assert any("16:00" in each for each in preferences)
        task = {"key": "audit", "raw_hours": 2, "workflow_id": "ws:workflow-audit"}
        estimate = await api.post("/api/v1/planner/estimates", {"client_id": "acme", "tasks": [task]})
        assert 2.6 <= estimate["tasks"][0]["p50"] <= 3.4
        recalled = await api.get("/api/v1/memory/recall", query="how long audits take", client_id="acme", memory_type="preference", k=10)
        assert factor in [each["content"] for each in recalled["results"]]

        await api.delete(f"/api/v1/observer/insights/{found[late]['insight_id']}")
        assert (await placed_late(api))[0]
        again = await api.post("/api/v1/observer/reflect", query={"mode": "weekly", "date": datetime.now(UTC).date().isoformat()})
        assert again["stored_in_memory"]
        assert [each["content"] for each in (await api.get("/api/v1/observer/insights"))["insights"]] == [factor]
