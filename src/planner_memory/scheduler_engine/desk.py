"""What a person does at the calendar itself: look, import, move, mark or remove one event."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from planner_memory.core.clock import Clock
from planner_memory.core.errors import Conflict, InvalidInput, NotFound
from planner_memory.core.intervals import Interval, clipped, merged, subtracted
from planner_memory.core.local_time import day_interval, days_between, instant, zone
from planner_memory.ports.calendar import Calendar
from planner_memory.ports.journal import CalendarWrite
from planner_memory.ports.profiles import ProfileStore
from planner_memory.ports.schedules import SchedulerRun, ScheduleStore
from planner_memory.scheduler_engine import answers
from planner_memory.scheduler_engine.applying import Applier
from planner_memory.scheduler_engine.availability import free_time, working_time
from planner_memory.scheduler_engine.schemas import EventChange
from planner_memory.scheduler_engine.terms import hours_of

Clients = Sequence[str] | None
_LISTED_DAYS = 7
_MOST_DAYS = 400


class Desk:
    """Part of the scheduler."""

    def __init__(self, *, store: ScheduleStore, calendar: Calendar, profiles: ProfileStore, clock: Clock, person_id: str, applier: Applier) -> None:
        self._store = store
        self._calendar = calendar
        self._profiles = profiles
        self._clock = clock
        self._person_id = person_id
        self._applier = applier

    async def availability(self, start: str | None, end: str | None) -> dict[str, Any]:
        """Free and busy time of the person between two instants or days, by the profile's hours."""
        profile = await self._profiles.profile(self._person_id)
        window = self._window(start, end, profile.time_zone)
        hours = hours_of(None, profile, window)
        busy = merged(e.interval for e in await self._calendar.events(window, hours.tz.key) if e.is_busy)
        return answers.availability(hours.tz, free_time(hours, window, busy), clipped(busy, window))

    async def load(self, start: str | None, end: str | None) -> dict[str, Any]:
        """Per local day the working time, and what of it other events and the scheduler's own blocks take."""
        profile = await self._profiles.profile(self._person_id)
        window = self._window(start, end, profile.time_zone)
        hours = hours_of(None, profile, window)
        events = [e for e in await self._calendar.events(window, hours.tz.key) if e.is_busy]
        work = working_time(hours, window)
        others = merged(e.interval for e in events if not e.is_own)
        own = merged(e.interval for e in events if e.is_own)
        days = []
        for day in days_between(window, hours.tz):
            here = [part for each in work for part in clipped([each], day_interval(day, hours.tz))]
            free = subtracted(here, others)
            left = subtracted(free, own)
            days.append((day, _minutes(here), _minutes(here) - _minutes(free), _minutes(free) - _minutes(left)))
        return answers.load(hours.tz, days)

    async def agenda(self, start: str | None, end: str | None) -> dict[str, Any]:
        """Every event between two instants or days."""
        profile = await self._profiles.profile(self._person_id)
        window = self._window(start, end, profile.time_zone)
        return answers.agenda(zone(profile.time_zone), await self._calendar.events(window, profile.time_zone))

    def _window(self, start: str | None, end: str | None, time_zone: str) -> Interval:
        tz = zone(time_zone)
        first = instant(start, tz, field="start") if start else self._clock()
        last = instant(end, tz, is_end=True, field="end") if end else first + timedelta(days=_LISTED_DAYS)
        if last <= first or last - first > timedelta(days=_MOST_DAYS):
            raise InvalidInput("Give an end after the start, at most 400 days later.", field="end")
        return Interval(first, last)

    async def import_calendar(self, ics: str) -> int:
        return await self._calendar.import_events(ics)

    # --- single events

    async def change_event(self, event_id: str, body: EventChange, *, clients: Clients) -> dict[str, Any]:
        """Moves, renames or marks one of the product's own events, as the person wants it: outside working hours too, but never onto busy time.

        Moved, it is pinned: a reschedule leaves it there.

        Raises:
            NotFound: no applied run has that event.
            Conflict: the person is busy there.
        """
        async with self._applier.hold():
            run, block = await self._own_event(event_id, clients)
            profile = await self._profiles.profile(self._person_id)
            tz = zone(profile.time_zone)
            old_start, old_end = datetime.fromisoformat(block["start"]), datetime.fromisoformat(block["end"])
            start = instant(body.start, tz, field="start") if body.start else old_start
            end = instant(body.end, tz, is_end=True, field="end") if body.end else start + (old_end - old_start)
            if end <= start:
                raise InvalidInput("The event would end before it starts.", field="end")
            moves = (start, end) != (old_start, old_end)
            if moves:
                events = await self._calendar.events(Interval(start, end), profile.time_zone)
                taken = next((e for e in events if e.is_busy and e.event_id != event_id), None)
                if taken is not None:
                    raise Conflict(f"{taken.title or 'An event'!r} stands there. Choose another time.", event_id=taken.event_id)
            changed = {
                **block,
                "title": body.title or block["title"],
                "start": start.astimezone(tz).isoformat(),
                "end": end.astimezone(tz).isoformat(),
                **({"pinned": True} if moves else {}),
                **({"done": body.done} if body.done is not None else {}),
            }
            run = await self._applier.edit(run, CalendarWrite(event_id, "update", changed, block, run.id))
        return dict(next(b for b in run.schedule_blocks if b["event_id"] == event_id))

    async def delete_event(self, event_id: str, *, clients: Clients) -> bool:
        """Removes one of the product's own events from calendar and run; a reschedule does not bring it back."""
        async with self._applier.hold():
            run, block = await self._own_event(event_id, clients)
            await self._applier.edit(run, CalendarWrite(event_id, "delete", None, block, run.id))
        return True

    async def _own_event(self, event_id: str, clients: Clients) -> tuple[SchedulerRun, Mapping[str, Any]]:
        async with self._store.begin() as tx:
            run = await tx.run_of_event(event_id, clients)
        if run is None:
            raise NotFound(f"No schedule has an event {event_id!r}. Only events that the scheduler wrote can be changed here.")
        return run, next(b for b in run.schedule_blocks if b["event_id"] == event_id)


def _minutes(spans: Sequence[Interval]) -> int:
    return sum(int(each.lasts.total_seconds() // 60) for each in spans)
