"""The product's own Google adapter on the loopback Google, connected the way a person connects it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from tests.fakes.google_oauth import CLIENT_ID, CLIENT_SECRET
from tests.fakes.google_server import GoogleServer

from planner_memory.adapters.credential_files.store import EncryptedFile
from planner_memory.adapters.google.account import GoogleAccount
from planner_memory.adapters.google.api import GoogleApi
from planner_memory.adapters.google.calendar import GoogleCalendar
from planner_memory.adapters.google.calendars import Calendars
from planner_memory.core.clock import Clock, utc_now

KEY = "a key for tests, long enough to be one"
REDIRECT = "http://127.0.0.1:8090/oauth/callback"


@dataclass
class Client:
    account: GoogleAccount
    calendar: GoogleCalendar

    async def close(self) -> None:
        await self.calendar.close()


def account_of(server: GoogleServer, folder: Path, *, key: str = KEY, **more: Any) -> GoogleAccount:
    return GoogleAccount(
        EncryptedFile(folder / "gcal.json", key),
        EncryptedFile(folder / "gcal-pending.json", key),
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uri=REDIRECT,
        auth_url=f"{server.url}/o/oauth2/v2/auth",
        token_url=f"{server.url}/token",
        **more,
    )


def client_of(
    server: GoogleServer,
    folder: Path,
    *,
    clock: Clock = utc_now,
    write_to: str | None = None,
    chosen: Callable[[], Awaitable[Sequence[str]]] | None = None,
    patience_seconds: float = 20,
    sleep: Callable[[float], Awaitable[None]] | None = None,
    base_url: str | None = None,
    **more: Any,
) -> Client:
    account = account_of(server, folder, own_calendar=write_to is None, **more)
    options: dict[str, Any] = {"patience_seconds": patience_seconds} | ({"sleep": sleep} if sleep else {})
    api = GoogleApi(account, base_url or server.url, **options)
    calendars = Calendars(api, account, write_to=write_to, **({"chosen": chosen} if chosen else {}))
    return Client(account, GoogleCalendar(api, account, calendars, clock=clock))


async def consent(account: GoogleAccount) -> dict[str, str]:
    """What the browser comes back with after the consent page."""
    address = await account.begin(None)
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(address)
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


async def connect(account: GoogleAccount) -> None:
    await account.finish(await consent(account))
