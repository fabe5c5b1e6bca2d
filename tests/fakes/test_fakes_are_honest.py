"""The vendors' own clients accept our loopback servers: what passes against these would pass against the real ones, as far as they go."""

from pathlib import Path

import numpy as np
import pytest
from tests.fakes import peers
from tests.fakes.coda_server import TOKEN, CodaServer
from tests.fakes.coda_server import refused as coda_refused
from tests.fakes.mem0_server import KEY as KEY_OF_MEM0
from tests.fakes.mem0_server import Mem0Server
from tests.fakes.mem0_server import refused as mem0_refused
from tests.fakes.openrouter_server import KEY, OpenRouterServer, error_in_200, in_choice, moderated, refused
from tests.fakes.peers import run_peer

_HERE = Path(__file__).parent


def test_openais_client_reads_the_loopback_openrouter(tmp_path: Path) -> None:
    with OpenRouterServer(dimension=16) as server:
        turned_away = refused(429, headers={"Retry-After": "0"})  # the client tries that one again by itself
        server.fail_next("/embeddings", None, None, turned_away, None, None, None, refused(402, "Insufficient credits"))
        server.say({"a": 1}, '{"a": 2, "b": "a text of several chunks"}')
        refusal = in_choice(message={"role": "assistant", "content": None, "refusal": "I cannot help with that."})
        server.fail_next("/chat/completions", None, None, refusal, None, None, None, moderated(), refused(503))
        saw = run_peer(_HERE / "by_openai.py", tmp_path, KEY=KEY, BASE_URL=server.base_url)
        formats = [body.get("encoding_format") for body in server.requests["/embeddings"]]
    assert formats[:2] == ["base64", "float"]
    assert saw["indexes"] == [0, 1]
    np.testing.assert_allclose(saw["packed"], saw["plain"], rtol=1e-6)
    assert saw["usage"]["total_tokens"] == 6
    assert saw["usage"]["cost"] > 0
    assert saw["retried"] == 1
    assert [(f["type"], f["status"]) for f in saw["failures"]] == [
        ("BadRequestError", 400),
        ("NotFoundError", 404),
        ("APIStatusError", 402),
        ("AuthenticationError", 401),
    ]
    assert "Insufficient credits" in saw["failures"][2]["message"]
    assert saw["chat"] == {"content": '{"a": 1}', "finish": "stop", "model": "anthropic/claude-loopback-1"}
    assert saw["chat_usage"]["cost"] > 0
    assert saw["streamed"] == '{"a": 2, "b": "a text of several chunks"}'
    assert saw["stream_usage"]["completion_tokens"] > 0
    assert saw["refusal"] == "I cannot help with that."
    assert [(f["type"], f["status"]) for f in saw["chat_failures"]] == [
        ("NotFoundError", 404),
        ("BadRequestError", 400),
        ("BadRequestError", 400),
        ("PermissionDeniedError", 403),
        ("InternalServerError", 503),
    ]


_REFUSALS = {
    400: "BadRequestResponseError",
    401: "UnauthorizedResponseError",
    402: "PaymentRequiredResponseError",
    403: "ForbiddenResponseError",
    404: "NotFoundResponseError",
    408: "RequestTimeoutResponseError",
    413: "PayloadTooLargeResponseError",
    422: "UnprocessableEntityResponseError",
    429: "TooManyRequestsResponseError",
    500: "InternalServerResponseError",
    502: "BadGatewayResponseError",
    503: "ServiceUnavailableResponseError",
    504: "OpenRouterDefaultError",  # its chat method does not declare that one
    524: "EdgeNetworkTimeoutResponseError",
    529: "ProviderOverloadedResponseError",
}


def test_openrouters_client_reads_the_loopback_openrouter(tmp_path: Path) -> None:
    with OpenRouterServer(dimension=16) as server:
        server.say({"a": 1}, '{"a": 2, "b": "a text of several chunks"}')
        refusal = in_choice(message={"role": "assistant", "content": None, "refusal": "I cannot help with that."})
        failures = [*map(refused, _REFUSALS), moderated(), error_in_200(502)]
        turned_away = refused(429, headers={"Retry-After": "0"})
        server.fail_next("/chat/completions", None, None, refusal, *failures, None, turned_away)
        saw = run_peer(_HERE / "by_openrouter.py", tmp_path, KEY=KEY, BASE_URL=server.base_url, FAILURES=str(len(failures)))
        asked = server.requests["/chat/completions"][0]
    assert asked["models"] == ["nobody/none", "openai/other"]
    assert asked["provider"] == {"require_parameters": True, "order": ["anthropic"], "allow_fallbacks": False}
    assert asked["response_format"]["json_schema"]["strict"] is True
    assert saw["chat"] == {"content": '{"a": 1}', "finish": "stop", "model": "anthropic/claude-loopback-1"}
    assert saw["usage"]["cost"] > 0
    assert (saw["streamed"], saw["refusal"]) == ('{"a": 2, "b": "a text of several chunks"}', "I cannot help with that.")
    assert saw["stream_cost"] > 0
    assert saw["key"] == {"left": 12.5, "reset": "monthly", "usage": 7.5}
    np.testing.assert_allclose(saw["packed"], saw["plain"], rtol=1e-6)
    assert saw["embedding_cost"] > 0
    assert saw["models"] == ["anthropic/claude-loopback-1"]
    *refusals, in_200, wrong_key = saw["failures"]
    assert [(f["status"], f["type"]) for f in refusals] == [*_REFUSALS.items(), (403, "ForbiddenResponseError")]
    assert (in_200["status"], in_200["type"]) == (200, "ResponseValidationError")  # the client does not know what OpenRouter does there
    assert (wrong_key["status"], wrong_key["message"]) == (401, "No auth credentials found")
    assert saw["patient"] == "OK"


def test_mem0s_client_reads_the_loopback_mem0(tmp_path: Path) -> None:
    with Mem0Server() as server:
        server.fail_next("search", None, None, mem0_refused(429, headers={"Retry-After": "1"}))
        saw = run_peer(_HERE / "by_mem0ai.py", tmp_path, KEY=KEY_OF_MEM0, BASE_URL=server.url, MEM0_TELEMETRY="False")
    assert "event_id" in saw["added"]
    assert saw["found"] == ["Maria prefers calls before noon"]
    assert 0 < saw["score"] <= 1
    assert saw["by_metadata"] == ["Maria prefers calls before noon"]
    assert saw["page"] == [2, 1, True]
    assert saw["read"] == "Maria prefers calls before noon"
    assert saw["failures"] == ["MemoryNotFoundError", "ValidationError", "MemoryNotFoundError", "RateLimitError", "ValueError"]
    assert saw["left"] == 1
    assert "deleted" in saw["forgotten"]
    assert saw["left_after_all"] == 1


def test_mcp_coda_reads_the_loopback_coda(tmp_path: Path) -> None:
    with CodaServer() as server:
        server.fail_next("whoami", None, coda_refused(429, headers={"Retry-After": "30"}), coda_refused(403))
        saw = run_peer(_HERE / "by_mcp_coda.py", tmp_path, CODA_API_TOKEN=TOKEN, CODA_BASE_URL=server.base_url, DOC=server.doc.id)
    assert saw["who"] == "maria@example.com"
    assert saw["docs"] == ["Loopback ERP"]
    assert saw["tables"]["service_blueprints"] == "table"
    assert saw["tables"]["Active workflows"] == "view"
    assert saw["columns"]["service_blueprint"] == "lookup"
    assert saw["column"] == "service_blueprints"
    assert saw["table"] == 2
    assert saw["rows"] == ["Onboard a client", "Close the books"]
    assert saw["found"] == saw["second_page"] == ["Close the books"]
    assert saw["by_view"] == ["Onboard a client"]
    assert (saw["relation"], saw["calculated"]) == ("Client onboarding", 0.5625)
    assert saw["inserted"] == [2, True]
    assert saw["upserted"] == ["Onboard a client", "One", "Two", "Three"]
    assert saw["updated"] == 7.5
    assert saw["gone"]["status"] == 404
    assert saw["deleted"] == 2
    assert [(each["status"], each["retry_after"]) for each in saw["failures"]] == [
        (404, None),
        (404, None),
        (400, None),
        (400, None),
        (400, None),
        (400, None),
        (429, 30),
        (403, None),
        (404, None),
    ]


def test_missing_peers_skip_visibly_and_fail_where_they_are_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "_PYTHON", tmp_path / "nowhere")
    monkeypatch.delenv("PLANNER_TEST_REQUIRE_SERVERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="NOT checked"):
        run_peer(_HERE / "by_openai.py", tmp_path)
    monkeypatch.setenv("PLANNER_TEST_REQUIRE_SERVERS", "1")
    with pytest.raises(pytest.fail.Exception, match="is missing"):
        run_peer(_HERE / "by_openai.py", tmp_path)
