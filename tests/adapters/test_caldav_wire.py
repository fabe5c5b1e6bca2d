"""To iCalendar and back is the identity, whatever the zone, the clock change, the length and the letters; series keep their occurrences."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
from dateutil.rrule import rrulestr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from planner_memory.adapters.caldav import ics as texts
from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import at_wall_time, zone
from planner_memory.ports.calendar import Color, NewEvent, unmarked

NOW = datetime(2027, 3, 1, tzinfo=UTC)
# odd offsets, a clock change of half an hour, both hemispheres, a day that never was
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/St_Johns",
    "Africa/Casablanca",
    "Pacific/Kiritimati",
)
LETTERS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("👩🏽‍🚀🇩🇪é\n\t\u200d\u0300\\,;:\"'<>&^"))
INSTANTS = st.integers(946_684_800, 4_099_680_000).map(lambda t: datetime.fromtimestamp(t, UTC))
EDGES = st.tuples(
    st.sampled_from(["2027-03-28T01:00", "2027-10-31T01:00", "2027-03-14T07:00", "2027-11-07T06:00", "2028-02-29T00:00", "2027-04-03T15:00"]),
    st.integers(-180, 180),
).map(lambda at: datetime.fromisoformat(at[0]).replace(tzinfo=UTC) + timedelta(minutes=at[1]))
COLORS: tuple[Color | None, ...] = (None, "skyblue", "red")


@st.composite
def new_events(draw: Any) -> NewEvent:
    start = draw(INSTANTS | EDGES)
    return NewEvent(
        event_id="pm" + draw(st.text("abcdefghijklmnopqrstuv0123456789", min_size=30, max_size=40)),
        title=draw(LETTERS.filter(lambda t: not unmarked(t)[1])),
        start=start,
        end=start + timedelta(seconds=draw(st.integers(1, 60 * 60 * 24 * 40))),
        time_zone=draw(st.sampled_from(ZONES)),
        description=draw(LETTERS | st.builds(lambda t, n: t * n, LETTERS, st.integers(1, 300)).filter(lambda t: len(t) < 12_000)),
        private={
            "run_id": draw(st.uuids().map(str)),
            "task_id": draw(LETTERS.filter(lambda t: len(t) < 255) | st.sampled_from(["\n", "a\r\nb%0A", "100 %"])),
            "plan_id": "p",
        },
        is_done=draw(st.booleans()),
        reminders=draw(st.sampled_from([None, (), (10,), (0, 1440)])),
        color=draw(st.sampled_from(COLORS)),
        link=draw(st.sampled_from([None, "https://planner.example/api/v1/planner/plans/1?a=b&c=d;e,f"])),
    )


LONG = NewEvent(
    "pm" + "0" * 32,
    "Lang 👩🏽‍🚀",
    datetime(2028, 2, 29, 23, tzinfo=UTC),
    datetime(2028, 3, 1, 1, tzinfo=UTC),
    "UTC",
    "Ein Satz, lang; so.\\n\n" * 600,
    {"run_id": "r"},
)
DAYS = (date(2027, 3, 20), date(2027, 10, 25), date(2028, 2, 27), date(2027, 4, 1), date(2027, 11, 1))
RULES = ("FREQ=DAILY;COUNT=12", "FREQ=WEEKLY;COUNT=6", "FREQ=WEEKLY;INTERVAL=2;COUNT=5", "FREQ=MONTHLY;COUNT=4", "FREQ=DAILY;INTERVAL=3;COUNT=9")


@settings(max_examples=200, deadline=None)
@given(new_events())
@example(LONG)
def test_to_icalendar_and_back_is_the_identity(event: NewEvent) -> None:
    text = texts.composed(event, NOW)
    found = texts.own(texts.Stored(text), event.event_id)
    assert found is not None
    assert (found.event_id, found.title, found.start, found.end) == (event.event_id, event.title, event.start, event.end)
    assert (found.description, dict(found.private), found.is_done, found.link) == (event.description, dict(event.private), event.is_done, event.link)
    (expanded,) = texts.expanded(texts.Stored(text), Interval(event.start, event.end), zone("Asia/Kathmandu"), addresses=())
    assert expanded == found
    entry = icalendar.Calendar.from_ical(text).walk("VEVENT")[0]
    assert [-a["TRIGGER"].dt for a in entry.walk("VALARM")] == [timedelta(minutes=m) for m in event.reminders or ()]
    assert entry.get("COLOR") == event.color


def series(zone_name: str, first: datetime, minutes: int, rule: str, exdates: list[datetime], override: tuple[datetime, datetime] | None) -> str:
    """As an export of a calendar program has it, with its zone."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//test//EN")
    calendar.add("version", "2.0")
    entry = icalendar.Event()
    entry.add("uid", "series@example.org")
    entry.add("dtstamp", NOW)
    entry.add("summary", "Jour fixe 🗓")
    entry.add("dtstart", first)
    entry.add("duration", timedelta(minutes=minutes))
    entry.add("rrule", icalendar.vRecur.from_ical(rule))
    for each in exdates:
        entry.add("exdate", each)
    calendar.add_component(entry)
    if override is not None:
        moved = icalendar.Event()
        moved.add("uid", "series@example.org")
        moved.add("dtstamp", NOW)
        moved.add("summary", "Jour fixe, verschoben")
        moved.add("recurrence-id", override[0])
        moved.add("dtstart", override[1])
        moved.add("duration", timedelta(minutes=minutes))
        calendar.add_component(moved)
    if zone_name != "UTC":
        calendar.add_missing_timezones()
    return str(calendar.to_ical().decode())


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(DAYS) | st.dates(date(2027, 1, 1), date(2028, 6, 1)),
    st.integers(5, 22),  # clear of the hours that a clock change leaves out or repeats: there, programs differ by right
    st.sampled_from(RULES),
    st.sets(st.integers(0, 3), max_size=2),
    st.integers(0, 3) | st.none(),
    st.integers(-600, 600),
)
def test_a_series_keeps_its_occurrences_its_exceptions_and_its_overrides(
    zone_name: str, day: date, hour: int, rule: str, without: set[int], moved: int | None, by_minutes: int
) -> None:
    tz = ZoneInfo(zone_name)
    first = datetime.combine(day, time(hour, 15), tz)
    # the oracle: wall times by dateutil, put into the zone one by one
    walls = list(rrulestr(rule, dtstart=datetime.combine(day, time(hour, 15))))
    exdates = [w.replace(tzinfo=tz) for n, w in enumerate(walls) if n in without]
    expected = {at_wall_time(w.date(), w.time(), tz) for n, w in enumerate(walls) if n not in without}
    override = None
    if moved is not None and moved < len(walls) and moved not in without:
        was = walls[moved].replace(tzinfo=tz)
        to = (was.astimezone(UTC) + timedelta(minutes=by_minutes)).astimezone(tz)
        override = (was, to)
        expected = expected - {was.astimezone(UTC)} | {to.astimezone(UTC)}
    text = series(zone_name, first, 45, rule, exdates, override)
    once = texts.separated(text)
    assert list(once) == ["series@example.org"]
    again = texts.separated(once["series@example.org"])  # as it was stored, and read by another program
    window = Interval(datetime(2026, 12, 1, tzinfo=UTC), datetime(2029, 6, 1, tzinfo=UTC))
    for stored in (once, again):
        found = texts.expanded(texts.Stored(stored["series@example.org"]), window, zone("Europe/Berlin"), addresses=())
        assert {e.start for e in found} == {e.astimezone(UTC) for e in expected}
        assert {e.end - e.start for e in found} == {timedelta(minutes=45)}
        assert len({e.event_id for e in found}) == len(found)
