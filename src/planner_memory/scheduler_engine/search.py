"""Ruin and recreate on a board: takes parts of a schedule out and puts them back at their cheapest places."""

import math
import random
import time
from collections.abc import Sequence

from planner_memory.scheduler_engine.board import Board
from planner_memory.scheduler_engine.jobs import NEVER, Chunk, Place
from planner_memory.scheduler_engine.ruins import Manner, Ruins

_FEW = 50  # tasks; up to here the order of whole tasks is soon found, and chunks and gaps decide
_LATER_STARTS = 6
_LOOKS_FURTHER = 0.25
_COARSE = 0.4  # of the rounds; the same places in each would leave the search less to choose from
_HOPE = 0.2  # of what a task costs above the least, the share that a round may still save on it
_SHUT = 0.3  # the largest share of windows that a round leaves out
_BREATH = 64  # rounds between two moments in which other threads may run; on a busy machine each costs a turn of the processor


_THOROUGH = Manner(hot=100, cold=3, slices=0.65, to_the_right=0.5, blinks=0.2, costly=0.5, shifts=0.2)
_SWIFT = Manner(hot=60, cold=2)


class Search:
    """Improves what stands on a board, round by round. Jobs in `frozen` are never touched."""

    def __init__(self, board: Board, chance: random.Random, frozen: frozenset[int] = frozenset()) -> None:
        self.board, self.chance, self.frozen = board, chance, frozen
        self.n = len(board.jobs)
        self.best: list[tuple[Chunk, ...] | None] = list(board.place)
        self.best_cost = board.total
        self._manner = _THOROUGH if self.n <= _FEW else _SWIFT
        self._value = self._values()
        self._due = self._dues()
        self._ruins = Ruins(board, chance, self._manner, frozen)

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
        self._lay(self.best)

    def _lay(self, places: Sequence[tuple[Chunk, ...] | None]) -> None:
        board = self.board
        for i in range(self.n):
            board.lift(i)
        for i in board.in_order(range(self.n)):
            chunks = places[i]
            if chunks is not None:
                board.put(i, (board.cost_of(i, chunks) + board.moving(i, chunks), chunks))

    # --- ruin and recreate

    def run(self, rounds: int, times: int = 1) -> None:
        """Tries that many changes in all, beginning anew `times` times: a plan that has cooled down seldom leaves its valley."""
        begin = list(self.board.place)
        for time_ in range(times):
            if time_:
                self._lay(begin)
            self._anneal(rounds // times)

    def _anneal(self, rounds: int) -> None:
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
            board.is_coarse = chance.random() < _COARSE
            board.mark()
            limit = board.total - heat * math.log(1 - chance.random())
            removed = self._ruins.lift(order)
            shut = self._shut() if self._manner.blinks and chance.random() < self._manner.blinks else ()
            is_within = self._recreate(removed, limit)
            for w in shut:
                board.measure(w)
            if is_within and board.total <= limit and all(board.place[i] is not None for i in self.frozen):
                order = self._chronological()
                self._keep()
            else:
                board.back()

    def _chronological(self) -> list[int]:
        start = self.board.start
        return sorted((i for i in range(self.n) if start[i] != NEVER and i not in self.frozen), key=start.__getitem__)

    def _recreate(self, removed: list[int], limit: float) -> bool:
        """Puts them back in an order of chance, or in turn. False when it gave up: what is left can hardly bring the total down to the limit."""
        board, chance = self.board, self.chance
        kind = chance.random()
        if self._ruins.in_turn:
            pass
        elif kind < 0.35:
            removed.sort(key=lambda i: -self._value[i] * (0.5 + chance.random()))
        elif kind < 0.55:
            removed.sort(key=lambda i: self._due[i])
        elif kind < 0.75:
            removed.sort(key=lambda i: -board.out[i])
        else:
            chance.shuffle(removed)
        first = self._ruins.first
        if first is not None:
            removed.remove(first)
            removed.insert(0, first)
        to_the_right = chance.random() < self._manner.to_the_right
        hopes = {i: self._hope(i) for i in removed if board.place[i] is None}
        hope = sum(hopes.values())
        for i in board.in_order(removed) if len(removed) > 1 else removed:
            hope -= hopes.get(i, 0.0)
            found = self._found(i)
            if found:
                if to_the_right and chance.random() < 0.5:
                    found = board.later_in_gap(i, found, int(chance.random() * len(found[1])))
                board.put(i, found)
            else:
                self._release(i)
            if board.total - hope > limit:
                return False
        return True

    def _hope(self, i: int) -> float:
        """By how much a lifted task may lower the total when it is put back: to hardly less than it cost before."""
        before = self.board.before_change(i)
        least = float(self._ruins.least[i])
        if before < self.board.out[i]:
            least = before - _HOPE * (before - least)
        return self.board.out[i] - least

    def _shut(self) -> list[int]:
        """Hides some windows from the next places; they have to be measured again."""
        board, share = self.board, self.chance.random() * _SHUT
        shut = [w for w in range(len(board.room)) if self.chance.random() < share]
        for w in shut:
            board.room[w] = 0
        return shut

    def _found(self, i: int) -> Place | None:
        board = self.board
        if i in self._ruins.partial and board.place[i] is not None:
            kept, minutes = self._ruins.partial[i]
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
