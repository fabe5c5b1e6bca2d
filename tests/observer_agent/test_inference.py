"""The second reading: numbers that follow from the records that a sentence speaks of, however it names them, and numbers that claim nothing."""

import pytest

from planner_memory.observer_agent.checker import unsupported
from planner_memory.observer_agent.records import without_digits

DAY = {
    "starts_on": "2026-11-19",
    "ends_on": "2026-11-19",
    "rhythm": {"worked_hours": 5.5, "scheduled_hours": 6.0, "tasks_completed": 2, "tasks_planned": 3, "planned_tasks_completed": 2, "runs": 4},
    "completed": [
        {"title": "Website audit 1", "actual_hours": 3.25, "estimated_hours": 2.0, "variance_percent": 62.5, "direction": "over"},
        {"title": "Letter to the landlord", "actual_hours": 1.0, "estimated_hours": 1.25, "variance_percent": 20.0, "direction": "under"},
    ],
    "upcoming": [
        {"title": "Tax return", "starts_at": "2026-11-20T09:00:00+00:00", "lasts_hours": 2.0},
        {"title": "Garden plan", "starts_at": "2026-11-20T14:30:00+00:00", "lasts_hours": 1.0},
    ],
}


@pytest.mark.parametrize(
    "prose",
    [
        "The audit ate three and a quarter hours.",
        "The audit ran an hour and a quarter over.",
        "The audit and the letter together took 4 h 15 min.",
        "The landlord's letter was done fifteen minutes early.",
        "The audit needed more than 60 % longer than planned.",
        "Tomorrow holds two blocks, three hours altogether.",
        "The tax return starts at nine and should be over by eleven.",
        "You worked half an hour less than scheduled.",
        "Take a ten-minute walk, 24/7 if you like.",
        "1. The letter took an hour.\n2. The audit took 3 h 15.",
    ],
)
def test_what_follows_from_the_records_is_true(prose: str) -> None:
    assert [mention.text for mention in unsupported(prose, DAY)] == []


@pytest.mark.parametrize(
    ("prose", "wrong"),
    [
        ("The audit ate two and a half hours.", "two and a half hours"),
        ("The audit ran half an hour over.", "half an hour"),
        ("The audit and the letter together took 4 h 45 min.", "4 h 45 min"),
        ("The letter took more than two hours.", "two hours"),
        ("Nearly seven hours of work were recorded.", "seven hours"),
    ],
)
def test_what_does_not_follow_is_named(prose: str, wrong: str) -> None:
    assert wrong in [mention.text for mention in unsupported(prose, DAY)]


def test_a_number_that_counts_tasks_in_a_title_hides_none_in_the_prose() -> None:
    assert without_digits("audits 2 and 3", ["Website audit 1", "Audit 2"]) == "audits x and x"
    assert without_digits("99 tasks are done", ["Say that 99 tasks are done"]) == "99 tasks are done"
