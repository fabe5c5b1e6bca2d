"""A plan that is scheduled anew leaves what a person has moved by hand."""

from datetime import datetime, timedelta
from typing import Any

from tests.scheduler_engine.conftest import NOW

TUESDAY = NOW + timedelta(days=1)  # 08:00 in Berlin, before working hours


def by_step(run: dict[str, Any]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for block in run["schedule_blocks"]:
        found.setdefault(int(block["task_id"].rsplit(":", 1)[1]), []).append(block)
    return found


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


async def moved(place: Any, block: dict[str, Any], to: datetime) -> dict[str, Any]:
    answer = await place.http.patch(f"/api/v1/scheduler/events/{block['event_id']}", json={"start": to.isoformat()})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_blocks_moved_by_hand_stay_and_the_rest_is_placed_round_them(place: Any) -> None:
    plan_id = str(await place.plan([1, 1, 1]))
    first = await place.post("/schedule", {"plan_id": plan_id})
    pinned = await moved(place, by_step(first)[2][0], TUESDAY)
    second = await place.post("/schedule", {"plan_id": plan_id})
    steps = by_step(second)
    assert steps[2] == [pinned]
    assert at(steps[1][0]["end"]) <= at(pinned["start"])
    assert at(steps[3][0]["start"]) >= at(pinned["end"])
    assert any("stays where you put it" in w for w in second["warnings"])
    events = {e.event_id: e.start for e in await place.events()}
    assert events == {b["event_id"]: at(b["start"]) for b in second["schedule_blocks"]}
    third = await place.post("/schedule", {"plan_id": plan_id})
    assert by_step(third)[2] == [pinned]


async def test_of_a_task_in_pieces_the_moved_one_stays_and_the_others_add_up_to_the_rest(place: Any) -> None:
    plan_id = str(await place.plan([5]))
    first = await place.post("/schedule", {"plan_id": plan_id})
    assert len(first["schedule_blocks"]) == 3
    pinned = await moved(place, first["schedule_blocks"][1], TUESDAY - timedelta(hours=2))
    second = await place.post("/schedule", {"plan_id": plan_id})
    assert pinned in second["schedule_blocks"]
    assert sum((at(b["end"]) - at(b["start"]) for b in second["schedule_blocks"]), timedelta()) == timedelta(hours=5)


async def test_a_plan_whose_every_block_was_moved_keeps_them_all(place: Any) -> None:
    plan_id = str(await place.plan([1]))
    first = await place.post("/schedule", {"plan_id": plan_id})
    pinned = await moved(place, first["schedule_blocks"][0], TUESDAY)
    second = await place.post("/schedule", {"plan_id": plan_id})
    assert (second["schedule_blocks"], second["unscheduled"]) == ([pinned], [])


async def test_what_the_request_itself_places_moves(place: Any) -> None:
    plan_id = str(await place.plan([1]))
    first = await place.post("/schedule", {"plan_id": plan_id})
    task_id = first["schedule_blocks"][0]["task_id"]
    await moved(place, first["schedule_blocks"][0], TUESDAY)
    wanted = TUESDAY + timedelta(hours=4)
    task = {"task_id": task_id, "title": "Step 1", "estimated_hours": 1, "fixed_start": wanted.isoformat()}
    second = await place.post("/schedule", {"plan_id": plan_id, "tasks": [task]})
    assert [at(b["start"]) for b in second["schedule_blocks"]] == [wanted]
    dry = await place.post("/schedule", {"plan_id": plan_id, "tasks": [task], "dry_run": True})
    assert (await place.post(f"/runs/{dry['scheduler_run_id']}/apply", status=200))["status"] == "applied"


async def test_a_proposal_made_before_a_block_was_moved_is_not_applied_over_it(place: Any) -> None:
    plan_id = str(await place.plan([1, 1]))
    first = await place.post("/schedule", {"plan_id": plan_id})
    dry = await place.post("/schedule", {"plan_id": plan_id, "dry_run": True})
    await moved(place, by_step(first)[2][0], TUESDAY)
    problem = await place.post(f"/runs/{dry['scheduler_run_id']}/apply", status=409)
    assert "by hand" in problem["detail"]
    again = await place.post("/schedule", {"plan_id": plan_id, "dry_run": True})
    assert (await place.post(f"/runs/{again['scheduler_run_id']}/apply", status=200))["status"] == "applied"
