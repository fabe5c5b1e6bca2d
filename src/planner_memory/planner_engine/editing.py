"""A plan's life: which status follows which, and how an edited checklist becomes the next revision."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from planner_memory.core.errors import Conflict, InvalidInput
from planner_memory.planner_engine.checklist import check_steps
from planner_memory.planner_engine.words import stems
from planner_memory.ports.plans import Plan

NEXT: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"scheduled", "active", "cancelled"}),
    "scheduled": frozenset({"draft", "active", "cancelled"}),  # back to draft when a schedule is undone
    "active": frozenset({"completed", "cancelled"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
}
_KEPT = ("title", "description", "raw_hours", "energy", "billable", "deliverable", "splittable")


def check_status(now: str, wanted: str) -> None:
    """Returns when the plan may take that status; the one it has is always allowed.

    Raises:
        Conflict: it may not.
    """
    if wanted != now and wanted not in NEXT.get(now, frozenset()):
        possible = ", ".join(sorted(NEXT.get(now, frozenset()))) or "none; make a new plan with 'reuse' to do it again"
        raise Conflict(f"A plan that is {now} cannot become {wanted}. Possible now: {possible}.")


def check_editable(plan: Plan) -> None:
    """Raises Conflict when the plan is over."""
    if plan.status in ("completed", "cancelled"):
        raise Conflict(f"A plan that is {plan.status} is not edited any more. Make a new one with 'reuse'.")


def _new_key(title: str, taken: set[str]) -> str:
    words = "-".join(stems(title)[:6]) or "step"
    key, n = f"own.{words}"[:100], 2
    while key in taken:
        key, n = f"own.{words}"[:96] + f"-{n}", n + 1
    return key


def edited_checklist(
    plan_id: UUID, before: Sequence[Mapping[str, Any]], sent: Sequence[Mapping[str, Any]], next_number: int
) -> tuple[list[dict[str, Any]], int]:
    """The next revision's steps without estimates, in the order sent, and the next free task number. Task ids of kept steps stay.

    Dependencies are the step numbers of the steps as sent; a step that was sent without a number has its place in the list.

    Raises:
        InvalidInput: a step is unknown, incomplete or stands twice, or the dependencies are impossible.
    """
    known = {step["task_id"]: step for step in before}
    ids_by_number = {step["step_number"]: step["task_id"] for step in before}
    taken = {step["step_key"] for step in before}
    numbers: dict[int, int] = {}  # as sent -> place
    for i, step in enumerate(sent):
        number = step.get("step_number") or i + 1
        if number in numbers:
            raise InvalidInput(f"Two steps have the number {number}.", field=f"checklist[{i}].step_number")
        numbers[number] = i + 1
    out: list[dict[str, Any]] = []
    places: dict[str, int] = {}
    for i, step in enumerate(sent):
        task_id = step.get("task_id")
        if task_id is not None and task_id not in known:
            raise InvalidInput(f"{task_id} is not a step of this plan. Leave task_id out for a new step.", field=f"checklist[{i}].task_id")
        if task_id in places:
            raise InvalidInput(f"{task_id} stands twice.", field=f"checklist[{i}].task_id")
        old = known.get(task_id) if task_id else None
        if old is None:
            if not (step.get("title") or "").strip():
                raise InvalidInput("A new step needs a title.", field=f"checklist[{i}].title")
            if step.get("raw_hours") is None:
                raise InvalidInput("A new step needs raw_hours.", field=f"checklist[{i}].raw_hours")
            task_id, next_number = f"plan:{plan_id}:{next_number}", next_number + 1
            key = step.get("step_key") or _new_key(step["title"], taken)
            taken.add(key)
            base: dict[str, Any] = {"description": "", "energy": "medium", "billable": False, "deliverable": "", "step_key": key, "origin": "added"}
        else:
            base = {k: v for k, v in old.items() if k not in ("estimated_hours", "estimate", "dependencies")}
        given = {k: step[k] for k in _KEPT if step.get(k) is not None}
        new = {**base, **given, "task_id": task_id, "step_number": i + 1}
        if old is not None and any(new.get(k) != old.get(k) for k in _KEPT) and old.get("origin") != "added":
            new["origin"] = "edited"
        out.append(new)
        places[str(task_id)] = i + 1
    for i, (step, new) in enumerate(zip(sent, out, strict=True)):
        if step.get("dependencies") is not None:
            missing = [d for d in step["dependencies"] if d not in numbers]
            if missing:
                raise InvalidInput(f"Step {i + 1} depends on step {missing[0]}, which is not there.", field=f"checklist[{i}].dependencies")
            new["dependencies"] = sorted({numbers[d] for d in step["dependencies"]})
        else:
            was = known.get(new["task_id"], {}).get("dependencies", [])
            new["dependencies"] = sorted({places[ids_by_number[d]] for d in was if ids_by_number.get(d) in places})
    check_steps(out)
    return out, next_number
