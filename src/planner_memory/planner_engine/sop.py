"""The SOP document of a plan: as it is first written, and as an edit leaves it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from planner_memory.core.errors import InvalidInput
from planner_memory.planner_engine.drafting import Order, Reading, estimate_document, with_estimates
from planner_memory.planner_engine.editing import check_editable, edited_checklist
from planner_memory.planner_engine.estimates import Estimate, Estimator
from planner_memory.planner_engine.making import Made
from planner_memory.planner_engine.own_changes import changes
from planner_memory.planner_engine.preferences import Limit
from planner_memory.ports.plans import Plan


def sop_document(
    order: Order,
    reading: Reading,
    limit: Limit | None,
    made: Made,
    checklist: Sequence[Mapping[str, Any]],
    total: Estimate,
    template_id: str | None,
    warnings: Sequence[str],
    context_used: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """`metadata` says how the plan came about; what is unknown is left out of it."""
    deadline = reading.deadline
    notes = {
        "deadline_read": deadline and {"text": deadline.text, "day": deadline.day.isoformat(), "note": deadline.note},
        "client_name": reading.names.client,
        "person_name": reading.names.person,
        "topic": reading.names.topic,
        "largest_step": limit and {"minutes": limit.minutes, "source": limit.source},
        "context_used": list(context_used),
        "context": dict(order.extra),
        **made.notes,
    }
    return {
        "name": made.name,
        "template_type": "Operational",
        "process_template_id": template_id,
        "checklist": list(checklist),
        "estimate": estimate_document(total),
        "pattern": dict(made.chosen),
        "generator": made.generator,
        "warnings": list(warnings),
        "metadata": {k: v for k, v in notes.items() if v is not None},
        "next_task_number": len(checklist) + 1,
        **({"own_changes": made.own} if made.own else {}),
    }


def next_steps(plan: Plan, sent: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The next revision's steps without estimates, and the next free task number.

    Raises:
        Conflict: the plan is over.
        InvalidInput: the checklist is impossible.
    """
    check_editable(plan)
    if not sent:
        raise InvalidInput("A plan needs at least one step.", field="checklist")
    highest = max((int(s["task_id"].rsplit(":", 1)[1]) for s in plan.checklist), default=0)
    return edited_checklist(plan.id, plan.checklist, sent, max(plan.sop.get("next_task_number", 1), highest + 1))


def with_checklist(plan: Plan, steps: list[dict[str, Any]], next_number: int, estimator: Estimator) -> Plan:
    """The plan with these steps, their estimates, and what the person has changed in all."""
    checklist, total = with_estimates(steps, estimator, template_id=plan.template_family, workflow_id=plan.workflow_id)
    client = plan.sop.get("metadata", {}).get("client_name")
    own = changes(plan.checklist, checklist, plan.sop.get("own_changes"), client=client)
    sop = {**plan.sop, "checklist": checklist, "estimate": estimate_document(total), "next_task_number": next_number}
    sop.pop("own_changes", None)
    return replace(plan, sop={**sop, "own_changes": own} if own else sop)
