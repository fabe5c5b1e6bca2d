"""The calendar's server is cut at every request of a ten-block run, and the process ends there: all of the run stands afterwards, or none of it."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from tests.fakes.cutting_proxy import When
from tests.scheduler_engine.stands import Stand, across_clients

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.scheduler_engine.schemas import RescheduleIn, ScheduleIn

pytestmark = pytest.mark.timeout(600)  # some thirty runs each
TEN = ScheduleIn.model_validate({"tasks": [{"task_id": f"t{n}", "title": f"Task {n}", "estimated_minutes": 60} for n in range(10)]})


async def ended(stand: Stand) -> dict[str, Any]:
    """What stands after the next start."""
    await (await stand.fresh()).recover()
    return await stand.agrees()


@across_clients
async def test_a_run_that_is_cut_anywhere_stands_as_a_whole_or_not_at_all(stand: Stand) -> None:
    for when in stand.cuts:
        outcomes = []
        request = 1
        await stand.begin_anew()
        while await stand.killed_at(request, when, lambda s: s.schedule(TEN, client="me", clients=None)):
            found = await ended(stand)
            assert len(found) in (0, 10)
            outcomes.append(len(found))
            await stand.begin_anew()
            request += 1
        assert len(await stand.agrees()) == 10  # the one that was not cut
        assert {0, 10} <= set(outcomes)


async def applied(stand: Stand) -> Any:
    return next((r for r in await (await stand.fresh()).schedules(plan_id=None, clients=None, limit=200) if r.status == "applied"), None)


async def reschedule_and_undo_cut(stand: Stand, when: When) -> None:
    await stand.begin_anew()
    run = await (await stand.fresh()).schedule(TEN, client="me", clients=None)
    busy = [{"start": b["start"], "end": b["end"]} for b in run.schedule_blocks[:3]]
    body = RescheduleIn.model_validate({"run_id": str(run.id), "extra_busy": busy})
    newest, request = run, 1
    while newest.id == run.id and await stand.killed_at(request, when, lambda s: s.reschedule(body, clients=None)):
        assert len(await ended(stand)) == 10
        newest, request = await applied(stand), request + 1
    newest, request = await applied(stand), 1
    assert newest.id != run.id
    while await applied(stand) and await stand.killed_at(request, when, lambda s: s.undo(newest.id, clients=None)):
        assert len(await ended(stand)) in (0, 10)
        request += 1
    assert await stand.agrees() == {}


@across_clients
async def test_a_reschedule_or_an_undo_that_is_cut_anywhere_is_ended(stand: Stand) -> None:
    for when in stand.cuts:
        await reschedule_and_undo_cut(stand, when)


@across_clients
async def test_an_answer_that_is_lost_does_not_double_a_block(stand: Stand) -> None:
    """The process lives on, and asks again for what it got no answer to."""
    request, was_cut = 1, True
    while was_cut:
        await stand.begin_anew()
        stand.proxy.cut_at(request, "after", at_once=True)
        with suppress(PlannerMemoryError):
            await (await stand.fresh()).schedule(TEN, client="me", clients=None)
        was_cut = stand.proxy.has_cut
        stand.proxy.heal()
        assert len(await ended(stand)) in (0, 10)
        request += 3
    assert len(await stand.agrees()) == 10


@across_clients
async def test_a_run_applied_twenty_times_stands_once(stand: Stand) -> None:
    scheduler = await stand.fresh()
    proposed = await scheduler.schedule(TEN.model_copy(update={"dry_run": True}), client="me", clients=None)
    others = [await stand.fresh() for _ in range(3)]  # as in several processes
    asked = [(scheduler, *others)[n % 4].apply(proposed.id, clients=None) for n in range(20)]
    answers = await asyncio.gather(*asked)
    assert {a.status for a in answers} == {"applied"}
    assert len(await stand.agrees()) == 10
