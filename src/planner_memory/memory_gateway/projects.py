"""Projects that were done along a service blueprint, with what their execution runs took."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from planner_memory.core.errors import NotFound
from planner_memory.ports.memories import MemoryStore, ProjectRun

_MOST_RUNS = 10_000
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


async def similar_projects(store: MemoryStore, client_id: str, blueprint_id: str, *, k: int) -> dict[str, Any]:
    """Walks blueprint → workflows → templates → runs → projects; the project with the latest run comes first.

    `cut` says that only the newest runs were counted.

    Raises:
        NotFound: the client has no such node.
    """
    async with store.begin() as tx:
        blueprint = next(iter(await tx.nodes(client_id, [blueprint_id])), None)
        if blueprint is None:
            raise NotFound(f"Client {client_id!r} has no graph node {blueprint_id!r}. PUT /api/v1/memory/graph/nodes adds one.")
        runs = await tx.projects(client_id, blueprint_id, runs=_MOST_RUNS + 1)
    by_project: dict[str, list[ProjectRun]] = defaultdict(list)
    for run in runs[:_MOST_RUNS]:
        by_project[run.project_id].append(run)
    ordered = sorted(by_project.values(), key=lambda runs: (_last(runs) or _LONG_AGO, len(runs)), reverse=True)
    return {
        "blueprint": {"node_id": blueprint.node_id, "node_type": blueprint.node_type, "properties": blueprint.properties},
        "projects": [project_document(runs) for runs in ordered[:k]],
        "total": len(by_project),
        "cut": len(runs) > _MOST_RUNS,
    }


def project_document(runs: Sequence[ProjectRun]) -> dict[str, Any]:
    """Hours are of the runs that have them; the ratio is actual to estimated hours over the runs that have both, null without one."""
    actual = [r.actual_hours for r in runs if r.actual_hours is not None]
    both = [(r.actual_hours, r.estimated_hours) for r in runs if r.actual_hours is not None and r.estimated_hours]
    last = _last(runs)
    return {
        "project_id": runs[0].project_id,
        "properties": runs[0].properties,
        "runs": len(runs),
        "actual_hours": round(sum(actual), 4),
        "mean_actual_hours": round(sum(actual) / len(actual), 4) if actual else None,
        "estimate_ratio": round(sum(a for a, _ in both) / sum(e for _, e in both), 4) if both else None,
        "last_run_at": last.astimezone(UTC).isoformat() if last else None,
        "workflow_ids": sorted({r.workflow_id for r in runs}),
        "template_ids": sorted({r.template_id for r in runs}),
    }


def _last(runs: Sequence[ProjectRun]) -> datetime | None:
    return max((r.ended_at for r in runs if r.ended_at is not None), default=None)
