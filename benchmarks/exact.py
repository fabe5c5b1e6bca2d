"""The proven optimum of a small scheduling request by CP-SAT: a request as JSON on standard input, {"status", "cost", "bound"} on standard output.

Runs in an environment of its own that has ortools: `.venv-peers/bin/python benchmarks/exact.py < request.json`. The window must hold no clock change.
"""

import json
import sys
from datetime import datetime, timedelta
from typing import Any

from ortools.sat.python import cp_model
from schedule_problems import EXTRA_CHUNK, HOUR, LATE, LEFT_OUT, OUTSIDE_BAND, PER_MINUTE, Judge

GRID = 5


def solved(body: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The cheapest cost by interval variables in units of five minutes; each chunk of a task is optional, the first ones first."""
    judge, model = Judge(body), cp_model.CpModel()
    start = judge.start

    def unit(at: datetime, *, up: bool = False) -> int:
        minutes = int((at - start) / timedelta(minutes=1))
        return -(-minutes // GRID) if up else minutes // GRID

    free = [(unit(a, up=True), unit(b)) for a, b in judge.free]
    free = [(a, b) for a, b in free if a < b]
    top = free[-1][1]
    intervals, costs = [], []
    first: dict[str, Any] = {}
    last: dict[str, Any] = {}
    done: dict[str, Any] = {}
    for task in body["tasks"]:
        name, minutes, priority = task["task_id"], int(task["estimated_minutes"]), task["priority"]
        units = minutes // GRID
        least, most = (task["min_chunk_minutes"] // GRID, task["max_chunk_minutes"] // GRID) if task["splittable"] else (units, units)
        least = min(least, units)
        placed = done[name] = model.new_bool_var(f"{name} placed")
        begin, end = model.new_int_var(0, top, f"{name} begin"), model.new_int_var(0, top, f"{name} end")
        first[name], last[name] = begin, end
        release = unit(datetime.fromisoformat(task["earliest_start"]), up=True) if task.get("earliest_start") else 0
        sizes, uses = [], []
        previous = None
        for k in range(units // least):
            used = model.new_bool_var(f"{name} {k} used")
            size = model.new_int_var(0, most, f"{name} {k} size")
            model.add(size >= least).only_enforce_if(used)
            model.add(size == 0).only_enforce_if(~used)
            s, e = model.new_int_var(0, top, f"{name} {k} start"), model.new_int_var(0, top, f"{name} {k} end")
            intervals.append(model.new_optional_interval_var(s, size, e, used, f"{name} {k}"))
            places = []
            for a, b in free:
                if b - max(a, release) < least:
                    continue
                here = model.new_bool_var("")
                model.add(s >= max(a, release)).only_enforce_if(here)
                model.add(e <= b).only_enforce_if(here)
                places.append(here)
            model.add(sum(places) == used)
            if previous is not None:
                model.add_implication(used, previous[0])
                model.add(s >= previous[1]).only_enforce_if(used)
            previous = used, e
            sizes.append(size)
            uses.append(used)
            model.add(begin <= s).only_enforce_if(used)
            model.add(end >= e).only_enforce_if(used)
            pairs = (body.get("energy_bands") or {}).get(task.get("energy"))
            if pairs is not None:
                inside = cp_model.Domain.from_values(
                    [u for u in range(top + 1) if not judge.outside_band(task["energy"], start + timedelta(minutes=GRID * u))]
                )
                missed = model.new_bool_var("")
                model.add_linear_expression_in_domain(s, inside).only_enforce_if([used, ~missed])
                costs.append(OUTSIDE_BAND * missed)
        model.add(sum(sizes) == units * placed)
        model.add(uses[0] == placed)
        costs.append(EXTRA_CHUNK * (sum(uses) - placed))
        costs.append((LEFT_OUT[priority] + PER_MINUTE * minutes) * (1 - placed))
        hour = model.new_int_var(0, top * GRID // 60, "")
        model.add(60 * hour + 59 >= GRID * end).only_enforce_if(placed)
        costs.append(HOUR[priority] * hour)
        if task.get("deadline"):
            due = judge.wall(datetime.fromisoformat(task["deadline"]))
            late, quarters = model.new_bool_var(""), model.new_int_var(0, top * GRID // 15 + 1, "")
            model.add(GRID * end <= due).only_enforce_if([placed, ~late])
            model.add(15 * quarters >= GRID * end - due).only_enforce_if(placed)
            costs.append(LATE[priority] * late + quarters)
        for other in task.get("depends_on") or ():
            model.add_implication(placed, done[other])
            model.add(begin >= last[other]).only_enforce_if(placed)
    model.add_no_overlap(intervals)
    model.minimize(sum(costs))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 2
    solver.parameters.max_time_in_seconds = seconds
    status = solver.solve(model)
    return {"status": solver.status_name(status), "cost": round(solver.objective_value), "bound": round(solver.best_objective_bound)}


if __name__ == "__main__":
    print(json.dumps(solved(json.load(sys.stdin), float(sys.argv[1]) if len(sys.argv) > 1 else 20)))
