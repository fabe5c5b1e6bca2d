"""What every search index promises. A new adapter adds a parameter: a function from pytest's request to an open, empty index of dimension 8."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from planner_memory.adapters.qdrant.vectors import QdrantVectors
from planner_memory.adapters.qdrant_edge.vectors import QdrantEdgeVectors
from planner_memory.core.errors import InvalidInput
from planner_memory.ports.vectors import Filter, Point, Query, VectorIndex

DIMENSION = 8
EVERYTHING = Filter(include_superseded=True)
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


async def qdrant_edge(request: pytest.FixtureRequest) -> VectorIndex:
    return await QdrantEdgeVectors.open(request.getfixturevalue("tmp_path") / "index", "test@1", DIMENSION)


async def qdrant(request: pytest.FixtureRequest) -> VectorIndex:
    return await QdrantVectors.open(request.getfixturevalue("qdrant_url"), "test@1", DIMENSION, prefix=f"{uuid4()}-")


@pytest.fixture(params=[qdrant_edge, qdrant])
async def index(request: pytest.FixtureRequest) -> AsyncIterator[VectorIndex]:
    opened: Callable[[pytest.FixtureRequest], Awaitable[VectorIndex]] = request.param
    made = await opened(request)
    yield made
    await made.close()


def axis(*weights: float) -> NDArray[np.float32]:
    """A unit vector that starts with these weights."""
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[: len(weights)] = weights
    return vector / np.float32(np.linalg.norm(vector))


def point(number: int, text: str = "", **fields: object) -> Point:
    made = Point(id=UUID(int=number), collection="events", client_id="acme", lexical={"text": text, "window": text}, occurred_at=NOON)
    return replace(made, **fields)


async def found(index: VectorIndex, text: str, channel: str = "text", **conditions: object) -> list[int]:
    answer = await index.search(Query(text=text, filter=Filter(**conditions)))
    return [hit.id.int for hit in answer[channel]]


async def test_an_empty_index_answers_with_empty_lists(index: VectorIndex) -> None:
    assert await index.search(Query(text="plan", dense=axis(1))) == {"text": [], "window": [], "dense": []}
    assert await index.count(EVERYTHING) == 0


async def test_the_dense_channel_is_left_out_without_a_vector(index: VectorIndex) -> None:
    await index.upsert([point(1, "plan", dense=axis(1))])
    assert set(await index.search(Query(text="plan"))) == {"text", "window"}


async def test_only_the_channels_asked_for_are_searched(index: VectorIndex) -> None:
    await index.upsert([point(1, lexical={"text": "invoice", "window": "meeting"})])
    answer = await index.search(Query(text="invoice meeting", channels=("window",)))
    assert {channel: [hit.id.int for hit in hits] for channel, hits in answer.items()} == {"window": [1]}


async def test_each_lexical_channel_has_its_own_text(index: VectorIndex) -> None:
    await index.upsert([point(1, lexical={"text": "invoice", "window": "meeting"}), point(2, lexical={"text": "meeting"})])
    assert await found(index, "meeting") == [2]
    assert await found(index, "meeting", "window") == [1]


async def test_words_are_matched_by_stem_case_and_accent(index: VectorIndex) -> None:
    await index.upsert([point(1, "Meetings about the CAFÉ migration"), point(2, "Lunch")])
    for words in ("meeting", "cafe", "Migrations", "café"):
        assert await found(index, words) == [1], words


async def test_a_rare_word_outweighs_common_ones(index: VectorIndex) -> None:
    await index.upsert([point(n, f"weekly report number {n} for the board") for n in range(1, 30)])
    await index.upsert([point(99, "invoice for the audit that the board asked for in its last meeting of the year, long after the close")])
    assert (await found(index, "board report audit"))[0] == 99


async def test_hits_come_best_first_and_no_more_than_the_limit(index: VectorIndex) -> None:
    await index.upsert([point(n, "plan " * n, dense=axis(1, n / 4)) for n in range(1, 9)])
    answer = await index.search(Query(text="plan", dense=axis(1), limit=3))
    assert [hit.id.int for hit in answer["dense"]] == [1, 2, 3]
    for hits in answer.values():
        assert len(hits) == 3
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


async def test_a_query_of_no_words_finds_nothing_lexical(index: VectorIndex) -> None:
    await index.upsert([point(1, "plan", dense=axis(1))])
    for text in ("", "   ", "the of and", "?!"):
        answer = await index.search(Query(text=text, dense=axis(1)))
        assert (answer["text"], answer["window"], len(answer["dense"])) == ([], [], 1)


async def test_a_point_may_lack_a_vector_or_words(index: VectorIndex) -> None:
    await index.upsert([point(1, "plan"), point(2, "", dense=axis(1)), point(3, "the of")])
    answer = await index.search(Query(text="plan", dense=axis(1)))
    assert [[hit.id.int for hit in answer[channel]] for channel in ("text", "dense")] == [[1], [2]]
    assert await index.count(EVERYTHING) == 3


async def test_writing_again_replaces_every_field(index: VectorIndex) -> None:
    await index.upsert([point(1, "invoice", dense=axis(1), thread_id="t1", event_type="note")])
    await index.upsert([point(1, "meeting", client_id="globex")])
    assert await index.count(EVERYTHING) == 1
    assert await found(index, "invoice") == []
    assert await found(index, "meeting", clients=("globex",)) == [1]
    assert await found(index, "meeting", thread_id="t1") == []
    assert await found(index, "meeting", event_types=("note",)) == []
    assert (await index.search(Query(text="", dense=axis(1))))["dense"] == []


async def test_of_two_writes_in_one_call_the_last_wins(index: VectorIndex) -> None:
    await index.upsert([point(1, "invoice"), point(1, "meeting")])
    assert (await found(index, "invoice"), await found(index, "meeting")) == ([], [1])


async def test_many_points_in_one_call(index: VectorIndex) -> None:
    await index.upsert([point(n, f"note {n}") for n in range(1, 301)])
    assert await index.count(EVERYTHING) == 300


async def test_deleted_points_are_gone_from_every_channel(index: VectorIndex) -> None:
    await index.upsert([point(n, "plan", dense=axis(1, n)) for n in (1, 2, 3)])
    await index.delete([UUID(int=2), UUID(int=77)])
    await index.delete([])
    answer = await index.search(Query(text="plan", dense=axis(1)))
    assert {channel: {hit.id.int for hit in hits} for channel, hits in answer.items()} == {key: {1, 3} for key in ("text", "window", "dense")}
    assert await index.count(EVERYTHING) == 2


async def test_clear_removes_every_point_and_the_index_goes_on(index: VectorIndex) -> None:
    await index.upsert([point(1, "plan")])
    await index.clear()
    assert await index.count(EVERYTHING) == 0
    await index.upsert([point(2, "plan")])
    assert await found(index, "plan", clients=("acme",)) == [2]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, {1, 2, 3, 4}),
        ({"include_superseded": True}, {1, 2, 3, 4, 5}),
        ({"clients": ("acme",)}, {1, 2}),
        ({"clients": ("acme", "globex")}, {1, 2, 3}),
        ({"clients": ("nobody",)}, set()),
        ({"clients": ()}, set()),
        ({"collections": ("events",)}, {1, 2, 4}),
        ({"collections": ("agent_memories",), "clients": ("globex",)}, {3}),
        ({"collections": ()}, set()),
        ({"memory_types": ("fact", "preference")}, {2, 3}),
        ({"memory_types": ()}, set()),
        ({"event_types": ("call",)}, {2}),
        ({"event_types": ()}, set()),
        ({"thread_id": "t1"}, {1, 3}),
        ({"thread_id": "t1", "clients": ("acme",)}, {1}),
        ({"since": NOON}, {2, 3}),
        ({"until": NOON}, {1}),
        ({"since": NOON - timedelta(hours=1), "until": NOON + timedelta(hours=1)}, {1, 2}),
        ({"since": NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))}, {2, 3}),
        ({"since": NOON + timedelta(microseconds=1)}, {3}),
    ],
    ids=repr,
)
async def test_filters(index: VectorIndex, conditions: dict[str, object], expected: set[int]) -> None:
    await index.upsert(
        [
            point(1, "plan", dense=axis(1), thread_id="t1", occurred_at=NOON - timedelta(minutes=1)),
            point(2, "plan", dense=axis(1), memory_type="fact", event_type="call"),
            point(
                3,
                "plan",
                dense=axis(1),
                client_id="globex",
                collection="agent_memories",
                memory_type="preference",
                thread_id="t1",
                occurred_at=NOON + timedelta(days=1),
            ),
            point(4, "plan", dense=axis(1), client_id="initech", occurred_at=None),
            point(5, "plan", dense=axis(1), client_id="initech", superseded=True, occurred_at=None),
        ]
    )
    wanted = Filter(**conditions)
    answer = await index.search(Query(text="plan", dense=axis(1), filter=wanted))
    assert {channel: {hit.id.int for hit in hits} for channel, hits in answer.items()} == dict.fromkeys(("text", "window", "dense"), expected)
    assert await index.count(wanted) == len(expected)


async def test_one_clients_words_do_not_change_anothers_ranking(index: VectorIndex) -> None:
    await index.upsert([point(1, "alpha alpha project"), point(2, "beta project"), point(3, "beta project")])
    query = Query(text="alpha beta", filter=Filter(clients=("acme",)))
    before = await index.search(query)
    await index.upsert([point(100 + n, "alpha alpha", client_id="globex") for n in range(50)])
    after = await index.search(query)
    assert [(hit.id, pytest.approx(hit.score)) for hit in before["text"]] == [(hit.id, hit.score) for hit in after["text"]]


async def test_a_vector_of_another_dimension_is_refused_and_nothing_written(index: VectorIndex) -> None:
    with pytest.raises(InvalidInput):
        await index.upsert([point(1, "plan"), point(2, "plan", dense=np.ones(DIMENSION + 1, dtype=np.float32))])
    assert await index.count(EVERYTHING) == 0
    with pytest.raises(InvalidInput):
        await index.search(Query(text="plan", dense=np.ones(3, dtype=np.float32)))


async def test_closing_twice_is_safe(index: VectorIndex) -> None:
    await index.check()
    await index.close()
    await index.close()
