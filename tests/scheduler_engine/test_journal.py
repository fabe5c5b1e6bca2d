"""The journal stands before the calendar is touched; the database forbids two blocks at one time; one process at a time writes."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.schedules import PostgresSchedules
from planner_memory.core.errors import Unavailable
from planner_memory.core.tenancy import spanning

TASKS = [{"task_id": n, "title": n, "estimated_minutes": 60} for n in "abcd"]
WRITES = "select w.*, j.purpose, j.state as journal_state from calendar_writes w join calendar_journal j on j.id = w.journal_id"
NINE = datetime(2027, 3, 15, 9, tzinfo=UTC)


async def rows(place: Any, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    with spanning("recovery"):
        async with place.database.begin() as tx:
            return [dict(r) for r in await (await tx._connection.execute(sql, parameters)).fetchall()]


async def add_live(dsn: str, run_id: Any, event_id: str, hour: int, *, person: str = "me", state: str = "placed", minutes: int = 60) -> None:
    start = NINE.replace(hour=hour)
    async with await psycopg.AsyncConnection.connect(dsn, options="-c planner.bypass=recovery") as connection:
        await connection.execute(
            "insert into live_blocks (event_id, run_id, person_id, task_id, starts_at, ends_at, state) values (%s, %s, %s, 't', %s, %s, %s)",
            (event_id, run_id, person, start, start + timedelta(minutes=minutes), state),
        )


async def test_the_database_forbids_two_live_blocks_of_one_person_at_one_time(place: Any, dsn: str) -> None:
    run = (await place.post("/schedule", {"tasks": TASKS[:1], "dry_run": True}))["scheduler_run_id"]
    await add_live(dsn, run, "pm1", 9)
    await add_live(dsn, run, "pm2", 10)  # back to back
    await add_live(dsn, run, "pm3", 9, person="someone else")
    await add_live(dsn, run, "pm4", 9, person="me ")  # another name is another person, to the last letter
    await add_live(dsn, run, "pm5", 9, state="contested")  # put there by hand
    for hour, minutes in ((9, 60), (8, 61), (9, 5), (8, 300)):
        with pytest.raises(psycopg.errors.ExclusionViolation):
            await add_live(dsn, run, "pm6", hour, minutes=minutes)


async def test_a_run_whose_time_another_has_taken_is_refused_and_nothing_is_written(place: Any, dsn: str) -> None:
    proposed = await place.post("/schedule", {"tasks": TASKS, "dry_run": True})
    other = await place.post("/schedule", {"tasks": TASKS[:1], "dry_run": True})
    start = datetime.fromisoformat(proposed["schedule_blocks"][2]["start"]).astimezone(UTC)
    await add_live(dsn, other["scheduler_run_id"], "pmother", start.hour)  # as another process does, of which the calendar shows nothing yet
    problem = await place.post(f"/runs/{proposed['scheduler_run_id']}/apply", status=409)
    assert "Another block of yours stands at one of these times" in problem["detail"]
    assert await place.events() == []
    assert (await place.get(f"/runs/{proposed['scheduler_run_id']}"))["status"] == "proposed"
    assert await rows(place, "select id from calendar_journal") == []


async def test_what_is_to_be_written_stands_in_the_journal_first(place: Any) -> None:
    before = await place.post("/schedule", {"tasks": TASKS})
    seen: list[list[dict[str, Any]]] = []
    original = place.calendar.put

    async def put(event: Any, **conditions: Any) -> Any:
        seen.append(await rows(place, WRITES + " where j.ended_at is null"))
        return await original(event, **conditions)

    place.calendar.put = put
    moved = before["schedule_blocks"][0]
    after = await place.post("/reschedule", {"run_id": before["scheduler_run_id"], "extra_busy": [{"start": moved["start"], "end": moved["end"]}]})
    (intended,) = seen[0]
    assert (intended["operation"], intended["state"], intended["purpose"], intended["journal_state"]) == ("update", "intended", "apply", "writing")
    assert intended["before"]["start"] == moved["start"]
    assert intended["wanted"]["start"] == next(b["start"] for b in after["schedule_blocks"] if b["event_id"] == moved["event_id"])
    assert str(intended["before_run_id"]) == before["scheduler_run_id"]
    ended = await rows(
        place, "select w.state, w.attempts, j.state as journal_state from calendar_writes w join calendar_journal j on j.id = w.journal_id"
    )
    assert {(r["state"], r["attempts"], r["journal_state"]) for r in ended} == {("written", 1, "kept")}


async def test_what_cannot_be_taken_back_now_is_taken_back_by_the_next_who_comes(place: Any) -> None:
    """The calendar goes away in the middle and stays away; the person was told that it failed, so it is not finished behind their back."""
    place.calendar.fail_at(3)

    async def away(*_: Any, **__: Any) -> Any:
        raise Unavailable("The calendar server does not answer.")

    place.calendar.event = away
    await place.post("/schedule", {"tasks": TASKS}, 503)
    assert len([e for e in await place.events() if e.is_own]) == 2
    del place.calendar.event
    place.calendar.heal()
    run = await place.post("/schedule", {"tasks": TASKS[:2]})
    assert {e.event_id for e in await place.events()} == {b["event_id"] for b in run["schedule_blocks"]}
    assert sorted(r["status"] for r in await rows(place, "select status from scheduler_runs")) == ["applied", "failed"]


async def test_one_process_at_a_time_holds_a_persons_calendar(dsn: str) -> None:
    databases = [Database(dsn), Database(dsn)]
    for each in databases:
        await each.open()
    one, other = (PostgresSchedules(each) for each in databases)
    order: list[str] = []

    async def waits() -> None:
        async with other.hold("me"):
            order.append("the other")

    async with one.hold("me"):
        waiting = asyncio.create_task(waits())
        async with other.hold("someone else"):
            order.append("somebody else's")
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            while True:
                found = await (await connection.execute("select count(*) from pg_locks where locktype = 'advisory' and not granted")).fetchone()
                if found == (1,):
                    break
                await asyncio.sleep(0.01)
        order.append("the one")
    await waiting
    assert order == ["somebody else's", "the one", "the other"]
    for each in databases:
        await each.close()


async def test_an_older_versions_unfinished_run_is_finished(place: Any) -> None:
    """What a version without a journal left in the middle."""
    run = await place.post("/schedule", {"tasks": TASKS, "dry_run": True})
    with spanning("recovery"):
        async with place.database.begin() as tx:
            await tx._connection.execute(
                "update scheduler_runs set metadata = metadata || '{\"applying\": true}' where id = %s", (run["scheduler_run_id"],)
            )
            sql = (Path(__file__).parents[2] / "migrations/140_calendar_journal.sql").read_text()
            await tx._connection.execute("reset role")
            await tx._connection.execute(sql[sql.index("insert into calendar_journal") :])
    assert await place.scheduler.recover() == 1
    assert (await place.get(f"/runs/{run['scheduler_run_id']}"))["status"] == "applied"
    assert len(await place.events()) == 4
