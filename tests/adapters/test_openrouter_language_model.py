"""Chat completions over OpenRouter's protocol, against the loopback server."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.fakes.openrouter_server import KEY, OpenRouterServer, budget, error_in_200, in_choice, moderated, refused
from tests.fakes.scripted import Failure, answering, slow

from planner_memory.adapters.openrouter.json_text import NotJson, document_in
from planner_memory.adapters.openrouter.language_model import OpenRouterLanguageModel
from planner_memory.core.errors import NotConnected, Refused, Unavailable, UpstreamInvalid, UpstreamTimeout
from planner_memory.ports.language_model import Ask, Message

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
ASK = Ask((Message("system", "Be brief."), Message("user", "Say a.")), "letters", SCHEMA, "test", "letters", "v1")
MODEL = "anthropic/some-model"


@pytest.fixture(scope="module")
def server() -> Iterator[OpenRouterServer]:
    with OpenRouterServer(dimension=8) as running:
        yield running


@pytest.fixture
async def waits(server: OpenRouterServer) -> list[float]:
    server.reset()
    server.limit_remaining = 12.5
    return []


@pytest.fixture
async def model(server: OpenRouterServer, waits: list[float]) -> AsyncIterator[OpenRouterLanguageModel]:
    made = made_model(server, waits)
    yield made
    await made.close()


def made_model(server: OpenRouterServer, waits: list[float], **more: Any) -> OpenRouterLanguageModel:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    return OpenRouterLanguageModel(KEY, server.base_url, MODEL, sleep=sleep, **{"limit_seconds": 20, **more})


async def test_an_answer_with_its_usage(server: OpenRouterServer, model: OpenRouterLanguageModel) -> None:
    server.say({"a": 1})
    completion = await model.complete(ASK)
    assert (completion.document, completion.flaw, completion.usage.model) == ({"a": 1}, None, server.model)
    assert completion.usage.cost_usd is not None
    assert completion.usage.cost_usd > 0
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (4, 3)
    (body,) = server.requests["/chat/completions"]
    assert body["model"] == MODEL
    assert "models" not in body
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say a."}]
    assert body["response_format"] == {"type": "json_schema", "json_schema": {"name": "letters", "strict": True, "schema": SCHEMA}}
    assert body["provider"] == {"require_parameters": True}


async def test_fallbacks_and_routing(server: OpenRouterServer, waits: list[float]) -> None:
    model = made_model(server, waits, fallbacks=["openai/other"], provider={"data_collection": "deny"})
    server.say({"a": 1})
    await model.complete(ASK)
    (body,) = server.requests["/chat/completions"]
    assert body["models"] == [MODEL, "openai/other"]
    assert body["provider"] == {"require_parameters": True, "data_collection": "deny"}
    await model.close()


async def test_other_servers_get_nothing_that_only_openrouter_knows(server: OpenRouterServer, waits: list[float]) -> None:
    model = made_model(server, waits, fallbacks=["openai/other"], dialect="openai")
    server.say({"a": 1})
    await model.complete(ASK)
    assert not {"models", "provider"} & server.requests["/chat/completions"][0].keys()
    await model.check()
    assert "/key" not in server.requests
    assert len(server.requests["/models"]) == 1
    await model.close()


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (refused(400), UpstreamInvalid),
        (refused(401), NotConnected),
        (refused(402), NotConnected),
        (refused(403), NotConnected),
        (moderated(), Refused),
        (refused(404), UpstreamInvalid),
        (refused(413), UpstreamInvalid),
        (refused(422), UpstreamInvalid),
        (error_in_200(402), NotConnected),
        (error_in_200(400), Unavailable),
        (answering(200, []), UpstreamInvalid),
        (answering(200, {"choices": None}), UpstreamInvalid),
        (in_choice(error={"code": 402, "message": "no credit"}), NotConnected),
        (in_choice(error={"code": 502, "message": "died"}), Unavailable),
        (in_choice(error={"code": 403, "message": "flagged", "metadata": {"reasons": ["violence"]}}), Refused),
        (in_choice(finish_reason="error"), Unavailable),
        (in_choice(finish_reason="content_filter"), Refused),
        (in_choice(message={"role": "assistant", "content": None, "refusal": "No."}), Refused),
    ],
)
async def test_one_failure_is_one_of_our_errors(
    failure: Failure, error: type[Exception], server: OpenRouterServer, model: OpenRouterLanguageModel, waits: list[float]
) -> None:
    server.fail_next("/chat/completions", failure)
    with pytest.raises(error) as raised:
        await model.complete(ASK)
    assert KEY not in str(raised.value)
    assert len(str(raised.value)) > 20
    assert waits == []


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 524, 529])
async def test_retries_wait_one_two_and_four_seconds(
    status: int, server: OpenRouterServer, model: OpenRouterLanguageModel, waits: list[float]
) -> None:
    server.fail_next("/chat/completions", *[refused(status)] * 4)
    with pytest.raises(Unavailable):
        await model.complete(ASK)
    assert [int(w) for w in waits] in ([1, 2, 4], [1, 2, 5])
    assert len(server.requests["/chat/completions"]) == 4


async def test_retry_after_is_obeyed(server: OpenRouterServer, model: OpenRouterLanguageModel, waits: list[float]) -> None:
    server.say({"a": 1})
    server.fail_next("/chat/completions", refused(429, headers={"Retry-After": "7"}))
    assert (await model.complete(ASK)).document == {"a": 1}
    assert waits == [7.0]


async def test_beyond_the_limit_it_is_a_timeout(server: OpenRouterServer, waits: list[float]) -> None:
    model = made_model(server, waits, limit_seconds=0.2)
    server.fail_next("/chat/completions", slow(1))
    with pytest.raises(UpstreamTimeout):
        await model.complete(ASK)
    await model.close()
    with pytest.raises(Unavailable, match="stopping"):
        await model.complete(ASK)


async def test_nobody_there(waits: list[float]) -> None:
    model = OpenRouterLanguageModel(KEY, "http://127.0.0.1:9/api/v1", sleep=lambda _: asyncio.sleep(0))
    with pytest.raises(Unavailable, match="cannot be reached"):
        await model.complete(ASK)
    await model.close()


@pytest.mark.parametrize(
    ("text", "flaw"),
    [("", "empty"), ("  \n", "empty"), ("Sure!", "prose"), ('{"a": 1', "no complete JSON"), ("[[[[", "prose"), ("null", "prose"), ("7", "prose")],
)
async def test_an_answer_without_a_document_says_what_it_is(text: str, flaw: str, server: OpenRouterServer, model: OpenRouterLanguageModel) -> None:
    server.say(text)
    completion = await model.complete(ASK)
    assert completion.document is None
    assert flaw in (completion.flaw or "")
    assert completion.usage.cost_usd is not None


async def test_an_answer_that_was_cut_off_is_never_taken_for_whole(server: OpenRouterServer, model: OpenRouterLanguageModel) -> None:
    server.say({"a": 1})
    server.fail_next("/chat/completions", in_choice(finish_reason="length"))
    assert "cut off" in ((await model.complete(ASK)).flaw or "")


def test_documents_in_texts() -> None:
    inner = {"a": {"b": "}{"}, "c": [1, {"d": 2}]}
    text = json.dumps(inner)
    fenced = (f"```json\n{text}\n```", f"```\n{text}\n```\nDone.")
    in_prose = (f"Here: {text}. And {{no}}.", f"{{oops {text}", f'{{"x": 1}} but rather {text}')
    for wrapped in (text, *fenced, *in_prose):
        assert document_in(wrapped) == inner
    assert document_in("[1, 2]") == [1, 2]
    for broken in ("{" * 10_000, "[" * 100_000, "{'a': 1}"):
        with pytest.raises(NotJson):
            document_in(broken)


async def test_the_key_s_own_limit(server: OpenRouterServer, model: OpenRouterLanguageModel) -> None:
    assert await model.check() == 12.5
    server.limit_remaining = 0
    with pytest.raises(NotConnected, match="limit"):
        await model.check()
    server.limit_remaining = None
    assert await model.check() is None
    server.budgets = [budget(30.0, "member"), budget(3.5)]
    assert await model.check() == 3.5
    server.budgets = [budget(-0.1)]
    with pytest.raises(NotConnected, match="budget"):
        await model.check()
    server.budgets = []
    server.fail_next("/key", refused(404))
    await model.check()
    server.fail_next("/key", refused(401))
    with pytest.raises(NotConnected):
        await model.check()
