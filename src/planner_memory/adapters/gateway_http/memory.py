"""The memory through the gateway's HTTP face."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from planner_memory.core.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    PlannerMemoryError,
    TooLarge,
    Unavailable,
    UpstreamInvalid,
    UpstreamTimeout,
)
from planner_memory.ports.memory import GraphEdge, GraphNode, NewMemory, Recall, RecalledMemory, Remembered

_BASE = "/api/v1/memory"
_ERRORS: Mapping[int, type[PlannerMemoryError]] = {
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    503: Unavailable,
    504: UpstreamTimeout,
}
_PART = 1_000  # what the gateway takes in one request


class GatewayMemory:
    """Fulfils Memory. The client comes with `base_url`, the Authorization header and its time-outs set; it is not closed here."""

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
        kept = await self._asked("POST", "/remember", json=body, headers=headers)
        try:
            return Remembered(
                memory_id=UUID(kept["memory_id"]),
                stored_in=tuple(kept["stored_in"]),
                pending=tuple(kept["pending"]),
                failed=tuple(kept["failed"]),
                deduplicated=bool(kept["deduplicated"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _unusable() from error

    async def recall(
        self,
        query: str,
        *,
        client_id: str | None = None,
        k: int = 10,
        memory_type: str | None = None,
        event_type: str | None = None,
    ) -> Recall:
        given = {"query": query, "client_id": client_id, "k": k, "memory_type": memory_type, "event_type": event_type}
        found = await self._asked("GET", "/recall", params={name: value for name, value in given.items() if value is not None})
        try:
            return Recall(tuple(_recalled(r) for r in found["results"]), tuple(found["degraded"]))
        except (KeyError, TypeError, ValueError) as error:
            raise _unusable() from error

    async def put_graph(self, nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], *, client_id: str | None = None) -> None:
        for start in range(0, len(nodes), _PART):
            sent = [{"node_id": n.node_id, "node_type": n.node_type, "properties": dict(n.properties)} for n in nodes[start : start + _PART]]
            await self._asked("PUT", "/graph/nodes", json={"client_id": client_id, "nodes": sent})
        for start in range(0, len(edges), _PART):
            steps = [
                {"from_node_id": e.from_node_id, "to_node_id": e.to_node_id, "edge_type": e.edge_type, "properties": dict(e.properties)}
                for e in edges[start : start + _PART]
            ]
            await self._asked("PUT", "/graph/edges", json={"client_id": client_id, "edges": steps})

    async def forget(self, memory_id: UUID) -> None:
        await self._asked("DELETE", f"/memories/{memory_id}")

    async def check(self) -> None:
        health = await self._answer("GET", "/health")
        if health.status_code != 200:
            raise Unavailable("The memory gateway is not healthy. Its /health says which dependency is missing.")

    async def _asked(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        answer = await self._answer(method, f"{_BASE}{path}", **sent)
        document = _document(answer)
        if answer.is_success:
            return document
        detail = str(document.get("detail") or f"The memory gateway answered with status {answer.status_code}.")
        if answer.status_code == 422:
            errors = document.get("errors")
            first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
            raise InvalidInput(detail, field=first.get("field"))
        raise _ERRORS.get(answer.status_code, Unavailable if answer.status_code >= 500 or answer.status_code == 429 else UpstreamInvalid)(detail)

    async def _answer(self, method: str, path: str, **sent: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, **sent)
        except httpx.TimeoutException as error:
            raise Unavailable("The memory gateway took too long to answer. Try again in a moment.") from error
        except httpx.HTTPError as error:
            raise Unavailable("The memory gateway cannot be reached. Check MEMORY_GATEWAY_URL, and that it runs.") from error


def _recalled(result: Mapping[str, Any]) -> RecalledMemory:
    return RecalledMemory(
        memory_id=UUID(result["memory_id"]),
        content=result["content"],
        score=float(result["score"]),
        memory_type=result["memory_type"],
        occurred_at=datetime.fromisoformat(result["occurred_at"]),
        thread_id=result["thread_id"],
        metadata=result["metadata"],
        collection=result["collection"],
    )


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        document = None
    if isinstance(document, dict):
        return document
    if answer.is_success:
        raise _unusable()
    return {}


def _unusable() -> UpstreamInvalid:
    return UpstreamInvalid("The memory gateway gave an answer that cannot be read. Check that MEMORY_GATEWAY_URL names a gateway of this version.")
