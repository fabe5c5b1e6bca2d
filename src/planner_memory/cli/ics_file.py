"""A schedule as an iCalendar file (RFC 5545), for calendars that the product does not write to."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})
_LINE_BYTES = 75


def ics_of(blocks: Sequence[Mapping[str, Any]], titles: Mapping[str, str], made_at: datetime) -> str:
    """The blocks as events in UTC; the same block has the same UID each time, so that importing again changes nothing."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//planner-memory//planner-memory//EN"]
    for block in blocks:
        title = titles.get(block["task_id"]) or block.get("title") or block["task_id"]
        lines += [
            "BEGIN:VEVENT",
            f"UID:{block['event_id']}",
            f"DTSTAMP:{_utc(made_at)}",
            f"DTSTART:{_utc(datetime.fromisoformat(block['start']))}",
            f"DTEND:{_utc(datetime.fromisoformat(block['end']))}",
            f"SUMMARY:{title.translate(_ESCAPES)}",
            f"DESCRIPTION:{str(block.get('rationale') or '').translate(_ESCAPES)}",
            "TRANSP:OPAQUE",
            "END:VEVENT",
        ]
    return "".join(f"{part}\r\n" for line in [*lines, "END:VCALENDAR"] for part in _folded(line))


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _folded(line: str) -> list[str]:
    """Lines of at most 75 bytes; what is continued begins with a space. No character is cut."""
    out, now = list[str](), ""
    for character in line:
        if len((now + character).encode()) > _LINE_BYTES:
            out.append(now)
            now = " "
        now += character
    return [*out, now]
