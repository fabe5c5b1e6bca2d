"""Sentences in which two figures belong together, and sections that say what a number is of: true ones pass, a changed number does not."""

import pytest

from planner_memory.observer_agent.checker import unsupported

_WEEK = {"tasks_completed": 9, "worked_hours": 24.5, "deep_work_hours": 17.0, "meeting_hours": 2.5, "completion_percent": 75.0, "context_switches": 6}
FACTS = {
    "starts_on": "2026-11-16",
    "ends_on": "2026-11-22",
    "rhythm": {
        "runs": 11,
        "worked_hours": 22.0,
        "billable_hours": 9.5,
        "not_billable_hours": 12.5,
        "deep_work_hours": 14.25,
        "meetings": 0,
        "meeting_hours": 0.0,
        "scheduled_hours": 19.0,
        "tasks_completed": 8,
        "tasks_planned": 10,
        "planned_tasks_completed": 7,
        "completion_percent": 70.0,
        "context_switches": 5,
    },
    "completed": [
        {"title": "Tax return", "actual_hours": 3.5, "estimated_hours": 2.0, "variance_percent": 75.0, "direction": "over"},
        {"title": "Price list", "actual_hours": 0.75, "estimated_hours": 1.0, "variance_percent": 25.0, "direction": "under"},
    ],
    "slipped": [{"title": name, "planned_on": "2026-11-19", "moved_to_on": None} for name in ("Photo shoot", "Backup test", "Team lunch")],
    "upcoming": [
        {"title": "Quarterly talk with the bank", "starts_at": "2026-11-24T09:30:00+00:00", "lasts_hours": 1.5},
        {"title": "Stock count", "starts_at": "2026-11-25T13:00:00+00:00", "lasts_hours": 2.0},
    ],
    "ahead": {"tasks": 13, "scheduled_hours": 26.5},
    "drift": [
        {
            "kind": "workflow",
            "name": "ws:workflow-billing",
            "direction": "over",
            "drift_percent": 45.0,
            "runs": 6,
            "runs_beyond_threshold": 4,
            "estimated_hours": 12.0,
            "actual_hours": 17.4,
            "typical_factor": 1.46,
            "suggestion": "Estimate it at 1.5 times what you would say at first, or split it into smaller steps.",
        }
    ],
    "repeated_trouble": [{"kind": "workflow", "name": "ws:workflow-billing", "runs": 2, "themes": ["waiting"]}],
    "trend": {"earlier_weeks": [_WEEK], "average": {"weeks": 3, "tasks_completed": 10.3, "worked_hours": 26.0, "deep_work_hours": 15.5}},
    "sprint": {"planned_billable_hours": 8.0, "actual_billable_hours": 9.5, "share_percent": 118.8, "billable_share_percent": 43.2},
    "streaks": {"completed_task_days": 12, "deep_work_days": 4, "plan_kept_days": 0},
    "tasks": {"open_tasks": 21, "blocked_tasks": 0, "blocked": []},
}

PAIRS = [
    ("Of the 22 hours in your log, 9.5 were billable.", "22 hours", "23 hours"),
    ("Of the 22 hours in your log, 9.5 were billable.", "9.5", "10.5"),
    ("More than half of your time, 12 h 30 min, was not billable.", "12 h 30 min", "13 h 30 min"),
    ("Deep work fell from 17 hours to 14.25.", "14.25", "15.25"),
    ("Completion dropped from 75% to 70%.", "75%", "78%"),
    ("You closed 8 tasks against an average of 10.3.", "10.3", "10.8"),
    ("The previous week had 24.5 worked hours; this one had 22.", "22", "26"),
    ("## Sprint\nSince eight hours were planned and 9.5 done, the goal is met.", "9.5", "7.5"),
    ("## Sprint\n- The sprint ends at 9.5 billable hours against 8 planned.", "8 ", "9 "),
    ("## Sprint\nYou ended an hour and a half above the plan.", "an hour and a half", "half an hour"),
    ("## Sprint\nYour plan was eight hours.", "eight", "nine and a half"),
    ("## Sprint\nYou passed the plan by 1.5 hours.", "1.5", "9.5"),
    ("## Sprint\nYou topped the plan by 1.5 hours.", "topped", "missed"),
    ("## Sprint\nYou beat the billable plan by 19%.", "19%", "29%"),
    ("## Highlights\n- “Tax return” was done in 3.5 hours, 90 minutes longer than estimated.", "90", "80"),
    ("## Highlights\n- “Price list” needed 45 minutes; 60 had been estimated.", "60", "50"),
    ("## Highlights\n- “Tax return” took 75% longer than estimated, “Price list” 25% less.", "75%", "65%"),
    ("## Pattern performance\n- Six billing runs took 17.4 hours where 12 were estimated.", "12 ", "13 "),
    ("## Pattern performance\n- “ws:workflow-billing” passed the threshold in four of six runs.", "four", "three"),
    ("## Pattern performance\n- Estimate billing at 1.5 times your first guess.", "1.5", "1.4"),
    ("## Pattern performance\n- The typical factor of “ws:workflow-billing” is 1.46.", "1.46", "1.64"),
    ("## Focus\n- Thirteen tasks with 26.5 hours are scheduled.", "26.5", "25.5"),
    ("## Focus\n- “Stock count” is on Wednesday at 13:00 for two hours.", "two hours", "three hours"),
    ("## Focus\n- “Stock count” is on Wednesday at 13:00.", "Wednesday", "Tuesday"),
    ("## Focus\n- The talk with the bank is on Tuesday at 9:30.", "9:30", "10:30"),
    ("Three of the ten planned tasks slipped.", "Three", "Four"),
    ("You have finished at least one task on twelve days in a row.", "twelve", "eleven"),
]


@pytest.mark.parametrize(("prose", "part", "instead"), PAIRS)
def test_both_of_a_pair_must_be_right(prose: str, part: str, instead: str) -> None:
    assert unsupported(prose, FACTS) == []
    assert part in prose
    assert unsupported(prose.replace(part, instead), FACTS) != []


def test_what_was_not_is_said_in_many_ways() -> None:
    assert unsupported("There was not a single meeting. No tasks are scheduled for tomorrow.", FACTS) == []
