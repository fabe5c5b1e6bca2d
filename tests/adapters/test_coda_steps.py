"""Steps in one cell: what people write is read, and what is written is read back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner_memory.adapters.coda.steps import read_steps, write_steps
from planner_memory.ports.workspace_records import Step

STEPS = (
    Step(number=1, title="Kick-off call", description="With Ada.\nBring the plan.", estimated_hours=1.0),
    Step(number=2, title="Collect access (all of it)", estimated_hours=2.5, dependencies=(1,), billable=True, key="access"),
    Step(number=3, title="Hand over", dependencies=(1, 2), billable=False),
)


def test_steps_are_written_for_people() -> None:
    assert write_steps(STEPS) == (
        "1. Kick-off call (1 h)\n   With Ada.\n   Bring the plan.\n"
        "2. Collect access (all of it) (2.5 h; after 1; billable; key access)\n"
        "3. Hand over (after 1, 2; not billable)"
    )
    assert read_steps(write_steps(STEPS)) == STEPS


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", []),
        ("- Brief\n- Call (45 min)\n\n* [x] Invoice", [(1, "Brief", None), (2, "Call", 0.75), (3, "Invoice", None)]),
        ("1) One\n4) Four (about a day)", [(1, "One", None), (4, "Four (about a day)", None)]),
        ('["One", {"step_number": 5, "name": "Five", "hours": "2"}]', [(1, "One", None), (5, "Five", 2.0)]),
        ("[draft] One", [(1, "[draft] One", None)]),
        ("[" * 100_000, [(1, "[" * 100_000, None)]),
    ],
)
def test_what_people_write(text: str, read: list[tuple[int, str, float | None]]) -> None:
    assert [(step.number, step.title, step.estimated_hours) for step in read_steps(text)] == read


@pytest.mark.parametrize("text", ["[3]", '[{"hours": 1}]', '[{"title": "x", "hours": "soon"}]', '[{"title": "x", "dependencies": ["a"]}]'])
def test_a_list_with_something_else_in_it_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="item 1"):
        read_steps(text)


step = st.builds(
    Step,
    number=st.integers(1, 9999),
    title=st.text(min_size=1).filter(str.strip),
    description=st.text(),
    estimated_hours=st.none() | st.floats(0, 10_000, allow_nan=False),
    dependencies=st.lists(st.integers(1, 9999), max_size=3).map(tuple),
    billable=st.none() | st.booleans(),
    key=st.none() | st.text(min_size=1),
)


@given(st.lists(step, max_size=4).map(tuple))
def test_whatever_is_written_is_read_back(steps: tuple[Step, ...]) -> None:
    assert read_steps(write_steps(steps)) == steps
