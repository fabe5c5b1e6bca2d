"""The library of SOP patterns, read from patterns/*.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class PatternStep:
    """`raw_hours` is working hours at a human pace, for one `per` when that is set, else for the whole step. `splittable` as in Draft."""

    key: str
    title: str
    description: str
    raw_hours: float
    depends_on: tuple[str, ...]
    energy: str
    billable: bool
    deliverable: str
    per: str | None = None
    splittable: bool | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """What a pattern is measured in: how many when the intent does not say, and the words by which it says so."""

    default: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    key: str
    name: str
    summary: str
    triggers: tuple[str, ...]
    steps: tuple[PatternStep, ...]
    sizes: Mapping[str, Size] = field(default_factory=dict)


def pattern_from(document: Mapping[str, Any]) -> Pattern:
    return Pattern(
        key=document["key"],
        name=document["name"],
        summary=document["summary"],
        triggers=tuple(document["triggers"]),
        steps=tuple(
            PatternStep(**{**step, "raw_hours": float(step["raw_hours"]), "depends_on": tuple(step["depends_on"])}) for step in document["steps"]
        ),
        sizes={name: Size(float(size["default"]), tuple(size["words"])) for name, size in document.get("sizes", {}).items()},
    )


@cache
def library() -> Mapping[str, Pattern]:
    """All shipped patterns by key. Read once per process."""
    files = sorted((f for f in resources.files(__package__).joinpath("patterns").iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    found = [pattern_from(yaml.load(f.read_text(encoding="utf-8"), _Loader)) for f in files]  # noqa: S506 - both loaders are the safe ones
    return {p.key: p for p in found}


def _generic_step(
    key: str, title: str, description: str, hours: float, after: str, energy: str, deliverable: str, *, per: str | None = None
) -> PatternStep:
    return PatternStep(key, title, description, hours, (after,) if after else (), energy, False, deliverable, per)


GENERIC = Pattern(
    key="generic",
    name="General plan",
    summary="A breakdown that fits any piece of work; used when no pattern fits.",
    triggers=(),
    steps=(
        _generic_step(
            "understand",
            "Clarify the result wanted",
            "Write down what should be there at the end, for whom, by when, and what is unclear.",
            1,
            "",
            "high",
            "Result in writing",
        ),
        _generic_step(
            "prepare",
            "Collect what is needed",
            "Gather material, access, people and examples; decide on the way to do it.",
            1.5,
            "understand",
            "medium",
            "Material at hand",
        ),
        _generic_step("do", "{work}", "Work it out in pieces that can be shown.", 4, "prepare", "high", "First complete version", per="piece"),
        _generic_step(
            "check", "Check the result", "Compare with the result wanted; correct what is missing.", 1, "do", "medium", "Corrected version"
        ),
        _generic_step(
            "hand-over", "Hand it over", "Deliver it, say what is open, and file what will be needed again.", 0.5, "check", "low", "Result delivered"
        ),
    ),
    sizes={"piece": Size(1, ())},
)
