"""The memory over the gateway's HTTP face, in one process and in four."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from planner_memory.core.errors import InvalidInput, NotConnected, Unavailable
from planner_memory.ports.memory import GraphEdge, GraphNode, NewMemory, Recall, RecalledMemory, Remembered

_PER_CALL = 1_000  # nodes or edges that the gateway takes at once


class GatewayMemory:
    """Fulfils Memory. The client carries the gateway's address and the API key."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def remember(self, memory: NewMemory, *, idempotency_key: str | None = None) -> Remembered:
        body = {
            "content": memory.content,
            "client_id": memory.client_id,
            "memory_type": memory.memory_type,
            "event_type": memory.event_type,
            "event_source": memory.event_source,
            "occurred_at": memory.occurred_at.isoformat() if memory.occurred_at else None,
            "thread_id": memory.thread_id,
            "person_id": memory.person_id,
            "payload": dict(memory.payload),
            "metadata": dict(memory.metadata),
            "entities": list(memory.entities),
        }
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        # the services do not need to find it in the same breath, so they do not wait for the index
        answer = await self._call("POST", "/remember", params={"wait": "none"}, json=body, headers=headers)
        return Remembered(
            UUID(answer["memory_id"]), tuple(answer["stored_in"]), tuple(answer["pending"]), tuple(answer["failed"]), bool(answer.get("deduplicated"))
        )

    async def recall(
        self, query: str, *, client_id: str | None = None, k: int = 10, memory_type: str | None = None, event_type: str | None = None
    ) -> Recall:
        asked = {"query": query, "client_id": client_id, "k": k, "memory_type": memory_type, "event_type": event_type}
        answer = await self._call("GET", "/recall", params={name: value for name, value in asked.items() if value is not None})
        found = tuple(
            RecalledMemory(
                UUID(r["memory_id"]),
                r["content"],
                float(r["score"]),
                r["memory_type"],
                datetime.fromisoformat(r["occurred_at"]),
                r["thread_id"],
                r["metadata"],
                r["collection"],
            )
            for r in answer["results"]
        )
        return Recall(found, tuple(answer["degraded"]))

    async def put_graph(self, nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], *, client_id: str | None = None) -> None:
        for start in range(0, len(nodes), _PER_CALL):
            part = [{"node_id": n.node_id, "node_type": n.node_type, "properties": dict(n.properties)} for n in nodes[start : start + _PER_CALL]]
            await self._call("PUT", "/graph/nodes", json={"client_id": client_id, "nodes": part})
        for start in range(0, len(edges), _PER_CALL):
            links = [
                {"from_node_id": e.from_node_id, "to_node_id": e.to_node_id, "edge_type": e.edge_type, "properties": dict(e.properties)}
                for e in edges[start : start + _PER_CALL]
            ]
            await self._call("PUT", "/graph/edges", json={"client_id": client_id, "edges": links})

    async def check(self) -> None:
        try:
            answer = await self._client.get("/health")
        except httpx.HTTPError as error:
            raise Unavailable("The memory gateway does not answer. Check MEMORY_GATEWAY_URL, and that the gateway runs.") from error
        if answer.status_code >= 500:
            raise Unavailable(f"The memory gateway answered with status {answer.status_code}.")

    async def _call(self, method: str, path: str, **more: Any) -> Any:
        try:
            answer = await self._client.request(method, f"/api/v1/memory{path}", **more)
        except httpx.HTTPError as error:
            raise Unavailable("The memory gateway does not answer. Check MEMORY_GATEWAY_URL, and that the gateway runs.") from error
        if answer.is_success:
            return answer.json()
        if answer.status_code in (401, 403):
            raise NotConnected("The memory gateway refuses this service's API key. Give all services the same PLANNER_API_KEY.")
        if answer.status_code < 500 and answer.status_code != 429:
            raise InvalidInput(f"The memory gateway refused it: {answer.json().get('detail', answer.status_code)}")
        raise Unavailable(f"The memory gateway answered with status {answer.status_code}. Try again in a moment.")
