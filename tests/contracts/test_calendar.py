"""What every calendar must do, on each that ships."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import google_client
from tests.fakes.google_server import GoogleServer

from planner_memory.adapters.caldav.calendar import CalDavCalendar
from planner_memory.adapters.radicale.server import EmbeddedRadicale
from planner_memory.core.errors import Conflict, InvalidInput, NotConnected, Unavailable
from planner_memory.core.intervals import Interval
from planner_memory.ports.calendar import Calendar, NewEvent

BERLIN = "Europe/Berlin"
NOW = datetime(2027, 3, 1, tzinfo=UTC)
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


@dataclass
class Ground:
    """A calendar, and a way into its server that does not go through it: `seed` puts foreign events there, `wipe` removes all calendars it may."""

    calendar: Calendar
    seed: Callable[[str], Awaitable[None]]
    wipe: Callable[[], Awaitable[None]]
    expire: Callable[[str], str]  # makes a token one that is not valid any more


@pytest.fixture(scope="module")
async def radicale(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedRadicale]:
    server = EmbeddedRadicale(tmp_path_factory.mktemp("radicale"), port=0)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="module")
def google() -> Iterator[GoogleServer]:
    with GoogleServer() as server:
        yield server


@asynccontextmanager
async def on_caldav(radicale: EmbeddedRadicale) -> AsyncIterator[Ground]:
    made = CalDavCalendar(radicale.url, radicale.username, radicale.password, clock=lambda: NOW)
    other = CalDavCalendar(radicale.url, radicale.username, radicale.password)

    async def seed(ics: str) -> None:
        await other.import_events(ics)

    async def wipe() -> None:
        async with other._asked() as client:
            for each in await other._calendars():
                await client.delete(each.url)

    def expire(token: str) -> str:
        return json.dumps(dict.fromkeys(json.loads(token), "http://radicale.org/ns/sync/" + "0" * 64))

    yield Ground(made, seed, wipe, expire)
    await wipe()
    await made.close()
    await other.close()


@asynccontextmanager
async def on_google(google: GoogleServer, folder: Path) -> AsyncIterator[Ground]:
    google.reset()
    client = google_client.client_of(google, folder, clock=lambda: NOW)
    await google_client.connect(client.account)

    async def seed(ics: str) -> None:
        google.store.load("primary", ics)

    async def wipe() -> None:
        google.store.calendars = {c.calendar_id: c for c in google.store.calendars.values() if not c.is_of_app}

    def expire(token: str) -> str:
        google.store.expire_tokens()
        return token

    yield Ground(client.calendar, seed, wipe, expire)
    await client.close()


@pytest.fixture(params=["caldav", "google"])
async def ground(request: pytest.FixtureRequest, radicale: EmbeddedRadicale, google: GoogleServer, tmp_path: Path) -> AsyncIterator[Ground]:
    async with on_caldav(radicale) if request.param == "caldav" else on_google(google, tmp_path) as made:
        yield made


@pytest.fixture
def calendar(ground: Ground) -> Calendar:
    return ground.calendar


@pytest.fixture
async def caldav(radicale: EmbeddedRadicale) -> AsyncIterator[CalDavCalendar]:
    async with on_caldav(radicale) as made:
        assert isinstance(made.calendar, CalDavCalendar)
        yield made.calendar


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


async def test_only_chosen_calendars_count_as_busy_and_the_own_one_always(radicale: EmbeddedRadicale, caldav: CalDavCalendar) -> None:
    chosen: list[str] = []

    async def choice() -> list[str]:
        return chosen

    other = CalDavCalendar(radicale.url, radicale.username, radicale.password, chosen=choice)
    await caldav.put(new())
    await caldav.import_events(calendar_of("UID:a\nSUMMARY:Call\nDTSTART:20270315T100000Z\nDURATION:PT1H"))
    assert len(await other.events(MARCH, BERLIN)) == 2
    chosen.append("Nobody's")
    assert [e.event_id for e in await other.events(MARCH, BERLIN)] == ["pm001"]
    assert {c.name: c.is_read for c in await other.calendars()} == {"Planner": True, "Personal": False}
    chosen.append("Personal")
    assert len(await other.events(MARCH, BERLIN)) == 2
    await other.close()


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


async def test_a_token_that_is_not_valid_any_more_means_everything_again(ground: Ground) -> None:
    await ground.calendar.put(new())
    good = (await ground.calendar.changes(None, BERLIN)).token
    for token in ("not a token", ground.expire(good)):
        expired = await ground.calendar.changes(token, BERLIN)
        assert expired.is_full
        assert [e.event_id for e in expired.events] == ["pm001"]


async def test_a_foreign_event_is_a_change_of_others(ground: Ground) -> None:
    await ground.calendar.put(new())
    before = await ground.calendar.changes(None, BERLIN)
    await ground.seed(calendar_of("UID:a\nSUMMARY:Call\nDTSTART:20270315T100000Z\nDURATION:PT1H"))
    after = await ground.calendar.changes(before.token, BERLIN)
    assert after.others
    assert list(after.events) == []


async def test_events_are_in_order_and_only_those_that_overlap(calendar: Calendar) -> None:
    for n, hour in enumerate((14, 9, 11)):
        await calendar.put(new(f"pm00{n}", hour))
    at = datetime(2027, 3, 15, 10, tzinfo=UTC)
    found = await calendar.events(Interval(at, at + timedelta(hours=4, minutes=1)), BERLIN)
    assert [e.start.hour for e in found] == [11, 14]


async def test_a_series_keeps_its_wall_time_over_the_clock_change(ground: Ground) -> None:
    ics = calendar_of(
        "UID:s\nSUMMARY:Weekly\nDTSTART;TZID=Own Zone:20270321T093000\nDTEND;TZID=Own Zone:20270321T100000\nRRULE:FREQ=WEEKLY;COUNT=3\n"
        "EXDATE;TZID=Own Zone:20270404T093000",
        zone=VTIMEZONE,
    )
    await ground.seed(ics)
    found = await ground.calendar.events(MARCH, BERLIN)
    assert [(e.start.day, e.start.hour, e.start.minute) for e in found] == [(21, 8, 30), (28, 7, 30)]
    assert len({e.event_id for e in found}) == 2
    assert not any(e.is_own for e in found)


async def test_an_override_replaces_its_occurrence(ground: Ground) -> None:
    ics = calendar_of(
        "UID:o\nSUMMARY:Call\nDTSTART:20270315T100000Z\nDTEND:20270315T110000Z\nRRULE:FREQ=DAILY;COUNT=3",
        "UID:o\nSUMMARY:Call, moved\nRECURRENCE-ID:20270316T100000Z\nDTSTART:20270316T150000Z\nDTEND:20270316T160000Z",
        "UID:o\nSUMMARY:Call\nSTATUS:CANCELLED\nRECURRENCE-ID:20270317T100000Z\nDTSTART:20270317T100000Z\nDTEND:20270317T110000Z",
    )
    await ground.seed(ics)
    found = await ground.calendar.events(MARCH, BERLIN)
    assert [(e.start.day, e.start.hour) for e in found if e.is_busy] == [(15, 10), (16, 15)]


async def test_whole_days_lie_in_the_persons_zone(ground: Ground) -> None:
    await ground.seed(
        calendar_of(
            "UID:day\nSUMMARY:Leave\nDTSTART;VALUE=DATE:20270328\nDTEND;VALUE=DATE:20270329",
            "UID:nothing\nSUMMARY:Mark\nDTSTART:20270316T120000Z",
        )
    )
    (leave,) = await ground.calendar.events(MARCH, BERLIN)
    assert (leave.is_all_day, leave.interval.lasts) == (True, timedelta(hours=23))
    assert leave.start == datetime(2027, 3, 27, 23, tzinfo=UTC)
    (far,) = await ground.calendar.events(MARCH, "Pacific/Auckland")
    assert far.start == datetime(2027, 3, 27, 11, tzinfo=UTC)


async def test_floating_times_lie_in_the_persons_zone(caldav: CalDavCalendar) -> None:
    await caldav.import_events(calendar_of("UID:float\nSUMMARY:Lunch\nDTSTART:20270315T120000\nDURATION:PT45M"))
    (lunch,) = await caldav.events(MARCH, BERLIN)
    assert (lunch.start, lunch.end) == (datetime(2027, 3, 15, 11, tzinfo=UTC), datetime(2027, 3, 15, 11, 45, tzinfo=UTC))
    (far,) = await caldav.events(MARCH, "Pacific/Auckland")
    assert far.start == datetime(2027, 3, 14, 23, tzinfo=UTC)


async def test_transparent_cancelled_and_declined_events_are_not_busy(ground: Ground) -> None:
    time = "DTSTART:2027031{}T100000Z\nDTEND:2027031{}T110000Z"
    invited = "ORGANIZER:mailto:boss@example.org\nATTENDEE;PARTSTAT={}:mailto:maria.lindqvist@example.org"
    await ground.seed(
        calendar_of(
            f"UID:0\nSUMMARY:Free\nTRANSP:TRANSPARENT\n{time.format(0, 0)}",
            f"UID:1\nSUMMARY:Off\nSTATUS:CANCELLED\n{time.format(1, 1)}",
            f"UID:2\nSUMMARY:No\n{invited.format('DECLINED')}\n{time.format(2, 2)}",
            f"UID:3\nSUMMARY:Yes\n{invited.format('ACCEPTED')}\n{time.format(3, 3)}",
            f"UID:4\nSUMMARY:Perhaps\nSTATUS:TENTATIVE\n{time.format(4, 4)}",
        )
    )
    found = {e.title: (e.is_busy, e.status) for e in await ground.calendar.events(MARCH, BERLIN)}
    assert {title for title, (busy, _) in found.items() if busy} == {"Yes", "Perhaps"}
    assert found.get("Off", (False, "cancelled"))[1] == "cancelled"
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
    with pytest.raises(InvalidInput):  # also where the family imports nothing
        await calendar.import_events(ics)
    assert await calendar.events(MARCH, BERLIN) == []


async def test_an_import_can_be_repeated(caldav: CalDavCalendar) -> None:
    ics = calendar_of("UID:s\nSUMMARY:Weekly\nDTSTART:20270315T100000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=2")
    assert await caldav.import_events(ics) == 1
    assert await caldav.import_events(ics) == 1
    assert len(await caldav.events(MARCH, BERLIN)) == 2


async def test_a_uid_that_is_no_file_name_and_one_stored_elsewhere(caldav: CalDavCalendar) -> None:
    ics = calendar_of("UID:a/../b?c@example.org\nSUMMARY:One\nDTSTART:20270315T100000Z\nDURATION:PT1H")
    assert await caldav.import_events(ics) == 1
    (personal,) = [c for c in await caldav._calendars() if c.segment == "personal"]
    async with caldav._asked() as client:
        other = calendar_of("UID:shared@example.org\nSUMMARY:Old\nDTSTART:20270316T100000Z\nDURATION:PT1H")
        await client.put(personal.url + "by-another-program.ics", other, {"Content-Type": "text/calendar"})
    await caldav.import_events(other.replace("Old", "New"))
    assert [e.title for e in await caldav.events(MARCH, BERLIN)] == ["One", "New"]


async def test_a_calendar_removed_by_hand_is_made_again(ground: Ground) -> None:
    await ground.calendar.put(new())
    before = await ground.calendar.changes(None, BERLIN)
    await ground.wipe()
    assert await ground.calendar.events(MARCH, BERLIN) == []
    await ground.calendar.put(new("pm002"))
    assert len(await ground.calendar.events(MARCH, BERLIN)) == 1
    after = await ground.calendar.changes(before.token, BERLIN)
    assert after.is_full or list(after.deleted) == ["pm001"]
    assert [e.event_id for e in after.events] == ["pm002"]


async def test_many_writes_at_once(calendar: Calendar) -> None:
    made = await asyncio.gather(*(calendar.put(new(f"pm{n:03d}", 6 + n)) for n in range(12)))
    assert [e.event_id for e in made] == [f"pm{n:03d}" for n in range(12)]
    again = await asyncio.gather(*(calendar.put(new(f"pm{n:03d}", 6 + n, description="new")) for n in range(12)))
    assert {e.description for e in again} == {"new"}
    assert [e.event_id for e in await calendar.events(MARCH, BERLIN)] == [f"pm{n:03d}" for n in range(12)]
    assert all(await asyncio.gather(*(calendar.delete(f"pm{n:03d}") for n in range(12))))
    assert await calendar.events(MARCH, BERLIN) == []


async def test_what_only_one_family_can(calendar: Calendar) -> None:
    await calendar.put(new())
    watch = await calendar.watch("https://planner.example/hook", "a secret")
    assert (watch is not None) is calendar.capabilities.can_push
    if watch is not None:
        assert watch.channels
        await calendar.unwatch(watch)
        await calendar.unwatch(watch)
    if not calendar.capabilities.can_import:
        with pytest.raises(InvalidInput):
            await calendar.import_events(calendar_of("UID:a\nDTSTART:20270315T100000Z\nDURATION:PT1H"))
        assert len(await calendar.events(MARCH, BERLIN)) == 1


@asynccontextmanager
async def nowhere(kind: str, google: GoogleServer, folder: Path) -> AsyncIterator[Calendar]:
    """A calendar whose server is not there."""
    if kind == "caldav":
        made: Any = CalDavCalendar("http://127.0.0.1:9/", "a", "b")
        yield made
        await made.close()
        return
    google.reset()
    client = google_client.client_of(google, folder, base_url="http://127.0.0.1:9", patience_seconds=0)
    await google_client.connect(client.account)
    yield client.calendar
    await client.close()


@pytest.mark.parametrize("kind", ["caldav", "google"])
async def test_a_server_that_does_not_answer(kind: str, google: GoogleServer, tmp_path: Path) -> None:
    async with nowhere(kind, google, tmp_path) as gone:
        calls = (gone.check, lambda: gone.put(new()), lambda: gone.events(MARCH, BERLIN), lambda: gone.changes(None, BERLIN), gone.calendars)
        for call in calls:
            with pytest.raises(Unavailable):
                await call()


async def test_a_caldav_server_that_does_not_answer() -> None:
    gone = CalDavCalendar("http://127.0.0.1:9/", "a", "b")
    for call in (gone.delete("pm001"), gone.event("pm001"), gone.import_events(calendar_of("UID:a\nDTSTART:20270315T100000Z"))):
        with pytest.raises(Unavailable):
            await call
    await gone.close()


async def test_refused_credentials(radicale: EmbeddedRadicale, google: GoogleServer, tmp_path: Path) -> None:
    refused = CalDavCalendar(radicale.url, radicale.username, "wrong")
    with pytest.raises(NotConnected):
        await refused.check()
    await refused.close()
    google.reset()
    client = google_client.client_of(google, tmp_path)
    with pytest.raises(NotConnected):
        await client.calendar.check()
    await google_client.connect(client.account)
    google.oauth.revoke_all()
    google.oauth.kill_access_tokens()
    with pytest.raises(NotConnected, match="/oauth/authorize"):
        await client.calendar.events(MARCH, BERLIN)
    await client.close()
