"""Local days across clock changes and odd zones."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner_memory.core.errors import InvalidInput
from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import at_wall_time, day_interval, days_between, instant, zone

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia", "UTC"]
).map(ZoneInfo)


def test_the_days_of_a_clock_change_have_23_and_25_hours() -> None:
    assert day_interval(date(2027, 3, 28), BERLIN).lasts == timedelta(hours=23)
    assert day_interval(date(2027, 10, 31), BERLIN).lasts == timedelta(hours=25)


@given(ZONES, st.dates(date(2020, 1, 1), date(2035, 1, 1)))
def test_days_follow_each_other_without_gap(tz: ZoneInfo, day: date) -> None:
    assert day_interval(day, tz).end == day_interval(day + timedelta(days=1), tz).start
    assert days_between(day_interval(day, tz), tz) == [day]


def test_a_time_in_the_gap_moves_on() -> None:
    assert at_wall_time(date(2027, 3, 28), time(2, 30), BERLIN) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


def test_a_bare_date_as_an_end_is_the_whole_day() -> None:
    start, end = instant("2027-03-15", BERLIN), instant("2027-03-15", BERLIN, is_end=True)
    assert Interval(start, end) == day_interval(date(2027, 3, 15), BERLIN)
    assert instant("2027-03-15T09:00:00", BERLIN) == datetime(2027, 3, 15, 8, tzinfo=UTC)
    assert instant("2027-03-15T09:00:00Z", BERLIN) == datetime(2027, 3, 15, 9, tzinfo=UTC)


@pytest.mark.parametrize("text", ["tomorrow", "2027-13-01", "", "2027-03-15T25:00"])
def test_what_is_no_time_names_the_field(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        instant(text, BERLIN, field="start")
    assert raised.value.field == "start"


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "Europe"])
def test_an_unknown_zone_names_the_field(name: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        zone(name)
    assert raised.value.field == "time_zone"
