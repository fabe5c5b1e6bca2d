"""The board on which tasks are put: free time per window, and the cheapest place for one task. Every hard rule is kept here, by construction.

Times are whole minutes from one origin, in UTC, so that durations are true across a clock change.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from planner_memory.scheduler_engine.cost import Weights, left_out_cost

GRID = 5
NEVER = 1 << 40
Chunk = tuple[int, int, int]  # window, start, end
Place = tuple[int, tuple[Chunk, ...]]  # cost, chunks in order


@dataclass(frozen=True, slots=True)
class Job:
    """A task in minutes. `after` are the indices of the jobs that must end before it starts.

    A job that may not be split has min_chunk = max_chunk = minutes. `fixed_at` is its only possible start; it is then one block.
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


@dataclass(frozen=True, slots=True)
class Ground:
    """Where work is possible: sorted disjoint windows on the grid, the energy bands, and per window what turns its minutes into wall minutes.

    `buffer` is kept between any two blocks; the windows already keep it from busy events.
    """

    windows: tuple[tuple[int, int], ...]
    shifts: tuple[int, ...]
    bands: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    buffer: int = 0


class Chunking:
    """How a task may be cut: every chunk between the bounds, nothing left over."""

    def __init__(self, minutes: int, smallest: int, largest: int) -> None:
        self.smallest, self.largest = min(smallest, minutes), largest
        self._taken: dict[tuple[int, int], int] = {}

    def possible(self, minutes: int) -> bool:
        """Whether that many minutes can be cut into allowed chunks: k chunks cover k·smallest … k·largest."""
        return minutes == 0 or -(-minutes // self.largest) * self.smallest <= minutes

    def take(self, left: int, room: int) -> int:
        """The largest chunk that fits the room and leaves something that can still be cut; 0 when there is none."""
        key = (left, room)
        found = self._taken.get(key)
        if found is None:
            top = min(left, room, self.largest)
            top -= top % GRID if top < left else 0
            found = next((size for size in range(top, self.smallest - 1, -GRID) if self.possible(left - size)), 0)
            self._taken[key] = found
        return found


class Board:
    """The state of a schedule under construction, with undo: `mark` begins a change, `back` takes everything since then back."""

    def __init__(self, jobs: Sequence[Job], ground: Ground, weights: Weights) -> None:
        self.jobs, self.ground, self.weights = jobs, ground, weights
        self.buffer = ground.buffer
        n = len(jobs)
        self.before: list[tuple[int, ...]] = [job.after for job in jobs]
        self.following: list[list[int]] = [[] for _ in jobs]
        for i, job in enumerate(jobs):
            for j in job.after:
                self.following[j].append(i)
        self.place: list[tuple[Chunk, ...] | None] = [None] * n
        self.start, self.end = [NEVER] * n, [-1] * n
        self.out = [left_out_cost(job.minutes, job.priority, weights) for job in jobs]
        self.cost = list(self.out)
        self.total = sum(self.out)
        self.hour = [weights.hour[job.priority] for job in jobs]
        self.late = [weights.late[job.priority] for job in jobs]
        self.chunking = [
            None if job.fixed_at is not None or job.max_chunk >= job.minutes else Chunking(job.minutes, job.min_chunk, job.max_chunk) for job in jobs
        ]
        self.later_starts = 0  # how many later starts of a split task are tried
        self._lay_windows()
        bands = {name: [_inside(spans, s, e) for s, e in zip(self.starts, self.ends, strict=True)] for name, spans in ground.bands.items()}
        self.band = [bands.get(job.energy) if job.energy else None for job in jobs]
        self.latest = self._latest_ends()
        self._old_free: dict[int, list[tuple[int, int]]] = {}
        self._old_place: dict[int, tuple[tuple[Chunk, ...] | None, int]] = {}
        self._old_total = self.total

    def _lay_windows(self) -> None:
        """Free time, less what jobs of a fixed time will take. A window is longer by the buffer, because each block takes its buffer behind it."""
        reserved = sorted((job.fixed_at, job.fixed_at + job.minutes) for job in self.jobs if job.fixed_at is not None)
        windows: list[tuple[int, int, int]] = []
        for (start, end), shift in zip(self.ground.windows, self.ground.shifts, strict=True):
            cursor = start
            for a, b in reserved:
                if a < end and b > cursor:
                    windows.append((cursor, (a - self.buffer) // GRID * GRID, shift))
                    cursor = max(cursor, -(-(b + self.buffer) // GRID) * GRID)
            windows.append((cursor, end, shift))
        laid: list[tuple[int, int, int]] = []
        for start, end, shift in windows:
            first = max(start, laid[-1][1]) if laid and self.buffer else start
            if end > first:
                laid.append((first, end + self.buffer, shift))
        self.starts = [w[0] for w in laid]
        self.ends = [w[1] for w in laid]
        self.shift = [w[2] for w in laid]
        self.free: list[list[tuple[int, int]]] = [[(s, e)] for s, e, _ in laid]
        self.room = [e - s for s, e, _ in laid]

    def _latest_ends(self) -> list[int]:
        latest = [NEVER] * len(self.jobs)
        for i in reversed(self.in_order(range(len(self.jobs)))):
            fixed = self.jobs[i].fixed_at
            starts_by = fixed if fixed is not None else latest[i] - self.jobs[i].minutes
            for j in self.before[i]:
                latest[j] = min(latest[j], starts_by)
        return latest

    def in_order(self, wanted: Iterable[int]) -> list[int]:
        """The jobs with every predecessor among them before each, else in the given order."""
        rest = list(wanted)
        inside = set(rest)
        out: list[int] = []
        seen: set[int] = set()
        for i in rest:
            stack = [i]
            while stack:
                top = stack[-1]
                if top in seen:
                    stack.pop()
                    continue
                waiting = [j for j in self.before[top] if j in inside and j not in seen]
                if waiting:
                    stack.extend(waiting)
                else:
                    seen.add(stack.pop())
                    out.append(top)
        return out

    # --- undo

    def mark(self) -> None:
        self._old_free.clear()
        self._old_place.clear()
        self._old_total = self.total

    def back(self) -> None:
        for w, free in self._old_free.items():
            self.free[w] = free
            self.room[w] = max((e - s for s, e in free), default=0)
        for i, (chunks, cost) in self._old_place.items():
            self._set(i, chunks, cost)
        self.total = self._old_total

    def _set(self, i: int, chunks: tuple[Chunk, ...] | None, cost: int) -> None:
        self.place[i] = chunks
        self.cost[i] = cost
        if chunks:
            self.start[i], self.end[i] = chunks[0][1], chunks[-1][2]
        else:
            self.start[i], self.end[i] = NEVER, -1

    # --- putting and lifting

    def put(self, i: int, found: Place) -> None:
        cost, chunks = found
        self._old_place.setdefault(i, (self.place[i], self.cost[i]))
        self.total += cost - self.cost[i]
        self._set(i, chunks, cost)
        for w, start, end in chunks:
            if w < 0:
                continue
            end += self.buffer
            free = self.free[w]
            self._old_free.setdefault(w, free)
            left: list[tuple[int, int]] = []
            room = 0
            for gap in free:
                s, e = gap
                if s <= start and end <= e:
                    if s < start:
                        left.append((s, start))
                        room = max(room, start - s)
                    if end < e:
                        left.append((end, e))
                        room = max(room, e - end)
                else:
                    left.append(gap)
                    if e - s > room:
                        room = e - s
            self.free[w] = left
            self.room[w] = room

    def lift(self, i: int) -> None:
        chunks = self.place[i]
        if chunks is None:
            return
        self._old_place.setdefault(i, (chunks, self.cost[i]))
        self.total += self.out[i] - self.cost[i]
        self._set(i, None, self.out[i])
        for w, start, end in chunks:
            if w < 0:
                continue
            end += self.buffer
            free = self.free[w]
            self._old_free.setdefault(w, free)
            left: list[tuple[int, int]] = []
            for s, e in free:
                if e == start:
                    start = s
                elif s == end:
                    end = e
                elif s > end and start >= 0:
                    left.append((start, end))
                    start = -1
                    left.append((s, e))
                else:
                    left.append((s, e))
            if start >= 0:
                left.append((start, end))
                left.sort()
            self.free[w] = left
            self.room[w] = max(e - s for s, e in left)

    def lift_with_followers(self, i: int) -> None:
        """Lifts a job and everything that waits for it."""
        stack = [i]
        while stack:
            j = stack.pop()
            self.lift(j)
            stack.extend(k for k in self.following[j] if self.place[k] is not None)

    # --- the cheapest place

    def best(self, i: int) -> Place | None:
        """The cheapest place for a job as the board stands, or None. None too while a predecessor has no place."""
        earliest, latest = self.jobs[i].release, self.latest[i]
        for j in self.before[i]:
            end = self.end[j]
            if end < 0:
                return None
            if end > earliest:
                earliest = end
        for j in self.following[i]:
            if self.start[j] < latest:
                latest = self.start[j]
        fixed = self.jobs[i].fixed_at
        if fixed is not None:
            return self._fixed(i, fixed) if fixed >= earliest and fixed + self.jobs[i].minutes <= latest else None
        earliest = -(-earliest // GRID) * GRID
        chunking = self.chunking[i]
        return self._whole(i, earliest, latest) if chunking is None else self._split(i, chunking, earliest, latest)

    def _fixed(self, i: int, start: int) -> Place | None:
        end = start + self.jobs[i].minutes
        w = bisect_right(self.ground.windows, (start, NEVER)) - 1
        if w < 0 or end > self.ground.windows[w][1]:
            return None
        others = (j for j, job in enumerate(self.jobs) if j != i and job.fixed_at is not None and self.place[j] is not None)
        if any(self.start[j] < end + self.buffer and start < self.end[j] + self.buffer for j in others):
            return None
        spans = self.ground.bands.get(self.jobs[i].energy or "")
        outside = spans is not None and not any(a <= start < b for a, b in spans)
        return self.at_end(i, end + self.ground.shifts[w]) + self.weights.outside_band * outside, ((-1, start, end),)

    def at_end(self, i: int, end: int) -> int:
        """What ending at that wall minute costs."""
        cost = self.hour[i] * (end // 60)
        deadline = self.jobs[i].deadline
        if deadline is not None and end > deadline:
            cost += self.late[i] - (deadline - end) // 15
        return cost

    def _whole(self, i: int, earliest: int, latest: int) -> Place | None:
        minutes = self.jobs[i].minutes
        need = minutes + self.buffer
        starts, room, shifts, free = self.starts, self.room, self.shift, self.free
        hour, late, deadline, band = self.hour[i], self.late[i], self.jobs[i].deadline, self.band[i]
        if deadline is None:
            deadline = NEVER
        miss = self.weights.outside_band
        best, where = NEVER, None
        for w in range(bisect_right(self.ends, earliest), len(starts)):
            if room[w] < need:
                continue
            shift = shifts[w]
            for s, e in free[w]:
                if s < earliest:
                    s = earliest
                if e - s < need:
                    continue
                end = s + minutes
                if end > latest:
                    return None if where is None else (best, where)
                wall = end + shift
                cost = hour * (wall // 60)
                if wall > deadline:
                    cost += late - (deadline - wall) // 15
                if cost >= best:
                    return None if where is None else (best, where)
                if band is None:
                    return cost, ((w, s, end),)
                later = 0
                for a, b in band[w]:
                    if s < b:
                        later = a
                        break
                else:
                    later = NEVER
                if later > s:
                    if cost + miss < best:
                        best, where = cost + miss, ((w, s, end),)
                    end = later + minutes
                    if e - later >= need and end <= latest:
                        wall = end + shift
                        cost = hour * (wall // 60)
                        if wall > deadline:
                            cost += late - (deadline - wall) // 15
                        if cost < best:
                            best, where = cost, ((w, later, end),)
                else:
                    best, where = cost, ((w, s, end),)
        return None if where is None else (best, where)

    def _split(self, i: int, chunking: Chunking, earliest: int, latest: int) -> Place | None:
        found = self._filled(i, chunking, earliest, latest, chunking.smallest, NEVER, in_band=False)
        limit = found[0] if found else NEVER
        if self.band[i] is not None:
            inside = self._filled(i, chunking, earliest, latest, chunking.smallest, limit, in_band=True)
            if inside:
                found, limit = inside, inside[0]
        if chunking.largest > 2 * chunking.smallest:
            coarse = self._filled(i, chunking, earliest, latest, chunking.largest // 2, limit, in_band=False)
            if coarse:
                found, limit = coarse, coarse[0]
        # later starts: what ends a little later may need fewer chunks, or chunks that lie better in the band
        starts = self.starts
        first = bisect_right(self.ends, earliest)
        tried = 0
        for w in range(first, len(starts)):
            if tried == self.later_starts or self.hour[i] * ((starts[w] + self.shift[w]) // 60) >= limit:
                break
            if starts[w] <= earliest or self.room[w] < chunking.smallest + self.buffer:
                continue
            tried += 1
            later = self._filled(i, chunking, starts[w], latest, chunking.smallest, limit, in_band=False)
            if later:
                found, limit = later, later[0]
            if self.band[i] is not None:
                later = self._filled(i, chunking, starts[w], latest, chunking.smallest, limit, in_band=True)
                if later:
                    found, limit = later, later[0]
        return found

    def _filled(self, i: int, chunking: Chunking, earliest: int, latest: int, least: int, limit: int, *, in_band: bool) -> Place | None:
        """Fills free time from `earliest` on with chunks of `least` minutes or more (the last may be less); None when that costs `limit` or more."""
        left, cost, buffer, shifts = self.jobs[i].minutes, -self.weights.extra_chunk, self.buffer, self.shift
        hour, band, extra, miss = self.hour[i], self.band[i], self.weights.extra_chunk, self.weights.outside_band
        chunks: list[Chunk] = []
        for w in range(bisect_right(self.ends, earliest), len(self.starts)):
            if self.room[w] < chunking.smallest + buffer:
                continue
            if cost + hour * ((self.starts[w] + shifts[w]) // 60) >= limit:
                return None
            for s, e in self.free[w]:
                if s < earliest:
                    s = earliest
                if e > latest + buffer:
                    e = latest + buffer
                while True:
                    room = e - s - buffer
                    if room < least and room < left:
                        break
                    outside = False
                    if band is not None:
                        for a, b in band[w]:
                            if s < b:
                                later = a
                                break
                        else:
                            later = NEVER
                        if later > s:
                            if in_band:
                                if later >= e:
                                    break
                                s = later
                                continue
                            outside = True
                    size = chunking.take(left, room)
                    if not size:
                        break
                    cost += extra + (miss if outside else 0)
                    chunks.append((w, s, s + size))
                    left -= size
                    if not left:
                        cost += self.at_end(i, s + size + shifts[w])
                        return (cost, tuple(chunks)) if cost < limit else None
                    s += size + buffer
        return None


def _inside(spans: tuple[tuple[int, int], ...], start: int, end: int) -> tuple[tuple[int, int], ...]:
    return tuple((max(a, start), min(b, end)) for a, b in spans if a < end and b > start)
