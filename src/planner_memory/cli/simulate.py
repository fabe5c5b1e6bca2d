"""A believable person for some weeks, through the public paths: plans, meetings, work that drifts and slips. Sample data, always the same by seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from planner_memory.cli.calls import Api, Json, run, show, show_json
from planner_memory.core.errors import InvalidInput
from planner_memory.core.local_time import at_wall_time

_INTENTS = (
    "Onboard the new client and hold the kick-off",
    "Write the quarterly report and present it",
    "Audit the customer's website and hand over the findings",
    "Prepare and give a workshop on data quality",
    "Move the shop to the new host",
    "Draft the offer for the spring campaign",
)
_MEETINGS = (("Weekly planning", 0, time(9), 45), ("Team call", 2, time(11), 30), ("Client call", 3, time(14), 60), ("Review", 4, time(15), 45))
_EXTRA = ("Call with the tax adviser", "Interview", "Demo for a prospect", "Catch-up with Kim", "Call with the printer")
_NOTES = (
    "{client} asked for the figures by phone", "Sent the draft to {client}", "{client} is pleased with the report", "Idea: reuse the checklist",
    "Waited for access from {client}", "Agreed the next steps with {client}", "Read up on the new rules", "Sorted the inbox",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """Work that comes back: how often in a week, how long it is said to take, and by what factor it really does."""

    workflow: str
    title: str
    times: int
    hours: float
    factor: float
    is_billable: bool
    trouble: float = 0.0  # how often it is blocked


_KINDS = (
    Kind("ws:workflow-audit", "Audit", 2, 2.0, 1.45, True, 0.3),
    Kind("ws:workflow-invoicing", "Invoice run", 1, 1.0, 0.95, False),
    Kind("ws:workflow-newsletter", "Newsletter", 1, 1.5, 1.1, False),
    Kind("ws:workflow-support", "Support hour", 3, 1.0, 1.0, True),
)


@dataclass
class Story:
    """What was done, by kind; `meetings` are the (start, end) of the imported events."""

    first: date
    last: date
    counts: dict[str, int] = field(default_factory=dict)
    meetings: list[tuple[datetime, datetime]] = field(default_factory=list)

    def add(self, what: str, n: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + n


def simulate(
    weeks: Annotated[int, typer.Option(min=1, max=26, help="How many weeks, the last one ending last Sunday.")] = 4,
    seed: Annotated[int, typer.Option(help="The same seed makes the same person.")] = 1,
    client: Annotated[str, typer.Option("--client", "-c", help="The client whose rows it makes.")] = "simulated",
    last_day: Annotated[str | None, typer.Option("--until", help="The last day, a Sunday, like 2027-03-21.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Propose the schedules only; write nothing into the calendar.")] = False,
    as_json: Json = False,
) -> None:
    """Make some weeks of a believable person as sample data. Use a data directory of its own: it fills calendar and history."""

    async def story(api: Api) -> Story:
        tz = await api.zone()
        today = datetime.now(tz).date()
        last = _day(last_day) if last_day else today - timedelta(days=today.weekday() + 1)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("importing the calendar", total=weeks + 1)
            return await lived(
                api, tz, last, weeks, seed, client, dry_run=dry_run, on_week=lambda text: progress.update(bar, advance=1, description=text)
            )

    lived_through = run(story)
    answer = {"first_day": lived_through.first.isoformat(), "last_day": lived_through.last.isoformat(), **lived_through.counts}
    if as_json:
        show_json(answer)
        return
    told = ", ".join(f"{n} {what}" for what, n in lived_through.counts.items())
    show(Text(f"{lived_through.first} to {lived_through.last}: {told}."), Text("Look at it with `planner-memory reflect weekly --date …`.", "dim"))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is not a day. Write it like 2027-03-21.", field="until") from error


async def lived(
    api: Api,
    tz: ZoneInfo,
    last: date,
    weeks: int,
    seed: int,
    client: str,
    *,
    dry_run: bool = False,
    on_week: Any = lambda _: None,
) -> Story:
    """Lives through the weeks, oldest first. Every write carries an Idempotency-Key of seed and week."""
    rng = random.Random(seed)  # noqa: S311 - a story, no secret
    first = last - timedelta(days=7 * weeks - 1)
    story = Story(first, last)
    story.meetings = meetings_of(rng, first, weeks, tz)
    answer = await api.post("/api/v1/scheduler/import", {"ics": calendar_file(story.meetings, seed)})
    story.add("meetings", answer["imported"])
    for week in range(weeks):
        monday = first + timedelta(days=7 * week)
        on_week(f"week of {monday}")
        await _week(api, _Week(rng, tz, monday, f"simulate:{seed}:{client}:{monday}", client, story, dry_run))
    on_week("done")
    return story


@dataclass(frozen=True, slots=True)
class _Week:
    rng: random.Random
    tz: ZoneInfo
    monday: date
    key: str
    client: str
    story: Story
    dry_run: bool


async def _week(api: Api, week: _Week) -> None:
    body = {"intent": week.rng.choice(_INTENTS), "client_id": week.client, "deadline": (week.monday + timedelta(days=11)).isoformat()}
    plan = await api.post("/api/v1/planner/plan", body, key=f"{week.key}:plan")
    week.story.add("plans")
    window = {"start_date": week.monday.isoformat(), "end_date": (week.monday + timedelta(days=4)).isoformat()}
    of_plan = {"plan_id": plan["plan_id"], "client_id": week.client, "constraints": window, "seed": 1, "dry_run": week.dry_run}
    tasks = _recurring(week)
    of_tasks = {"tasks": [task for task, _ in tasks], "client_id": week.client, "constraints": window, "seed": 1, "dry_run": week.dry_run}
    kinds = {task["task_id"]: kind for task, kind in tasks}
    steps = {step["task_id"]: step for step in plan["checklist"]}
    for name, request in (("tasks", of_tasks), ("plan", of_plan)):
        answer = await api.post("/api/v1/scheduler/schedule", request, key=f"{week.key}:schedule:{name}")
        week.story.add("blocks", len(answer["schedule_blocks"]))
        for block in answer["schedule_blocks"]:
            await _do(api, week, block, kinds.get(block["task_id"]), steps.get(block["task_id"]), answer["schedule_blocks"])
    await _notes(api, week)


def _recurring(week: _Week) -> list[tuple[dict[str, Any], Kind]]:
    return [
        (
            {
                "task_id": f"sim:{week.client}:{week.monday}:{kind.workflow.rsplit('-', 1)[-1]}:{n + 1}",
                "title": f"{kind.title} {n + 1}" if kind.times > 1 else kind.title,
                "estimated_hours": kind.hours,
                "splittable": False,
                "billable": kind.is_billable,
            },
            kind,
        )
        for kind in _KINDS
        for n in range(kind.times)
    ]


async def _do(api: Api, week: _Week, block: dict[str, Any], kind: Kind | None, step: dict[str, Any] | None, blocks: Sequence[dict[str, Any]]) -> None:
    """One run for the last block of a task, unless it slips; late in the day nearly everything does."""
    if any(other["task_id"] == block["task_id"] and other["start"] > block["start"] for other in blocks):
        return
    start = datetime.fromisoformat(block["start"])
    hour = start.astimezone(week.tz).hour
    chance, factor = week.rng.random(), (kind.factor if kind else 1.15) * week.rng.uniform(0.85, 1.2)
    if chance < (0.9 if hour >= 16 else 0.15):
        week.story.add("slips")
        return
    estimate = kind.hours if kind else float(step["raw_hours"]) if step else 1.0
    minutes = max(5, round(estimate * factor * 12) * 5)
    end = start + timedelta(minutes=minutes)
    note = "Blocked by missing access, then done" if kind and week.rng.random() < kind.trouble else None
    body = {
        "task_id": block["task_id"],
        "client_id": week.client,
        "workflow_id": kind.workflow if kind else None,
        "started_at": start.astimezone(UTC).isoformat(),
        "ended_at": end.astimezone(UTC).isoformat(),
        "actual_hours": round(minutes / 60, 6),
        "estimated_hours": kind.hours if kind else None,
        "outcome_notes": note,
    }
    await api.post("/api/v1/planner/execution-runs", body, key=f"{week.key}:run:{block['task_id']}")
    week.story.add("runs")


async def _notes(api: Api, week: _Week) -> None:
    memories = [
        {
            "content": f"{week.rng.choice(_NOTES).format(client=week.client.title())} ({day:%a %d %b}, {n + 1})",
            "client_id": week.client,
            "event_type": week.rng.choice(["note", "mail", "call"]),
            "event_source": "simulation",
            "occurred_at": at_wall_time(day, time(8 + 2 * n, week.rng.randrange(60)), week.tz).isoformat(),
        }
        for day in (week.monday + timedelta(days=n) for n in range(5))
        for n in range(week.rng.randrange(1, 5))
    ]
    await api.post("/api/v1/memory/remember/batch", {"memories": memories}, key=f"{week.key}:notes")
    week.story.add("notes", len(memories))


def meetings_of(rng: random.Random, first: date, weeks: int, tz: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """The standing meetings, now and then left out, and a few that come up; in order."""
    found = []
    for week in range(weeks):
        for _, weekday, clock, minutes in _MEETINGS:
            if rng.random() < 0.9:
                start = at_wall_time(first + timedelta(days=7 * week + weekday), clock, tz)
                found.append((start, start + timedelta(minutes=minutes)))
        for _ in range(rng.randrange(0, 3)):
            start = at_wall_time(first + timedelta(days=7 * week + rng.randrange(5)), time(rng.choice([10, 13, 16]), 30), tz)
            found.append((start, start + timedelta(minutes=30)))
    return sorted(set(found))


def calendar_file(meetings: Sequence[tuple[datetime, datetime]], seed: int) -> str:
    """As an .ics file (RFC 5545)."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//planner-memory//simulate//EN"]
    for n, (start, end) in enumerate(meetings):
        title = _MEETINGS[n % len(_MEETINGS)][0] if n % 5 else _EXTRA[n // 5 % len(_EXTRA)]
        lines += [
            "BEGIN:VEVENT",
            f"UID:simulate-{seed}-{start:%Y%m%dT%H%M}-{end:%H%M}@planner-memory",
            f"DTSTAMP:{start:%Y%m%dT%H%M%SZ}",
            f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
            f"DTEND:{end:%Y%m%dT%H%M%SZ}",
            f"SUMMARY:{title}",
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


COMMANDS = (simulate,)
