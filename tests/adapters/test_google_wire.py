"""To Google's form and back is the identity, whatever the zone, the clock change, the length and the letters."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fakes.google_series import Resource
from tests.fakes.google_store import GoogleStore, StoredCalendar, rendered

from planner_memory.adapters.caldav import ics as texts
from planner_memory.adapters.google import wire
from planner_memory.core.errors import InvalidInput
from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import zone
from planner_memory.ports.calendar import CalendarEvent, NewEvent, marked, unmarked

# odd offsets, half-hour clock changes, both hemispheres, a day that never was, and none at all
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/St_Johns",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Etc/GMT+12",
    "Pacific/Kiritimati",
)
LETTERS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("👩🏽‍🚀🇩🇪é\n\t\u200d\u0300<>&\"'\\,;:"))
INSTANTS = st.integers(946_684_800, 4_099_680_000).map(lambda t: datetime.fromtimestamp(t, UTC))
# the hours round clock changes and leap days of several zones
EDGES = st.tuples(
    st.sampled_from(["2027-03-28T01:00", "2027-10-31T01:00", "2027-03-14T07:00", "2027-11-07T06:00", "2028-02-29T00:00", "2027-04-03T15:00"]),
    st.integers(-180, 180),
).map(lambda at: datetime.fromisoformat(at[0]).replace(tzinfo=UTC) + timedelta(minutes=at[1]))


@st.composite
def new_events(draw: Any) -> NewEvent:
    start = draw(INSTANTS | EDGES)
    return NewEvent(
        event_id=draw(st.text("abcdefghijklmnopqrstuv0123456789", min_size=5, max_size=60)),
        title=draw(LETTERS.filter(lambda t: not unmarked(t)[1])),
        start=start,
        end=start + timedelta(seconds=draw(st.integers(1, 60 * 60 * 24 * 40))),
        time_zone=draw(st.sampled_from(ZONES)),
        description=draw(LETTERS | st.builds(lambda t, n: t * n, LETTERS, st.integers(1, 300)).filter(lambda t: len(t) < 12_000)),
        private={"run_id": draw(st.uuids().map(str)), "task_id": draw(LETTERS.filter(lambda t: len(t) < 255)), "plan_id": "p"},
        is_done=draw(st.booleans()),
    )


def round_trip(event: NewEvent, calendar_zone: str) -> CalendarEvent:
    store = GoogleStore()
    calendar = store.add(StoredCalendar("c", "Planner", ZoneInfo(calendar_zone), is_of_app=True))
    written = store.insert(calendar, wire.body_of(event))
    read = rendered(written, calendar)
    assert wire.is_same(wire.body_of(event), read)
    found = wire.event_of(read, "c", zone("UTC"), in_own=True)
    assert found is not None
    return found


def wanted(event: NewEvent) -> tuple[Any, ...]:
    return (event.event_id, event.title, event.start, event.end, event.description, dict(event.private), event.is_done)


def said(event: CalendarEvent) -> tuple[Any, ...]:
    return (event.event_id, event.title, event.start, event.end, event.description, dict(event.private), event.is_done)


LONG = NewEvent(
    "pm001", "Long", datetime(2028, 2, 29, 23, tzinfo=UTC), datetime(2028, 3, 1, 1, tzinfo=UTC), "UTC", "👩🏽‍🚀 ein Satz.\n" * 700, {"run_id": "r"}
)


@settings(max_examples=150, deadline=None)
@given(new_events(), st.sampled_from(ZONES))
@example(LONG, "Asia/Kathmandu")
def test_to_google_and_back_is_the_identity(event: NewEvent, calendar_zone: str) -> None:
    assert said(round_trip(event, calendar_zone)) == wanted(event)


@settings(max_examples=100, deadline=None)
@given(new_events(), new_events(), st.sampled_from(ZONES))
def test_a_patch_leaves_nothing_of_the_event_before(before: NewEvent, after: NewEvent, calendar_zone: str) -> None:
    store = GoogleStore()
    calendar = store.add(StoredCalendar("c", "Planner", ZoneInfo(calendar_zone), is_of_app=True))
    there = rendered(store.insert(calendar, wire.body_of(before)), calendar)
    read = rendered(store.patch(calendar, before.event_id, wire.patch_of(wire.body_of(after), there), there["etag"]), calendar)
    found = wire.event_of(read, "c", zone("UTC"), in_own=True)
    assert found is not None
    assert said(found)[1:] == wanted(after)[1:]


def test_a_long_description_edited_by_hand_is_what_the_person_wrote() -> None:
    assert len(LONG.description) > 8192
    store = GoogleStore()
    calendar = store.calendar("primary")
    store.insert(calendar, wire.body_of(LONG))
    read = rendered(store.patch(calendar, "pm001", {"description": "My own words"}, None), calendar)
    found = wire.event_of(read, "c", zone("UTC"), in_own=True)
    assert found is not None
    assert found.description == "My own words"


def test_what_google_would_cut_without_a_word_is_refused() -> None:
    for private in ({"run_id": "r", "task_id": "x" * 1025}, {"run_id": "r", "n" * 45: "x"}):
        with pytest.raises(InvalidInput):
            wire.body_of(NewEvent("pm001", "T", LONG.start, LONG.end, "UTC", "", private))
    with pytest.raises(InvalidInput):
        wire.body_of(NewEvent("pm001", "T", LONG.start, LONG.end, "UTC", "x" * 60_000, {"run_id": "r"}))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.dates(date(2027, 1, 1), date(2028, 12, 1)),
    st.integers(0, 23),
    st.sampled_from(
        (
            "FREQ=DAILY;COUNT=12",
            "FREQ=WEEKLY;BYDAY={weekdays};COUNT=9",
            "FREQ=MONTHLY;BYMONTHDAY={monthday};COUNT=5",
            "FREQ=DAILY;INTERVAL=3;UNTIL={until}",
        )
    ),
    st.sets(st.integers(1, 8), max_size=3),
    st.integers(1, 8),
    st.booleans(),
)
def test_a_series_that_the_server_expands_is_the_one_that_the_client_expands(
    zone_name: str, day: date, hour: int, rule: str, left_out: set[int], moved: int, is_day: bool
) -> None:
    """Exceptions and overrides too. The one is Google's way, the other CalDAV's; they were written apart and have to agree."""
    place = ZoneInfo(zone_name)
    until = f"{day + timedelta(days=25):%Y%m%d}" if is_day else f"{day + timedelta(days=25):%Y%m%d}T120000Z"
    weekdays = ",".join({WEEKDAYS[day.weekday()], "SU"})  # the start has to be one of them, else nobody agrees on what is meant
    plain = _series(zone_name, day, hour, rule.format(until=until, weekdays=weekdays, monthday=day.day), is_day)
    starts = [e.start for e in _by_client([plain], place)]
    cancelled = [starts[n] for n in sorted(left_out) if n < len(starts) and n != moved]
    lines = [plain + "".join(f"\nEXDATE{_at(at, zone_name, is_day)}" for at in cancelled)]
    if moved < len(starts):
        original = starts[moved]
        later = original + timedelta(hours=5)
        until = f"{later + timedelta(hours=1):%Y%m%dT%H%M%SZ}"
        lines.append(f"UID:s\nSUMMARY:Moved\nRECURRENCE-ID{_at(original, zone_name, is_day)}\nDTSTART:{later:%Y%m%dT%H%M%SZ}\nDTEND:{until}")
    assert [(e.title, e.start, e.end) for e in _by_server(lines, place)] == [(e.title, e.start, e.end) for e in _by_client(lines, place)]


def _series(zone_name: str, day: date, hour: int, rule: str, is_day: bool) -> str:
    if is_day:
        return f"UID:s\nSUMMARY:Series\nDTSTART;VALUE=DATE:{day:%Y%m%d}\nDTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}\nRRULE:{rule}"
    at = f"{day:%Y%m%d}T{hour:02d}3000"
    start = f"DTSTART:{at}Z" if zone_name == "UTC" else f"DTSTART;TZID={zone_name}:{at}"
    return f"UID:s\nSUMMARY:Series\n{start}\nDURATION:PT45M\nRRULE:{rule}"


def _at(instant: datetime, zone_name: str, is_day: bool) -> str:
    local = instant.astimezone(ZoneInfo(zone_name))
    return (
        f";VALUE=DATE:{local:%Y%m%d}" if is_day else f":{local:%Y%m%dT%H%M%SZ}" if zone_name == "UTC" else f";TZID={zone_name}:{local:%Y%m%dT%H%M%S}"
    )


def _text(events: list[str]) -> str:
    body = "".join(f"BEGIN:VEVENT\nDTSTAMP:20270101T000000Z\n{e}\nEND:VEVENT\n" for e in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{body}END:VCALENDAR\n".replace("\n", "\r\n")


WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WHOLE = Interval(datetime(2026, 12, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))


def _by_client(events: list[str], place: ZoneInfo) -> list[CalendarEvent]:
    return sorted(texts.expanded(texts.Stored(_text(events)), WHOLE, place, addresses=()), key=lambda e: (e.start, e.title))


def _by_server(events: list[str], place: ZoneInfo) -> list[CalendarEvent]:
    store = GoogleStore()
    calendar = store.add(StoredCalendar("c", "c", place))
    store.load("c", _text(events))
    listed: list[Resource] = store.listed(calendar, {"singleEvents": ["true"], "maxResults": ["2500"]})["items"]
    found = [wire.event_of(each, "c", place, in_own=False) for each in listed]
    return sorted((e for e in found if e is not None), key=lambda e: (e.start, e.title))


@given(LETTERS, st.booleans())
def test_the_completion_mark(title: str, is_done: bool) -> None:
    if not unmarked(title)[1]:
        assert unmarked(marked(title, is_done=is_done)) == (title, is_done)


@pytest.mark.parametrize("title", ["✓ Draft", "✔ Draft", "✔️ Draft", "✅ Draft", "✅Draft", "☑ Draft", "[x] Draft", "  [X] Draft"])
def test_marks_that_a_person_may_set(title: str) -> None:
    assert unmarked(title) == ("Draft", True)
