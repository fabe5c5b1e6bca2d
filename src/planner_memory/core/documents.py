"""Dataclasses to and from the JSON documents in which they are stored."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any

from planner_memory.core.profile import WEEKDAYS, Profile, Span


def _span(pair: Any) -> Span:
    start, end = pair
    return time.fromisoformat(start), time.max if end in ("24:00", "24:00:00") else time.fromisoformat(end)


def _pair(span: Span) -> list[str]:
    start, end = span
    return [start.strftime("%H:%M"), "24:00" if end == time.max else end.strftime("%H:%M")]


def profile_document(profile: Profile) -> dict[str, Any]:
    """The profile as JSON-ready values; wall times as HH:MM."""
    return {
        "person_id": profile.person_id,
        "time_zone": profile.time_zone,
        "working_hours": {day: [_pair(s) for s in profile.working_hours.get(day, ())] for day in WEEKDAYS},
        "exceptions": {day.isoformat(): [_pair(s) for s in spans] for day, spans in sorted(profile.exceptions.items())},
        "holidays_country": profile.holidays_country,
        "energy_bands": {band: [_pair(s) for s in spans] for band, spans in profile.energy_bands.items()},
        "buffer_minutes": profile.buffer_minutes,
        "largest_task_minutes": profile.largest_task_minutes,
        "calendars": list(profile.calendars),
        "weights": dict(profile.weights),
        "confirmed": profile.confirmed,
    }


def profile_from(document: Mapping[str, Any]) -> Profile:
    """The inverse of `profile_document`; keys that are missing take their defaults, unknown ones are ignored."""
    default = Profile()
    hours = document.get("working_hours")
    bands = document.get("energy_bands")
    return Profile(
        person_id=document.get("person_id", default.person_id),
        time_zone=document.get("time_zone", default.time_zone),
        working_hours=default.working_hours if hours is None else {day: tuple(_span(p) for p in hours.get(day, ())) for day in WEEKDAYS},
        exceptions={date.fromisoformat(day): tuple(_span(p) for p in spans) for day, spans in document.get("exceptions", {}).items()},
        holidays_country=document.get("holidays_country"),
        energy_bands=default.energy_bands if bands is None else {band: tuple(_span(p) for p in spans) for band, spans in bands.items()},
        buffer_minutes=document.get("buffer_minutes", default.buffer_minutes),
        largest_task_minutes=document.get("largest_task_minutes"),
        calendars=tuple(document.get("calendars", ())),
        weights=document.get("weights", {}),
        confirmed=document.get("confirmed", False),
    )
