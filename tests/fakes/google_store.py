"""What the loopback Google Calendar keeps: calendars, their events, what changed when, and the tokens for it."""

import base64
import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from tests.fakes.google_series import Resource, occurrences, resources_of, starts_at

ME = "maria.lindqvist@example.org"
_ZONES = available_timezones()
_LONGEST_DESCRIPTION = 8192


class Refused(Exception):
    """An answer that is an error, in Google's words."""

    def __init__(self, status: int, reason: str, message: str, *, domain: str = "global", location: str | None = None, **headers: str) -> None:
        super().__init__(reason)
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}
        error: dict[str, Any] = {"domain": domain, "reason": reason, "message": message}
        if location:
            error |= {"location": location, "locationType": "header" if location in ("If-Match", "Authorization") else "parameter"}
        self.body = {"error": {"errors": [error], "code": status, "message": message}}


@dataclass
class StoredCalendar:
    """`role` is the person's access; `is_of_app` when the app made it."""

    calendar_id: str
    summary: str
    zone: ZoneInfo
    role: str = "owner"
    is_primary: bool = False
    is_of_app: bool = False
    is_selected: bool = True
    description: str = ""
    events: dict[str, Resource] = field(default_factory=dict)
    first_valid_token: int = 0  # an older sync token has expired

    def entry(self) -> Resource:
        made: Resource = {
            "kind": "calendar#calendarListEntry",
            "etag": f'"{self.calendar_id}"',
            "id": self.calendar_id,
            "summary": self.summary,
            "timeZone": self.zone.key,
            "accessRole": self.role,
            "defaultReminders": [],
        }
        if self.description:
            made["description"] = self.description
        if self.is_selected:
            made["selected"] = True
        return made | ({"primary": True} if self.is_primary else {})


class GoogleStore:
    """Events are Google's resources, with the number of their last change."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._count = itertools.count(1)
        self._last = 0
        self.calendars: dict[str, StoredCalendar] = {}
        self.channels: dict[str, Resource] = {}
        self.add(StoredCalendar(ME, ME, ZoneInfo("Europe/Berlin"), is_primary=True))

    def add(self, calendar: StoredCalendar) -> StoredCalendar:
        self.calendars[calendar.calendar_id] = calendar
        return calendar

    def calendar(self, calendar_id: str) -> StoredCalendar:
        found = next((c for c in self.calendars.values() if c.is_primary), None) if calendar_id == "primary" else self.calendars.get(calendar_id)
        if found is None:
            raise Refused(404, "notFound", "Not Found")
        return found

    def make_calendar(self, body: Mapping[str, Any]) -> StoredCalendar:
        if not body.get("summary"):
            raise Refused(400, "required", "Missing title.")
        calendar_id = f"c_{hashlib.sha256(str(next(self._count)).encode()).hexdigest()}@group.calendar.google.com"
        zone = ZoneInfo(body.get("timeZone", "UTC"))
        return self.add(StoredCalendar(calendar_id, body["summary"], zone, is_of_app=True, description=body.get("description", "")))

    # --- one event

    def insert(self, calendar: StoredCalendar, body: Mapping[str, Any]) -> Resource:
        event_id = body.get("id") or f"made{next(self._count):026d}"
        if not 5 <= len(event_id) <= 1024 or not set(event_id) <= set("0123456789abcdefghijklmnopqrstuv"):
            raise Refused(400, "invalid", "Invalid resource id value.")
        if event_id in calendar.events:
            raise Refused(409, "duplicate", "The requested identifier already exists.")
        _check(body)
        return self.keep(calendar, {"status": "confirmed", "eventType": "default", **body, "id": event_id})

    def event(self, calendar: StoredCalendar, event_id: str) -> Resource:
        """Also a deleted one, and an instance of a series."""
        if event_id in calendar.events:
            return calendar.events[event_id]
        master = calendar.events.get(event_id.rpartition("_")[0])
        found = next((e for e in self._instances(calendar, master) if e["id"] == event_id), None) if master and "recurrence" in master else None
        if found is None:
            raise Refused(404, "notFound", "Not Found")
        return found

    def update(self, calendar: StoredCalendar, event_id: str, body: Mapping[str, Any], if_match: str | None) -> Resource:
        before = self.event(calendar, event_id)
        _matches(before, if_match)
        _check(body)
        kept = {
            key: before[key]
            for key in ("id", "iCalUID", "created", "recurringEventId", "originalStartTime", "eventType", "sequence")
            if key in before
        }
        return self.keep(calendar, {"status": "confirmed", **{k: v for k, v in body.items() if v is not None}, **kept})

    def patch(self, calendar: StoredCalendar, event_id: str, body: Mapping[str, Any], if_match: str | None) -> Resource:
        before = self.event(calendar, event_id)
        _matches(before, if_match)
        after = _merged(before, body)
        _check(after)
        return self.keep(calendar, after)

    def delete(self, calendar: StoredCalendar, event_id: str, if_match: str | None) -> None:
        before = self.event(calendar, event_id)
        if before["status"] == "cancelled":
            raise Refused(410, "deleted", "Resource has been deleted")
        _matches(before, if_match)
        self.keep(calendar, before | {"status": "cancelled"})

    def keep(self, calendar: StoredCalendar, event: Resource) -> Resource:
        self._last = next(self._count)
        made = {
            "kind": "calendar#event",
            "created": "2027-01-01T00:00:00.000Z",
            "iCalUID": f"{event['id']}@google.com",
            "htmlLink": f"https://www.google.com/calendar/event?eid={base64.urlsafe_b64encode(event['id'].encode()).decode().rstrip('=')[:40]}",
            "creator": {"email": ME, "self": True},
            "organizer": {"email": calendar.calendar_id, "self": True},
            "reminders": {"useDefault": True},
            **_cut(event),
            "sequence": event.get("sequence", -1) + 1,
            "etag": f'"{3_400_000_000_000_000 + self._last}"',
            "updated": f"2027-01-01T00:00:00.{self._last % 1000:03d}Z",
            "_changed": self._last,
        }
        calendar.events[event["id"]] = made
        return made

    def load(self, calendar_id: str, ics: str) -> list[str]:
        """Puts an iCalendar text into a calendar, as its owner would have it there; answers the ids."""
        calendar = self.calendar(calendar_id)
        return [self.keep(calendar, each)["id"] for each in resources_of(ics, calendar.zone, me=ME)]

    # --- lists

    def listed(self, calendar: StoredCalendar, query: Mapping[str, list[str]]) -> Resource:
        def one(name: str) -> str | None:
            return query[name][0] if name in query else None

        after: int | None = None
        shape = {name: query[name] for name in ("singleEvents", "eventTypes", "showHiddenInvitations") if name in query}
        if one("syncToken") is not None:
            after = self._after(calendar, str(one("syncToken")), query, shape)
        is_single = one("singleEvents") == "true"
        if one("orderBy") == "startTime" and not is_single:
            raise Refused(400, "badRequest", "The requested ordering is not available for the particular query.")
        since, until = _bound(one("timeMin"), "timeMin"), _bound(one("timeMax"), "timeMax")
        if since and until and until <= since:
            raise Refused(400, "timeRangeEmpty", "The specified time range is empty.")
        zone = ZoneInfo(one("timeZone") or calendar.zone.key)
        found = [
            e
            for e in self._all(calendar, is_single=is_single, after=after)
            if e["status"] != "cancelled" or after is not None or one("showDeleted") == "true"
        ]
        found = [e for e in found if _within(e, since, until, calendar.zone, is_series="recurrence" in e)]
        for text in query.get("privateExtendedProperty", []):
            key, _, value = text.partition("=")
            found = [e for e in found if e.get("extendedProperties", {}).get("private", {}).get(key) == value]
        if "eventTypes" in query:
            found = [e for e in found if e.get("eventType", "default") in query["eventTypes"]]
        if one("q"):
            found = [e for e in found if str(one("q")).casefold() in (e.get("summary", "") + "\n" + e.get("description", "")).casefold()]
        if one("iCalUID"):
            found = [e for e in found if e.get("iCalUID") == one("iCalUID")]
        if one("orderBy") == "startTime":
            found.sort(key=lambda e: starts_at(e["start"], calendar.zone))
        elif one("orderBy") == "updated":
            found.sort(key=lambda e: e["_changed"])
        size = min(int(one("maxResults") or 250), 2500)
        first = int(_opened(str(one("pageToken")))["first"]) if one("pageToken") else 0
        answer: Resource = {
            "kind": "calendar#events",
            "summary": calendar.summary,
            "timeZone": zone.key,
            "accessRole": calendar.role,
            "defaultReminders": [],
            "items": [rendered(e, calendar, zone) for e in found[first : first + size]],
        }
        if first + size < len(found):
            answer["nextPageToken"] = _sealed({"first": first + size})
        elif not ({"orderBy", "q", "privateExtendedProperty", "iCalUID", "updatedMin"} & set(query)):
            answer["nextSyncToken"] = _sealed({"after": self._last, "calendar": calendar.calendar_id, "shape": shape})
        return answer

    def _after(self, calendar: StoredCalendar, token: str, query: Mapping[str, Any], shape: Mapping[str, Any]) -> int:
        forbidden = {"iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin"} & set(query)
        if forbidden or query.get("showDeleted") == ["false"]:
            raise Refused(400, "syncTokenWithRequestParameters", "Sync token cannot be used with one of the specified request parameters.")
        try:
            opened = _opened(token)
            after = int(opened["after"])
        except (ValueError, KeyError):
            raise Refused(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.", location="syncToken") from None
        if opened["calendar"] != calendar.calendar_id or opened["shape"] != shape:
            raise Refused(400, "invalid", "Invalid sync token value.")
        if after < calendar.first_valid_token:
            raise Refused(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.", location="syncToken")
        return after

    def expire_tokens(self) -> None:
        for each in self.calendars.values():
            each.first_valid_token = self._last + 1
        self._last = next(self._count)

    def _all(self, calendar: StoredCalendar, *, is_single: bool, after: int | None) -> Iterator[Resource]:
        for event in list(calendar.events.values()):
            is_new = after is None or event["_changed"] > after
            if "recurringEventId" in event and is_single:
                continue  # comes in the place of its occurrence
            if "recurrence" in event and is_single:
                if event["status"] == "cancelled" and not is_new:
                    continue
                yield from (e for e in self._instances(calendar, event) if is_new or e["_changed"] > (after or 0))
            elif is_new:
                yield event

    def _instances(self, calendar: StoredCalendar, master: Resource) -> Iterator[Resource]:
        changed = {e["id"]: e for e in calendar.events.values() if e.get("recurringEventId") == master["id"]}
        return occurrences(master, changed, calendar.zone)

    def busy(self, calendar: StoredCalendar, since: datetime, until: datetime) -> list[dict[str, str]]:
        spans: list[list[datetime]] = []
        events = [e for e in self._all(calendar, is_single=True, after=None) if counts(e) and _within(e, since, until, calendar.zone)]
        for event in sorted(events, key=lambda e: starts_at(e["start"], calendar.zone)):
            start, end = max(since, starts_at(event["start"], calendar.zone)), min(until, starts_at(event["end"], calendar.zone))
            if spans and start <= spans[-1][1]:
                spans[-1][1] = max(spans[-1][1], end)
            else:
                spans.append([start, end])
        return [{"start": f"{a:%Y-%m-%dT%H:%M:%SZ}", "end": f"{b:%Y-%m-%dT%H:%M:%SZ}"} for a, b in spans]


def counts(event: Resource) -> bool:
    """Whether Google counts the event as busy."""
    declined = any(a.get("self") and a.get("responseStatus") == "declined" for a in event.get("attendees", []))
    kind = event.get("eventType", "default")
    return (
        event["status"] != "cancelled" and event.get("transparency") != "transparent" and not declined and kind not in ("workingLocation", "birthday")
    )


def rendered(event: Resource, calendar: StoredCalendar, zone: ZoneInfo | None = None) -> Resource:
    """As it goes out: times with the offset of the zone that was asked for, without fractions; of a deleted event only what is left."""
    made = {key: value for key, value in event.items() if key != "_changed"}
    for key in ("start", "end", "originalStartTime"):
        if "dateTime" in made.get(key, {}):
            at = starts_at(made[key], calendar.zone).astimezone(zone or calendar.zone).replace(microsecond=0)
            made[key] = {"dateTime": at.isoformat().replace("+00:00", "Z"), "timeZone": made[key].get("timeZone", calendar.zone.key)}
    return made


def _check(body: Mapping[str, Any]) -> None:
    for name in ("start", "end"):
        when = body.get(name)
        if not isinstance(when, dict) or not ({"date", "dateTime"} & set(when)):
            raise Refused(400, "required", f"Missing {name} time.")
        if "dateTime" in when and datetime.fromisoformat(when["dateTime"]).tzinfo is None and "timeZone" not in when:
            raise Refused(400, "required", f"Missing time zone definition for {name} time.")
        if "timeZone" in when and when["timeZone"] not in _ZONES:
            raise Refused(400, "invalid", "Invalid value for: Invalid time zone.")
    if ("date" in body["start"]) != ("date" in body["end"]):
        raise Refused(400, "invalid", "Start and end times must either both be date or both be dateTime.")
    zone = ZoneInfo("UTC")
    if starts_at(body["end"], zone) < starts_at(body["start"], zone):
        raise Refused(400, "timeRangeEmpty", "The specified time range is empty.")
    if body.get("colorId") is not None and str(body["colorId"]) not in {str(n) for n in range(1, 12)}:
        raise Refused(400, "invalid", "Invalid color id value.")
    if len(body.get("reminders", {}).get("overrides", [])) > 5:
        raise Refused(400, "invalid", "Too many override reminders.")
    if len((body.get("description") or "").encode("utf-16-le")) // 2 > _LONGEST_DESCRIPTION:
        raise Refused(400, "invalid", "A provided value exceeds the allowed size limit.")
    if "source" in body and body["source"] and not str(body["source"].get("url", "")).startswith(("http://", "https://")):
        raise Refused(400, "invalid", "Invalid source url.")
    properties = (body.get("extendedProperties") or {}).get("private", {})
    if not all(value is None or isinstance(value, str) for value in properties.values()):
        raise Refused(400, "invalid", "Invalid extended property.")
    if len(properties) > 300 or sum(len(k) + len(v or "") for k, v in properties.items()) > 32_768:
        raise Refused(400, "invalid", "A provided value exceeds the allowed size limit.")


def _cut(event: Resource) -> Resource:
    """Google drops private properties with long names without a word, and cuts long values."""
    properties = event.get("extendedProperties", {}).get("private")
    if properties is None:
        return event
    kept = {k: v[:1024] for k, v in properties.items() if len(k) <= 44 and v is not None}
    return event | {"extendedProperties": event["extendedProperties"] | {"private": kept}}


def _matches(event: Resource, if_match: str | None) -> None:
    if if_match is not None and if_match not in ("*", event["etag"]):
        raise Refused(412, "conditionNotMet", "Precondition Failed", location="If-Match")


def _merged(before: Any, change: Mapping[str, Any]) -> Any:
    """Patch semantics: objects are merged, arrays replaced, null removes; start and end are replaced as a whole."""
    out = dict(before)
    for key, value in change.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict) and key not in ("start", "end"):
            out[key] = _merged(out[key], value)
        else:
            out[key] = value
    return out


def _bound(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(400, "badRequest", "Bad Request", location=name) from None
    if found.tzinfo is None:
        raise Refused(400, "badRequest", "Bad Request", location=name)
    return found.astimezone(UTC)


def _within(event: Resource, since: datetime | None, until: datetime | None, zone: ZoneInfo, *, is_series: bool = False) -> bool:
    if "start" not in event:
        return True
    return (until is None or starts_at(event["start"], zone) < until) and (since is None or is_series or starts_at(event["end"], zone) > since)


def _sealed(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _opened(token: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
