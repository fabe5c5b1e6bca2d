"""A schedule as a file that any calendar reads."""

from datetime import UTC, datetime

import icalendar

from planner_memory.cli.ics_file import ics_of


def test_what_is_written_is_read_back() -> None:
    title = "Übergabe; Teil 1, mit \\ und\nsehr langem Titel " + "ä" * 80
    block = {
        "event_id": "pm1",
        "task_id": "t",
        "start": "2027-03-28T01:30:00+01:00",
        "end": "2027-03-28T04:00:00+02:00",
        "rationale": "Before its deadline.",
    }
    text = ics_of([block], {"t": title}, datetime(2027, 3, 1, tzinfo=UTC))
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    event = icalendar.Calendar.from_ical(text).walk("VEVENT")[0]
    assert str(event["summary"]) == title
    assert event.decoded("dtstart") == datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
    assert event.decoded("dtend") == datetime(2027, 3, 28, 2, tzinfo=UTC)
    assert str(event["uid"]) == "pm1"
