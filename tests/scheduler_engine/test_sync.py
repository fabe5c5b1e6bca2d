"""Both directions: what a person does in the calendar is learnt once, kept, asked about and remembered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from planner_memory.core.errors import Unavailable
from planner_memory.ports.calendar import NewEvent
from planner_memory.ports.schedules import SchedulerRun
from planner_memory.scheduler_engine.writing import Look

TASKS = [{"task_id": n, "title": f"Task {n}", "estimated_minutes": 60} for n in "abc"]
MONDAY = datetime(2027, 3, 15, tzinfo=UTC)


async def moved(place: Any, event_id: str, start: datetime, *, minutes: int = 60, **more: Any) -> None:
    """As a calendar program would do it: the event as it is, with another time."""
    event = await place.calendar.event(event_id)
    changed = NewEvent(
        event_id, event.title, start, start + timedelta(minutes=minutes), "Europe/Berlin", event.description, dict(event.private), event.is_done
    )
    await place.calendar.put(replace(changed, **more))


async def invited(place: Any, start: datetime, uid: str = "invitation", *, minutes: int = 60, title: str = "Board call") -> None:
    text = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nDTSTAMP:20270101T000000Z\r\n"
        f"UID:{uid}\r\nSUMMARY:{title}\r\nDTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDTEND:{start + timedelta(minutes=minutes):%Y%m%dT%H%M%SZ}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    await place.calendar.import_events(text)


def by_task(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {b["task_id"]: b for b in run["schedule_blocks"]}


async def current(place: Any) -> dict[str, Any]:
    return next(r for r in (await place.get("/schedules"))["schedules"] if r["status"] == "applied")


def told(place: Any, event_type: str) -> list[Any]:
    return [m for m in place.memory.remembered if m.event_type == event_type]


async def test_with_nothing_new_a_sync_changes_nothing(place: Any) -> None:
    await place.post("/schedule", {"tasks": TASKS})
    first = await place.post("/sync", status=200)
    assert (first["moved"], first["deleted"], first["finished"], first["questions"]) == (0, 0, 0, [])
    again = await place.post("/sync", status=200)
    assert not again["full"]
    assert again | {"full": False} == first | {"full": False}
    assert len(place.memory.remembered) == 1


async def test_a_block_moved_by_hand_stays_where_it_was_put(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    block = by_task(run)["a"]
    to = MONDAY + timedelta(days=2, hours=19)  # outside working hours
    await moved(place, block["event_id"], to, minutes=90)
    assert (await place.post("/sync", status=200))["moved"] == 1
    assert (await place.post("/sync", status=200))["moved"] == 0
    found = by_task(await current(place))["a"]
    assert found["pinned"]
    assert datetime.fromisoformat(found["start"]) == to
    (memory,) = told(place, "block_moved")
    assert "Task a" in memory.content
    assert "Wednesday 17 March 2027, 20:00 (90 minutes)" in memory.content
    # something lands on it, and everything else is in the way too: it is not touched
    await invited(place, to)
    after = await place.post("/reschedule", {"run_id": run["scheduler_run_id"]})
    assert by_task(after)["a"] == found
    assert after["moved"] == []
    event = await place.calendar.event(block["event_id"])
    assert event.start == to


async def test_a_reschedule_learns_of_hand_moves_first(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    block, other = by_task(run)["a"], by_task(run)["b"]
    to = MONDAY + timedelta(days=3, hours=9)
    await moved(place, block["event_id"], to)
    after = await place.post("/reschedule", {"run_id": run["scheduler_run_id"], "extra_busy": [{"start": other["start"], "end": other["end"]}]})
    assert datetime.fromisoformat(by_task(after)["a"]["start"]) == to
    assert by_task(after)["b"]["start"] != other["start"]
    assert after["moved"] == ["b"]


async def test_a_deleted_block_asks_and_is_placed_again_elsewhere(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    block = by_task(run)["b"]
    await place.calendar.delete(block["event_id"])
    report = await place.post("/sync", status=200)
    assert report["deleted"] == 1
    (question,) = report["questions"]
    assert (question["kind"], question["answers"]) == ("deleted", ["place_again", "drop"])
    assert (await place.get("/schedules"))["questions"] == [question]
    now = await current(place)
    assert "b" not in by_task(now)
    assert [u["task_id"] for u in now["unscheduled"]] == ["b"]
    # a reschedule does not bring it back by itself, and the question goes with the schedule
    after = await place.post("/reschedule", {"run_id": run["scheduler_run_id"]})
    assert "b" not in by_task(after)
    (question,) = (await place.get("/questions"))["questions"]
    assert question["scheduler_run_id"] == after["scheduler_run_id"]
    path = f"/questions/{question['question_id']}"
    await place.post(path, {"answer": "accept"}, 422)
    answered = await place.post(path, {"answer": "place_again"}, 200)
    assert (await place.post(path, {"answer": "place_again"}, 200))["question_id"] == answered["question_id"]
    await place.post(path, {"answer": "drop"}, 409)
    now = await current(place)
    assert now["scheduler_run_id"] == answered["scheduler_run_id"]
    placed = by_task(now)["b"]
    assert placed["start"] != block["start"]
    assert now["unscheduled"] == []
    assert {e.event_id for e in await place.events()} == {b["event_id"] for b in now["schedule_blocks"]}
    assert len(now["schedule_blocks"]) == 3
    assert (await place.get("/questions"))["total"] == 0
    assert len(told(place, "block_deleted")) == 1


async def test_a_dropped_block_stays_away(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    await place.calendar.delete(by_task(run)["b"]["event_id"])
    (question,) = (await place.post("/sync", status=200))["questions"]
    await place.post(f"/questions/{question['question_id']}", {"answer": "drop"}, 200)
    after = await place.post("/reschedule", {"run_id": run["scheduler_run_id"]})
    assert set(by_task(after)) == {"a", "c"}


async def test_a_finished_task_becomes_an_execution_run_when_it_is_accepted(place: Any) -> None:
    tasks = [{"task_id": "long", "title": "Long", "estimated_minutes": 120, "splittable": True, "max_chunk_minutes": 60}]
    run = await place.post("/schedule", {"tasks": tasks})
    first, second = run["schedule_blocks"]
    for n, block in enumerate((first, second)):
        event = await place.calendar.event(block["event_id"])
        await moved(place, block["event_id"], event.start, title="✓ Long")  # as a person marks it by hand
        report = await place.post("/sync", status=200)
        assert report["finished"] == 1
        assert len(report["questions"]) == n  # of a split task, only when all of it is done
    (question,) = report["questions"]
    assert question["actual_hours"] == 2.0
    answer = {"answer": "accept", "outcome_notes": "Went well"}
    place.plans.down = True
    await place.post(f"/questions/{question['question_id']}", answer, 503)
    place.plans.down = False
    await place.post(f"/questions/{question['question_id']}", answer, 200)
    await place.post(f"/questions/{question['question_id']}", answer, 200)
    (finished,) = place.plans.finished
    assert (finished.task_id, finished.actual_hours, finished.outcome_notes) == ("long", 2.0, "Went well")
    assert finished.started_at == datetime.fromisoformat(first["start"])
    assert finished.ended_at == datetime.fromisoformat(second["end"])
    # done is done: an invitation on top moves nothing
    await invited(place, finished.started_at)
    assert (await place.post("/reschedule", {"run_id": run["scheduler_run_id"]}))["moved"] == []


async def test_a_mark_that_is_taken_away_takes_the_question_away(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS[:1]})
    (block,) = run["schedule_blocks"]
    start = datetime.fromisoformat(block["start"])
    await moved(place, block["event_id"], start, is_done=True)
    assert len((await place.post("/sync", status=200))["questions"]) == 1
    await moved(place, block["event_id"], start, is_done=False)
    assert (await place.post("/sync", status=200))["questions"] == []
    assert not by_task(await current(place))["a"]["done"]


async def test_an_invitation_on_a_block_proposes_a_repair_once(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    block = by_task(run)["b"]
    await invited(place, datetime.fromisoformat(block["start"]).astimezone(UTC))
    report = await place.post("/sync", status=200)
    (question,) = report["questions"]
    assert question["kind"] == "conflict"
    assert question["says"] == "'Board call' came in the way. 1 task would move."
    assert question["moves"] == ["Task b"]
    assert report["proposed_run_ids"] == [question["proposal_run_id"]]
    assert (await place.get(f"/runs/{question['proposal_run_id']}"))["status"] == "proposed"
    assert by_task(await current(place))["b"] == block  # only proposed
    again = await place.post("/sync", status=200)
    assert again["proposed_run_ids"] == []
    assert again["questions"] == [question]
    await place.post(f"/questions/{question['question_id']}", {"answer": "apply"}, 200)
    after = await current(place)
    assert after["scheduler_run_id"] == question["proposal_run_id"]
    assert by_task(after)["b"]["start"] != block["start"]
    assert (await place.post("/sync", status=200))["questions"] == []
    assert len([e for e in await place.events() if e.is_own]) == 3


async def test_an_invitation_that_goes_away_asks_no_more(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    start = datetime.fromisoformat(by_task(run)["b"]["start"]).astimezone(UTC)
    await invited(place, start)
    assert len((await place.post("/sync", status=200))["questions"]) == 1
    await invited(place, start + timedelta(days=40))
    assert (await place.post("/sync", status=200))["questions"] == []


async def test_a_block_put_onto_another_by_hand_proposes_to_move_the_other(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    blocks = by_task(run)
    to = datetime.fromisoformat(blocks["b"]["start"])
    await moved(place, blocks["a"]["event_id"], to)
    report = await place.post("/sync", status=200)
    assert report["moved"] == 1
    (question,) = report["questions"]
    assert question["moves"] == ["Task b"]
    await place.post(f"/questions/{question['question_id']}", {"answer": "apply"}, 200)
    after = by_task(await current(place))
    assert datetime.fromisoformat(after["a"]["start"]) == to
    assert after["b"]["start"] != blocks["b"]["start"]
    assert (await place.post("/sync", status=200))["questions"] == []


async def test_a_renamed_block_keeps_its_new_name(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    block = by_task(run)["a"]
    await moved(place, block["event_id"], datetime.fromisoformat(block["start"]), title="Draft for Acme")
    assert (await place.post("/sync", status=200))["renamed"] == 1
    assert by_task(await current(place))["a"]["title"] == "Draft for Acme"


async def test_an_event_whose_private_properties_a_program_dropped_is_still_ours(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    block = by_task(run)["a"]
    await moved(place, block["event_id"], MONDAY + timedelta(days=2, hours=10), private={})
    report = await place.post("/sync", status=200)
    assert (report["moved"], report["questions"]) == (1, [])


async def test_a_token_that_has_expired_reads_everything_again_and_learns_nothing_twice(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    await moved(place, by_task(run)["a"]["event_id"], MONDAY + timedelta(days=2, hours=10))
    await place.post("/sync", status=200)
    await place.calendar.delete(by_task(run)["b"]["event_id"])
    async with place.database.begin() as tx:
        await tx._connection.execute('update calendar_sync set token = \'{"gone": "x"}\'')
    report = await place.post("/sync", status=200)
    assert report["full"]
    assert (report["moved"], report["deleted"]) == (0, 1)
    assert len(told(place, "block_moved")) == 1


async def test_what_memory_did_not_take_it_takes_later_and_once(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    await moved(place, by_task(run)["a"]["event_id"], MONDAY + timedelta(days=2, hours=10))
    place.memory.down = True
    assert (await place.post("/sync", status=200))["remembered"] == 0
    place.memory.down = False
    assert (await place.post("/sync", status=200))["remembered"] == 1
    assert (await place.post("/sync", status=200))["remembered"] == 0
    assert len(told(place, "block_moved")) == 1


async def test_a_task_that_is_done_marks_its_events(place: Any) -> None:
    plan = await place.plan([1.0, 1.0])
    run = await place.post("/schedule", {"plan_id": str(plan)})
    task = f"plan:{plan}:1"
    await place.done(plan, task)
    report = await place.post("/sync", status=200)
    assert report["marked_done"] == 1
    assert (await place.calendar.event(by_task(run)[task]["event_id"])).is_done
    again = await place.post("/sync", status=200)
    assert (again["marked_done"], again["finished"], again["questions"]) == (0, 0, [])
    assert by_task(await current(place))[task]["done"]


async def test_a_calendar_that_does_not_answer_is_said_and_nothing_is_lost(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    await moved(place, by_task(run)["a"]["event_id"], MONDAY + timedelta(days=2, hours=10))
    answers = place.calendar.changes

    async def down(*_: Any) -> Any:
        raise Unavailable("The calendar server does not answer.")

    place.calendar.changes = down
    await place.post("/sync", status=503)
    place.calendar.changes = answers
    assert (await place.post("/sync", status=200))["moved"] == 1


async def test_another_client_sees_neither_the_question_nor_its_answer(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS, "client_id": "globex"})
    await place.calendar.delete(by_task(run)["b"]["event_id"])
    (question,) = (await place.post("/sync", status=200))["questions"]
    assert (await place.bound.post("/api/v1/scheduler/sync")).json()["questions"] == []
    refused = await place.bound.post(f"/api/v1/scheduler/questions/{question['question_id']}", json={"answer": "drop"})
    assert refused.status_code == 404


@pytest.mark.parametrize("mark", ["done", "title"])
async def test_an_event_can_be_marked_and_renamed_over_http(place: Any, mark: str) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    event_id = by_task(run)["a"]["event_id"]
    body = {"done": True} if mark == "done" else {"title": "Other"}
    answer = await place.http.patch(f"/api/v1/scheduler/events/{event_id}", json=body)
    assert answer.status_code == 200
    event = await place.calendar.event(event_id)
    assert event.is_done if mark == "done" else event.title == "Other"
    assert (await place.post("/sync", status=200))["questions"] == []


async def test_a_plan_scheduled_anew_asks_no_more_about_what_it_places(place: Any) -> None:
    plan = await place.plan([1.0, 1.0])
    run = await place.post("/schedule", {"plan_id": str(plan)})
    await place.calendar.delete(run["schedule_blocks"][0]["event_id"])
    await moved(place, run["schedule_blocks"][1]["event_id"], MONDAY + timedelta(days=2, hours=10))
    assert len((await place.post("/sync", status=200))["questions"]) == 1
    proposed = await place.post("/schedule", {"plan_id": str(plan), "dry_run": True})
    await place.post(f"/runs/{proposed['scheduler_run_id']}/apply", status=200)
    assert (await place.get("/questions"))["total"] == 0
    assert len(await place.events()) == 2


async def test_a_repair_proposed_before_a_hand_move_is_refused_after_it(place: Any) -> None:
    run = await place.post("/schedule", {"tasks": TASKS})
    proposed = await place.post("/reschedule", {"run_id": run["scheduler_run_id"], "dry_run": True})
    await moved(place, by_task(run)["a"]["event_id"], MONDAY + timedelta(days=2, hours=10))
    problem = await place.post(f"/runs/{proposed['scheduler_run_id']}/apply", status=409)
    assert "by hand" in problem["detail"]


def test_an_event_says_what_it_is_for() -> None:
    plan_id = UUID(int=7)
    metadata = {"time_zone": "Europe/Berlin", "plan_title": "Onboard Acme"}
    run = SchedulerRun(UUID(int=1), plan_id, "acme", "me", "proposed", MONDAY, (), metadata=metadata)
    block = {"event_id": "pm1", "task_id": "plan:7:1", "title": "Draft", "rationale": "Priority high.", "done": True}
    block |= {"start": MONDAY.isoformat(), "end": (MONDAY + timedelta(hours=1)).isoformat()}
    event = Look(reminders=(10,), color="skyblue", base_url="https://planner.example/").event(run, block)
    link = f"https://planner.example/api/v1/planner/plans/{plan_id}"
    assert event.description == f"Priority high.\n\nTask: plan:7:1\nPlan: Onboard Acme ({plan_id})\n{link}"
    assert dict(event.private) == {"task_id": "plan:7:1", "plan_id": str(plan_id), "run_id": str(run.id)}
    assert (event.link, event.reminders, event.color, event.is_done) == (link, (10,), "skyblue", True)
    plain = Look().event(replace(run, plan_id=None), block)
    assert (plain.link, plain.reminders, plain.color) == (None, None, None)
