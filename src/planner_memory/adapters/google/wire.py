"""Google's event resources to and from calendar events.

Limits of Google's that shape this: a description has about 8,192 characters, and a private property whose value is longer than 1,024 is cut without
a word. What a description has beyond its limit is kept in private properties, and found again as long as nobody has edited the visible part.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from planner_memory.core.errors import InvalidInput
from planner_memory.core.local_time import at_wall_time
from planner_memory.ports.calendar import CalendarEvent, Color, NewEvent, marked, unmarked

Resource = dict[str, Any]
FIELDS = (
    "id,status,etag,htmlLink,summary,description,location,start,end,transparency,eventType,recurringEventId,"
    "attendees(self,responseStatus),extendedProperties/private"
)
_COLOR_IDS: dict[Color, str] = {
    "lavender": "1",
    "lightgreen": "2",
    "purple": "3",
    "pink": "4",
    "yellow": "5",
    "orange": "6",
    "skyblue": "7",
    "gray": "8",
    "blue": "9",
    "green": "10",
    "red": "11",
}
_NOT_BUSY = ("workingLocation", "birthday")  # these say where or what day it is, not that time is taken
_LONGEST_VISIBLE = 8000
_LONGEST_PART = 1000
_MOST_PARTS = 24
_LONGEST_VALUE = 1024
_LONGEST_NAME = 44
_MOST_REMINDERS = 5
_PART, _VISIBLE = "pm_more_", "pm_visible"  # the rest of a long description, and the digest of the part that is shown
_CUT = "\n…"
_UTC = ZoneInfo("UTC")


def body_of(event: NewEvent) -> Resource:
    """The resource of one of the product's own events, whole.

    Raises:
        InvalidInput: a private property is too long, or the description is longer than the properties can hold.
    """
    for name, value in event.private.items():
        if len(name) > _LONGEST_NAME or _units(value) > _LONGEST_VALUE:
            raise InvalidInput(
                f"Google Calendar takes no property as long as {name[:_LONGEST_NAME]!r}. Use a shorter one.", field=f"private.{name[:60]}"
            )
    shown, parts = _divided(event.description)
    return {
        "id": event.event_id,
        "status": "confirmed",
        "summary": marked(event.title, is_done=event.is_done),
        "description": shown,
        "start": _when(event.start, event.time_zone),
        "end": _when(event.end, event.time_zone),
        "transparency": "opaque",
        "extendedProperties": {"private": {**event.private, **parts}},
        **_looks(event),
    }


def _looks(event: NewEvent) -> Resource:
    """Colour, reminders and link are only sent when they are set: what the person chose by hand stays otherwise."""
    out: Resource = {}
    if event.color is not None:
        out["colorId"] = _COLOR_IDS[event.color]
    if event.reminders is not None:
        overrides = [{"method": "popup", "minutes": m} for m in sorted(set(event.reminders))[:_MOST_REMINDERS]]
        out["reminders"] = {"useDefault": False, "overrides": overrides}
    if event.link is not None and event.link.startswith(("https://", "http://")):
        out["source"] = {"title": "planner-memory", "url": event.link}
    return out


def _when(at: datetime, time_zone: str) -> dict[str, str]:
    return {"dateTime": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z", "timeZone": time_zone}


def patch_of(body: Resource, there: Mapping[str, Any]) -> Resource:
    """What turns the event that is there into the wanted one: private properties that are not wanted are taken away by null."""
    stale = {name: None for name in _private(there) if name not in body["extendedProperties"]["private"]}
    wanted = {key: value for key, value in body.items() if key != "id"}
    return {**wanted, "extendedProperties": {"private": {**body["extendedProperties"]["private"], **stale}}}


def is_same(body: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    """Whether the event that is there already says all that the wanted one does."""
    if any(_instant(body[end], _UTC) != _instant(there.get(end, {}), _UTC) for end in ("start", "end")):
        return False
    texts = all(str(there.get(name, "")) == body[name] for name in ("summary", "description", "status"))
    looks = all(there.get(name) == body[name] for name in ("colorId", "reminders", "source") if name in body)
    is_opaque = there.get("transparency", "opaque") == "opaque"
    return texts and looks and is_opaque and _private(there) == body["extendedProperties"]["private"]


def event_of(resource: Mapping[str, Any], calendar_id: str, zone: ZoneInfo, *, in_own: bool) -> CalendarEvent | None:
    """One occurrence, or None for what has no length. `zone` is where whole days lie; `in_own`: it stands in the product's own calendar."""
    start, end = _instant(resource.get("start", {}), zone), _instant(resource.get("end", {}), zone)
    if start is None or end is None or end <= start:
        return None
    private = _private(resource) if in_own else {}
    is_own = "run_id" in private
    title, is_done = unmarked(str(resource.get("summary", ""))) if is_own else (str(resource.get("summary", "")), False)
    description = str(resource.get("description", ""))
    return CalendarEvent(
        event_id=str(resource["id"]),
        title=title,
        start=start,
        end=end,
        is_all_day="date" in resource["start"],
        is_busy=_is_busy(resource),
        status=_status(resource),
        description=_joined(description, private) if is_own else description,
        location=str(resource.get("location", "")),
        private={k: v for k, v in private.items() if k != _VISIBLE and not k.startswith(_PART)} if is_own else {},
        link=resource.get("htmlLink"),
        etag=resource.get("etag"),
        is_done=is_done,
        calendar_id=calendar_id,
    )


def is_deleted(resource: Mapping[str, Any]) -> bool:
    return resource.get("status") == "cancelled"


def _status(resource: Mapping[str, Any]) -> Literal["confirmed", "tentative", "cancelled"]:
    found = resource.get("status")
    return "cancelled" if found == "cancelled" else "tentative" if found == "tentative" else "confirmed"


def _is_busy(resource: Mapping[str, Any]) -> bool:
    is_declined = any(a.get("self") and a.get("responseStatus") == "declined" for a in resource.get("attendees", ()))
    is_free = resource.get("transparency") == "transparent" or resource.get("eventType") in _NOT_BUSY
    return not (is_deleted(resource) or is_free or is_declined)


def _private(resource: Mapping[str, Any]) -> dict[str, str]:
    return dict(resource.get("extendedProperties", {}).get("private", {}))


def _instant(when: Mapping[str, Any], zone: ZoneInfo) -> datetime | None:
    if "dateTime" in when:
        found = datetime.fromisoformat(when["dateTime"])
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(when.get("timeZone", zone.key)))).astimezone(UTC)
    return at_wall_time(date.fromisoformat(when["date"]), time.min, zone) if "date" in when else None


# --- long descriptions


def _units(text: str) -> int:
    """Length as Google counts it, or more: an emoji has two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _divided(text: str) -> tuple[str, dict[str, str]]:
    if _units(text) <= _LONGEST_VISIBLE:
        return text, {}
    parts = _pieces(text, _LONGEST_VISIBLE - _units(_CUT), _LONGEST_PART)
    shown = parts[0] + _CUT
    if len(parts) - 1 > _MOST_PARTS:
        raise InvalidInput("The description is too long for Google Calendar, which takes about 32,000 characters. Shorten it.", field="description")
    more = {f"{_PART}{n:02d}": part for n, part in enumerate(parts[1:])}
    return shown, {_VISIBLE: _digest(shown), **more}


def _pieces(text: str, first: int, following: int) -> list[str]:
    out, limit = [], first
    while text:
        # never between the two halves of an emoji: the cut is made by characters
        end = min(len(text), limit)
        while _units(text[:end]) > limit:
            end -= max(1, (_units(text[:end]) - limit) // 2)
        out.append(text[:end])
        text, limit = text[end:], following
    return out


def _joined(shown: str, private: Mapping[str, str]) -> str:
    if private.get(_VISIBLE) != _digest(shown):
        return shown
    return shown.removesuffix(_CUT) + "".join(private[name] for name in sorted(private) if name.startswith(_PART))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
