"""Reflections as a language model tells them: a quoted title and its numbers, streaks, days ahead. True ones pass, one changed number does not."""

import pytest

from planner_memory.observer_agent.checker import unsupported

_WEEK = {"tasks_completed": 14, "worked_hours": 30.0, "deep_work_hours": 21.5, "meeting_hours": 3.5, "completion_percent": 87.5}


def _done(title: str, actual: float, estimate: float, percent: float) -> dict[str, object]:
    direction = "over" if actual > estimate else "under"
    return {"title": title, "actual_hours": actual, "estimated_hours": estimate, "variance_percent": percent, "direction": direction}


def _block(title: str, starts_at: str, lasts: float) -> dict[str, object]:
    return {"title": title, "starts_at": f"{starts_at}:00+00:00", "lasts_hours": lasts}


FACTS = {
    "starts_on": "2026-03-04",
    "ends_on": "2026-03-04",
    "activity": {"events": 9, "by_type": {"mail": 5, "call": 3, "note": 1}},
    "rhythm": {
        "runs": 5,
        "worked_hours": 8.25,
        "billable_hours": 6.75,
        "deep_work_hours": 5.5,
        "meetings": 1,
        "meeting_hours": 0.75,
        "scheduled_hours": 7.5,
        "tasks_completed": 4,
        "tasks_planned": 6,
        "planned_tasks_completed": 4,
        "completion_percent": 66.7,
        "context_switches": 3,
    },
    "completed": [
        _done("Pack the samples", 2.75, 2.0, 37.5),
        _done("Review call 1", 1.25, 1.0, 25.0),
        _done("Review call 2", 0.75, 1.0, 25.0),
        _done("Write to the printer", 3.5, 3.0, 16.7),
    ],
    "slipped": [
        {"title": "Count the stock", "planned_on": "2026-03-04", "moved_to_on": "2026-03-06"},
        {"title": "Ask for the permit", "planned_on": "2026-03-04", "moved_to_on": None},
    ],
    "upcoming": [
        _block("Set the price list", "2026-03-05T09:00", 1.5),
        _block("Set the price list", "2026-03-05T11:30", 2.0),
        _block("Plan the fair", "2026-03-05T14:15", 1.25),
        _block("Count the stock", "2026-03-06T10:00", 2.5),
        _block("Plan the fair", "2026-03-06T13:30", 0.75),
    ],
    "ahead": {"tasks": 3, "scheduled_hours": 8.0},
    "drift": [
        {
            "kind": "workflow",
            "name": "ws:workflow-fairs",
            "direction": "over",
            "drift_percent": 44.0,
            "runs": 7,
            "runs_beyond_threshold": 5,
            "estimated_hours": 14.0,
            "actual_hours": 20.16,
            "typical_factor": 1.44,
            "suggestion": "Estimate it at 1.4 times what you would say at first.",
        }
    ],
    "trend": {"earlier_weeks": [_WEEK], "average": {"weeks": 3, "worked_hours": 27.3333, "deep_work_hours": 19.75, "completion_percent": 81.2}},
    "streaks": {"completed_task_days": 6, "deep_work_days": 4, "plan_kept_days": 0},
    "thresholds": {"drift_beyond_percent": 30.0},
}

SENTENCES = [
    # what a title's own words measure
    ("“Pack the samples” was closed after 2.75 hours, 37.5 % beyond the estimate of 2.0.", ["2.75|2.0", "37.5|35.7", "of 2.0|of 3.0"]),
    ("“Pack the samples” is done. It took 2.75 hours, 45 minutes more than the 2.0 estimated.", ["2.75|3.5", "45 min|55 min", "the 2.0|the 1.0"]),
    ("You had put “Write to the printer” at 3.0 hours; it needed 3.5.", ["3.5.|4.5."]),
    ("You had estimated “Pack the samples” at 2.0 hours and spent 2.75.", ["at 2.0|at 2.5", "2.75|2.25"]),
    ("“Write to the printer” used 3.5 hours for 3 estimated.", ["3.5|3.0", "for 3|for 4"]),
    ("“Write to the printer” – done in 3 h 30 min, half an hour above its estimate.", ["3 h 30|3 h 50", "half an hour|an hour"]),
    ("“Pack the samples” and “Write to the printer” are complete, at 2.75 and 3.5 hours.", ["2.75 and 3.5|3.5 and 2.75"]),
    ("“Review call 1” ran 25.0 % over, “Pack the samples” 37.5 %.", ["25.0 %|37.5 %"]),
    ("The two review calls took 2.0 hours together, against 2 estimated.", ["2.0 hours|2.5 hours"]),
    # lists of blocks
    ("“Set the price list” starts at 9:00 on Thursday and “Plan the fair” at 14:15.", ["9:00|14:15", "14:15|13:30", "Thursday|Friday"]),
    ("On Thursday “Set the price list” is at 9:00 and 11:30, for 1.5 and 2.0 hours.", ["11:30|12:30", "1.5 and 2.0|2.0 and 1.5"]),
    ("“Set the price list” and “Plan the fair” are both on Thursday, at 9:00 and 14:15.", ["9:00 and 14:15|14:15 and 9:00"]),
    ("“Set the price list” has two blocks on Thursday.", ["two|three"]),
    ("Thursday has two tasks.", ["two|four"]),
    ("“Plan the fair” follows at 14:15. It goes on on Friday at 13:30.", ["at 13:30|at 11:45", "on Friday|on Monday"]),
    # what slipped
    ("“Count the stock” slipped from 4 March to 6 March.", ["4 March|3 March", "6 March|5 March"]),
    ("“Ask for the permit”, planned for Wednesday, has no new date.", ["Wednesday|Tuesday"]),
    # how often
    ("“ws:workflow-fairs” is 44.0 % over across 7 runs; 5 of the 7 went beyond the threshold.", ["44.0|40.0", "across 7|across 5", "5 of|6 of"]),
    ("“ws:workflow-fairs” needed 20.16 hours for an estimated 14.", ["20.16|18.16", "estimated 14|estimated 12"]),
    ("9 events came in, 5 of them mails and 3 calls.", ["5 of|4 of", "9 ev|8 ev"]),
    # counts with one meaning
    ("The streak of days with a finished task stands at 6.", ["6.|4."]),
    ("Four days in a row have had deep work.", ["Four|Six"]),
    # the person's own
    ("You worked 8.25 hours against 7.5 scheduled; 5.5 of your hours were deep work.", ["8.25|9.25", "7.5 s|6.5 s", "5.5 of|4.5 of"]),
    ("There was one meeting of 45 minutes.", ["45|30"]),
    ("In the weeks before, you averaged 27.33 worked hours.", ["27.33|30.33"]),
    ("## Trend\n- Deep work was 5.5 hours, with an average of 19.75.", ["5.5|6.5", "19.75|21.75"]),
]
CHANGED = [(text, change) for text, changes in SENTENCES for change in changes]


@pytest.mark.parametrize("text", [text for text, _ in SENTENCES])
def test_what_is_told_of_a_title_as_it_is_passes(text: str) -> None:
    assert [mention.text for mention in unsupported(text, FACTS)] == []


@pytest.mark.parametrize(("text", "change"), CHANGED)
def test_one_changed_number_is_named(text: str, change: str) -> None:
    told, instead = change.split("|")
    assert text.count(told) == 1
    assert unsupported(text.replace(told, instead), FACTS) != []
