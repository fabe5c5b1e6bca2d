"""A calendar that says when the person is busy and takes the product's own events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from planner_memory.core.intervals import Interval


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One occurrence of an event, recurrences already expanded. Instants are aware, in UTC; an all-day event spans its whole local days.

    `private` holds the product's own properties (task_id, plan_id, run_id, chunk); it is empty on foreign events.
    """

    event_id: str
    title: str
    start: datetime
    end: datetime
    is_all_day: bool = False
    is_busy: bool = True  # false when transparent, cancelled or declined
    status: Literal["confirmed", "tentative", "cancelled"] = "confirmed"
    description: str = ""
    location: str = ""
    categories: tuple[str, ...] = ()
    private: Mapping[str, str] = field(default_factory=dict)
    link: str | None = None
    etag: str | None = None

    @property
    def is_own(self) -> bool:
        return "run_id" in self.private

    @property
    def interval(self) -> Interval:
        return Interval(self.start, self.end)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to write. `event_id` is chosen by the caller, deterministically, so that writing twice gives one event."""

    event_id: str
    title: str
    start: datetime
    end: datetime
    time_zone: str
    description: str = ""
    private: Mapping[str, str] = field(default_factory=dict)


class Calendar(Protocol):
    """Raises Unavailable when the server does not answer and NotConnected when it refuses the credentials."""

    async def events(self, window: Interval, time_zone: str) -> list[CalendarEvent]:
        """Every occurrence that overlaps the window, from all calendars that are read, ordered by start. Events of no length are left out.

        `time_zone` gives floating times and all-day events their place.
        """
        ...

    async def put(self, event: NewEvent) -> CalendarEvent:
        """Writes it to the product's own calendar; an event of the same id is replaced."""
        ...

    async def delete(self, event_id: str) -> bool:
        """Removes one of the product's own events. False when there was none."""
        ...

    async def import_events(self, ics: str) -> int:
        """Stores every event of an iCalendar text in the person's calendar, recurrences, overrides and zones kept; returns how many events.

        Safe to repeat: an event of the same UID is replaced.

        Raises:
            InvalidInput: the text is not a valid calendar; nothing was stored.
        """
        ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...
