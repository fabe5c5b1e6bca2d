"""When a person can work: their hours per local day, less holidays, busy time and buffers; and the same as minutes for the board."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from planner_memory.core.intervals import Interval, clipped, merged, subtracted
from planner_memory.core.local_time import at_wall_time, day_interval, days_between
from planner_memory.core.profile import WEEKDAYS, Span
from planner_memory.scheduler_engine.jobs import GRID, Ground

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """A person's days: wall times in `tz`. `exceptions` win over holidays, holidays over the weekday's hours."""

    tz: ZoneInfo
    working: Mapping[str, Sequence[Span]]
    exceptions: Mapping[date, Sequence[Span]]
    holidays: Collection[date]
    bands: Mapping[str, Sequence[Span]]
    buffer_minutes: int = 0

    def spans_on(self, day: date) -> Sequence[Span]:
        if day in self.exceptions:
            return self.exceptions[day]
        if day in self.holidays:
            return ()
        return self.working.get(WEEKDAYS[day.weekday()], ())


def on_day(day: date, spans: Iterable[Span], tz: ZoneInfo) -> list[Interval]:
    """The spans of one local day as instants. Where the clock jumps over a span, nothing of it is left."""
    out = []
    for first, last in spans:
        start = at_wall_time(day, first, tz)
        end = at_wall_time(day + timedelta(days=1), last.min, tz) if last == last.max else at_wall_time(day, last, tz)
        if start < end:
            out.append(Interval(start, end))
    return out


def working_time(hours: Hours, window: Interval) -> list[Interval]:
    days = days_between(window, hours.tz)
    return clipped(merged(each for day in days for each in on_day(day, hours.spans_on(day), hours.tz)), window)


def free_time(hours: Hours, window: Interval, busy: Iterable[Interval]) -> list[Interval]:
    """Working time less busy time, with the buffer kept before and after what is busy."""
    margin = timedelta(minutes=hours.buffer_minutes)
    widened = [Interval(b.start - margin, b.end + margin) for b in busy]
    return subtracted(working_time(hours, window), widened)


def lost_time(hours: Hours, window: Interval, days: Iterable[date]) -> list[Interval]:
    """What of those local days lies outside their hours."""
    whole = merged(each for day in days for each in clipped([day_interval(day, hours.tz)], window))
    return subtracted(whole, working_time(hours, window))


@dataclass(frozen=True, slots=True)
class Axis:
    """Minutes from `origin`, which lies on the five-minute grid at or before the window's start; wall minutes count from the start itself."""

    origin: datetime
    start: datetime
    tz: ZoneInfo

    @classmethod
    def of(cls, window: Interval, tz: ZoneInfo) -> "Axis":
        seconds = int(window.start.timestamp()) // (60 * GRID) * 60 * GRID
        return cls(datetime.fromtimestamp(seconds, UTC), window.start, tz)

    def minute(self, at: datetime) -> int:
        """The minute that has begun."""
        return (at - self.origin) // _MINUTE

    def minute_up(self, at: datetime) -> int:
        return -((self.origin - at) // _MINUTE)

    def instant(self, minute: int) -> datetime:
        return self.origin + minute * _MINUTE

    def shift(self, at: datetime) -> int:
        """What turns a minute near that instant into a wall minute from the window's start."""
        moved = _offset(at, self.tz) - _offset(self.start, self.tz)
        return moved // _MINUTE - self.minute(self.start)

    def wall(self, at: datetime) -> int:
        return self.minute(at) + self.shift(at)


def _offset(at: datetime, tz: ZoneInfo) -> timedelta:
    return at.astimezone(tz).utcoffset() or timedelta()


def ground(hours: Hours, window: Interval, busy: Iterable[Interval], axis: Axis) -> Ground:
    """Free time on the grid, for the board."""
    windows, shifts = [], []
    for free in free_time(hours, window, busy):
        start = -(-axis.minute_up(free.start) // GRID) * GRID
        end = axis.minute(free.end) // GRID * GRID
        if start < end:
            windows.append((start, end))
            shifts.append(axis.shift(free.start))
    days = days_between(window, hours.tz)
    bands = {
        name: tuple((axis.minute_up(i.start), axis.minute_up(i.end)) for i in merged(each for day in days for each in on_day(day, spans, hours.tz)))
        for name, spans in hours.bands.items()
    }
    phase = window.start.astimezone(hours.tz).minute % 15
    return Ground(tuple(windows), tuple(shifts), bands, -(-hours.buffer_minutes // GRID) * GRID, phase)
