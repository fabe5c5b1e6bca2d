"""Commands of the profile, and the questions asked on first use."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.prompt import Prompt

from planner_memory.cli.calls import Api, Json, Yes, may_ask, notice, run, show, show_json
from planner_memory.cli.render import profile_table
from planner_memory.core.errors import InvalidInput
from planner_memory.core.profile import WEEKDAYS

PATH = "/api/v1/planner/profile"
_HOURS = re.compile(r"(\d{1,2}:\d{2})\s*[-–]\s*(\d{1,2}:\d{2})")
profile = typer.Typer(help="Your time zone, working hours and holidays.", no_args_is_help=True)


def working_hours(days: str, hours: str) -> dict[str, list[list[str]]]:
    """Hours of each weekday from "mon-fri" or "mon,wed,fri" and "09:00-12:00,13:00-17:30".

    Raises:
        InvalidInput: either cannot be read.
    """
    spans = [[f"{start:0>5}", f"{end:0>5}"] for start, end in _HOURS.findall(hours)]
    if not spans or _HOURS.sub("", hours).strip(" ,;"):
        raise InvalidInput(f"{hours!r} are no hours. Write them like 09:00-17:30 or 09:00-12:00,13:00-17:30.", field="hours")
    chosen = _days(days)
    return {day: spans if day in chosen else [] for day in WEEKDAYS}


def _days(text: str) -> set[str]:
    chosen: set[str] = set()
    for part in re.split(r"[,\s]+", text.strip().lower()):
        first, _, last = part.partition("-")
        names: Sequence[str] = [name[:3] for name in (first, last or first)]
        if not all(name in WEEKDAYS for name in names):
            raise InvalidInput(f"{text!r} are no weekdays. Write them like mon-fri or mon,wed,thu.", field="days")
        start, end = (WEEKDAYS.index(name) for name in names)
        chosen |= set(WEEKDAYS[start : end + 1] if start <= end else (*WEEKDAYS[start:], *WEEKDAYS[: end + 1]))
    return chosen


async def asked(api: Api, may: bool) -> None:
    """Asks the first-run questions when they have not been answered and a person is there to answer."""
    if not may:
        return
    current = await api.get(PATH)
    if current.get("confirmed"):
        return
    notice("Three questions first, so that plans fit your days. Enter takes what stands in brackets; `planner-memory profile set` changes it later.")
    await api.put(PATH, {**_answers(current), "confirmed": True})


def _answers(current: dict[str, Any]) -> dict[str, Any]:
    tz = Prompt.ask("Time zone", default=current["time_zone"])
    hours = Prompt.ask("Working hours, Monday to Friday", default="09:00-17:30")
    country = Prompt.ask("Country whose public holidays are days off (DE, US-CA, none)", default=current.get("holidays_country") or "none")
    return {"time_zone": tz, "working_hours": working_hours("mon-fri", hours), "holidays_country": None if country == "none" else country.upper()}


@profile.command("show")
def show_profile(as_json: Json = False) -> None:
    """Show the profile."""
    answer = run(lambda api: api.get(PATH))
    show_json(answer) if as_json else show(profile_table(answer))


@profile.command("set")
def set_profile(
    time_zone: Annotated[str | None, typer.Option("--time-zone", help="Like Europe/Berlin.")] = None,
    hours: Annotated[str | None, typer.Option(help="Like 09:00-12:00,13:00-17:30.")] = None,
    days: Annotated[str, typer.Option(help="The days that have these hours.")] = "mon-fri",
    holidays: Annotated[str | None, typer.Option(help="Country of your public holidays (DE, US-CA), or none.")] = None,
    buffer: Annotated[int | None, typer.Option(min=0, help="Minutes to keep free round each block.")] = None,
    largest_task: Annotated[int | None, typer.Option("--largest-task", min=0, help="No step of a plan above this, in minutes; 0 for any.")] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Set the profile; without options it asks."""
    given: dict[str, Any] = {"time_zone": time_zone, "buffer_minutes": buffer}
    change = {k: v for k, v in given.items() if v is not None}
    if hours is not None:
        change["working_hours"] = working_hours(days, hours)
    if holidays is not None:
        change["holidays_country"] = None if holidays.lower() == "none" else holidays.upper()
    if largest_task is not None:
        change["largest_task_minutes"] = largest_task or None

    async def story(api: Api) -> Any:
        current = await api.get(PATH)
        if not change and may_ask(as_json, yes):
            change.update(_answers(current))
        elif not change and not yes:
            raise InvalidInput("Nothing is said to be set. Name an option, such as --time-zone Europe/Berlin, or confirm the defaults with --yes.")
        return await api.put(PATH, {**change, "confirmed": True})

    answer = run(story)
    show_json(answer) if as_json else show(profile_table(answer))


GROUPS = {"profile": profile}
