"""Ruin and recreate on a board: takes parts of a schedule out and puts them back at their cheapest places."""

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from planner_memory.scheduler_engine.board import Board
from planner_memory.scheduler_engine.jobs import NEVER, Chunk, Place

SMALL = 150  # tasks; above, a large ruin costs more than it finds
_FEW = 50  # tasks; up to here the order of whole tasks is soon found, and chunks and gaps decide
_LARGEST_RUINS = (30, 10)
_RUIN_SHARE = 0.6
_LATER_STARTS = 6
_LOOKS_FURTHER = 0.25
_LONGEST_SLICE = 6  # windows
_SPARED = 0.2
_SHUT = 0.3  # the largest share of windows that a round leaves out
_BREATH = 16  # rounds between two moments in which other threads may run; on a busy machine each costs a turn of the processor


@dataclass(frozen=True, slots=True)
class Manner:
    """How to search. `hot` and `cold` are what a round may make worse at first and at last, in units of the cost.

    `slices` is the share of rounds that take out single chunks, `to_the_right` of those that put some tasks at the end of a gap,
    `blinks` of those that leave some windows out (the blinks of Christiaens and Vanden Berghe 2020, by window).
    """

    hot: float
    cold: float
    slices: float = 0.0
    to_the_right: float = 0.0
    blinks: float = 0.0


_THOROUGH = Manner(hot=100, cold=3, slices=0.5, to_the_right=0.3, blinks=0.2)
_SWIFT = Manner(hot=60, cold=2)


class Search:
    """Improves what stands on a board, round by round. Jobs in `frozen` are never touched."""

    def __init__(self, board: Board, chance: random.Random, frozen: frozenset[int] = frozenset()) -> None:
        self.board, self.chance, self.frozen = board, chance, frozen
        self.n = len(board.jobs)
        self.best: list[tuple[Chunk, ...] | None] = list(board.place)
        self.best_cost = board.total
        self._partial: dict[int, tuple[tuple[Chunk, ...], int]] = {}
        self._largest_ruin = min(_LARGEST_RUINS[self.n > SMALL], max(2, int(self.n * _RUIN_SHARE)))
        self._manner = _THOROUGH if self.n <= _FEW else _SWIFT
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

    def start(self, proposed: Sequence[Sequence[tuple[Chunk, ...] | None]] = ()) -> int | None:
        """Builds one schedule per rule, and one of each list of proposed places as far as hard rules allow, and keeps the cheapest on the board.

        Returns what the cheapest of the proposed ones costs, None without any.
        """
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
        costs = []
        for places in proposed:
            self._build(self.board.in_order(range(self.n)), places)
            self._keep()
            costs.append(self.board.total)
        self.restore()
        return min(costs, default=None)

    def take(self) -> None:
        """Begins with what stands on the board, instead of `start`."""
        self.best, self.best_cost = list(self.board.place), self.board.total

    def _build(self, order: list[int], wanted: Sequence[tuple[Chunk, ...] | None] = ()) -> None:
        board = self.board
        for i in range(self.n):
            board.lift(i)
        for i in order:
            chunks = wanted[i] if wanted else None
            if chunks and board.takes(i, chunks):
                board.put(i, (board.cost_of(i, chunks) + board.moving(i, chunks), chunks))
        for i in order:
            if board.place[i] is not None:
                continue
            found = self.board.best(i)
            if found:
                self.board.put(i, found)

    def _keep(self) -> None:
        if self.board.total < self.best_cost:
            self.best_cost, self.best = self.board.total, list(self.board.place)

    def restore(self) -> None:
        """Puts the cheapest schedule so far on the board."""
        board = self.board
        for i in range(self.n):
            board.lift(i)
        for i in board.in_order(range(self.n)):
            chunks = self.best[i]
            if chunks is not None:
                board.put(i, (board.cost_of(i, chunks) + board.moving(i, chunks), chunks))

    # --- ruin and recreate

    def run(self, rounds: int) -> None:
        """Tries that many changes."""
        board, chance = self.board, self.chance
        if not rounds or not board.starts:
            return
        hot, cold = self._manner.hot, self._manner.cold
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
            shut = self._shut() if self._manner.blinks and chance.random() < self._manner.blinks else ()
            self._recreate(removed)
            for w in shut:
                board.measure(w)
            if board.total <= limit and all(board.place[i] is not None for i in self.frozen):
                order = self._chronological()
                self._keep()
            else:
                board.back()

    def _chronological(self) -> list[int]:
        start = self.board.start
        return sorted((i for i in range(self.n) if start[i] != NEVER and i not in self.frozen), key=start.__getitem__)

    def _ruin(self, order: list[int]) -> list[int]:
        """Lifts a few jobs and returns what shall be put back: those, and some that have no place."""
        board, chance = self.board, self.chance
        count = 1 + int(chance.random() * self._largest_ruin)
        removed: list[int] = []
        self._partial.clear()
        if order and chance.random() < self._manner.slices:
            removed = self._slice(order)
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
                self._partial[i] = kept, sum(e - s for _, s, e in inside)
        return removed

    def _two_strings(self, order: list[int], count: int) -> list[int]:
        half = max(1, count // 2)
        a, b = int(self.chance.random() * len(order)), int(self.chance.random() * len(order))
        return list(dict.fromkeys(order[a : a + half] + order[b : b + half]))

    def _recreate(self, removed: list[int]) -> None:
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
        to_the_right = chance.random() < self._manner.to_the_right
        for i in board.in_order(removed) if len(removed) > 1 else removed:
            found = self._found(i)
            if found:
                if to_the_right and chance.random() < 0.5:
                    found = board.later_in_gap(i, found, int(chance.random() * len(found[1])))
                board.put(i, found)
            else:
                self._release(i)

    def _shut(self) -> list[int]:
        """Hides some windows from the next places; they have to be measured again."""
        board, share = self.board, self.chance.random() * _SHUT
        shut = [w for w in range(len(board.room)) if self.chance.random() < share]
        for w in shut:
            board.room[w] = 0
        return shut

    def _found(self, i: int) -> Place | None:
        board = self.board
        if i in self._partial and board.place[i] is not None:
            kept, minutes = self._partial[i]
            found = board.completed(i, kept, minutes)
            board.lift(i)
            if found:
                return found
            self._release(i)
        return board.best(i)

    def _release(self, i: int) -> None:
        for j in self.board.following[i]:
            if self.board.place[j] is not None:
                self.board.lift_with_followers(j)
