"""What was remembered is found after a backup was restored elsewhere, by the first command that asks."""

import json
from pathlib import Path

from tests.journeys.product import command, up


async def test_memories_and_documents_are_found_at_once(data_dir: Path) -> None:
    archive, other = data_dir.parent / "mine.tar.gz", data_dir.parent / "other"
    with up(data_dir) as running:
        async with running.client() as client:
            kept = (await client.post("/api/v1/memory/remember", json={"content": "The physician moved my appointment to noon."})).json()
            added = await client.post("/api/v1/memory/docs", json={"title": "Travel", "content": "# Travel\n\nBook trains, not planes."})
            assert added.status_code == 201, added.text
        await command(data_dir, "backup", str(archive))
    restored = json.loads(await command(other, "restore", str(archive), "--json"))
    assert restored["indexed"] is True
    with up(other) as running:
        async with running.client() as client:
            found = (await client.get("/api/v1/memory/recall", params={"query": "doctor visit", "k": 1})).json()
            assert [r["memory_id"] for r in found["results"]] == [kept["memory_id"]]
            found = (await client.get("/api/v1/memory/search/docs", params={"query": "which railway ticket"})).json()
            assert [r["title"] for r in found["results"]] == ["Travel"], "by its meaning, so it is in the index"
