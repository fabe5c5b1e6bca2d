"""Counting hours: cut at the period's edges, never twice, adding up."""

from datetime import date, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from tests.observer_agent.rows import at, between, block, run

from planner_memory.core.intervals import Interval
from planner_memory.observer_agent.assembly import slipped_of
from planner_memory.observer_agent.periods import dated
from planner_memory.observer_agent.rhythm import minutes_within, percent, rhythm

UTC_ZONE, BERLIN, KATHMANDU = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
DAY = between("2026-03-02 00:00", "2026-03-03 00:00")


def test_a_run_across_midnight_is_cut_and_its_parts_add_up() -> None:
    late = run("2026-03-02 23:15", "2026-03-03 00:46", hours="1.5")
    parts = [minutes_within(late, dated("daily", date(2026, 3, day), UTC_ZONE)) for day in (1, 2, 3, 4)]
    assert parts[0] == parts[3] == 0
    assert parts[1] + parts[2] == 90
    assert 44 <= parts[1] <= 45


@given(
    st.datetimes(min_value=at("2026-03-20").replace(tzinfo=None), max_value=at("2026-04-05").replace(tzinfo=None)),
    st.integers(min_value=0, max_value=4000),
    st.decimals(min_value="0.01", max_value="60", places=2),
    st.sampled_from([UTC_ZONE, BERLIN, KATHMANDU]),
)
def test_the_days_of_a_run_add_up_to_its_recorded_hours(start, lasts, hours, tz) -> None:  # type: ignore[no-untyped-def]
    began = start.replace(tzinfo=UTC_ZONE)
    one = run(began.isoformat(), (began + timedelta(minutes=lasts)).isoformat(), hours=str(hours))
    days = [dated("daily", began.astimezone(tz).date() + timedelta(days=n), tz) for n in range(-1, 6)]
    assert sum(minutes_within(one, day) for day in days) == round(Fraction(hours) * 60)


def test_the_night_of_25_hours_holds_two_hours_between_two_and_three() -> None:
    night = run("2026-10-25T01:30:00+02:00", "2026-10-25T03:30:00+01:00")
    counted = rhythm(dated("daily", date(2026, 10, 25), BERLIN), BERLIN, [night], [], [])
    assert counted.worked_minutes == counted.deep_work_minutes == 180


def test_billable_and_other_minutes_add_up_to_all() -> None:
    runs = [
        run("2026-03-02 08:00", "2026-03-02 08:20", "a", billable=True),
        run("2026-03-02 09:00", "2026-03-02 09:20", "b", billable=False),
        run("2026-03-02 10:00", "2026-03-02 10:20", "c"),
    ]
    counted = rhythm(DAY, UTC_ZONE, runs, [], None)
    assert (counted.billable_minutes, counted.not_billable_minutes, counted.unmarked_minutes) == (20, 20, 20)
    assert counted.worked_minutes == 60


def test_deep_work_is_an_hour_on_one_task_without_a_meeting() -> None:
    runs = [
        run("2026-03-02 08:00", "2026-03-02 09:00", "deep"),  # with the next one: two hours on one task
        run("2026-03-02 09:00", "2026-03-02 10:00", "deep"),
        run("2026-03-02 10:00", "2026-03-02 10:59", "short"),
        run("2026-03-02 11:00", "2026-03-02 13:00", "cut"),  # the meeting leaves 30 and 60 minutes
    ]
    counted = rhythm(DAY, UTC_ZONE, runs, [], [between("2026-03-02 11:30", "2026-03-02 12:00")])
    assert counted.deep_work_minutes == 120 + 60
    assert counted.worked_minutes == 120 + 59 + 120


def test_two_runs_at_once_are_one_stretch_of_deep_work() -> None:
    runs = [run("2026-03-02 08:00", "2026-03-02 10:00", "a"), run("2026-03-02 09:00", "2026-03-02 11:00", "b")]
    assert rhythm(DAY, UTC_ZONE, runs, [], []).deep_work_minutes == 180


def test_meetings_that_overlap_or_cross_midnight_are_counted_once_and_cut() -> None:
    meetings = [
        between("2026-03-01 23:30", "2026-03-02 00:30"),
        between("2026-03-02 10:00", "2026-03-02 11:00"),
        between("2026-03-02 10:30", "2026-03-02 11:30"),
        between("2026-03-03 00:00", "2026-03-03 01:00"),
    ]
    counted = rhythm(DAY, UTC_ZONE, [], [], meetings)
    assert (counted.meetings, counted.meeting_minutes) == (3, 30 + 90)
    unknown = rhythm(DAY, UTC_ZONE, [], [], None)
    assert (unknown.meetings, unknown.meeting_minutes) == (None, None)


def test_completion_is_of_what_was_planned() -> None:
    blocks = [
        block("2026-03-02 09:00", "2026-03-02 10:00", "done"),
        block("2026-03-02 10:00", "2026-03-02 11:00", "earlier"),
        block("2026-03-02 11:00", "2026-03-02 12:00", "open"),
        block("2026-03-03 09:00", "2026-03-03 10:00", "tomorrow"),
    ]
    runs = [run("2026-03-02 09:00", "2026-03-02 10:00", "done"), run("2026-03-02 11:00", "2026-03-02 12:00", "open", is_done=False)]
    runs.append(run("2026-03-02 12:00", "2026-03-02 13:00", "unplanned"))
    counted = rhythm(DAY, UTC_ZONE, runs, blocks, [], frozenset({"earlier"}))
    assert (counted.tasks_planned, counted.planned_tasks_completed, counted.completion_percent) == (3, 2, 66.7)
    assert counted.tasks_completed == 2
    assert counted.scheduled_minutes == 180
    assert rhythm(DAY, UTC_ZONE, runs, [], []).completion_percent is None


def test_a_run_that_ends_at_midnight_belongs_to_the_day_before_only() -> None:
    late = run("2026-03-02 23:00", "2026-03-03 00:00")
    assert rhythm(DAY, UTC_ZONE, [late], [], []).tasks_completed == 1
    after = Interval(DAY.end, DAY.end + timedelta(days=1))
    assert (rhythm(after, UTC_ZONE, [late], [], []).runs, rhythm(after, UTC_ZONE, [late], [], []).worked_minutes) == (0, 0)


def test_switches_are_counted_within_a_local_day() -> None:
    runs = [
        run("2026-03-02 08:00", "2026-03-02 08:30", "a"),
        run("2026-03-02 08:30", "2026-03-02 09:00", "a"),
        run("2026-03-02 09:00", "2026-03-02 09:30", "b"),
        run("2026-03-02 17:00", "2026-03-02 18:10", "a"),
        run("2026-03-02 18:20", "2026-03-02 18:30", "b"),  # the next day in Kathmandu
    ]
    week = between("2026-03-01 00:00", "2026-03-05 00:00")
    assert rhythm(week, UTC_ZONE, runs, [], []).context_switches == 3
    assert rhythm(week, KATHMANDU, runs, [], []).context_switches == 2


def test_percentages() -> None:
    assert (percent(1, 3), percent(2, 3), percent(0, 5), percent(1, 0)) == (33.3, 66.7, 0.0, None)


def test_what_slipped_says_to_when_it_was_moved() -> None:
    blocks = [
        block("2026-03-02 09:00", "2026-03-02 10:00", "moved"),
        block("2026-03-04 23:30", "2026-03-05 00:30", "moved"),
        block("2026-03-02 11:00", "2026-03-02 12:00", "left"),
        block("2026-03-02 13:00", "2026-03-02 14:00", "done"),
    ]
    found = slipped_of(blocks, DAY, frozenset({"done"}), UTC_ZONE)
    assert [(s.title, s.planned_on, s.moved_to_on) for s in found] == [
        ("Task left", date(2026, 3, 2), None),
        ("Task moved", date(2026, 3, 2), date(2026, 3, 4)),
    ]
