"""The pattern library against its schema, and what filling, splitting and editing must never break."""

import math
from importlib import resources
from itertools import pairwise
from typing import Any
from uuid import UUID

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from planner_memory.core.errors import InvalidInput
from planner_memory.planner_engine import patterns
from planner_memory.planner_engine.checklist import Draft, check_steps, filled, in_parts, numbered, ordered, split, with_budget
from planner_memory.planner_engine.names import Names, read_names
from planner_memory.planner_engine.own_changes import adopted, changes
from planner_memory.planner_engine.patterns import GENERIC, library

PLAN = UUID(int=7)
KEY = {"type": "string", "pattern": "^[a-z][a-z0-9-]*$"}
TEXT = {"type": "string", "minLength": 3}
STEP = {
    "type": "object",
    "additionalProperties": False,
    "required": ["key", "title", "description", "raw_hours", "depends_on", "energy", "billable", "deliverable"],
    "properties": {
        "key": KEY,
        "title": TEXT,
        "description": TEXT,
        "raw_hours": {"type": "number", "exclusiveMinimum": 0, "maximum": 40},
        "depends_on": {"type": "array", "items": KEY, "uniqueItems": True},
        "energy": {"enum": ["high", "medium", "low"]},
        "billable": {"type": "boolean"},
        "deliverable": TEXT,
        "per": KEY,
        "splittable": {"const": False},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["key", "name", "summary", "triggers", "steps"],
    "properties": {
        "key": KEY,
        "name": TEXT,
        "summary": TEXT,
        "triggers": {"type": "array", "items": TEXT, "minItems": 4, "uniqueItems": True},
        "steps": {"type": "array", "items": STEP, "minItems": 3, "maxItems": 12},
        "sizes": {
            "type": "object",
            "propertyNames": KEY,
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["default", "words"],
                "properties": {
                    "default": {"type": "number", "exclusiveMinimum": 0},
                    "words": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                },
            },
        },
    },
}
FILES = sorted((f for f in resources.files(patterns.__package__).joinpath("patterns").iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_a_pattern_file_holds_to_the_schema(file: Any) -> None:
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA)
    assert file.name == f"{document['key']}.yaml"
    before: set[str] = set()
    for step in document["steps"]:
        assert set(step["depends_on"]) <= before, step["key"]
        assert "per" not in step or step["per"] in document["sizes"]
        before.add(step["key"])
    assert len(before) == len(document["steps"])


def test_the_library_is_large_enough() -> None:
    assert len(library()) >= 30


def test_sizes_of_the_intent_scale_the_steps_they_belong_to() -> None:
    def hours(intent: str) -> dict[str, float]:
        return {s.step_key: s.raw_hours for s in filled(library()["website-launch"], intent, Names()).steps}

    five, ten = hours("a 5-page website"), hours("a ten page website")
    assert ten["website-launch.build"] == 2 * five["website-launch.build"]
    assert ten["website-launch.design"] == five["website-launch.design"]
    assert hours("a website") == five
    assert filled(GENERIC, "write 3 letters", Names()).sizes == {"piece": 3}
    workshop = filled(library()["workshop"], "two-day workshop", Names())
    assert next(s for s in workshop.steps if s.step_key == "workshop.hold").raw_hours == 20


drafts = st.lists(
    st.tuples(st.floats(0.02, 200), st.sets(st.integers(0, 14), max_size=3)),
    min_size=1,
    max_size=15,
).map(
    lambda rows: [
        Draft(f"k{i}", f"Step {i}", "", max(1, round(h * 60)) / 60, tuple(f"k{d}" for d in sorted(deps))) for i, (h, deps) in enumerate(rows)
    ]
)


@settings(deadline=None)
@given(drafts, st.integers(30, 600), st.floats(0.3, 3))
def test_whatever_the_steps_no_cycle_none_over_the_limit_and_the_same_total(steps: list[Draft], limit: int, ratio: float) -> None:
    placed = ordered(steps)
    total = sum(s.raw_hours for s in steps)
    try:
        parts = split(placed, limit, lambda d: ratio * d.raw_hours)
    except InvalidInput:
        assert total * 60 * max(1, ratio) / limit > 300
        return
    assert math.isclose(sum(p.raw_hours for p in parts), total, abs_tol=1e-6)
    assert all(max(p.raw_hours, ratio * p.raw_hours) <= limit / 60 + 1e-6 for p in parts)
    checklist = numbered(parts, PLAN)
    check_steps(checklist)
    assert all(d < s["step_number"] for s in checklist for d in s["dependencies"])
    assert len({s["task_id"] for s in checklist}) == len(checklist)
    for before, after in pairwise(parts):
        assert before.step_key != after.step_key or (after.part and before.part and after.part[0] == before.part[0] + 1)


@given(drafts, st.integers(1, 2000))
def test_a_budget_is_met_exactly(steps: list[Draft], hours: int) -> None:
    scaled, text = with_budget(steps, f"do this in {hours} hours")
    assert text == f"{hours} hours"
    assert math.isclose(sum(s.raw_hours for s in scaled), hours, abs_tol=1e-6)
    assert all(s.raw_hours > 0 for s in scaled)


def test_parts_depend_on_each_other_and_followers_on_the_last() -> None:
    steps = [Draft("a", "A", "", 5, ()), Draft("b", "B", "", 1, ("a",))]
    checklist = numbered(split(steps, 120, lambda d: d.raw_hours), PLAN)
    assert [(s["title"], s["dependencies"]) for s in checklist] == [
        ("A (part 1 of 3)", []),
        ("A (part 2 of 3)", [1]),
        ("A (part 3 of 3)", [2]),
        ("B", [3]),
    ]
    assert [p.raw_hours * 60 for p in in_parts(steps[0], 7)] == pytest.approx([43, 43, 43, 43, 43, 43, 42])


def test_own_changes_survive_a_change_of_client_and_size() -> None:
    pattern = library()["website-launch"]
    first = numbered(filled(pattern, "5 page website for Acme", read_names("website for Acme")).steps, PLAN)
    second = [dict(s) for s in first if s["step_key"] != "website-launch.legal"]
    build = next(s for s in second if s["step_key"] == "website-launch.build")
    build["raw_hours"] *= 2
    build["title"] = "Build it for Acme"
    for s in second:
        s["dependencies"] = [d for d in s["dependencies"] if d != 7]
    own = changes(first, second, None, client="Acme")
    assert own is not None
    assert own["removed"] == ["website-launch.legal"]
    names = read_names("website for Globex")
    taken = {s.step_key: s for s in adopted(filled(pattern, "10 page website", names).steps, own, names)}
    assert taken["website-launch.build"].raw_hours == pytest.approx(50)
    assert taken["website-launch.build"].title == "Build it for Globex"
    assert "website-launch.legal" not in taken
    assert changes(first, first, None, client="Acme") is None
