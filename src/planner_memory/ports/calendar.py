"""A calendar that says when the person is busy and takes the product's own events."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from planner_memory.core.errors import InvalidInput
from planner_memory.core.intervals import Interval

# the colours that both families can show, by their names in CSS (RFC 7986, 5.9)
Color = Literal["lavender", "lightgreen", "purple", "pink", "yellow", "orange", "skyblue", "gray", "blue", "green", "red"]
DONE = "✓ "  # before a title: the mark that a person sees in every calendar program, and can set there by hand
_MARKED = re.compile(r"^\s*(?:[✓✔✅☑]\N{VARIATION SELECTOR-16}?|\[[xX]\])\s?")
_EVENT_ID = re.compile(r"[a-v0-9]{5,1024}")


@dataclass(frozen=True, slots=True)
class CalendarInfo:
    """One of the person's calendars. `is_read`: its events count as busy. `is_own`: the product writes there."""

    calendar_id: str
    name: str
    is_writable: bool
    is_primary: bool = False
    is_read: bool = True
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One occurrence of an event, recurrences already expanded. Instants are aware, in UTC; an all-day event spans its whole local days.

    `private` holds the product's own properties (task_id, plan_id, run_id, chunk); it is empty on foreign events.
    `is_done` is the completion mark of an own event, which `title` does not repeat.
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
    is_done: bool = False
    calendar_id: str = ""

    @property
    def is_own(self) -> bool:
        return "run_id" in self.private

    @property
    def interval(self) -> Interval:
        return Interval(self.start, self.end)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to write. `event_id` is chosen by the caller, deterministically, so that writing twice gives one event.

    The id has the form that every family takes: 5 to 1024 of the characters a–v and 0–9 (`check_event_id`).
    `reminders` are minutes before the start; none at all is (), None leaves it to the calendar. `link` leads to the task.
    """

    event_id: str
    title: str
    start: datetime
    end: datetime
    time_zone: str
    description: str = ""
    private: Mapping[str, str] = field(default_factory=dict)
    is_done: bool = False
    reminders: tuple[int, ...] | None = None
    color: Color | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What has happened since a token.

    `events` are the product's own events that were written or changed, as they are now; `deleted` the ids of own events that are gone.
    `others`: an event that is not the product's has changed in a calendar that is read, or nobody can tell; read `events` to see which.
    `is_full`: there was no token, or it has expired. `events` are then all own events, and one that is not among them is gone.
    """

    token: str
    events: Sequence[CalendarEvent] = ()
    deleted: Sequence[str] = ()
    others: bool = False
    is_full: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a family can do beyond the rest."""

    can_push: bool  # calls an address when something changes (`watch`)
    can_import: bool  # takes an iCalendar text (`import_events`)
    writes_at_once: int  # calls of `put` that are best made together; a family that has batches joins them into one request


@dataclass(frozen=True, slots=True)
class Watch:
    """An order to be called. `channels` are pairs of channel id and the server's resource id; JSON-ready, to be kept for `unwatch`."""

    channels: Sequence[tuple[str, str]]
    expires_at: datetime


class Calendar(Protocol):
    """Raises Unavailable when the server does not answer or asks to slow down (`retry_after`, seconds, in its extra),
    and NotConnected when it refuses the credentials, or a person has to connect the account first.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    async def calendars(self) -> list[CalendarInfo]:
        """The person's calendars, the primary one first, then by name. The product's own may be missing until the first write."""
        ...

    async def events(self, window: Interval, time_zone: str) -> list[CalendarEvent]:
        """Every occurrence that overlaps the window, from all calendars that are read, ordered by start. Events of no length are left out.

        `time_zone` gives floating times and all-day events their place.
        """
        ...

    async def event(self, event_id: str) -> CalendarEvent | None:
        """One of the product's own events as it is now, or None when it is not there."""
        ...

    async def put(self, event: NewEvent, *, if_match: str | None = None, only_new: bool = False) -> CalendarEvent:
        """Writes it to the product's own calendar; an event of the same id is replaced, one that was deleted is there again.

        `if_match` writes only over the event that has this etag, `only_new` only where none stands.

        Raises:
            Conflict: the condition does not hold; nothing was written.
            InvalidInput: the event's id has not the form that `NewEvent` names, or the server refuses the event for good.
        """
        ...

    async def delete(self, event_id: str, *, if_match: str | None = None) -> bool:
        """Removes one of the product's own events. False when there was none.

        Raises:
            Conflict: it has not the etag `if_match`; nothing was removed.
        """
        ...

    async def changes(self, token: str | None, time_zone: str) -> Changes:
        """What has changed since the call that answered with `token`; with None everything of the product's own. Costs no write."""
        ...

    async def watch(self, address: str, secret: str) -> Watch | None:
        """Has the server call `address` (HTTPS) with `secret` when something changes, for as long as it allows; None when the family cannot."""
        ...

    async def unwatch(self, watch: Watch) -> None:
        """Ends it; one that has ended already is no error."""
        ...

    async def import_events(self, ics: str) -> int:
        """Stores every event of an iCalendar text in the person's calendar, recurrences, overrides and zones kept; returns how many events.

        Safe to repeat: an event of the same UID is replaced.

        Raises:
            InvalidInput: the text is not a valid calendar, or the family cannot import; nothing was stored.
        """
        ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...


def check_event_id(event_id: str) -> None:
    """Raises InvalidInput unless every family takes the id."""
    if not _EVENT_ID.fullmatch(event_id):
        raise InvalidInput("An event id has 5 to 1024 of the characters a–v and 0–9.", field="event_id")


def marked(title: str, *, is_done: bool) -> str:
    """The title as it is written to the calendar."""
    return DONE + title if is_done else title


def unmarked(title: str) -> tuple[str, bool]:
    """An own event's title as it stands in the calendar, without its completion mark, and whether it had one."""
    found = _MARKED.match(title)
    return (title[found.end() :], True) if found else (title, False)
