"""The default objective. Minutes are wall minutes of the person's zone, so that a day's end costs the same on both sides of a clock change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Weights:
    """Costs by priority 1 (urgent) to 4 (low), and per occurrence."""

    left_out: Mapping[int, int] = field(default_factory=lambda: {1: 4000, 2: 2000, 3: 1000, 4: 500})
    late: Mapping[int, int] = field(default_factory=lambda: {1: 1500, 2: 800, 3: 400, 4: 200})
    hour: Mapping[int, int] = field(default_factory=lambda: {1: 4, 2: 2, 3: 1, 4: 1})
    left_out_per_minute: int = 4
    outside_band: int = 30
    extra_chunk: int = 15
    moved: int = 60


_BY_PRIORITY = ("left_out", "late", "hour")
_SINGLE = ("left_out_per_minute", "outside_band", "extra_chunk", "moved")


def weights_of(*documents: Mapping[str, Any]) -> Weights:
    """The default weights with what each document names put over them, the last one on top. Priorities are the keys "1" to "4"."""
    values: dict[str, Any] = {}
    default = Weights()
    for name in _BY_PRIORITY:
        costs = dict(getattr(default, name))
        for document in documents:
            costs.update({int(k): int(v) for k, v in (document.get(name) or {}).items() if int(k) in costs and v is not None})
        values[name] = costs
    for name in _SINGLE:
        given = [document[name] for document in documents if document.get(name) is not None]
        values[name] = int(given[-1]) if given else getattr(default, name)
    return Weights(**values)


@dataclass(frozen=True, slots=True)
class Placed:
    """One placed task as the cost sees it: `chunks` are (start, end) in wall minutes from the window's start, in order."""

    priority: int
    deadline: int | None
    chunks: Sequence[tuple[int, int]]
    outside_band: int  # chunks that start outside the task's energy band
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    cost: int
    terms: Mapping[str, int]

    def document(self) -> dict[str, Any]:
        return {"cost": self.cost, "terms": dict(self.terms)}


def lateness_cost(late_minutes: int, priority: int, weights: Weights) -> int:
    """The fixed cost and one per started quarter of an hour; nothing when it is in time."""
    return weights.late[priority] + -(-late_minutes // 15) if late_minutes > 0 else 0


def left_out_cost(minutes: int, priority: int, weights: Weights) -> int:
    return weights.left_out[priority] + weights.left_out_per_minute * minutes


def score(placed: Sequence[Placed], left_out: Sequence[tuple[int, int]], weights: Weights) -> Score:
    """The cost of a schedule and its terms. `left_out` holds (minutes, priority) of each task without a place."""
    terms = {"left_out": sum(left_out_cost(minutes, priority, weights) for minutes, priority in left_out)}
    terms["late"] = terms["completion"] = terms["energy"] = terms["chunks"] = terms["moved"] = 0
    for task in placed:
        end = task.chunks[-1][1]
        if task.deadline is not None:
            terms["late"] += lateness_cost(end - task.deadline, task.priority, weights)
        terms["completion"] += weights.hour[task.priority] * (end // 60)
        terms["energy"] += weights.outside_band * task.outside_band
        terms["chunks"] += weights.extra_chunk * (len(task.chunks) - 1)
        terms["moved"] += weights.moved * task.moved
    return Score(sum(terms.values()), terms)
