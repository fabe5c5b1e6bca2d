"""The numbers of a prose: found in every form, held to the facts, names left alone."""

import pytest

from planner_memory.observer_agent.checker import unsupported
from planner_memory.observer_agent.mentions import mentions

FACTS = {
    "starts_on": "2026-11-23",
    "since_at": "2026-11-23T09:30:00+05:45",
    "tasks_completed": 4,
    "deep_work_hours": 2.5833,
    "short_hours": 0.75,
    "completion_percent": 66.7,
    "average": {"tasks_completed": 3.5},
    "by_type": {"v2 release": 7},
    "completed": [{"title": "Draft 3 of 9"}, {"title": "Review"}],
    "billable": True,
    "missing": [],
}


@pytest.mark.parametrize(
    ("prose", "kinds"),
    [
        ("It took 2 h 35 min.", [("minutes", 155)]),
        ("2.5 hours, 1 hour and 5 minutes, 1:30 h, 90-minute", [("minutes", 150), ("minutes", 65), ("minutes", 90), ("minutes", 90)]),
        ("1,234 events and 12.5 % or 40 percent", [("count", 1234), ("percent", 12.5), ("percent", 40)]),
        ("three tasks, one task, one of them, half of it, a dozen", [("count", 3), ("count", 1), ("count", 1), ("percent", 50), ("count", 12)]),
        ("on 2026-11-23, 23 November 2026 and November 23", [("date", (2026, 11, 23)), ("date", (2026, 11, 23)), ("date", (None, 11, 23))]),
        ("at 09:30 and 17:05", [("time", (9, 30)), ("time", (17, 5))]),
        ("−15 % against before", [("percent", -15)]),
        ("the 2nd of the two", [("date", (None, None, 2)), ("count", 2)]),
        ("nothing to count here; someone did it", []),
        ("Tasks completed: 4", [("count", 4)]),
    ],
)
def test_every_form_is_found(prose: str, kinds: list[tuple[str, object]]) -> None:
    found = [(m.kind, m.value if isinstance(m.value, tuple) else float(m.value)) for m in mentions(prose)]
    assert found == [(kind, value if isinstance(value, tuple) else float(value)) for kind, value in kinds]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "prose",
    [
        "4 tasks in 2 h 35 min of deep work, or 2.6 hours, about 3 hours; 45 minutes; 155 min",
        "66.7 %, about 67 %",
        "3.5 tasks before. Two titles",
        "On Monday 23 November 2026 since 09:30.",
        "“Draft 3 of 9” and v2 release came 7 times.",
    ],
)
def test_facts_and_their_roundings_pass(prose: str) -> None:
    assert unsupported(prose, FACTS) == []


@pytest.mark.parametrize(
    ("prose", "wrong"),
    [
        ("5 tasks", "5"),
        ("three tasks", "three"),
        ("2 h 36 min", "2 h 36 min"),
        ("2.7 hours", "2.7 hours"),
        ("68 %", "68 %"),
        ("66.9 %", "66.9 %"),
        ("4 %", "4 %"),  # a count is no percentage
        ("4 hours", "4 hours"),
        ("24 November", "24 November"),
        ("23 November 2025", "23 November 2025"),
        ("at 09:31", "09:31"),
        ("Draft 5 of 9", "5"),
        ("one task", "one"),
        ("half of the tasks", "half"),
    ],
)
def test_what_is_no_fact_is_named(prose: str, wrong: str) -> None:
    assert wrong in [m.text for m in unsupported(prose, FACTS)]
