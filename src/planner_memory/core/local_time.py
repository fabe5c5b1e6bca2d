"""Local days in a person's time zone. Wall times are resolved per day, durations are added in UTC, so that a clock change costs no hour."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from planner_memory.core.errors import InvalidInput
from planner_memory.core.intervals import Interval


def zone(name: str, *, field: str = "time_zone") -> ZoneInfo:
    """The IANA zone of that name.

    Raises:
        InvalidInput: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidInput(f"There is no time zone {name!r}. Use an IANA name such as Europe/Berlin or America/New_York.", field=field) from error


def at_wall_time(day: date, clock: time, tz: ZoneInfo) -> datetime:
    """The instant, in UTC, of a wall time on a local day.

    In a gap the clock is moved on by the gap's length; of a time that comes twice the first is taken.
    """
    return datetime.combine(day, clock, tz).astimezone(UTC)


def day_interval(day: date, tz: ZoneInfo) -> Interval:
    """The whole local day: 23, 24 or 25 hours."""
    return Interval(at_wall_time(day, time.min, tz), at_wall_time(day + timedelta(days=1), time.min, tz))


def days_between(interval: Interval, tz: ZoneInfo) -> list[date]:
    """The local days that the interval touches, in order."""
    first = interval.start.astimezone(tz).date()
    last = (interval.end - timedelta(microseconds=1)).astimezone(tz).date()
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def instant(value: str | date | datetime, tz: ZoneInfo, *, is_end: bool = False, field: str | None = None) -> datetime:
    """An aware instant in UTC from what a client sent: an ISO 8601 instant, or a bare date that means the whole local day.

    A bare date as an end is inclusive: it gives the following midnight. A date-time without offset is taken in the person's zone.

    Raises:
        InvalidInput: the text is neither a date nor an instant.
    """
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        except ValueError as error:
            raise InvalidInput(f"{value!r} is not a date or time. Write 2027-03-15 or 2027-03-15T09:00:00+01:00.", field=field) from error
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=tz)).astimezone(UTC)
    return at_wall_time(value + timedelta(days=1) if is_end else value, time.min, tz)
