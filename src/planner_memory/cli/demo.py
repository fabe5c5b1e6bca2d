"""The demo: the whole loop on the sample input, from an empty data directory to a second plan that has learnt."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from planner_memory.cli.calls import Api, Json, product, show_json
from planner_memory.cli.example_files import FORTNIGHT_DAYS, coming_monday, example, fortnight_from, paragraphs
from planner_memory.cli.ledger import Ledger
from planner_memory.cli.memory_use import peak_pss
from planner_memory.cli.problems import UNEXPECTED, Refused
from planner_memory.cli.render import duration, left_out, markdown, plan_table, recalled
from planner_memory.cli.scheduling import agenda_of, scheduled, titles_of
from planner_memory.core.profile import WEEKDAYS
from planner_memory.settings import Settings
from planner_memory.wiring.home import data_directory

CLIENT, CLIENT_NAME = "acme", "Acme Pumps"
LATER_CLIENT, LATER_CLIENT_NAME = "borealis", "Borealis Heating"
PREFERENCES = ("No task longer than two hours.", "Deep work in the morning, between nine and twelve.")
QUESTION = "Who decides about access to the data?"
_TIME_ZONE = "Europe/Berlin"
_STAGES = ("start", "earlier", "profile", "calendar", "remember", "recall", "plan", "schedule", "do", "reflect", "learn")
_TASKS_DONE = 3
_DAYS_DONE = 3  # on so many days, as one run says little about the next
_OVERRUN = 1.6  # the work takes that much longer than its raw estimate
_INDEX_POLLS = 100  # ten seconds; after that the lexical answer is shown


def demo(as_json: Json = False) -> None:
    """Show the whole loop on sample input, in a data directory of its own unless PLANNER_DATA_DIR names one. Safe to repeat."""
    outcome = asyncio.run(Demo(demo_settings(Settings()), Console(stderr=as_json, highlight=False)).run())
    show_json(outcome)
    if not outcome["ok"]:
        raise typer.Exit(UNEXPECTED)


def demo_settings(settings: Settings) -> Settings:
    """Everything embedded, beside the person's own data, when no data directory is named; else just as configured."""
    if settings.data_dir is not None:
        return settings
    own = data_directory(settings).path
    outside = {"database_url": None, "postgres_host": None, "caldav_url": None, "calendar": None}
    return settings.model_copy(update={"data_dir": own.with_name(f"{own.name}-demo"), **outside})


@dataclass
class Learnt:
    """A step's p50 before and after its run, and what the run took; hours."""

    title: str
    before: float
    actual: float
    after: float

    @property
    def moved(self) -> bool:
        """At least half of the way to what was recorded, or close to it already: within 15 %."""
        gap = abs(self.actual - self.before)
        return abs(self.actual - self.after) <= max(0.5 * gap, 0.15 * self.actual)


@dataclass
class Demo:
    """One run of the demo. Without a crash it leaves a calendar with the plan in it; after one, the next run goes through."""

    settings: Settings
    console: Console
    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    ids: dict[str, Any] = field(default_factory=dict)
    peak: int = 0

    async def run(self) -> dict[str, Any]:
        self.data_dir: Path = data_directory(self.settings).path
        self.ledger = Ledger(self.data_dir)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        shown = self.console if self.console.is_terminal else Console(stderr=True)
        with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as self.progress:
            self.bar = self.progress.add_task("starting the product", total=len(_STAGES))
            started = time.monotonic()
            async with product(self.settings, rebuild=True) as self.api:  # what an earlier version left is sample data
                self._finished("start", started)
                return await self._loop(self.api)

    async def _loop(self, api: Api) -> dict[str, Any]:
        async with self._stage("earlier", "asking for what earlier runs stored"):
            accepted, found = await self._earlier(api)
        async with self._stage("profile", "setting the profile"):
            tz = await self._profile(api)
        monday = coming_monday(datetime.now(tz).date())
        async with self._stage("calendar", "importing the calendar"):
            answer = await api.post("/api/v1/scheduler/import", {"ics": fortnight_from(monday)})
            self.counts["calendar_events"] = answer["imported"]
        async with self._stage("remember", "remembering the brief"):
            await self._remember(api)
        async with self._stage("recall", "recalling"):
            await self._recall(api, tz)
        async with self._stage("plan", "planning"):
            plan = await self._plan(api, 0, CLIENT, CLIENT_NAME, monday + timedelta(days=11))
        async with self._stage("schedule", "scheduling"):
            await self._schedule(api, plan, monday, tz)
        async with self._stage("do", "recording execution runs"):
            actual = await self._do(api, plan)
        async with self._stage("reflect", "reflecting"):
            await self._reflect(api)
        async with self._stage("learn", "planning the same kind of work again"):
            learnt = await self._learn(api, plan, actual, monday)
        ok = found == accepted and bool(learnt) and all(each.moved for each in learnt)
        self._show(Text("The loop is closed." if ok else "The demo did not hold what it promises; see above.", "bold green" if ok else "bold red"))
        health = await api.get("/health")
        return {
            "ok": ok,
            "data_dir": str(self.data_dir),
            "earlier": {"accepted": accepted, "found": found},
            "counts": self.counts,
            "ids": self.ids,
            "learnt": [{"title": e.title, "p50_before": e.before, "actual_hours": e.actual, "p50_after": e.after} for e in learnt],
            "seconds": self.seconds,
            "adapters": health.get("adapters", {}),
            "health": health["status"],
            "peak_memory_mb": round(self.peak / 1e6, 1),
        }

    async def _earlier(self, api: Api) -> tuple[int, int]:
        accepted = self.ledger.ids("memory")
        found = 0
        for memory_id in accepted:
            found += await _there(api, f"/api/v1/memory/memories/{memory_id}")
        if accepted:
            self._show(Text(f"{len(accepted)} accepted earlier, {found} found.", "green" if found == len(accepted) else "bold red"))
        # Else each demo would find a fuller calendar. By what stands, not by the ledger: a demo that was killed may not have come to note it.
        earlier = (await api.get("/api/v1/scheduler/schedules", client_id=CLIENT, limit=200))["schedules"]
        for run_id in [each["scheduler_run_id"] for each in earlier if each["status"] == "applied"]:
            await _try(api, f"/api/v1/scheduler/runs/{run_id}/undo")
        return len(accepted), found

    async def _profile(self, api: Api) -> ZoneInfo:
        current = await api.get("/api/v1/planner/profile")
        if current.get("confirmed") and not self.ledger.ids("profile"):
            self._show(Text(f"A profile was set here before; it stays as it is ({current['time_zone']}).", "dim"))
        else:
            self.ledger.add("profile", current["person_id"])  # before it is set, so that a crash in between does not make it a stranger's
            hours = {day: [["09:00", "17:30"]] if day in WEEKDAYS[:5] else [] for day in WEEKDAYS}
            profile = {"time_zone": _TIME_ZONE, "working_hours": hours, "holidays_country": "DE", "confirmed": True}
            await api.put("/api/v1/planner/profile", profile)
        return await api.zone()

    async def _remember(self, api: Api) -> None:
        # a fixed thread makes it safe to repeat: exact repeats within a thread are one memory
        common = {"client_id": CLIENT, "memory_type": "fact", "event_source": "demo", "thread_id": "demo-brief-acme"}
        brief = [{**common, "content": p["text"], "metadata": {"heading": p["heading"]}} for p in paragraphs(example("brief.md"))]
        ids = (await api.post("/api/v1/memory/remember/batch", {"memories": brief}))["memory_ids"]
        self.ledger.add("memory", *ids)
        for text in PREFERENCES:
            body = {"content": text, "memory_type": "preference", "event_source": "person", "thread_id": "demo-preferences"}
            memory_id = (await api.post("/api/v1/memory/remember", body))["memory_id"]
            self.ledger.add("memory", memory_id)
            ids.append(memory_id)
        self.counts["memories"] = len(ids)
        self.ids["memories"] = ids
        self._show(Rule("remember", align="left"), Text(f"{len(brief)} paragraphs of the brief of {CLIENT_NAME}, {len(PREFERENCES)} preferences."))

    async def _recall(self, api: Api, tz: ZoneInfo) -> None:
        for _ in range(_INDEX_POLLS):
            if not (await api.get("/health")).get("pending_index"):
                break
            await asyncio.sleep(0.1)
        answer = await api.get("/api/v1/memory/recall", query=QUESTION, client_id=CLIENT, k=1)
        self.counts["recalled"] = len(answer["results"])
        self._show(Rule("recall", align="left"), Text(f"“{QUESTION}”"), recalled(answer, tz))

    async def _plan(self, api: Api, line: int, client: str, name: str, deadline: date) -> dict[str, Any]:
        intent = example("intent.txt").splitlines()[line]
        body = {"intent": intent, "client_id": client, "client_name": name, "deadline": deadline.isoformat()}
        plan: dict[str, Any] = await api.post("/api/v1/planner/plan", body)
        self.ids["plan" if line == 0 else "second_plan"] = plan["plan_id"]
        if line == 0:
            self.counts["steps"] = len(plan["checklist"])
            self._show(Rule("plan", align="left"), plan_table(plan))
        return plan

    async def _schedule(self, api: Api, plan: dict[str, Any], monday: date, tz: ZoneInfo) -> None:
        last = monday + timedelta(days=FORTNIGHT_DAYS - 1)
        window = {"start_date": monday.isoformat(), "end_date": last.isoformat()}
        answer = await api.post("/api/v1/scheduler/schedule", {"plan_id": plan["plan_id"], "client_id": CLIENT, "constraints": window})
        self.ledger.add("schedule", answer["scheduler_run_id"])
        self.ids["scheduler_run"] = answer["scheduler_run_id"]
        self.counts |= {"blocks": len(answer["schedule_blocks"]), "unscheduled": len(answer["unscheduled"])}
        view = scheduled(answer, await titles_of(api, plan["plan_id"]), await agenda_of(api, monday, last), tz, self.console.width)
        self._show(Rule("schedule", align="left"), view)
        await self._squeezed(api, plan, monday, tz)

    async def _squeezed(self, api: Api, plan: dict[str, Any], monday: date, tz: ZoneInfo) -> None:
        """Shows what is said when time is short: a proposal for the first two days alone, which touches nothing."""
        window = {"start_date": monday.isoformat(), "end_date": (monday + timedelta(days=1)).isoformat()}
        body = {"plan_id": plan["plan_id"], "client_id": CLIENT, "constraints": window, "dry_run": True}
        answer = await api.post("/api/v1/scheduler/schedule", body)
        self.counts["unscheduled_in_two_days"] = len(answer["unscheduled"])
        missing = left_out(answer, {step["task_id"]: step["title"] for step in plan["checklist"]}, tz)
        if missing is not None:
            self._show(Text(), Text("Were Monday and Tuesday all there is (a proposal; nothing is written):", "bold"), missing)

    async def _do(self, api: Api, plan: dict[str, Any]) -> dict[str, float]:
        """Records that the first tasks were done one after the other, today and on the days before; returns the actual hours by step."""
        steps = plan["checklist"][:_TASKS_DONE]
        actual = {step["step_key"]: round(step["raw_hours"] * _OVERRUN, 2) for step in steps}
        now = datetime.now(UTC).replace(microsecond=0)
        runs = []
        for days_ago in reversed(range(_DAYS_DONE)):
            ended = now - timedelta(days=days_ago)
            for step in reversed(steps):
                started = ended - timedelta(hours=actual[step["step_key"]])
                body = {
                    "task_id": step["task_id"],
                    "client_id": CLIENT,
                    "plan_id": plan["plan_id"],
                    "run_type": "Process",
                    "started_at": started.isoformat(),
                    "ended_at": ended.isoformat(),
                    "actual_hours": actual[step["step_key"]],
                    "outcome_notes": "Took longer: the answers came late.",
                }
                runs.append((await api.post("/api/v1/planner/execution-runs", body))["run_id"])
                ended = started
        self.counts["execution_runs"] = len(runs)
        self.ids["execution_runs"] = runs
        return actual

    async def _reflect(self, api: Api) -> None:
        for mode in ("daily", "weekly"):
            answer = await api.post("/api/v1/observer/reflect", query={"mode": mode})
            self.ids[f"{mode}_reflection"] = answer["reflection_id"]
            self._show(Rule(f"reflect, {mode}", align="left"), Panel(markdown(answer["content"]), border_style="dim"))
        self.counts["reflections"] = 2

    async def _learn(self, api: Api, plan: dict[str, Any], actual: dict[str, float], monday: date) -> list[Learnt]:
        second = await self._plan(api, 1, LATER_CLIENT, LATER_CLIENT_NAME, monday + timedelta(days=FORTNIGHT_DAYS + 11))
        after = {step["step_key"]: step["estimate"]["p50"] for step in second["checklist"]}
        first = [step for step in plan["checklist"] if step["step_key"] in actual and step["step_key"] in after]
        learnt = [Learnt(s["title"], s["estimate"]["p50"], actual[s["step_key"]], after[s["step_key"]]) for s in first]
        table = Table("step", "p50 before", "it took", "p50 now", "learnt", box=None, pad_edge=False, header_style="bold")
        for each in learnt:
            hours = (duration(h) for h in (each.before, each.actual, each.after))
            table.add_row(Text(each.title), *hours, Text("yes", "green") if each.moved else Text("no", "bold red"))
        self._show(Rule("plan again: the same kind of work, another client", align="left"), table)
        return learnt

    @asynccontextmanager
    async def _stage(self, name: str, doing: str) -> AsyncIterator[None]:
        self.progress.update(self.bar, description=doing)
        started = time.monotonic()
        yield
        self._finished(name, started)

    def _finished(self, name: str, started: float) -> None:
        self.seconds[name] = round(time.monotonic() - started, 3)
        self.peak = peak_pss(self.data_dir, so_far=self.peak)
        self.progress.advance(self.bar)

    def _show(self, *parts: RenderableType) -> None:
        for part in parts:
            self.console.print(part)


async def _there(api: Api, path: str) -> bool:
    try:
        await api.get(path)
    except Refused as error:
        if error.status != 404:
            raise
        return False
    return True


async def _try(api: Api, path: str) -> None:
    """Posts; that it is gone or done already is no failure."""
    try:
        await api.post(path)
    except Refused as error:
        if error.status not in (404, 409):
            raise


COMMANDS = (demo,)
