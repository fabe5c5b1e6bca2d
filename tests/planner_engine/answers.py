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
        **values,
    }


def sop(*steps: dict[str, Any], **values: Any) -> dict[str, Any]:
    titles = ("Agree on the goals", "Draft the text", "Send it to Acme")
    return {"name": "A plan by the model", "checklist": list(steps) or [step(i, t) for i, t in enumerate(titles, 1)], **values}


def manifold(**values: Any) -> dict[str, Any]:
    options = [
        {"name": "Slow and sure", "trajectory": "A steady year", "for_and_against": "Safe, late"},
        {"name": "Bold", "trajectory": "A busy month", "for_and_against": "Early, risky"},
    ]
    return {**sop(), "position": "At the start", "options": options, "chosen": "Bold", "why": "Time matters", **values}


def revised(*steps: dict[str, Any], note: str = "") -> dict[str, Any]:
    return {"checklist": [{"keeps": None, **s} for s in steps], "note": note}
