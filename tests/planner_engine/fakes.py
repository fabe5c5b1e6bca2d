"""A memory without a gateway, for tests of the planner alone."""

from collections.abc import Sequence
from datetime import UTC, datetime

from planner_memory.core.errors import Unavailable
from planner_memory.core.ids import new_id
from planner_memory.ports.memory import GraphEdge, GraphNode, NewMemory, Recall, RecalledMemory, Remembered


class FakeMemory:
    """Fulfils ports.memory.Memory. Recall answers every memory of the client and of "me" that has the type asked for."""

    def __init__(self) -> None:
        self.is_down = False
        self.memories: list[tuple[str | None, RecalledMemory]] = []
        self.remembered: dict[str, NewMemory] = {}
        self.nodes: dict[tuple[str | None, str], GraphNode] = {}
        self.edges: set[tuple[str, str, str]] = set()

    def know(
        self, content: str, *, client_id: str = "me", memory_type: str = "preference", occurred_at: datetime | None = None, **metadata: str
    ) -> None:
        at = occurred_at or datetime(2026, 11, 1, tzinfo=UTC)
        self.memories.append((client_id, RecalledMemory(new_id(), content, 0.5, memory_type, at, None, metadata, "agent_memories")))

    async def remember(self, memory: NewMemory, *, idempotency_key: str | None = None) -> Remembered:
        await self.check()
        self.remembered[idempotency_key or str(new_id())] = memory
        return Remembered(new_id(), ("postgres",), (), ())

    async def recall(
        self, query: str, *, client_id: str | None = None, k: int = 10, memory_type: str | None = None, event_type: str | None = None
    ) -> Recall:
        await self.check()
        found = [
            m
            for client, m in self.memories
            if client in (client_id, "me") and memory_type in (None, m.memory_type) and event_type in (None, m.metadata.get("event_type"))
        ]
        return Recall(tuple(found[:k]))

    async def put_graph(self, nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], *, client_id: str | None = None) -> None:
        await self.check()
        self.nodes.update({(client_id, n.node_id): n for n in nodes})
        for edge in edges:
            assert {(client_id, edge.from_node_id), (client_id, edge.to_node_id)} <= self.nodes.keys(), edge
            self.edges.add((edge.from_node_id, edge.to_node_id, edge.edge_type))

    async def check(self) -> None:
        if self.is_down:
            raise Unavailable("The memory gateway does not answer.")
