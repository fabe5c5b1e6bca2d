"""Places tasks into free time: list-scheduling seeds, then ruin and recreate with simulated annealing, by a fixed number of rounds.

The same input and seed give the same schedule on every machine: no clock is read.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from planner_memory.scheduler_engine.board import Board
from planner_memory.scheduler_engine.cost import Weights
from planner_memory.scheduler_engine.jobs import Ground, Job
from planner_memory.scheduler_engine.quarters import to_quarters
from planner_memory.scheduler_engine.search import Search


@dataclass(frozen=True, slots=True)
class Placement:
    """`places` holds per job its (start, end) in minutes, in order, or None when it was left out."""

    places: tuple[tuple[tuple[int, int], ...] | None, ...]
    cost: int
    rounds: int


def rounds_for(n: int) -> int:
    """How long to search: more for more tasks, until a single round grows dear."""
    return 0 if n < 2 else min(1_600 + 370 * n, 28_000, 8_000_000 // n)


def place(jobs: Sequence[Job], ground: Ground, *, seed: int = 0, rounds: int | None = None, weights: Weights | None = None) -> Placement:
    """The cheapest schedule found. Precedence must be free of cycles.

    List scheduling after earliest due date, priority and weighted shortest time (Smith 1956) gives the start; then parts of the plan are
    taken out and put back at their cheapest places (ruin and recreate, Schrimpf et al. 2000; the ruins near in time follow the
    adjacent strings of Christiaens and Vanden Berghe 2020, those of single chunks the time windows of large neighbourhood search, Shaw 1998),
    accepted as in simulated annealing. Starts then move to quarter hours where that costs nothing.
    """
    board = Board(jobs, ground, weights or Weights())
    search = Search(board, random.Random(seed))  # noqa: S311 – a search, not a secret
    wanted = rounds_for(len(jobs)) if rounds is None else rounds
    search.start()
    search.run(wanted)
    search.restore()
    to_quarters(board)
    return Placement(board.spans(), board.total, wanted)
