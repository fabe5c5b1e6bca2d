"""What the memory is told of plans and runs: nodes, edges and sentences."""

from collections.abc import Mapping
from typing import Any

from planner_memory.ports.memory import GraphEdge, GraphNode, NewMemory
from planner_memory.ports.plans import Plan, Run

_LONGEST_ID = 255


def plan_graph(plan: Plan) -> tuple[list[GraphNode], list[GraphEdge]]:
    """The plan, its tasks and what they depend on, its template, and workflow, blueprint and engagement where known."""
    me = f"plan:{plan.id}"
    nodes = [GraphNode(me, "plan", {"name": plan.plan_title, "plan_id": str(plan.id)})]
    edges = []
    ids = {step["step_number"]: step["task_id"] for step in plan.checklist}
    for step in plan.checklist:
        nodes.append(GraphNode(step["task_id"], "task", {"title": step["title"], "step_key": step["step_key"], "raw_hours": step["raw_hours"]}))
        edges.append(GraphEdge(me, step["task_id"], "plan_has_task"))
        edges.extend(GraphEdge(step["task_id"], ids[d], "depends_on") for d in step["dependencies"])
    if plan.workflow_id:
        nodes.append(GraphNode(plan.workflow_id, "workflow", _named(plan, "workflow")))
        of = _told(plan, "workflow").get("blueprint_id") or plan.blueprint_id  # an engagement may plan by another blueprint than its workflow's
        if of:
            nodes.append(GraphNode(of, "blueprint", _named(plan, "service_blueprint") if of == plan.blueprint_id else {}))
            edges.append(GraphEdge(of, plan.workflow_id, "blueprint_has_workflow"))
    family = plan.template_family
    for template_id in dict.fromkeys(filter(None, (family, plan.process_template_id))):
        name = plan.plan_title if template_id != family else (plan.sop.get("pattern") or {}).get("name", plan.plan_title)
        nodes.append(GraphNode(template_id, "process_template", {"name": name}))
        edges.append(GraphEdge(me, template_id, "plan_follows_template"))
        if plan.workflow_id:
            edges.append(GraphEdge(plan.workflow_id, template_id, "workflow_has_template"))
    if plan.engagement_id:
        nodes.append(GraphNode(plan.engagement_id, "engagement", _named(plan, "engagement")))
        edges.append(GraphEdge(me, plan.engagement_id, "plan_serves_engagement"))
    return nodes, edges


def _told(plan: Plan, kind: str) -> Mapping[str, Any]:
    """What the workspace said of that row when the plan was made."""
    said: Mapping[str, Any] = ((plan.sop.get("metadata") or {}).get("workspace") or {}).get(kind) or {}
    return said


def _named(plan: Plan, kind: str) -> dict[str, str]:
    told = _told(plan, kind)
    return {"name": told["name"]} if told.get("name") else {}


def plan_memory(plan: Plan) -> NewMemory:
    estimate = plan.sop.get("estimate") or {}
    steps = "; ".join(step["title"] for step in plan.checklist[:30])
    due = f", due {plan.deadline_at.date().isoformat()}" if plan.deadline_at else ""
    content = (
        f"Planned '{plan.plan_title}' for: {plan.intent[:1000]}. {len(plan.checklist)} steps, likely {estimate.get('p50', 0):g} hours{due}: {steps}."
    )
    return NewMemory(
        content=content,
        client_id=plan.client_id,
        event_type="plan_created",
        event_source="planner-engine",
        occurred_at=plan.created_at,
        person_id=plan.person_id,
        payload={"plan_id": str(plan.id), "name": plan.plan_title, "process_template_id": plan.process_template_id, "estimate": dict(estimate)},
        metadata={"plan_id": str(plan.id)},
    )


def run_graph(run: Run, own_template_id: str | None = None) -> tuple[list[GraphNode], list[GraphEdge]]:
    """The run and what it belongs to, with its plan's own template beside the one that it says; empty when it belongs to nothing known."""
    me = f"run:{run.run_id}"[:_LONGEST_ID]
    nodes = [
        GraphNode(
            me,
            "execution_run",
            {
                "task_id": run.task_id,
                "title": run.title,
                "estimated_hours": run.estimated_hours,
                "actual_hours": run.actual_hours,
                "run_type": run.run_type,
            },
        )
    ]
    edges = []
    for template_id in dict.fromkeys(filter(None, (run.process_template_id, own_template_id))):
        nodes.append(GraphNode(template_id, "process_template"))
        edges.append(GraphEdge(template_id, me, "template_used_in_run"))
        if run.workflow_id:
            nodes.append(GraphNode(run.workflow_id, "workflow"))
            edges.append(GraphEdge(run.workflow_id, template_id, "workflow_has_template"))
    if run.project_id:
        nodes.append(GraphNode(run.project_id, "project"))
        edges.append(GraphEdge(me, run.project_id, "run_belongs_to_project"))
        if run.engagement_id:
            nodes.append(GraphNode(run.engagement_id, "engagement"))
            edges.append(GraphEdge(run.project_id, run.engagement_id, "project_serves_engagement"))
    return (nodes, edges) if edges else ([], [])


def run_memory(run: Run) -> NewMemory | None:
    """A run is worth a sentence of its own when the person wrote something about it."""
    if not run.outcome_notes or not run.outcome_notes.strip():
        return None
    hours = f" in {run.actual_hours:g} hours" if run.actual_hours else ""
    planned = f" (estimated {run.estimated_hours:g})" if run.estimated_hours else ""
    return NewMemory(
        content=f"Worked on '{run.title or run.task_id}'{hours}{planned}: {run.outcome_notes.strip()[:5000]}",
        client_id=run.client_id,
        event_type="execution_run",
        event_source="planner-engine",
        occurred_at=run.ended_at or run.started_at,
        person_id=run.person_id,
        payload={"run_id": run.run_id, "task_id": run.task_id, "plan_id": str(run.plan_id) if run.plan_id else None},
        metadata={"run_id": run.run_id, "task_id": run.task_id},
    )
