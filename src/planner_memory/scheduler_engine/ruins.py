"""Ruins: what a round of the search takes out of a schedule."""

import random
from dataclasses import dataclass

from planner_memory.scheduler_engine.board import Board
from planner_memory.scheduler_engine.jobs import Chunk

_SMALL = 150  # tasks; above, a large ruin costs more than it finds
_LARGEST_RUINS = (30, 10)
_RUIN_SHARE = 0.6
_LONGEST_SLICE = 6  # windows
_SPARED = 0.2
_TOURNAMENT = 3


@dataclass(frozen=True, slots=True)
class Manner:
    """How to search. `hot` and `cold` are what a round may make worse at first and at last, in units of the cost.

    `slices` is the share of rounds that take out single chunks, `to_the_right` of those that put some tasks at the end of a gap,
    `blinks` of those that leave some windows out (the blinks of Christiaens and Vanden Berghe 2020, by window), `costly` the share, of those
    that take out whole tasks, that let a task which costs much go first (worst removal, Ropke and Pisinger 2006), `shifts` of those that move one
    task far along the order of ends and all between by one (the insertion neighbourhood of permutations, Taillard 1990).
    """

    hot: float
    cold: float
    slices: float = 0.0
    to_the_right: float = 0.0
    blinks: float = 0.0
    costly: float = 0.0
    shifts: float = 0.0


class Ruins:
    """Chooses and lifts. After each ruin, `partial` holds per split job what of it stays and how many minutes are missing, `first` who goes first.

    `in_turn` says that the jobs are to be put back in just the order in which they are returned.
    """

    def __init__(self, board: Board, chance: random.Random, manner: Manner, frozen: frozenset[int]) -> None:
        self.board, self.chance, self.frozen = board, chance, frozen
        self.n = len(board.jobs)
        self.least = [board.least(i) for i in range(self.n)]
        self.partial: dict[int, tuple[tuple[Chunk, ...], int]] = {}
        self.first: int | None = None
        self.in_turn = False
        self._manner = manner
        self._largest = min(_LARGEST_RUINS[self.n > _SMALL], max(2, int(self.n * _RUIN_SHARE)))

    def lift(self, order: list[int]) -> list[int]:
        """Lifts a few jobs and returns what shall be put back: those, and some that have no place."""
        board, chance = self.board, self.chance
        count = 1 + int(chance.random() * self._largest)
        removed: list[int] = []
        self.partial.clear()
        self.first = None
        self.in_turn = len(order) > 1 and chance.random() < self._manner.shifts
        if self.in_turn:
            removed = self._shifted(order)
        elif order and chance.random() < self._manner.slices:
            removed = self._slice(order)
        elif order and chance.random() < self._manner.costly:
            removed = self._in_its_way(order, count)
            for i in removed:
                board.lift(i)
        elif order:
            kind = chance.random()
            if kind < 0.6:
                first = int(chance.random() * len(order)) - count // 2
                removed = order[max(0, first) : max(0, first) + count]
            elif kind < 0.8:
                removed = self._two_strings(order, count)
            else:
                removed = chance.sample(order, min(count, len(order)))
            for i in removed:
                board.lift(i)
        waiting = [i for i in range(self.n) if board.place[i] is None and i not in removed] if len(order) + len(self.frozen) < self.n else []
        if len(waiting) > count:
            waiting = chance.sample(waiting, count)
        return removed + waiting

    def _shifted(self, order: list[int]) -> list[int]:
        """Lifts one task and all that end between its place and another in the order of ends: it goes there, and the others keep their order."""
        board, chance = self.board, self.chance
        ends = sorted(order, key=board.end.__getitem__)
        at, to = int(chance.random() * len(ends)), int(chance.random() * len(ends))
        if chance.random() < 0.5:  # one that costs much more than it would alone
            few = [at, int(chance.random() * len(ends)), int(chance.random() * len(ends))]
            at = max(few, key=lambda k: board.cost[ends[k]] - self.least[ends[k]])
        removed = [*ends[at : to + 1][1:], ends[at]] if at < to else [ends[at], *ends[to:at]]
        for i in removed:
            board.lift(i)
        return removed

    def _slice(self, order: list[int]) -> list[int]:
        """Lifts what lies in a few neighbouring windows, of a split job only the chunks there."""
        board, chance = self.board, self.chance
        chunks = board.place[order[int(chance.random() * len(order))]] or ()
        w = chunks[int(chance.random() * len(chunks))][0]
        if w < 0:
            return []
        span = int(chance.random() * _LONGEST_SLICE)
        low = w - int(chance.random() * (span + 1))
        high = low + span
        first, last = board.starts[max(low, 0)], board.ends[min(high, len(board.starts) - 1)]
        removed = []
        for i in order:
            if board.start[i] >= last:
                break
            if board.end[i] <= first:
                continue
            chunks = board.place[i] or ()
            inside = [c for c in chunks if low <= c[0] <= high]
            if not inside or chance.random() < _SPARED:
                continue
            removed.append(i)
            board.lift(i)
            if len(inside) < len(chunks):
                kept = tuple(c for c in chunks if not low <= c[0] <= high)
                board.put(i, (0, kept))
                self.partial[i] = kept, sum(e - s for _, s, e in inside)
        return removed

    def _in_its_way(self, order: list[int], count: int) -> list[int]:
        """A task that costs much more than it would alone, at times with all it waits for, and some of those before its end; it is put back first."""
        board, chance = self.board, self.chance
        few = [order[int(chance.random() * len(order))] for _ in range(_TOURNAMENT)]
        first = self.first = max(few, key=lambda i: board.cost[i] - self.least[i])
        chain = [first]
        if chance.random() < 0.5:
            earliest = board.jobs[first].release
            for i in chain:
                chain += [j for j in board.before[i] if board.place[j] is not None and j not in chain and j not in self.frozen]
                earliest = min(earliest, board.jobs[i].release)
        else:
            earliest = max([board.jobs[first].release, *(board.end[j] for j in board.before[first])])
        others = [i for i in order if i not in chain and board.end[i] > earliest and board.start[i] < board.end[first]]
        if len(others) > count:
            if chance.random() < 0.5:
                at = int(chance.random() * (len(others) - count + 1))
                others = others[at : at + count]
            else:
                others = chance.sample(others, count)
        return chain + others

    def _two_strings(self, order: list[int], count: int) -> list[int]:
        half = max(1, count // 2)
        a, b = int(self.chance.random() * len(order)), int(self.chance.random() * len(order))
        return list(dict.fromkeys(order[a : a + half] + order[b : b + half]))
