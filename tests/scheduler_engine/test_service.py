"""The scheduler over HTTP: what is placed, stored, written, told, taken back."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:standup@example.org
DTSTAMP:20270301T000000Z
DTSTART;TZID=Europe/Berlin:20270315T090000
DTEND;TZID=Europe/Berlin:20270315T120000
RRULE:FREQ=DAILY;COUNT=14
SUMMARY:Workshop
END:VEVENT
END:VCALENDAR
"""


def task(task_id: str, minutes: int = 60, **more: Any) -> dict[str, Any]:
    return {"task_id": task_id, "title": task_id.upper(), "estimated_minutes": minutes, **more}


def spans(answer: dict[str, Any]) -> list[tuple[datetime, datetime]]:
    return sorted((datetime.fromisoformat(b["start"]), datetime.fromisoformat(b["end"])) for b in answer["schedule_blocks"])


async def test_a_plan_is_placed_written_told_and_remembered(place: Any) -> None:
    plan_id = await place.plan([1, 3, 0.5])
    answer = await place.post("/schedule", {"plan_id": str(plan_id)})
    assert answer["status"] == "applied"
    assert answer["unscheduled"] == []
    assert answer["reserve"]["p50_hours"] == 4.5
    assert answer["reserve"]["reserve_hours"] > 0
    assert sum((e - s for s, e in spans(answer)), timedelta()) == timedelta(hours=4.5)
    events = await place.events()
    assert {e.event_id for e in events} == {b["event_id"] for b in answer["schedule_blocks"]}
    assert {e.private["plan_id"] for e in events} == {str(plan_id)}
    assert {e.private["run_id"] for e in events} == {answer["scheduler_run_id"]}
    assert place.plans.statuses == [(plan_id, "scheduled")]
    assert [m.event_type for m in place.memory.remembered] == ["schedule_applied"]
    assert (await place.get(f"/runs/{answer['scheduler_run_id']}"))["schedule_blocks"] == answer["schedule_blocks"]
    listed = await place.get(f"/schedules?plan_id={plan_id}")
    assert [r["scheduler_run_id"] for r in listed["schedules"]] == [answer["scheduler_run_id"]]


async def test_blocks_stay_clear_of_the_calendar_and_of_other_runs(place: Any) -> None:
    assert (await place.post("/import", {"ics": ICS}, 200)) == {"imported": 1}
    first = await place.post("/schedule", {"tasks": [task("a", 120), task("b", 120)]})
    second = await place.post("/schedule", {"tasks": [task("c", 120)], "client_id": 7})
    assert second["client_id"] == "7"
    everything = sorted(spans(first) + spans(second))
    assert all(a[1] <= b[0] for a, b in pairwise(everything))
    for start, end in everything:
        assert (start.hour, start.minute) >= (12, 0)
        assert (end.hour, end.minute) <= (17, 30)


async def test_a_dry_run_touches_nothing_until_it_is_applied(place: Any) -> None:
    plan_id = await place.plan([2])
    proposed = await place.post("/schedule", {"plan_id": str(plan_id), "dry_run": True, "seed": 5})
    assert proposed["status"] == "proposed"
    assert await place.events() == []
    assert place.plans.statuses == []
    run = proposed["scheduler_run_id"]
    applied = await place.post(f"/runs/{run}/apply", status=200)
    assert applied["status"] == "applied"
    assert len(await place.events()) == len(proposed["schedule_blocks"])
    assert (await place.post(f"/runs/{run}/apply", status=200))["status"] == "applied"
    undone = await place.post(f"/runs/{run}/undo", status=200)
    assert undone["status"] == "undone"
    assert await place.events() == []
    assert [s for _, s in place.plans.statuses] == ["scheduled", "draft"]
    await place.post(f"/runs/{run}/apply", status=409)


async def test_an_applied_plan_that_is_scheduled_again_is_replaced(place: Any) -> None:
    plan_id = await place.plan([1, 1])
    first = await place.post("/schedule", {"plan_id": str(plan_id)})
    second = await place.post("/schedule", {"plan_id": str(plan_id)})
    assert spans(first) == spans(second)
    assert {e.event_id for e in await place.events()} == {b["event_id"] for b in second["schedule_blocks"]}
    assert (await place.get(f"/runs/{first['scheduler_run_id']}"))["status"] == "undone"


async def test_applying_onto_time_that_was_taken_since_is_a_conflict(place: Any) -> None:
    proposed = await place.post("/schedule", {"tasks": [task("a")], "dry_run": True})
    await place.post("/import", {"ics": ICS}, 200)
    problem = await place.post(f"/runs/{proposed['scheduler_run_id']}/apply", status=409)
    assert "Workshop" in problem["detail"]
    assert not [e for e in await place.events() if e.is_own]


async def test_planner_and_memory_down_are_warnings(place: Any) -> None:
    place.plans.down = place.memory.down = True
    answer = await place.post("/schedule", {"plan_id": str(await place.plan([1]))})
    assert answer["status"] == "applied"
    assert sum("planner" in w or "remembered" in w for w in answer["warnings"]) == 2
    assert (await place.get(f"/runs/{answer['scheduler_run_id']}"))["warnings"] == answer["warnings"]
    health = (await place.http.get("/health")).json()
    assert health["status"] == "degraded"
    assert health["dependencies"] == {"postgres": "up", "calendar": "up", "memory_gateway": "down", "planner_engine": "down"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tasks": [task("a"), task("a")]}, "tasks[1].task_id"),
        ({"tasks": [task("a", depends_on=["z"])]}, "tasks[0].depends_on"),
        ({"tasks": [task("a", depends_on=["b"]), task("b", depends_on=["a"])]}, "tasks[0].depends_on"),
        ({"tasks": [task("a")], "constraints": {"start_date": "2027-03-20", "end_date": "2027-03-18"}}, "constraints.end_date"),
        ({"tasks": [task("a")], "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"tasks": [task("a", deadline="soon")]}, "tasks[0].deadline"),
        ({"tasks": [{"task_id": "a", "estimated_hours": 0}]}, "tasks[0].estimated_hours"),
        ({"tasks": [{"task_id": "a"}]}, "tasks[0]"),
        ({"tasks": [task("a", priority=5)]}, "tasks[0].priority"),
        ({"tasks": [task("a")], "working_hours": {"mon": [["17:00", "09:00"]]}}, "working_hours.mon"),
        ({"tasks": [task("a")], "extra_busy": [{"start": "2027-03-16T10:00:00Z", "end": "2027-03-16T09:00:00Z"}]}, "extra_busy[0].end"),
        ({"tasks": [task("a")], "surprise": 1}, "surprise"),
        ({"tasks": []}, "tasks"),
        ({}, "body"),
    ],
)
async def test_bad_input_names_its_field_and_changes_nothing(place: Any, body: dict[str, Any], field: str) -> None:
    problem = await place.post("/schedule", body, 422)
    assert any(e["field"].startswith(field) for e in problem["errors"]), problem
    assert await place.count() == 0
    assert await place.events() == []


async def test_unknown_things_are_404(place: Any) -> None:
    await place.post("/schedule", {"plan_id": str(uuid4())}, 404)
    await place.get(f"/runs/{uuid4()}", 404)
    await place.post("/reschedule", {"plan_id": str(uuid4())}, 404)
    assert (await place.http.delete("/api/v1/scheduler/events/none")).status_code == 404


async def test_another_clients_plan_and_run_do_not_exist_for_a_bound_key(place: Any) -> None:
    plan_id = await place.plan([1])
    run = (await place.post("/schedule", {"plan_id": str(plan_id), "dry_run": True}))["scheduler_run_id"]
    assert (await place.bound.post("/api/v1/scheduler/schedule", json={"plan_id": str(plan_id)})).status_code == 404
    assert (await place.bound.get(f"/api/v1/scheduler/runs/{run}")).status_code == 404
    assert (await place.bound.get("/api/v1/scheduler/schedules")).json()["total"] == 0
    assert (await place.bound.post("/api/v1/scheduler/schedule", json={"tasks": [task("a")], "client_id": "other"})).status_code == 403


async def test_what_does_not_fit_says_why_and_when_it_could(place: Any) -> None:
    answer = await place.post(
        "/schedule",
        {
            "dry_run": True,
            "tasks": [
                task("long", 600, splittable=False),
                task("after", 30, depends_on=["long"]),
                task("early", 60, fixed_start="2027-03-15T03:00:00+01:00"),
                task("odd", 70, splittable=True, min_chunk_minutes=50, max_chunk_minutes=60),
                task("late", 60, earliest_start="2027-03-19"),
                task("fits", 30),
            ],
            "constraints": {"end_date": "2027-03-17"},
        },
    )
    reasons = {u["task_id"]: u["reason"] for u in answer["unscheduled"]}
    assert set(reasons) == {"long", "after", "early", "odd", "late"}
    assert "10 h in one piece" in reasons["long"]
    assert reasons["after"] == "It waits for “LONG”, which could not be placed."
    assert "fixed start" in reasons["early"]
    assert "cannot be cut" in reasons["odd"]
    possible = {u["task_id"]: u["earliest_possible"] for u in answer["unscheduled"]}
    assert possible["late"] == "2027-03-19T09:00:00+01:00"
    assert possible["long"] is None


async def test_reschedule_moves_only_what_collides_and_what_waits_for_it(place: Any) -> None:
    tasks = [task("a", 60, priority=1), task("b", 60, depends_on=["a"]), task("c", 60), task("d", 45)]
    before = await place.post("/schedule", {"tasks": tasks, "working_hours": {d: [["09:00", "11:00"]] for d in ("mon", "tue", "wed", "thu", "fri")}})
    was = {b["task_id"]: b for b in before["schedule_blocks"]}
    busy = [{"start": was["a"]["start"], "end": was["a"]["end"]}]
    proposed = await place.post("/reschedule", {"run_id": before["scheduler_run_id"], "extra_busy": busy, "dry_run": True})
    assert proposed["status"] == "proposed"
    assert len(await place.events()) == 4
    after = await place.post("/reschedule", {"run_id": before["scheduler_run_id"], "extra_busy": busy, "reason": "a visitor"})
    now = {b["task_id"]: b for b in after["schedule_blocks"]}
    assert set(after["moved"]) <= {"a", "b"}
    assert "a" in after["moved"]
    assert {k: v["start"] for k, v in now.items() if k in "cd"} == {k: v["start"] for k, v in was.items() if k in "cd"}
    assert datetime.fromisoformat(now["a"]["end"]) <= datetime.fromisoformat(now["b"]["start"])
    assert {e.event_id: e.start for e in await place.events()} == {
        b["event_id"]: datetime.fromisoformat(b["start"]) for b in after["schedule_blocks"]
    }
    assert (await place.get(f"/runs/{before['scheduler_run_id']}"))["status"] == "undone"
    assert after["score"]["terms"]["moved"] == 60 * len(after["moved"])


async def test_single_events_can_be_moved_and_deleted(place: Any) -> None:
    answer = await place.post("/schedule", {"tasks": [task("a"), task("b")]})
    a, b = sorted(answer["schedule_blocks"], key=lambda x: x["start"])
    path = "/api/v1/scheduler/events/"
    onto = await place.http.patch(path + a["event_id"], json={"start": b["start"]})
    assert onto.status_code == 409
    moved = await place.http.patch(path + a["event_id"], json={"start": "2027-03-16T19:00:00+01:00", "title": "By night"})
    assert moved.status_code == 200
    assert moved.json()["end"] == "2027-03-16T20:00:00+01:00"
    assert (await place.http.delete(path + b["event_id"])).json() == {"event_id": b["event_id"], "deleted": True}
    (left,) = await place.events()
    assert (left.title, left.start) == ("By night", datetime(2027, 3, 16, 18, tzinfo=UTC))
    stored = await place.get(f"/runs/{answer['scheduler_run_id']}")
    assert [x["event_id"] for x in stored["schedule_blocks"]] == [a["event_id"]]


async def test_agenda_and_availability(place: Any) -> None:
    await place.post("/import", {"ics": ICS}, 200)
    agenda = await place.get("/agenda?start=2027-03-26&end=2027-03-29")
    assert [e["start"] for e in agenda["events"]] == [f"2027-03-{d}T09:00:00+0{1 if d < 28 else 2}:00" for d in (26, 27, 28)]
    free = await place.get("/availability?start=2027-03-26&end=2027-03-29")
    assert [(f["start"], f["minutes"]) for f in free["free"]] == [("2027-03-26T12:00:00+01:00", 330), ("2027-03-29T09:00:00+02:00", 510)]
    await place.get("/availability?start=2027-03-26&end=2027-03-20", 422)


async def test_a_broken_calendar_is_refused_whole(place: Any) -> None:
    broken = ICS.replace("END:VCALENDAR", "BEGIN:VEVENT\nUID:x\nSUMMARY:No start\nEND:VEVENT\nEND:VCALENDAR")
    for text in (
        broken,
        "nonsense",
        ICS.replace("DTSTART;TZID=Europe/Berlin:20270315T090000", "DTSTART:tomorrow"),
        ICS.replace("FREQ=DAILY", "FREQ=OFTEN"),
    ):
        problem = await place.post("/import", {"ics": text}, 422)
        assert problem["errors"][0]["field"] == "ics"
    assert await place.events() == []


async def test_a_repeated_post_with_a_key_schedules_once(place: Any) -> None:
    for _ in range(2):
        answer = await place.http.post("/api/v1/scheduler/schedule", json={"tasks": [task("a")]}, headers={"Idempotency-Key": "once"})
        assert answer.status_code == 201
    assert len(await place.events()) == 1
