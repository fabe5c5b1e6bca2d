"""Accounts of calendars: Google's by OAuth, a CalDAV server's by password, their secrets encrypted.

Loaded only when one is used, because it brings cryptography.
"""

import secrets

from planner_memory.adapters.caldav.calendar import CalDavCalendar
from planner_memory.adapters.credential_files.store import EncryptedFile
from planner_memory.adapters.google.account import GoogleAccount
from planner_memory.adapters.google.api import GoogleApi
from planner_memory.adapters.google.calendar import GoogleCalendar
from planner_memory.adapters.google.calendars import Calendars, Chosen
from planner_memory.adapters.in_process.data_dir import DataDirectory, ensure_secret
from planner_memory.core.errors import NotStarted
from planner_memory.settings import Settings
from planner_memory.wiring.home import credentials_directory, data_directory
from planner_memory.wiring.platform import Platform


def credential_file(settings: Settings, data: DataDirectory, name: str) -> EncryptedFile:
    given = settings.credentials_key
    key = given.get_secret_value() if given is not None else ensure_secret(data.path / "credentials-key", lambda: secrets.token_urlsafe(48))
    return EncryptedFile(credentials_directory(settings, data) / name, key)


def open_google(platform: Platform, chosen: Chosen) -> GoogleCalendar:
    """Google Calendar with its account, connected or not; also sets the platform's account."""
    settings = platform.settings
    if not settings.google_client_id or settings.google_client_secret is None:
        raise NotStarted(
            "PLANNER_CALENDAR=google needs GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET of an OAuth client. Make one at console.cloud.google.com under"
            f" APIs & Services, Credentials, as a web application whose redirect URI is {settings.google_redirect_uri}."
        )

    account = GoogleAccount(
        credential_file(settings, platform.data, "gcal.json"),
        credential_file(settings, platform.data, "gcal-pending.json"),
        client_id=settings.google_client_id,
        client_secret=settings.google_client_secret.get_secret_value(),
        redirect_uri=settings.google_redirect_uri,
        auth_url=settings.google_auth_url,
        token_url=settings.google_token_url,
        own_calendar=settings.google_calendar is None,
        titles=settings.google_titles,
        clock=platform.clock,
    )
    api = GoogleApi(account, settings.google_api_base_url, clock=platform.clock)
    platform.account = account
    return GoogleCalendar(api, account, Calendars(api, account, write_to=settings.google_calendar, chosen=chosen), clock=platform.clock)


async def stored_caldav(settings: Settings, data: DataDirectory) -> tuple[str, str, str] | None:
    """Address, user name and password that `calendar connect caldav` has kept, or None."""
    kept = await credential_file(settings, data, "caldav.json").read()
    return (kept["url"], kept["username"], kept["password"]) if kept else None


async def connect_caldav(settings: Settings, url: str, username: str, password: str) -> list[str]:
    """Tries a CalDAV server and keeps its credentials; answers the names of its calendars. Nothing is kept when it refuses.

    Raises:
        NotConnected: it refuses the credentials.
        Unavailable: it does not answer as a CalDAV server.
    """
    calendar = CalDavCalendar(url, username, password)
    try:
        found = await calendar.calendars()
    finally:
        await calendar.close()
    data = data_directory(settings)
    data.create()
    await credential_file(settings, data, "caldav.json").write({"url": url, "username": username, "password": password})
    return [each.name for each in found]


async def forget_caldav(settings: Settings) -> bool:
    """False when none was kept."""
    return await credential_file(settings, data_directory(settings), "caldav.json").delete()
