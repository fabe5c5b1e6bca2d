"""A simulated month: the numbers of its reflections, counted again from the raw rows by other means."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.rows import dict_row

from planner_memory.cli.calls import Api
from planner_memory.cli.runtime import in_process
from planner_memory.cli.simulate import lived
from planner_memory.observer_agent.checker import unsupported
from planner_memory.settings import Settings

TZ = ZoneInfo("Europe/Berlin")
SUNDAY = date(2026, 11, 8)  # the clocks went back a fortnight before
MINUTE = timedelta(minutes=1)


def minutes_of(day: date) -> list[datetime]:
    """Every minute of the local day."""
    start = datetime(day.year, day.month, day.day, tzinfo=TZ).astimezone(UTC)
    after = day + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=TZ).astimezone(UTC)
    return [start + n * MINUTE for n in range((end - start) // MINUTE)]


def recounted(
    days: Sequence[date], runs: list[dict[str, Any]], blocks: list[dict[str, Any]], meetings: Any, events: list[datetime]
) -> dict[str, Any]:
    """Minute by minute, with sets."""
    clock = [minute for day in days for minute in minutes_of(day)]
    start, end = clock[0], clock[-1] + MINUTE
    ended = [r for r in runs if start < r["ended_at"] <= end]
    met = {minute for minute in clock if any(a <= minute < b for a, b in meetings)}
    deep: set[datetime] = set()
    for task in {r["task_id"] for r in runs}:
        at_it = {m for m in clock if any(r["task_id"] == task and r["started_at"] <= m < r["ended_at"] for r in runs)} - met
        for minute in at_it:
            if minute - MINUTE not in at_it:
                stretch = [minute]
                while stretch[-1] + MINUTE in at_it:
                    stretch.append(stretch[-1] + MINUTE)
                deep |= set(stretch) if len(stretch) >= 60 else set()

    def worked(run: dict[str, Any]) -> int:
        """What of its hours the clock saw: a run past midnight is work of both days."""
        minutes = (run["ended_at"] - run["started_at"]) // MINUTE
        return round(run["actual_hours"] * 60 * sum(run["started_at"] <= m < run["ended_at"] for m in clock) / minutes)

    switches = 0
    for day in days:
        of_day = [r["task_id"] for r in sorted(runs, key=lambda r: r["started_at"]) if r["started_at"].astimezone(TZ).date() == day]
        switches += sum(a != b for a, b in pairwise(of_day))
    planned = {b["task_id"] for b in blocks if start < b["end"] <= end}
    done = {r["task_id"] for r in runs if r["ended_at"] <= end} & planned
    return {
        "runs": len(ended),
        "worked_hours": sum(worked(r) for r in runs),
        "deep_work_hours": len(deep),
        "meetings": sum(a < end and b > start for a, b in meetings),
        "meeting_hours": len(met),
        "scheduled_hours": len({m for m in clock if any(b["start"] <= m < b["end"] for b in blocks)}),
        "tasks_completed": len({r["task_id"] for r in ended}),
        "tasks_planned": len(planned),
        "planned_tasks_completed": len(done),
        "completion_percent": round(100 * len(done) / len(planned), 1) if planned else None,
        "context_switches": switches,
        "events": sum(start <= e < end for e in events),
    }


def stated(facts: dict[str, Any]) -> dict[str, Any]:
    rhythm = {**facts["rhythm"], "events": facts["activity"]["events"]}
    return {k: round(v * 60) if k.endswith("_hours") else v for k, v in rhythm.items()}


@pytest.mark.timeout(400)
async def test_a_month_s_reflections_say_what_the_rows_say(dsn: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=dsn, time_zone="Europe/Berlin", log_level="error", _env_file=None)  # type: ignore[call-arg]
    async with in_process(settings) as http:
        api = Api(http)
        story = await lived(api, TZ, SUNDAY, 4, 7, "simulated")
        days = [story.first + timedelta(days=7 * week + day) for week in range(4) for day in range(5)]
        dailies = [await api.post("/api/v1/observer/reflect", query={"mode": "daily", "date": day.isoformat()}) for day in days]
        mondays = [story.first + timedelta(days=7 * week) for week in range(4)]
        weeklies = [await api.post("/api/v1/observer/reflect", query={"mode": "weekly", "date": monday.isoformat()}) for monday in mondays]
        async with await psycopg.AsyncConnection.connect(dsn, row_factory=dict_row) as connection:
            runs = await (await connection.execute("select task_id, started_at, ended_at, actual_hours from execution_runs")).fetchall()
            tables = await (await connection.execute("select schedule_blocks from scheduler_runs where status = 'applied'")).fetchall()
            own = ["reflection", "insight"]
            events = await (await connection.execute("select occurred_at from events where not event_type = any(%s)", (own,))).fetchall()
            (posted,) = await (await connection.execute("select count(*) from daily_thread")).fetchall()
    blocks = [
        {"task_id": b["task_id"], "start": datetime.fromisoformat(b["start"]), "end": datetime.fromisoformat(b["end"])}
        for table in tables
        for b in table["schedule_blocks"]
    ]
    moments = [e["occurred_at"] for e in events]
    assert posted["count"] == 24
    assert len(runs) > 30
    for made, period in [
        *zip(dailies, [[d] for d in days], strict=True),
        *zip(weeklies, [[m + timedelta(days=n) for n in range(7)] for m in mondays], strict=True),
    ]:
        again = recounted(period, runs, blocks, story.meetings, moments)
        said = stated(made["facts"])
        assert {k: said[k] for k in again} == again, period[0]
        assert said["worked_hours"] == said["billable_hours"] + said["not_billable_hours"] + said["unmarked_hours"]
        wrong = unsupported(made["content"], made["facts"])
        assert [made["content"][max(0, m.start - 80) : m.end + 40] for m in wrong] == []
    whole_weeks = [recounted([m + timedelta(days=n) for n in range(7)], runs, blocks, story.meetings, moments) for m in mondays]
    average = weeklies[3]["facts"]["trend"]["average"]
    assert round(average["worked_hours"] * 60) == round(sum(w["worked_hours"] for w in whole_weeks[:3]) / 3)
    assert average["tasks_completed"] == round(sum(w["tasks_completed"] for w in whole_weeks[:3]) / 3, 1)
    assert any(d["name"] == "ws:workflow-audit" and d["direction"] == "over" for d in weeklies[3]["facts"]["drift"])
