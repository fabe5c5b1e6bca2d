"""Runs, timers, today and estimates through the HTTP face, on a real database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from tests.planner_engine.conftest import Desk


def run_of(task_id: str, *, day: int = 1, hours: float = 2.0, **more: Any) -> dict[str, Any]:
    start = datetime(2026, 10, day, 9, tzinfo=UTC)
    return {
        "task_id": task_id,
        "run_type": "Process",
        "started_at": start.isoformat(),
        "ended_at": (start + timedelta(hours=hours)).isoformat(),
        "actual_hours": hours,
        **more,
    }


async def planned(desk: Desk, client_id: str = "acme") -> Any:
    return await desk.post("/plan", {"intent": "Onboard Acme", "client_id": client_id}, 201)


async def test_a_run_is_recorded_once(desk: Desk) -> None:
    plan = await planned(desk)
    step = plan["checklist"][4]
    body = run_of(step["task_id"], hours=4, outcome_notes="Blocked by missing access", project_id="ws:project-1")
    first = await desk.post("/execution-runs", body, 201)
    assert (first["client_id"], first["plan_id"], first["step_key"]) == ("acme", plan["plan_id"], step["step_key"])
    assert (first["estimated_hours"], first["process_template_id"]) == (step["raw_hours"], "pattern:client-onboarding")
    again = await desk.post("/execution-runs", body, 200)
    assert again["run_id"] == first["run_id"]
    for other in ({"actual_hours": 5}, {"outcome_notes": "other"}, {"estimated_hours": 9.0}):
        answer = await desk.post("/execution-runs", body | other)
        assert answer.status_code == 409
        assert next(iter(other)) in answer.json()["different"]
    for query in (f"task_id={step['task_id']}", f"plan_id={plan['plan_id']}", "client_id=acme"):
        assert [r["run_id"] for r in (await desk.get(f"/execution-runs?{query}"))["execution_runs"]] == [first["run_id"]]
    assert (await desk.get("/execution-runs?client_id=globex"))["execution_runs"] == []
    assert ("pattern:client-onboarding", f"run:{first['run_id']}", "template_used_in_run") in desk.memory.edges
    assert (f"run:{first['run_id']}", "ws:project-1", "run_belongs_to_project") in desk.memory.edges
    assert any("missing access" in m.content for m in desk.memory.remembered.values())


async def test_runs_with_impossible_values_are_refused(desk: Desk) -> None:
    for body in (
        run_of("t", hours=1) | {"actual_hours": 0},
        run_of("t", hours=1) | {"actual_hours": -1},
        run_of("t", hours=1) | {"ended_at": "2026-09-01T00:00:00Z"},
        run_of("t", hours=1) | {"started_at": "2026-10-01T09:00:00"},
        run_of("t", hours=1) | {"run_type": "Other"},
        run_of("", hours=1),
    ):
        assert (await desk.post("/execution-runs", body)).status_code == 422
    missing = "01900000-0000-7000-8000-000000000000"
    assert (await desk.post("/execution-runs", run_of("t", plan_id=missing))).status_code == 404
    await desk.post("/execution-runs", run_of("tiny") | {"actual_hours": 0.001, "estimated_hours": 1e-9}, 201)
    await desk.post("/execution-runs", run_of("huge") | {"actual_hours": 1e9, "estimated_hours": 1e-9}, 201)
    answer = await desk.post("/estimates", {"tasks": [{"key": "a", "raw_hours": 1e9}, {"key": "b", "raw_hours": 1e-9}]}, 200)
    assert all(0 < t["p50"] <= t["p80"] < 1e18 or t["key"] == "b" for t in answer["tasks"])


async def test_after_three_runs_of_a_step_the_next_plan_uses_their_hours(desk: Desk) -> None:
    first = await planned(desk)
    step = next(s for s in first["checklist"] if s["step_key"] == "client-onboarding.research")
    assert step["estimate"]["p50"] == step["raw_hours"]
    seen = []
    for day in (1, 2, 3):
        plan = await planned(desk)
        task = next(s for s in plan["checklist"] if s["step_key"] == "client-onboarding.research")
        seen.append(task["estimate"]["p50"])
        await desk.post("/execution-runs", run_of(task["task_id"], day=day, hours=3 * task["raw_hours"]), 201)
    after = next(s for s in (await planned(desk))["checklist"] if s["step_key"] == "client-onboarding.research")
    assert after["estimate"]["p50"] > 1.7 * step["raw_hours"]
    assert after["estimate"]["p80"] >= after["estimate"]["p50"]
    assert after["estimate"]["basis"].startswith("3 runs of this step")
    assert after["estimate"]["runs"] == 3
    assert after["raw_hours"] == step["raw_hours"]  # never corrected, so that the correction does not feed on itself
    assert seen == sorted(seen)
    other = next(s for s in (await planned(desk, "globex"))["checklist"] if s["step_key"] == "client-onboarding.research")
    assert other["estimate"] == after["estimate"]  # ratios are the person's, whatever the client


async def test_a_limit_holds_for_corrected_hours_too(desk: Desk) -> None:
    for day in range(1, 9):
        task = next(s for s in (await planned(desk))["checklist"] if s["step_key"] == "client-onboarding.research")
        await desk.post("/execution-runs", run_of(task["task_id"], day=day, hours=3 * task["raw_hours"]), 201)
    desk.memory.know("Tasks of at most 90 minutes, please")
    plan = await planned(desk)
    assert max(s["estimated_hours"] for s in plan["checklist"]) <= 1.5
    parts = [s for s in plan["checklist"] if s["step_key"] == "client-onboarding.research"]
    assert len(parts) >= 4
    assert parts[1]["dependencies"] == [parts[0]["step_number"]]


async def test_a_timer_makes_runs_and_done_makes_them_count(desk: Desk) -> None:
    plan = await planned(desk)
    task, other = plan["checklist"][0]["task_id"], plan["checklist"][1]["task_id"]
    assert (await desk.post(f"/tasks/{task}/stop")).status_code == 409
    first = await desk.post(f"/tasks/{task}/start", None, 200)
    assert (first["running"], first["client_id"], first["warnings"]) == (True, "acme", [])
    desk.wait(minutes=30)
    again = await desk.post(f"/tasks/{task}/start", {}, 200)
    assert again["run_id"] == first["run_id"]
    assert (await desk.get(f"/plans/{plan['plan_id']}"))["status"] == "active"
    assert any("running too" in w for w in (await desk.post(f"/tasks/{other}/start", None, 200))["warnings"])
    today = await desk.get("/today")
    assert {r["task_id"]: r["elapsed_hours"] for r in today["running"]} == {task: 0.5, other: 0.0}
    desk.wait(minutes=30)
    stopped = await desk.post(f"/tasks/{task}/stop", {"outcome_notes": "half of it"}, 200)
    assert stopped["actual_hours"] == pytest.approx(1)
    assert (await desk.post(f"/tasks/{task}/stop", None, 200))["actual_hours"] == pytest.approx(1)
    desk.wait(hours=2)
    await desk.post(f"/tasks/{task}/start", None, 200)
    desk.wait(minutes=30)
    done = await desk.post(f"/tasks/{task}/done", None, 200)
    assert done["actual_hours"] == pytest.approx(1.5)
    read = await desk.get(f"/plans/{plan['plan_id']}")
    assert read["progress"] == {"done": 1, "steps": len(plan["checklist"])}
    assert "done_at" in read["checklist"][0]
    today = await desk.get("/today")
    assert [r["actual_hours"] for r in today["finished"]] == pytest.approx([1, 0.5])
    await desk.post(f"/tasks/{other}/done", None, 200)
    # two tasks were finished: their sittings count as one observation each
    estimate = await desk.post("/estimates", {"tasks": [{"key": "k", "raw_hours": 1, "step_key": plan["checklist"][0]["step_key"]}]}, 200)
    assert estimate["tasks"][0]["basis"] == "1 run of this step"
    for step in plan["checklist"][2:]:
        last = await desk.post(f"/tasks/{step['task_id']}/done", {"actual_hours": 1.25}, 200)
    assert last["plan_status"] == "completed"
    assert (await desk.post(f"/tasks/{task}/start")).status_code == 409


async def test_a_clock_that_ran_for_seconds_is_a_slip_and_teaches_nothing(desk: Desk) -> None:
    plan = await planned(desk)
    task = plan["checklist"][0]["task_id"]
    await desk.post(f"/tasks/{task}/start", None, 200)
    desk.wait(seconds=20)
    done = await desk.post(f"/tasks/{task}/done", {}, 200)
    assert done["finished"]
    assert any("less than a minute" in w for w in done["warnings"])
    assert [s["estimate"] for s in (await planned(desk))["checklist"]] == [s["estimate"] for s in plan["checklist"]]
    told = await desk.post(f"/tasks/{plan['checklist'][1]['task_id']}/done", {"actual_hours": 3}, 200)
    assert told["warnings"] == []
    assert [s["estimate"] for s in (await planned(desk))["checklist"]] != [s["estimate"] for s in plan["checklist"]]


async def test_a_task_of_no_plan_can_be_timed(desk: Desk) -> None:
    await desk.post("/tasks/call-the-bank/start", {"client_id": "globex"}, 200)
    desk.wait(minutes=15)
    assert (await desk.post("/tasks/call-the-bank/stop", {"client_id": "globex"}, 200))["actual_hours"] == pytest.approx(0.25)
    answer = await desk.post("/tasks/x/start", None, None, Authorization="Bearer k3")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "client_id"
    plan = await planned(desk)
    started = await desk.post(f"/tasks/{plan['checklist'][0]['task_id']}/start", None, 200, Authorization="Bearer k3")
    assert started["client_id"] == "acme"


async def test_today_shows_applied_blocks_of_the_local_day(desk: Desk) -> None:
    plan = await planned(desk)
    task = plan["checklist"][0]["task_id"]
    blocks = [
        {"task_id": task, "title": "in", "start": "2026-11-22T23:30:00+00:00", "end": "2026-11-23T01:00:00+00:00"},
        {"task_id": task, "title": "yesterday", "start": "2026-11-22T20:00:00+00:00", "end": "2026-11-22T22:00:00+00:00"},
        {"task_id": task, "title": "tomorrow", "start": "2026-11-23T23:00:00+00:00", "end": "2026-11-24T00:00:00+00:00"},
    ]
    async with await psycopg.AsyncConnection.connect(desk.database.dsn, autocommit=True) as connection:
        for status in ("applied", "proposed", "undone"):
            await connection.execute(
                "insert into scheduler_runs (plan_id, schedule_blocks, client_id, status, created_at) values (%s, %s, 'acme', %s, %s)",
                (plan["plan_id"], psycopg.types.json.Jsonb(blocks), status, desk.now),
            )
    today = await desk.get("/today")
    assert (today["date"], today["time_zone"]) == ("2026-11-23", "Europe/Berlin")
    assert [b["title"] for b in today["blocks"]] == ["in"]
    assert (await desk.get("/today?client_id=globex"))["blocks"] == []


async def test_estimates_answer_in_order_with_a_prior_and_learn_per_person(desk: Desk) -> None:
    tasks = [{"key": "b", "raw_hours": 2}, {"key": "a", "raw_hours": 4}]
    fresh = await desk.post("/estimates", {"tasks": tasks}, 200)
    assert [(t["key"], t["p50"], t["p80"]) for t in fresh["tasks"]] == [("b", 2, 2.84), ("a", 4, 5.68)]
    assert fresh["total"]["p80"] == pytest.approx(1.42 * 6)
    for day in range(1, 26):
        await desk.post("/execution-runs", run_of(f"t{day}", day=day, hours=3, estimated_hours=1.0, executed_by_person_id="ann"), 201)
        await desk.post("/execution-runs", run_of(f"u{day}", day=day, hours=1, estimated_hours=1.0, executed_by_person_id="bob"), 201)
    ann = await desk.post("/estimates", {"person_id": "ann", "tasks": tasks}, 200)
    bob = await desk.post("/estimates", {"person_id": "bob", "tasks": tasks}, 200)
    assert ann["tasks"][0]["p50"] > 1.1 * bob["tasks"][0]["p50"]
    assert ann["total"]["p50"] > 1.1 * bob["total"]["p50"]
    assert all(t["runs"] == 25 for t in ann["tasks"])
    assert (await desk.post("/estimates", {"tasks": []})).status_code == 422
    assert (await desk.post("/estimates", {"tasks": [{"key": "a", "raw_hours": 0}]})).status_code == 422
