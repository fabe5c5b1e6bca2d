"""The steps of an earlier plan as drafts for a new one."""

import re
from dataclasses import replace

from planner_memory.planner_engine.checklist import Draft
from planner_memory.ports.plans import Plan


def copied(plan: Plan, client: str | None) -> tuple[Draft, ...]:
    """Its steps in order, parts of a split step joined again; the earlier client's name gives way to `client` when that is known."""
    before = plan.sop.get("metadata", {}).get("client_name")
    keys = {step["step_number"]: step["step_key"] for step in plan.checklist}
    joined: dict[str, Draft] = {}

    def named(text: str) -> str:
        return re.sub(rf"\b{re.escape(before)}\b", lambda _: client or "the client", text) if before and client and before != client else text

    for step in plan.checklist:
        key = step["step_key"]
        depends_on = tuple(dict.fromkeys(keys[d] for d in step["dependencies"] if keys[d] != key))
        if key in joined:
            old = joined[key]
            joined[key] = replace(old, raw_hours=old.raw_hours + step["raw_hours"], depends_on=tuple(dict.fromkeys((*old.depends_on, *depends_on))))
            continue
        joined[key] = Draft(
            step_key=key,
            title=named(re.sub(r" \(part \d+ of \d+\)$", "", step["title"])),
            description=named(step["description"]),
            raw_hours=step["raw_hours"],
            depends_on=depends_on,
            energy=step["energy"],
            billable=step["billable"],
            deliverable=named(step["deliverable"]),
            origin="own",
            splittable=step.get("splittable"),
        )
    return tuple(joined.values())
