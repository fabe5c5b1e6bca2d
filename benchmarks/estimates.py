"""Are the planner's ranges honest? `make bench-estimates`, or `[DATA=FILE] python benchmarks/estimates.py [--limit N] [--json FILE]`.

DATA is a CSV of finished tasks: task_id, person, project, category, subcategory, estimate_hours, actual_hours, estimated_on, completed_on. It is
replayed forward in time over HTTP: each day first learns what was finished before it, then is asked for its tasks, and for every 5, 10 and 20
consecutive tasks of a person as one plan. Beside the product stand the raw estimate, 1.5 times it, and evidence-based scheduling: the 80 %
quantile of the person's newest 200 ratios, everyone's below six, and 300 draws of them for a plan.

Always: a person whose raw estimates are off by a constant factor, alone on an installation. p50 has to be there within ten runs.
"""

import argparse
import asyncio
import csv
import json
import logging
import math
import os
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import structlog
from planner_desk import Desk, database, desk

LEVEL = 0.8
PLAN_SIZES = (5, 10, 20)
FACTORS = (0.6, 1.7, 2.5)
NOISE = 0.15  # of the logarithm: what is left when the factor is taken out


@dataclass(frozen=True)
class Finished:
    task_id: str
    person: str
    kind: str
    estimate: float
    actual: float
    estimated_on: date
    completed_on: date


@dataclass
class Score:
    """Of a p80: how often the actual hours lay at or under it, by how much it missed, and how evenly over people."""

    rows: list[tuple[str, float, float]] = field(default_factory=list)  # person, actual, p80

    def summary(self) -> dict[str, Any]:
        by_person: dict[str, list[bool]] = defaultdict(list)
        for person, actual, p80 in self.rows:
            by_person[person].append(actual <= p80)
        gaps = [abs(fmean(held) - LEVEL) for held in by_person.values() if len(held) >= 100]
        return {
            "n": len(self.rows),
            "coverage": round(fmean(actual <= p80 for _, actual, p80 in self.rows), 3),
            "pinball_h": round(fmean(max(LEVEL * (a - p), (LEVEL - 1) * (a - p)) for _, a, p in self.rows), 3),
            "mean_gap_per_person": round(fmean(gaps), 3) if gaps else None,
        }


class EvidenceBased:
    """Evidence-based scheduling as FogBugz described it, for comparison."""

    def __init__(self) -> None:
        self._own: dict[str, list[float]] = defaultdict(list)
        self._all: list[float] = []
        self._dice = random.Random(1)

    def learn(self, task: Finished) -> None:
        self._own[task.person].append(task.actual / task.estimate)
        self._all.append(task.actual / task.estimate)

    def _ratios(self, person: str) -> list[float]:
        own = self._own[person][-200:]
        return own if len(own) >= 6 else self._all[-2000:] if len(self._all) >= 6 else [1.42]

    def task(self, task: Finished) -> float:
        return task.estimate * _quantile(self._ratios(task.person))

    def plan(self, tasks: Sequence[Finished]) -> float:
        ratios = self._ratios(tasks[0].person)
        return _quantile([sum(t.estimate * self._dice.choice(ratios) for t in tasks) for _ in range(300)])


def _quantile(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values), math.ceil((len(values) + 1) * LEVEL)) - 1]


def read(path: Path, limit: int | None) -> list[Finished]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            Finished(
                row["task_id"],
                row["person"],
                f"{row['category']}-{row['subcategory']}",
                float(row["estimate_hours"]),
                float(row["actual_hours"]),
                date.fromisoformat(row["estimated_on"]),
                date.fromisoformat(row["completed_on"]),
            )
            for row in csv.DictReader(file)
        ]
    return rows[:limit]


async def told(made: Desk, task: Finished) -> None:
    end = datetime.combine(task.completed_on, time(17), UTC)
    await made.post(
        "/execution-runs",
        {
            "task_id": f"past:{task.task_id}",
            "executed_by_person_id": task.person,
            "workflow_id": task.kind,
            "estimated_hours": task.estimate,
            "actual_hours": task.actual,
            "started_at": (end - timedelta(hours=task.actual)).isoformat(),
            "ended_at": end.isoformat(),
        },
    )


async def asked(made: Desk, tasks: Sequence[Finished]) -> Any:
    body = [{"key": t.task_id, "raw_hours": t.estimate, "workflow_id": t.kind} for t in tasks]
    return await made.post("/estimates", {"person_id": tasks[0].person, "tasks": body})


async def replay(made: Desk, tasks: Sequence[Finished]) -> dict[str, Any]:
    days, plans = _by_day(tasks), _plans(tasks)
    waiting, baseline = sorted(tasks, key=lambda t: t.completed_on), EvidenceBased()
    singles: dict[str, Score] = defaultdict(Score)
    whole: dict[tuple[int, str], Score] = defaultdict(Score)
    raw_error, p50_error, told_of = list[float](), list[float](), 0
    for day in sorted(days):
        while told_of < len(waiting) and waiting[told_of].completed_on < day:
            baseline.learn(waiting[told_of])
            await told(made, waiting[told_of])
            told_of += 1
        for rows in days[day].values():
            answer = {each["key"]: each for each in (await asked(made, rows))["tasks"]}
            for t in rows:
                given = {"product": answer[t.task_id]["p80"], "raw": t.estimate, "1.5 x raw": 1.5 * t.estimate, "evidence-based": baseline.task(t)}
                for name, p80 in given.items():
                    singles[name].rows.append((t.person, t.actual, p80))
                raw_error.append(abs(t.actual - t.estimate))
                p50_error.append(abs(t.actual - answer[t.task_id]["p50"]))
        for rows in plans[day]:
            total = (await asked(made, rows))["total"]["p80"]
            for name, p80 in {"product": total, "raw": sum(t.estimate for t in rows), "evidence-based": baseline.plan(rows)}.items():
                whole[len(rows), name].rows.append((rows[0].person, sum(t.actual for t in rows), p80))
    tasks = {name: score.summary() for name, score in singles.items()}
    plans = {f"{size} tasks, {name}": score.summary() for (size, name), score in sorted(whole.items())}
    return {
        "targets": targets(tasks, plans),
        "tasks": tasks,
        "plans": plans,
        "mean_abs_error_h": {"raw": round(fmean(raw_error), 3), "p50": round(fmean(p50_error), 3)},
    }


def targets(tasks: dict[str, Any], plans: dict[str, Any]) -> dict[str, Any]:
    """Each promise with the figure, its bounds and whether it holds."""
    product, best = tasks["product"], min(score["pinball_h"] for name, score in tasks.items() if name != "product")
    found: dict[str, tuple[float | None, float, float]] = {
        "coverage of tasks": (product["coverage"], 0.78, 0.82),
        "loss to the best baseline": (round(product["pinball_h"] / best, 3), 0, 1.02),
        "loss to evidence-based": (round(product["pinball_h"] / tasks["evidence-based"]["pinball_h"], 3), 0, 0.93),
        "mean gap per person": (product["mean_gap_per_person"], 0, 0.025),
    }
    for size in PLAN_SIZES:
        ours, theirs = plans[f"{size} tasks, product"], plans[f"{size} tasks, evidence-based"]
        found[f"coverage of plans of {size}"] = (ours["coverage"], 0.76, 0.84)
        found[f"loss of plans of {size} to evidence-based"] = (round(ours["pinball_h"] / theirs["pinball_h"], 3), 0, 0.9)
    return {
        name: {"figure": figure, "from": low, "to": high, "holds": None if figure is None else low <= figure <= high}
        for name, (figure, low, high) in found.items()
    }


def _by_day(tasks: Iterable[Finished]) -> dict[date, dict[str, list[Finished]]]:
    out: dict[date, dict[str, list[Finished]]] = defaultdict(lambda: defaultdict(list))
    for task in tasks:
        out[task.estimated_on][task.person].append(task)
    return out


def _plans(tasks: Iterable[Finished]) -> dict[date, list[list[Finished]]]:
    """Each stretch of consecutive tasks of one person, under the day of its first."""
    out: dict[date, list[list[Finished]]] = defaultdict(list)
    people: dict[str, list[Finished]] = defaultdict(list)
    for task in tasks:
        people[task.person].append(task)
    for size in PLAN_SIZES:
        for own in people.values():
            for start in range(0, len(own) - size + 1, size):
                out[own[start].estimated_on].append(own[start : start + size])
    return out


async def simulated(factor: float) -> dict[str, Any]:
    """p50 / raw after each of ten runs of one person whose work takes `factor` times the raw estimate, give or take."""
    dice, found = random.Random(7), []
    async with database() as store, desk(store) as made:
        day = datetime(2026, 1, 5, 9, tzinfo=UTC)
        for i in range(10):
            raw = dice.choice((0.5, 1.0, 2.0, 3.0, 5.0))
            actual = raw * factor * math.exp(dice.gauss(0, NOISE))
            body = {"task_id": f"t{i}", "started_at": day.isoformat(), "ended_at": (day + timedelta(hours=actual)).isoformat()}
            await made.post("/execution-runs", {**body, "estimated_hours": raw, "actual_hours": actual})
            day += timedelta(days=1)
            answer = await made.post("/estimates", {"tasks": [{"key": "next", "raw_hours": 2.0}]})
            found.append(round(answer["tasks"][0]["p50"] / 2.0, 3))
    return {"true_factor": factor, "p50_over_raw": found, "off_by": round(abs(found[-1] / factor - 1), 3)}


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--limit", type=int)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    found: dict[str, Any] = {"simulated": [await simulated(factor) for factor in FACTORS]}
    if os.environ.get("DATA"):
        async with database() as store, desk(store) as made:
            found["replayed"] = await replay(made, read(Path(os.environ["DATA"]), given.limit))
    print(json.dumps(found, indent=2))
    if given.json:
        given.json.write_text(json.dumps(found))
    late = [each for each in found["simulated"] if each["off_by"] > 0.15]
    if late:
        raise SystemExit(f"After ten runs p50 is not within 15 % of the true factor: {late}")


asyncio.run(main())
