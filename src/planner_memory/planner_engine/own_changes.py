"""What a person changed in a plan's steps, kept so that the next plan of the same pattern begins where they left off.

Kept as {"edited": {step_key: {...}}, "added": [...], "removed": [step_key]}; hours of edited steps as a factor, so that sizes still apply.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from planner_memory.planner_engine.checklist import Draft, filled_text
from planner_memory.planner_engine.names import Names

_TEXTS = ("title", "description", "deliverable")
_PLAIN = ("energy", "billable", "splittable")


def _neutral(text: str, client: str | None) -> str:
    return re.sub(rf"\b{re.escape(client)}\b", "{client}", text) if client else text


def _grouped(checklist: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for step in checklist:
        groups.setdefault(step["step_key"], []).append(step)
    return groups


def _needed(checklist: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    keys = {step["step_number"]: step["step_key"] for step in checklist}
    return list(dict.fromkeys(keys[d] for s in checklist if s["step_key"] == key for d in s["dependencies"] if keys[d] != key))


def changes(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], earlier: Mapping[str, Any] | None, *, client: str | None
) -> dict[str, Any] | None:
    """The changes so far with those from one checklist to the next; None when there are none at all."""
    known = earlier or {}
    edited: dict[str, dict[str, Any]] = {key: dict(value) for key, value in known.get("edited", {}).items()}
    removed = list(known.get("removed", []))
    was_added = {step["step_key"] for step in known.get("added", [])}
    old, new = _grouped(before), _grouped(after)
    for key in old:
        if key not in new and key not in was_added and key not in removed:
            removed.append(key)
            edited.pop(key, None)
    removed = [key for key in removed if key not in new]
    for key, steps in new.items():
        if key not in old or key in was_added:
            continue
        entry = edited.get(key, {})
        hours, had = sum(s["raw_hours"] for s in steps), sum(s["raw_hours"] for s in old[key])
        if abs(hours - had) > 1e-6:
            entry["factor"] = round(entry.get("factor", 1.0) * hours / had, 6)
        if len(steps) == len(old[key]) == 1:
            for name in _TEXTS:
                if steps[0][name] != old[key][0][name]:
                    entry[name] = _neutral(steps[0][name], client)
        for name in _PLAIN:
            if steps[0].get(name) != old[key][0].get(name):
                entry[name] = steps[0][name]
        if _needed(after, key) != _needed(before, key):
            entry["depends_on"] = _needed(after, key)
        if entry:
            edited[key] = entry
    added = []
    order = list(new)
    for i, (key, steps) in enumerate(new.items()):
        if key in was_added or key not in old:
            first = steps[0]
            added.append(
                {
                    "step_key": key,
                    **{name: _neutral(first[name], client) for name in _TEXTS},
                    **{name: first[name] for name in _PLAIN if name in first},
                    "raw_hours": round(sum(s["raw_hours"] for s in steps), 4),
                    "depends_on": _needed(after, key),
                    "previous": order[i - 1] if i else None,
                }
            )
    return {"edited": edited, "added": added, "removed": removed} if edited or added or removed else None


def adopted(steps: Sequence[Draft], own: Mapping[str, Any] | None, names: Names) -> list[Draft]:
    """The pattern's steps with the person's own changes applied."""
    if not own:
        return list(steps)
    gone = set(own.get("removed", ()))
    needs = {s.step_key: s.depends_on for s in steps}
    out = []
    for step in steps:
        if step.step_key in gone:
            continue
        entry = own.get("edited", {}).get(step.step_key, {})
        depends_on = tuple(entry.get("depends_on", step.depends_on))
        out.append(
            replace(
                step,
                title=filled_text(entry.get("title", step.title), names),
                description=filled_text(entry.get("description", step.description), names),
                deliverable=filled_text(entry.get("deliverable", step.deliverable), names),
                energy=entry.get("energy", step.energy),
                billable=entry.get("billable", step.billable),
                splittable=entry.get("splittable", step.splittable),
                raw_hours=min(200.0, max(1 / 60, step.raw_hours * entry.get("factor", 1.0))),
                depends_on=_past_removed(depends_on, gone, needs),
                origin="own" if entry else step.origin,
            )
        )
    for new in own.get("added", ()):
        draft = Draft(
            step_key=new["step_key"],
            title=filled_text(new["title"], names),
            description=filled_text(new["description"], names),
            raw_hours=new["raw_hours"],
            depends_on=tuple(new["depends_on"]),
            energy=new["energy"],
            billable=new["billable"],
            deliverable=filled_text(new["deliverable"], names),
            splittable=new.get("splittable"),
            origin="own",
        )
        place = next((i + 1 for i, s in enumerate(out) if s.step_key == new.get("previous")), 0 if new.get("previous") is None else len(out))
        out.insert(place, draft)
    return out


def _past_removed(depends_on: tuple[str, ...], gone: set[str], needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What depended on a removed step depends on what that step depended on."""
    out: list[str] = []
    waiting, seen = list(depends_on), set[str]()
    while waiting:
        key = waiting.pop(0)
        if key in seen:
            continue
        seen.add(key)
        if key in gone:
            waiting.extend(needs.get(key, ()))
        else:
            out.append(key)
    return tuple(out)
