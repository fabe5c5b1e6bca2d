"""Remembering, reading and forgetting through the HTTP face, on PostgreSQL alone."""

import httpx
import psycopg

from planner_memory.adapters.postgres.database import Database

BASE = "/api/v1/memory"
ACME = {"Authorization": "Bearer k-acme"}


async def keep(http: httpx.AsyncClient, content: str, **more: object) -> str:
    answer = await http.post(f"{BASE}/remember", json={"content": content, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["memory_id"])


async def recalled(http: httpx.AsyncClient, query: str, **more: object) -> list[str]:
    answer = await http.get(f"{BASE}/recall", params={"query": query, **more})
    assert answer.status_code == 200, answer.text
    return [r["content"] for r in answer.json()["results"]]


async def test_what_was_remembered_is_recalled_with_its_fields(http: httpx.AsyncClient) -> None:
    sent: dict[str, object] = {
        "content": "The invoice for the workshop went out",
        "client_id": 7,
        "thread_id": "t",
        "metadata": {"a": [1]},
        "occurred_at": "2026-03-01T10:00:00+01:00",
    }
    memory_id = await keep(http, **sent)
    answer = (await http.get(f"{BASE}/recall", params={"query": "workshop invoice", "client_id": "7"})).json()
    [hit] = answer["results"]
    assert (hit["memory_id"], hit["content"], hit["thread_id"], hit["metadata"]) == (memory_id, sent["content"], "t", {"a": [1]})
    assert hit["occurred_at"] == "2026-03-01T09:00:00+00:00"
    assert hit["collection"] == "events"
    assert 0 < hit["score"] <= 1
    assert all(0 <= v <= 1 for v in hit["scores"].values())
    assert {"lexical", "time", "neighbours"} <= hit["scores"].keys()
    assert answer["cached"] is False
    assert any("qdrant" in d for d in answer["degraded"])
    assert (await http.get(f"{BASE}/recall", params={"query": "workshop invoice", "client_id": "7"})).json()["cached"] is True
    read = (await http.get(f"{BASE}/memories/{memory_id}")).json()
    assert (read["client_id"], read["memory_type"], read["event_source"]) == ("7", "event", "api")


async def test_a_write_makes_cached_answers_unreachable(http: httpx.AsyncClient) -> None:
    await keep(http, "The red folder is with Ines")
    assert await recalled(http, "folder") == ["The red folder is with Ines"]
    await keep(http, "The blue folder is with Omar")
    assert len(await recalled(http, "folder")) == 2


async def test_the_length_of_the_content_has_two_ends(http: httpx.AsyncClient) -> None:
    assert (await http.post(f"{BASE}/remember", json={"content": "x" * 65_536})).status_code == 201
    for content in ("", "   ", "x" * 65_537, "a\0b", 5, None):
        answer = await http.post(f"{BASE}/remember", json={"content": content})
        assert answer.status_code == 422, content
        assert answer.json()["errors"][0]["field"] == "content"


async def test_bad_input_names_its_field_and_changes_nothing(http: httpx.AsyncClient) -> None:
    bad = {
        "occurred_at": "yesterday-ish",
        "memory_type": "dream",
        "metadata": {"x": "\0"},
        "payload": [1],
        "client_id": True,
        "supersedes": "00000000-0000-7000-8000-000000000000",
        "event_type": "x" * 101,
        "colour": "red",
    }
    for field, value in bad.items():
        answer = await http.post(f"{BASE}/remember", json={"content": "nothing of this may stay", field: value})
        assert answer.status_code == 422, field
        assert answer.json()["errors"][0]["field"].startswith(field), answer.json()
    answer = await http.post(f"{BASE}/remember", json={"content": "far", "occurred_at": "0001-01-01T00:00:00+14:00"})
    assert answer.status_code == 422
    assert (await http.get(f"{BASE}/memories")).json()["memories"] == []


async def test_exact_repeats_within_a_thread_are_one_row(http: httpx.AsyncClient) -> None:
    body = {"content": "Kick-off moved to Tuesday", "thread_id": "a"}
    first = (await http.post(f"{BASE}/remember", json=body)).json()
    again = (await http.post(f"{BASE}/remember", json={**body, "occurred_at": "2026-01-01T00:00:00Z"})).json()
    assert (first["deduplicated"], again["deduplicated"]) == (False, True)
    assert first["memory_id"] == again["memory_id"]
    for other in ({"thread_id": "b"}, {"client_id": "acme"}, {"content": "Kick-off moved to tuesday"}):
        assert (await http.post(f"{BASE}/remember", json={**body, **other})).json()["deduplicated"] is False


async def test_outside_threads_the_same_text_at_another_time_is_another_event(http: httpx.AsyncClient) -> None:
    def at(day: int) -> dict[str, str]:
        return {"content": "Backup finished", "occurred_at": f"2026-03-0{day}T02:00:00Z"}

    ids = {(await http.post(f"{BASE}/remember", json=at(day))).json()["memory_id"] for day in (1, 2, 2)}
    assert len(ids) == 2
    retried = [(await http.post(f"{BASE}/remember", json={"content": "Sent twice by a nervous client"})).json() for _ in range(2)]
    assert retried[0]["memory_id"] == retried[1]["memory_id"]


async def test_a_batch_is_all_or_nothing_and_in_order(http: httpx.AsyncClient) -> None:
    good = [{"content": f"Turn {i}", "thread_id": "t", "client_id": "acme"} for i in range(30)]
    answer = await http.post(f"{BASE}/remember/batch", json={"memories": [*good, good[3]]})
    assert answer.status_code == 201
    ids = answer.json()["memory_ids"]
    assert ids[30] == ids[3]
    assert len(set(ids)) == 30
    assert (await http.get(f"{BASE}/memories/{ids[7]}")).json()["content"] == "Turn 7"
    bad = await http.post(f"{BASE}/remember/batch", json={"memories": [{"content": "fine"}, {"content": "late", "occurred_at": "soon"}]})
    assert bad.json()["errors"][0]["field"] == "memories[1].occurred_at"
    assert await recalled(http, "fine") == []
    for wrong in ([], [{"content": "x"}] * 1_001):
        assert (await http.post(f"{BASE}/remember/batch", json={"memories": wrong})).status_code == 422


async def test_a_superseded_memory_is_left_out_and_found_as_of_then(http: httpx.AsyncClient) -> None:
    old = await keep(http, "The hourly rate for Acme is 90 euros", memory_type="fact", occurred_at="2026-01-10T09:00:00Z")
    new = await keep(http, "The hourly rate for Acme is 110 euros", memory_type="fact", occurred_at="2026-06-01T09:00:00Z", supersedes=old)
    assert await recalled(http, "hourly rate") == ["The hourly rate for Acme is 110 euros"]
    assert await recalled(http, "hourly rate", as_of="2026-03-01") == ["The hourly rate for Acme is 90 euros"]
    assert await recalled(http, "hourly rate", as_of="2026-06-01") == ["The hourly rate for Acme is 110 euros"]
    assert await recalled(http, "hourly rate", as_of="2025-01-01T00:00:00Z") == []
    assert (await http.get(f"{BASE}/memories/{old}")).json()["superseded_by"] == new
    again = await http.post(f"{BASE}/remember", json={"content": "The hourly rate is 95", "memory_type": "fact", "supersedes": old})
    assert again.status_code == 409
    listed = await http.get(f"{BASE}/memories", params={"memory_type": "fact"})
    assert [m["memory_id"] for m in listed.json()["memories"]] == [new]
    both = await http.get(f"{BASE}/memories", params={"memory_type": "fact", "include_superseded": True})
    assert len(both.json()["memories"]) == 2


async def test_every_filter_narrows(http: httpx.AsyncClient) -> None:
    await keep(http, "Review of the report A", event_type="review", thread_id="r", occurred_at="2026-03-15T23:30:00+01:00", memory_type="episode")
    await keep(http, "Review of the report B", event_type="call", thread_id="s", occurred_at="2026-03-16T00:30:00+01:00")
    a, b = ["Review of the report A"], ["Review of the report B"]
    for params, expected in (
        ({"event_type": "review"}, a),
        ({"memory_type": "episode"}, a),
        ({"thread_id": "s"}, b),
        ({"until": "2026-03-15"}, a),  # the whole local day, in the person's zone
        ({"since": "2026-03-16"}, b),
        ({"since": "2026-03-15T23:00:00+01:00", "until": "2026-03-16T00:30:00+01:00"}, a),
        ({"min_score": 1}, []),
    ):
        assert await recalled(http, "report review", **params) == expected, params
        if "min_score" not in params:
            listed = (await http.get(f"{BASE}/memories", params=params)).json()["memories"]
            assert [m["content"] for m in listed] == expected, params
    wrong = await http.get(f"{BASE}/recall", params={"query": "x", "since": "2026-03-16", "until": "2026-03-01"})
    assert wrong.json()["errors"][0]["field"] == "until"
    assert (await http.get(f"{BASE}/recall", params={"query": " "})).status_code == 422
    assert (await http.get(f"{BASE}/recall", params={"query": "x", "k": 0})).json()["errors"][0]["field"] == "k"


async def test_clients_do_not_see_one_another_but_planning_sees_the_persons_preferences(http: httpx.AsyncClient) -> None:
    await keep(http, "Deep work before lunch", memory_type="preference")
    await keep(http, "Deep work on the Acme audit", client_id="acme")
    await keep(http, "Deep work for Borealis", client_id="borealis", memory_type="preference")
    assert await recalled(http, "deep work", client_id="acme") == ["Deep work on the Acme audit"]
    assert await recalled(http, "deep work", client_id="acme", memory_type="preference") == ["Deep work before lunch"]
    bound = await http.get(f"{BASE}/recall", params={"query": "deep work", "memory_type": "preference"}, headers=ACME)
    assert bound.json()["results"] == []
    assert (await http.get(f"{BASE}/recall", params={"query": "deep work", "client_id": "borealis"}, headers=ACME)).status_code == 403
    mine = await keep(http, "Only mine")
    assert (await http.get(f"{BASE}/memories/{mine}", headers=ACME)).status_code == 404
    assert (await http.delete(f"{BASE}/memories/{mine}", headers=ACME)).status_code == 404
    assert (await http.get(f"{BASE}/memories/{mine}")).status_code == 200


async def test_pages_hold_every_memory_once(http: httpx.AsyncClient) -> None:
    same = "2026-02-02T02:02:02Z"
    await http.post(f"{BASE}/remember/batch", json={"memories": [{"content": f"n{i}", "occurred_at": same} for i in range(23)]})
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        page = (await http.get(f"{BASE}/memories", params={"limit": 7, **({"cursor": cursor} if cursor else {})})).json()
        seen += [m["content"] for m in page["memories"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert sorted(seen) == sorted(f"n{i}" for i in range(23))
    for wrong in ("zzz", "MjAyNi0wMS0wMXx4", "é"):
        assert (await http.get(f"{BASE}/memories", params={"cursor": wrong})).json()["errors"][0]["field"] == "cursor"


async def test_forgetting_by_filter_and_by_client_gives_a_receipt(http: httpx.AsyncClient) -> None:
    for i in range(3):
        await keep(http, f"Acme call number {i}", client_id="acme", event_type="call")
    await keep(http, "Acme contract", client_id="acme")
    await keep(http, "Borealis contract", client_id="borealis")
    assert (await http.delete(f"{BASE}/memories")).json()["errors"][0]["field"] == "client_id"
    receipt = (await http.delete(f"{BASE}/memories", params={"client_id": "acme", "event_type": "call"})).json()
    assert (receipt["removed"], receipt["state"]) == (3, "complete")
    assert receipt["stores"]["postgres"]["removed"] == 3
    assert receipt["stores"]["qdrant"]["state"] == "off"
    assert await recalled(http, "call contract", client_id="acme") == ["Acme contract"]
    assert (await http.delete(f"{BASE}/memories", params={"client_id": "acme"})).json()["removed"] == 1
    assert await recalled(http, "contract", client_id="borealis") == ["Borealis contract"]
    assert (await http.delete(f"{BASE}/memories/00000000-0000-7000-8000-000000000000")).status_code == 404


async def test_a_row_inserted_by_sql_alone_is_found_from_its_payload(http: httpx.AsyncClient, database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.dsn) as connection:
        await connection.execute(
            "insert into events (event_type, event_source, payload) values ('task_created', 'n8n', '{\"title\": \"Ship the crate\", \"hours\": 3}')"
        )
    assert await recalled(http, "crate") == ["Ship the crate"]


async def test_similar_events_leave_out_the_event_itself(http: httpx.AsyncClient) -> None:
    first = await keep(http, "Retrospective with the Acme team about onboarding", client_id="acme")
    await keep(http, "Onboarding of the second Acme team", client_id="acme")
    await keep(http, "Tax return", client_id="acme")
    found = (await http.get(f"{BASE}/similar/events", params={"event_id": first})).json()["results"]
    assert [r["content"] for r in found] == ["Onboarding of the second Acme team"]
    by_text = (await http.get(f"{BASE}/similar/events", params={"text": "tax", "client_id": "acme"})).json()["results"]
    assert [r["content"] for r in by_text] == ["Tax return"]
    assert (await http.get(f"{BASE}/similar/events")).status_code == 422
    unknown = {"event_id": "00000000-0000-7000-8000-000000000000"}
    assert (await http.get(f"{BASE}/similar/events", params=unknown)).status_code == 404


async def test_the_export_has_everything_of_one_client(http: httpx.AsyncClient) -> None:
    many = [{"content": f"line {i}", "client_id": "acme"} for i in range(1_000)]
    await http.post(f"{BASE}/remember/batch", json={"memories": many})
    await keep(http, "not theirs")
    await http.put(f"{BASE}/graph/nodes", json={"client_id": "acme", "nodes": [{"node_id": f"ws:{i}", "node_type": "task"} for i in range(2)]})
    edge = {"from_node_id": "ws:0", "to_node_id": "ws:1", "edge_type": "depends_on"}
    await http.put(f"{BASE}/graph/edges", json={"client_id": "acme", "edges": [edge]})
    answer = await http.get(f"{BASE}/export", params={"client_id": "acme"})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    lines = [httpx.Response(200, text=line).json() for line in answer.text.splitlines()]
    kinds = [line["kind"] for line in lines]
    assert (kinds.count("memory"), kinds.count("graph_node"), kinds.count("graph_edge")) == (1_000, 2, 1)
    assert {line["content"] for line in lines if line["kind"] == "memory"} == {m["content"] for m in many}


async def test_a_repeated_post_with_the_same_idempotency_key_is_one_memory(http: httpx.AsyncClient) -> None:
    sent = {"json": {"content": "once"}, "headers": {"Idempotency-Key": "k"}}
    assert (await http.post(f"{BASE}/remember", **sent)).json() == (await http.post(f"{BASE}/remember", **sent)).json()


async def test_without_the_database_remember_is_503(http: httpx.AsyncClient, database: Database) -> None:
    await keep(http, "before")
    health = (await http.get("/health")).json()
    assert (health["status"], health["dependencies"]["postgres"], health["pending_index"]) == ("healthy", "up", 0)
    await database.close()
    assert (await http.get("/health")).status_code == 503
