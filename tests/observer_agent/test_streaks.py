"""Days in a row, estimates against hours, and what the notes of repeated trouble have in common."""

from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.observer_agent.rows import at, block, run

from planner_memory.observer_agent.drift import repeated_trouble, themes
from planner_memory.observer_agent.periods import dated
from planner_memory.observer_agent.streaks import LOOK_BACK_DAYS, streaks
from planner_memory.observer_agent.variance import variances

UTC_ZONE = ZoneInfo("UTC")
FRIDAY_NIGHT = at("2026-11-21 00:00")


def test_a_weekend_neither_counts_nor_breaks_and_a_day_without_a_finished_task_does() -> None:
    days = [13, 16, 17, 19, 20]  # Friday, Monday, Tuesday; not on Wednesday; Thursday, Friday
    runs = [run(f"2026-11-{day} 08:00", f"2026-11-{day} 10:00", f"t{day}") for day in days]
    assert streaks(FRIDAY_NIGHT, FRIDAY_NIGHT, UTC_ZONE, runs, [], [], frozenset()).completed_task_days == 2
    tuesday = at("2026-11-18 00:00")
    found = streaks(tuesday, tuesday, UTC_ZONE, runs, [], [], frozenset())
    assert (found.completed_task_days, found.deep_work_days, found.plan_kept_days) == (3, 3, 0)


def test_a_day_that_is_not_over_does_not_break_a_streak() -> None:
    runs = [run(f"2026-11-{day} 08:00", f"2026-11-{day} 08:30", f"t{day}") for day in (18, 19)]
    morning = at("2026-11-20 09:00")
    assert streaks(morning, morning, UTC_ZONE, runs, [], [], frozenset()).completed_task_days == 2
    assert streaks(FRIDAY_NIGHT, FRIDAY_NIGHT, UTC_ZONE, runs, [], [], frozenset()).completed_task_days == 0


def test_the_plan_is_kept_when_all_of_a_day_s_blocks_got_done() -> None:
    blocks = [block(f"2026-11-{day} 09:00", f"2026-11-{day} 10:00", f"t{day}") for day in (17, 19, 20)]
    runs = [run(f"2026-11-{day} 09:00", f"2026-11-{day} 10:00", f"t{day}") for day in (17, 19, 20)]
    assert streaks(FRIDAY_NIGHT, FRIDAY_NIGHT, UTC_ZONE, runs, blocks, [], frozenset()).plan_kept_days == 3  # nothing was planned on the 18th
    assert streaks(FRIDAY_NIGHT, FRIDAY_NIGHT, UTC_ZONE, runs[1:], blocks, [], frozenset()).plan_kept_days == 2


def test_a_streak_is_as_long_as_one_looks_back_at_the_most() -> None:
    first = at("2026-10-01 08:00")
    runs = [run((first + timedelta(days=n)).isoformat(), (first + timedelta(days=n, hours=1)).isoformat(), f"t{n}") for n in range(60)]
    end = at("2026-11-20 00:00")
    assert streaks(end, end, UTC_ZONE, runs, [], [], frozenset()).completed_task_days == LOOK_BACK_DAYS


def test_variance_of_a_period_by_workflow_and_template() -> None:
    day = dated("daily", date(2026, 11, 20), UTC_ZONE)
    runs = [
        run("2026-11-20 08:00", "2026-11-20 11:00", "a", workflow_id="audits", process_template_id="p", estimated_hours=Decimal(2)),
        run("2026-11-20 12:00", "2026-11-20 13:00", "b", workflow_id="audits", estimated_hours=Decimal(2)),
        run("2026-11-20 14:00", "2026-11-20 15:00", "c", workflow_id="audits"),  # without an estimate
        run("2026-11-19 14:00", "2026-11-19 19:00", "d", workflow_id="audits", estimated_hours=Decimal(1)),  # the day before
    ]
    found = [(v.kind, v.name, v.runs, v.estimated_minutes, v.actual_minutes, v.variance_percent, v.direction) for v in variances(runs, day)]
    assert found == [("template", "p", 1, 120, 180, 50.0, "over"), ("workflow", "audits", 2, 240, 240, 0.0, "as estimated")]


def test_themes_are_what_several_notes_speak_of() -> None:
    notes = ["Blocked by missing access to the CRM", "blocked: missing access, then done", "Was blocked, access came late"]
    assert themes(notes) == ["access", "missing access"]
    assert themes(["Blocked", "blocked again", "blocked by rain"]) == []
    runs = [run(f"2026-11-{n + 10} 08:00", f"2026-11-{n + 10} 09:00", f"t{n}", workflow_id="w", outcome_notes=note) for n, note in enumerate(notes)]
    (trouble,) = repeated_trouble(runs)
    assert (trouble.word, trouble.runs, trouble.themes) == ("blocked", 3, ("access", "missing access"))
