"""The loop, through HTTP alone: remember, plan, schedule, do, reflect, and a second plan that has learnt. One file, in one process and in four."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.journeys.product import Product

BERLIN = ZoneInfo("Europe/Berlin")


def meeting(uid: str, start: datetime, minutes: int) -> str:
    end = start + timedelta(minutes=minutes)
    when = f"DTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDTEND:{end:%Y%m%dT%H%M%SZ}"
    return f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20270101T000000Z\r\n{when}\r\nSUMMARY:{uid}\r\nEND:VEVENT\r\n"


async def test_the_loop_closes(product: Product) -> None:
    call = product.call
    monday = datetime.now(BERLIN).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while monday.weekday():
        monday += timedelta(days=1)
    await call("PUT", "/api/v1/planner/profile", json={"time_zone": "Europe/Berlin"})

    # remember
    kept = await call(
        "POST",
        "/api/v1/memory/remember",
        json={"content": "No task longer than two hours.", "memory_type": "preference", "event_source": "person"},
        status=201,
    )
    assert "postgres" in kept["stored_in"]
    batch = [
        {"content": text, "client_id": "acme", "thread_id": "brief"}
        for text in ("Acme makes pumps in Bremen.", "Their contact is Petra Lang.", "They want it before June.")
    ]
    assert len((await call("POST", "/api/v1/memory/remember/batch", json={"memories": batch}, status=201))["memory_ids"]) == 3
    await product.searchable()
    found = await call("GET", "/api/v1/memory/recall", params={"query": "who is the contact at Acme?", "client_id": "acme"})
    assert found["results"][0]["content"] == "Their contact is Petra Lang."
    assert all(0 <= r["score"] <= 1 for r in found["results"])
    assert "Petra" not in str(await call("GET", "/api/v1/memory/recall", params={"query": "who is the contact at Acme?", "client_id": "globex"}))

    # plan
    deadline = monday.date() + timedelta(days=11)
    intent = f"Onboard the new client Acme by {deadline.isoformat()}"
    plan = await call("POST", "/api/v1/planner/plan", json={"intent": intent, "client_id": "acme"}, status=201)
    assert plan["status"] == "draft"
    assert plan["generator"] == "rules"
    assert len(plan["checklist"]) >= 3
    assert max(step["raw_hours"] for step in plan["checklist"]) <= 2.0

    # schedule, round a meeting that is there already
    busy = (monday + timedelta(hours=9)).astimezone(UTC)
    calendar = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//journey//EN\r\n{meeting('all-morning', busy, 180)}END:VCALENDAR\r\n"
    assert (await call("POST", "/api/v1/scheduler/import", json={"ics": calendar}))["imported"] == 1
    window = {"start_date": monday.date().isoformat(), "end_date": deadline.isoformat()}
    order = {"plan_id": plan["plan_id"], "client_id": "acme", "constraints": window}
    proposed = await call("POST", "/api/v1/scheduler/schedule", json={**order, "dry_run": True}, status=201)
    assert proposed["status"] == "proposed"
    assert (await call("GET", f"/api/v1/planner/plans/{plan['plan_id']}"))["status"] == "draft"
    run = await call("POST", "/api/v1/scheduler/schedule", json=order, status=201)
    assert run["status"] == "applied"
    blocks = sorted(run["schedule_blocks"], key=lambda b: b["start"])
    assert {b["task_id"] for b in blocks} | {u["task_id"] for u in run["unscheduled"]} == {s["task_id"] for s in plan["checklist"]}
    spans = [(datetime.fromisoformat(b["start"]), datetime.fromisoformat(b["end"])) for b in blocks]
    assert all(a_end <= b_start for (_, a_end), (b_start, _) in itertools.pairwise(spans))
    assert all(end <= busy or start >= busy + timedelta(hours=3) for start, end in spans)
    agenda = await call("GET", "/api/v1/scheduler/agenda", params={"start": window["start_date"], "end": window["end_date"]})
    assert len(agenda["events"]) == len(blocks) + 1
    assert (await call("GET", f"/api/v1/planner/plans/{plan['plan_id']}"))["status"] == "scheduled"

    # do: three times what was thought
    first = plan["checklist"][0]
    for back in (3, 2, 1):
        ended = datetime.now(UTC) - timedelta(hours=back)
        await call(
            "POST",
            "/api/v1/planner/execution-runs",
            json={
                "task_id": first["task_id"],
                "client_id": "acme",
                "plan_id": plan["plan_id"],
                "run_type": "Process",
                "started_at": (ended - timedelta(hours=3 * first["raw_hours"])).isoformat(),
                "ended_at": ended.isoformat(),
                "actual_hours": 3 * first["raw_hours"],
            },
        )

    # reflect
    daily = await call("POST", "/api/v1/observer/reflect", params={"mode": "daily"})
    assert daily["posted_to_workspace"]
    assert daily["stored_in_memory"]
    assert all(section in daily["content"] for section in ("Summary", "Highlights", "Observations", "Tomorrow's Focus"))
    weekly = await call("POST", "/api/v1/observer/reflect", params={"mode": "weekly"})
    assert "Pattern Performance" in weekly["content"]

    # and the next plan is better
    second = await call(
        "POST", "/api/v1/planner/plan", json={"intent": f"Onboard the new client Globex by {deadline.isoformat()}", "client_id": "acme"}, status=201
    )
    again = next(step for step in second["checklist"] if step["step_key"] == first["step_key"])
    assert again["raw_hours"] == first["raw_hours"]
    assert again["estimate"]["p50"] > 1.3 * first["estimate"]["p50"]
    assert again["estimate"]["runs"] >= 3

    # undo gives the calendar back
    await call("POST", f"/api/v1/scheduler/runs/{run['scheduler_run_id']}/undo")
    agenda = await call("GET", "/api/v1/scheduler/agenda", params={"start": window["start_date"], "end": window["end_date"]})
    assert len(agenda["events"]) == 1


async def test_bad_input_is_a_clear_problem_and_changes_nothing(product: Product) -> None:
    call = product.call
    window = {"start_date": "2027-03-20", "end_date": "2027-03-10"}
    one = [{"task_id": "t", "title": "T", "estimated_minutes": 30}]
    before = await call("GET", "/api/v1/memory/memories")
    for method, path, body, status, field in (
        ("POST", "/api/v1/planner/plan", {"intent": "   "}, 422, "intent"),
        ("POST", "/api/v1/scheduler/schedule", {"plan_id": "00000000-0000-7000-8000-000000000000"}, 404, None),
        ("GET", "/api/v1/planner/plans/00000000-0000-7000-8000-000000000000", None, 404, None),
        ("POST", "/api/v1/scheduler/schedule", {"tasks": one, "constraints": window}, 422, "constraints.end_date"),
        ("POST", "/api/v1/scheduler/import", {"ics": "BEGIN:VCALENDAR\r\nnonsense"}, 422, "ics"),
        ("POST", "/api/v1/memory/remember", {"content": "x" * 5_000_000}, 422, "content"),
        ("PUT", "/api/v1/planner/profile", {"time_zone": "Mars/Olympus"}, 422, "time_zone"),
        ("POST", "/api/v1/scheduler/schedule", {"tasks": one, "time_zone": "Mars/Olympus"}, 422, "time_zone"),
        ("POST", "/api/v1/observer/reflect?mode=hourly", None, 422, "mode"),
    ):
        problem = await call(method, path, json=body, status=status)
        assert problem["status"] == status
        assert len(problem["detail"]) > 20, problem
        if field is not None:
            assert problem["errors"][0]["field"] == field, problem
    assert (await call("GET", "/api/v1/memory/memories"))["memories"] == before["memories"]
    assert (await call("GET", "/api/v1/planner/plans"))["plans"] == []
    assert (await call("GET", "/api/v1/planner/profile"))["time_zone"] == "Europe/Berlin"
