"""Commands that look back and ahead: reflect, brief, facts."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer

from planner_memory.cli.calls import Api, Client, Json, run, show, show_json, warn
from planner_memory.cli.render import facts as facts_view
from planner_memory.cli.render import reflection

Mode = Literal["daily", "weekly"]


def reflect(
    mode: Annotated[Mode, typer.Argument(help="The day, or the week.")] = "daily",
    date: Annotated[str | None, typer.Option(help="A day, or any day of the week, like 2027-03-15. Default: since the last one.")] = None,
    client: Client = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it only; post and store nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Compare what was planned with what happened, post it and remember it."""
    query = {"mode": mode, "date": date, "client_id": client, "dry_run": dry_run or None}
    answer = run(lambda api: api.post("/api/v1/observer/reflect", query=query))
    warn(answer)
    show_json(answer) if as_json else show(reflection(answer))


def brief(as_json: Json = False) -> None:
    """The morning: what is on, what slipped, what is at risk."""
    answer = run(lambda api: api.get("/api/v1/observer/brief"))
    warn(answer)
    show_json(answer) if as_json else show(reflection(answer))


def facts(
    start: Annotated[str | None, typer.Option(help="First day or instant. Default: six days ago.")] = None,
    end: Annotated[str | None, typer.Option(help="Last day, or instant. Default: today.")] = None,
    client: Client = None,
    as_json: Json = False,
) -> None:
    """The numbers of a period."""

    async def story(api: Api) -> tuple[Any, ZoneInfo]:
        tz = await api.zone()
        today = datetime.now(tz).date()
        period = {"start": start or (today - timedelta(days=6)).isoformat(), "end": end or today.isoformat()}
        return await api.get("/api/v1/observer/facts", **period, client_id=client), tz

    answer, tz = run(story)
    warn(answer)
    show_json(answer) if as_json else show(facts_view(answer, tz))


COMMANDS = (reflect, brief, facts)
