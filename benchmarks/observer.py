"""How long a day's facts take at up to a million events, with the plan of the count, the service's memory, and how well numbers are checked.

Starts a PostgreSQL of its own in a temporary folder. `python -m benchmarks.observer [events …] [--texts N]`.
"""

import argparse
import asyncio
import resource
import shutil
import statistics
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
from benchmarks.gateway_process import Child, percentiles
from benchmarks.observer_corpus import samples
from benchmarks.observer_later_phrasings import EIGHTH, ELEVENTH, NINTH, SEVENTH, SIXTH, TENTH
from benchmarks.observer_phrasings import FIFTH, FIRST, FOURTH, SECOND, THIRD
from benchmarks.observer_texts import texts
from benchmarks.observer_wordings import HELD_OUT, TUNING
from tests.fakes.openrouter_server import KEY as VENDOR_KEY
from tests.fakes.openrouter_server import OpenRouterServer

from planner_memory.adapters.pgserver.server import EmbeddedPostgres
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.facts import PostgresFacts
from planner_memory.adapters.postgres.migrations import migrate
from planner_memory.adapters.postgres.queries import queries
from planner_memory.core.intervals import Interval
from planner_memory.observer_agent.assembly import assembled
from planner_memory.observer_agent.checker import check
from planner_memory.observer_agent.gathering import Gathering
from planner_memory.observer_agent.periods import ahead, dated
from planner_memory.observer_agent.sources import Sources
from planner_memory.ports.workspace import Mode

TZ = ZoneInfo("Europe/Berlin")
MODES = ("daily", "weekly")
_TOLD = 20
_HEADINGS = {
    "summary": "Summary",
    "highlights": "Highlights",
    "trend": "Trend",
    "pattern_performance": "Pattern Performance",
    "sprint": "Sprint",
    "observations": "Observations",
}
NOW = datetime(2026, 11, 20, 22, tzinfo=UTC)
_TIMES = 7
_BYPASS = "select set_config('planner.bypass', 'health', true)"
_EVENTS = """
insert into events (event_type, event_source, client_id, payload, content, content_hash, occurred_at, created_at, index_state)
select 'type_' || n %% 24, 'source_' || n %% 5, 'client_' || n %% 3, '{}', 'event', 'x', %(end)s - n * (%(span)s / %(events)s), now(), 'indexed'
from generate_series(1, %(events)s) as n
"""
_RUNS = """
insert into execution_runs (task_id, title, workflow_id, started_at, ended_at, actual_hours, estimated_hours, billable, client_id)
select 't' || n, 'Task ' || n, 'w' || n % 9, t, t + interval '50 minutes', 0.8333, 0.75, n % 2 = 0, 'client_1'
from generate_series(1, 5000) as n cross join lateral (select timestamptz '2026-11-20 18:00Z' - n * interval '100 minutes' as t)
"""


async def facts(folder: Path, sizes: list[int]) -> None:
    server = EmbeddedPostgres(folder / "data")
    try:
        dsn = await server.start()
        await migrate(dsn)
        database = Database(dsn)
        await database.open()
        try:
            async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
                # what the facts do not read is left out of the loading: the index of words and the triggers that fill a row
                await connection.execute("drop index events_words")
                await connection.execute("alter table events disable trigger user")
                await _alone(connection, _RUNS)
                print(f"{'events':>10}  {'lie in':<9} {'day p50':>9} {'day max':>9} {'week p50':>9}")
                for size in sizes:
                    for name, span in (("a year", timedelta(days=365)), ("one day", timedelta(hours=20))):
                        await _loaded(connection, size, span)
                        day, week = [await _timed(database, mode) for mode in ("daily", "weekly")]
                        print(f"{size:>10,}  {name:<9} {_ms(statistics.median(day))} {_ms(max(day))} {_ms(statistics.median(week))}", flush=True)
                await _plan(connection)
                await asyncio.to_thread(_service, folder, dsn)
        finally:
            await database.close()
    finally:
        await server.stop()
    print(f"peak of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:>6.0f} ms"


async def _alone(connection: psycopg.AsyncConnection, text: str, **values: object) -> None:
    async with connection.transaction():
        await connection.execute(_BYPASS)
        await connection.execute(text.encode(), values or None)


async def _loaded(connection: psycopg.AsyncConnection, size: int, span: timedelta) -> None:
    await connection.execute("truncate events cascade")
    await _alone(connection, _EVENTS, end=NOW, span=span, events=size)
    await connection.execute("vacuum analyze events")
    await connection.execute("vacuum analyze execution_runs")


async def _timed(database: Database, mode: Mode) -> list[float]:
    gathering = Gathering(store=PostgresFacts(database), sources=Sources(None, None), person_id="me")
    period = dated(mode, NOW.astimezone(TZ).date(), TZ)
    took = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        rows = await gathering.rows(period, TZ, NOW, None, mode=mode)
        found = assembled(rows, period, TZ, next_window=ahead(mode, period, TZ), is_weekly=mode == "weekly", now=NOW)
        took.append(time.perf_counter() - started)
        assert found.activity.events, "no event was counted"
    return took


async def _plan(connection: psycopg.AsyncConnection) -> None:
    day: Interval = dated("daily", NOW.astimezone(TZ).date(), TZ)
    values = {"person_id": "me", "clients": None, "start": day.start, "end": day.end}
    print("\nThe plan of the count, all events inside the day:")
    async with connection.transaction():
        await connection.execute(_BYPASS)
        text = f"explain (analyze, buffers, costs off) {queries()['facts_event_counts']}"
        for (line,) in await (await connection.execute(text.encode(), values)).fetchall():
            print(f"  {line}")


def _service(folder: Path, dsn: str) -> None:
    """Everything on: calendar, model, letters, traces; but for the model, the addresses need not answer to be in memory."""
    with OpenRouterServer() as vendor:
        settings = {
            "PLANNER_DATA_DIR": str(folder / "observer"),
            "CALDAV_URL": "http://127.0.0.1:9/",
            "OPENROUTER_API_KEY": VENDOR_KEY,
            "OPENROUTER_BASE_URL": vendor.base_url,
            "PLANNER_MARKDOWN_DIR": str(folder / "letters"),
            "MEMORY_GATEWAY_URL": "http://127.0.0.1:9",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        }
        child = Child(folder, dsn, settings, service="observer-agent")
        try:
            idle = child.megabytes()["resident"]
            told = {mode: _told(child, vendor, mode) for mode in MODES}
            used = child.megabytes()["resident"]
        finally:
            child.stop()
    print(f"\nobserver-agent as a process of its own, everything on: {idle:.0f} MB resident, {used:.0f} MB after {2 * (_TOLD + 1)} reflections")
    print(f"\n{'told by a model that answers at once':<38} {'p50':>9} {'p95':>9}   (all of a request: facts, prompt, numbers held to the facts)")
    for mode, took in told.items():
        p50, p95 = percentiles(took)
        print(f"{mode:<38} {p50:>6.0f} ms {p95:>6.0f} ms")


def _told(child: Child, vendor: OpenRouterServer, mode: str) -> list[float]:
    """Milliseconds of each reflection whose text is the model's. It says what the template says, so that its numbers hold."""
    ask = ("POST", f"/api/v1/observer/reflect?mode={mode}&date=2026-11-20&dry_run=true", None)
    sections = child.ask(*ask)["sections"]  # with nothing to say, the model's answer is no reflection: this is the template
    reply = {field: _field(sections[heading], field) for field, heading in _HEADINGS.items() if heading in sections}
    reply["focus"] = _field(list(sections.values())[-1], "focus")
    took = []
    for _ in range(_TOLD):
        vendor.say(reply)
        started = time.perf_counter()
        answer = child.ask(*ask)
        took.append((time.perf_counter() - started) * 1000)
        assert answer["generator"] == "model", answer["warnings"]
    return took


def _field(text: str, field: str) -> str | list[str]:
    if field in ("summary", "sprint"):
        return " ".join(text.split())
    return [line.removeprefix("- ") for line in text.splitlines() if line][:12]


_OTHER_WORDS = (
    ("first", FIRST),
    ("second", SECOND),
    ("third", THIRD),
    ("fourth", FOURTH),
    ("fifth", FIFTH),
    ("sixth", SIXTH),
    ("seventh", SEVENTH),
    ("eighth", EIGHTH),
    ("ninth", NINTH),
    ("tenth", TENTH),
    ("eleventh", ELEVENTH),
)


def _second_corpus(texts_each: int) -> None:
    print(f"\n{'other words':<10} {'texts':>6} {'false alarms':>13} {'caught':>8}   missed, by lie")
    for name, templates in _OTHER_WORDS:
        alarms = caught = 0
        missed: Counter[str] = Counter()
        for seed in range(2_000_000, 2_000_000 + texts_each):
            true, false = samples(seed, templates)
            alarms += any(not verdict.is_supported for verdict in check(true.prose, true.facts))
            assert false.span is not None
            start, end = false.span
            found = any(not v.is_supported and v.mention.start < end and v.mention.end > start for v in check(false.prose, false.facts))
            caught += found
            missed[false.lie] += not found
        rest = ", ".join(f"{lie} {n}" for lie, n in missed.items() if n) or "none"
        print(f"{name:<11} {texts_each:>6} {alarms / texts_each:>12.2%} {caught / texts_each:>8.2%}   {rest}", flush=True)


def checker(texts_each: int) -> None:
    print(f"\n{'wordings':<10} {'seeds':<16} {'texts':>6} {'numbers':>8} {'false alarms':>13} {'caught':>8}   missed, by kind")
    for name, wordings, first in (("tuning", TUNING, 0), ("held out", HELD_OUT, 1_000_000)):
        numbers = alarms = caught = 0
        missed: Counter[str] = Counter()
        for seed in range(first, first + texts_each):
            true, false = texts(seed, wordings)
            verdicts = check(true.prose, true.facts)
            numbers += len(verdicts)
            alarms += any(not verdict.is_supported for verdict in verdicts)
            assert false.corrupted is not None
            start, end = false.corrupted
            spans = [v.mention for v in check(false.prose, false.facts) if not v.is_supported]
            found = any(m.start < end and m.end > start for m in spans)
            caught += found
            missed[false.corruption] += not found
        rest = ", ".join(f"{kind} {n}" for kind, n in missed.items() if n) or "none"
        print(
            f"{name:<10} {first:>7}–{first + texts_each - 1:<8} {texts_each:>6} {numbers:>8,} {alarms / texts_each:>12.2%}"
            f" {caught / texts_each:>8.2%}   {rest}"
        )


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("events", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    options.add_argument("--texts", type=int, default=1000)
    given = options.parse_args()
    made = Path(tempfile.mkdtemp(prefix="pm-bench-"))
    made.chmod(0o755)
    (made / "data").mkdir(mode=0o755)
    try:
        asyncio.run(facts(made, given.events))
    finally:
        shutil.rmtree(made, ignore_errors=True)
    checker(given.texts)
    _second_corpus(given.texts)
