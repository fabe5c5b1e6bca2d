"""The graph's part of a memory transaction in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass

from planner_memory.adapters.postgres.database import Transaction
from planner_memory.ports.memories import Direction, ProjectRun, StoredEdge, StoredNode
from planner_memory.ports.memory import GraphEdge, GraphNode


@dataclass(frozen=True, slots=True)
class _Count:
    node_id: str
    runs: int


class PostgresGraph:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def put_nodes(self, client_id: str, nodes: Sequence[GraphNode]) -> None:
        rows = {n.node_id: {"node_id": n.node_id, "node_type": n.node_type, "properties": dict(n.properties)} for n in nodes}
        if rows:
            await self._tx.run("put_graph_nodes", client_id=client_id, nodes=[rows[i] for i in sorted(rows)])

    async def put_edges(self, client_id: str, edges: Sequence[GraphEdge]) -> None:
        rows = {
            (e.from_node_id, e.to_node_id, e.edge_type): {
                "from_node_id": e.from_node_id,
                "to_node_id": e.to_node_id,
                "edge_type": e.edge_type,
                "properties": dict(e.properties),
            }
            for e in edges
        }
        if rows:
            await self._tx.run("put_graph_edges", client_id=client_id, edges=[rows[i] for i in sorted(rows)])

    async def nodes(self, client_id: str, node_ids: Sequence[str]) -> list[StoredNode]:
        return await self._tx.rows("graph_nodes_by_id", StoredNode, client_id=client_id, node_ids=list(node_ids))

    async def edges_at(
        self, client_id: str, frontier: Sequence[str], known: Sequence[str], *, edge_type: str | None, direction: Direction, limit: int
    ) -> list[StoredEdge]:
        return await self._tx.rows(
            "graph_edges_at",
            StoredEdge,
            client_id=client_id,
            frontier=list(frontier),
            known=list(known),
            edge_type=edge_type,
            direction=direction,
            limit=limit,
        )

    async def run_counts(self, client_id: str, node_ids: Sequence[str]) -> dict[str, int]:
        found = await self._tx.rows("graph_run_counts", _Count, client_id=client_id, node_ids=list(node_ids))
        return {row.node_id: row.runs for row in found}

    async def projects(self, client_id: str, blueprint_id: str, *, runs: int) -> list[ProjectRun]:
        return await self._tx.rows("graph_projects", ProjectRun, client_id=client_id, blueprint_id=blueprint_id, limit=runs)
