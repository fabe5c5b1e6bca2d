"""Calendar and workspace as sources: what is done there counts, and one that is silent is named."""

from datetime import date
from zoneinfo import ZoneInfo

from tests.observer_agent.conftest import Desk, busy_day
from tests.observer_agent.rows import at, between

from planner_memory.observer_agent.sources import finished_in, stale
from planner_memory.ports.calendar import CalendarEvent
from planner_memory.ports.facts import LastEntry
from planner_memory.ports.workspace_records import Sprint, Task

BERLIN = ZoneInfo("Europe/Berlin")


def own(event_id: str, start: str, end: str, task: str, *, is_done: bool) -> CalendarEvent:
    return CalendarEvent(event_id, "Block", at(start), at(end), private={"run_id": "1", "task_id": task}, is_done=is_done)


def test_a_task_is_finished_when_all_its_blocks_bear_the_mark() -> None:
    calendar = [
        own("a1", "2026-11-20 08:00", "2026-11-20 09:00", "a", is_done=True),
        own("a2", "2026-11-20 10:00", "2026-11-20 11:00", "a", is_done=False),
        own("b1", "2026-11-20 08:00", "2026-11-20 09:00", "b", is_done=True),
        own("c1", "2026-11-21 08:00", "2026-11-21 09:00", "c", is_done=True),
    ]
    assert finished_in(calendar, at("2026-11-20 23:00")) == {"b"}
    assert finished_in(None, at("2026-11-20 23:00")) == frozenset()


async def test_a_block_ticked_off_in_the_calendar_is_done(desk: Desk) -> None:
    await desk.schedule(("d", "2026-11-20 12:00", "2026-11-20 13:00"))
    assert (await desk.reflect(dry_run="true"))["facts"]["rhythm"]["planned_tasks_completed"] == 0
    desk.calendar.all.append(own("e-d", "2026-11-20 12:00", "2026-11-20 13:00", "d", is_done=True))
    made = await desk.reflect()
    assert made["facts"]["rhythm"]["planned_tasks_completed"] == 1
    assert made["facts"]["slipped"] == []


async def test_tasks_of_the_workspace_count(desk: Desk) -> None:
    await desk.schedule(("ws:t1", "2026-11-20 12:00", "2026-11-20 13:00"))
    tasks = [
        Task(id="ws:t1", name="Draft the offer", status="done"),
        Task(id="ws:t2", name="Get access", status="blocked"),
        Task(id="ws:t3", name="Write", status="open"),
        Task(id="ws:t4", name="Dropped", status="cancelled"),
    ]
    await desk.workspace.put(tasks, None)
    made = await desk.reflect()
    assert made["facts"]["tasks"] == {"source": "workspace", "open_tasks": 2, "blocked_tasks": 1, "blocked": ["Get access"]}
    assert made["facts"]["rhythm"]["planned_tasks_completed"] == 1
    assert "“Get access”" in made["sections"]["Observations"]


async def test_a_workspace_that_does_not_answer_is_named(desk: Desk) -> None:
    await busy_day(desk)
    desk.workspace.is_silent = True
    made = await desk.reflect()
    assert made["facts"]["tasks"]["source"] == "schedule"
    assert "The workspace did not answer" in made["content"]
    assert any("The workspace did not answer" in warning for warning in made["warnings"])


async def test_a_sprint_of_the_workspace_is_compared_with_what_was_billed(desk: Desk) -> None:
    await desk.workspace.put(
        [Sprint(id="ws:s1", name="Sprint 9", starts_on=date(2026, 11, 16), ends_on=date(2026, 11, 27), planned_billable_hours=10)], None
    )
    await desk.run("2026-11-18 08:00", "2026-11-18 12:00", "a", billable=True)
    sprint = (await desk.reflect("weekly"))["facts"]["sprint"]
    assert (sprint["source"], sprint["name"], sprint["planned_billable_hours"], sprint["actual_billable_hours"]) == ("sprint", "Sprint 9", 10.0, 4.0)


def test_a_source_that_fell_silent_is_named_with_its_last_day() -> None:
    day = between("2026-11-19 23:00", "2026-11-20 23:00")
    entries = [
        LastEntry("n8n", at("2026-11-16 10:00")),
        LastEntry("mail", at("2026-11-20 10:00")),
        LastEntry("old", at("2026-10-01 10:00")),
        LastEntry("planner-engine", at("2026-11-16 10:00")),
    ]
    assert stale(entries, day, BERLIN) == ("Nothing has come from “n8n” since Monday 16 November; what it should have told is missing here.",)


async def test_a_stale_source_is_in_the_reflection(desk: Desk) -> None:
    await busy_day(desk)
    await desk.sql("update events set occurred_at = %s where event_source = 'n8n'", at("2026-11-15 10:00"))
    made = await desk.reflect()
    assert "Nothing has come from “n8n” since Sunday 15 November" in made["sections"]["Observations"]
