"""Which of the person's Google calendars are read, and which one the product writes to: by preference one that it has made itself."""

import time
from collections.abc import Awaitable, Callable, Sequence

from planner_memory.adapters.google import scopes
from planner_memory.adapters.google.account import GoogleAccount
from planner_memory.adapters.google.api import GoogleApi
from planner_memory.core.errors import NotConnected
from planner_memory.ports.calendar import CalendarInfo

_BELIEVED_FOR = 60.0  # seconds
_NAME = "Planner"
_MARK = "Blocks placed by planner-memory."
_WRITERS = ("owner", "writer")
Chosen = Callable[[], Awaitable[Sequence[str]]]


async def _none() -> Sequence[str]:
    return ()


class Calendars:
    """`write_to` is the id of a calendar of the person's own, or "primary"; None means one that the product makes.

    `chosen` answers with the ids or names of those that count as busy; none means every calendar that the person owns. The own one always counts.
    """

    def __init__(self, api: GoogleApi, account: GoogleAccount, *, write_to: str | None = None, chosen: Chosen = _none) -> None:
        self._api = api
        self._account = account
        self._write_to = write_to
        self._chosen = chosen
        self._seen: tuple[float, list[dict[str, str]]] | None = None

    async def infos(self, *, fresh: bool = False) -> list[CalendarInfo]:
        own, chosen = await self.own(), set(await self._chosen())
        entries = await self._entries(fresh=fresh)
        if own is not None and own not in [e["id"] for e in entries]:
            entries = [*entries, {"id": own, "summary": _NAME, "accessRole": "owner"}]  # hidden by the person, or nothing may be listed
        found = []
        for each in entries:
            name = each.get("summaryOverride") or each.get("summary") or ""
            is_own, is_primary = each["id"] == own, bool(each.get("primary"))
            names = {each["id"], name, *(["primary"] if is_primary else [])}
            is_read = is_own or (bool(names & chosen) if chosen else each.get("accessRole") == "owner")
            found.append(CalendarInfo(each["id"], name, each.get("accessRole") in _WRITERS, is_primary, is_read, is_own))
        return sorted(found, key=lambda c: (not c.is_primary, c.name.casefold(), c.calendar_id))

    async def own(self) -> str | None:
        """Where the product writes, or None when nothing was written yet."""
        if self._write_to == "primary":
            return next((e["id"] for e in await self._entries() if e.get("primary")), "primary")
        return self._write_to or await self._account.calendar_id()

    async def own_or_made(self, time_zone: str) -> str:
        found = await self.own()
        if found is not None:
            return found
        async with self._account.making():
            found = await self.own()  # another process may have been quicker
            if found is not None:
                return found
            made = next((e["id"] for e in await self._entries(fresh=True) if _is_ours(e)), None)  # of an earlier connection
            if made is None:
                body = {"summary": _NAME, "description": f"{_MARK} Move or delete them as you like.", "timeZone": time_zone}
                answer = await self._api.call("POST", ("calendars",), body=body, repeats=False)
                made = str(answer.body["id"])
            await self._account.keep_calendar_id(made)
            self._seen = None
            return made

    async def is_gone(self, calendar_id: str) -> None:
        """The person has deleted the calendar that the product wrote to: the next write makes another.

        Raises:
            NotConnected: it is not the product's to make.
        """
        if self._write_to is not None:
            raise NotConnected(
                "The Google calendar that PLANNER_GOOGLE_CALENDAR names is not there. `planner-memory calendars` lists those that are."
            )
        async with self._account.making():
            if await self._account.calendar_id() == calendar_id:
                await self._account.keep_calendar_id(None)
        self._seen = None

    async def _entries(self, *, fresh: bool = False) -> list[dict[str, str]]:
        if not fresh and self._seen is not None and time.monotonic() < self._seen[0]:
            return self._seen[1]
        if scopes.may_list(await self._account.granted()):
            entries: list[dict[str, str]] = []
            async for page in self._api.pages(("users", "me", "calendarList"), {"maxResults": "250"}):
                entries += page.body.get("items", [])
        else:
            entries = [{"id": "primary", "summary": "Primary calendar", "accessRole": "owner", "primary": "true"}]
        self._seen = time.monotonic() + _BELIEVED_FOR, entries
        return entries


def _is_ours(entry: dict[str, str]) -> bool:
    return entry.get("accessRole") == "owner" and entry.get("description", "").startswith(_MARK)
