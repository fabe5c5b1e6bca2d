"""Periods in the person's zone: days of 23 and 25 hours, odd offsets, and when the next reflection is due."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.observer_agent.rows import at

from planner_memory.observer_agent import periods
from planner_memory.ports.facts import KeptPeriod

BERLIN, KATHMANDU, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe")
NOW = at("2026-11-23 18:00")


def kept(start: str, end: str) -> KeptPeriod:
    return KeptPeriod(at(start), at(end), at(end))


@pytest.mark.parametrize(
    ("day", "tz", "hours"),
    [
        (date(2026, 3, 29), BERLIN, 23),
        (date(2026, 10, 25), BERLIN, 25),
        (date(2026, 7, 1), BERLIN, 24),
        (date(2026, 7, 1), KATHMANDU, 24),
        (date(2026, 4, 5), LORD_HOWE, 24.5),
    ],
)
def test_a_local_day_has_the_hours_that_the_clocks_give_it(day: date, tz: ZoneInfo, hours: float) -> None:
    period = periods.dated("daily", day, tz)
    assert period.lasts == timedelta(hours=hours)
    assert period.start.astimezone(tz).strftime("%H:%M") == period.end.astimezone(tz).strftime("%H:%M") == "00:00"


def test_kathmandu_s_midnight_is_at_a_quarter_past_six_in_utc() -> None:
    assert periods.dated("daily", date(2026, 11, 23), KATHMANDU).start == at("2026-11-22 18:15")


def test_an_iso_week_runs_from_monday_to_sunday_over_a_change_of_year_and_of_clocks() -> None:
    assert periods.dated("weekly", date(2027, 1, 2), BERLIN).start == at("2026-12-27 23:00")
    assert periods.dated("weekly", date(2026, 10, 25), BERLIN).lasts == timedelta(hours=7 * 24 + 1)
    assert periods.dated("weekly", date(2026, 3, 23), BERLIN) == periods.dated("weekly", date(2026, 3, 29), BERLIN)


def test_at_first_a_day_or_a_week_up_to_now() -> None:
    assert periods.rolling("daily", NOW, None).lasts == timedelta(hours=24)
    assert periods.rolling("weekly", NOW, None).lasts == timedelta(days=7)


def test_from_the_end_of_the_last_one_so_that_no_evening_is_lost() -> None:
    assert periods.rolling("daily", NOW, kept("2026-11-21 18:00", "2026-11-22 20:30")).start == at("2026-11-22 20:30")


def test_never_longer_than_the_most() -> None:
    assert periods.rolling("daily", NOW, kept("2026-11-18 18:00", "2026-11-19 18:00")).start == NOW - timedelta(hours=24)


def test_a_rerun_goes_on_with_the_last_period_and_not_for_ever() -> None:
    period = periods.rolling("daily", NOW, None)
    again = periods.rolling("daily", NOW + timedelta(minutes=3), KeptPeriod(period.start, period.end, period.end))
    assert again.start == period.start
    assert periods.reflection_id("me", "daily", again) == periods.reflection_id("me", "daily", period)
    late = again.end + timedelta(minutes=59)
    assert periods.rolling("daily", late, KeptPeriod(again.start, again.end, again.end)).start == again.end


def test_an_id_belongs_to_person_mode_start_and_client() -> None:
    period = periods.rolling("daily", NOW, None)
    other_zone = type(period)(period.start.astimezone(BERLIN), period.end)
    assert periods.reflection_id("me", "daily", period) == periods.reflection_id("me", "daily", other_zone)
    ids = {
        periods.reflection_id("me", "daily", period),
        periods.reflection_id("you", "daily", period),
        periods.reflection_id("me", "weekly", period),
        periods.reflection_id("me", "daily", period, "acme"),
    }
    assert len(ids) == 4


def test_the_weeks_before_keep_their_wall_time_over_a_clock_change() -> None:
    period = periods.dated("weekly", date(2026, 4, 1), BERLIN)
    weeks = periods.weeks_before(period, 4, BERLIN)
    assert [w.lasts for w in weeks] == [timedelta(days=7) - timedelta(hours=1), *[timedelta(days=7)] * 3]
    assert weeks[0].end == period.start
    assert all(w.start.astimezone(BERLIN).hour == 0 for w in weeks)


@pytest.mark.parametrize(
    ("now", "tz", "due"),
    [
        ("2026-03-29 16:00", BERLIN, "2026-03-29 16:00"),  # summer time since that morning: 18:00 is 16:00 UTC
        ("2026-03-28 16:59", BERLIN, "2026-03-27 17:00"),
        ("2026-10-25 16:59", BERLIN, "2026-10-24 16:00"),
        ("2026-10-25 17:00", BERLIN, "2026-10-25 17:00"),
        ("2026-11-23 12:15", KATHMANDU, "2026-11-23 12:15"),
    ],
)
def test_the_evening_is_the_person_s(now: str, tz: ZoneInfo, due: str) -> None:
    assert periods.last_due("daily", at(now), tz) == at(due)


def test_the_week_ends_on_friday_evening() -> None:
    assert periods.last_due("weekly", at("2026-11-27 16:59"), BERLIN) == at("2026-11-20 17:00")
    assert periods.last_due("weekly", at("2026-11-27 17:00"), BERLIN) == at("2026-11-27 17:00")


def test_one_reflection_per_due_time_over_both_clock_changes() -> None:
    """A quarter-hourly look through two weeks makes one reflection an evening, always at 18:00 local time."""
    for first in (datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 10, 18, tzinfo=UTC)):
        last, made = KeptPeriod(first - timedelta(days=1), first, first), []
        for step in range(14 * 96):
            now = first + timedelta(minutes=15 * step, seconds=20)
            if periods.is_due("daily", now, BERLIN, last):
                made.append(now.astimezone(BERLIN).strftime("%H:%M"))
                period = periods.rolling("daily", now, last)
                last = KeptPeriod(period.start, period.end, period.end)
        assert made == ["18:00"] * 14


def test_after_an_outage_one_is_made_at_once_and_who_is_new_waits_for_the_evening() -> None:
    morning = at("2026-11-23 08:00")
    assert periods.is_due("daily", morning, BERLIN, kept("2026-11-19 17:00", "2026-11-20 17:00"))
    assert not periods.is_due("daily", morning, BERLIN, kept("2026-11-22 08:00", "2026-11-23 07:45"))
    assert not periods.is_due("daily", morning, BERLIN, None)
    assert periods.is_due("daily", at("2026-11-23 17:10"), BERLIN, None)
