"""Places tasks into free time: list-scheduling seeds, then ruin and recreate with simulated annealing, by a fixed number of rounds.

The same input and seed give the same schedule on every machine: no clock is read.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from planner_memory.scheduler_engine.board import Board
from planner_memory.scheduler_engine.cost import Weights
from planner_memory.scheduler_engine.jobs import Chunk, Ground, Job
from planner_memory.scheduler_engine.quarters import to_quarters
from planner_memory.scheduler_engine.search import Search

_FEW = 30  # tasks


@dataclass(frozen=True, slots=True)
class Placement:
    """`places` holds per job its (start, end) in minutes, in order, or None when it was left out."""

    places: tuple[tuple[tuple[int, int], ...] | None, ...]
    cost: int
    rounds: int
    cost_as_wished: int | None = None


def rounds_for(n: int) -> int:
    """How long to search: more for more tasks, until a single round grows dear."""
    return 0 if n < 2 else min(1_200 * n, 24_000, 8_000_000 // n)


def times_for(n: int) -> int:
    """How often to begin anew: often where a fraction of the rounds finds nearly as much as all."""
    return 3 if n <= _FEW else 1


def place(
    jobs: Sequence[Job],
    ground: Ground,
    *,
    seed: int = 0,
    rounds: int | None = None,
    weights: Weights | None = None,
    wishes: Sequence[int | None] = (),
) -> Placement:
    """The cheapest schedule found. Precedence must be free of cycles.

    List scheduling after earliest due date, priority and weighted shortest time (Smith 1956) gives the start; then parts of the plan are
    taken out and put back at their cheapest places (ruin and recreate, Schrimpf et al. 2000; the ruins near in time follow the
    adjacent strings of Christiaens and Vanden Berghe 2020, those of single chunks the time windows of large neighbourhood search, Shaw 1998),
    accepted as in simulated annealing. `wishes`, the minutes at which jobs would rather start, make one more start of the search, put on the board
    by the same rules as everything else. Starts then move to quarter hours where that costs nothing.
    """
    board = Board(jobs, ground, weights or Weights())
    search = Search(board, random.Random(seed))  # noqa: S311 – a search, not a secret
    wanted = rounds_for(len(jobs)) if rounds is None else rounds
    wished = search.start(_as_wished(jobs, ground, board.weights, wishes) if any(w is not None for w in wishes) else ())
    search.run(wanted, times_for(len(jobs)))
    search.restore()
    to_quarters(board)
    return Placement(board.spans(), board.total, wanted, wished)


def _as_wished(jobs: Sequence[Job], ground: Ground, weights: Weights, wishes: Sequence[int | None]) -> list[list[tuple[Chunk, ...] | None]]:
    """Each job that has a wish, in the order of the wishes: once at its wish or as well as it goes after it, once as early as it goes."""
    floors = [job.release if at is None or job.fixed_at is not None else max(job.release, at) for job, at in zip(jobs, wishes, strict=True)]
    later = [replace(job, release=floor) for job, floor in zip(jobs, floors, strict=True)]
    wanted = sorted((i for i, at in enumerate(wishes) if at is not None), key=lambda i: (wishes[i] or 0, i))
    out = []
    for each in (later, jobs):
        board = Board(each, ground, weights)
        for i in board.in_order(wanted):
            found = (board.at(i, floors[i]) if each is later else None) or board.best(i)
            if found:
                board.put(i, found)
        out.append(list(board.place))
    return out
