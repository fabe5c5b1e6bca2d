"""The calendar failing, and the process dying, at any write: nothing half-done stays."""

import sys
from typing import Any

import pytest

TASKS = [{"task_id": n, "title": n, "estimated_minutes": 60} for n in "abcd"]


@pytest.mark.parametrize("write", [1, 3, 4])
async def test_a_write_that_fails_for_good_takes_the_others_back(place: Any, write: int) -> None:
    place.calendar.fail_at(write)
    problem = await place.post("/schedule", {"tasks": TASKS}, 502)
    assert set(problem["failed_tasks"]) <= set("abcd")
    assert problem["failed_tasks"]
    assert await place.events() == []
    assert (await place.get(f"/runs/{problem['scheduler_run_id']}"))["status"] == "failed"
    place.calendar.heal()
    assert (await place.post("/schedule", {"tasks": TASKS}))["status"] == "applied"


@pytest.mark.parametrize("write", [1, 3])
async def test_a_crash_in_the_middle_is_finished_on_the_next_start(place: Any, write: int) -> None:
    killed = sys.modules["scheduler_fakes"].Killed
    place.calendar.fail_at(write, dies=True)
    with pytest.raises(killed):
        await place.post("/schedule", {"tasks": TASKS})
    run = (await place.get("/schedules"))["schedules"][0]
    assert run["status"] == "proposed"
    place.calendar.heal()
    assert await place.scheduler.recover() == 1
    assert (await place.get(f"/runs/{run['scheduler_run_id']}"))["status"] == "applied"
    assert {e.event_id for e in await place.events()} == {b["event_id"] for b in run["schedule_blocks"]}
    assert await place.scheduler.recover() == 0


async def test_a_reschedule_that_fails_leaves_the_old_schedule_as_it_was(place: Any) -> None:
    before = await place.post("/schedule", {"tasks": TASKS})
    was = {e.event_id: e.start for e in await place.events()}
    busy = [{"start": b["start"], "end": b["end"]} for b in before["schedule_blocks"][:2]]
    place.calendar.fail_at(2)
    # the second write fails once, then the calendar answers again, so that the first can be put back
    original = place.calendar.put

    async def put(event: Any, **conditions: Any) -> Any:
        try:
            return await original(event, **conditions)
        except Exception:
            failures.append(event.event_id)
            if len(failures) == 2:
                place.calendar.heal()
            raise

    failures: list[str] = []
    place.calendar.put = put
    await place.post("/reschedule", {"run_id": before["scheduler_run_id"], "extra_busy": busy}, 502)
    assert {e.event_id: e.start for e in await place.events()} == was
    assert (await place.get(f"/runs/{before['scheduler_run_id']}"))["status"] == "applied"
