"""Two processes, a slow embedder and an index that is away for a moment: what the index holds in the end is what the store holds."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from tests.memory_gateway.test_index import BASE, Switch, found, settled

from planner_memory.adapters.onnx.embedder import OnnxEmbedder
from planner_memory.adapters.qdrant_edge.vectors import QdrantEdgeVectors

Open = Callable[..., Any]


class Held(Switch):
    """A real embedder that keeps what it is asked first until it is let go."""

    def __init__(self, part: Any) -> None:
        super().__init__(part)
        self.is_asked, self.go_on, self.sizes = asyncio.Event(), asyncio.Event(), list[int]()

    async def embed(self, texts: Sequence[str]) -> Any:
        self.sizes.append(len(texts))
        self.is_asked.set()
        await self.go_on.wait()
        return await self._part.embed(texts)


async def test_what_was_changed_while_a_slow_process_indexed_it_is_found_as_it_is_now(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder
) -> None:
    slow = Held(embedder)
    async with open_gateway(vectors=vectors, embedder=slow) as (http, first), open_gateway(vectors=vectors, embedder=embedder) as (other, second):
        kept = await http.post(f"{BASE}/remember?wait=none", json={"content": "Water the ficus"})
        await slow.is_asked.wait()
        await other.patch(f"{BASE}/memories/{kept.json()['memory_id']}", json={"content": "Water the cactus"})
        await settled(other)
        slow.go_on.set()
        await first.index_pending()  # the older text lies over the newer one now
        await first.index_pending()
        await second.index_pending()
        await settled(other)
        assert [r["scores"]["lexical"] > 0 for r in await found(other, "cactus")] == [True]
        assert [r["scores"]["lexical"] for r in await found(other, "ficus")] == [0]
