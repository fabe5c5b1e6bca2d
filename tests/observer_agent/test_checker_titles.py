"""Free wordings about tasks and weeks: in `{true|false}` the first makes the sentence true, the second makes it false."""

# ruff: noqa: E501 - a sentence is read best on one line

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from planner_memory.observer_agent.checker import unsupported

_CHOICE = re.compile(r"\{([^|{}]*)\|([^|{}]*)\}")


def _week(**more: Any) -> dict[str, Any]:
    plain = {"runs": 9, "meetings": 3, "meeting_hours": 2.5, "context_switches": 6, "scheduled_hours": 24.0, "not_billable_hours": 3.0}
    return {**plain, **more}


def _upcoming(title: str, start: str, lasts: float) -> dict[str, Any]:
    return {"title": title, "starts_at": f"{start}:00+00:00", "lasts_hours": lasts}


def _done(title: str, actual: float, estimate: float) -> dict[str, Any]:
    off = round(abs(actual / estimate - 1) * 100, 1)
    return {
        "title": title,
        "actual_hours": actual,
        "estimated_hours": estimate,
        "variance_percent": off,
        "direction": "over" if actual > estimate else "under",
    }


WEEK: dict[str, Any] = {
    "starts_on": "2027-03-08",
    "ends_on": "2027-03-14",
    "activity": {"events": 14, "by_type": {"mail": 8, "call": 5, "note": 1}},
    "rhythm": _week(
        worked_hours=23.25, billable_hours=19.0, not_billable_hours=4.25, deep_work_hours=16.75, meetings=5, meeting_hours=3.5, scheduled_hours=26.0,
        tasks_completed=9, tasks_planned=12, planned_tasks_completed=9, completion_percent=75.0, context_switches=8,
    ),
    "completed": [
        _done("Repair the garden wall", 5.5, 4.0),
        _done("Paint samples and colour card", 2.25, 2.5),
        _done("Tour 1", 2.9167, 2.0),
        _done("Tour 2", 3.1667, 2.0),
        _done("Answer the harbour office", 0.8333, 0.75),
    ],
    "slipped": [
        {"title": "Order the oak boards", "planned_on": "2027-03-09", "moved_to_on": None},
        {"title": "Photograph the old shed", "planned_on": "2027-03-11", "moved_to_on": "2027-03-18"},
    ],
    "upcoming": [
        _upcoming("Tour 1", "2027-03-15T09:30", 2.0),
        _upcoming("Answer the harbour office", "2027-03-15T11:30", 0.75),
        _upcoming("Repair the garden wall", "2027-03-16T10:00", 2.0),
        _upcoming("Repair the garden wall", "2027-03-16T14:15", 1.5),
        _upcoming("Photograph the old shed", "2027-03-18T13:00", 1.25),
    ],
    "ahead": {"tasks": 7, "scheduled_hours": 18.5},
    "drift": [
        {
            "kind": "workflow", "name": "ws:workflow-tour", "direction": "over", "drift_percent": 43.8, "runs": 7, "runs_beyond_threshold": 5,
            "estimated_hours": 14.0, "actual_hours": 20.1333, "typical_factor": 1.4, "suggestion": "Estimate it at 1.4 times what you would say at first.",
        },
    ],
    "variance": [
        {"kind": "workflow", "name": "ws:workflow-tour", "runs": 2, "estimated_hours": 4.0, "actual_hours": 6.0833, "variance_percent": 52.1, "direction": "over"},
    ],
    "trend": {
        "earlier_weeks": [
            _week(worked_hours=29.0, billable_hours=21.5, deep_work_hours=18.0, tasks_completed=13, tasks_planned=15, planned_tasks_completed=13,
                  completion_percent=86.7, meetings=4, meeting_hours=2.25, context_switches=11),
            _week(worked_hours=17.75, billable_hours=12.0, deep_work_hours=9.5, tasks_completed=10, tasks_planned=14, planned_tasks_completed=10,
                  completion_percent=71.4),
        ],
        "average": {"weeks": 2, "tasks_completed": 11.5, "worked_hours": 23.375, "deep_work_hours": 13.75, "meeting_hours": 2.375, "completion_percent": 79.1},
    },
    "sprint": {"planned_billable_hours": 22.0, "actual_billable_hours": 19.0, "share_percent": 86.4, "billable_share_percent": 81.7},
    "streaks": {"completed_task_days": 6, "deep_work_days": 4, "plan_kept_days": 2},
    "tasks": {"open_tasks": 16, "blocked_tasks": 0},
}  # fmt: skip
DAY: dict[str, Any] = {
    **WEEK,
    "starts_on": "2027-03-10",
    "ends_on": "2027-03-10",
    "rhythm": _week(
        worked_hours=5.0833, billable_hours=5.0833, not_billable_hours=0.0, deep_work_hours=4.5, meetings=1, meeting_hours=0.5, scheduled_hours=6.25,
        tasks_completed=2, tasks_planned=3, planned_tasks_completed=2, completion_percent=66.7, context_switches=2,
    ),
    "completed": [_done("Tour 2", 3.1667, 2.0), _done("Paint samples and colour card", 1.9167, 2.5)],
    "slipped": [{"title": "Order the oak boards", "planned_on": "2027-03-10", "moved_to_on": None}],
}  # fmt: skip

OF_TITLES = [
    # the nearest title has the number, whole or in other words
    "- **Tour 1** – {2 h 55 min|3 h 10 min} for an estimate of 2 h, so {46|58} % over.",
    "Tour 2 took {3 h 10 min|2 h 55 min}, Tour 1 five to three hours; each was meant to take two.",
    "Repairing the wall cost {five and a half|four and a half} hours where {four|five} had been allowed.",
    "The wall needed {90|40} minutes more than you thought, and the samples stayed {a quarter of an hour|three quarters of an hour} below their estimate.",
    "Answering the harbour office: {50|75} minutes instead of {45|60}.",
    "The wall ran to {5.5|4.5} h (planned: 4 h), the colour card to {2 h 15|2 h 45}.",
    "The wall took an hour and a half longer than the {four|five} hours you gave it.",
    # lists of blocks ahead
    "Monday opens at {9:30|10:30} with Tour 1, then the harbour office from {11:30|11:00}.",
    "On Tuesday you go on with the garden wall at 10:00 and again at {14:15|15:15}, for {an hour and a half|two and a half hours}.",
    "Tour 1 is set for {Monday|Wednesday} at half past nine, and the photographs of the old shed for Thursday at {one in the afternoon|three in the afternoon}.",
    "Next week starts on Monday at {9:30|8:30}.",
    "Next Monday starts at {9:30|8:30}; the old shed is photographed on Thursday at 13:00.",
    # days of what slipped
    "Two things slipped: the oak boards, meant for {Tuesday|Friday}, and the photographs of the old shed.",
    "1. Order the oak boards ({Tuesday|Wednesday})",
    # pronouns keep the title of the sentence before
    "The garden wall was the hard one. It took {5 h 30|6 h 30} where you expected 4 h.",
    "Let's be frank about the tours. {Seven|Nine} of them have taken {20.1|22.1} hours where {fourteen|sixteen} were estimated.",
    "Two tours together took {6.1|7.1} hours for {4|5} estimated, that is 52 % over.",
    "A tour takes you 1.4 times what you say: book {2 h 48 min|3 h 18 min} rather than two hours next time.",
]
OF_WEEKS = [
    "Last week you finished {13|11} of 15 tasks. You worked {29|26} hours, {21.5|23.5} of which were billable, and sat in {four|six} meetings.",
    "Compared with the week before\n\nBack then you closed {13|12} of {15|14} tasks in {29|27} hours.",
    "You worked 23 h 15 min, {5 h 45 min|4 h 45 min} less than the week before.",
    "Nine tasks got done, {2.5|3.5} fewer than your average of 11.5.",
    "You switched {eight|nine} times, three fewer than last week's {eleven|thirteen}.",
    "Of the 23 h 15 min, all but {4 h 15 min|5 h 15 min} were billable.",
    "Billable: 86 % of the {22|24} planned.",
    "You had blocked {26|28} hours and worked 23.25 of them.",
    "Nine done, {two|four} slipped.",
    "You have kept the plan {2|6} days running.",
    "It was a lean week: {23.25 hours|21.25 hours}, when your average is 23.4.",
    "14 events came in, {eight|six} of them mails.",
    "Twelve tasks had been planned, nine were done, {three|five} weren't.",
    "The billable target was missed by {three|four} hours, or {13.6|18.6} %.",
    "Average completion over the two weeks before: {79|89} %.",
    "Last week: {13|11} tasks of 15, 29 hours, {18|16} of them deep work.",
    "{Three in four|Four in five} planned tasks made it.",
]  # fmt: skip
OF_A_DAY = [
    "{Wednesday|Thursday} was a fair day: two of {three|four} tasks done.",
    "The {tenth|eleventh} of March was a fair day.",
    "You finished 2 of 3 tasks this {Wednesday|Tuesday}.",
    "The tour took 3 h 10, the samples just {1 h 55|2 h 25}.",
    "Both tasks were off, by {58|68} and 23 percent.",
    "# {Wednesday|Monday}, 10 March",
]


def _cases() -> Iterator[tuple[str, dict[str, Any], str]]:
    for texts, facts in ((OF_TITLES, WEEK), (OF_WEEKS, WEEK), (OF_A_DAY, DAY)):
        for text in texts:
            yield _CHOICE.sub(r"\1", text), facts, ""
            for n, match in enumerate(_CHOICE.finditer(text)):
                at = iter(range(9))
                yield _CHOICE.sub(lambda m, n=n, at=at: m[2] if next(at) == n else m[1], text), facts, match[2]  # type: ignore[misc]


@pytest.mark.parametrize(("prose", "facts", "lie"), [pytest.param(*case, id=case[0][:90]) for case in _cases()])
def test_a_true_sentence_passes_and_each_lie_is_found(prose: str, facts: dict[str, Any], lie: str) -> None:
    found = [prose[m.start : m.end] for m in unsupported(prose, json.loads(json.dumps(facts)))]
    assert bool(found) == bool(lie), (found, lie)
