"""The face on a small application of its own, with real keys in a real PostgreSQL."""

from typing import Any

import httpx
import psycopg
import pytest
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from tests.fakes.loopback import Loopback

from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.core.errors import NotAuthenticated, Unavailable
from planner_memory.http_client import service_client
from planner_memory.web.auth import Authenticated, Authenticator, hash_of
from planner_memory.web.face import Face, build_app
from planner_memory.web.health import HealthReport


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    minutes: list[int] = []


def application(keys: PostgresKeys, calls: list[str]) -> Any:
    router = APIRouter(prefix="/api")

    @router.post("/orders", status_code=201)
    async def order(body: Order, caller: Authenticated, client_id: str | None = None) -> dict[str, Any]:
        calls.append(body.title)
        if body.title == "outage" and calls.count("outage") == 1:
            raise Unavailable("The shop is closed.")
        return {"title": body.title, "number": len(calls), "client": caller.client(client_id)}

    @router.get("/boom")
    async def boom() -> None:
        raise RuntimeError("secret-token-123")

    async def health() -> HealthReport:
        return HealthReport({"postgres": "up", "valkey": "down"}, frozenset({"postgres"}))

    return build_app("order-desk", Face(keys, keys, max_body_bytes=10_000), health=health, routers=[router])


@pytest.fixture
async def desk(database: Database) -> Any:
    keys = PostgresKeys(database)
    await keys.add_key("first", hash_of("k1"))
    await keys.add_key("acme only", hash_of("k2"), client_ids=("acme",))
    calls: list[str] = []
    app = application(keys, calls)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk", headers={"Authorization": "Bearer k1"}) as client:
        yield client, calls


async def test_no_key_and_a_wrong_key_are_401_and_say_where_the_first_key_is(desk: Any) -> None:
    client, _ = desk
    for value in ("", "Bearer nope", "Basic abc"):
        answer = await client.post("/api/orders", json={"title": "x"}, headers={"Authorization": value})
        assert answer.status_code == 401
        assert "api-key" in answer.json()["detail"]
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_revoked_key_is_believed_for_five_seconds_at_most(database: Database) -> None:
    keys, now = PostgresKeys(database), [100.0]
    await keys.add_key("first", hash_of("k1"))
    authenticate = Authenticator(keys, "me", clock=lambda: now[0])
    assert (await authenticate("Bearer k1")).key.name == "first"
    async with await psycopg.AsyncConnection.connect(database.dsn, autocommit=True) as connection:
        await connection.execute("update api_keys set revoked_at = now()")
    now[0] += 4.9
    assert (await authenticate("Bearer k1")).key.name == "first"
    now[0] += 0.2
    with pytest.raises(NotAuthenticated):
        await authenticate("Bearer k1")


async def test_a_bound_key_means_its_client_and_no_other(desk: Any) -> None:
    client, _ = desk
    bound = {"Authorization": "Bearer k2"}
    assert (await client.post("/api/orders", json={"title": "x"}, headers=bound)).json()["client"] == "acme"
    assert (await client.post("/api/orders?client_id=other", json={"title": "x"}, headers=bound)).status_code == 403
    assert (await client.post("/api/orders?client_id=7", json={"title": "x"})).json()["client"] == "7"


async def test_bad_input_names_the_field(desk: Any) -> None:
    client, calls = desk
    answer = await client.post("/api/orders", json={"title": "x", "minutes": [1, "two"]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "minutes[1]"
    assert (await client.post("/api/orders", json={"title": "x", "colour": "red"})).json()["errors"][0]["field"] == "colour"
    assert calls == []


async def test_an_unexpected_error_leaks_nothing_and_has_the_request_id(desk: Any) -> None:
    client, _ = desk
    answer = await client.get("/api/boom", headers={"x-request-id": "abc-1"})
    assert answer.status_code == 500
    assert "secret-token" not in answer.text
    assert answer.headers["x-request-id"] == "abc-1"
    assert "abc-1" in answer.json()["detail"]


async def test_a_large_body_is_413_before_the_route_runs(desk: Any) -> None:
    client, calls = desk
    assert (await client.post("/api/orders", json={"title": "x" * 20_000})).status_code == 413
    assert calls == []


async def test_the_same_idempotency_key_answers_once(desk: Any) -> None:
    client, calls = desk
    key = {"Idempotency-Key": "k-1"}
    first = await client.post("/api/orders", json={"title": "a"}, headers=key)
    again = await client.post("/api/orders", json={"title": "a"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert calls == ["a"]
    assert (await client.post("/api/orders", json={"title": "b"}, headers=key)).status_code == 409
    assert (await client.post("/api/orders", json={"title": "a"}, headers={**key, "Authorization": "Bearer k2"})).status_code == 201


async def test_an_answer_of_503_may_be_tried_again_with_the_same_key(desk: Any) -> None:
    client, calls = desk
    key = {"Idempotency-Key": "k-2"}
    assert (await client.post("/api/orders", json={"title": "outage"}, headers=key)).status_code == 503
    assert (await client.post("/api/orders", json={"title": "outage"}, headers=key)).status_code == 201
    assert calls == ["outage", "outage"]


async def test_health_metrics_and_openapi_need_no_key(desk: Any) -> None:
    client, _ = desk
    open_ = {"Authorization": ""}
    health = (await client.get("/health", headers=open_)).json()
    assert (health["status"], health["service"]) == ("degraded", "order-desk")
    await client.post("/api/orders", json={"title": "a"})
    metrics = (await client.get("/metrics", headers=open_)).text
    assert 'order_desk_requests_total{method="POST",route="/api/orders",status="201"} 1.0' in metrics
    assert "/api/orders" in (await client.get("/openapi.json", headers=open_)).json()["paths"]


async def test_services_reach_one_another_past_the_proxy_for_the_web(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Loopback(application(PostgresKeys(database), [])) as server:
        async with service_client(server.url, "k") as client:
            assert (await client.get("/health")).json()["service"] == "order-desk"
