"""Commands that connect calendars and choose among them."""

import asyncio
import time
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.prompt import Prompt
from rich.table import Table

from planner_memory.cli.calls import Api, Json, notice, run, show, show_json
from planner_memory.cli.connection import loaded
from planner_memory.cli.profile import PATH as PROFILE
from planner_memory.core.errors import InvalidInput, NotConnected, NotStarted, Unavailable
from planner_memory.settings import Settings
from planner_memory.wiring.home import data_directory

_CONNECTION = "/api/v1/scheduler/connection"
_POLL_SECONDS = 1.0
calendar = typer.Typer(help="Connect a calendar of yours: Google, or any CalDAV server.", no_args_is_help=True)
connect = typer.Typer(help="Connect a calendar.", no_args_is_help=True)
calendar.add_typer(connect, name="connect")


@connect.command("google")
def connect_google(
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the browser is done.")] = True,
    as_json: Json = False,
) -> None:
    """Connect Google Calendar: prints a link for your browser, and waits."""
    running = data_directory(Settings()).running()
    if running is None:
        raise NotStarted("Google sends your browser back to the running product. Start it with `planner-memory up` in another window first.")

    async def story(api: Api) -> Any:
        before = (await api.get(_CONNECTION))["connected_at"]
        link = await api.post(_CONNECTION + "/link")
        if as_json:
            show_json(link)
        else:
            notice("Open this link in your browser. It works once, for ten minutes:")
            typer.echo(link["authorize_url"])
            _warn_of_ports(running.url, link["authorize_url"])
        return await _waited(api, before, datetime.fromisoformat(link["expires_at"])) if wait and not as_json else None

    found = run(story)
    if found is not None:
        for each in found["missing"]:
            notice(f"Left out, and done without: {each}.")
        if found["ends_at"]:
            notice(f"Google ends this connection on {found['ends_at'][:10]}, because the application is in testing. Publish it to keep it connected.")
        typer.echo("Google Calendar is connected.")


def _warn_of_ports(product: str, link: str) -> None:
    """A link to this machine has to name the port at which the product answers."""
    here, there = urlsplit(product), urlsplit(link)
    if there.hostname in ("127.0.0.1", "localhost") and here.port != there.port:
        notice(
            f"The product answers at {product}, but GOOGLE_REDIRECT_URI names port {there.port or 80}. If the link does not open, make the two agree."
        )


async def _waited(api: Api, before: str | None, expires_at: datetime) -> Any:
    """The state once it is connected anew."""
    notice("Waiting for the browser … Ctrl-C stops waiting; the link goes on working.")
    ends = time.monotonic() + (expires_at - datetime.now(expires_at.tzinfo)).total_seconds()
    while time.monotonic() < ends:
        found = await api.get(_CONNECTION)
        if found["state"] == "connected" and found["connected_at"] != before:
            return found
        await asyncio.sleep(_POLL_SECONDS)
    raise Unavailable("Nobody opened the link within ten minutes. Run the command again for a new one.")


@connect.command("caldav")
def connect_caldav(
    url: Annotated[str | None, typer.Option(help="Address of the server, such as https://caldav.icloud.com/.")] = None,
    username: Annotated[str | None, typer.Option(help="User name there, often your mail address.")] = None,
    as_json: Json = False,
) -> None:
    """Connect a CalDAV server (Nextcloud, iCloud, Fastmail): asks, tries it, and keeps it encrypted."""
    address = url or Prompt.ask("Address of the CalDAV server")
    name = username or Prompt.ask("User name")
    password = typer.prompt("Password, or app password", hide_input=True, err=True)
    if not address.startswith(("https://", "http://")):
        raise InvalidInput("The address begins with https://.", field="url")
    try:
        names = asyncio.run(loaded("wiring.accounts").connect_caldav(Settings(), address, name, password))
    except NotConnected as error:
        raise NotConnected("The server refuses that user name and password. iCloud, Fastmail and Nextcloud want an app password.") from error
    except Unavailable as error:
        raise Unavailable("There is no CalDAV server at that address, or it does not answer. Nothing was kept.") from error
    if as_json:
        show_json({"connected": True, "calendars": names})
        return
    typer.echo(f"It answers, with {len(names)} calendars: {', '.join(names) or 'none yet'}.")
    notice("Restart the product, and it takes this calendar.")


@calendar.command("disconnect")
def disconnect(as_json: Json = False) -> None:
    """Forget the calendar's credentials, and have Google revoke them."""
    settings = Settings()
    if settings.calendar == "google":
        answer = run(lambda api: api.delete(_CONNECTION))
    else:
        answer = {"disconnected": asyncio.run(loaded("wiring.accounts").forget_caldav(settings))}
    if as_json:
        show_json(answer)
    else:
        typer.echo("Disconnected." if answer["disconnected"] else "Nothing was connected.")


@calendar.command("status")
def status(as_json: Json = False) -> None:
    """Say how the calendar is connected."""
    found = run(lambda api: api.get(_CONNECTION))
    if as_json:
        show_json(found)
        return
    typer.echo(f"{found['provider']}: {found['state']}")
    for each in found["missing"]:
        notice(f"Missing: {each}")


def calendars(
    busy: Annotated[
        list[str] | None, typer.Option("--busy", metavar="CALENDAR", help="Let only these count as busy, by name or id; may be repeated.")
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Let all of your own calendars count as busy again.")] = False,
    as_json: Json = False,
) -> None:
    """List your calendars, or choose those that count as busy."""
    if busy and reset:
        raise InvalidInput("Either choose calendars or go back to all of them.", field="busy")

    async def story(api: Api) -> Any:
        found = await api.get("/api/v1/scheduler/calendars")
        if busy or reset:
            known = {name for each in found["calendars"] for name in (each["name"], each["calendar_id"])}
            unknown = [name for name in busy or () if name not in known]
            if unknown:
                raise InvalidInput(f"There is no calendar {unknown[0]!r}. `planner-memory calendars` lists those that there are.", field="busy")
            await api.put(PROFILE, {"calendars": busy or []})
            found = await api.get("/api/v1/scheduler/calendars")
        return found

    answer = run(story)
    show_json(answer) if as_json else show(_table(answer["calendars"]))


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table("calendar", "counts as busy", "written to", box=None, pad_edge=False, header_style="bold")
    for each in found:
        name = each["name"] + (" (primary)" if each["is_primary"] and each["name"] != each["calendar_id"] else "")
        table.add_row(name, "yes" if each["is_busy"] else "no", "yes" if each["is_written"] else "")
    return table


COMMANDS = (calendars,)
GROUPS = {"calendar": calendar}
