"""Which days the person works on: their hours by weekday, single days that differ, public holidays, and days that the calendar gives away."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from planner_memory.core.errors import InvalidInput
from planner_memory.core.local_time import days_between
from planner_memory.core.profile import WEEKDAYS, Profile
from planner_memory.core.public_holidays import public_holidays
from planner_memory.observer_agent.streaks import LOOK_BACK_DAYS, IsWorkday
from planner_memory.ports.calendar import CalendarEvent


def days_off_in(calendar: Sequence[CalendarEvent] | None, tz: ZoneInfo) -> frozenset[date]:
    """Local days under a busy all-day event that the product did not write: a holiday, a sick day, a journey. None without a calendar."""
    all_day = [event for event in calendar or () if event.is_all_day and event.is_busy and not event.is_own and event.end > event.start]
    return frozenset(day for event in all_day for day in days_between(event.interval, tz))


def holidays_before(last: date, profile: Profile) -> frozenset[date]:
    """The public holidays that a streak up to that day may meet; none where the profile names no country, or one that is not known."""
    if profile.holidays_country is None:
        return frozenset()
    try:
        return public_holidays(profile.holidays_country, {last.year, (last - timedelta(days=LOOK_BACK_DAYS)).year})
    except InvalidInput:
        return frozenset()


def workdays(profile: Profile, holidays: Collection[date], days_off: Collection[date]) -> IsWorkday:
    """As the scheduler sees it: the hours of a single day win over holidays, holidays over the weekday's; an all-day event leaves no hour of any."""

    def is_workday(day: date) -> bool:
        if day in days_off:
            return False
        if day in profile.exceptions:
            return bool(profile.exceptions[day])
        return day not in holidays and bool(profile.working_hours.get(WEEKDAYS[day.weekday()], ()))

    return is_workday
