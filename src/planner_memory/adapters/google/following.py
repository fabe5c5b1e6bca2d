"""What has changed since a token: Google's sync tokens of all calendars that are read, as one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from planner_memory.adapters.google import wire
from planner_memory.adapters.google.api import GoogleApi
from planner_memory.core.errors import Unavailable
from planner_memory.ports.calendar import CalendarEvent

_PAGE = "2500"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Followed:
    """One calendar's changes. `resources` are as Google gave them, deleted ones included; `is_full`: all there are."""

    token: str
    resources: list[wire.Resource]
    is_full: bool


async def followed(api: GoogleApi, calendar_id: str, token: str | None, *, in_own: bool, now: datetime) -> Followed | None:
    """None when the calendar is not there any more. Of a foreign calendar only the fact of a change is asked for, and only what ends after now."""
    path = ("calendars", calendar_id, "events")
    fields = f"nextPageToken,nextSyncToken,items({wire.FIELDS if in_own else 'id,status'})"
    query = {"maxResults": _PAGE, "fields": fields}
    if token is not None:
        query["syncToken"] = token
    elif not in_own:
        query["timeMin"] = f"{now - _DAY:%Y-%m-%dT%H:%M:%SZ}"
    resources: list[wire.Resource] = []
    following = ""
    async for page in api.pages(path, query):
        if page.status == 410 or (page.status == 400 and token is not None):  # the token has expired
            return await followed(api, calendar_id, None, in_own=in_own, now=now)
        if page.status == 404:
            return None
        resources += page.body.get("items", [])
        following = str(page.body.get("nextSyncToken", following))
    if not following:
        raise Unavailable("Google Calendar gave no token for its changes. Try again in a moment.")
    return Followed(following, resources, is_full=token is None)


def own_changes(found: Followed, calendar_id: str) -> tuple[list[CalendarEvent], list[str], bool]:
    """Own events as they are now, the ids of those that are gone, and whether an event that is not the product's has changed."""
    events: list[CalendarEvent] = []
    deleted: list[str] = []
    others = False
    for resource in found.resources:
        if wire.is_deleted(resource):
            if not found.is_full:
                deleted.append(str(resource["id"]))
            continue
        event = wire.event_of(resource, calendar_id, ZoneInfo("UTC"), in_own=True)
        if event is not None and event.is_own:
            events.append(event)
        else:
            others = True
    return events, deleted, others
