"""What is to be placed and where that is possible, in whole minutes from one origin in UTC, so that durations are true across a clock change."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

GRID = 5
NEVER = 1 << 40
Span = tuple[int, int]
Chunk = tuple[int, int, int]  # window, start, end
Place = tuple[int, tuple[Chunk, ...]]  # cost, chunks in order


@dataclass(frozen=True, slots=True)
class Job:
    """A task in minutes. `after` are the indices of the jobs that must end before it starts.

    A job that may not be split has min_chunk = max_chunk = minutes. `fixed_at` is its only possible start; it is then one block.
    `within` are the only spans in which it may stand; None means anywhere in the windows.
    """

    key: str
    minutes: int
    priority: int = 3
    release: int = 0
    deadline: int | None = None
    after: tuple[int, ...] = ()
    min_chunk: int = 0
    max_chunk: int = NEVER
    energy: str | None = None
    fixed_at: int | None = None
    within: tuple[Span, ...] | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """Where work is possible: sorted disjoint windows on the grid, the energy bands, and per window what turns its minutes into wall minutes.

    `buffer` is kept between any two blocks; the windows already keep it from busy events.
    `quarter_phase` is the wall clock's minute, within its quarter hour, from which wall minutes count.
    """

    windows: tuple[Span, ...]
    shifts: tuple[int, ...]
    bands: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    buffer: int = 0
    quarter_phase: int = 0

    def shift_at(self, minute: int) -> int:
        """The shift of the window at or before that minute, else of the first."""
        w = bisect_right(self.windows, (minute, NEVER)) - 1
        return self.shifts[max(w, 0)] if self.shifts else 0
