"""Which permissions are asked for, and which will do. Least privilege: a calendar of the product's own, and reading elsewhere."""

from collections.abc import Collection

_CALENDAR = "https://www.googleapis.com/auth/calendar"
APP_CREATED = f"{_CALENDAR}.app.created"
CALENDAR_LIST = f"{_CALENDAR}.calendarlist.readonly"
EVENTS_READ = f"{_CALENDAR}.events.readonly"
EVENTS_OWNED = f"{_CALENDAR}.events.owned"
FREE_BUSY = f"{_CALENDAR}.freebusy"

_WRITE_ANYWHERE = frozenset({_CALENDAR, f"{_CALENDAR}.events", EVENTS_OWNED})
_READ_EVENTS = frozenset({_CALENDAR, f"{_CALENDAR}.events", f"{_CALENDAR}.readonly", EVENTS_READ})
_READ_BUSY = frozenset({_CALENDAR, f"{_CALENDAR}.readonly", f"{_CALENDAR}.events.freebusy", FREE_BUSY})
_READ_LIST = frozenset({_CALENDAR, f"{_CALENDAR}.readonly", f"{_CALENDAR}.calendarlist", CALENDAR_LIST})


def asked(*, own_calendar: bool, titles: bool) -> tuple[str, ...]:
    """`own_calendar`: the product writes into a calendar that it makes, else into one of the person's. `titles`: it reads more than free and busy."""
    return (APP_CREATED if own_calendar else EVENTS_OWNED, CALENDAR_LIST, EVENTS_READ if titles else FREE_BUSY)


def may_write(granted: Collection[str], *, own_calendar: bool) -> bool:
    return bool(_WRITE_ANYWHERE & set(granted)) or (own_calendar and APP_CREATED in granted)


def may_read_events(granted: Collection[str]) -> bool:
    return bool(_READ_EVENTS & set(granted))


def may_read_busy(granted: Collection[str]) -> bool:
    return bool(_READ_BUSY & set(granted))


def may_list(granted: Collection[str]) -> bool:
    return bool(_READ_LIST & set(granted))


def missing(granted: Collection[str], *, own_calendar: bool, titles: bool) -> list[str]:
    """What was asked for and not granted, in words."""
    out = []
    if not may_write(granted, own_calendar=own_calendar):
        out.append("make a calendar for the planned blocks" if own_calendar else "change events on your own calendars")
    if not may_read_events(granted) and (titles or not may_read_busy(granted)):
        out.append("view events on your calendars")
    if not may_list(granted):
        out.append("see the list of your calendars")
    return out
