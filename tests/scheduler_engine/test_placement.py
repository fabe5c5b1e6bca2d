"""What no schedule may ever break, for any input; and that the same input and seed give the same schedule."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner_memory.core.intervals import Interval
from planner_memory.core.profile import WEEKDAYS
from planner_memory.scheduler_engine.availability import Axis, Hours, free_time, ground, working_time
from planner_memory.scheduler_engine.cost import Weights, left_out_cost
from planner_memory.scheduler_engine.jobs import NEVER, Ground, Job
from planner_memory.scheduler_engine.placement import place

DAY = 1440


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[Job], Ground]:
    n = draw(st.integers(1, 12))
    jobs = []
    for i in range(n):
        minutes = 5 * draw(st.integers(1, 60))
        split = draw(st.booleans())
        least = 5 * draw(st.integers(1, 12))
        most = least + 5 * draw(st.integers(0, 24))
        fixed = draw(st.none() | st.integers(0, 5 * DAY)) if not split and draw(st.booleans()) else None
        jobs.append(
            Job(
                key=str(i),
                minutes=minutes,
                priority=draw(st.integers(1, 4)),
                release=draw(st.integers(0, 3 * DAY)) if draw(st.booleans()) else 0,
                deadline=draw(st.none() | st.integers(0, 5 * DAY)),
                after=tuple(draw(st.sets(st.integers(0, i - 1), max_size=2))) if i else (),
                min_chunk=min(least, minutes) if split else minutes,
                max_chunk=most if split else minutes,
                energy=draw(st.sampled_from([None, "high", "low"])),
                fixed_at=fixed,
            )
        )
    cuts = sorted(draw(st.sets(st.integers(0, 5 * DAY // 5), min_size=2, max_size=14)))
    windows = tuple((5 * a, 5 * b) for a, b in zip(cuts[::2], cuts[1::2], strict=False))
    bands = {"high": tuple((d * DAY + 540, d * DAY + 720) for d in range(5)), "low": ()}
    return jobs, Ground(windows, (0,) * len(windows), bands, draw(st.sampled_from([0, 0, 5, 15])))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(), st.integers(0, 3))
def test_no_hard_rule_is_ever_broken(problem: tuple[list[Job], Ground], seed: int) -> None:
    jobs, where = problem
    found = place(jobs, where, seed=seed, rounds=60)
    taken = []
    for job, chunks in zip(jobs, found.places, strict=True):
        if chunks is None:
            continue
        assert sum(e - s for s, e in chunks) == job.minutes
        for s, e in chunks:
            assert any(a <= s and e <= b for a, b in where.windows)
            assert s >= job.release
            assert min(job.min_chunk, job.minutes) <= e - s <= max(job.max_chunk, min(job.min_chunk, job.minutes))
            assert job.fixed_at is not None or s % 5 == 0
            taken.append((s, e))
        if job.fixed_at is not None:
            assert chunks == ((job.fixed_at, job.fixed_at + job.minutes),)
        for j in job.after:
            before = found.places[j]
            assert before is not None
            assert before[-1][1] <= chunks[0][0]
    for (_, end), (start, _) in pairwise(sorted(taken)):
        assert end + where.buffer <= start
    assert found.cost <= sum(left_out_cost(j.minutes, j.priority, Weights()) for j in jobs)
    assert place(jobs, where, seed=seed, rounds=60) == found


def test_a_second_search_of_many_tasks_is_the_same() -> None:
    jobs = [Job(str(i), 15 + 15 * (i % 7), priority=1 + i % 4, deadline=600 * (1 + i % 9), after=(i - 3,) if i % 5 == 3 else ()) for i in range(40)]
    windows = tuple((d * DAY + a, d * DAY + b) for d in range(8) for a, b in ((540, 700), (760, 1050)))
    where = Ground(windows, (0,) * len(windows))
    one, two = place(jobs, where, seed=3, rounds=800), place(jobs, where, seed=3, rounds=800)
    assert one == two
    assert one.cost < place(jobs, where, seed=3, rounds=0).cost


def test_an_urgent_task_goes_before_a_low_one_when_only_one_fits() -> None:
    found = place([Job("low", 60, priority=4), Job("urgent", 60, priority=1)], Ground(((0, 90),), (0,)))
    assert found.places == (None, ((0, 60),))


def test_a_task_waits_for_its_energy_band_when_that_costs_less() -> None:
    where = Ground(((540, 1050),), (0,), {"low": ((900, 1050),)})
    assert place([Job("a", 60, priority=4, energy="low")], where).places == (((900, 960),),)
    assert place([Job("a", 60, priority=1, deadline=700, energy="low")], where).places == (((540, 600),),)


def test_a_task_that_may_be_cut_is_cut_only_where_that_costs_less_than_to_wait() -> None:
    gaps = ((540, 600), (660, 720), (2000, 2120))
    may = Job("a", 120, priority=1, min_chunk=30, max_chunk=120)
    assert place([may], Ground(gaps, (0, 0, 0))).places == (((540, 600), (660, 720)),)
    assert place([may], Ground((*gaps[:2], (740, 860)), (0, 0, 0))).places == (((740, 860),),)
    assert place([Job("a", 120, priority=1, min_chunk=120, max_chunk=120)], Ground(gaps, (0, 0, 0))).places == (((2000, 2120),),)


def test_a_job_that_fits_exactly_is_placed_with_a_buffer_too() -> None:
    found = place([Job("a", 60), Job("b", 45)], Ground(((0, 120),), (0,), buffer=15))
    assert max(c for p in found.places if p for c in p)[1] <= 120
    assert None not in found.places


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca"]


def hours(zone: str, **more: object) -> Hours:
    office = {day: ((time(0, 30), time(4)), (time(9), time(17, 30))) for day in WEEKDAYS}
    values = {"working": office, "exceptions": {}, "holidays": frozenset(), "bands": {"high": ((time(9), time(12)),)}} | more
    return Hours(tz=ZoneInfo(zone), **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("month", [3, 4, 10, 11])
def test_in_weeks_when_the_clocks_change_blocks_keep_wall_times_and_lengths(zone: str, month: int) -> None:
    tz = ZoneInfo(zone)
    window = Interval(datetime(2027, month, 1, tzinfo=UTC), datetime(2027, month, 1, tzinfo=UTC) + timedelta(days=31))
    axis, day = Axis.of(window, tz), hours(zone)
    where = ground(day, window, [], axis)
    for (start, end), shift in zip(where.windows, where.shifts, strict=True):
        first, last = axis.instant(start).astimezone(tz), axis.instant(end).astimezone(tz)
        spans = [(time(0, 30), time(4)), (time(9), time(17, 30))]
        assert any(a <= first.time() and last.time() <= b for a, b in spans) or first.utcoffset() != last.utcoffset()
        wall = (first.replace(tzinfo=None) - window.start.astimezone(tz).replace(tzinfo=None)) // timedelta(minutes=1)
        assert start + shift == wall
    total = sum((i.lasts for i in working_time(day, window)), timedelta())
    moved = [i for i in working_time(day, window) if i.start.astimezone(tz).utcoffset() != i.end.astimezone(tz).utcoffset()]
    assert total % timedelta(minutes=30) == timedelta()
    assert len(moved) <= 2
    jobs = [Job(str(n), 90, max_chunk=NEVER) for n in range(20)]
    for chunks in place(jobs, where, rounds=50).places:
        assert chunks is not None
        for s, e in chunks:
            assert axis.instant(e) - axis.instant(s) == timedelta(minutes=90)


def test_exceptions_win_over_holidays_and_holidays_over_the_week() -> None:
    monday = datetime(2027, 3, 15, tzinfo=UTC)
    day = monday.date()
    window = Interval(monday, monday + timedelta(days=1))
    assert len(working_time(hours("UTC"), window)) == 2
    assert working_time(hours("UTC", holidays={day}), window) == []
    special = hours("UTC", holidays={day}, exceptions={day: ((time(20), time.max),)})
    assert working_time(special, window) == [Interval(monday.replace(hour=20), monday + timedelta(days=1))]


def test_busy_time_is_kept_clear_by_the_buffer() -> None:
    monday = datetime(2027, 3, 15, 9, tzinfo=UTC)
    window = Interval(monday, monday + timedelta(hours=5))
    busy = [Interval(monday + timedelta(hours=2, minutes=3), monday + timedelta(hours=3, minutes=2))]
    day = hours("UTC", buffer_minutes=10)
    assert [(f.start.hour, f.start.minute, f.end.hour, f.end.minute) for f in free_time(day, window, busy)] == [(9, 0, 10, 53), (12, 12, 14, 0)]
    assert ground(day, window, busy, Axis.of(window, day.tz)).windows == ((0, 110), (195, 300))
