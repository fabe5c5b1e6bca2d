"""What is asked of the gateway, and how its words become instants and selections."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from planner_memory.core.errors import InvalidInput
from planner_memory.core.ids import new_id
from planner_memory.core.local_time import instant
from planner_memory.memory_gateway.texts import content_hash
from planner_memory.ports.memories import MemoryToStore, Selection

_LOST_PLUS = re.compile(r"(T[\d:.]+) (\d\d:?\d\d)$")  # a plus sign that a query string turned into a space


@dataclass(frozen=True, slots=True)
class Draft:
    """Something to remember, as it was sent; the client is settled."""

    client_id: str
    content: str
    memory_type: str = "event"
    event_type: str = "note"
    event_source: str = "api"
    occurred_at: str | None = None
    person_id: str = "me"
    thread_id: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    entities: Sequence[str] = ()
    supersedes: UUID | None = None


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The filters of a recall, a list or a deletion, as they were sent."""

    memory_type: str | None = None
    event_type: str | None = None
    thread_id: str | None = None
    since: str | None = None
    until: str | None = None
    as_of: str | None = None
    include_superseded: bool = False
    pinned: bool | None = None

    @property
    def memory_types(self) -> tuple[str, ...] | None:
        return (self.memory_type,) if self.memory_type else None


def at(value: str, tz: ZoneInfo, *, field: str, is_end: bool = False) -> datetime:
    try:
        return instant(_LOST_PLUS.sub(r"\1+\2", value), tz, is_end=is_end, field=field)
    except OverflowError as error:
        raise InvalidInput(f"{value!r} lies outside the calendar. Use a year between 1 and 9999.", field=field) from error


def to_store(draft: Draft, now: datetime, tz: ZoneInfo, *, prefix: str = "") -> MemoryToStore:
    return MemoryToStore(
        id=new_id(),
        client_id=draft.client_id,
        content=draft.content,
        content_hash=content_hash(draft.content),
        occurred_at=at(draft.occurred_at, tz, field=f"{prefix}occurred_at") if draft.occurred_at else now,
        occurred_at_given=draft.occurred_at is not None,
        memory_type=draft.memory_type,
        event_type=draft.event_type,
        event_source=draft.event_source,
        person_id=draft.person_id,
        thread_id=draft.thread_id,
        payload=draft.payload,
        metadata=draft.metadata,
        entities=draft.entities,
    )


def selection(clients: tuple[str, ...] | None, asked: Narrowing, tz: ZoneInfo) -> Selection:
    """A bare date as `until` is inclusive, as `as_of` it means the end of that day."""
    as_of = None
    if asked.as_of:
        as_of = at(asked.as_of, tz, field="as_of", is_end=True)
        if len(asked.as_of) == 10:
            as_of -= timedelta(microseconds=1)
    since = at(asked.since, tz, field="since") if asked.since else None
    until = at(asked.until, tz, field="until", is_end=True) if asked.until else None
    if since and until and until <= since:
        raise InvalidInput("until lies before since. Swap the two.", field="until")
    return Selection(
        clients=clients,
        memory_types=asked.memory_types,
        event_types=(asked.event_type,) if asked.event_type else None,
        thread_id=asked.thread_id,
        since=since,
        until=until,
        as_of=as_of,
        include_superseded=asked.include_superseded,
        pinned=asked.pinned,
    )
