"""The state of a schedule under construction: free time per window, what stands where, what it costs, and undo."""

from collections.abc import Iterable, Sequence

from planner_memory.scheduler_engine.chunking import Chunking, is_split
from planner_memory.scheduler_engine.cost import Weights, left_out_cost
from planner_memory.scheduler_engine.jobs import GRID, NEVER, Chunk, Ground, Job, Place, Span


class State:
    """`mark` begins a change, `back` takes everything since then back."""

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
            Chunking(job.minutes, job.min_chunk, min(job.max_chunk, job.minutes)) if job.fixed_at is None and is_split(job) else None for job in jobs
        ]
        self.later_starts = 0
        self.is_coarse = True
        self.home: list[tuple[Chunk, ...] | None] = [None] * n  # where a job stood before, when a move costs
        self._lay_windows()
        bands = {name: [_inside(spans, s, e) for s, e in zip(self.starts, self.ends, strict=True)] for name, spans in ground.bands.items()}
        self.band = [bands.get(job.energy) if job.energy else None for job in jobs]
        self.within = [
            None if job.within is None else [_inside(job.within, s, e) for s, e in zip(self.starts, self.ends, strict=True)] for job in jobs
        ]
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
        before = self.before
        if not any(j in inside for i in rest for j in before[i]):
            return rest
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

    def before_change(self, i: int) -> int:
        """What a job cost at the mark."""
        old = self._old_place.get(i)
        return self.cost[i] if old is None else old[1]

    def back(self) -> None:
        for w, free in self._old_free.items():
            self.free[w] = free
            self.measure(w)
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

    def measure(self, w: int) -> None:
        """Finds the longest free time of a window anew."""
        room = 0
        for s, e in self.free[w]:
            if e - s > room:
                room = e - s
        self.room[w] = room

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
            if len(free) == 1 and (free[0][0] == start or free[0][1] == end):  # most often
                s, e = (end, free[0][1]) if free[0][0] == start else (free[0][0], start)
                self.free[w] = [(s, e)] if s < e else []
                self.room[w] = e - s
                continue
            left: list[tuple[int, int]] = []
            room = 0
            for gap in free:
                s, e = gap
                if s <= start and end <= e:
                    if s < start:
                        left.append((s, start))
                        if start - s > room:
                            room = start - s
                    if end < e:
                        left.append((end, e))
                        if e - end > room:
                            room = e - end
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
            if not free:
                self.free[w] = [(start, end)]
                self.room[w] = end - start
                continue
            left: list[tuple[int, int]] = []
            room = 0
            for gap in free:
                s, e = gap
                if e == start:
                    start = s
                elif s == end:
                    end = e
                else:
                    if s > end and start >= 0:
                        left.append((start, end))
                        if end - start > room:
                            room = end - start
                        start = -1
                    left.append(gap)
                    if e - s > room:
                        room = e - s
            if start >= 0:
                left.append((start, end))
                if end - start > room:
                    room = end - start
                left.sort()
            self.free[w] = left
            self.room[w] = room

    def lift_with_followers(self, i: int) -> None:
        """Lifts a job and everything that waits for it."""
        stack = [i]
        while stack:
            j = stack.pop()
            self.lift(j)
            stack.extend(k for k in self.following[j] if self.place[k] is not None)

    # --- cost

    def at_end(self, i: int, end: int) -> int:
        """What ending at that wall minute costs."""
        cost = self.hour[i] * (end // 60)
        deadline = self.jobs[i].deadline
        if deadline is not None and end > deadline:
            cost += self.late[i] - (deadline - end) // 15
        return cost

    def least(self, i: int) -> int:
        """A lower bound of what a job costs: at its release and alone in working time, or left out."""
        job, left = self.jobs[i], self.jobs[i].minutes
        for (start, end), shift in zip(self.ground.windows, self.ground.shifts, strict=True):
            room = end - max(start, job.release)
            if room <= 0 or (room < left and self.chunking[i] is None):
                continue
            if room >= left:
                return min(self.out[i], self.at_end(i, max(start, job.release) + left + shift))
            left -= room
        return self.out[i]

    def cost_of(self, i: int, chunks: tuple[Chunk, ...]) -> int:
        """What standing there costs, without a move."""
        w, _, end = chunks[-1]
        shift = self.shift[w] if w >= 0 else self.ground.shift_at(end)
        cost = self.at_end(i, end + shift) + self.weights.extra_chunk * (len(chunks) - 1)
        band = self.band[i]
        if band is not None:
            for v, start, _ in chunks:
                spans = band[v] if v >= 0 else self.ground.bands[self.jobs[i].energy or ""]
                for a, b in spans:
                    if a <= start < b:
                        break
                else:
                    cost += self.weights.outside_band
        return cost


def _inside(spans: tuple[Span, ...], start: int, end: int) -> tuple[Span, ...]:
    return tuple((max(a, start), min(b, end)) for a, b in spans if a < end and b > start)
