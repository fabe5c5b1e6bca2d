"""Habits, remembered preferences, weights, sprints, and what would make a task fit."""

import json
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import pytest

from planner_memory.core.profile import Profile
from planner_memory.core.tenancy import spanning
from planner_memory.scheduler_engine.cost import Weights, weights_of
from planner_memory.scheduler_engine.drafting import Draft, draft
from planner_memory.scheduler_engine.preferences import rules_in
from planner_memory.scheduler_engine.schemas import ScheduleIn
from planner_memory.scheduler_engine.terms import terms_of

MONDAY = datetime(2027, 3, 15, 8, tzinfo=UTC)


def drafted(*tasks: dict[str, Any], profile: Profile | None = None, said: str = "", **more: Any) -> Draft:
    body = ScheduleIn.model_validate({"tasks": [{"estimated_minutes": 60, **t} for t in tasks], **more})
    return draft(UUID(int=1), terms_of(body, profile or Profile(), MONDAY, (), rules_in(said)), ())


def starts(found: Draft) -> list[datetime]:
    return [datetime.fromisoformat(b["start"]) for b in found.blocks]


def test_an_hour_of_exercise_three_times_a_week() -> None:
    found = drafted({"task_id": "run", "title": "Exercise", "repeat": {"times": 3, "per": "week", "between": ["16:00", "17:30"]}})
    days = [s.date() for s in starts(found)]
    assert len(days) == len(set(days)) == 6
    assert [d.isocalendar().week for d in days] == [11, 11, 11, 12, 12, 12]
    assert all(time(16) <= s.time() <= time(16, 30) for s in starts(found))
    assert "1 of 3 in 2027-W11" in found.blocks[0]["rationale"]


def test_a_weekly_review_on_its_day_and_more_than_once_a_day_when_said() -> None:
    review = {"task_id": "review", "title": "Review", "repeat": {"days": ["fri"], "between": ["15:00", "17:00"]}}
    walk = {"task_id": "walk", "title": "Walk", "estimated_minutes": 15, "repeat": {"times": 2, "per": "day", "days": ["tue"], "most_per_day": 2}}
    found = drafted(review, walk)
    assert {s.weekday() for b, s in zip(found.blocks, starts(found), strict=True) if b["title"] == "Review"} == {4}
    assert sum(b["title"] == "Walk" for b in found.blocks) == 4


def test_a_habit_without_room_says_so() -> None:
    night = {"task_id": "run", "title": "Exercise", "repeat": {"times": 1, "per": "week", "between": ["05:00", "06:00"]}}
    found = drafted(night)
    assert not found.blocks
    assert all("allowed" in u["reason"] for u in found.unscheduled)
    with pytest.raises(ValueError, match="repeated"):
        drafted({"task_id": "a", "repeat": {}, "fixed_start": "2027-03-15T09:00:00Z"})
    many = drafted({"task_id": "a", "title": "A", "estimated_minutes": 15, "repeat": {"times": 9, "per": "week"}})
    assert any("no day of their own" in w for w in many.warnings)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I prefer deep work in the mornings.", "band"),
        ("No calls on Fridays", "no_meetings"),
        ("I don't work on weekends.", "day_off"),
        ("Never after four", "clip"),
        ("Nothing after 16:00, please", "clip"),
        ("No work before 10 am", "clip"),
        ("Maybe no work on Fridays?", None),
        ("Acme has no budget on Fridays", None),
        ("No calls after 16:00", None),
        ("No coffee after 16:00", None),
        ("I like mornings", None),
        ("No deep work in the evening", None),
    ],
)
def test_only_plain_preferences_become_rules(text: str, kind: str | None) -> None:
    assert [r.kind for r in rules_in(text)] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("task", "blocks"),
    [
        ({"title": "Hold the workshop"}, 1),
        ({"title": "Hold the workshop", "splittable": True}, 3),
        ({"title": "Hold the workshop", "max_chunk_minutes": 120}, 3),
        ({"title": "Prepare the workshop"}, 3),
    ],
)
def test_what_is_held_with_others_stays_in_one_piece(task: dict[str, Any], blocks: int) -> None:
    assert len(drafted({"task_id": "a", "estimated_minutes": 300, **task}).blocks) == blocks


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("No meetings before 10, deep work in the mornings", ["high-energy tasks preferably between 06:00 and 12:00"]),
        (
            "I prefer deep work in the mornings and never work after 4pm",
            ["high-energy tasks preferably between 06:00 and 12:00", "work only until 16:00"],
        ),
        (
            "Deep work in the mornings, admin in the afternoons",
            ["high-energy tasks preferably between 06:00 and 12:00", "low-energy tasks preferably between 12:00 and 17:00"],
        ),
        ("No calls on Mondays or Fridays and no work on weekends", ["no calls or meetings on Mondays, Fridays", "no work on weekends"]),
        ("No work on Friday afternoons", ["no work between 12:00 and 17:00 on Fridays"]),
        ("No calls on Friday afternoons", []),
        ("Never admin, deep work or calls before noon", []),
        ("I never do email, deep work in the mornings", []),
        ("If I can, deep work in the mornings", []),
    ],
)
def test_a_sentence_may_state_several_preferences(text: str, asks: list[str]) -> None:
    assert [r.asks for r in rules_in(text)] == asks


def test_preferences_shape_the_schedule_and_are_named() -> None:
    tasks = [{"task_id": f"t{n}", "energy": "high", "splittable": False} for n in range(8)]
    found = drafted(*tasks, {"task_id": "c", "title": "Call Acme", "earliest_start": "2027-03-19"}, said="Nothing after 15:00. No calls on Fridays.")
    assert all(datetime.fromisoformat(b["end"]).time() <= time(15) for b in found.blocks)
    assert next(s for b, s in zip(found.blocks, starts(found), strict=True) if b["task_id"] == "c").weekday() == 0
    assert sum(w.startswith("Preference used") for w in found.warnings) == 2
    own = drafted({"task_id": "t", "earliest_start": "2027-03-15T15:00Z"}, said="Nothing after 15:00", working_hours={"mon": [["09:00", "17:00"]]})
    assert starts(own)[0].hour == 15
    assert not own.warnings


def test_weights_of_the_person_and_of_the_request() -> None:
    assert weights_of() == Weights()
    assert weights_of({"late": {"1": 9}, "outside_band": 1}, {"outside_band": 2}).late == {1: 9, 2: 800, 3: 400, 4: 200}
    task = {"task_id": "a", "energy": "low", "priority": 1}
    assert starts(drafted(task))[0].hour == 15
    assert starts(drafted(task, weights={"outside_band": 0}))[0].hour == 9
    assert starts(drafted(task, profile=Profile(weights={"outside_band": 0})))[0].hour == 9


def test_what_would_make_it_fit_is_true() -> None:
    day = {"constraints": {"start_date": "2027-03-15", "end_date": "2027-03-15"}, "working_hours": {"mon": [["09:00", "11:00"], ["13:00", "15:00"]]}}
    long = {"task_id": "a", "estimated_minutes": 180, "splittable": False}
    left = drafted(long, **day).unscheduled[0]
    assert any("split" in f for f in left["fits_if"])
    assert "Shorten it to 2 h." in left["fits_if"]
    assert not drafted({**long, "splittable": True}, **day).unscheduled
    assert not drafted({**long, "estimated_minutes": 120}, **day).unscheduled


def test_starts_stand_on_quarter_hours_where_that_costs_nothing() -> None:
    busy = [{"start": "2027-03-15T09:00:00Z", "end": "2027-03-15T09:20:00Z"}]
    for start in ("2027-03-15T08:00:00Z", "2027-03-15T08:21:30Z"):
        found = drafted({"task_id": "a", "estimated_minutes": 15}, extra_busy=busy, constraints={"start_date": start})
        assert starts(found)[0].minute == 30


async def test_a_reschedule_never_goes_before_the_start_that_was_asked_for(place: Any) -> None:
    tasks = [{"task_id": "a", "estimated_minutes": 60, "splittable": False}, {"task_id": "b", "estimated_minutes": 60, "splittable": False}]
    run = await place.post("/schedule", {"tasks": tasks, "constraints": {"start_date": "2027-03-18", "end_date": "2027-03-24"}})
    first = run["schedule_blocks"][0]
    mended = await place.post("/reschedule", {"run_id": run["scheduler_run_id"], "extra_busy": [{"start": first["start"], "end": first["end"]}]})
    assert mended["moved"] == [first["task_id"]]
    assert all(b["start"] >= "2027-03-18" for b in mended["schedule_blocks"])


async def test_sprint_share_memory_what_if_and_load(place: Any) -> None:
    async with place.database.begin() as tx:
        await tx._connection.execute(
            "insert into sprints (name, starts_on, ends_on, planned_billable_hours) values ('Sprint 12', %s, %s, 2)",
            (date(2027, 3, 15), date(2027, 3, 26)),
        )
    place.memory.preferences = ["Nothing after 16:00"]
    tasks = [{"task_id": f"t{n}", "title": f"T{n}", "estimated_minutes": 120, "billable": n < 2} for n in range(4)]
    snapshot = "insert into workspace_records (record_id, kind, name, fields) values (%s, 'finance_snapshot', 'f', %s::jsonb)"
    with spanning("workspace"):
        async with place.database.begin() as tx:
            for taken_on, weeks in (("2026-01-01", 40), ("2026-02-01", 8), ("2099-01-01", 50)):
                await tx._connection.execute(snapshot, (f"ws:{taken_on}", json.dumps({"taken_on": taken_on, "runway_weeks": weeks})))
    said = await place.post("/schedule", {"tasks": tasks, "runway_weeks": 30, "dry_run": True})
    assert not any("of this schedule is billable" in w for w in said["warnings"])
    run = await place.post("/schedule", {"tasks": tasks})
    assert any("Sprint 12 plans 2 billable hours; this schedule puts 4" in w for w in run["warnings"])
    assert any("50% of this schedule is billable; with 8 weeks of runway" in w for w in run["warnings"])
    assert run["preferences"][0]["source"] == "Nothing after 16:00"
    assert all(datetime.fromisoformat(b["end"]).hour <= 16 for b in run["schedule_blocks"])
    load = await place.get("/load?start=2027-03-15&end=2027-03-16")
    assert [d["day"] for d in load["days"]] == ["2027-03-15", "2027-03-16"]
    assert sum(d["planned_minutes"] for d in load["days"]) == 480
    before = await place.events()
    off = await place.post("/what-if", {"run_id": run["scheduler_run_id"], "exceptions": {"2027-03-15": []}}, 200)
    monday = {b["task_id"] for b in run["schedule_blocks"] if b["start"].startswith("2027-03-15")}
    assert {m["task_id"] for m in off["moves"]} >= monday
    assert not any(s.startswith("2027-03-15") for m in off["moves"] for s, _ in m["would_be"])
    assert await place.events() == before
    await place.post("/what-if", {"run_id": run["scheduler_run_id"]}, 422)
    place.memory.down = True
    again = await place.post("/schedule", {"tasks": tasks[:1], "dry_run": True})
    assert any("Remembered preferences were not used" in w for w in again["warnings"])
