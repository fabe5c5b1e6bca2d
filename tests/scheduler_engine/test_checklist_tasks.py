"""A plan's steps as tasks: which of them a schedule may interrupt."""

from datetime import time
from typing import Any

import pytest

from planner_memory.core.profile import WEEKDAYS, Profile
from planner_memory.scheduler_engine.tasks import tasks_of_checklist

MORNINGS = Profile(working_hours={day: ((time(9), time(13)),) if day in WEEKDAYS[:5] else () for day in WEEKDAYS})


def chunks(profile: Profile, **step: Any) -> tuple[int, int]:
    whole = {"task_id": "plan:1:1", "step_number": 1, "dependencies": [], **step}
    task = tasks_of_checklist([whole], None, profile)[0]
    return task.min_chunk, task.max_chunk


@pytest.mark.parametrize(
    ("step", "bounds"),
    [
        ({"title": "Give a talk at the fair", "splittable": False}, (300, 300)),
        ({"title": "Interview Acme", "splittable": False}, (300, 300)),
        ({"title": "Hold the workshop"}, (300, 300)),
        ({"title": "Hold the workshop", "splittable": True}, (30, 120)),
        ({"title": "Interview Acme"}, (30, 120)),
    ],
)
def test_a_step_says_whether_it_stays_in_one_piece_else_its_title_does(step: dict[str, Any], bounds: tuple[int, int]) -> None:
    assert chunks(Profile(), estimated_hours=5, **step) == bounds


def test_what_is_longer_than_a_day_goes_on_the_next() -> None:
    assert chunks(MORNINGS, title="Hold the event", estimated_hours=4, splittable=False) == (240, 240)
    assert chunks(MORNINGS, title="Hold the event", estimated_hours=8, splittable=False) == (30, 240)
