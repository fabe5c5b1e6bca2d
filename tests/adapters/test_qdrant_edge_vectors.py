"""Files, locks and survival: what only concerns the index inside the process."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from planner_memory.adapters.qdrant_edge import vectors as module
from planner_memory.adapters.qdrant_edge.vectors import QdrantEdgeVectors
from planner_memory.core.errors import NotStarted, Unavailable
from planner_memory.ports.vectors import Filter, Point, Query

EVERYTHING = Filter(include_superseded=True)

WRITER = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
import numpy as np
from planner_memory.adapters.qdrant_edge.vectors import QdrantEdgeVectors
from planner_memory.ports.vectors import Point

async def main():
    index = await QdrantEdgeVectors.open(Path(sys.argv[1]), "test@1", 4)
    print("open", flush=True)
    for number in range(int(sys.argv[2])):
        dense = np.eye(4, dtype=np.float32)[number % 4]
        text = {"text": f"note {number}", "window": f"notes round {number}"}
        await index.upsert([Point(UUID(int=number + 1), "events", "acme", text, dense)])
        print(number + 1, flush=True)
    sys.stdin.read()
asyncio.run(main())
"""


async def opened(path: Path, embedder: str = "test@1", dimension: int = 4, **options: bool) -> QdrantEdgeVectors:
    return await QdrantEdgeVectors.open(path, embedder, dimension, **options)


def point(number: int, text: str = "plan") -> Point:
    return Point(UUID(int=number), "events", "acme", {"text": text, "window": text}, np.eye(4, dtype=np.float32)[number % 4])


def writer(path: Path, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def lines_until(child: subprocess.Popen[str], last: str) -> list[str]:
    seen: list[str] = []
    while not seen or seen[-1] != last:
        line = await asyncio.to_thread(child.stdout.readline)
        assert line, f"the child ended with {child.wait()} after {seen[-3:]}"
        seen.append(line.strip())
    return seen


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    child = writer(tmp_path / "index", 100_000)
    try:
        await lines_until(child, "150")
    finally:
        os.kill(child.pid, signal.SIGKILL)
        with child:
            rest = child.stdout.read().split()  # `communicate` would miss what the reader of lines holds already
    acknowledged = int(rest[-1]) if rest else 150
    index = await opened(tmp_path / "index")
    try:
        assert acknowledged <= await index.count(EVERYTHING) <= acknowledged + 1
        answer = await index.search(Query(text=f"note {acknowledged - 1}", dense=np.eye(4, dtype=np.float32)[0], limit=acknowledged))
        assert answer["text"][0].id.int == acknowledged
        assert len(answer["dense"]) >= acknowledged - 1
    finally:
        await index.close()


async def test_a_second_process_is_told_why_it_cannot_open(tmp_path: Path) -> None:
    child = writer(tmp_path / "index", 1)
    try:
        await lines_until(child, "1")
        with pytest.raises(NotStarted, match="open in another process"):
            await opened(tmp_path / "index")
    finally:
        child.communicate("")
    index = await opened(tmp_path / "index")
    assert await index.count(EVERYTHING) == 1
    await index.close()


async def test_a_second_opener_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    first = await opened(tmp_path)
    with pytest.raises(NotStarted, match="open in another process"):
        await opened(tmp_path)
    await first.upsert([point(1)])
    await first.close()
    again = await opened(tmp_path)
    assert await again.count(EVERYTHING) == 1
    await again.close()


@pytest.mark.parametrize(("embedder", "dimension"), [("other@1", 4), ("test@1", 8)])
async def test_another_embedder_is_refused_with_the_command_that_helps(tmp_path: Path, embedder: str, dimension: int) -> None:
    first = await opened(tmp_path)
    await first.upsert([point(1)])
    await first.close()
    with pytest.raises(NotStarted, match="planner-memory reindex"):
        await opened(tmp_path, embedder, dimension)
    index = await opened(tmp_path)
    assert await index.count(EVERYTHING) == 1, "a refusal must not touch what is there"
    await index.close()


async def test_rebuilding_starts_empty_for_the_new_embedder(tmp_path: Path) -> None:
    first = await opened(tmp_path)
    await first.upsert([point(1)])
    await first.close()
    index = await opened(tmp_path, "other@1", 8, rebuild=True)
    assert await index.count(EVERYTHING) == 0
    await index.close()
    await (await opened(tmp_path, "other@1", 8)).close()


async def test_a_making_cut_short_is_made_again(tmp_path: Path) -> None:
    await (await opened(tmp_path)).close()
    (tmp_path / "shard" / "edge_config.json").unlink()
    index = await opened(tmp_path)
    await index.upsert([point(1)])
    assert await index.count(EVERYTHING) == 1
    await index.close()


async def test_damaged_files_are_named_with_the_remedy_and_can_be_rebuilt(tmp_path: Path) -> None:
    await (await opened(tmp_path)).close()
    (tmp_path / "shard" / "edge_config.json").write_text("{")
    with pytest.raises(NotStarted, match="planner-memory reindex"):
        await opened(tmp_path)
    await (await opened(tmp_path, rebuild=True)).close()


async def test_an_index_without_its_marker_is_not_trusted(tmp_path: Path) -> None:
    await (await opened(tmp_path)).close()
    marker = tmp_path / "embedder.json"
    assert json.loads(marker.read_text())["embedder"] == "test@1"
    marker.unlink()
    with pytest.raises(NotStarted, match="planner-memory reindex"):
        await opened(tmp_path)


async def test_a_closed_index_says_so(tmp_path: Path) -> None:
    index = await opened(tmp_path)
    await index.close()
    for call in (index.search(Query(text="plan")), index.upsert([point(1)]), index.count(EVERYTHING), index.check(), index.clear()):
        with pytest.raises(Unavailable):
            await call


async def test_optimizing_changes_no_answer(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((3000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = [f"word{n}" for n in range(200)]
    index = await opened(tmp_path, dimension=384)
    try:
        texts = [" ".join(rng.choice(words, 8)) for _ in vectors]
        await index.upsert(
            [
                Point(UUID(int=n + 1), "events", f"client{n % 3}", {"text": text}, vector)
                for n, (text, vector) in enumerate(zip(texts, vectors, strict=True))
            ]
        )
        query = Query(text="word3 word77 word150", dense=vectors[4], limit=20, filter=Filter(clients=("client1",)))
        before = await index.search(query)
        await index._on_worker(index._optimize)
        after = await index.search(query)
        assert before["dense"][0].id.int == 5
        exact = np.argsort(-(vectors[1::3] @ vectors[4]))[:20] * 3 + 2
        for answer in (before, after):
            assert len({hit.id.int for hit in answer["dense"]} & set(exact.tolist())) >= 18
            np.testing.assert_allclose([hit.score for hit in answer["text"]], [hit.score for hit in before["text"]], rtol=1e-3)
    finally:
        await index.close()


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells what is resident")
async def test_an_index_that_is_opened_again_holds_no_pages_that_nobody_asked_for(tmp_path: Path) -> None:
    first = await opened(tmp_path)
    await first.upsert([point(n) for n in range(1, 20)])
    await first.close()
    index = await opened(tmp_path)
    assert resident_kb(tmp_path.resolve()) < 2_000
    query = Query(text="plan", filter=Filter(clients=("acme",)))
    assert await index.count(EVERYTHING) == 19
    found = await index.search(query)
    await index.upsert([point(20)])
    await index.close()
    again = await opened(tmp_path)
    assert await again.count(EVERYTHING) == 20
    assert {h.id for h in found["text"]} <= {h.id for h in (await again.search(query))["text"]}
    await again.close()


def resident_kb(folder: Path) -> int:
    total, inside = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            inside = str(folder) in line
        elif inside and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total


async def test_changes_are_flushed_when_it_is_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_QUIET_SECONDS", 0.05)
    index = await opened(tmp_path)
    await index.upsert([point(1)])
    assert index._unflushed == 1
    await until(lambda: index._unflushed == 0)
    await index.close()


async def test_changes_are_flushed_when_there_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_QUIET_SECONDS", 3600)
    monkeypatch.setattr(module, "_FLUSH_AFTER", 100)
    index = await opened(tmp_path)
    await index.upsert([point(n) for n in range(1, 129)])
    await until(lambda: index._unflushed < 100)
    await index.close()


async def test_many_changes_are_optimized_when_it_is_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_QUIET_SECONDS", 0.05)
    monkeypatch.setattr(module, "_OPTIMIZE_AFTER", 50)
    index = await opened(tmp_path)
    await index.upsert([point(n) for n in range(1, 61)])
    await until(lambda: index._unoptimized == 0)
    assert await index.count(EVERYTHING) == 60
    await index.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)
