"""Half-open intervals of aware instants, and their arithmetic. All functions cost O(n log n) or less."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, order=True, slots=True)
class Interval:
    """[start, end) between two aware instants, never empty."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("an interval needs aware instants")
        if self.end <= self.start:
            raise ValueError(f"an interval must end after its start: {self.start} .. {self.end}")

    @property
    def lasts(self) -> timedelta:
        return self.end - self.start

    def overlaps(self, other: "Interval") -> bool:
        return self.start < other.end and other.start < self.end


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorted, disjoint, with touching ones joined."""
    out: list[Interval] = []
    for each in sorted(intervals):
        if out and each.start <= out[-1].end:
            if each.end > out[-1].end:
                out[-1] = Interval(out[-1].start, each.end)
        else:
            out.append(each)
    return out


def subtracted(whole: Iterable[Interval], taken: Iterable[Interval]) -> list[Interval]:
    """What is left of `whole` after `taken`, sorted and disjoint."""
    out: list[Interval] = []
    holes = merged(taken)
    position = 0
    for each in merged(whole):
        cursor = each.start
        while position < len(holes) and holes[position].end <= each.start:
            position += 1
        index = position
        while index < len(holes) and holes[index].start < each.end:
            if holes[index].start > cursor:
                out.append(Interval(cursor, holes[index].start))
            cursor = max(cursor, holes[index].end)
            index += 1
        if cursor < each.end:
            out.append(Interval(cursor, each.end))
    return out


def clipped(intervals: Iterable[Interval], window: Interval) -> list[Interval]:
    """The parts of the intervals that lie inside the window, in the given order."""
    out = []
    for each in intervals:
        start, end = max(each.start, window.start), min(each.end, window.end)
        if start < end:
            out.append(Interval(start, end))
    return out
