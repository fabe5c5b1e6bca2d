"""Plans and runs as the outside sees them: JSON documents and Markdown."""

from collections.abc import Mapping
from typing import Any

from planner_memory.ports.plans import Plan, PlanRevision, Run

UNTOLD = "The memory did not answer: the plan is stored, and the memory will be told of it later."


def plan_answer(plan: Plan) -> dict[str, Any]:
    """The whole plan; each step that is done carries `done_at`."""
    sop, metadata = plan.sop, plan.metadata
    done: Mapping[str, str] = metadata.get("done", {})
    checklist = [{**step, "done_at": done[step["task_id"]]} if step["task_id"] in done else dict(step) for step in plan.checklist]
    return {
        "plan_id": str(plan.id),
        "process_template_id": plan.process_template_id,
        "name": plan.plan_title,
        "intent": plan.intent,
        "client_id": plan.client_id,
        "person_id": plan.person_id,
        "workflow_id": plan.workflow_id,
        "blueprint_id": plan.blueprint_id,
        "engagement_id": plan.engagement_id,
        "template_type": sop.get("template_type", "Operational"),
        "status": plan.status,
        "revision": plan.revision,
        "deadline_at": plan.deadline_at.isoformat() if plan.deadline_at else None,
        "checklist": checklist,
        "estimate": sop.get("estimate"),
        "generator": sop.get("generator", "rules"),
        "pattern": sop.get("pattern"),
        "similar_plans": metadata.get("similar_plans", []),
        "warnings": [*sop.get("warnings", []), *([UNTOLD] if "untold" in metadata else [])],
        "progress": {"done": sum(s["task_id"] in done for s in checklist), "steps": len(checklist)},
        "metadata": {**sop.get("metadata", {}), **{k: v for k, v in metadata.items() if k not in ("done", "similar_plans")}},
        "created_at": plan.created_at.isoformat(),
        "updated_at": plan.updated_at.isoformat(),
    }


def plan_line(plan: Plan) -> dict[str, Any]:
    """A plan in a list."""
    done: Mapping[str, str] = plan.metadata.get("done", {})
    return {
        "plan_id": str(plan.id),
        "name": plan.plan_title,
        "intent": plan.intent,
        "client_id": plan.client_id,
        "status": plan.status,
        "revision": plan.revision,
        "process_template_id": plan.process_template_id,
        "workflow_id": plan.workflow_id,
        "deadline_at": plan.deadline_at.isoformat() if plan.deadline_at else None,
        "estimate": plan.sop.get("estimate"),
        "generator": plan.sop.get("generator", "rules"),
        "progress": {"done": sum(s["task_id"] in done for s in plan.checklist), "steps": len(plan.checklist)},
        "created_at": plan.created_at.isoformat(),
        "updated_at": plan.updated_at.isoformat(),
    }


def revision_answer(revision: PlanRevision) -> dict[str, Any]:
    return {
        "revision": revision.revision,
        "name": revision.plan_title,
        "checklist": revision.sop.get("checklist", []),
        "estimate": revision.sop.get("estimate"),
        "replaced_at": revision.replaced_at.isoformat(),
    }


def run_answer(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "task_id": run.task_id,
        "title": run.title,
        "step_key": run.step_key,
        "client_id": run.client_id,
        "plan_id": str(run.plan_id) if run.plan_id else None,
        "process_template_id": run.process_template_id,
        "workflow_id": run.workflow_id,
        "project_id": run.project_id,
        "engagement_id": run.engagement_id,
        "executed_by_person_id": run.executed_by_person_id,
        "run_type": run.run_type,
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "running": run.ended_at is None and run.sitting,
        "estimated_hours": run.estimated_hours,
        "actual_hours": run.actual_hours,
        "outcome_notes": run.outcome_notes,
        "billable": run.billable,
        "finished": bool(run.metadata.get("finished")),
        "created_at": run.created_at.isoformat(),
    }


def _hours(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def markdown(plan: Plan) -> str:
    """The plan as a page: a summary, then one checkbox per step."""
    answer = plan_answer(plan)
    estimate = answer["estimate"] or {}
    lines = [f"# {_line(answer['name'])}", "", f"> {_line(answer['intent'])}", ""]
    facts = [f"Status: {answer['status']}", f"revision {answer['revision']}"]
    if answer["deadline_at"]:
        facts.append(f"deadline {answer['deadline_at']}")
    if estimate:
        facts.append(f"likely {_hours(estimate['p50'])} h, with reserve (p80) {_hours(estimate['p80'])} h")
    lines += [" · ".join(facts), ""]
    if answer["pattern"]:
        lines += [_line(answer["pattern"]["why"]), ""]
    if answer["warnings"]:
        lines += ["## Warnings", "", *[f"- {_line(w)}" for w in answer["warnings"]], ""]
    lines += _considered(answer["metadata"].get("manifold"))
    lines += ["## Checklist", ""]
    for step in answer["checklist"]:
        box = "x" if "done_at" in step else " "
        hours = f"{_hours(step['estimated_hours'])} h (p80 {_hours(step['estimate']['p80'])} h)"
        lines.append(f"{step['step_number']}. [{box}] **{_line(step['title'])}** — {hours}")
        if step["description"]:
            lines.append(f"   {_line(step['description'])}")
        notes = [f"energy: {step['energy']}", "billable" if step["billable"] else "not billable"]
        if step["dependencies"]:
            notes.insert(0, f"after {', '.join(map(str, step['dependencies']))}")
        if step["deliverable"]:
            notes.append(f"result: {_line(step['deliverable'])}")
        lines.append(f"   _{'; '.join(notes)}_")
    return "\n".join(lines) + "\n"


def _considered(manifold: Mapping[str, Any] | None) -> list[str]:
    """What a plan at several scales weighed before its steps."""
    if not manifold:
        return []
    position = manifold["position"]
    lines = ["## Where this stands", "", f"- Now: {_line(position['now'])}", f"- Missing: {_line(position['missing'])}"]
    lines += [f"- By itself: {_line(position['pull'])}", "", "## At each scale", ""]
    lines += [f"- {scale['scale'].capitalize()}: {_line(scale['finding'])}" for scale in manifold["scales"]]
    lines += ["", "## Options", ""]
    for option in manifold["options"]:
        chosen = " (chosen)" if option["name"].casefold() == manifold["chosen"].casefold() else ""
        leads = option["trajectory"]
        lines.append(
            f"- **{_line(option['name'])}**{chosen}: next day {_line(leads['day'])}; weeks {_line(leads['weeks'])}; months {_line(leads['months'])}."
        )
        lines.append(
            f"  In favour: {_line(option['in_favour'])}. Against: {_line(option['against'])}. Turn back when: {_line(option['turning_point'])}."
        )
    return [*lines, "", f"Chosen because: {_line(manifold['why'])}", ""]


def _line(text: str) -> str:
    return " ".join(str(text).split())
