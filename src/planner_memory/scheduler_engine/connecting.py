"""The person's calendars: the account that has to be connected in a browser, and which calendars count as busy."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from planner_memory.core.errors import Conflict, PlannerMemoryError
from planner_memory.ports.calendar import Calendar, CalendarInfo
from planner_memory.ports.calendar_account import AccountState, CalendarAccount
from planner_memory.scheduler_engine.watching import Watcher


class Connections:
    """Part of the scheduler. `account` is None where the calendar needs no browser: the embedded one, and CalDAV.

    `watcher` has ordered the server's calls, which end with the account.
    """

    def __init__(self, calendar: Calendar, account: CalendarAccount | None, watcher: Watcher | None = None) -> None:
        self._calendar = calendar
        self._account = account
        self._watcher = watcher

    @property
    def account(self) -> CalendarAccount:
        """Raises Conflict where there is none."""
        if self._account is None:
            raise Conflict(
                "The calendar of this installation is not connected in a browser. Set PLANNER_CALENDAR=google, GOOGLE_CLIENT_ID and"
                " GOOGLE_CLIENT_SECRET, and restart."
            )
        return self._account

    async def invite(self) -> dict[str, Any]:
        invitation = await self.account.invite()
        return {"authorize_url": invitation.address, "expires_at": invitation.expires_at.isoformat()}

    async def begin(self, link: str | None) -> str:
        """The address to which the browser goes on."""
        return await self.account.begin(link)

    async def finish(self, answer: Mapping[str, str]) -> dict[str, Any]:
        return _state(await self.account.finish(answer))

    async def state(self) -> dict[str, Any]:
        """How the connection is; where none is needed, the calendar itself says whether it answers."""
        if self._account is not None:
            return _state(await self._account.state())
        try:
            await self._calendar.check()
        except PlannerMemoryError as error:
            return {"provider": "caldav", "state": "not connected", "scopes": [], "missing": [error.detail], "connected_at": None, "ends_at": None}
        return {"provider": "caldav", "state": "connected", "scopes": [], "missing": [], "connected_at": None, "ends_at": None}

    async def disconnect(self) -> bool:
        account = self.account
        if self._watcher is not None:
            await self._watcher.stop()
        return await account.disconnect()

    async def calendars(self) -> list[dict[str, Any]]:
        return [_calendar(each) for each in await self._calendar.calendars()]

    async def about(self) -> dict[str, Any]:
        """For /health: the account's state without its scopes; nothing where there is no account. Asks nobody."""
        if self._account is None:
            return {}
        found = await self._account.state()
        return {
            "calendar_account": {"provider": found.provider, "state": found.state, "missing": list(found.missing), "ends_at": _text(found.ends_at)}
        }


def _state(found: AccountState) -> dict[str, Any]:
    return {
        "provider": found.provider,
        "state": found.state,
        "scopes": list(found.scopes),
        "missing": list(found.missing),
        "connected_at": _text(found.connected_at),
        "ends_at": _text(found.ends_at),
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _calendar(found: CalendarInfo) -> dict[str, Any]:
    return {
        "calendar_id": found.calendar_id,
        "name": found.name,
        "is_busy": found.is_read,
        "is_written": found.is_own,
        "is_writable": found.is_writable,
        "is_primary": found.is_primary,
    }
