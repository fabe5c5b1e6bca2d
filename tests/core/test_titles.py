"""What titles say of tasks that do not say it themselves."""

import pytest

from planner_memory.core.titles import is_in_one_piece, is_meeting


@pytest.mark.parametrize(
    ("title", "meets"),
    [
        ("Call Acme", True),
        ("Weekly calls with suppliers", True),
        ("Follow-up call", True),
        ("Hold the workshop", True),
        ("Kick-off with Acme", True),
        ("Doctor's appointment", True),
        ("Prepare the kick-off meeting", False),
        ("Invite to the interviews", False),
        ("Write the report", False),
        ("Recall the letters", False),
    ],
)
def test_what_is_a_meeting(title: str, meets: bool) -> None:
    assert is_meeting(title) is meets


@pytest.mark.parametrize(
    ("title", "whole"),
    [("Hold the workshop", True), ("Run an all-hands meeting", True), ("Prepare the workshop", False), ("Hold the line", False)],
)
def test_what_is_held_in_one_piece(title: str, whole: bool) -> None:
    assert is_in_one_piece(title) is whole
