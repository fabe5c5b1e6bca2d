"""The sample input of the demo: where it lies, and the calendar moved to the weeks that are wanted."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from planner_memory.core.errors import NotStarted

FIRST_MONDAY = date(2027, 3, 15)  # of examples/fortnight.ics
FORTNIGHT_DAYS = 14
_MOVED = ("DTSTART", "DTEND", "EXDATE", "RDATE", "RECURRENCE-ID", "DUE")
_FOLD = re.compile(r"\r?\n[ \t]")
_DAY = re.compile(r"\b(\d{4})(\d{2})(\d{2})(?=T|\b)")
_UNTIL = re.compile(r"UNTIL=(\d{8}T\d{6}Z|\d{8}T\d{6}|\d{8})")
_ZONE = re.compile(r";TZID=\"?([^\";:]+)")


def example(name: str) -> str:
    """The text of a sample file: beside the package when it was built, at the repository's root in a checkout.

    Raises:
        NotStarted: the installation lacks it.
    """
    package = Path(__file__).resolve().parents[1]
    path = next((p for p in (package / "examples" / name, package.parents[1] / "examples" / name) if p.is_file()), None)
    if path is None:
        raise NotStarted(f"The sample file {name} is missing from this installation. Install planner-memory again.")
    return path.read_bytes().decode("utf-8")


def paragraphs(markdown: str) -> list[dict[str, str]]:
    """The paragraphs of a text, each with the heading that it stands under."""
    found, heading = [], ""
    for block in markdown.replace("\r\n", "\n").split("\n\n"):
        text = " ".join(line.strip() for line in block.strip().splitlines())
        if text.startswith("#"):
            heading = text.lstrip("# ")
        elif text:
            found.append({"heading": heading, "text": text})
    return found


def coming_monday(today: date) -> date:
    """The first Monday after that day."""
    return today + timedelta(days=7 - today.weekday())


def fortnight_from(monday: date) -> str:
    """The sample calendar, moved so that its first day is that Monday."""
    return shifted(example("fortnight.ics"), (monday - FIRST_MONDAY).days // 7)


def shifted(ics: str, weeks: int) -> str:
    """An iCalendar text with all its events moved by whole weeks, in local time: wall times, weekdays and rules stay as they are.

    An UNTIL in UTC is moved in the zone of its event, since the same wall time may lie at another offset there. Zone definitions and
    stamps are left alone. Lines come out unfolded.
    """
    by = timedelta(weeks=weeks)
    out: list[str] = []
    event: list[str] | None = None
    for line in _FOLD.sub("", ics).splitlines():
        if line == "BEGIN:VEVENT":
            event = []
        if event is None:
            out.append(line)
            continue
        event.append(line)
        if line == "END:VEVENT":
            out += _moved(event, by)
            event = None
    return "\r\n".join(out) + "\r\n"


def _moved(event: list[str], by: timedelta) -> list[str]:
    start = next((line for line in event if line.startswith("DTSTART")), "")
    found = _ZONE.search(start.split(":", 1)[0])
    tz = ZoneInfo(found[1]) if found else None
    return [_line(line, by, tz) for line in event]


def _line(line: str, by: timedelta, tz: ZoneInfo | None) -> str:
    head, _, value = line.partition(":")
    name = head.split(";", 1)[0]
    if name in _MOVED:
        return f"{head}:{_DAY.sub(lambda m: _compact(date(int(m[1]), int(m[2]), int(m[3])) + by), value)}"
    if name == "RRULE":
        return f"{head}:{_UNTIL.sub(lambda m: f'UNTIL={_until(m[1], by, tz)}', value)}"
    return line


def _compact(day: date) -> str:
    return day.strftime("%Y%m%d")


def _until(text: str, by: timedelta, tz: ZoneInfo | None) -> str:
    if not text.endswith("Z"):
        return _compact(date.fromisoformat(text[:8]) + by) + text[8:]
    utc = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    local = utc.astimezone(tz) if tz else utc
    return (local + by).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
