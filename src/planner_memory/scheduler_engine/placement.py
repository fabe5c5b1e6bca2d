"""Places tasks into free time: list-scheduling seeds, then ruin and recreate with simulated annealing, by a fixed number of rounds.

The same input and seed give the same schedule on every machine: no clock is read.
"""

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from planner_memory.scheduler_engine.board import NEVER, Board, Chunk, Ground, Job
from planner_memory.scheduler_engine.cost import Weights

_SMALL = 150  # tasks; above, a large ruin costs more than it finds
_LARGEST_RUINS = (30, 10)
_HOT, _COLD = 60.0, 2.0  # in units of the cost: what a round may make worse, at first and at last
_LATER_STARTS = 6
_RUIN_SHARE = 0.5
_LOOKS_FURTHER = 0.25
_BREATH = 8  # rounds between two moments in which other threads may run


@dataclass(frozen=True, slots=True)
class Placement:
    """`places` holds per job its (start, end) in minutes, in order, or None when it was left out."""

    places: tuple[tuple[tuple[int, int], ...] | None, ...]
    cost: int
    rounds: int


def rounds_for(n: int) -> int:
    """How long to search: more for more tasks, until a single round grows dear."""
    return 0 if n < 2 else min(1_000 + 250 * n, 20_000 if n <= _SMALL else 32_000, 10_000_000 // n)


def place(jobs: Sequence[Job], ground: Ground, *, seed: int = 0, rounds: int | None = None, weights: Weights | None = None) -> Placement:
    """The cheapest schedule found. Precedence must be free of cycles.

    List scheduling after earliest due date, priority and weighted shortest time (Smith 1956) gives the start; then parts of the plan are
    taken out and put back at their cheapest places (ruin and recreate, Schrimpf et al. 2000; the ruins near in time follow the
    adjacent strings of Christiaens and Vanden Berghe 2020), accepted as in simulated annealing.
    """
    board = Board(jobs, ground, weights or Weights())
    search = _Search(board, random.Random(seed))  # noqa: S311 – a search, not a secret
    wanted = rounds_for(len(jobs)) if rounds is None else rounds
    search.start()
    search.run(wanted)
    places = tuple(None if p is None else tuple((s, e) for _, s, e in p) for p in search.best)
    return Placement(places, search.best_cost, wanted)


class _Search:
    def __init__(self, board: Board, chance: random.Random) -> None:
        self.board, self.chance = board, chance
        self.n = len(board.jobs)
        self.best: list[tuple[Chunk, ...] | None] = list(board.place)
        self.best_cost = board.total
        self._largest_ruin = min(_LARGEST_RUINS[self.n > _SMALL], max(2, int(self.n * _RUIN_SHARE)))
        self._value = self._values()
        self._due = self._dues()

    def _values(self) -> list[float]:
        """Smith's ratio, weight by minute; a job is worth at least as much as it and what waits for it together."""
        board, jobs = self.board, self.board.jobs
        value = [0.0] * self.n
        for i in reversed(board.in_order(range(self.n))):
            weight, minutes = float(board.hour[i]), jobs[i].minutes
            value[i] = weight / minutes
            for j in board.following[i]:
                joint = (weight + value[j] * jobs[j].minutes) / (minutes + jobs[j].minutes)
                value[i] = max(value[i], joint)
        return value

    def _dues(self) -> list[int]:
        due = [job.deadline if job.deadline is not None else NEVER for job in self.board.jobs]
        for i in reversed(self.board.in_order(range(self.n))):
            for j in self.board.before[i]:
                due[j] = min(due[j], due[i] - self.board.jobs[i].minutes)
        return due

    def start(self) -> None:
        """Builds one schedule per rule and keeps the cheapest on the board."""
        priority = [job.priority for job in self.board.jobs]
        out = [self.board.out[i] / self.board.jobs[i].minutes for i in range(self.n)]
        for i in reversed(self.board.in_order(range(self.n))):
            for j in self.board.before[i]:
                priority[j] = min(priority[j], priority[i])
        rules = (
            lambda i: (self._due[i], priority[i]),
            lambda i: (priority[i], self._due[i]),
            lambda i: (-self._value[i], self._due[i]),
            lambda i: (-out[i], self._due[i]),
            lambda i: (self._due[i] - 0.2 / self._value[i] if self._due[i] < NEVER else 7200 + 20 / self._value[i], 0),
        )
        for rule in rules:
            self._build(self.board.in_order(sorted(range(self.n), key=rule)))
            self._keep()
        self._restore()

    def _build(self, order: list[int]) -> None:
        for i in range(self.n):
            self.board.lift(i)
        for i in order:
            found = self.board.best(i)
            if found:
                self.board.put(i, found)

    def _keep(self) -> None:
        if self.board.total < self.best_cost:
            self.best_cost, self.best = self.board.total, list(self.board.place)

    def _restore(self) -> None:
        board = self.board
        for i in range(self.n):
            board.lift(i)
        for i in board.in_order(range(self.n)):
            chunks = self.best[i]
            if chunks is not None:
                board.put(i, (self._cost_of(i, chunks), chunks))

    def _cost_of(self, i: int, chunks: tuple[Chunk, ...]) -> int:
        board, weights = self.board, self.board.weights
        if chunks[0][0] < 0:
            found = board.best(i)
            return found[0] if found else board.out[i]
        w, _, end = chunks[-1]
        cost = board.at_end(i, end + board.shift[w]) + weights.extra_chunk * (len(chunks) - 1)
        band = board.band[i]
        if band is not None:
            cost += weights.outside_band * sum(not any(a <= s < b for a, b in band[w]) for w, s, _ in chunks)
        return cost

    # --- ruin and recreate

    def run(self, rounds: int) -> None:
        board, chance = self.board, self.chance
        if not rounds or not board.starts:
            return
        hot, cold = _HOT, _COLD
        cooling = (cold / hot) ** (1 / rounds)
        heat = hot
        order = self._chronological()
        for round_ in range(rounds):
            heat *= cooling
            if not round_ % _BREATH:
                time.sleep(0)
            board.later_starts = _LATER_STARTS if chance.random() < _LOOKS_FURTHER else 0
            board.mark()
            limit = board.total - heat * math.log(1 - chance.random())
            removed = self._ruin(order)
            self._recreate(removed, limit)
            if board.total <= limit:
                order = self._chronological()
                self._keep()
            else:
                board.back()

    def _chronological(self) -> list[int]:
        start = self.board.start
        return sorted((i for i in range(self.n) if start[i] != NEVER), key=start.__getitem__)

    def _ruin(self, order: list[int]) -> list[int]:
        """Lifts a few jobs and returns what shall be put back: those, and some that have no place."""
        board, chance = self.board, self.chance
        count = 1 + int(chance.random() * self._largest_ruin)
        removed: list[int] = []
        if order:
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
        waiting = [i for i in range(self.n) if board.place[i] is None and i not in removed] if len(order) < self.n else []
        if len(waiting) > count:
            waiting = chance.sample(waiting, count)
        return removed + waiting

    def _two_strings(self, order: list[int], count: int) -> list[int]:
        half = max(1, count // 2)
        a, b = int(self.chance.random() * len(order)), int(self.chance.random() * len(order))
        return list(dict.fromkeys(order[a : a + half] + order[b : b + half]))

    def _recreate(self, removed: list[int], limit: float) -> None:
        board, chance = self.board, self.chance
        kind = chance.random()
        if kind < 0.35:
            removed.sort(key=lambda i: -self._value[i] * (0.5 + chance.random()))
        elif kind < 0.55:
            removed.sort(key=lambda i: self._due[i])
        elif kind < 0.75:
            removed.sort(key=lambda i: -board.out[i])
        else:
            chance.shuffle(removed)
        for i in board.in_order(removed) if len(removed) > 1 else removed:
            found = board.best(i)
            if found:
                board.put(i, found)
            else:
                for j in board.following[i]:
                    if board.place[j] is not None:
                        board.lift_with_followers(j)
