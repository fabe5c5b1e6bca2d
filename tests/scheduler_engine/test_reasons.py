"""The sentences of a schedule: why a block is there, why a task is not, what would help, and what gave way."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from planner_memory.core.profile import Profile
from planner_memory.scheduler_engine.drafting import Draft, draft
from planner_memory.scheduler_engine.preferences import rules_in
from planner_memory.scheduler_engine.schemas import ScheduleIn
from planner_memory.scheduler_engine.terms import terms_of

MONDAY = datetime(2027, 3, 15, 7, tzinfo=UTC)


def task(task_id: str, hours: float, **more: Any) -> dict[str, Any]:
    return {"task_id": task_id, "estimated_hours": hours, **more}


def drafted(*tasks: dict[str, Any], said: str = "", **more: Any) -> Draft:
    body = ScheduleIn.model_validate({"tasks": tasks, "time_zone": "Europe/Berlin", **more})
    return draft(UUID(int=1), terms_of(body, Profile(), MONDAY, (), rules_in(said)), ())


def why(found: Draft, task_id: str) -> list[str]:
    return [b["rationale"] for b in found.blocks if b["task_id"] == task_id]


def test_a_block_says_what_holds_it_where_it_is() -> None:
    found = drafted(
        task("brief", 2, title="Write the brief", energy="high", deadline="2027-03-16"),
        task("call", 0.5, title="Call Acme", depends_on=["brief"]),
        task("later", 1, title="Later", earliest_start="2027-03-17T09:00:00+01:00", priority="low"),
        task("demo", 1, title="Demo", fixed_start="2027-03-18T14:00:00+01:00"),
        task("past", 1, title="Overdue", deadline="2027-03-15T09:00:00+01:00", priority="low"),
    )
    assert why(found, "brief") == ["In your high-energy hours; done 1 day before it is due, the end of Tue 16 Mar."]
    assert why(found, "call") == ["After “Write the brief”; as early as other work allows (priority medium)."]
    assert why(found, "later") == ["On the first day you allow; as early as other work allows (priority low)."]
    assert why(found, "demo") == ["At the time you set."]
    assert "late: it was due Mon 15 Mar 09:00" in why(found, "past")[0]


def test_too_much_before_a_deadline_is_said_before_anything_else() -> None:
    window = {"start_date": "2027-03-15", "end_date": "2027-03-19"}
    found = drafted(
        task("a", 12, deadline="2027-03-16"), task("b", 12, deadline="2027-03-16"), task("c", 2, deadline="2027-03-17"), constraints=window
    )
    assert found.warnings[0].startswith("7 h too much before the end of Tue 16 Mar: what is due by then needs 24 h, and 17 h are free.")
    assert sum("too much before" in w for w in found.warnings) == 1  # by Wednesday the room is there again


def test_what_is_left_out_says_why_when_and_what_would_help() -> None:
    window = {"start_date": "2027-03-15", "end_date": "2027-03-15"}
    found = drafted(
        task("a", 8, title="Audit", priority="urgent"),
        task("b", 3, title="Slides", priority="low", splittable=False),
        task("c", 10, title="Big one", splittable=False, priority="low"),
        task("d", 1, title="Waits", depends_on=["c"]),
        constraints=window,
    )
    left = {u["task_id"]: u for u in found.unscheduled}
    assert "22 h are asked for and 8 h 30 min are free" in left["b"]["reason"]
    assert "costs less to leave out than “Audit”" in left["b"]["reason"]
    assert left["b"]["earliest_possible"].startswith("2027-03-16T")
    assert any(hint.startswith("Extend the window beyond Tue 16 Mar") for hint in left["b"]["fits_if"])
    assert "needs 10 h in one piece; the longest free time is 8 h 30 min" in left["c"]["reason"]
    assert any("split into pieces" in hint and "extend the window" in hint for hint in left["c"]["fits_if"])
    assert left["d"]["reason"] == "It waits for “Big one”, which could not be placed."
    assert left["d"]["fits_if"] == ["Make room for “Big one” first."]
    assert any("tasks found no place" in w and "“Slides”" in w for w in found.warnings)


def test_a_preference_that_gave_way_is_named_with_the_words_behind_it() -> None:
    found = drafted(task("report", 9, title="Report", energy="high", priority="urgent"), said="Deep work in the mornings.")
    given = [w for w in found.warnings if "outside your high-energy hours" in w]
    assert given
    assert "though you said “Deep work in the mornings” (“Report”)" in given[0]
