"""Google Calendar against a loopback Google: what is particular to Google, and what goes wrong on the way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.fakes import google_client
from tests.fakes.google_oauth import Consent
from tests.fakes.google_server import APP_CREATED, CALENDAR_LIST, EVENTS_READ, FREE_BUSY, GoogleServer, broken, cut, limited, refusing
from tests.fakes.google_store import ME, Refused, StoredCalendar

from planner_memory.core.errors import Conflict, InvalidInput, NotConnected, Unavailable
from planner_memory.core.intervals import Interval
from planner_memory.ports.calendar import NewEvent

BERLIN = "Europe/Berlin"
MARCH = Interval(datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 5, tzinfo=UTC))
Connect = Callable[..., Awaitable[google_client.Client]]


@pytest.fixture(scope="module")
def shared() -> Iterator[GoogleServer]:
    with GoogleServer() as server:
        yield server


@pytest.fixture
def server(shared: GoogleServer) -> GoogleServer:
    shared.reset()
    return shared


class Naps:
    """Waiting that takes no time, written down."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
async def connected(server: GoogleServer, tmp_path: Path, naps: Naps) -> AsyncIterator[Connect]:
    made: list[google_client.Client] = []

    async def connect(**more: Any) -> google_client.Client:
        client = google_client.client_of(server, tmp_path, sleep=naps, **more)
        await google_client.connect(client.account)
        made.append(client)
        return client

    yield connect
    for each in made:
        await each.close()


def new(event_id: str = "pm001", hour: int = 9, **more: Any) -> NewEvent:
    start = datetime(2027, 3, 15, hour, tzinfo=UTC)
    values: dict[str, Any] = {"private": {"task_id": "plan:1:2", "plan_id": "p", "run_id": "r"}} | more
    return NewEvent(event_id, "Draft", start, start + timedelta(hours=1), BERLIN, **values)


def own_of(server: GoogleServer) -> StoredCalendar:
    (found,) = [c for c in server.store.calendars.values() if c.is_of_app]
    return found


# --- the product's own calendar


async def test_it_makes_one_calendar_of_its_own_under_the_least_permission(connected: Connect, server: GoogleServer, tmp_path: Path) -> None:
    client = await connected()
    other = google_client.client_of(server, tmp_path)
    await asyncio.gather(*(each.calendar.put(new(f"pm{n:03d}", 6 + n)) for n, each in enumerate((client, other) * 3)))
    own = own_of(server)
    assert (own.summary, own.zone.key, len(own.events)) == ("Planner", BERLIN, 6)
    assert server.store.calendar("primary").events == {}
    assert APP_CREATED in server.oauth.asked[0]["scope"]
    await other.close()


async def test_after_a_reconnection_the_calendar_is_found_again(connected: Connect, server: GoogleServer, tmp_path: Path) -> None:
    client = await connected()
    await client.calendar.put(new())
    await client.account.disconnect()
    again = await connected()
    await again.calendar.put(new("pm002"))
    assert len(own_of(server).events) == 2


async def test_it_writes_to_a_calendar_of_the_persons_when_told_to(connected: Connect, server: GoogleServer) -> None:
    client = await connected(write_to="primary")
    await client.calendar.put(new())
    assert list(server.store.calendar("primary").events) == ["pm001"]
    (found,) = await client.calendar.events(MARCH, BERLIN)
    assert found.is_own
    assert [c.is_own for c in await client.calendar.calendars()] == [True]


async def test_a_calendar_that_is_not_there_is_named(connected: Connect) -> None:
    client = await connected(write_to="c_nowhere@group.calendar.google.com")
    with pytest.raises(NotConnected, match="PLANNER_GOOGLE_CALENDAR"):
        await client.calendar.put(new())


# --- busy times


async def test_several_calendars_count_as_busy(connected: Connect, server: GoogleServer) -> None:
    chosen: list[str] = []

    async def choice() -> Sequence[str]:
        return chosen

    ics = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{0}\r\nSUMMARY:{0}\r\nDTSTART:2027031{1}T100000Z\r\nDURATION:PT1H\r\n"
    ics += "END:VEVENT\r\nEND:VCALENDAR\r\n"
    roles = {"family@example.org": "owner", "colleague@example.org": "reader", "team@example.org": "writer"}
    for n, (name, role) in enumerate(roles.items()):
        server.store.add(StoredCalendar(name, name.split("@", maxsplit=1)[0], ZoneInfo("Asia/Kathmandu"), role=role))
        server.store.load(name, ics.format(name, n))
    server.store.load("primary", ics.format("mine", 5))
    client = await connected(chosen=choice)
    assert {e.title for e in await client.calendar.events(MARCH, BERLIN)} == {"mine", "family@example.org"}  # of others' calendars none
    chosen += ["team", "primary"]
    assert {e.title for e in await client.calendar.events(MARCH, BERLIN)} == {"mine", "team@example.org"}
    assert {c.name: c.is_read for c in await client.calendar.calendars()} == {ME: True, "colleague": False, "family": False, "team": True}


async def test_kinds_of_events_that_do_not_take_time(connected: Connect, server: GoogleServer) -> None:
    primary = server.store.calendar("primary")
    for n, kind in enumerate(("default", "outOfOffice", "focusTime", "workingLocation", "birthday", "fromGmail")):
        at = f"2027-03-{10 + n}T10:00:00Z"
        server.store.insert(primary, {"summary": kind, "eventType": kind, "start": {"dateTime": at}, "end": {"dateTime": at.replace("T10", "T11")}})
    client = await connected()
    found = {e.title: e.is_busy for e in await client.calendar.events(MARCH, BERLIN)}
    assert found == {"default": True, "outOfOffice": True, "focusTime": True, "workingLocation": False, "birthday": False, "fromGmail": True}


async def test_more_events_than_a_page_holds(connected: Connect, server: GoogleServer) -> None:
    primary = server.store.calendar("primary")
    for n in range(2600):
        at = datetime(2027, 3, 1, tzinfo=UTC) + timedelta(minutes=15 * n)
        server.store.insert(primary, {"start": {"dateTime": at.isoformat()}, "end": {"dateTime": (at + timedelta(minutes=10)).isoformat()}})
    client = await connected()
    assert len(await client.calendar.events(MARCH, BERLIN)) == 2600
    assert server.count("events.list") == 2


async def test_free_and_busy_alone_will_do(connected: Connect, server: GoogleServer) -> None:
    client = await connected(titles=False)
    assert EVENTS_READ not in server.oauth.asked[0]["scope"]
    assert FREE_BUSY in server.oauth.asked[0]["scope"]
    at = "2027-03-15T10:00:00Z"
    secret = {"summary": "A secret", "start": {"dateTime": at}, "end": {"dateTime": at.replace("T10", "T11")}}
    server.store.insert(server.store.calendar("primary"), secret)
    await client.calendar.put(new(hour=14))
    first, second = await client.calendar.events(MARCH, BERLIN)
    assert (first.title, first.start.hour, first.is_busy, first.is_own) == ("", 10, True, False)
    assert second.is_own
    assert (await client.calendar.changes(None, BERLIN)).others  # nobody can tell


async def test_without_the_list_of_calendars_the_primary_one_is_read(connected: Connect, server: GoogleServer) -> None:
    server.oauth.consent = Consent(only=[APP_CREATED, EVENTS_READ])
    at = "2027-03-15T10:00:00Z"
    server.store.insert(
        server.store.calendar("primary"), {"summary": "Call", "start": {"dateTime": at}, "end": {"dateTime": at.replace("T10", "T11")}}
    )
    client = await connected()
    await client.calendar.put(new(hour=14))
    assert [e.title for e in await client.calendar.events(MARCH, BERLIN)] == ["Call", "Draft"]
    assert [c.is_own for c in await client.calendar.calendars()] == [False, True]


# --- writing


async def test_up_to_five_writes_go_alone_and_more_go_together(connected: Connect, server: GoogleServer) -> None:
    client = await connected()
    await client.calendar.put(new("pm000", 5))
    await asyncio.gather(*(client.calendar.put(new(f"pm{n:03d}", 5 + n)) for n in range(1, 6)))
    assert server.batches == 0
    await asyncio.gather(*(client.calendar.put(new(f"pm{n:03d}", 5 + n)) for n in range(6, 18)))
    assert server.batches == 1
    await asyncio.gather(*(client.calendar.delete(f"pm{n:03d}") for n in range(18)))
    assert server.batches == 2
    assert {e["status"] for e in own_of(server).events.values()} == {"cancelled"}


async def test_one_refusal_in_a_batch_is_that_ones_alone(connected: Connect, server: GoogleServer, naps: Naps) -> None:
    client = await connected()
    await client.calendar.put(new("pm000"))
    server.fail_next("events.insert", None, limited(), broken(), None, refusing(Refused(400, "invalid", "No")))
    answers = await asyncio.gather(*(client.calendar.put(new(f"pm{n:03d}", 5 + n)) for n in range(1, 11)), return_exceptions=True)
    refused = [a for a in answers if isinstance(a, BaseException)]
    assert [type(a) for a in refused] == [InvalidInput]
    assert len(own_of(server).events) == 10
    assert len(naps.seconds) == 2


async def test_a_batch_that_is_lost_is_made_again(connected: Connect, server: GoogleServer) -> None:
    client = await connected()
    await client.calendar.put(new("pm000"))
    server.fail_next("batch", broken(), cut())
    made = await asyncio.gather(*(client.calendar.put(new(f"pm{n:03d}", 5 + n), only_new=True) for n in range(1, 11)))
    assert len(made) == 10
    assert server.batches == 3


async def test_an_answer_that_was_lost_leaves_one_event(connected: Connect, server: GoogleServer) -> None:
    client = await connected()
    for only_new in (True, False):
        server.fail_next("events.insert", cut())
        await client.calendar.put(new(f"pm00{int(only_new)}"), only_new=only_new)
    assert len(own_of(server).events) == 2
    server.fail_next("events.patch", cut())
    await client.calendar.put(new(hour=11))
    server.fail_next("events.delete", cut())
    assert await client.calendar.delete("pm001") is True


async def test_the_same_again_is_not_written(connected: Connect, server: GoogleServer) -> None:
    client = await connected()
    look: dict[str, Any] = {"color": "green", "reminders": (10, 30), "link": "https://planner.example/t", "is_done": True, "description": "x" * 9000}
    first = await client.calendar.put(new(**look))
    again = await client.calendar.put(new(**look))
    assert again.etag == first.etag
    assert server.count("events.patch") == 0
    assert own_of(server).events["pm001"]["colorId"] == "10"
    assert own_of(server).events["pm001"]["reminders"]["overrides"] == [{"method": "popup", "minutes": 10}, {"method": "popup", "minutes": 30}]


async def test_what_the_person_added_to_a_block_stays_when_it_is_moved(connected: Connect, server: GoogleServer) -> None:
    client = await connected()
    await client.calendar.put(new())
    own = own_of(server)
    by_hand = {"location": "Room 4", "colorId": "5", "attendees": [{"email": "kim@example.org"}]}
    server.store.patch(own, "pm001", by_hand, None)
    await client.calendar.put(new(hour=13, private={"task_id": "t2", "run_id": "r"}))
    found = own.events["pm001"]
    assert (found["location"], found["colorId"], len(found["attendees"])) == ("Room 4", "5", 1)
    assert found["extendedProperties"]["private"] == {"task_id": "t2", "run_id": "r"}


async def test_a_hand_that_edits_at_the_same_moment(connected: Connect, server: GoogleServer) -> None:
    """The event changes between our read and our write: it is read again, and no edit is lost by it."""
    client = await connected()
    await client.calendar.put(new())
    own = own_of(server)

    async def meanwhile(work: Callable[[], Any]) -> Any:
        server.store.patch(own, "pm001", {"location": "Room 4"}, None)
        return work()

    server.fail_next("events.patch", meanwhile)
    await client.calendar.put(new(hour=13))
    assert (own.events["pm001"]["location"], server.count("events.patch")) == ("Room 4", 2)
    read = await client.calendar.event("pm001")
    assert read is not None
    server.fail_next("events.patch", meanwhile)
    with pytest.raises(Conflict):
        await client.calendar.put(new(hour=15), if_match=read.etag)


# --- patience


@pytest.mark.parametrize("failure", [limited(), limited(429), limited(403, "userRateLimitExceeded"), broken(500), broken(503), cut()])
async def test_what_passes_is_waited_for(failure: Any, connected: Connect, server: GoogleServer, naps: Naps) -> None:
    client = await connected()
    server.fail_next("events.list", failure, failure)
    assert await client.calendar.events(MARCH, BERLIN) == []
    assert len(naps.seconds) == 2
    assert 0.3 < naps.seconds[0] < 0.7 < naps.seconds[1] < 1.3


async def test_google_says_how_long(connected: Connect, server: GoogleServer, naps: Naps) -> None:
    client = await connected()
    server.fail_next("events.list", limited(429, Retry_After="7"))
    await client.calendar.events(MARCH, BERLIN)
    assert naps.seconds == [7.0]
    server.fail_next("events.list", limited(429, Retry_After="3600"))
    with pytest.raises(Unavailable, match="3600") as refused:
        await client.calendar.events(MARCH, BERLIN)
    assert refused.value.extra == {"retry_after": 3600}
    assert naps.seconds == [7.0]


async def test_patience_has_an_end(connected: Connect, server: GoogleServer, naps: Naps) -> None:
    client = await connected()
    server.fail_next("events.list", *[limited()] * 50)
    with pytest.raises(Unavailable) as refused:
        await client.calendar.events(MARCH, BERLIN)
    assert refused.value.extra["retry_after"] > 0
    assert len(naps.seconds) <= 6


async def test_a_permission_taken_away_is_not_waited_for(connected: Connect, server: GoogleServer, naps: Naps) -> None:
    client = await connected()
    server.fail_next("events.list", refusing(Refused(403, "insufficientPermissions", f"{ME} lacks a scope")))
    with pytest.raises(NotConnected, match="/oauth/authorize") as refused:
        await client.calendar.events(MARCH, BERLIN)
    assert ME not in str(refused.value)
    assert naps.seconds == []


async def test_a_refusal_repeats_nothing_that_google_says(connected: Connect, server: GoogleServer) -> None:
    client = await connected()
    await client.calendar.put(new("pm000"))
    server.fail_next("events.insert", refusing(Refused(400, "invalid", f"{ME} may not")))
    with pytest.raises(InvalidInput, match="invalid") as refused:
        await client.calendar.put(new())
    assert ME not in refused.value.detail


async def test_health_asks_google_once_a_minute_at_most(connected: Connect, server: GoogleServer) -> None:
    client = await connected()
    for _ in range(20):
        await client.calendar.check()
    assert server.count("calendarList.list") == 1


# --- following


async def test_channels_for_every_calendar_that_can_call(connected: Connect, server: GoogleServer) -> None:
    server.store.add(StoredCalendar("de.german#holiday@group.v.calendar.google.com", "Holidays", ZoneInfo("UTC")))
    client = await connected()
    await client.calendar.put(new())
    watch = await client.calendar.watch("https://planner.example/hook", "a secret")
    assert watch is not None
    assert len(watch.channels) == 2 == len(server.store.channels)
    address, headers = server.notice(watch.channels[0][0])
    assert (address, headers["X-Goog-Channel-Token"]) == ("https://planner.example/hook", "a secret")
    await client.calendar.unwatch(watch)
    assert server.store.channels == {}
    with pytest.raises(InvalidInput):
        await client.calendar.watch("http://planner.example/hook", "a secret")


async def test_a_block_changed_by_hand_comes_as_it_is_now(connected: Connect, server: GoogleServer) -> None:
    client = await connected()
    await client.calendar.put(new())
    await client.calendar.put(new("pm002", 11))
    before = await client.calendar.changes(None, BERLIN)
    own = own_of(server)
    moved = {"start": {"dateTime": "2027-03-16T08:00:00+01:00"}, "end": {"dateTime": "2027-03-16T09:30:00+01:00"}, "summary": "✅ Draft"}
    server.store.patch(own, "pm001", moved, None)
    server.store.delete(own, "pm002", None)
    after = await client.calendar.changes(before.token, BERLIN)
    (event,) = after.events
    assert (event.start, event.end, event.is_done, event.title) == (
        datetime(2027, 3, 16, 7, tzinfo=UTC),
        datetime(2027, 3, 16, 8, 30, tzinfo=UTC),
        True,
        "Draft",
    )
    assert (list(after.deleted), after.others, after.is_full) == (["pm002"], False, False)


async def test_one_calendars_token_expires_alone(connected: Connect, server: GoogleServer) -> None:
    client = await connected()
    await client.calendar.put(new())
    before = await client.calendar.changes(None, BERLIN)
    server.store.calendar("primary").first_valid_token = 1 << 40
    after = await client.calendar.changes(before.token, BERLIN)
    assert (after.others, after.is_full, list(after.events)) == (True, False, [])


async def test_a_chosen_calendar_more_is_a_change_of_others(connected: Connect, server: GoogleServer) -> None:
    client = await connected()
    before = await client.calendar.changes(None, BERLIN)
    server.store.add(StoredCalendar("new@example.org", "new", ZoneInfo("UTC")))
    await client.calendar.calendars()  # looks anew
    assert (await client.calendar.changes(before.token, BERLIN)).others


async def test_scopes_that_are_asked_for_are_enough_for_everything(connected: Connect, server: GoogleServer) -> None:
    client = await connected()
    await client.calendar.put(new())
    await client.calendar.put(new(hour=10))
    await client.calendar.events(MARCH, BERLIN)
    changes = await client.calendar.changes(None, BERLIN)
    await client.calendar.changes(changes.token, BERLIN)
    watch = await client.calendar.watch("https://planner.example/hook", "s")
    assert watch is not None
    await client.calendar.unwatch(watch)
    await client.calendar.delete("pm001")
    await client.calendar.calendars()
    assert set(server.oauth.asked[0]["scope"].split()) == {APP_CREATED, CALENDAR_LIST, EVENTS_READ}
