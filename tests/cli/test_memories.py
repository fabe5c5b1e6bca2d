"""The commands on memories, retention and the graph, against the real service on a real database."""

from pathlib import Path

import pytest
from tests.cli.conftest import Command, commanding, document
from tests.memory_gateway.conftest import gateway_over

from planner_memory.adapters.postgres.database import Database
from planner_memory.cli.app import app
from planner_memory.core.errors import InvalidInput
from planner_memory.core.profile import Profile

NOTE = "Petra Lang signs the texts."


@pytest.fixture
def command(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    return commanding(monkeypatch, dsn, gateway_over, app, Profile(time_zone="Europe/Berlin"), columns=200)


async def kept(command: Command, content: str, *more: str) -> str:
    return str(document(await command("remember", content, "--client", "acme", "--json", *more))["memory_id"])


async def test_a_memory_is_listed_shown_edited_pinned_and_its_history_told(command: Command) -> None:
    ids = [await kept(command, f"{NOTE} Take {n}.", "--at", f"2026-03-0{n}T09:00:00Z", "--kind", "fact") for n in (1, 2, 3)]
    listed = document(await command("memories", "list", "--client", "acme", "--limit", "2", "--json"))
    assert [m["memory_id"] for m in listed["memories"]] == [ids[2], ids[1]]
    rest = document(await command("memories", "list", "--client", "acme", "--limit", "2", "--cursor", listed["next_cursor"], "--json"))
    assert [m["memory_id"] for m in rest["memories"]] == [ids[0]]
    edited = document(await command("memories", "edit", ids[0], "--content", "Petra Lang signs.", "--metadata", '{"by": "me"}', "--json"))
    assert (edited["content"], edited["metadata"]) == ("Petra Lang signs.", {"by": "me"})
    assert document(await command("memories", "pin", ids[0], "--json"))["pinned"]
    assert [m["memory_id"] for m in document(await command("memories", "list", "--pinned", "--json"))["memories"]] == [ids[0]]
    assert "pinned · Petra Lang signs." in (await command("memories", "list", "--client", "acme")).stdout
    shown = (await command("memories", "show", ids[0])).stdout
    assert "Petra Lang signs." in shown
    assert '"by": "me"' in shown
    told = (await command("memories", "history", ids[0])).stdout
    assert f"{NOTE} Take 1." in told
    assert not document(await command("memories", "unpin", ids[0], "--json"))["pinned"]


async def test_forgetting_shows_its_receipt(command: Command) -> None:
    first, *_ = [await kept(command, f"{NOTE} Take {n}.") for n in range(3)]
    one = (await command("memories", "forget", first)).stdout
    assert "Forgot 1 memory." in one
    assert "postgres" in one
    receipt = document(await command("memories", "forget", "--client", "acme", "--json"))
    assert (receipt["removed"], receipt["stores"]["postgres"]["remaining"]) == (2, 0)
    for wrong in (("memories", "forget"), ("memories", "forget", first, "--client", "acme"), ("memories", "edit", first)):
        assert isinstance((await command(*wrong)).exception, InvalidInput)
    unknown = await command("memories", "forget", first)
    assert getattr(unknown.exception, "status", None) == 404


async def test_an_export_is_read_back(command: Command, tmp_path: Path) -> None:
    for n in range(3):
        await kept(command, f"{NOTE} Take {n}.")
    file = tmp_path / "acme.ndjson"
    assert document(await command("export", "--client", "acme", "--output", str(file), "--json"))["records"] == 3
    await command("memories", "forget", "--client", "acme", "--yes")
    assert document(await command("memories", "import", str(file), "--json")) == {"lines": 3, "new": 3, "kinds": {"memory": {"read": 3, "new": 3}}}
    assert "3 lines read, 0 new" in (await command("memories", "import", str(file))).stdout
    assert len(document(await command("memories", "list", "--client", "acme", "--json"))["memories"]) == 3
    assert getattr((await command("memories", "import", str(file), "--client", "borealis")).exception, "status", None) == 409
    await command("memories", "forget", "--client", "acme", "--yes")
    assert document(await command("memories", "import", str(file), "--client", "borealis", "--json"))["new"] == 3


async def test_retention_is_set_and_shown(command: Command) -> None:
    await kept(command, NOTE, "--at", "2020-01-01T09:00:00Z")
    assert "Everything is kept." in (await command("retention", "show", "--client", "acme")).stdout
    rules = document(await command("retention", "set", "--client", "acme", "--keep", "event=365", "--keep-type", "message=30", "--json"))
    assert (rules["memory_types"], rules["event_types"], rules["due"]) == ({"event": 365}, {"message": 30}, 1)
    shown = (await command("retention", "show", "--client", "acme")).stdout
    assert "event: 365 days" in shown
    assert "would forget 1" in shown
    assert isinstance((await command("retention", "set", "--keep", "event")).exception, InvalidInput)


async def test_the_neighbours_of_a_node_are_shown(command: Command, dsn: str) -> None:
    database = Database(dsn)
    await database.open()
    async with gateway_over(database) as (http, _):
        nodes = [{"node_id": f"ws:{kind}-1", "node_type": kind} for kind in ("workflow", "template")]
        edge = {"from_node_id": "ws:workflow-1", "to_node_id": "ws:template-1", "edge_type": "workflow_has_template"}
        await http.put("/api/v1/memory/graph/nodes", json={"nodes": nodes})
        await http.put("/api/v1/memory/graph/edges", json={"edges": [edge]})
    await database.close()
    shown = (await command("graph", "neighbors", "ws:workflow-1")).stdout
    assert "ws:template-1" in shown
    assert "→ workflow_has_template" in shown
    assert "Nothing lies round it." in (await command("graph", "neighbors", "ws:workflow-1", "--direction", "incoming")).stdout
