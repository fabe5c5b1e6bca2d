"""Answers of a model that a planner can use, to be spoilt by tests."""

from typing import Any


def step(number: int, title: str = "", **values: Any) -> dict[str, Any]:
    return {
        "step_number": number,
        "title": title or f"Step {number}",
        "description": f"Do the part {number}.",
        "raw_hours": 2.0,
        "dependencies": [number - 1] if number > 1 else [],
        "energy": "medium",
        "billable": True,
        "deliverable": "A page",
        "splittable": True,
        **values,
    }


def sop(*steps: dict[str, Any], **values: Any) -> dict[str, Any]:
    titles = ("Agree on the goals", "Draft the text", "Send it to Acme")
    return {"name": "A plan by the model", "checklist": list(steps) or [step(i, t) for i, t in enumerate(titles, 1)], **values}


def _option(name: str, leads_to: tuple[str, str, str]) -> dict[str, Any]:
    trajectory = dict(zip(("day", "weeks", "months"), leads_to, strict=True))
    return {"name": name, "trajectory": trajectory, "in_favour": "Safe", "against": "Late", "turning_point": "No answer within a week"}


def manifold(**values: Any) -> dict[str, Any]:
    options = [
        _option("Slow and sure", ("Nothing yet", "A first draft", "A steady year")),
        _option("Bold", ("A call", "A busy month", "A client more, or none")),
    ]
    position = {"now": "At the start", "missing": "A price", "pull": "Acme asks somebody else"}
    findings = {"horizon": "Fewer, larger clients", "season": "December is short", "work": "A proposal that can be signed", "day": "Call Acme"}
    scales = [{"scale": scale, "finding": finding} for scale, finding in findings.items()]
    return {**sop(), "position": position, "scales": scales, "options": options, "chosen": "Bold", "why": "Time matters", **values}


def revised(*steps: dict[str, Any], note: str = "") -> dict[str, Any]:
    return {"checklist": [{"keeps": None, **s} for s in steps], "note": note}
