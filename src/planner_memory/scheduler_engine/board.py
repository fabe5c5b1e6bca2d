"""The board on which tasks are put: the cheapest place for one task as the schedule stands. Every hard rule is kept here, by construction."""

from bisect import bisect_right
from itertools import pairwise

from planner_memory.scheduler_engine.chunking import Chunking
from planner_memory.scheduler_engine.jobs import GRID, NEVER, Chunk, Place, Span
from planner_memory.scheduler_engine.state import State


class Board(State):
    """A state that finds places. `later_starts` says how many later starts of a split task are tried, `is_coarse` whether large chunks alone are."""

    def best(self, i: int) -> Place | None:
        """The cheapest place for a job as the board stands, or None. None too while a predecessor has no place."""
        limits = self.limits(i)
        if limits is None:
            return None
        earliest, latest = limits
        fixed, home = self.jobs[i].fixed_at, self.home[i]
        if fixed is not None:
            found = self._fixed(i, fixed) if fixed >= earliest and fixed + self.jobs[i].minutes <= latest else None
        else:
            chunking = self.chunking[i]
            with_limits = self._clipped(i) if self.within[i] is not None else None
            found = self._whole(i, earliest, latest) if chunking is None else self._split(i, chunking, earliest, latest)
            if with_limits is not None:
                self.free, self.room = with_limits
        return found if home is None else self._or_home(i, home, found)

    def limits(self, i: int) -> tuple[int, int] | None:
        """From when and until when a job may stand, by its release and what it waits for and what waits for it; None when it cannot yet."""
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
        return -(-earliest // GRID) * GRID if self.jobs[i].fixed_at is None else earliest, latest

    def _clipped(self, i: int) -> tuple[list[list[Span]], list[int]]:
        """Hides the free time outside the spans a job must stand in; answers what has to be put back."""
        whole, room = self.free, self.room
        allowed, buffer = self.within[i] or [], self.buffer
        self.free = [
            [(max(s, a), min(e, b + buffer)) for s, e in gaps for a, b in spans if max(s, a) < min(e, b + buffer)]
            for gaps, spans in zip(whole, allowed, strict=True)
        ]
        self.room = [max((e - s for s, e in gaps), default=0) for gaps in self.free]
        return whole, room

    def _or_home(self, i: int, home: tuple[Chunk, ...], found: Place | None) -> Place | None:
        """The place a job had, unless another is cheaper by more than a move costs."""
        if self.takes(i, home):
            stays = self.cost_of(i, home)
            if found is None or stays <= found[0] + self.weights.moved:
                return stays, home
        return None if found is None else (found[0] + self.moving(i, found[1]), found[1])

    def moving(self, i: int, chunks: tuple[Chunk, ...]) -> int:
        """What a move costs when those chunks are not where the job was."""
        home = self.home[i]
        return 0 if home is None or home == chunks else self.weights.moved

    def takes(self, i: int, chunks: tuple[Chunk, ...]) -> bool:
        """Whether a job that is not on the board could stand there by every hard rule but its chunk sizes."""
        limits = self.limits(i)
        if limits is None or chunks[0][1] < limits[0] or chunks[-1][2] > limits[1]:
            return False
        within = self.within[i]
        if within is not None and not all(any(a <= s and e <= b for a, b in within[w]) for w, s, e in chunks):
            return False
        return all(self._is_free(c) for c in chunks) and all(a[2] + self.buffer <= b[1] for a, b in pairwise(chunks))

    def at(self, i: int, start: int) -> Place | None:
        """A whole job at just that minute, or at the next one of the grid; None when a hard rule is against it, or the job has to be split."""
        chunking = self.chunking[i]
        if self.jobs[i].fixed_at is not None or (chunking is not None and chunking.largest < self.jobs[i].minutes):
            return None
        start = -(-start // GRID) * GRID
        chunks = ((bisect_right(self.starts, start) - 1, start, start + self.jobs[i].minutes),)
        return (self.cost_of(i, chunks), chunks) if self.takes(i, chunks) else None

    def spans(self) -> tuple[tuple[Span, ...] | None, ...]:
        """Per job its (start, end) in order, or None."""
        return tuple(None if p is None else tuple((s, e) for _, s, e in p) for p in self.place)

    def _is_free(self, chunk: Chunk) -> bool:
        w, start, end = chunk
        return w >= 0 and any(s <= start and end + self.buffer <= e for s, e in self.free[w])

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
        found = self._whole(i, earliest, latest) if chunking.largest >= self.jobs[i].minutes else None
        limit = found[0] if found else NEVER
        filled = self._filled(i, chunking, earliest, latest, chunking.smallest, limit, in_band=False)
        if filled:
            found, limit = filled, filled[0]
        if self.band[i] is not None:
            inside = self._filled(i, chunking, earliest, latest, chunking.smallest, limit, in_band=True)
            if inside:
                found, limit = inside, inside[0]
        if self.is_coarse and chunking.largest > 2 * chunking.smallest:
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

    def completed(self, i: int, kept: tuple[Chunk, ...], minutes: int) -> Place | None:
        """The cheapest place found for a split job of which `kept` stays and that many minutes are missing."""
        chunking, limits = self.chunking[i], self.limits(i)
        if chunking is None or limits is None or self.within[i] is not None:
            return None
        earliest, latest = limits
        options = [(chunking.smallest, False)]
        if chunking.largest > 2 * chunking.smallest:
            options.append((chunking.largest // 2, False))
        if self.band[i] is not None:
            options.append((chunking.smallest, True))
        best: Place | None = None
        for least, in_band in options:
            found = self._filled(i, chunking, earliest, latest, least, NEVER, in_band=in_band, left=minutes)
            if found is not None:
                whole = self._joined(kept + found[1], chunking.largest)
                cost = self.cost_of(i, whole) + self.moving(i, whole)
                if best is None or cost < best[0]:
                    best = cost, whole
        return best

    def later_in_gap(self, i: int, found: Place, k: int) -> Place:
        """The same place with its kth chunk at the end of the free time it lies in, so that what is left in front of it is whole."""
        limits = self.limits(i)
        w, start, end = found[1][k]
        gap = next(((a, b) for a, b in self.free[w] if a <= start and end + self.buffer <= b), None) if w >= 0 else None
        if limits is None or gap is None or self.within[i] is not None:
            return found
        chunks = found[1]
        last = gap[1] - self.buffer
        if k + 1 < len(chunks) and chunks[k + 1][1] < gap[1]:
            last = chunks[k + 1][1] - self.buffer
        if last > limits[1]:
            return found
        moved = (*chunks[:k], (w, last - (end - start), last), *chunks[k + 1 :])
        return self.cost_of(i, moved) + self.moving(i, moved), moved

    @staticmethod
    def _joined(chunks: tuple[Chunk, ...], largest: int) -> tuple[Chunk, ...]:
        out: list[Chunk] = []
        for w, start, end in sorted(chunks):  # windows are in order of time
            if out and out[-1][0] == w and out[-1][2] == start and end - out[-1][1] <= largest:
                out[-1] = (w, out[-1][1], end)
            else:
                out.append((w, start, end))
        return tuple(out)

    def _filled(
        self, i: int, chunking: Chunking, earliest: int, latest: int, least: int, limit: int, *, in_band: bool, left: int = 0
    ) -> Place | None:
        """Fills free time from `earliest` on with chunks of `least` minutes or more; None when that costs `limit` or more.

        The last chunk may be less. `left` is how much of the job to place, all of it by default.
        """
        left = left or self.jobs[i].minutes
        buffer, shifts, room, free = self.buffer, self.shift, self.room, self.free
        starts, need = self.starts, chunking.smallest + self.buffer
        sizes = chunking.sizes(left)
        largest = len(sizes) - 1
        hour, band, extra, miss = self.hour[i], self.band[i], self.weights.extra_chunk, self.weights.outside_band
        late, deadline = self.late[i], self.jobs[i].deadline
        if deadline is None:
            deadline = NEVER
        cost = -extra
        chunks: list[Chunk] = []
        for w in range(bisect_right(self.ends, earliest), len(starts)):
            if room[w] < need or (in_band and band is not None and not band[w]):
                continue
            begins = starts[w]
            ends = begins + left + shifts[w]  # at the soonest
            if begins >= latest or cost + hour * (ends // 60) + (late if ends > deadline else 0) >= limit:
                return None
            for s, e in free[w]:
                if s < earliest:
                    s = earliest
                if e > latest + buffer:
                    e = latest + buffer
                while True:
                    fits = e - s - buffer
                    if fits < least and fits < left:
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
                    size = sizes[min(largest, fits)]
                    if not size:
                        break
                    cost += extra + miss if outside else extra
                    chunks.append((w, s, s + size))
                    left -= size
                    if not left:
                        cost += self.at_end(i, s + size + shifts[w])
                        return (cost, tuple(chunks)) if cost < limit else None
                    s += size + buffer
                    sizes = chunking.sizes(left)
                    largest = len(sizes) - 1
        return None
