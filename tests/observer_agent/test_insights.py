"""Insights: enough evidence, kept once, taken back for good. Two processes make one reflection. Letters go out once."""

import asyncio
import random
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.observer_agent.conftest import Desk, busy_day
from tests.observer_agent.rows import at, block, run

from planner_memory.adapters.markdown_files.outlet import MarkdownFiles
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.facts import PostgresFacts
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.adapters.smtp.outlet import SmtpMail
from planner_memory.core.errors import Unavailable
from planner_memory.observer_agent import periods
from planner_memory.observer_agent.insights import factors, late_hours
from planner_memory.observer_agent.service import Observer
from planner_memory.ports.facts import KeptPeriod
from planner_memory.ports.outlets import Letter

UTC_ZONE, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")


def audits(days: list[int], hours: str = "2.8", **more: str | None) -> list[object]:
    return [
        run(f"2026-11-{d:02} 08:00", f"2026-11-{d:02} 11:00", f"a{d}", hours=hours, estimated_hours=2, workflow_id="audits", **more) for d in days
    ]


def test_a_factor_needs_five_runs_of_two_weeks_that_agree() -> None:
    enough = audits([2, 3, 4, 9, 10])
    (found,) = factors(enough, UTC_ZONE)  # type: ignore[arg-type]
    assert (found.content, found.evidence_runs) == ("The workflow “audits” takes 1.4 times the estimate.", 5)
    assert found.evidence[0].startswith("a2")
    assert factors(enough[:4], UTC_ZONE) == []  # type: ignore[arg-type]
    assert factors(audits([2, 3, 4, 5, 6]), UTC_ZONE) == []  # type: ignore[arg-type]
    assert factors(audits([2, 3, 4, 9, 10], hours="2.5"), UTC_ZONE) == []  # type: ignore[arg-type]
    mixed = audits([2, 3, 4, 9]) + audits([10, 11, 12], hours="1")
    assert factors(mixed, UTC_ZONE) == []  # type: ignore[arg-type]


def test_an_insight_belongs_to_the_one_client_that_it_rests_on() -> None:
    one = audits([2, 3, 4, 9, 10], client_id="acme")
    assert factors(one, UTC_ZONE)[0].client_id == "acme"  # type: ignore[arg-type]
    assert factors(one + audits([11], client_id="globex"), UTC_ZONE)[0].client_id is None  # type: ignore[arg-type]


def test_late_hours_need_many_days_and_a_better_morning() -> None:
    days = range(2, 12)
    early = [block(f"2026-11-{d:02} 09:00", f"2026-11-{d:02} 10:00", f"e{d}") for d in days]
    late = [block(f"2026-11-{d:02} 16:00", f"2026-11-{d:02} 17:00", f"l{d}") for d in days]
    done = [run(f"2026-11-{d:02} 09:00", f"2026-11-{d:02} 10:00", f"e{d}") for d in days]
    found = late_hours(done, early + late, UTC_ZONE)
    assert found is not None
    assert found.content == "Nothing planned after 16:00 gets done. No work after 16:00."
    assert late_hours(done, early + late[:5], UTC_ZONE) is None
    assert late_hours([], early + late, UTC_ZONE) is None


async def five_audits(desk: Desk) -> None:
    for day in (9, 10, 11, 17, 18):
        await desk.run(f"2026-11-{day:02} 08:00", f"2026-11-{day:02} 11:00", f"a{day}", estimated_hours=2, workflow_id="audits")


async def test_an_insight_is_kept_once_with_its_evidence_and_revoked_for_good(desk: Desk) -> None:
    await five_audits(desk)
    made = await desk.reflect("weekly")
    desk.clock.advance(hours=1)
    await desk.reflect("weekly")
    listed = (await desk.http.get("/api/v1/observer/insights")).json()
    (one,) = listed["insights"]
    assert one["content"] == "The workflow “audits” takes 1.5 times the estimate."
    assert (one["evidence_runs"], one["reflection_id"]) == (5, made["reflection_id"])
    assert len(one["evidence"]) == 5
    assert await desk.sql("select memory_type, metadata ->> 'source' from events where event_type = 'insight'") == [("preference", "insight")]
    answer = await desk.http.delete(f"/api/v1/observer/insights/{one['insight_id']}")
    assert (answer.status_code, answer.json()["content"]) == (200, one["content"])
    assert (await desk.http.get("/api/v1/observer/insights")).json()["total"] == 0
    desk.clock.advance(hours=1)
    await desk.reflect("weekly")
    assert (await desk.http.get("/api/v1/observer/insights")).json()["total"] == 0
    assert (await desk.http.delete(f"/api/v1/observer/insights/{one['insight_id']}")).status_code == 404


async def test_a_newer_factor_takes_the_older_one_s_place(desk: Desk) -> None:
    await five_audits(desk)
    await desk.reflect("weekly")
    spans = [(19, 1), (19, 4), (20, 1), (20, 4), (20, 6), (20, 7)]
    for day, hour in spans:
        start, end = f"2026-11-{day} 0{hour}:00", f"2026-11-{day} 0{hour + 1}:00"
        await desk.run(start, end, f"b{day}{hour}", hours=6, estimated_hours=2, workflow_id="audits")
    desk.clock.advance(hours=1)
    await desk.reflect("weekly")
    (one,) = (await desk.http.get("/api/v1/observer/insights")).json()["insights"]
    assert one["content"] == "The workflow “audits” takes 3 times the estimate."


async def test_a_dry_run_and_one_client_s_review_learn_nothing(desk: Desk) -> None:
    await five_audits(desk)
    await desk.reflect("weekly", dry_run="true")
    await desk.reflect("weekly", client_id="me")
    assert (await desk.http.get("/api/v1/observer/insights")).json()["total"] == 0


async def test_two_processes_make_one_reflection(desk: Desk, database: Database) -> None:
    """A second observer with a lock and a store of its own stands for the other process."""
    await busy_day(desk)
    other_database = Database(desk.dsn)
    await other_database.open()
    try:
        other = Observer(
            store=PostgresFacts(other_database),
            workspace=desk.workspace,
            calendar=desk.calendar,  # type: ignore[arg-type]
            profiles=PostgresProfiles(other_database, time_zone="Europe/Berlin"),
            memory=desk.memory,
            clock=lambda: desk.clock.now + timedelta(milliseconds=3),
        )
        await asyncio.gather(*(each.reflect_when_due() for each in (desk.observer, other) for _ in range(3)))
    finally:
        await other_database.close()
    assert sorted(mode for mode, _, _ in await desk.thread()) == ["daily", "weekly"]
    assert desk.workspace.posts == 2
    assert await desk.sql("select count(*) from reflection_leases") == [(0,)]


async def test_a_turn_whose_holder_died_is_taken_over(database: Database) -> None:
    store, first, second = PostgresFacts(database), periods._NAMESPACE, periods.UUID(int=7)
    assert await store.take_turn("me", "", "daily", first, timedelta(milliseconds=80))
    assert not await store.take_turn("me", "", "daily", second, timedelta(seconds=9))
    assert await store.take_turn("me", "acme", "daily", second, timedelta(seconds=9))
    await asyncio.sleep(0.1)
    assert await store.take_turn("me", "", "daily", second, timedelta(seconds=9))
    await store.end_turn(first)
    assert not await store.take_turn("me", "", "daily", first, timedelta(seconds=9))


@pytest.mark.parametrize("seed", range(40))
def test_periods_made_by_the_clock_join_over_any_downtime(seed: int) -> None:
    """Ticks every quarter of an hour with random outages, over a clock change: no gap, no overlap, at most one for each due time."""
    rng = random.Random(seed)
    mode = rng.choice(["daily", "weekly"])
    start = at("2026-03-10 00:05") if seed % 2 else at("2026-10-08 00:05")
    down = [(d := rng.randrange(40 * 96), d + rng.randrange(1, 6 * 96)) for _ in range(5)]
    last, made = KeptPeriod(start - timedelta(days=1), start, start), [start]
    dues: set[object] = set()
    for tick in range(40 * 96):
        if any(a <= tick < b for a, b in down):
            continue
        now = start + timedelta(minutes=15 * tick, seconds=rng.randrange(50))
        if periods.is_due(mode, now, BERLIN, last):  # type: ignore[arg-type]
            period = periods.rolling(mode, now, last, joins=True)  # type: ignore[arg-type]
            due = periods.last_due(mode, now, BERLIN)  # type: ignore[arg-type]
            assert period.start == made[-1] or period.start == last.period_start
            assert due not in dues
            dues.add(due)
            made.append(period.end)
            last = KeptPeriod(period.start, period.end, period.end)
    assert len(made) > 3
    assert all(b > a for a, b in pairwise(made))


class Mailbox:
    """A tiny SMTP server on loopback."""

    def __init__(self) -> None:
        self.mails: list[str] = []

    async def __aenter__(self) -> "Mailbox":
        self.server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            if line.upper().startswith("DATA"):
                writer.write(b"354 go on\r\n")
                lines = []
                while (text := (await reader.readline()).decode().rstrip("\r\n")) != ".":
                    lines.append(text)
                self.mails.append("\n".join(lines))
            writer.write(b"221 bye\r\n" if line.upper() == "QUIT" else b"250 ok\r\n")
        writer.close()


async def test_letters_go_out_as_a_file_and_once_as_mail(desk: Desk, tmp_path: Path) -> None:
    await busy_day(desk)
    async with Mailbox() as mailbox:
        mail = SmtpMail("127.0.0.1", mailbox.port, sender="me@example.org", recipient="me@example.org", security="none")
        desk.observer._delivery._outlets = (MarkdownFiles(tmp_path / "out"), mail)
        made = await desk.reflect()
        assert made["warnings"] == []
        await desk.run("2026-11-20 16:40", "2026-11-20 17:00", "late")
        desk.clock.advance(minutes=1)
        changed = await desk.reflect()
        assert (tmp_path / "out" / "2026-11-20-daily.md").read_text(encoding="utf-8") == changed["content"]
        assert len(mailbox.mails) == 1
        assert "Subject: Daily reflection, Friday 2026-11-20" in mailbox.mails[0]
        desk.clock.now = at("2026-11-23 07:03")
        for _ in range(3):
            await desk.jobs.handlers["observer_brief_when_due"]()
            desk.clock.advance(minutes=15)
        assert len(mailbox.mails) == 2
        assert "Brief for Monday" in mailbox.mails[1]


async def test_a_mail_server_that_is_down_is_named_and_tried_again(desk: Desk) -> None:
    async with Mailbox() as mailbox:
        port = mailbox.port
    desk.observer._delivery._outlets = (SmtpMail("127.0.0.1", port, sender="a@b.c", recipient="a@b.c", security="none"),)
    made = await desk.reflect()
    assert "The mail server did not take" in made["warnings"][-1]
    assert made["posted_to_workspace"]
    ((name, arguments),) = desk.jobs.deferred
    assert (name, arguments["letter"]["key"]) == ("observer_send", "2026-11-20-daily")
    with pytest.raises(Unavailable):
        await desk.jobs.handlers[name](**arguments)


async def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unavailable):
        await MarkdownFiles(tmp_path / "file" / "inside").send(Letter("k", "t", "x"))
