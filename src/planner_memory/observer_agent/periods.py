"""Which stretch of time a reflection is about, in the person's zone, and when the next one is due."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import at_wall_time, day_interval, days_between
from planner_memory.ports.facts import KeptPeriod
from planner_memory.ports.workspace import Mode

LONGEST = {"daily": timedelta(hours=24), "weekly": timedelta(days=7)}
LOOKS_BACK: dict[str, Callable[[datetime], datetime]] = {
    "daily": lambda now: now - timedelta(days=31),
    "weekly": lambda now: now - timedelta(days=92),
}  # an outage that lasted longer begins anew
EVENING = time(18)
_FRIDAY = 4
_NAMESPACE = UUID("5b0c3b1e-8c0e-5d5e-9f0a-2f7c1d9a4e61")


def dated(mode: Mode, day: date, tz: ZoneInfo) -> Interval:
    """The local day, or the ISO week (Monday to Sunday) that holds the day. A clock change makes it an hour shorter or longer."""
    if mode == "daily":
        return day_interval(day, tz)
    monday = day - timedelta(days=day.weekday())
    return Interval(at_wall_time(monday, time.min, tz), at_wall_time(monday + timedelta(days=7), time.min, tz))


def rolling(mode: Mode, now: datetime, last: KeptPeriod | None, *, joins: bool = False) -> Interval:
    """From the end of the last reflection to now; at the most, and at first, 24 hours or 7 days.

    A day of 25 hours and a trigger that comes late are joined too: up to a twenty-fourth more. With `joins`, as for the reflections made by
    the clock, the period always begins where the last one ended, so that an outage leaves no gap.

    A rerun within a twenty-fourth of that (an hour, or seven hours) goes on with the last period instead of opening one of a few
    minutes, so it updates what was posted and may be longer by that much.
    """
    longest = LONGEST[mode]
    grace = longest / 24
    if last is None or last.covered_until > now or (not joins and last.covered_until < now - longest - grace):
        return Interval(now - longest, now)
    if now - last.covered_until < grace and timedelta(0) < now - last.period_start <= longest + grace:
        return Interval(last.period_start, now)
    return Interval(last.covered_until, now) if last.covered_until < now else Interval(now - longest, now)


def reflection_id(person_id: str, mode: Mode, period: Interval, client_id: str | None = None) -> UUID:
    """The same for the same person, mode and period start. A reflection on one client's work alone has an id of its own."""
    start = period.start.astimezone(UTC).isoformat()
    return uuid5(_NAMESPACE, "\x1f".join((person_id, mode, start) if client_id is None else (person_id, mode, start, client_id)))


def thread_id(mode: Mode, period: Interval) -> str:
    return f"reflection:{mode}:{period.start.astimezone(UTC).isoformat()}"


def days_earlier(moment: datetime, days: int, tz: ZoneInfo) -> datetime:
    """The same wall time so many local days before."""
    local = moment.astimezone(tz)
    return at_wall_time(local.date() - timedelta(days=days), local.time(), tz)


def weeks_before(period: Interval, weeks: int, tz: ZoneInfo) -> list[Interval]:
    """The whole weeks that end where the period starts, latest first."""
    edges = [days_earlier(period.start, 7 * n, tz) for n in range(weeks + 1)]
    return [Interval(older, newer) for newer, older in pairwise(edges)]


def ahead(mode: Mode, period: Interval, tz: ZoneInfo) -> Interval:
    """What comes after the period: the rest of its last day if the period ends within it, and the next local day, or the next seven."""
    last = days_between(period, tz)[-1]
    return Interval(period.end, at_wall_time(last + timedelta(days=2 if mode == "daily" else 8), time.min, tz))


def last_due(mode: Mode, now: datetime, tz: ZoneInfo) -> datetime:
    """The latest 18:00 in the person's zone that is not after now; for weekly, the latest on a Friday."""
    day = now.astimezone(tz).date()
    while True:
        due = at_wall_time(day, EVENING, tz)
        if due <= now and (mode == "daily" or day.weekday() == _FRIDAY):
            return due
        day -= timedelta(days=1)


def is_due(mode: Mode, now: datetime, tz: ZoneInfo, last: KeptPeriod | None) -> bool:
    """Whether the reflection of the last due time is still to be made.

    After an outage one is made at once, for all that was missed. Who never reflected before waits for the next due time.
    """
    due = last_due(mode, now, tz)
    if last is None:
        return now - due < timedelta(hours=1)
    return last.covered_until < due
