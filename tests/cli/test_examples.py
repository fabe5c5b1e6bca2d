"""The sample calendar: what is in it, and that moving it by weeks keeps every wall time."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events

from planner_memory.cli.example_files import FIRST_MONDAY, coming_monday, example, fortnight_from, paragraphs, shifted
from planner_memory.core.errors import NotStarted

BERLIN = ZoneInfo("Europe/Berlin")


def occurrences(ics: str, monday: date) -> list[tuple[str, str, Any, Any]]:
    """Title, status, and wall times relative to the Monday, in each event's own zone."""
    calendar = icalendar.Calendar.from_ical(ics)
    found = recurring_ical_events.of(calendar).between(monday, monday + timedelta(days=21))
    return sorted((str(e["SUMMARY"]), str(e.get("STATUS", "")), _wall(e["DTSTART"].dt, monday), _wall(e["DTEND"].dt, monday)) for e in found)


def _wall(moment: date, monday: date) -> tuple[int, str]:
    if isinstance(moment, datetime):
        return (moment.date() - monday).days, f"{moment:%H:%M} {moment.tzinfo}"
    return (moment - monday).days, "day"


def test_it_holds_what_makes_calendars_hard() -> None:
    calendar = icalendar.Calendar.from_ical(example("fortnight.ics"))
    assert not [error for component in calendar.walk() for error in component.errors]
    events = calendar.walk("VEVENT")
    assert any("RRULE" in e for e in events)
    assert any("EXDATE" in e for e in events)
    assert any("RECURRENCE-ID" in e for e in events)
    assert any(str(e.get("TRANSP")) == "TRANSPARENT" for e in events)
    assert any(str(e.get("STATUS")) == "CANCELLED" for e in events)
    assert any(not isinstance(e["DTSTART"].dt, datetime) for e in events)
    assert any(e["DTSTART"].params.get("TZID") != e["DTEND"].params.get("TZID") for e in events)
    zones = {str(z["TZID"]) for z in calendar.walk("VTIMEZONE")}
    used = {p.params["TZID"] for e in events for p in (e["DTSTART"], e["DTEND"]) if "TZID" in p.params}
    assert used == zones


def test_it_expands_as_meant() -> None:
    found = occurrences(example("fortnight.ics"), FIRST_MONDAY)
    standups = [start[0] for title, _, start, _ in found if title.startswith("Stand-up")]
    assert standups == [0, 1, 2, 3, 4, 7, 10]
    assert [start for title, _, start, _ in found if title.startswith("Steering")] == [(10, "10:30 Europe/Berlin"), (0, "14:00 Europe/Berlin")][::-1]
    assert [start[0] for title, _, start, _ in found if title.startswith("Open office hour")] == [2]


@pytest.mark.parametrize("name", ["Europe/Berlin", "Europe/Lisbon", "America/New_York"])
def test_zone_definitions_agree_with_the_zone_database(name: str) -> None:
    definition = next(z for z in icalendar.Calendar.from_ical(example("fortnight.ics")).walk("VTIMEZONE") if z["TZID"] == name)
    defined, known = definition.to_tz(lookup_tzid=False), ZoneInfo(name)
    for month in range(1, 13):
        for day in (1, 10, 20, 28):
            noon = datetime(2027, month, day, 12, tzinfo=known)
            assert noon.replace(tzinfo=defined).utcoffset() == noon.utcoffset(), noon


@pytest.mark.parametrize("weeks", [-17, 1, 2, 11, 32, 60])
def test_moving_by_weeks_keeps_wall_times_and_rules_over_clock_changes(weeks: int) -> None:
    ics = example("fortnight.ics")
    assert occurrences(shifted(ics, weeks), FIRST_MONDAY + timedelta(weeks=weeks)) == occurrences(ics, FIRST_MONDAY)


def test_zone_definitions_and_stamps_stay() -> None:
    moved = shifted(example("fortnight.ics"), 30)
    assert "DTSTART:19810329T020000" in moved
    assert "DTSTAMP:20270301T080000Z" in moved
    assert "project office" in moved.replace("\\n", " ")


def test_an_until_that_would_lose_an_instance_is_moved_in_its_zone() -> None:
    event = (
        "BEGIN:VEVENT\r\nDTSTART;TZID=Europe/Berlin:20270604T091500\r\n"
        "RRULE:FREQ=DAILY;UNTIL=20270604T071500Z\r\nSUMMARY:DTSTART 20270604\r\nEND:VEVENT\r\n"
    )
    winter = shifted(event, -20)
    assert "UNTIL=20270115T081500Z" in winter
    assert "SUMMARY:DTSTART 20270604" in winter


@pytest.mark.parametrize("today", [date(2026, 11, 23), date(2026, 11, 27), date(2026, 11, 29)])
def test_the_demo_runs_on_the_coming_two_weeks(today: date) -> None:
    assert coming_monday(today) == date(2026, 11, 30)
    calendar = icalendar.Calendar.from_ical(fortnight_from(coming_monday(today)))
    days = [e["DTSTART"].dt for e in calendar.walk("VEVENT")]
    dates = [d.date() if isinstance(d, datetime) else d for d in days]
    assert (min(dates), max(dates)) == (date(2026, 11, 30), date(2026, 12, 11))


def test_the_brief_becomes_memories_and_the_intents_are_two() -> None:
    found = paragraphs(example("brief.md"))
    assert 6 <= len(found) <= 12
    assert all(p["heading"] and "\n" not in p["text"] and len(p["text"]) > 60 for p in found)
    assert len(example("intent.txt").splitlines()) == 2
    with pytest.raises(NotStarted):
        example("nothing.txt")
