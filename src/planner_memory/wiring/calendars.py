"""The calendar that the settings ask for."""

import importlib
from collections.abc import Awaitable, Callable, Sequence
from types import ModuleType

from planner_memory.adapters.caldav.calendar import CalDavCalendar
from planner_memory.adapters.radicale.server import EmbeddedRadicale
from planner_memory.core.errors import NotStarted
from planner_memory.wiring.home import credentials_directory
from planner_memory.wiring.platform import Platform

_NAMES = {"caldav": "caldav", "google": "google", "radicale": "radicale (embedded)"}


def _accounts() -> ModuleType:
    return importlib.import_module("planner_memory.wiring.accounts")


def _chosen(platform: Platform) -> Callable[[], Awaitable[Sequence[str]]]:
    """The calendars that count as busy, as the person's profile has them now."""

    async def chosen() -> Sequence[str]:
        return (await platform.profiles.profile("me")).calendars

    return chosen


async def open_calendar(platform: Platform, *, may_start: bool) -> None:
    """Sets the platform's calendar. `may_start`: this process may run the embedded one."""
    settings = platform.settings
    is_kept = (credentials_directory(settings, platform.data) / "caldav.json").exists()
    kind = settings.calendar or ("caldav" if settings.caldav_url or is_kept else "radicale")
    if kind == "caldav":
        platform.calendar = await _caldav(platform, is_kept=is_kept)
    elif kind == "google":
        platform.calendar = _accounts().open_google(platform, _chosen(platform))
    elif kind == "radicale" and may_start:
        radicale = EmbeddedRadicale(platform.data.path, port=settings.calendar_port)
        await radicale.start()
        platform.stack.push_async_callback(radicale.stop)
        platform.calendar = CalDavCalendar(radicale.url, radicale.username, radicale.password, chosen=_chosen(platform))
        platform.adapters["calendar_url"] = radicale.url
    if platform.calendar is not None:
        platform.stack.push_async_callback(platform.calendar.close)
    platform.adapters["calendar"] = _NAMES.get(kind, "off") if platform.calendar else "off"


async def _caldav(platform: Platform, *, is_kept: bool) -> CalDavCalendar:
    """By the settings, else by what `calendar connect caldav` has kept."""
    settings = platform.settings
    if settings.caldav_url is not None:
        return CalDavCalendar(settings.caldav_url, settings.caldav_username, settings.caldav_password.get_secret_value(), chosen=_chosen(platform))
    kept = await _accounts().stored_caldav(settings, platform.data) if is_kept else None
    if kept is None:
        raise NotStarted(
            "PLANNER_CALENDAR=caldav needs CALDAV_URL, CALDAV_USERNAME and CALDAV_PASSWORD, or `planner-memory calendar connect caldav`."
            + (" What that kept cannot be read with this PLANNER_CREDENTIALS_KEY." if is_kept else "")
        )
    return CalDavCalendar(*kept, chosen=_chosen(platform))
