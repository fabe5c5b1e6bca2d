"""Recurring events as Google expands them, and iCalendar texts as the events that Google would have of them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import icalendar
from dateutil.rrule import rruleset, rrulestr

Resource = dict[str, Any]
_MOST = 800  # occurrences of a series that never ends


def starts_at(when: Mapping[str, str], zone: ZoneInfo) -> datetime:
    """The instant of a start or end; whole days begin in the calendar's zone."""
    if "date" in when:
        return datetime.combine(date.fromisoformat(when["date"]), time.min, zone).astimezone(UTC)
    found = datetime.fromisoformat(when["dateTime"])
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(when.get("timeZone", zone.key)))).astimezone(UTC)


def occurrences(master: Resource, exceptions: Mapping[str, Resource], zone: ZoneInfo) -> Iterator[Resource]:
    """The instances of a series in order, those that were changed or cancelled in their places. `exceptions` are found by instance id."""
    is_day = "date" in master["start"]
    place = ZoneInfo(master["start"].get("timeZone", zone.key))
    first = starts_at(master["start"], zone)
    lasts = starts_at(master["end"], zone) - first
    days = date.fromisoformat(master["end"]["date"]) - date.fromisoformat(master["start"]["date"]) if is_day else timedelta()
    wall = datetime.combine(date.fromisoformat(master["start"]["date"]), time.min) if is_day else first.astimezone(place).replace(tzinfo=None)
    for n, at in enumerate(_rule(master["recurrence"], wall, place)):
        if n >= _MOST:
            return
        if is_day:
            instance_id = f"{master['id']}_{at:%Y%m%d}"
            start, end = {"date": at.date().isoformat()}, {"date": (at.date() + days).isoformat()}
        else:
            instant = at.replace(tzinfo=place).astimezone(UTC)
            instance_id = f"{master['id']}_{instant:%Y%m%dT%H%M%SZ}"
            start = {"dateTime": instant.isoformat(), "timeZone": place.key}
            end = {"dateTime": (instant + lasts).isoformat(), "timeZone": place.key}
        if instance_id in exceptions:
            yield exceptions[instance_id]
            continue
        made = {key: value for key, value in master.items() if key != "recurrence"}
        yield made | {"id": instance_id, "recurringEventId": master["id"], "originalStartTime": start, "start": start, "end": end}


def _rule(lines: list[str], wall: datetime, place: ZoneInfo) -> Iterator[datetime]:
    """Wall times: a series keeps its hour over a clock change."""
    rules = rruleset()
    for line in lines:
        name, _, value = line.partition(":")
        kind = name.partition(";")[0].upper()
        if kind in ("RRULE", "EXRULE"):
            rule: Any = rrulestr(_until_as_wall_time(value, place), dtstart=wall)
            (rules.rrule if kind == "RRULE" else rules.exrule)(rule)
            continue
        zone = ZoneInfo(name.partition("TZID=")[2].partition(";")[0]) if "TZID=" in name else place
        for each in value.split(","):
            (rules.rdate if kind == "RDATE" else rules.exdate)(_wall(each, zone, place))
    if not any(line.upper().startswith("RRULE") for line in lines):
        rules.rdate(wall)
    return iter(rules)


def _wall(text: str, zone: ZoneInfo, place: ZoneInfo) -> datetime:
    if len(text) == 8:
        return datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 – a wall time
    if text.endswith("Z"):
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(place).replace(tzinfo=None)
    return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=zone).astimezone(place).replace(tzinfo=None)


def _until_as_wall_time(rule: str, place: ZoneInfo) -> str:
    parts = dict(part.split("=", 1) for part in rule.split(";") if part)
    if "UNTIL" in parts:
        parts["UNTIL"] = f"{_wall(parts['UNTIL'], place, place):%Y%m%dT%H%M%S}"
    return ";".join(f"{k}={v}" for k, v in parts.items())


def resources_of(ics: str, zone: ZoneInfo, *, me: str) -> list[Resource]:
    """The events of an iCalendar text as they would stand in Google; a zone that it defines itself becomes the calendar's, as do floating times."""
    calendar = icalendar.Calendar.from_ical(ics)
    masters: dict[str, Resource] = {}
    exceptions: list[Resource] = []
    for entry in calendar.walk("VEVENT"):
        uid = str(entry["UID"])
        made = _resource(entry, zone, me)
        if "RECURRENCE-ID" not in entry:
            masters[uid] = made
            continue
        original = _when(entry["RECURRENCE-ID"].dt, zone)
        suffix = original["date"].replace("-", "") if "date" in original else f"{starts_at(original, zone):%Y%m%dT%H%M%SZ}"
        exceptions.append(made | {"id": f"{_id(uid)}_{suffix}", "recurringEventId": _id(uid), "originalStartTime": original})
    return [*masters.values(), *exceptions]


def _id(uid: str) -> str:
    return "imported" + uid.encode().hex()


def _resource(entry: Any, zone: ZoneInfo, me: str) -> Resource:
    start, end = entry.start, entry.end
    made: Resource = {
        "id": _id(str(entry["UID"])),
        "iCalUID": str(entry["UID"]),
        "status": str(entry.get("STATUS", "CONFIRMED")).lower(),
        "summary": str(entry.get("SUMMARY", "")),
        "start": _when(start, zone),
        "end": _when(end, zone),
    }
    if "DESCRIPTION" in entry:
        made["description"] = str(entry["DESCRIPTION"])
    if "LOCATION" in entry:
        made["location"] = str(entry["LOCATION"])
    if str(entry.get("TRANSP", "OPAQUE")).upper() == "TRANSPARENT":
        made["transparency"] = "transparent"
    attendees = entry.get("ATTENDEE", [])
    answers = {"DECLINED": "declined", "ACCEPTED": "accepted", "TENTATIVE": "tentative"}
    for each in attendees if isinstance(attendees, list) else [attendees]:
        address = str(each).lower().removeprefix("mailto:")
        invited = {"email": address, "responseStatus": answers.get(str(each.params.get("PARTSTAT", "")).upper(), "needsAction")}
        made.setdefault("attendees", []).append(invited | ({"self": True} if address == me else {}))
    lines = []
    for name in ("RRULE", "RDATE", "EXDATE"):
        values = entry.get(name, [])
        for value in values if isinstance(values, list) else [values]:
            text = value.to_ical().decode()
            tzid = value.params.get("TZID") if hasattr(value, "params") else None
            lines.append(f"{name};TZID={_known(str(tzid), zone)}:{text}" if tzid and not text.endswith("Z") else f"{name}:{text}")
    return made | ({"recurrence": lines} if lines else {})


def _known(name: str, zone: ZoneInfo) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError):
        return zone.key


def _when(value: date | datetime, zone: ZoneInfo) -> dict[str, str]:
    if not isinstance(value, datetime):
        return {"date": value.isoformat()}
    if value.tzinfo is None:
        return {"dateTime": value.replace(tzinfo=zone).isoformat(), "timeZone": zone.key}
    name = _known(str(getattr(value.tzinfo, "key", value.tzinfo)), zone)
    return {"dateTime": value.isoformat(), "timeZone": name}
