"""Drift against the raw estimate, and notes that keep naming trouble."""

from decimal import Decimal
from typing import Any

import pytest
from tests.observer_agent.rows import run

from planner_memory.observer_agent.drift import drifts, repeated_trouble
from planner_memory.ports.facts import FinishedRun


def runs_of(*pairs: tuple[str, str], **more: Any) -> list[FinishedRun]:
    return [
        run(f"2026-03-{n + 1:02} 08:00", f"2026-03-{n + 1:02} 09:00", f"t{n}", hours=actual, estimated_hours=Decimal(estimate), **more)
        for n, (estimate, actual) in enumerate(pairs)
    ]


def test_a_workflow_that_takes_longer_is_named_with_size_runs_and_a_suggestion() -> None:
    (found,) = drifts(runs_of(("2", "3"), ("2", "3"), ("4", "6"), workflow_id="ws:w1"))
    assert (found.kind, found.name, found.direction, found.drift_percent) == ("workflow", "ws:w1", "over", 50.0)
    assert (found.runs, found.runs_beyond_threshold, found.estimated_minutes, found.actual_minutes) == (3, 3, 480, 720)
    assert found.typical_factor == 1.5
    assert "1.5 times" in found.suggestion


def test_one_that_takes_less_is_named_too() -> None:
    (found,) = drifts(runs_of(("2", "1"), ("2", "1"), ("2", "1"), process_template_id="p"))
    assert (found.kind, found.direction, found.drift_percent) == ("template", "under", 50.0)


@pytest.mark.parametrize(
    "pairs",
    [
        [("2", "4"), ("2", "4")],  # two runs
        [("1", "1.3"), ("1", "1.3"), ("1", "1.3")],  # exactly 30 %
        [("1", "0.7"), ("1", "0.7"), ("1", "0.7")],
        [("0", "4"), ("0", "4"), ("0", "4")],  # no estimate
        [("2", "0"), ("2", "0"), ("2", "0")],
    ],
)
def test_what_is_no_drift(pairs: list[tuple[str, str]]) -> None:
    assert drifts(runs_of(*pairs, workflow_id="w")) == []


def test_just_beyond_thirty_percent_is_one() -> None:
    assert len(drifts(runs_of(("1", "1.31"), ("1", "1.3"), ("1", "1.3"), workflow_id="w"))) == 1


def test_sittings_count_as_one_task_and_open_tasks_not_at_all() -> None:
    more = runs_of(("2", "1"), ("2", "1"), ("2", "1"), workflow_id="w", is_done=False, whole_hours=None)
    more += runs_of(("2", "1"), ("2", "1"), ("2", "1"), workflow_id="w", whole_hours=Decimal(4))
    (found,) = drifts(more)
    assert (found.runs, found.drift_percent, found.direction) == (3, 100.0, "over")


def test_a_drift_of_few_runs_is_not_turned_into_a_factor() -> None:
    (found,) = drifts(runs_of(("2", "2"), ("2", "2"), ("2", "9"), workflow_id="w"))
    assert (found.runs_beyond_threshold, found.typical_factor) == (1, 1.0)
    assert "times" not in found.suggestion


def test_the_largest_comes_first() -> None:
    found = drifts(runs_of(*[("2", "3")] * 3, workflow_id="small") + runs_of(*[("2", "6")] * 3, workflow_id="large"))
    assert [d.name for d in found] == ["large", "small"]


def test_repeated_notes_in_three_runs() -> None:
    notes = ["Blocked by legal", "was BLOCKED again, delayed", "blocked: no access", "not blocked", "unblocked", None, "delayed"]
    found = repeated_trouble(
        [run("2026-03-02 08:00", "2026-03-02 09:00", f"t{n}", workflow_id="w", outcome_notes=note) for n, note in enumerate(notes)]
    )
    assert [(t.kind, t.name, t.word, t.runs) for t in found] == [("workflow", "w", "blocked", 3)]
