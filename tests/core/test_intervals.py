"""Interval arithmetic against the plainest possible model: sets of minutes."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner_memory.core.intervals import Interval, clipped, merged, subtracted

START = datetime(2027, 3, 15, tzinfo=UTC)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


spans = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 40)).map(lambda s: Interval(at(s[0]), at(s[0] + s[1]))), max_size=12)


def minutes(intervals: list[Interval]) -> set[int]:
    return {m for i in intervals for m in range(int((i.start - START).total_seconds() // 60), int((i.end - START).total_seconds() // 60))}


@given(spans)
def test_merging_keeps_every_minute_and_leaves_gaps(intervals: list[Interval]) -> None:
    found = merged(intervals)
    assert minutes(found) == minutes(intervals)
    assert all(a.end < b.start for a, b in itertools.pairwise(found))


@given(spans, spans)
def test_subtracting_takes_exactly_the_taken_minutes(whole: list[Interval], taken: list[Interval]) -> None:
    found = subtracted(whole, taken)
    assert minutes(found) == minutes(whole) - minutes(taken)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))


@given(spans)
def test_clipping_keeps_what_is_inside(intervals: list[Interval]) -> None:
    window = Interval(at(30), at(90))
    assert minutes(clipped(intervals, window)) == minutes(intervals) & minutes([window])


def test_an_interval_has_aware_ends_in_order() -> None:
    with pytest.raises(ValueError, match="aware"):
        Interval(datetime(2027, 1, 1), datetime(2027, 1, 2))  # noqa: DTZ001
    with pytest.raises(ValueError, match="end after its start"):
        Interval(at(5), at(5))
