"""Everything of a client as lines of JSON."""

import json
from collections.abc import AsyncIterator
from typing import Any

from planner_memory.memory_gateway.documents import memory_document
from planner_memory.ports.memories import MemoryStore, Selection

_PAGE = 500


async def exported(store: MemoryStore, client_id: str) -> AsyncIterator[str]:
    """Everything of the client, one JSON document per line: memories (superseded ones too), graph nodes, graph edges."""
    chosen, before = Selection(clients=(client_id,), include_superseded=True), None
    while True:
        async with store.begin() as tx:
            rows = await tx.listed(chosen, before=before, limit=_PAGE)
        for row in rows:
            yield _line("memory", memory_document(row))
        if len(rows) < _PAGE:
            break
        before = (rows[-1].occurred_at, rows[-1].id)
    after_node, after_edge = "", ("", "", "")
    while True:
        async with store.begin() as tx:
            nodes = await tx.nodes_page(client_id, after=after_node, limit=_PAGE)
        for node in nodes:
            yield _line("graph_node", {"node_id": node.node_id, "node_type": node.node_type, "properties": node.properties})
            after_node = node.node_id
        if len(nodes) < _PAGE:
            break
    while True:
        async with store.begin() as tx:
            edges = await tx.edges_page(client_id, after=after_edge, limit=_PAGE)
        for e in edges:
            ends = {"from_node_id": e.from_node_id, "to_node_id": e.to_node_id}
            yield _line("graph_edge", {**ends, "edge_type": e.edge_type, "properties": e.properties})
            after_edge = (e.from_node_id, e.to_node_id, e.edge_type)
        if len(edges) < _PAGE:
            break


def _line(kind: str, document: dict[str, Any]) -> str:
    return json.dumps({"kind": kind, **document}, ensure_ascii=False) + "\n"
