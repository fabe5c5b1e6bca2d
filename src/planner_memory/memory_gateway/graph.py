"""The graph: nodes and edges of a client, and the neighbourhood of a node, level by level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from planner_memory.core.errors import InvalidInput, NotFound
from planner_memory.ports.memories import Direction, MemoryStore, StoredEdge
from planner_memory.ports.memory import GraphEdge, GraphNode

_MOST_NEIGHBORS = 500


@dataclass(frozen=True, slots=True)
class Neighbor:
    node_id: str
    edge_type: str  # of the last step
    direction: Literal["outgoing", "incoming"]  # of the last step, seen from where it started
    distance: int
    path: tuple[str, ...]  # node ids from the entity to this node, both included
    edge_properties: Mapping[str, Any]


def stepped(paths: Mapping[str, tuple[str, ...]], edges: Sequence[StoredEdge]) -> list[Neighbor]:
    """The nodes that the edges reach from the known paths, one each, in the order of the edges."""
    out: dict[str, Neighbor] = {}
    for edge in edges:
        outgoing = edge.from_node_id in paths and edge.to_node_id not in paths
        start, end = (edge.from_node_id, edge.to_node_id) if outgoing else (edge.to_node_id, edge.from_node_id)
        if end in paths or end in out or start not in paths:
            continue
        path = (*paths[start], end)
        out[end] = Neighbor(end, edge.edge_type, "outgoing" if outgoing else "incoming", len(path) - 1, path, edge.properties)
    return list(out.values())


class Graph:
    """The nodes and edges of each client."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def neighbors(self, client_id: str, entity_id: str, *, depth: int, edge_type: str | None, direction: Direction) -> dict[str, Any]:
        """Breadth first, level by level, each node once and by its shortest path; at most 500, and `cut` says when there were more.

        Raises:
            NotFound: the client has no such node.
        """
        async with self._store.begin() as tx:
            entity = next(iter(await tx.nodes(client_id, [entity_id])), None)
            if entity is None:
                raise NotFound(f"Client {client_id!r} has no graph node {entity_id!r}. PUT /api/v1/memory/graph/nodes adds one.")
            paths: dict[str, tuple[str, ...]] = {entity_id: (entity_id,)}
            found: list[Neighbor] = []
            frontier, cut = [entity_id], False
            for _ in range(depth):
                room = _MOST_NEIGHBORS - len(found)
                edges = await tx.edges_at(client_id, frontier, list(paths), edge_type=edge_type, direction=direction, limit=room + 1)
                level = stepped(paths, edges[:room])
                cut = cut or len(edges) > room
                found += level
                frontier = [n.node_id for n in level]
                paths |= {n.node_id: n.path for n in level}
                if not frontier or cut:
                    break
            nodes = {n.node_id: n for n in await tx.nodes(client_id, [n.node_id for n in found])}
            runs = await tx.run_counts(client_id, list(nodes))
        return {
            "entity": {"node_id": entity.node_id, "node_type": entity.node_type, "properties": entity.properties},
            "neighbors": [
                {
                    "node_id": n.node_id,
                    "node_type": nodes[n.node_id].node_type,
                    "edge_type": n.edge_type,
                    "direction": n.direction,
                    "distance": n.distance,
                    "properties": nodes[n.node_id].properties,
                    "edge_properties": n.edge_properties,
                    "path": list(n.path),
                    "execution_runs": runs.get(n.node_id),
                }
                for n in found
            ],
            "cut": cut,
        }

    async def put_nodes(self, client_id: str, nodes: Sequence[GraphNode]) -> int:
        async with self._store.begin() as tx:
            await tx.put_nodes(client_id, nodes)
        return len({n.node_id for n in nodes})

    async def put_edges(self, client_id: str, edges: Sequence[GraphEdge]) -> int:
        """All or nothing.

        Raises:
            InvalidInput: an edge names a node that the client does not have.
        """
        async with self._store.begin() as tx:
            known = {n.node_id for n in await tx.nodes(client_id, sorted({i for e in edges for i in (e.from_node_id, e.to_node_id)}))}
            for i, edge in enumerate(edges):
                for end, node_id in (("from_node_id", edge.from_node_id), ("to_node_id", edge.to_node_id)):
                    if node_id not in known:
                        raise InvalidInput(f"There is no node {node_id!r}. Put the node first, then the edge.", field=f"edges[{i}].{end}")
            await tx.put_edges(client_id, edges)
        return len({(e.from_node_id, e.to_node_id, e.edge_type) for e in edges})
