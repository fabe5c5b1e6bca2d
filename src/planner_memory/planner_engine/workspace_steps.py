"""A workflow's steps as the base of a plan, a plan's steps as a checklist of the workspace. Cells may hold anything: all is bounded here."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from planner_memory.planner_engine.checklist import LARGEST_STEP_HOURS, Draft, filled_text
from planner_memory.planner_engine.names import Names
from planner_memory.planner_engine.patterns import Pattern, PatternStep
from planner_memory.planner_engine.words import stems
from planner_memory.ports.workspace_records import Step, Workflow

LONGEST_TITLE, LONGEST_DESCRIPTION, MOST_STEPS = 300, 4000, 100
_ASSUMED_HOURS = 1.0


def one_line(text: str, longest: int = LONGEST_TITLE) -> str:
    """Printable, on one line, cut where it is too long; whatever stood there."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in text[: longest * 4]).split())
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def block(text: str, longest: int = LONGEST_DESCRIPTION) -> str:
    """As `one_line`, its lines kept."""
    lines = (one_line(line, longest) for line in text[: longest * 2].splitlines())
    shown = "\n".join(line for line in lines if line)
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def steps_of_workflow(workflow: Workflow, names: Names) -> tuple[tuple[Draft, ...], list[str]]:
    """The steps with the hours that they say, or a share of the workflow's, and what a person should know of them. No steps: none."""
    warnings: list[str] = []
    steps = [s for s in workflow.steps if s.title.strip() or s.description.strip()]
    if len(steps) > MOST_STEPS:
        warnings.append(f"Workflow {one_line(workflow.name)} has {len(steps)} steps; the first {MOST_STEPS} were taken.")
        steps = steps[:MOST_STEPS]
    hours, unknown = _hours(workflow, steps)
    if unknown:
        named = ", ".join(str(s.number) for s in unknown[:10])
        assumed = f"{hours[id(unknown[0])]:.3g} h each were assumed"
        warnings.append(f"Workflow {one_line(workflow.name)} says no usable hours for step {named}: {assumed}.")
    keys: dict[int, str] = {}
    for step in steps:
        keys.setdefault(step.number, _key(workflow, step, set(keys.values())))
    if len(keys) < len(steps):
        warnings.append(f"Several steps of workflow {one_line(workflow.name)} have the same number; those after the first go by their order.")
    drafts, taken = [], set[str]()
    for step in steps:
        key = keys[step.number] if keys[step.number] not in taken else _key(workflow, step, {*keys.values(), *taken})
        taken.add(key)
        drafts.append(
            Draft(
                step_key=key,
                title=filled_text(one_line(step.title or step.description), names),
                description=filled_text(block(step.description), names),
                raw_hours=hours[id(step)],
                depends_on=tuple(keys[n] for n in dict.fromkeys(step.dependencies) if n in keys and keys[n] != key),
                billable=bool(step.billable),
                origin="workflow",
            )
        )
    if _is_cyclic(drafts):
        warnings.append(f"The steps of workflow {one_line(workflow.name)} depend on each other in a circle; what closes it was left out.")
    return tuple(drafts), warnings


def pattern_of(workflow: Workflow, drafts: Sequence[Draft]) -> Pattern:
    """The workflow in the place of a pattern of the library, so that everything which asks for one meets it."""
    steps = tuple(PatternStep(d.step_key, d.title, d.description, d.raw_hours, d.depends_on, d.energy, d.billable, d.deliverable) for d in drafts)
    return Pattern(f"workflow:{workflow.id}", one_line(workflow.name, 120), one_line(workflow.description), (), steps)


def checklist_of(checklist: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A plan's steps as the workspace keeps them; JSON-ready."""
    return [
        {
            "number": step["step_number"],
            "title": one_line(step["title"]),
            "description": block(step["description"]),
            "estimated_hours": step["estimated_hours"],
            "dependencies": list(step["dependencies"]),
            "billable": step["billable"],
            "key": step["step_key"],
        }
        for step in checklist
    ]


def step_from(document: Mapping[str, Any]) -> Step:
    """The inverse of one of `checklist_of`."""
    return Step(**{**document, "dependencies": tuple(document["dependencies"])})


def _is_usable(hours: float | None) -> bool:
    return hours is not None and math.isfinite(hours) and 0 < hours <= LARGEST_STEP_HOURS


def _hours(workflow: Workflow, steps: Sequence[Step]) -> tuple[dict[int, float], list[Step]]:
    known = {id(s): s.estimated_hours for s in steps if s.estimated_hours is not None and _is_usable(s.estimated_hours)}
    unknown = [s for s in steps if id(s) not in known]
    share = _ASSUMED_HOURS
    if unknown and workflow.estimated_hours is not None and math.isfinite(workflow.estimated_hours):
        left = (workflow.estimated_hours - sum(known.values())) / len(unknown)
        share = min(max(left, 0.25), LARGEST_STEP_HOURS) if left > 0 else _ASSUMED_HOURS
    return {**known, **{id(s): share for s in unknown}}, unknown


def _key(workflow: Workflow, step: Step, taken: set[str]) -> str:
    """The step's name over all plans of the workflow: it outlives a change of its number."""
    words = step.key or "-".join(stems(step.title)[:6]) or f"step-{step.number}"
    key, n = f"{workflow.id}.{words}"[:200], 2
    while key in taken:
        key, n = f"{workflow.id}.{words}"[:194] + f"-{n}", n + 1
    return key


def _is_cyclic(drafts: Sequence[Draft]) -> bool:
    waiting = {d.step_key: set(d.depends_on) for d in drafts}
    while waiting:
        free = [key for key, needs in waiting.items() if not needs & waiting.keys()]
        if not free:
            return True
        for key in free:
            del waiting[key]
    return False
