"""Remembered preferences read by a model once, corrected by the person once and kept; and the rules that come of them."""

import asyncio
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb
from tests.fakes.openrouter_server import OpenRouterServer, refused

from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.preference_readings import PostgresPreferenceReadings
from planner_memory.core.ids import new_id
from planner_memory.core.profile import Profile
from planner_memory.core.tenancy import spanning, within
from planner_memory.ports.memory import Recall, RecalledMemory
from planner_memory.prompting.replies import Unusable, read_reply
from planner_memory.prompting.writer import Writer
from planner_memory.scheduler_engine.drafting import draft
from planner_memory.scheduler_engine.preference_replies import PreferenceReply
from planner_memory.scheduler_engine.remembered import Preferences
from planner_memory.scheduler_engine.rules import Rule, document_of, rule_from
from planner_memory.scheduler_engine.schemas import RuleIn, ScheduleIn
from planner_memory.scheduler_engine.terms import Terms, terms_of

NOW = datetime(2027, 3, 15, 8, tzinfo=UTC)  # a Monday
SAID = datetime(2027, 3, 1, tzinfo=UTC)


class Remembering:
    """Preferences in the database, as the gateway would recall them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[UUID, str] = {}

    async def add(self, text: str, client: str = "me") -> UUID:
        memory_id = new_id()
        with within((client,)):
            async with self._database.begin() as tx:
                await tx._connection.execute(
                    "insert into events (id, event_type, event_source, client_id, payload, memory_type, content) values"
                    " (%s, 'note', 'person', %s, %s, 'preference', %s)",
                    (memory_id, client, Jsonb({}), text),
                )
        self._kept[memory_id] = text
        return memory_id

    async def change(self, memory_id: UUID, text: str) -> None:
        with within(("me",)):
            async with self._database.begin() as tx:
                await tx._connection.execute("update events set content = %s where id = %s", (text, memory_id))
        self._kept[memory_id] = text

    async def recall(self, query: str, **_: Any) -> Recall:
        return Recall(tuple(RecalledMemory(i, text, 0.9, "preference", SAID, None, {}, "agent_memories") for i, text in self._kept.items()))


@pytest.fixture
def memory(database: Database) -> Remembering:
    return Remembering(database)


@pytest.fixture
def preferences(memory: Remembering, writer: Writer, database: Database) -> Preferences:
    kept = PostgresPreferenceReadings(database)
    return Preferences(memory=memory, readings=kept, writer=writer, person_id="me", clock=lambda: NOW)  # type: ignore[arg-type]


def rule(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "energy": None, "spans": [], "days": [], "minutes": None, "weight": None, "strength": None, **more}


def reading(*rules: dict[str, Any], memory: int = 1) -> dict[str, Any]:
    return {"memory": memory, "rules": list(rules)}


async def test_the_model_reads_each_preference_once(preferences: Preferences, memory: Remembering, vendor: OpenRouterServer) -> None:
    words = ["I do my best thinking before lunch", "Lunch at noon is sacred, an hour", "I like green tea"]
    ids = [await memory.add(text) for text in words]
    order = sorted(range(3), key=lambda n: str(ids[n]))  # as they are told: by time, then by id
    rules = [[rule("band", energy="high", spans=[["09:00", "12:00"]])], [rule("keep_free", spans=[["12:00", "13:00"]])], []]
    vendor.say({"readings": [reading(*rules[n], memory=k) for k, n in enumerate(order, 1)]})
    with within(("me",)):
        said = await preferences.read("me")
        again = await preferences.read("me")
    assert said.notes == again.notes == ()
    assert said.rules == again.rules
    assert {(r.asks, r.source, r.memory_id, r.read_by) for r in said.rules} == {
        ("high-energy tasks preferably between 09:00 and 12:00", words[0], str(ids[0]), "model"),
        ("no work between 12:00 and 13:00", words[1], str(ids[1]), "model"),
    }
    (request,) = vendor.requests["/chat/completions"]
    assert all(text in request["messages"][1]["content"] for text in words)
    vendor.say({"readings": [reading(rule("buffer", minutes=10))]})
    await memory.add("Ten minutes to breathe between things")
    with within(("me",)):
        assert len((await preferences.read("me")).rules) == 3
    assert "green tea" not in vendor.requests["/chat/completions"][1]["messages"][1]["content"]


async def test_two_schedules_at_once_pay_for_one_reading(preferences: Preferences, memory: Remembering, vendor: OpenRouterServer) -> None:
    await memory.add("Never after four")
    vendor.say({"readings": [reading(rule("clip", spans=[["00:00", "16:00"]]))]})
    with within(("me",)):
        one, two = await asyncio.gather(preferences.read("me"), preferences.read("me"))
    assert one.rules == two.rules
    assert one.rules[0].asks == "work only until 16:00"
    assert len(vendor.requests["/chat/completions"]) == 1


async def test_without_an_answer_plain_rules_read_and_say_so(preferences: Preferences, memory: Remembering, vendor: OpenRouterServer) -> None:
    await memory.add("No work on Fridays.")
    vendor.say("nonsense", "more nonsense")
    with within(("me",)):
        said, soon = await preferences.read("me"), await preferences.read("me")
    assert [(r.kind, r.days, r.read_by) for r in said.rules] == [("day_off", ("fri",), "rules")]
    assert "could not read your preferences" in said.notes[0]
    assert soon.rules == said.rules
    assert soon.notes
    assert len(vendor.requests["/chat/completions"]) == 2  # the answer and its repair; the second schedule did not wait for a third


async def test_a_vendor_that_is_down_costs_no_schedule(preferences: Preferences, memory: Remembering, vendor: OpenRouterServer) -> None:
    await memory.add("No work on Fridays.")
    vendor.fail_next("/chat/completions", *[refused(503)] * 4)
    with within(("me",)):
        said = await preferences.read("me")
    assert [r.kind for r in said.rules] == ["day_off"]
    assert said.notes


async def test_a_correction_is_made_once_and_kept(preferences: Preferences, memory: Remembering, vendor: OpenRouterServer) -> None:
    memory_id = await memory.add("Mornings are for deep work")
    vendor.say({"readings": [reading(rule("clip", spans=[["06:00", "12:00"]]))]})  # a misreading: not all work is deep
    with within(("me",)):
        assert [r.kind for r in (await preferences.read("me")).rules] == ["clip"]
        given = [_rule_in(kind="band", energy="high", spans=[["08:00", "11:00"]])]
        told = await preferences.corrected(memory_id, given)
        assert told["read_by"] == "person"
        said = await preferences.read("me")
        assert [(r.kind, r.spans, r.read_by) for r in said.rules] == [("band", ((time(8), time(11)),), "person")]
        assert (await preferences.listed("me"))["preferences"][0]["words"] == "Mornings are for deep work"
        await preferences.corrected(memory_id, [])
        assert (await preferences.read("me")).rules == []
    assert len(vendor.requests["/chat/completions"]) == 1
    await memory.change(memory_id, "Afternoons are for deep work")  # other words: the correction spoke of the old ones
    vendor.say({"readings": [reading(rule("band", energy="high", spans=[["13:00", "17:00"]]))]})
    with within(("me",)):
        assert [(r.spans, r.read_by) for r in (await preferences.read("me")).rules] == [(((time(13), time(17)),), "model")]


async def test_a_reading_belongs_to_the_memory_s_client_and_goes_with_it(database: Database, preferences: Preferences, memory: Remembering) -> None:
    memory_id = await memory.add("No calls on Fridays", client="acme")
    with within(("acme",)):
        await preferences.corrected(memory_id, [_rule_in(kind="no_meetings", days=["fri"])])
    store = PostgresPreferenceReadings(database)
    with within(("globex",)):
        async with store.begin() as tx:
            assert await tx.readings([memory_id]) == []
            assert await tx.text_of(memory_id) is None
            assert not await tx.remove(memory_id)
    with within(("acme",)):
        async with database.begin() as plain:
            await plain._connection.execute("delete from events where id = %s", (memory_id,))
        async with store.begin() as tx:
            assert await tx.readings([memory_id]) == []
    with spanning("recovery"):
        async with database.begin() as plain:
            row = await (await plain._connection.execute("select count(*) as n from preference_readings")).fetchone()
    assert row is not None
    assert row["n"] == 0


HOSTILE: list[Any] = [
    {"readings": [reading(rule("day_off", days=["mon", "tue", "wed", "thu", "fri", "sat", "sun"]))]},
    {"readings": [reading(rule("clip", spans=[["17:00", "09:00"]]))]},
    {"readings": [reading(rule("clip", spans=[["nine", "ten"]]))]},
    {"readings": [reading(rule("clip", spans=[["09:00"]]))]},
    {"readings": [reading(rule("band", energy="high"))]},
    {"readings": [reading(rule("band", energy="brisk", spans=[["09:00", "10:00"]]))]},
    {"readings": [reading(rule("buffer", minutes=100_000))]},
    {"readings": [reading(rule("buffer", minutes=True))]},
    {"readings": [reading(rule("weight", weight="late", strength="infinitely"))]},
    {"readings": [reading(rule("weight", weight="left_out", strength="less"))]},
    {"readings": [reading(rule("delete_calendar"))]},
    {"readings": "none"},
    [],
    None,
]


@pytest.mark.parametrize("document", HOSTILE)
def test_hostile_readings_are_refused_by_name(document: Any) -> None:
    with pytest.raises(Unusable) as caught:
        read_reply(document, PreferenceReply)
    assert caught.value.flaws


async def test_readings_for_no_or_the_same_preference_are_refused(preferences: Preferences, memory: Remembering, vendor: OpenRouterServer) -> None:
    await memory.add("No work on Fridays.")
    day_off = rule("day_off", days=["mon"])
    vendor.say({"readings": [reading(day_off, memory=7)]}, {"readings": [reading(day_off), reading(day_off)]})
    with within(("me",)):
        said = await preferences.read("me")
    assert [r.days for r in said.rules] == [("fri",)]
    assert "has two readings" in said.notes[0]


def _rule_in(**values: Any) -> RuleIn:
    return RuleIn.model_validate(values)


def ruled(*rules: Rule, profile: Profile | None = None, **body: Any) -> Terms:
    given = {"tasks": [{"task_id": "a", "estimated_minutes": 60}, {"task_id": "b", "estimated_minutes": 60}], **body}
    return terms_of(ScheduleIn.model_validate(given), profile or Profile(), NOW, (), rules)


def test_typed_rules_bind_hours_buffers_and_weights() -> None:
    lunch = Rule("keep_free", "Lunch", spans=((time(12), time(13)),))
    short_fridays = Rule("clip", "Short Fridays", spans=((time.min, time(13)),), days=("fri",))
    pause = Rule("buffer", "Pauses", minutes=15)
    whole = Rule("weight", "One piece, please", weight="extra_chunk", strength="much_more")
    early = Rule("weight", "Deadlines are sacred", weight="late", strength="more")
    terms = ruled(lunch, short_fridays, pause, whole, early)
    assert terms.hours.working["mon"] == ((time(9), time(12)), (time(13), time(17, 30)))
    assert terms.hours.working["fri"] == ((time(9), time(12)),)
    assert terms.hours.buffer_minutes == 15
    assert terms.weights.extra_chunk == 60
    assert terms.weights.late[1] == 3000
    assert len(terms.rules) == 5
    assert "Preference used: no work between 12:00 and 13:00, because you said: “Lunch”." in terms.notes
    assert [rule_from(document_of(r)) for r in terms.rules] == list(terms.rules)


def test_what_the_request_or_the_profile_says_wins() -> None:
    pause, early = Rule("buffer", "Pauses", minutes=15), Rule("weight", "Early", weight="late", strength="more")
    assert ruled(pause, early, buffer_minutes=0, weights={"late": {"1": 7}}).rules == ()
    assert ruled(early, profile=Profile(weights={"late": {"1": 9}})).weights.late[1] == 9


def test_a_rule_that_leaves_no_working_time_is_set_aside_and_said() -> None:
    terms = ruled(Rule("clip", "Only at night", spans=((time(22), time.max),)))
    assert terms.rules == ()
    assert "leaves you no working hours" in terms.notes[0]
    assert len(draft(UUID(int=1), terms, ()).blocks) == 2
