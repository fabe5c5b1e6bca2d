"""iCalendar texts to and from calendar events. Recurrences are expanded here, because servers differ in how well they do it."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from planner_memory.core.errors import InvalidInput
from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import at_wall_time
from planner_memory.ports.calendar import CalendarEvent, NewEvent, marked, unmarked

PRODUCT = "-//planner-memory//planner-memory//EN"
_PRIVATE = "X-PLANNER-"
_NO_LINE = re.compile(r"[%\x00-\x1f\x7f]")  # what a property of our own cannot hold as it is
_WRITTEN_OUT = re.compile(r"%([0-9A-F]{2})")
_DAY = timedelta(days=1)
_OWN_ID = re.compile(r"pm[a-v0-9]{30,}")


@dataclass(frozen=True, slots=True)
class Stored:
    """One object of a calendar as the server gave it."""

    text: str
    etag: str | None = None
    calendar_id: str = ""


def composed(event: NewEvent, now: datetime) -> str:
    """One of the product's own events as an iCalendar text. Times are written in UTC, which needs no zone definition."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    entry = icalendar.Event()
    entry.add("uid", event.event_id)
    entry.add("dtstamp", now)
    entry.add("dtstart", event.start.astimezone(UTC))
    entry.add("dtend", event.end.astimezone(UTC))
    entry.add("summary", marked(event.title, is_done=event.is_done))
    if event.description:
        entry.add("description", event.description)
    entry.add("categories", ["Planner"])
    entry.add("transp", "OPAQUE")
    if event.link:
        entry.add("url", event.link)
    if event.color:
        entry.add("color", event.color)
    for minutes in event.reminders or ():
        entry.add_component(_alarm(event.title, minutes))
    entry.add("x-planner-time-zone", event.time_zone)
    for name, value in sorted(event.private.items()):
        entry.add(_PRIVATE + name.upper().replace("_", "-"), _NO_LINE.sub(lambda m: f"%{ord(m[0]):02X}", value))
    calendar.add_component(entry)
    return str(calendar.to_ical().decode())


def _alarm(title: str, minutes: int) -> Any:
    alarm = icalendar.Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", timedelta(minutes=-minutes))
    return alarm


def own(stored: Stored, name: str) -> CalendarEvent | None:
    """The one of the product's own events that the object of that name holds, or None when it holds something else.

    Some programs drop the properties that they do not know when they change an event: then its id, which is the name too, says that it is ours.
    """
    try:
        entries = icalendar.Calendar.from_ical(stored.text).walk("VEVENT")
        found = _event(entries[0], ZoneInfo("UTC"), stored, (), repeats=False) if len(entries) == 1 else None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None
    if found is None or found.is_own:
        return found
    if found.event_id != name or not _OWN_ID.fullmatch(name):
        return None
    title, is_done = unmarked(found.title)
    return replace(found, title=title, is_done=is_done)


def expanded(stored: Stored, window: Interval, time_zone: ZoneInfo, *, addresses: Collection[str]) -> list[CalendarEvent]:
    """Every occurrence in one stored object that overlaps the window, in no order. A text that cannot be read has none."""
    try:
        calendar = icalendar.Calendar.from_ical(stored.text)
        # a day more on each side: floating and whole-day events get their place only here
        found = recurring_ical_events.of(calendar, skip_bad_series=True).between(window.start - _DAY, window.end + _DAY)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return []
    repeats = any("RRULE" in each or "RDATE" in each or "RECURRENCE-ID" in each for each in calendar.walk("VEVENT"))
    events = (_event(each, time_zone, stored, addresses, repeats=repeats) for each in found)
    return [e for e in events if e is not None and e.start < window.end and window.start < e.end]


def _instant(value: date | datetime, time_zone: ZoneInfo) -> datetime:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=time_zone)).astimezone(UTC)
    return at_wall_time(value, datetime.min.time(), time_zone)


def _event(entry: Any, time_zone: ZoneInfo, stored: Stored, addresses: Collection[str], *, repeats: bool) -> CalendarEvent | None:
    first, last = entry.start, entry.end
    start, end = _instant(first, time_zone), _instant(last, time_zone)
    if end <= start:
        return None
    status = str(entry.get("STATUS", "CONFIRMED")).lower()
    uid = str(entry.get("UID", ""))
    private = {
        key[len(_PRIVATE) :].lower().replace("-", "_"): _WRITTEN_OUT.sub(lambda m: chr(int(m[1], 16)), str(value))
        for key, value in entry.items()
        if key.startswith(_PRIVATE) and key != _PRIVATE + "TIME-ZONE"
    }
    is_busy = status != "cancelled" and str(entry.get("TRANSP", "OPAQUE")).upper() != "TRANSPARENT" and not _is_declined(entry, addresses)
    title, is_done = str(entry.get("SUMMARY", "")), False
    if "run_id" in private:
        title, is_done = unmarked(title)
    return CalendarEvent(
        event_id=f"{uid}_{start:%Y%m%dT%H%M%SZ}" if repeats else uid,
        title=title,
        start=start,
        end=end,
        is_all_day=not isinstance(first, datetime),
        is_busy=is_busy,
        status="cancelled" if status == "cancelled" else "tentative" if status == "tentative" else "confirmed",
        description=str(entry.get("DESCRIPTION", "")),
        location=str(entry.get("LOCATION", "")),
        categories=tuple(str(c) for c in getattr(entry, "categories", ())),
        private=private,
        link=str(entry["URL"]) if "URL" in entry else None,
        etag=stored.etag,
        is_done=is_done,
        calendar_id=stored.calendar_id,
    )


def _is_declined(entry: Any, addresses: Collection[str]) -> bool:
    """Whether the person declined. In an export that does not say who the person is, a lone attendee is."""
    attendees = entry.get("ATTENDEE", [])
    attendees = attendees if isinstance(attendees, list) else [attendees]
    answers = {str(a).lower().removeprefix("mailto:"): str(a.params.get("PARTSTAT", "")).upper() for a in attendees}
    mine = [answer for address, answer in answers.items() if address in addresses]
    organizer = str(entry.get("ORGANIZER", "")).lower().removeprefix("mailto:")
    if not mine:
        others = [answer for address, answer in answers.items() if address != organizer]
        mine = others if len(others) == 1 else []
    return bool(mine) and all(answer == "DECLINED" for answer in mine)


def separated(text: str) -> dict[str, str]:
    """The events of an iCalendar text as one storable text per UID, with their overrides and the zones they use.

    An event without a UID gets one made of its content, so that the same file read again replaces it.

    Raises:
        InvalidInput: the text is no calendar, has no event, or holds an event without a start or with a rule that cannot be read.
    """
    try:
        calendar = icalendar.Calendar.from_ical(text)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise _broken(f"it cannot be read: {error}") from error
    if getattr(calendar, "name", "") != "VCALENDAR":
        raise _broken("it does not begin with BEGIN:VCALENDAR")
    series: dict[str, list[Any]] = {}
    for entry in calendar.walk("VEVENT"):
        _check(entry)
        if not str(entry.get("UID", "")).strip():
            entry["UID"] = hashlib.sha256(entry.to_ical()).hexdigest()[:32]
        series.setdefault(str(entry["UID"]), []).append(entry)
    if not series:
        raise _broken("it holds no event")
    zones = calendar.walk("VTIMEZONE")
    default_zone = calendar.get("X-WR-TIMEZONE")
    return {uid: _object(entries, zones, default_zone) for uid, entries in series.items()}


def _object(entries: list[Any], zones: list[Any], default_zone: Any) -> str:
    out = icalendar.Calendar()
    out.add("prodid", PRODUCT)
    out.add("version", "2.0")
    if default_zone is not None:
        out["X-WR-TIMEZONE"] = default_zone
    body = b"".join(entry.to_ical() for entry in entries)
    for each in zones:
        if str(each.get("TZID", "")).encode() in body:
            out.add_component(each)
    for entry in entries:
        if "DTSTAMP" not in entry:
            entry.add("dtstamp", datetime(1970, 1, 1, tzinfo=UTC))
        out.add_component(entry)
    return str(out.to_ical().decode())


def _check(entry: Any) -> None:
    title = str(entry.get("SUMMARY", entry.get("UID", "an event")))
    if entry.errors:
        name, reason = entry.errors[0]
        raise _broken(f"{title!r} has an unreadable {name}: {reason}")
    if "DTSTART" not in entry:
        raise _broken(f"{title!r} has no DTSTART")
    try:
        start = _instant(entry.start, ZoneInfo("UTC"))
        end = _instant(entry.end, ZoneInfo("UTC"))
        holder = icalendar.Calendar()
        holder.add_component(entry)
        recurring_ical_events.of(holder).between(start, start + timedelta(days=2))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise _broken(f"{title!r} cannot be read: {error}") from error
    if end < start:
        raise _broken(f"{title!r} ends before it starts")


def _broken(why: str) -> InvalidInput:
    return InvalidInput(f"This is not a calendar that can be imported: {why}. Export it again as iCalendar (.ics). Nothing was stored.", field="ics")
