"""Any CalDAV server as the calendar: Radicale, Nextcloud, iCloud, Fastmail.

Discovery, authentication and the requests are caldav's asynchronous client. Events are written with plain PUTs, because its objects make
several round trips per event, and expanded on this side, because servers differ there.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from xml.sax.saxutils import escape

from planner_memory.adapters.caldav import ics as texts
from planner_memory.adapters.caldav.collections import TokenExpired, changed_since
from planner_memory.adapters.caldav.connection import Connection, Found, Wanted, accept
from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import Conflict, InvalidInput, Unavailable
from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import zone
from planner_memory.core.sync_tokens import token_of, tokens_in
from planner_memory.ports.calendar import CalendarEvent, CalendarInfo, Capabilities, Changes, NewEvent, Watch, check_event_id

_ATTEMPTS = 3
_ALWAYS: Mapping[str, str] = {}
_IN_RANGE = """<?xml version="1.0" encoding="utf-8"?>
<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>
<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">
<C:time-range start="{start:%Y%m%dT%H%M%SZ}" end="{end:%Y%m%dT%H%M%SZ}"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"""
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_BY_UID = """<?xml version="1.0" encoding="utf-8"?>
<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>
<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:prop-filter name="UID">
<C:text-match collation="i;octet">{uid}</C:text-match></C:prop-filter></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"""


Chosen = Callable[[], Awaitable[Sequence[str]]]


async def _none() -> Sequence[str]:
    return ()


class CalDavCalendar(Connection):
    """Fulfils Calendar.

    Own blocks live in the calendar `own_calendar` (shown as Planner), imports in `imports` (shown as Personal); both are made when first needed.
    `chosen` names those that count as busy, by display name, address or its last part; none means all. The own one is always read.
    `addresses` are the person's mail addresses, by which a declined invitation is known.
    """

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        own_calendar: str = "planner-memory",
        *,
        imports: str = "personal",
        chosen: Chosen = _none,
        addresses: Sequence[str] = (),
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(url, username, password)
        self._own, self._imports = Wanted(own_calendar, "Planner"), Wanted(imports, "Personal")
        self._chosen = chosen
        self._addresses = frozenset(a.lower() for a in (*addresses, *([username] if "@" in username else [])))
        self._clock = clock

    # --- reading

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(can_push=False, can_import=True, writes_at_once=4)

    async def calendars(self) -> list[CalendarInfo]:
        chosen = await self._chosen()
        found = [
            CalendarInfo(c.url, c.name or c.segment, is_writable=True, is_read=self._is_read(c, chosen), is_own=self._own.is_(c))
            for c in await self._calendars()
        ]
        return sorted(found, key=lambda c: (c.name.casefold(), c.calendar_id))

    async def events(self, window: Interval, time_zone: str) -> list[CalendarEvent]:
        place = zone(time_zone)
        day = timedelta(days=1)
        read = await self._read()
        answers = await asyncio.gather(*(self._query(c.url, window.start - day, window.end + day) for c in read))
        objects = [texts.Stored(text, etag, c.url) for c, answer in zip(read, answers, strict=True) for _, etag, text in answer]

        def expand() -> list[CalendarEvent]:
            found = [e for each in objects for e in texts.expanded(each, window, place, addresses=self._addresses)]
            return sorted(found, key=lambda e: (e.start, e.end, e.event_id))

        return await asyncio.to_thread(expand)

    async def event(self, event_id: str) -> CalendarEvent | None:
        url = await self._own_address()
        if url is None:
            return None
        async with self._asked() as client:
            response = await client.request(_inside(url, event_id), "GET")
            if response.status in (404, 410):
                return None
            accept(response, 200)
            raw = response._raw  # noqa: SLF001 – the body has no public name
            text = raw.decode() if isinstance(raw, bytes) else str(raw)
            return texts.own(texts.Stored(text, response.headers.get("ETag"), url), event_id)

    async def changes(self, token: str | None, time_zone: str) -> Changes:
        read = await self._read()
        before = tokens_in(token)
        is_full, others = token is None, {c.url for c in read} != set(before)
        after: dict[str, str] = {}
        events: list[CalendarEvent] = []
        deleted: list[str] = []
        for calendar in read:
            is_own = self._own.is_(calendar)
            async with self._asked() as client:
                try:
                    found = await changed_since(client, calendar.url, before.get(calendar.url), with_text=is_own)
                except TokenExpired:
                    found = await changed_since(client, calendar.url, None, with_text=is_own)
                    is_full, others = is_full or is_own, True
            is_full = is_full or (is_own and calendar.url not in before)
            after[calendar.url] = found.token
            if not is_own:
                others = others or bool(found.changed or found.gone)
                continue
            for href, etag, text in found.changed:
                own = texts.own(texts.Stored(text, etag, calendar.url), _name(href)) if text else None
                if own is None:
                    others = True
                elif own.event_id == _name(href):  # a copy under another name is not the event that was written
                    events.append(own)
            deleted += [_name(href) for href in found.gone]
        return Changes(token_of(after), events, [] if is_full else deleted, others, is_full)

    async def watch(self, address: str, secret: str) -> Watch | None:
        return None

    async def unwatch(self, watch: Watch) -> None: ...

    async def _read(self) -> list[Found]:
        chosen = await self._chosen()
        return [c for c in await self._calendars() if self._is_read(c, chosen)]

    def _is_read(self, calendar: Found, chosen: Sequence[str]) -> bool:
        return not chosen or self._own.is_(calendar) or bool({calendar.name, calendar.segment, calendar.url} & set(chosen))

    async def _query(self, url: str, start: datetime, end: datetime) -> list[tuple[str, str | None, str]]:
        async with self._asked() as client:
            response = await client.report(url, _IN_RANGE.format(start=start.astimezone(UTC), end=end.astimezone(UTC)), depth=1, headers=_XML)
            if response.status == 404:  # deleted since it was listed
                return []
            accept(response, 200, 207)
            return [(r.href, r.etag, r.calendar_data) for r in response.parse_calendar_query() if r.calendar_data]

    # --- writing

    async def put(self, event: NewEvent, *, if_match: str | None = None, only_new: bool = False) -> CalendarEvent:
        check_event_id(event.event_id)
        text = texts.composed(event, self._clock())
        condition = {"If-Match": if_match} if if_match else {"If-None-Match": "*"} if only_new else {}
        etag, _ = await self._put(self._own, event.event_id, text, condition)
        return CalendarEvent(
            event_id=event.event_id,
            title=event.title,
            start=event.start,
            end=event.end,
            description=event.description,
            categories=("Planner",),
            private=dict(event.private),
            link=event.link,
            etag=etag,
            is_done=event.is_done,
            calendar_id=self._known[self._own.segment],
        )

    async def delete(self, event_id: str, *, if_match: str | None = None) -> bool:
        url = await self._own_address()
        if url is None:
            return False
        async with self._asked() as client:
            response = await client.request(_inside(url, event_id), "DELETE", "", {"If-Match": if_match} if if_match else {})
            if response.status in (404, 410):
                return False
            if response.status == 412:
                raise Conflict("The event was changed in the calendar meanwhile.", event_id=event_id)
            accept(response, 200, 202, 204)
            return True

    async def _own_address(self) -> str | None:
        """Where the product's own calendar is, or None when nothing was written yet."""
        known = self._known.get(self._own.segment)
        return known or next((c.url for c in await self._calendars() if self._own.is_(c)), None)

    async def import_events(self, ics: str) -> int:
        objects = await asyncio.to_thread(texts.separated, ics)
        made: list[str] = []
        try:
            for uid, text in objects.items():
                _, new = await self._put(self._imports, uid, text)
                if new is not None:
                    made.append(new)
        except InvalidInput:
            async with self._asked() as client:
                for url in made:
                    await client.delete(url)
            raise
        return len(objects)

    async def _put(self, wanted: Wanted, uid: str, text: str, condition: Mapping[str, str] = _ALWAYS) -> tuple[str | None, str | None]:
        """Writes one object; answers its etag, and its address when it is new. Without a condition a PUT replaces, so it can be repeated."""
        headers = {"Content-Type": "text/calendar; charset=utf-8", **condition}
        for attempt in range(_ATTEMPTS):
            calendar = await self._address(wanted)
            url = _inside(calendar, uid)
            async with self._asked() as client:
                response = await client.put(url, text, headers)
                if response.status == 412 or ("If-Match" in condition and response.status == 404):
                    raise Conflict("The event was changed in the calendar meanwhile.", event_id=uid)
                if response.status in (404, 409) and attempt < _ATTEMPTS - 1:
                    other = await self._of_uid(client, calendar, uid)
                    if other is None:  # the calendar itself was removed by hand
                        self._known.pop(wanted.segment, None)
                        continue
                    response = await client.put(other, text, headers)
                if response.status in (400, 413, 415, 422):
                    raise InvalidInput(f"The calendar server refused the event {uid!r} (status {response.status}). Nothing was stored.", field="ics")
                accept(response, 200, 201, 204)
                return response.headers.get("ETag"), url if response.status == 201 else None
        raise Unavailable("The calendar server does not take the event. Try again in a moment.")

    async def _of_uid(self, client: Any, calendar: str, uid: str) -> str | None:
        """The address under which another program stored that UID, since a UID may stand only once in a calendar (RFC 4791, 5.3.2.1)."""
        response = await client.report(calendar, _BY_UID.format(uid=escape(uid)), depth=1, headers=_XML)
        if response.status not in (200, 207):
            return None
        return next((urljoin(calendar, r.href) for r in response.parse_calendar_query() if r.calendar_data), None)


def _inside(calendar: str, uid: str) -> str:
    """The address of an object. A UID that is no safe file name is hashed."""
    safe = uid.isascii() and all(c.isalnum() or c in "-_" for c in uid) and len(uid) <= 128
    return calendar.rstrip("/") + "/" + (uid if safe else hashlib.sha256(uid.encode()).hexdigest()) + ".ics"


def _name(address: str) -> str:
    return unquote(urlsplit(address).path.rsplit("/", 1)[-1]).removesuffix(".ics")
