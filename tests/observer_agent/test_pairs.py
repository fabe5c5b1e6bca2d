"""Two durations measured against one another are of one thing; numbers told together of an earlier week are of that week."""

import pytest

from planner_memory.observer_agent.checker import unsupported


def _week(worked: float, billable: float, done: int, planned: int, percent: float, meetings: int) -> dict[str, float]:
    return {
        "runs": done + 1,
        "worked_hours": worked,
        "billable_hours": billable,
        "not_billable_hours": worked - billable,
        "deep_work_hours": worked - 2.5,
        "meetings": meetings,
        "meeting_hours": meetings * 0.75,
        "scheduled_hours": worked + 2.75,
        "tasks_completed": done,
        "tasks_planned": planned,
        "planned_tasks_completed": done,
        "completion_percent": percent,
        "context_switches": done - 2,
    }


FACTS = {
    "starts_on": "2026-11-17",
    "ends_on": "2026-11-17",
    "rhythm": _week(5.9167, 5.4167, 3, 4, 75.0, 1) | {"scheduled_hours": 5.0},
    "completed": [
        {"title": "Proofread the annual report", "actual_hours": 2.9167, "estimated_hours": 2.0, "variance_percent": 45.8, "direction": "over"},
        {"title": "Newsletter", "actual_hours": 1.0833, "estimated_hours": 1.5, "variance_percent": 27.8, "direction": "under"},
    ],
    "upcoming": [{"title": "Proofread the flyer", "starts_at": "2026-11-18T09:00:00+00:00", "lasts_hours": 1.5}],
    "drift": [
        {
            "kind": "workflow",
            "name": "ws:workflow-proofs",
            "runs": 7,
            "runs_beyond_threshold": 6,
            "actual_hours": 16.5833,
            "estimated_hours": 11.0,
            "drift_percent": 50.8,
        },
    ],
    "sprint": {"planned_billable_hours": 7.5, "actual_billable_hours": 5.4167},
    "trend": {
        "earlier_weeks": [_week(21.5, 19.25, 13, 17, 76.5, 4), _week(16.3333, 14.0, 9, 12, 75.0, 5)],
        "average": _week(18.9167, 16.625, 11, 14.5, 75.8, 4.5),
    },
}
TRUE = [
    "Proofs keep overrunning: 16.58 hours for an estimated 11.",
    "Proofreading is a habit by now. It took 2 h 55 min where you expected 2 h.",
    "Seven of them have taken a little over sixteen and a half hours where eleven were estimated.",
    "You worked 5 h 55 min against 5 scheduled.",
    "The newsletter was estimated at an hour and a half and took 1 h 5 min.",
    "In total the proofs have cost 16 h 35 min instead of 11 h.",
    "Both tasks together: 4 hours spent, 3.5 estimated.",
    "Billable time was 5 h 25 min, 7.5 hours were planned.",
    "Worked hours: 5.92, against 18.92 in an average week.",
    "Proofreading took 2 h 55 min, 55 minutes more than estimated.",
    "“ws:workflow-proofs” is at 16.58 hours over 7 runs, where 11 were estimated, and six of them went beyond the limit.",
    "Proofs are 50.8 % over, in 7 runs.",
    "The flyer is to be proofread on Wed 18 Nov at 9:00.",
    "The seven days up to yesterday brought 13 finished tasks in 21.5 hours.",
    "Last week was another matter. You worked 21 h 30 min, 19 h 15 min of which were billable, and spent 3 hours in four meetings.",
    "Back then you finished 13 of 17 tasks, a rate of 76.5 %.",
    "Three tasks were done, more of the same is in the calendar for the coming seven days.",
]
FALSE = {
    "Proofs keep overrunning: 16.58 hours for an estimated 14.": "14",
    "Seven of them have taken 16 h 35 min where twelve were estimated.": "twelve",
    "You worked 5 h 55 min against 5.5 scheduled.": "5.5",
    "In total the proofs have cost 16 h 35 min instead of 13 h.": "13 h",
    "The newsletter was estimated at two hours and took 1 h 5 min.": "two hours",
    "Proofs are 50.8 % over, in 9 runs.": "9",
    "“ws:workflow-proofs” is at 16.58 hours over 6 runs, where 11 were estimated.": "6",
    "The proofs took long. Four of them went beyond the limit.": "Four",
    "The flyer is to be proofread on Thu 18 Nov at 9:00.": "Thu 18 Nov",
    "You worked 5 h against 5 h 55 min scheduled.": "5 h",
    "The seven days up to yesterday brought 14 finished tasks in 20.5 hours.": "20.5 hours",
    "Last week you worked 19 h 15 min, 21 h 30 min of which were billable.": "21 h 30 min",
}


@pytest.mark.parametrize("prose", TRUE)
def test_what_is_true_of_one_thing_or_one_week_passes(prose: str) -> None:
    assert [number.text for number in unsupported(prose, FACTS)] == []


@pytest.mark.parametrize("prose", FALSE)
def test_a_number_of_another_thing_or_another_week_is_found(prose: str) -> None:
    assert FALSE[prose] in [number.text for number in unsupported(prose, FACTS)]
