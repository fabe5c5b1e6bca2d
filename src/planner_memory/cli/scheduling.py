"""Commands of the calendar: schedule, what-if, agenda, import-calendar."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from planner_memory.cli.calls import Api, Client, Json, Yes, may_ask, output, run, show, show_json, warn
from planner_memory.cli.ics_file import ics_of
from planner_memory.cli.planning import plan_id_of
from planner_memory.cli.profile import asked
from planner_memory.cli.render import counted, left_out, zone_note
from planner_memory.cli.week import LEGEND, Entry, entry_of, mondays, week_grid
from planner_memory.core.errors import InvalidInput
from planner_memory.core.local_time import instant

Day = Annotated[str | None, typer.Option(help="First day, like 2027-03-15. Default: today.")]
LastDay = Annotated[str | None, typer.Option(help="Last day.")]


def weeks(entries: Sequence[Entry], first: date, last: date, tz: ZoneInfo, width: int) -> RenderableType:
    """The grids of all weeks from one day to another."""
    grids: list[RenderableType] = []
    for monday in mondays(first, last):
        grids += [week_grid(entries, monday, tz, max(width, 80)), Text()]
    return Group(*grids, LEGEND, zone_note(tz))


def days_of(entries: Sequence[Entry], tz: ZoneInfo) -> tuple[date, date]:
    """The first and the last local day on which something planned lies."""
    planned = [e for e in entries if e.is_planned] or entries
    return min(e.start for e in planned).astimezone(tz).date(), max(e.end for e in planned).astimezone(tz).date()


async def agenda_of(api: Api, first: date, last: date) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = (await api.get("/api/v1/scheduler/agenda", start=first.isoformat(), end=last.isoformat()))["events"]
    return events


def entries_of(answer: dict[str, Any], titles: dict[str, str], events: Sequence[dict[str, Any]]) -> list[Entry]:
    """A run's blocks with their tasks' titles, and what else the calendar holds."""
    blocks = [entry_of({**block, "title": titles.get(block["task_id"]) or block.get("title")}) for block in answer["schedule_blocks"]]
    own = {(block.start, block.end) for block in blocks}
    others = [entry_of(event) for event in events if event.get("is_busy", True)]
    return blocks + [entry for entry in others if not (entry.is_planned and (entry.start, entry.end) in own)]


async def titles_of(api: Api, plan_id: str) -> dict[str, str]:
    plan = await api.get(f"/api/v1/planner/plans/{plan_id}")
    return {step["task_id"]: step["title"] for step in plan["checklist"]}


def scheduled(answer: dict[str, Any], titles: dict[str, str], events: Sequence[dict[str, Any]], tz: ZoneInfo, width: int) -> RenderableType:
    """A schedule as the grids of its weeks, what did not fit, and the outcome in one line."""
    blocks, unscheduled = answer["schedule_blocks"], answer["unscheduled"]
    entries = entries_of(answer, titles, events)
    parts: list[RenderableType] = [weeks(entries, *days_of(entries, tz), tz, width)] if blocks else []
    missing = left_out(answer, titles, tz)
    if missing is not None:
        parts.append(missing)
    tasks = len({block["task_id"] for block in blocks})
    state = "proposed, nothing was written" if answer["status"] == "proposed" else answer["status"]
    parts.append(Text(f"{counted(tasks, 'task')} in {counted(len(blocks), 'block')}, {len(unscheduled) or 'none'} without a place; {state}."))
    parts.append(Text(f"run {answer['scheduler_run_id']}", "dim"))
    return Group(*parts)


def schedule(
    plan: Annotated[str | None, typer.Argument(metavar="PLAN_ID", help="The plan to place: an id, a part of it, or latest.")] = None,
    plan_option: Annotated[str | None, typer.Option("--plan", help="The plan, named by an option instead.")] = None,
    start: Day = None,
    end: LastDay = None,
    buffer: Annotated[int | None, typer.Option(min=0, help="Minutes to keep free round each block.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Propose only; write nothing into the calendar.")] = False,
    ask_model: Annotated[bool, typer.Option("--ask-model", help="Have the language model propose a schedule too; costs one call.")] = False,
    ics: Annotated[Path | None, typer.Option("--ics", help="Write the blocks to this .ics file too; - is standard output.")] = None,
    client: Client = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Place a plan's tasks in the calendar, round what is there."""
    if as_json and ics is not None and str(ics) == "-":
        raise InvalidInput("Standard output takes either JSON or the calendar. Name a file with --ics.", field="ics")
    if plan is not None and plan_option is not None and plan != plan_option:
        raise InvalidInput("Two different plans are named. Name one.", field="plan")

    async def story(api: Api) -> tuple[Any, RenderableType]:
        await asked(api, may_ask(as_json, yes))
        plan_id = await plan_id_of(api, plan or plan_option or "latest")
        window = {k: v for k, v in (("start_date", start), ("end_date", end)) if v is not None}
        body = {"plan_id": plan_id, "client_id": client, "constraints": window or None, "buffer_minutes": buffer}
        body |= {"dry_run": dry_run or None, "use_model": ask_model or None}
        answer = await api.post("/api/v1/scheduler/schedule", body)
        if as_json and ics is None:
            return answer, ""
        tz, titles = await api.zone(), await titles_of(api, plan_id)
        if ics is not None:
            _write_ics(ics, ics_of(answer["schedule_blocks"], titles, datetime.fromisoformat(answer["created_at"])))
        if as_json or (ics is not None and str(ics) == "-"):
            return answer, ""
        blocks = [entry_of(block) for block in answer["schedule_blocks"]]
        events = await agenda_of(api, *_whole_weeks(*days_of(blocks, tz))) if blocks else []
        return answer, scheduled(answer, titles, events, tz, output().width)

    answer, view = run(story)
    warn(answer)
    if as_json:
        show_json(answer)
    elif view:
        show(view)


def _write_ics(path: Path, text: str) -> None:
    if str(path) == "-":
        typer.echo(text, nl=False)
        return
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}. Name another file.", field="ics") from error


def what_if(
    plan: Annotated[str | None, typer.Argument(metavar="PLAN_ID", help="The scheduled plan: an id, a part of it, or latest.")] = None,
    off: Annotated[list[str] | None, typer.Option("--off", help="A day off, like 2027-03-18. May be repeated.")] = None,
    busy: Annotated[list[str] | None, typer.Option("--busy", help="Busy time, like 2027-03-18T13:00/2027-03-18T15:00. May be repeated.")] = None,
    client: Client = None,
    as_json: Json = False,
) -> None:
    """Show what would move if you took a day off, or something came up. Changes nothing."""
    if not off and not busy:
        raise InvalidInput("Say what would change: --off 2027-03-18, or --busy START/END.", field="off")
    spans = [text.partition("/") for text in busy or ()]
    if any(not start or not end for start, _, end in spans):
        raise InvalidInput("Write busy time as START/END, like 2027-03-18T13:00/2027-03-18T15:00.", field="busy")

    async def story(api: Api) -> tuple[Any, ZoneInfo, dict[str, str]]:
        plan_id = await plan_id_of(api, plan or "latest")
        body: dict[str, Any] = {
            "plan_id": plan_id,
            "client_id": client,
            "exceptions": {day: [] for day in off} if off else None,
            "extra_busy": [{"start": start, "end": end} for start, _, end in spans] or None,
        }
        answer = await api.post("/api/v1/scheduler/what-if", body)
        return answer, await api.zone(), await titles_of(api, plan_id)

    answer, tz, titles = run(story)
    warn(answer)
    if as_json:
        show_json(answer)
        return
    show(*_moves(answer, titles, tz))


def _moves(answer: dict[str, Any], titles: dict[str, str], tz: ZoneInfo) -> list[RenderableType]:
    if not answer["moves"]:
        return [Text("Nothing would move.")]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("task", "now", "then"):
        table.add_column(name)
    for move in answer["moves"]:
        table.add_row(titles.get(move["task_id"]) or move["title"], _when(move["was"], tz), _when(move["would_be"], tz) or "no place")
    missing = left_out(answer, titles, tz)
    return [table, *([missing] if missing is not None else []), Text(f"{counted(len(answer['moves']), 'task')} would move; nothing was changed.")]


def _when(spans: Sequence[Sequence[str]], tz: ZoneInfo) -> str:
    pairs = [[datetime.fromisoformat(text).astimezone(tz) for text in pair] for pair in spans]
    return "\n".join(f"{start:%a %d %b %H:%M}–{end:%H:%M}" for start, end in pairs)


def _whole_weeks(first: date, last: date) -> tuple[date, date]:
    days = mondays(first, last)
    return days[0], days[-1] + timedelta(days=6)


def agenda(
    start: Day = None,
    end: LastDay = None,
    as_json: Json = False,
) -> None:
    """Show the calendar as a grid. Default: this week, from today the next seven days."""

    async def story(api: Api) -> tuple[Any, ZoneInfo, date, date]:
        tz = await api.zone()
        first = datetime.now(tz).date() if start is None else instant(start, tz, field="start").astimezone(tz).date()
        last = first + timedelta(days=6) if end is None else instant(end, tz, field="end").astimezone(tz).date()
        if last < first:
            raise InvalidInput(f"The end {last} lies before the start {first}. Give a later end.", field="end")
        shown = (first, last) if as_json else _whole_weeks(first, last)
        return await api.get("/api/v1/scheduler/agenda", start=shown[0].isoformat(), end=shown[1].isoformat()), tz, first, last

    answer, tz, first, last = run(story)
    if as_json:
        show_json(answer)
        return
    entries = [entry_of(event) for event in answer["events"] if event.get("is_busy", True)]
    show(weeks(entries, first, last, tz, output().width))


def import_calendar(
    file: Annotated[Path, typer.Argument(help="A calendar file, .ics.")],
    as_json: Json = False,
) -> None:
    """Take the events of an .ics file into the calendar. The same file again changes nothing."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InvalidInput(f"There is no file {file}. Give the path of an .ics file.", field="file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read as text: {error}. Export it as .ics in UTF-8.", field="file") from error
    answer = run(lambda api: api.post("/api/v1/scheduler/import", {"ics": text}))
    warn(answer)
    show_json(answer) if as_json else show(Text(f"{answer['imported']} events taken from {file}."))


COMMANDS = (schedule, what_if, agenda, import_calendar)
