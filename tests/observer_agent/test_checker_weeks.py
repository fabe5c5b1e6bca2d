"""The checker on what is said of the weeks before and of the days ahead."""

import pytest

from planner_memory.observer_agent.checker import unsupported


def _week(worked: float, deep: float, done: int, planned: int, percent: float, meetings: int, scheduled: float) -> dict[str, float]:
    return {
        "worked_hours": worked,
        "deep_work_hours": deep,
        "billable_hours": worked - 4,
        "not_billable_hours": 4.0,
        "scheduled_hours": scheduled,
        "tasks_completed": done,
        "tasks_planned": planned,
        "planned_tasks_completed": done,
        "completion_percent": percent,
        "meetings": meetings,
        "meeting_hours": meetings * 0.5,
        "context_switches": done + 3,
    }


FACTS = {
    "starts_on": "2026-11-16",
    "ends_on": "2026-11-22",
    "rhythm": _week(26.0, 18.0, 14, 16, 87.5, 3, 24.5),
    "completed": [
        {"title": "Hand in the tax papers", "actual_hours": 2.5, "estimated_hours": 2.0},
        {"title": "Check in with the bank", "actual_hours": 0.75, "estimated_hours": 1.0},
    ],
    "upcoming": [
        {"title": "Paint the fence", "starts_at": "2026-11-24T09:30:00+01:00", "lasts_hours": 2.0},
        {"title": "Order new tyres", "starts_at": "2026-11-24T13:00:00+01:00", "lasts_hours": 1.25},
        {"title": "Sort the cellar", "starts_at": "2026-11-26T08:15:00+01:00", "lasts_hours": 4.0},
    ],
    "ahead": {"tasks": 3, "scheduled_hours": 7.25},
    "trend": {
        "earlier_weeks": [
            _week(21.5, 12.0, 11, 15, 73.3, 5, 22.0),
            _week(17.25, 10.5, 9, 13, 69.2, 4, 19.0),
            _week(13.0, 8.25, 6, 12, 50.0, 2, 16.0),
        ],
        "average": _week(17.25, 10.25, 8.7, 13.3, 64.2, 3.7, 19.0),
    },
}


@pytest.mark.parametrize(
    "prose",
    [
        "In the previous seven days you got through 11 of 15 planned tasks.",
        "Deep work stood at 12 h in the seven days before.",
        "Two weeks ago there were four meetings.",
        "The week before that brought 17 h 15 of work.",
        "Your working hours went from 13 to 17.25, then 21.5, and now 26.",
        "You worked four and a half hours more than the week before.",
        "The completion rate climbed by 14.2 points, from 73.3 to 87.5.",
        "The fullest of the three weeks before had five meetings.",
        "The checkin took 45 minutes against an estimate of an hour.",
        "tue 09:30-14:15, 2 blocks, 3h15.",
        "The coming week is light: 7 h 15 are scheduled.",
        "Only the tax papers took longer: 2 hours 30.",
        "The fence gets its paint on Tuesday, the cellar is sorted on Thursday.",
        "Tuesday begins at half past nine.",
        "For 2.5 of 2 hours, that is 125 %, I sat over the tax papers.",
        "My lottery number was 4711, and I baked 36 cookies.",
    ],
)
def test_true_sentences_pass(prose: str) -> None:
    assert unsupported(prose, FACTS) == []


@pytest.mark.parametrize(
    ("prose", "wrong"),
    [
        ("In the previous seven days you got through 10 of 15 planned tasks.", "10"),
        ("Deep work stood at 13 h in the seven days before.", "13 h"),
        ("Deep work stood at 10.5 h in the seven days before.", "10.5 h"),  # that is a week earlier
        ("Two weeks ago there were five meetings.", "five"),
        ("The week before that brought 18 h 15 of work.", "18 h 15"),
        ("Your working hours went from 13 to 16.25, then 21.5, and now 26.", "16.25"),
        ("You worked four and a half hours less than the week before.", "four and a half hours"),
        ("The completion rate climbed by 12.2 points, from 73.3 to 87.5.", "12.2 points"),
        ("tue 09:30-15:15, 2 blocks, 3h15.", "15:15"),
        ("tue 09:30-14:15, 2 blocks, 3h45.", "3h45"),
        ("The coming week is light: 9 h 15 are scheduled.", "9 h 15"),
        ("The fence gets its paint on Wednesday.", "Wednesday"),
        ("Thursday begins at nine.", "nine"),
        ("The tax papers took 2.5 hours instead of 2, so 35 % more.", "35 %"),
        ("The checkin took 50 minutes against an estimate of an hour.", "50 minutes"),
    ],
)
def test_false_ones_do_not(prose: str, wrong: str) -> None:
    assert wrong in [mention.text for mention in unsupported(prose, FACTS)]
