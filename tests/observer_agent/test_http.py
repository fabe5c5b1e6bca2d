"""The observer through its HTTP face, on a real PostgreSQL."""

import asyncio
import itertools
from datetime import date, timedelta

import pytest
from psycopg.types.json import Jsonb
from tests.observer_agent.conftest import FRIDAY, Desk, busy_day
from tests.observer_agent.fakes import FakeJobs
from tests.observer_agent.rows import at

from planner_memory.core.profile import Profile
from planner_memory.observer_agent.checker import unsupported
from planner_memory.ports.calendar import CalendarEvent
from planner_memory.ports.workspace_records import ProcessTemplate, Workflow


async def test_a_day_is_counted_written_posted_and_remembered(desk: Desk) -> None:
    await busy_day(desk)
    made = await desk.reflect()
    counted = made["facts"]["rhythm"]
    assert (counted["tasks_completed"], counted["worked_hours"], counted["deep_work_hours"], counted["meeting_hours"]) == (2, 2.5, 2.0, 0.75)
    assert (counted["tasks_planned"], counted["planned_tasks_completed"], counted["completion_percent"]) == (2, 1, 50.0)
    assert made["facts"]["activity"] == {"events": 2, "by_type": {"note": 1, "task_created": 1}, "by_source": {"api": 1, "n8n": 1}}
    assert [t["title"] for t in made["facts"]["slipped"]] == ["Task d"]
    assert [t["title"] for t in made["facts"]["running"]] == ["Task c"]
    assert list(made["sections"]) == ["Summary", "Highlights", "Observations", "Tomorrow's Focus"]
    assert unsupported(made["content"], made["facts"]) == []
    assert (made["posted_to_workspace"], made["stored_in_memory"], made["warnings"]) == (True, True, [])
    assert made["period"] == {"start": "2026-11-19T18:00:00+01:00", "end": "2026-11-20T18:00:00+01:00", "time_zone": "Europe/Berlin"}
    assert [(mode, text) for mode, text, _ in await desk.thread()] == [("daily", made["content"])]
    assert await desk.sql("select event_type, memory_type, client_id, thread_id, content from events where event_source = 'observer-agent'") == [
        ("reflection", "episode", "me", "reflection:daily:2026-11-19T17:00:00+00:00", made["content"])
    ]


async def test_running_twice_updates_and_never_posts_twice(desk: Desk) -> None:
    await busy_day(desk)
    first = await desk.reflect()
    desk.clock.advance(minutes=2)
    again = await desk.reflect()
    assert (again["reflection_id"], again["content"]) == (first["reflection_id"], first["content"])
    await desk.run("2026-11-20 16:40", "2026-11-20 17:01", "late")
    changed = await desk.reflect()
    assert changed["reflection_id"] == first["reflection_id"]
    assert "Task late" in changed["content"]
    ((_, text, end),) = await desk.thread()
    assert (text, end) == (changed["content"], desk.clock.now)
    assert await desk.sql("select count(*) from events where event_type = 'reflection'") == [(2,)]  # one for each content


async def test_two_triggers_at_the_same_moment_are_one_reflection(desk: Desk) -> None:
    ticks = itertools.count()
    desk.observer._clock = lambda: FRIDAY + timedelta(milliseconds=next(ticks))
    first, second = await asyncio.gather(desk.reflect(), desk.reflect())
    assert first["reflection_id"] == second["reflection_id"]
    assert len(await desk.thread()) == 1


async def test_a_dated_day_and_week(desk: Desk) -> None:
    await busy_day(desk)
    day = await desk.reflect(date="2026-11-20")
    assert (day["period"]["start"], day["period"]["end"]) == ("2026-11-20T00:00:00+01:00", "2026-11-21T00:00:00+01:00")
    assert await desk.reflect(date="2026-11-20") == day
    week = await desk.reflect("weekly", date="2026-11-18")
    assert (week["period"]["start"], week["period"]["end"]) == ("2026-11-16T00:00:00+01:00", "2026-11-23T00:00:00+01:00")
    assert len(await desk.thread()) == 2
    assert "Task d" in week["content"]
    assert unsupported(week["content"], week["facts"]) == []


async def test_the_next_one_begins_where_the_last_ended(desk: Desk) -> None:
    first = await desk.reflect()
    desk.clock.advance(hours=3)
    second = await desk.reflect()
    assert second["period"]["start"] == first["period"]["end"]
    desk.clock.advance(days=3)
    third = await desk.reflect()
    assert third["period"]["start"] == "2026-11-22T21:00:00+01:00"  # at the most 24 hours
    assert len({first["reflection_id"], second["reflection_id"], third["reflection_id"]}) == 3


async def test_a_day_without_activity_says_so(desk: Desk) -> None:
    made = await desk.reflect()
    assert "Nothing was recorded" in made["content"]
    assert made["facts"]["activity"]["events"] == 0
    assert "Nothing was recorded" in (await desk.reflect())["content"]  # its own reflection is no activity


async def test_a_dry_run_leaves_nothing_behind(desk: Desk) -> None:
    made = await desk.reflect(dry_run="true")
    assert (made["posted_to_workspace"], made["stored_in_memory"]) == (False, False)
    assert await desk.thread() == []
    assert await desk.sql("select count(*) from events") == [(0,)]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("POST /reflect?mode=hourly", "mode"),
        ("POST /reflect", "mode"),
        ("POST /reflect?mode=daily&date=2026-13-01", "date"),
        ("POST /reflect?mode=daily&date=tomorrow", "date"),
        ("POST /reflect?mode=daily&date=2026-12-24", "date"),
        ("GET /facts?start=2026-11-20&end=2026-11-19", "end"),
        ("GET /facts?start=2026-11-20T10:00:00Z&end=2026-11-20T10:00:00Z", "end"),
        ("GET /facts?start=2020-01-01&end=2026-11-19", "end"),
        ("GET /facts?start=x&end=2026-11-19", "start"),
        ("GET /facts?end=2026-11-19", "start"),
        ("GET /reflections?limit=0", "limit"),
    ],
)
async def test_bad_requests_name_the_field(desk: Desk, path: str, field: str) -> None:
    method, url = path.split(" ")
    answer = await desk.http.request(method, f"/api/v1/observer{url}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_weekly_review_flags_drift_of_workflow_and_template(desk: Desk) -> None:
    for day in (16, 17, 18):
        await desk.run(
            f"2026-11-{day} 08:00", f"2026-11-{day} 11:00", f"w{day}", estimated_hours=2, workflow_id="ws:workflow-7", outcome_notes="Blocked by IT"
        )
        await desk.run(f"2026-11-{day} 12:00", f"2026-11-{day} 13:00", f"p{day}", estimated_hours=1.2, process_template_id="steady")
    made = await desk.reflect("weekly")
    section = made["sections"]["Pattern Performance"]
    assert "“ws:workflow-7” runs 50 % over its estimate; it took 9 h, estimated at 6 h, over 3 runs" in section
    assert "was blocked in 3 runs" in section
    assert "steady" not in section
    (found,) = made["facts"]["drift"]
    assert (found["direction"], found["drift_percent"], found["runs"], found["estimated_hours"]) == ("over", 50.0, 3, 6.0)
    assert unsupported(made["content"], made["facts"]) == []


async def test_workflows_bear_the_names_that_the_workspace_knows(desk: Desk) -> None:
    await desk.workspace.put([Workflow(id="ws:workflow-7", name="Site audit"), ProcessTemplate(id="ws:template-1", name="Kick-off")], None)
    for day in (16, 17, 18):
        await desk.run(
            f"2026-11-{day} 08:00",
            f"2026-11-{day} 11:00",
            f"w{day}",
            estimated_hours=2,
            workflow_id="workflow-7",
            process_template_id="ws:template-1",
        )
    made = await desk.reflect("weekly", dry_run="true")
    assert {found["name"] for found in made["facts"]["drift"]} == {"Site audit", "Kick-off"}
    assert "“Site audit” runs 50 % over its estimate" in made["sections"]["Pattern Performance"]
    desk.workspace.is_silent = True
    made = await desk.reflect("weekly", dry_run="true")
    assert {found["name"] for found in made["facts"]["drift"]} == {"workflow-7", "ws:template-1"}


async def test_runs_by_plain_sql_count_too(desk: Desk) -> None:
    """Older deployments write neither an end nor a person; n8n writes rows with the first columns alone."""
    for n in range(3):
        await desk.sql(
            "insert into execution_runs (run_type, workflow_id, task_id, started_at, actual_hours, estimated_hours)"
            " values ('Process', 'w', %s, %s, 4, 2)",
            f"t{n}",
            at("2026-11-18 08:00"),
        )
    made = await desk.reflect("weekly")
    assert made["facts"]["drift"][0]["name"] == "w"
    assert made["facts"]["running"] == []


async def test_the_sprint_is_compared_with_billable_runs(desk: Desk) -> None:
    await desk.schedule(("a", "2026-11-18 08:00", "2026-11-18 12:00"), billable=True)
    await desk.run("2026-11-18 08:00", "2026-11-18 10:00", "a", billable=True)
    await desk.run("2026-11-18 10:00", "2026-11-18 12:00", "b", billable=False)
    by_schedule = (await desk.reflect("weekly", dry_run="true"))["facts"]["sprint"]
    assert (by_schedule["source"], by_schedule["planned_billable_hours"], by_schedule["actual_billable_hours"]) == ("schedule", 4.0, 2.0)
    assert (by_schedule["share_percent"], by_schedule["billable_share_percent"]) == (50.0, 50.0)
    await desk.run("2026-11-10 08:00", "2026-11-10 14:00", "c", billable=True)
    await desk.sql("insert into sprints (name, starts_on, ends_on, planned_billable_hours) values ('Sprint 41', '2026-11-09', '2026-11-22', 32)")
    made = await desk.reflect("weekly")
    sprint = made["facts"]["sprint"]
    assert (sprint["source"], sprint["planned_billable_hours"], sprint["actual_billable_hours"]) == ("sprint", 32.0, 8.0)
    assert sprint["share_percent"] == 25.0
    assert "Sprint “Sprint 41”" in made["sections"]["Sprint"]
    assert unsupported(made["content"], made["facts"]) == []


async def test_the_trend_looks_back_four_weeks(desk: Desk) -> None:
    await desk.run("2026-11-18 08:00", "2026-11-18 12:00", "now")
    await desk.run("2026-11-11 08:00", "2026-11-11 10:00", "one week ago")
    await desk.run("2026-10-10 08:00", "2026-10-10 18:00", "long ago")
    trend = (await desk.reflect("weekly"))["facts"]["trend"]
    assert [w["worked_hours"] for w in trend["earlier_weeks"]] == [2.0, 0.0, 0.0, 0.0]
    assert (trend["average"]["weeks"], trend["average"]["worked_hours"]) == (1, 2.0)


async def test_of_several_runs_of_one_plan_the_newest_counts_and_undone_ones_do_not(desk: Desk) -> None:
    ((plan,),) = await desk.sql("insert into plans (plan_title, intent, sop) values ('P', 'i', '{}') returning id")
    await desk.schedule(("a", "2026-11-20 08:00", "2026-11-20 09:00"))
    await desk.schedule(("a", "2026-11-20 10:00", "2026-11-20 12:00"), status="undone")
    await desk.sql("update scheduler_runs set plan_id = %s", plan)
    await desk.schedule(("a", "2026-11-20 10:00", "2026-11-20 13:00"))
    await desk.sql("update scheduler_runs set plan_id = %s, created_at = created_at + interval '1 hour' where plan_id is null", plan)
    assert (await desk.reflect())["facts"]["rhythm"]["scheduled_hours"] == 3.0


async def test_a_calendar_that_does_not_answer_is_named(desk: Desk) -> None:
    desk.calendar.is_down = True
    made = await desk.reflect()
    assert made["facts"]["rhythm"]["meeting_hours"] is None
    assert "calendar did not answer" in made["content"]
    assert "calendar did not answer" in made["warnings"][0]
    assert made["posted_to_workspace"]


async def test_when_the_workspace_is_down_it_is_kept_and_posted_later_once(desk: Desk) -> None:
    desk.workspace.failures = 4
    made = await desk.reflect(status=207)
    assert desk.waited == [2, 4, 8]
    assert (made["posted_to_workspace"], made["stored_in_memory"]) == (False, True)
    assert "posted later" in made["warnings"][-1]
    assert await desk.thread() == []
    assert await desk.sql("select count(*) from events where event_type = 'reflection_pending_post'") == [(1,)]
    desk.clock.advance(minutes=15)
    await desk.jobs.handlers["observer_post_pending"]()
    await desk.jobs.handlers["observer_post_pending"]()
    assert [text for _, text, _ in await desk.thread()] == [made["content"]]
    assert desk.workspace.posts == 1


async def test_a_kept_reflection_gives_way_to_a_newer_one(desk: Desk) -> None:
    desk.workspace.failures = 4
    await desk.reflect(status=207)
    desk.clock.advance(minutes=1)
    await desk.run("2026-11-20 08:00", "2026-11-20 10:00", "a")
    newer = await desk.reflect()
    await desk.jobs.handlers["observer_post_pending"]()
    assert [text for _, text, _ in await desk.thread()] == [newer["content"]]


async def test_a_short_outage_is_waited_out(desk: Desk) -> None:
    desk.workspace.failures = 2
    assert (await desk.reflect())["posted_to_workspace"]
    assert desk.waited == [2, 4]


async def test_without_the_gateway_it_is_posted_and_remembered_by_a_job(desk: Desk) -> None:
    desk.memory.is_down = True
    made = await desk.reflect()
    assert (made["posted_to_workspace"], made["stored_in_memory"]) == (True, False)
    assert "stored there later" in made["warnings"][0]
    ((name, arguments),) = desk.jobs.deferred
    desk.memory.is_down = False
    await desk.jobs.handlers[name](**arguments)
    assert await desk.sql("select content from events where event_type = 'reflection'") == [(made["content"],)]


async def test_clients_are_kept_apart_when_one_is_asked_for(desk: Desk) -> None:
    await desk.run("2026-11-20 08:00", "2026-11-20 10:00", "a", client_id="acme")
    await desk.run("2026-11-20 11:00", "2026-11-20 12:00", "g", client_id="globex")
    whole = await desk.reflect()
    assert whole["facts"]["rhythm"]["worked_hours"] == 3.0
    one = await desk.reflect(client_id="acme")
    assert one["facts"]["rhythm"]["worked_hours"] == 2.0
    assert "Task g" not in one["content"]
    assert one["reflection_id"] != whole["reflection_id"]
    desk.http.headers["Authorization"] = "Bearer k2"
    bound = await desk.reflect()
    assert bound["reflection_id"] == one["reflection_id"]
    assert "Task g" not in bound["content"]
    await desk.reflect(status=403, client_id="globex")
    listed = (await desk.http.get("/api/v1/observer/reflections")).json()
    assert [r["client_id"] for r in listed["reflections"]] == ["acme"]
    desk.http.headers["Authorization"] = "Bearer k3"
    assert "client_id" in (await desk.reflect(status=422))["errors"][0]["field"]


async def test_reflections_are_listed_latest_first(desk: Desk) -> None:
    await desk.reflect()
    await desk.reflect("weekly")
    desk.clock.advance(hours=5)
    last = await desk.reflect()
    listed = (await desk.http.get("/api/v1/observer/reflections", params={"mode": "daily"})).json()
    assert (listed["total"], listed["reflections"][0]["reflection_id"]) == (2, last["reflection_id"])
    assert listed["reflections"][0]["thread_on"] == "2026-11-20"
    assert (await desk.http.get("/api/v1/observer/reflections", params={"limit": 1})).json()["total"] == 1


async def test_facts_of_a_window(desk: Desk) -> None:
    await busy_day(desk)
    answer = (await desk.http.get("/api/v1/observer/facts", params={"start": "2026-11-20", "end": "2026-11-20"})).json()
    assert answer["period"]["end"] == "2026-11-21T00:00:00+01:00"
    assert answer["facts"]["rhythm"]["worked_hours"] == 2.5
    half = {"start": "2026-11-20T08:00:00Z", "end": "2026-11-20T09:00:00Z"}
    assert (await desk.http.get("/api/v1/observer/facts", params=half)).json()["facts"]["rhythm"]["worked_hours"] == 1.0


async def test_the_brief_of_the_morning(desk: Desk) -> None:
    await busy_day(desk)
    desk.clock.now = at("2026-11-21 06:00")
    steps = {"checklist": [{"task_id": "a"}, {"task_id": "z"}]}
    await desk.plan("Onboard", steps, deadline="2026-11-23 23:00", made="2026-11-18 09:00")
    await desk.sql(
        "insert into schedule_questions (id, question_key, run_id, kind, task_id, details, asked_at)"
        " select gen_random_uuid(), 'k', id, 'deleted', 'd', %s, now() from scheduler_runs limit 1",
        Jsonb({"says": "Removed the block 'Task d' of Friday from the calendar."}),
    )
    brief = (await desk.http.get("/api/v1/observer/brief")).json()
    assert brief["questions"] == ["Removed the block 'Task d' of Friday from the calendar."]
    assert "## Needs your answer\n\n- Removed the block 'Task d'" in brief["content"]
    assert brief["brief_on"] == "2026-11-21"
    assert [(item["title"], item["is_own"]) for item in brief["agenda"]] == [("Task e", True)]
    assert brief["scheduled_hours"] == 1.0
    assert [s["title"] for s in brief["slipped"]] == ["Task d"]
    assert [(p["title"], p["steps"], p["steps_open"], p["due_on"]) for p in brief["at_risk"]] == [("Onboard", 2, 1, "2026-11-23")]
    assert "10:00–11:00 Task e" in brief["content"]
    assert "1 step of 2 is open" in brief["content"]
    await desk.run("2026-11-21 06:05", "2026-11-21 06:50", "e")
    desk.clock.now = at("2026-11-21 06:55")
    brief = (await desk.http.get("/api/v1/observer/brief")).json()
    assert brief["agenda"][0]["is_done"]
    assert "10:00–11:00 Task e (done)" in brief["content"]


async def test_what_was_due_is_told_as_it_was_known_at_the_end_of_that_day(desk: Desk) -> None:
    await busy_day(desk)
    deadline = "2026-11-23 15:00"
    two, three = ({"checklist": [{"task_id": "a"}, *({"task_id": f"z{n}"} for n in range(more))]} for more in (1, 2))
    await desk.plan("Later", two, deadline=deadline, made="2026-11-21 09:00")
    await desk.plan("Closed since", two, deadline=deadline, made="2026-11-17 09:00", status="completed", changed="2026-11-23 12:00")
    await desk.plan("Closed before", two, deadline=deadline, made="2026-11-17 09:00", status="completed", changed="2026-11-19 12:00")
    revised = await desk.plan("Grown", three, deadline=deadline, made="2026-11-17 09:00", changed="2026-11-22 12:00")
    await desk.sql(
        "insert into plan_revisions (plan_id, revision, plan_title, sop, client_id, replaced_at) values (%s, 1, 'Small', %s, 'me', %s)",
        revised,
        Jsonb(two),
        at("2026-11-22 12:00"),
    )
    late = [{"task_id": "a", "start": "2026-11-24T09:00:00Z", "end": "2026-11-24T10:00:00Z"}]
    await desk.sql(
        "insert into scheduler_runs (plan_id, schedule_blocks, client_id, status, created_at) values (%s, %s, 'me', 'applied', %s)",
        revised,
        Jsonb(late),
        at("2026-11-22 12:00"),
    )
    desk.clock.now = at("2026-11-25 09:00")

    async def due(day: str) -> list[tuple[str, int, int, bool]]:
        found = (await desk.reflect(date=day, dry_run="true"))["facts"]["due"]
        return sorted((plan["title"], plan["steps"], plan["steps_open"], plan["ends_after_deadline"]) for plan in found)

    assert await due("2026-11-20") == [("Closed since", 2, 1, False), ("Small", 2, 1, False)]
    assert await due("2026-11-22") == [("Closed since", 2, 1, False), ("Grown", 3, 2, True), ("Later", 2, 1, False)]
    assert await due("2026-11-23") == [("Grown", 3, 2, True), ("Later", 2, 1, False)]


async def test_a_streak_goes_over_days_off(desk: Desk) -> None:
    """9 November is a holiday by the profile's single days, the 11th one of the country's, and the 12th stands in the calendar."""
    for day in (6, 10, 13, 16):
        await desk.run(f"2026-11-{day:02} 08:00", f"2026-11-{day:02} 10:00", f"t{day}")

    async def streak() -> tuple[int, int]:
        found = (await desk.reflect(date="2026-11-16", dry_run="true"))["facts"]["streaks"]
        return found["completed_task_days"], found["deep_work_days"]

    assert await streak() == (2, 2)
    desk.calendar.all.append(CalendarEvent("v", "Away", at("2026-11-11 23:00"), at("2026-11-12 23:00"), is_all_day=True))
    assert await streak() == (2, 2)
    exceptions = {date(2026, 11, 9): ()}
    await desk.profiles.save_profile(Profile(time_zone="Europe/Berlin", exceptions=exceptions, holidays_country="FR", confirmed=True))
    assert await streak() == (4, 4)
    await desk.run("2026-11-15 18:00", "2026-11-15 18:20", "sunday")
    assert await streak() == (5, 4)  # welcome on a day off, and no break where it was short


async def test_health_says_what_answers(desk: Desk) -> None:
    healthy = (await desk.http.get("/health")).json()
    assert healthy["dependencies"] == {"postgres": "up", "memory_gateway": "up", "calendar": "up", "workspace": "up", "llm": "off"}
    desk.memory.is_down = desk.calendar.is_down = True
    degraded = await desk.http.get("/health")
    assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")


async def test_the_timer_makes_each_due_reflection_once_and_catches_up_once(desk: Desk) -> None:
    when_due = desk.jobs.handlers["observer_reflect_when_due"]
    assert desk.jobs.crons["observer_reflect_when_due"] == "*/15 * * * *"
    for _ in range(3):  # Friday 18:00, 18:15 and 18:30
        await when_due()
        desk.clock.advance(minutes=15)
    assert sorted(mode for mode, _, _ in await desk.thread()) == ["daily", "weekly"]
    desk.clock.now = at("2026-11-23 08:00")  # down over Saturday and Sunday evening
    await when_due()
    await when_due()
    assert sorted(mode for mode, _, _ in await desk.thread()) == ["daily", "daily", "weekly"]


async def test_somebody_else_s_clock_may_own_the_evening(desk: Desk) -> None:
    """With n8n as the trigger the service's own one is not there; the pending posts and the brief are."""
    jobs = FakeJobs()
    desk.observer._makes_when_due = False
    desk.observer.register_jobs(jobs)
    assert "observer_reflect_when_due" not in jobs.handlers
    assert {"observer_post_pending", "observer_brief_when_due"} <= set(jobs.handlers)
    await asyncio.gather(desk.reflect(), desk.reflect())  # two workflows that fire at once are one reflection all the same
    assert len(await desk.thread()) == 1


async def test_no_key_no_answer(desk: Desk) -> None:
    for method, path in (("POST", "reflect?mode=daily"), ("GET", "reflections"), ("GET", "facts?start=2026-11-20&end=2026-11-20"), ("GET", "brief")):
        assert (await desk.http.request(method, f"/api/v1/observer/{path}", headers={"Authorization": ""})).status_code == 401
