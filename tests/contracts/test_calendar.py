"""What every calendar must do, on each that ships."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from planner_memory.adapters.caldav.calendar import CalDavCalendar
from planner_memory.adapters.radicale.server import EmbeddedRadicale
from planner_memory.core.errors import Conflict, InvalidInput, NotConnected, Unavailable
from planner_memory.core.intervals import Interval
from planner_memory.ports.calendar import Calendar, NewEvent

BERLIN = "Europe/Berlin"
MARCH = Interval(datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 5, tzinfo=UTC))
VTIMEZONE = """BEGIN:VTIMEZONE
TZID:Own Zone
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


def calendar_of(*events: str, zone: str = "") -> str:
    body = "".join(f"BEGIN:VEVENT\nDTSTAMP:20270101T000000Z\n{e.strip()}\nEND:VEVENT\n" for e in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{zone}{body}END:VCALENDAR\n".replace("\n", "\r\n")


@pytest.fixture(scope="module")
async def radicale(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedRadicale]:
    server = EmbeddedRadicale(tmp_path_factory.mktemp("radicale"))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(params=["caldav"])
async def calendar(request: pytest.FixtureRequest, radicale: EmbeddedRadicale) -> AsyncIterator[Calendar]:
    assert request.param == "caldav"
    made = CalDavCalendar(radicale.url, radicale.username, radicale.password, clock=lambda: datetime(2027, 3, 1, tzinfo=UTC))
    yield made
    async with made._asked() as client:
        for each in await made._calendars():
            await client.delete(each.url)
    await made.close()


def new(event_id: str = "pm001", hour: int = 9, **more: Any) -> NewEvent:
    start = datetime(2027, 3, 15, hour, tzinfo=UTC)
    values: dict[str, Any] = {"private": {"task_id": "plan:1:2", "plan_id": "p", "run_id": "r"}, "description": "Line one,\nline; two"} | more
    return NewEvent(event_id, "Draft, review; send", start, start + timedelta(hours=1), BERLIN, **values)


async def test_an_empty_calendar_has_no_events(calendar: Calendar) -> None:
    await calendar.check()
    assert await calendar.events(MARCH, BERLIN) == []
    assert await calendar.delete("neverhere") is False


async def test_a_written_event_comes_back_as_it_was(calendar: Calendar) -> None:
    written = await calendar.put(new())
    (found,) = await calendar.events(MARCH, BERLIN)
    assert (found.event_id, found.title, found.start, found.end) == ("pm001", "Draft, review; send", new().start, new().end)
    assert found.description == "Line one,\nline; two"
    assert dict(found.private) == {"task_id": "plan:1:2", "plan_id": "p", "run_id": "r"} == dict(written.private)
    assert found.is_own
    assert found.is_busy
    assert found.etag


async def test_writing_the_same_id_again_replaces_it(calendar: Calendar) -> None:
    await calendar.put(new())
    await calendar.put(new(hour=13))
    (found,) = await calendar.events(MARCH, BERLIN)
    assert found.start.hour == 13
    assert await calendar.delete("pm001") is True
    assert await calendar.delete("pm001") is False
    assert await calendar.events(MARCH, BERLIN) == []


async def test_one_own_event_is_read_alone(calendar: Calendar) -> None:
    assert await calendar.event("pm001") is None
    written = await calendar.put(new(is_done=True, reminders=(10, 0), color="green", link="https://planner.example/tasks/1"))
    found = await calendar.event("pm001")
    assert found is not None
    assert (found.title, found.is_done, found.etag, found.start) == ("Draft, review; send", True, written.etag, new().start)
    assert await calendar.event("pm002") is None


async def test_a_condition_that_does_not_hold_writes_nothing(calendar: Calendar) -> None:
    first = await calendar.put(new(), only_new=True)
    with pytest.raises(Conflict):
        await calendar.put(new(hour=13), only_new=True)
    second = await calendar.put(new(hour=14), if_match=first.etag)
    assert second.etag != first.etag
    with pytest.raises(Conflict):
        await calendar.put(new(hour=15), if_match=first.etag)
    with pytest.raises(Conflict):
        await calendar.delete("pm001", if_match=first.etag)
    found = await calendar.event("pm001")
    assert found is not None
    assert (found.start.hour, found.etag) == (14, second.etag)
    assert await calendar.delete("pm001", if_match=second.etag) is True
    with pytest.raises(Conflict):
        await calendar.put(new(), if_match=second.etag)
    assert await calendar.event("pm001") is None


async def test_a_deleted_event_can_be_written_again(calendar: Calendar) -> None:
    await calendar.put(new())
    await calendar.delete("pm001")
    await calendar.put(new(hour=13), only_new=True)
    (found,) = await calendar.events(MARCH, BERLIN)
    assert (found.event_id, found.start.hour) == ("pm001", 13)


@pytest.mark.parametrize("event_id", ["pm1", "never-there", "pmxyz1", "PM001", "a" * 1025])
async def test_an_id_that_not_every_family_takes_is_refused(calendar: Calendar, event_id: str) -> None:
    with pytest.raises(InvalidInput):
        await calendar.put(new(event_id))


async def test_the_calendars_are_named_and_the_own_one_is_known(calendar: Calendar) -> None:
    await calendar.put(new())
    found = await calendar.calendars()
    (own,) = [c for c in found if c.is_own]
    assert own.is_writable
    assert own.is_read
    assert [e.calendar_id for e in await calendar.events(MARCH, BERLIN)] == [own.calendar_id]


async def test_changes_since_a_token(calendar: Calendar) -> None:
    await calendar.put(new())
    await calendar.put(new("pm002", 11))
    everything = await calendar.changes(None, BERLIN)
    assert everything.is_full
    assert {e.event_id for e in everything.events} == {"pm001", "pm002"}
    nothing = await calendar.changes(everything.token, BERLIN)
    assert (list(nothing.events), list(nothing.deleted), nothing.others, nothing.is_full) == ([], [], False, False)
    await calendar.put(new(hour=15))
    await calendar.put(new("pm003", 16, is_done=True))
    await calendar.delete("pm002")
    later = await calendar.changes(nothing.token, BERLIN)
    assert {(e.event_id, e.start.hour, e.is_done) for e in later.events} == {("pm001", 15, False), ("pm003", 16, True)}
    assert (list(later.deleted), later.others, later.is_full) == (["pm002"], False, False)
    again = await calendar.changes(later.token, BERLIN)
    assert (list(again.events), list(again.deleted)) == ([], [])


async def test_a_token_that_is_not_valid_any_more_means_everything_again(calendar: Calendar) -> None:
    await calendar.put(new())
    expired = await calendar.changes("not a token", BERLIN)
    assert expired.is_full
    assert [e.event_id for e in expired.events] == ["pm001"]


async def test_a_foreign_event_is_a_change_of_others(calendar: Calendar) -> None:
    await calendar.put(new())
    before = await calendar.changes(None, BERLIN)
    await calendar.import_events(calendar_of("UID:a\nSUMMARY:Call\nDTSTART:20270315T100000Z\nDURATION:PT1H"))
    after = await calendar.changes(before.token, BERLIN)
    assert after.others
    assert list(after.events) == []


async def test_events_are_in_order_and_only_those_that_overlap(calendar: Calendar) -> None:
    for n, hour in enumerate((14, 9, 11)):
        await calendar.put(new(f"pm00{n}", hour))
    at = datetime(2027, 3, 15, 10, tzinfo=UTC)
    found = await calendar.events(Interval(at, at + timedelta(hours=4, minutes=1)), BERLIN)
    assert [e.start.hour for e in found] == [11, 14]


async def test_a_series_keeps_its_wall_time_over_the_clock_change(calendar: Calendar) -> None:
    ics = calendar_of(
        "UID:s\nSUMMARY:Weekly\nDTSTART;TZID=Own Zone:20270321T093000\nDTEND;TZID=Own Zone:20270321T100000\nRRULE:FREQ=WEEKLY;COUNT=3\n"
        "EXDATE;TZID=Own Zone:20270404T093000",
        zone=VTIMEZONE,
    )
    assert await calendar.import_events(ics) == 1
    assert await calendar.import_events(ics) == 1
    found = await calendar.events(MARCH, BERLIN)
    assert [(e.start.day, e.start.hour, e.start.minute) for e in found] == [(21, 8, 30), (28, 7, 30)]
    assert len({e.event_id for e in found}) == 2
    assert not any(e.is_own for e in found)


async def test_an_override_replaces_its_occurrence(calendar: Calendar) -> None:
    ics = calendar_of(
        "UID:o\nSUMMARY:Call\nDTSTART:20270315T100000Z\nDTEND:20270315T110000Z\nRRULE:FREQ=DAILY;COUNT=3",
        "UID:o\nSUMMARY:Call, moved\nRECURRENCE-ID:20270316T100000Z\nDTSTART:20270316T150000Z\nDTEND:20270316T160000Z",
        "UID:o\nSUMMARY:Call\nSTATUS:CANCELLED\nRECURRENCE-ID:20270317T100000Z\nDTSTART:20270317T100000Z\nDTEND:20270317T110000Z",
    )
    assert await calendar.import_events(ics) == 1
    found = await calendar.events(MARCH, BERLIN)
    assert [(e.start.day, e.start.hour) for e in found if e.is_busy] == [(15, 10), (16, 15)]


async def test_whole_days_and_floating_times_lie_in_the_persons_zone(calendar: Calendar) -> None:
    await calendar.import_events(
        calendar_of(
            "UID:day\nSUMMARY:Leave\nDTSTART;VALUE=DATE:20270328\nDTEND;VALUE=DATE:20270329",
            "UID:float\nSUMMARY:Lunch\nDTSTART:20270315T120000\nDURATION:PT45M",
            "UID:nothing\nSUMMARY:Mark\nDTSTART:20270316T120000Z",
        )
    )
    lunch, leave = await calendar.events(MARCH, BERLIN)
    assert (lunch.start, lunch.end) == (datetime(2027, 3, 15, 11, tzinfo=UTC), datetime(2027, 3, 15, 11, 45, tzinfo=UTC))
    assert (leave.is_all_day, leave.interval.lasts) == (True, timedelta(hours=23))
    assert leave.start == datetime(2027, 3, 27, 23, tzinfo=UTC)
    far, _ = await calendar.events(MARCH, "Pacific/Auckland")
    assert far.start == datetime(2027, 3, 14, 23, tzinfo=UTC)


async def test_transparent_cancelled_and_declined_events_are_not_busy(calendar: Calendar) -> None:
    time = "DTSTART:2027031{}T100000Z\nDTEND:2027031{}T110000Z"
    invited = "ORGANIZER:mailto:boss@example.org\nATTENDEE;PARTSTAT={}:mailto:me@example.org"
    await calendar.import_events(
        calendar_of(
            f"UID:0\nSUMMARY:Free\nTRANSP:TRANSPARENT\n{time.format(0, 0)}",
            f"UID:1\nSUMMARY:Off\nSTATUS:CANCELLED\n{time.format(1, 1)}",
            f"UID:2\nSUMMARY:No\n{invited.format('DECLINED')}\n{time.format(2, 2)}",
            f"UID:3\nSUMMARY:Yes\n{invited.format('ACCEPTED')}\n{time.format(3, 3)}",
            f"UID:4\nSUMMARY:Perhaps\nSTATUS:TENTATIVE\n{time.format(4, 4)}",
        )
    )
    found = {e.title: (e.is_busy, e.status) for e in await calendar.events(MARCH, BERLIN)}
    assert {title for title, (busy, _) in found.items() if busy} == {"Yes", "Perhaps"}
    assert found["Off"][1] == "cancelled"
    assert found["Perhaps"][1] == "tentative"


@pytest.mark.parametrize(
    "ics",
    [
        "",
        "hello",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
        calendar_of("UID:a\nDTSTART:20270315T100000Z", "UID:b\nSUMMARY:no start"),
        calendar_of("UID:a\nDTSTART:20270315T100000Z", "UID:b\nDTSTART:20270315T100000Z\nRRULE:FREQ=NEVER"),
        calendar_of("UID:a\nDTSTART:20270315T100000Z\nDTEND:20270315T090000Z"),
        calendar_of("UID:a\nDTSTART:20270315T100000Z").replace("END:VEVENT", ""),
    ],
)
async def test_a_broken_text_stores_nothing(calendar: Calendar, ics: str) -> None:
    with pytest.raises(InvalidInput):
        await calendar.import_events(ics)
    assert await calendar.events(MARCH, BERLIN) == []


async def test_a_uid_that_is_no_file_name_and_one_stored_elsewhere(calendar: Calendar, radicale: EmbeddedRadicale) -> None:
    ics = calendar_of("UID:a/../b?c@example.org\nSUMMARY:One\nDTSTART:20270315T100000Z\nDURATION:PT1H")
    assert await calendar.import_events(ics) == 1
    assert isinstance(calendar, CalDavCalendar)
    (personal,) = [c for c in await calendar._calendars() if c.segment == "personal"]
    async with calendar._asked() as client:
        other = calendar_of("UID:shared@example.org\nSUMMARY:Old\nDTSTART:20270316T100000Z\nDURATION:PT1H")
        await client.put(personal.url + "by-another-program.ics", other, {"Content-Type": "text/calendar"})
    await calendar.import_events(other.replace("Old", "New"))
    assert [e.title for e in await calendar.events(MARCH, BERLIN)] == ["One", "New"]


async def test_a_calendar_removed_by_hand_is_made_again(calendar: Calendar) -> None:
    await calendar.put(new())
    assert isinstance(calendar, CalDavCalendar)
    async with calendar._asked() as client:
        for each in await calendar._calendars():
            await client.delete(each.url)
    assert await calendar.events(MARCH, BERLIN) == []
    await calendar.put(new())
    assert len(await calendar.events(MARCH, BERLIN)) == 1


async def test_errors_are_ours(radicale: EmbeddedRadicale) -> None:
    refused = CalDavCalendar(radicale.url, radicale.username, "wrong")
    gone = CalDavCalendar("http://127.0.0.1:9/", "a", "b")
    with pytest.raises(NotConnected):
        await refused.check()
    for call in (
        gone.check(),
        gone.put(new()),
        gone.event("pm001"),
        gone.changes(None, BERLIN),
        gone.calendars(),
        gone.delete("pm001"),
        gone.events(MARCH, BERLIN),
        gone.import_events(calendar_of("UID:a\nDTSTART:20270315T100000Z")),
    ):
        with pytest.raises(Unavailable):
            await call
    await refused.close()
    await gone.close()
