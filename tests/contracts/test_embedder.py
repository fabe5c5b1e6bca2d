"""What every embedder promises. A new adapter adds a parameter."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import numpy as np
import pytest
from tests.fakes.openrouter_server import KEY, OpenRouterServer

from planner_memory.adapters.onnx.embedder import OnnxEmbedder
from planner_memory.adapters.openrouter.embedder import OpenRouterEmbedder
from planner_memory.ports.embedder import Embedder


@asynccontextmanager
async def onnx() -> AsyncIterator[Embedder]:
    made = OnnxEmbedder()
    yield made
    await made.close()


@asynccontextmanager
async def openrouter() -> AsyncIterator[Embedder]:
    with OpenRouterServer() as server:
        made = OpenRouterEmbedder(KEY, server.base_url)
        yield made
        await made.close()


@pytest.fixture(params=[onnx, openrouter], scope="module")
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[Embedder]:
    opened: Callable[[], AbstractAsyncContextManager[Embedder]] = request.param
    async with opened() as made:
        yield made


async def test_it_names_its_model(embedder: Embedder) -> None:
    assert embedder.name
    assert embedder.dimension > 0


async def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert (await embedder.embed([])).shape == (0, embedder.dimension)


@pytest.mark.parametrize(
    "texts",
    [["Call Maria on Tuesday"], ["", " ", "\n"], ["plan", "x" * 5000, "é 日本 🙂", "word " * 3000], [f"note {n}" for n in range(70)]],
    ids=["one", "blank", "odd and long", "many"],
)
async def test_each_text_becomes_one_unit_vector(embedder: Embedder, texts: list[str]) -> None:
    vectors = await embedder.embed(texts)
    assert vectors.shape == (len(texts), embedder.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)


async def test_rows_are_in_the_order_of_the_texts(embedder: Embedder) -> None:
    texts = ["tax return", "a much longer note about the hiking trip to the mountains last summer with the whole family", "dentist", "tax return"]
    together = await embedder.embed(texts)
    for text, row in zip(texts, together, strict=True):
        assert (await embedder.embed([text]))[0] @ row > 0.999


async def test_a_text_longer_than_the_model_reads_is_cut(embedder: Embedder) -> None:
    long = "The onboarding of Acme starts on Monday. " * 1500
    vectors = await embedder.embed([long, long + "Bananas are yellow."])
    assert vectors[0] @ vectors[1] > 0.9999


async def test_meaning_counts_more_than_words(embedder: Embedder) -> None:
    if isinstance(embedder, OpenRouterEmbedder):
        pytest.skip("the loopback server hashes words; meaning is the vendor's")
    question, answer, other = await embedder.embed(
        ["Who is away on leave in spring?", "Priya takes parental leave until March.", "The leaves of the spring menu need a new printer."]
    )
    assert question @ answer > question @ other


async def test_callers_at_the_same_time_each_get_their_own(embedder: Embedder) -> None:
    texts = [[f"note {n} about project {m}" for n in range(1 + m * 3)] for m in range(6)]
    answers = await asyncio.gather(*(embedder.embed(part) for part in texts))
    for part, answer in zip(texts, answers, strict=True):
        alone = await embedder.embed(part)
        assert (alone * answer).sum(axis=1).min() > 0.999


async def test_it_answers_a_check(embedder: Embedder) -> None:
    await embedder.check()
