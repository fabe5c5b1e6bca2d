"""Whatever a person does in the calendar, and whenever it is read: in the end calendar and schedule say the same, and the person's hand wins."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.scheduler_engine.stands import NOW, SPRING, Stand, across_clients

from planner_memory.ports.calendar import CalendarEvent, NewEvent
from planner_memory.scheduler_engine.schemas import RescheduleIn, ScheduleIn
from planner_memory.scheduler_engine.service import Scheduler

FOUR = ScheduleIn.model_validate({"tasks": [{"task_id": f"t{n}", "title": f"Task {n}", "estimated_minutes": 60} for n in range(4)]})
WHICH = st.integers(0, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("move"), WHICH, st.integers(0, 4), st.integers(0, 20)),
        st.tuples(st.just("delete"), WHICH),
        st.tuples(st.just("mark"), WHICH),
        st.tuples(st.just("rename"), WHICH),
        st.tuples(st.just("sync")),
        st.tuples(st.just("reschedule")),
        st.tuples(st.just("forget the token")),
    ),
    min_size=2,
    max_size=9,
)


@dataclass
class Person:
    """What was done by hand, as the person remembers it: the last place and name of each block, and which are gone."""

    stand: Stand
    ids: list[str]
    at: dict[str, datetime] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    marked: set[str] = field(default_factory=set)

    async def does(self, step: tuple[Any, ...], scheduler: Scheduler) -> None:
        kind = step[0]
        if kind == "sync":
            await scheduler.sync()
        elif kind == "reschedule":
            await scheduler.reschedule(RescheduleIn(run_id=(await applied(scheduler)).id), clients=None)
        elif kind == "forget the token":
            async with self.stand.database.begin() as tx:
                await tx._connection.execute("delete from calendar_sync")
        else:
            event = await self.stand.direct.event(self.ids[step[1]])
            if event is not None:
                await self._by_hand(kind, event, step)

    async def _by_hand(self, kind: str, event: CalendarEvent, step: tuple[Any, ...]) -> None:
        if kind == "delete":
            await self.stand.direct.delete(event.event_id)
            self.gone.add(event.event_id)
            return
        start, title, is_done = event.start, event.title, event.is_done
        if kind == "move":
            start = NOW.replace(hour=9) + timedelta(days=step[2], minutes=30 * step[3])
            self.at[event.event_id] = start
        elif kind == "rename":
            title = self.names[event.event_id] = title + "!"
        else:
            is_done = True
            self.marked.add(event.event_id)
        length = event.end - event.start
        await self.stand.direct.put(
            NewEvent(event.event_id, title, start, start + length, "Europe/Berlin", event.description, dict(event.private), is_done)
        )


async def applied(scheduler: Scheduler) -> Any:
    return next(r for r in await scheduler.schedules(plan_id=None, clients=None, limit=50) if r.status == "applied")


async def converges(stand: Stand, steps: list[tuple[Any, ...]]) -> None:
    await stand.begin_anew()
    scheduler = await stand.fresh()
    run = await scheduler.schedule(FOUR, client="me", clients=None)
    person = Person(stand, [b["event_id"] for b in run.schedule_blocks])
    for step in steps:
        await person.does(step, scheduler)
    await scheduler.sync()
    again = await scheduler.sync()
    assert (list(again.pulled.changes), again.marked, list(again.proposed)) == ([], 0, [])
    blocks = {b["event_id"]: b for b in (await applied(scheduler)).schedule_blocks}
    events = {e.event_id: e for e in await stand.direct.events(SPRING, "Europe/Berlin")}
    assert set(events) == set(blocks) == set(person.ids) - person.gone
    for event_id, event in events.items():
        block = blocks[event_id]
        assert (event.start, event.end) == (datetime.fromisoformat(block["start"]), datetime.fromisoformat(block["end"]))
        assert (event.title, event.is_done) == (block["title"], bool(block.get("done")))
        assert event.start == person.at.get(event_id, event.start)
        assert event.title == person.names.get(event_id, event.title)
        assert event.is_done == (event_id in person.marked)
    async with stand.database.begin() as tx:
        rows = await (await tx._connection.execute("select event_id, starts_at, ends_at from live_blocks")).fetchall()
    assert {r["event_id"]: (r["starts_at"], r["ends_at"]) for r in rows} == {i: (e.start, e.end) for i, e in events.items()}
    asked = await scheduler.questions.open_ones(None)
    assert {q.event_id for q in asked if q.kind == "deleted"} == person.gone
    # each change is remembered once: no more sentences than deeds
    remembered = [m for m in scheduler._memory.remembered if m.event_type.startswith("block_")]  # type: ignore[attr-defined]
    assert len({(m.event_type, m.content) for m in remembered if m.event_type == "block_deleted"}) == len(person.gone)


@pytest.mark.timeout(600)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(steps=STEPS)
@across_clients
async def test_hand_edits_and_readings_in_any_order_end_in_the_same_state(stand: Stand, steps: list[tuple[Any, ...]]) -> None:
    await converges(stand, steps)
