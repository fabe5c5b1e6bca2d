"""p50 and p80 hours from past runs: finite-sample conformal quantiles of actual / raw, shrunk from the specific to the general.

The ratio is always taken to the raw estimate: with corrected ones the correction would feed on itself and settle too low.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner_memory.ports.plans import PastRun, RunHistory

PRIOR_P50, PRIOR_P80 = 1.00, 1.42  # the quantiles of actual/estimate in published histories of small companies' tasks
KNOWN_ENOUGH = 6  # runs, below which evidence-based scheduling uses a stand-in too
_LEVELS = ((0.5, math.log(PRIOR_P50)), (0.8, math.log(PRIOR_P80)))
# How many runs the level above is worth, in round numbers. A person's own quantile is noisy, and costs more on large tasks than it gains on small
# ones, so it weighs little beside everyone's; runs of one step soon speak for themselves.
_SHRINK_PERSON, _SHRINK_WORKFLOW, _SHRINK_TEMPLATE, _SHRINK_STEP = 200.0, 200.0, 8.0, 2.0
_SHRINK_PLANS = 20.0  # the same, in separate stretches of tasks
_SIMILAR = 300  # runs nearest in size, of everyone's
_SIMILAR_OWN = 60  # and of the person's own
_SHRINK_SIZE = 300.0
Floats = NDArray[np.float64]
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked about: raw hours and whatever is known of its kind."""

    raw_hours: float
    step_key: str | None = None
    process_template_id: str | None = None
    workflow_id: str | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """Hours. `basis` says in words what they rest on, `runs` how many of the most specific kind."""

    p50: float
    p80: float
    basis: str
    runs: int


def conformal_quantile(values: Sequence[float] | Floats, q: float) -> float:
    """The ceil((n + 1) q)-th smallest of n values: the next one lies at or below it with probability at least q, if exchangeable.

    With too few values for that the largest. Source: Vovk, Gammerman & Shafer, "Algorithmic Learning in a Random World" (2005).
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    return float(ordered[min(len(ordered), math.ceil((len(ordered) + 1) * q)) - 1])


def _shrunk(values: Sequence[float] | Floats, parent: Pair, weight: float) -> Pair:
    n = len(values)
    if n == 0:
        return parent
    return tuple((n * conformal_quantile(values, q) + weight * up) / (n + weight) for (q, _), up in zip(_LEVELS, parent, strict=True))  # type: ignore[return-value]


def _block_shrunk(blocks: Floats, separate: float, parent: Pair, weight: float) -> Pair:
    """As `_shrunk`, for overlapping blocks that are worth `separate` independent ones: the conformal rank is that of so few."""
    if not len(blocks):
        return parent
    level = min(1.0, math.ceil((separate + 1) * _LEVELS[1][0]) / separate)
    ordered = np.sort(blocks)  # NumPy's own median and quantile load 6 MB of masked arrays first
    found = (float(np.interp(q * (len(ordered) - 1), np.arange(len(ordered)), ordered)) for q in (0.5, level))
    return tuple((separate * value + weight * up) / (separate + weight) for value, up in zip(found, parent, strict=True))  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class _Hours:
    """Raw and actual hours of runs, newest first."""

    raw: Floats
    actual: Floats

    @classmethod
    def of(cls, runs: Sequence[PastRun]) -> "_Hours":
        return cls(np.array([r.raw_hours for r in runs], dtype=np.float64), np.array([r.actual_hours for r in runs], dtype=np.float64))

    @property
    def log_ratios(self) -> Floats:
        return np.log(self.actual / self.raw)


def _counted(n: int, of: str) -> str:
    return f"{n} run{'s' if n != 1 else ''} of {of}"


class Estimator:
    """Estimates for one person from what is known now. Built once per request, in O(n log n) of a bounded history."""

    def __init__(self, history: RunHistory, person_id: str) -> None:
        self._person = person_id
        self._own_hours = _Hours.of(history.own)
        self._own, self._own_sizes = self._own_hours.log_ratios, np.log(self._own_hours.raw)
        pooled = history.everyone
        everyone = _Hours(np.asarray(pooled.raw_hours, dtype=np.float64), np.asarray(pooled.actual_hours, dtype=np.float64))
        self._all, self._all_sizes = everyone.log_ratios, np.log(everyone.raw)
        self._everyone, self._people = everyone, pooled.person_ids
        self._steps: dict[str, list[PastRun]] = defaultdict(list)
        self._templates: dict[str, list[PastRun]] = defaultdict(list)
        self._workflows: dict[str, list[PastRun]] = defaultdict(list)
        for run in history.related:
            if run.step_key:
                self._steps[run.step_key].append(run)
            if run.process_template_id:
                self._templates[run.process_template_id].append(run)
            if run.workflow_id:
                self._workflows[run.workflow_id].append(run)
        self._known = len(self._all) >= KNOWN_ENOUGH
        self._bases: dict[float, Pair] = {}

    def _base(self, raw_hours: float) -> Pair:
        """The person's level for a task of that size, resting on everyone's."""
        size = round(math.log(raw_hours), 1)
        if size not in self._bases:
            pair: Pair = (_LEVELS[0][1], _LEVELS[1][1])
            if self._known:
                near = np.argsort(np.abs(self._all_sizes - size), kind="stable")[:_SIMILAR]
                pair = _shrunk(self._all[near], _shrunk(self._all, pair, 0.0), _SHRINK_SIZE)
                mine = np.argsort(np.abs(self._own_sizes - size), kind="stable")[:_SIMILAR_OWN]
                pair = _shrunk(self._own[mine], pair, _SHRINK_PERSON)
            self._bases[size] = pair
        return self._bases[size]

    def _of_kind(self, task: Task) -> tuple[Pair, str, int]:
        pair = self._base(task.raw_hours)
        basis, runs = self._ground(), len(self._own) or len(self._all)
        for of, key, table, weight in (
            ("this workflow", task.workflow_id, self._workflows, _SHRINK_WORKFLOW),
            ("this template", task.process_template_id, self._templates, _SHRINK_TEMPLATE),
            ("this step", task.step_key, self._steps, _SHRINK_STEP),
        ):
            found = self._mine(table.get(key, [])) if key else []
            if found:
                pair = _shrunk(_Hours.of(found).log_ratios, pair, weight)
                basis, runs = _counted(len(found), of), len(found)
        return pair, basis, runs

    def _mine(self, runs: Sequence[PastRun]) -> Sequence[PastRun]:
        """The person's own of these runs, else everyone's."""
        return [r for r in runs if r.person_id == self._person] or runs

    def _ground(self) -> str:
        if not self._known:
            return "prior: fewer than six runs are known"
        return f"{_counted(len(self._own), 'this person')}, rest of everyone" if len(self._own) else _counted(len(self._all), "everyone")

    def _each_person(self) -> list[_Hours]:
        """Everyone's runs person by person, each newest first."""
        if not self._people:
            return [self._everyone]
        places = {name: place for place, name in enumerate(sorted(set(self._people)))}
        person = np.array([places[name] for name in self._people])
        order = np.argsort(person, kind="stable")
        cuts = np.flatnonzero(np.diff(person[order])) + 1
        return [
            _Hours(raw, actual)
            for raw, actual in zip(np.split(self._everyone.raw[order], cuts), np.split(self._everyone.actual[order], cuts), strict=True)
        ]

    def task(self, task: Task) -> Estimate:
        """Hours for one task; p80 is never under p50."""
        (low, high), basis, runs = self._of_kind(task)
        p50 = task.raw_hours * math.exp(low)
        return Estimate(p50, max(p50, task.raw_hours * math.exp(high)), basis, runs)

    def total(self, tasks: Sequence[Task]) -> Estimate:
        """Hours for all tasks together, from how past runs of as many consecutive tasks of one person turned out.

        Errors of one person and period go together, so a sum of independent draws is too narrow; blocks of past tasks keep that in.
        """
        if not tasks:
            return Estimate(0.0, 0.0, "no tasks", 0)
        singles = [(task, self._of_kind(task)[0]) for task in tasks]
        if len(tasks) == 1:
            return self.task(tasks[0])
        raw = sum(t.raw_hours for t in tasks)
        # what is known of these kinds of task beyond the person's own level moves the whole by the same factor
        moved = sum(t.raw_hours * math.exp(pair[0] - self._base(t.raw_hours)[0]) for t, pair in singles) / raw
        own = _block_ratios(self._own_hours, len(tasks))
        others = np.concatenate([_block_ratios(each, len(tasks)) for each in self._each_person()])
        bases = [(t.raw_hours, self._base(t.raw_hours)) for t in tasks]
        pair: Pair = (math.log(sum(h * math.exp(b[0]) for h, b in bases) / raw), math.log(sum(h * math.exp(b[1]) for h, b in bases) / raw))
        for blocks, weight in ((others, 1.0), (own, _SHRINK_PLANS)) if self._known else ():
            # overlapping blocks tell no more than as many separate ones as fit
            pair = _block_shrunk(blocks, (len(blocks) + len(tasks) - 1) / len(tasks), pair, weight)
        p50 = raw * moved * math.exp(pair[0])
        known = len(own) if self._known else 0
        basis = f"{known} stretches of {len(tasks)} consecutive tasks of this person" if known else self._ground()
        return Estimate(p50, max(p50, raw * moved * math.exp(pair[1])), basis, known)


def _block_ratios(runs: _Hours, size: int) -> Floats:
    """The log ratio of every stretch of `size` consecutive runs, newest first."""
    if len(runs.raw) < size:
        return np.empty(0)
    raw, actual = (np.concatenate(([0.0], np.cumsum(hours))) for hours in (runs.raw, runs.actual))
    ratios: Floats = np.log((actual[size:] - actual[:-size]) / (raw[size:] - raw[:-size]))
    return ratios
