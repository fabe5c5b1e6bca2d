"""Google Calendar as the person's calendar: many to read, one of the product's own to write to."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from planner_memory.adapters.google import scopes, wire
from planner_memory.adapters.google.account import GoogleAccount
from planner_memory.adapters.google.api import GoogleApi
from planner_memory.adapters.google.calendars import Calendars
from planner_memory.adapters.google.following import followed, own_changes
from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import Conflict, InvalidInput, NotConnected, PlannerMemoryError, Unavailable
from planner_memory.core.ids import new_id
from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import zone
from planner_memory.core.sync_tokens import token_of, tokens_in
from planner_memory.ports.calendar import CalendarEvent, CalendarInfo, Capabilities, Changes, NewEvent, Watch, check_event_id

_PAGE = "2500"
_TRIES = 5
_MOST_ASKED = 50
_DAY = timedelta(days=1)
_UTC = ZoneInfo("UTC")


class GoogleCalendar:
    """Fulfils Calendar. Ids are the caller's, so a write whose answer was lost can be made again. A deleted event keeps its id and is revived."""

    def __init__(self, api: GoogleApi, account: GoogleAccount, calendars: Calendars, *, clock: Clock = utc_now) -> None:
        self._api = api
        self._account = account
        self._calendars = calendars
        self._clock = clock

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(can_push=True, can_import=False, writes_at_once=50)

    async def calendars(self) -> list[CalendarInfo]:
        return await self._calendars.infos(fresh=True)

    # --- reading

    async def events(self, window: Interval, time_zone: str) -> list[CalendarEvent]:
        place = zone(time_zone)
        read = [c for c in await self._calendars.infos() if c.is_read]
        can_read = scopes.may_read_events(await self._account.granted())
        listed = [c for c in read if can_read or c.is_own]
        only_busy = [c.calendar_id for c in read if not (can_read or c.is_own)]
        answers = await asyncio.gather(*(self._listed(c, window, place) for c in listed), self._busy(only_busy, window))
        found = [e for answer in answers for e in answer if e.start < window.end and window.start < e.end]
        return sorted(found, key=lambda e: (e.start, e.end, e.event_id))

    async def _listed(self, calendar: CalendarInfo, window: Interval, place: ZoneInfo) -> list[CalendarEvent]:
        """A day more on each side is asked for: Google puts whole days into the calendar's zone, the person lives in hers."""
        query = {
            "singleEvents": "true",
            "timeMin": _text(window.start - _DAY),
            "timeMax": _text(window.end + _DAY),
            "maxResults": _PAGE,
            "fields": f"nextPageToken,items({wire.FIELDS})",
        }
        found: list[CalendarEvent] = []
        async for page in self._api.pages(("calendars", calendar.calendar_id, "events"), query):
            items = page.body.get("items", ())  # none when the calendar was deleted since it was listed
            made = (wire.event_of(each, calendar.calendar_id, place, in_own=calendar.is_own) for each in items)
            found += [e for e in made if e is not None]
        return found

    async def _busy(self, calendar_ids: Sequence[str], window: Interval) -> list[CalendarEvent]:
        """Spans without titles, for a person who lets the product see no more."""
        found: list[CalendarEvent] = []
        for first in range(0, len(calendar_ids), _MOST_ASKED):
            some = calendar_ids[first : first + _MOST_ASKED]
            body = {"timeMin": _text(window.start), "timeMax": _text(window.end), "items": [{"id": i} for i in some]}
            answer = await self._api.call("POST", ("freeBusy",), body=body)
            for calendar_id, each in answer.body.get("calendars", {}).items():
                for span in each.get("busy", ()):
                    start, end = datetime.fromisoformat(span["start"]).astimezone(UTC), datetime.fromisoformat(span["end"]).astimezone(UTC)
                    digest = hashlib.sha256(f"{calendar_id}\0{start}\0{end}".encode()).hexdigest()[:26]
                    if start < end:
                        found.append(CalendarEvent(f"busy{digest}", "", start, end, calendar_id=calendar_id))
        return found

    async def event(self, event_id: str) -> CalendarEvent | None:
        own = await self._calendars.own()
        if own is None:
            return None
        answer = await self._api.call("GET", ("calendars", own, "events", event_id))
        if answer.status >= 300 or wire.is_deleted(answer.body):
            return None
        found = wire.event_of(answer.body, own, _UTC, in_own=True)
        return found if found is not None and found.is_own else None

    # --- writing

    async def put(self, event: NewEvent, *, if_match: str | None = None, only_new: bool = False) -> CalendarEvent:
        check_event_id(event.event_id)
        body = wire.body_of(event)
        for _ in range(_TRIES):
            own = await self._calendars.own_or_made(event.time_zone)
            is_ours = False
            if if_match is None:
                answer = await self._api.call("POST", ("calendars", own, "events"), body=body, joins=True)
                if answer.status < 300:
                    return self._written(answer.body, own)
                if answer.status in (404, 410):
                    await self._calendars.is_gone(own)
                    continue
                is_ours = answer.is_repeat  # the event that stands there may be this one, written by an attempt whose answer was lost
            path = ("calendars", own, "events", event.event_id)
            there = await self._api.call("GET", path)
            if if_match is not None and (there.status >= 300 or wire.is_deleted(there.body) or there.body.get("etag") != if_match):
                raise _changed(event.event_id)
            if there.status >= 300:
                continue
            if not wire.is_deleted(there.body):
                if wire.is_same(body, there.body) and (is_ours or not only_new):
                    return self._written(there.body, own)
                if only_new:
                    raise Conflict("An event of this id stands in the calendar already.", event_id=event.event_id)
            etag = str(there.body["etag"])
            if wire.is_deleted(there.body):
                answer = await self._api.call("PUT", path, body=body, if_match=etag, joins=True)
            else:
                answer = await self._api.call("PATCH", path, body=wire.patch_of(body, there.body), if_match=etag, joins=True)
            if answer.status < 300:
                return self._written(answer.body, own)
            if if_match is not None and not answer.is_repeat:
                raise _changed(event.event_id)
        raise Unavailable("The event in Google Calendar is being changed by others all the time. Try again in a moment.", retry_after=5)

    def _written(self, resource: Any, calendar_id: str) -> CalendarEvent:
        found = wire.event_of(resource, calendar_id, _UTC, in_own=True)
        if found is None:
            raise InvalidInput("The event would have no length.", field="end")
        return found

    async def delete(self, event_id: str, *, if_match: str | None = None) -> bool:
        own = await self._calendars.own()
        if own is None:
            return False
        answer = await self._api.call("DELETE", ("calendars", own, "events", event_id), if_match=if_match, joins=True)
        if answer.status == 412:
            raise _changed(event_id)
        return answer.status < 300 or (answer.is_repeat and answer.status == 410)

    async def import_events(self, ics: str) -> int:
        raise InvalidInput(
            "Google Calendar takes .ics files itself: open calendar.google.com, Settings, Import & export, and choose the file. Nothing was stored.",
            field="ics",
        )

    # --- following

    async def changes(self, token: str | None, time_zone: str) -> Changes:
        read = [c for c in await self._calendars.infos() if c.is_read]
        can_read = scopes.may_read_events(await self._account.granted())
        before = tokens_in(token)
        is_full, others = token is None, {c.calendar_id for c in read if can_read or c.is_own} != set(before)
        after: dict[str, str] = {}
        events: list[CalendarEvent] = []
        deleted: list[str] = []
        for calendar in read:
            if not can_read and not calendar.is_own:
                others = True  # free and busy alone have no tokens
                continue
            found = await followed(self._api, calendar.calendar_id, before.get(calendar.calendar_id), in_own=calendar.is_own, now=self._clock())
            if found is None:
                others = True
                continue
            after[calendar.calendar_id] = found.token
            if calendar.is_own:
                is_full = is_full or found.is_full
                events, deleted, foreign = own_changes(found, calendar.calendar_id)
                others = others or foreign
            else:
                others = others or bool(found.resources) or (found.is_full and token is not None)
        return Changes(token_of(after), events, deleted, others, is_full)

    async def watch(self, address: str, secret: str) -> Watch | None:
        channels: list[tuple[str, str]] = []
        ends: list[datetime] = []
        refusal: PlannerMemoryError | None = None
        for calendar in [c for c in await self._calendars.infos() if c.is_read]:
            body = {"id": str(new_id()), "type": "web_hook", "address": address, "token": secret}
            try:
                answer = await self._api.call("POST", ("calendars", calendar.calendar_id, "events", "watch"), body=body, repeats=False)
            except (InvalidInput, NotConnected) as error:  # calendars of holidays and those of which only free and busy may be seen do not call
                refusal = error
                continue
            if answer.status < 300:
                channels.append((body["id"], str(answer.body["resourceId"])))
                ends.append(datetime.fromtimestamp(int(answer.body.get("expiration", 0)) / 1000, UTC))
        if not channels:
            if refusal is not None:
                raise refusal
            return None
        return Watch(channels, min(ends))

    async def unwatch(self, watch: Watch) -> None:
        for channel_id, resource_id in watch.channels:
            await self._api.call("POST", ("channels", "stop"), body={"id": channel_id, "resourceId": resource_id})

    # --- the connection

    async def check(self) -> None:
        """Asks Google once a minute at most, as health is asked for more often."""
        await self._calendars.infos()
        await self._account.access_token()

    async def close(self) -> None:
        await self._api.close()
        await self._account.close()


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _changed(event_id: str) -> Conflict:
    return Conflict("The event was changed in the calendar meanwhile.", event_id=event_id)
