"""The embedder over HTTP against a loopback server that speaks the protocol and fails on command."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from tests.fakes.openrouter_server import KEY, OpenRouterServer, error_in_200, refused, vector
from tests.fakes.scripted import Failure, changed, slow, truncated

from planner_memory.adapters.openrouter.embedder import EmbeddingUsage, OpenRouterEmbedder
from planner_memory.core.errors import NotConnected, PlannerMemoryError, Unavailable, UpstreamInvalid

DIMENSION = 16
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def shared() -> Iterator[OpenRouterServer]:
    with OpenRouterServer(dimension=DIMENSION) as server:
        yield server


@pytest.fixture
def server(shared: OpenRouterServer) -> OpenRouterServer:
    shared.reset()
    shared.limit_remaining = 12.5
    return shared


class Made:
    """Embedders with a sleep that returns at once and writes down how long it should have been."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.slept: list[float] = []
        self._all: list[OpenRouterEmbedder] = []

    def __call__(self, key: str = KEY, **options: Any) -> OpenRouterEmbedder:
        given = {"base_url": self.base_url, "dimension": DIMENSION, "sleep": self._sleep, "clock": lambda: NOW} | options
        self._all.append(OpenRouterEmbedder(key, **given))
        return self._all[-1]

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def close(self) -> None:
        for each in self._all:
            await each.close()


@pytest.fixture
async def make(server: OpenRouterServer) -> AsyncIterator[Made]:
    made = Made(server.base_url)
    yield made
    await made.close()


def unit(text: str) -> np.ndarray[Any, Any]:
    row = vector(text, DIMENSION)
    return row / np.linalg.norm(row)


def test_its_name_tells_model_and_dimension() -> None:
    assert OpenRouterEmbedder("key").name == "openrouter:openai/text-embedding-3-small:1536"


async def test_the_vectors_are_those_of_the_server_at_length_one(make: Made) -> None:
    np.testing.assert_allclose(await make().embed(["tax return", "dentist"]), [unit("tax return"), unit("dentist")], atol=1e-6)


async def test_it_asks_for_base64(make: Made, server: OpenRouterServer) -> None:
    await make().embed(["x"])
    assert server.requests["/embeddings"] == [{"model": "openai/text-embedding-3-small", "input": ["x"], "encoding_format": "base64"}]


async def test_plain_lists_and_any_order_are_accepted(make: Made, server: OpenRouterServer) -> None:
    def reversed_lists(answer: dict[str, Any]) -> None:
        for row, text in zip(answer["data"], ["a", "b", "c"], strict=True):
            row["embedding"] = vector(text, DIMENSION).tolist()
        answer["data"].reverse()

    server.fail_next("/embeddings", changed(reversed_lists))
    np.testing.assert_allclose(await make().embed(["a", "b", "c"]), [unit("a"), unit("b"), unit("c")], atol=1e-6)


async def test_batches_end_by_number_and_by_characters(make: Made, server: OpenRouterServer) -> None:
    await make(batch_texts=3, batch_characters=10, concurrency=1).embed(["aaaa", "bbbb", "cccc", "d", "e", "f", "g" * 50, "h"])
    assert [body["input"] for body in server.requests["/embeddings"]] == [["aaaa", "bbbb"], ["cccc", "d", "e"], ["f"], ["g" * 50], ["h"]]


async def test_a_text_is_cut_between_characters(make: Made, server: OpenRouterServer) -> None:
    await make(longest_text_bytes=10).embed(["日本語日本語", "x" * 11])
    assert server.requests["/embeddings"][0]["input"] == ["日本語", "x" * 10]


async def test_no_more_requests_at_once_than_allowed(make: Made, server: OpenRouterServer) -> None:
    server.fail_next("/embeddings", *[slow(0.05)] * 6)
    await make(batch_texts=1, concurrency=2).embed([f"note {n}" for n in range(6)])
    assert server.most_at_once == 2


async def test_it_waits_one_two_and_four_seconds_with_jitter(make: Made, server: OpenRouterServer) -> None:
    server.fail_next("/embeddings", refused(429), refused(500), refused(503))
    await make().embed(["x"])
    assert [low <= wait <= low * 1.25 for wait, low in zip(make.slept, (1, 2, 4), strict=True)] == [True] * 3


async def test_after_three_retries_it_gives_up(make: Made, server: OpenRouterServer) -> None:
    server.fail_next("/embeddings", *[refused(502)] * 4)
    with pytest.raises(Unavailable):
        await make().embed(["x"])
    assert len(server.requests["/embeddings"]) == 4


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0.5", 0.5), ("Mon, 23 Nov 2026 09:00:11 GMT", 11), ("Mon, 23 Nov 2026 08:59:00 GMT", 0)],
)
async def test_it_waits_as_long_as_the_server_asks(make: Made, server: OpenRouterServer, header: str, seconds: float) -> None:
    server.fail_next("/embeddings", refused(429, headers={"Retry-After": header}))
    await make().embed(["x"])
    assert make.slept == [seconds]


@pytest.mark.parametrize("header", ["soon", "nan", ""])
async def test_an_unreadable_retry_after_means_the_usual_wait(make: Made, server: OpenRouterServer, header: str) -> None:
    server.fail_next("/embeddings", refused(429, headers={"Retry-After": header}))
    await make().embed(["x"])
    assert 1 <= make.slept[0] <= 1.25


async def test_a_long_retry_after_is_reported_and_not_waited_for(make: Made, server: OpenRouterServer) -> None:
    server.fail_next("/embeddings", refused(429, headers={"Retry-After": "3600"}))
    with pytest.raises(Unavailable) as raised:
        await make().embed(["x"])
    assert raised.value.extra == {"retry_after": 3600}
    assert make.slept == []


async def test_a_slow_answer_is_tried_again(make: Made, server: OpenRouterServer) -> None:
    server.fail_next("/embeddings", slow(5))
    await make(attempt_seconds=0.2).embed(["x"])
    assert len(server.requests["/embeddings"]) == 2


async def test_the_limit_holds_for_all_attempts_together(make: Made, server: OpenRouterServer) -> None:
    server.fail_next("/embeddings", *[slow(5)] * 4)
    async with asyncio.timeout(2):
        with pytest.raises(Unavailable):
            await make(limit_seconds=0.3).embed(["x"])
    assert len(server.requests["/embeddings"]) == 1


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (refused(401), NotConnected),
        (refused(402), NotConnected),
        (refused(403), NotConnected),
        (refused(400), UpstreamInvalid),
        (refused(404), UpstreamInvalid),
        (error_in_200(400), Unavailable),
        (error_in_200("model_down"), Unavailable),
        (error_in_200(402), NotConnected),
        (truncated(), UpstreamInvalid),
        (changed(lambda a: {"data": a["data"][:-1]}), UpstreamInvalid),
        (changed(lambda a: {"data": [a["data"][0], a["data"][0]]}), UpstreamInvalid),
        (changed(lambda a: {"data": None}), UpstreamInvalid),
        (changed(lambda a: {"data": [{"embedding": [1.0] * DIMENSION}] * 2}), UpstreamInvalid),
        (changed(lambda a: {"data": [{"index": i, "embedding": [1.0] * 8} for i in range(2)]}), UpstreamInvalid),
        (changed(lambda a: {"data": [{"index": i, "embedding": [0.0] * DIMENSION} for i in range(2)]}), UpstreamInvalid),
        (changed(lambda a: {"data": [{"index": i, "embedding": "AAA"} for i in range(2)]}), UpstreamInvalid),
        (changed(lambda a: {"data": [{"index": i, "embedding": ["x"] * DIMENSION} for i in range(2)]}), UpstreamInvalid),
    ],
)
async def test_each_failure_has_its_error(make: Made, server: OpenRouterServer, failure: Failure, expected: type[PlannerMemoryError]) -> None:
    server.fail_next("/embeddings", *[failure] * 4)
    with pytest.raises(expected):
        await make().embed(["x", "y"])


async def test_an_error_of_the_provider_inside_a_200_is_tried_again(make: Made, server: OpenRouterServer) -> None:
    server.fail_next("/embeddings", error_in_200(502))
    assert (await make().embed(["x"])).shape == (1, DIMENSION)


async def test_no_server_is_unavailable(make: Made) -> None:
    with pytest.raises(Unavailable, match="OPENROUTER_BASE_URL"):
        await make(base_url="http://127.0.0.1:9/v1").embed(["x"])


async def test_one_failing_batch_fails_the_call(make: Made, server: OpenRouterServer) -> None:
    server.fail_next("/embeddings", None, refused(402))
    with pytest.raises(NotConnected):
        await make(batch_texts=1).embed(["a", "b", "c"])


async def test_the_key_is_in_no_error_and_in_no_log(make: Made, server: OpenRouterServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "sk-or-v1-secret-of-mine"
    for key, failure in [(secret, None), (KEY, refused(401, f"Incorrect API key provided: {KEY}")), (KEY, refused(500, f"key {KEY}"))]:
        server.fail_next("/embeddings", *[failure] * 4)
        with pytest.raises(PlannerMemoryError) as raised:
            await make(key).embed(["x"])
        server.reset()
        assert key not in f"{raised.value!r} {raised.value.detail} {raised.value.extra} {raised.value.__cause__!r}"
    assert secret not in caplog.text
    assert secret not in repr(make(secret))


async def test_it_reports_tokens_and_cost(make: Made) -> None:
    seen: list[EmbeddingUsage] = []
    await make(on_usage=seen.append, batch_texts=2).embed(["x" * 40, "y" * 40, "z" * 40])
    assert sorted((u.texts, u.tokens) for u in seen) == [(1, 10), (2, 20)]
    assert sum(u.cost_usd or 0 for u in seen) == pytest.approx(30 * 2e-8)
    assert all(u.model == "openai/text-embedding-3-small" and u.seconds > 0 for u in seen)


async def test_a_server_that_names_no_cost_leaves_it_open(make: Made, server: OpenRouterServer) -> None:
    seen: list[EmbeddingUsage] = []
    server.fail_next("/embeddings", changed(lambda a: a.pop("usage") and a))
    await make(on_usage=seen.append).embed(["x"])
    assert (seen[0].tokens, seen[0].cost_usd) == (0, None)


async def test_a_check_costs_no_tokens(make: Made, server: OpenRouterServer) -> None:
    await make().check()
    assert "/embeddings" not in server.requests


async def test_a_check_of_a_server_without_that_question_embeds_a_word(make: Made, server: OpenRouterServer) -> None:
    server.fail_next("/key", refused(404))
    await make().check()
    assert len(server.requests["/embeddings"]) == 1


async def test_a_check_does_not_retry(make: Made, server: OpenRouterServer) -> None:
    server.fail_next("/key", refused(503))
    with pytest.raises(Unavailable):
        await make().check()
    assert make.slept == []


@pytest.mark.parametrize("left", [0, -0.01])
async def test_a_key_without_credit_is_not_connected(make: Made, server: OpenRouterServer, left: float) -> None:
    server.limit_remaining = left
    with pytest.raises(NotConnected):
        await make().check()


async def test_a_key_without_limit_is_connected(make: Made, server: OpenRouterServer) -> None:
    server.limit_remaining = None
    await make().check()


async def test_a_closed_embedder_is_unavailable(make: Made) -> None:
    made = make()
    await made.close()
    with pytest.raises(Unavailable):
        await made.embed(["x"])
    await made.close()
