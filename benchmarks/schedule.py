"""What placement costs and what it is worth, through the HTTP API: `python benchmarks/schedule.py [--base-url URL --api-key KEY]`.

Without a base URL an all-in-one is started on an empty data directory and ended again. `--quick` takes two seeds per size.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
from schedule_problems import Judge, greedy, plan_of, problem

from planner_memory.adapters.pgserver.postmaster import FOLDER, ROLE, live_postmaster

ROOT = Path(__file__).parents[1]
ORACLE = ROOT / ".venv-peers" / "bin" / "python"
KEY = "benchmark-key"


class Service:
    """The product over HTTP; `process` is None when it runs elsewhere, and its processor time and memory are then unknown."""

    def __init__(self, url: str, key: str, process: psutil.Process | None, data: Path | None = None, calendar_port: str = "") -> None:
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=300)
        self.process, self.url, self.data, self.calendar_port = process, url, data, calendar_port

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(f"/api/v1/scheduler{path}", json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def cpu(self) -> float:
        if self.process is None:
            return float("nan")
        times = self.process.cpu_times()
        return times.user + times.system

    def resident(self) -> float:
        return self.process.memory_info().rss / 1e6 if self.process else float("nan")


@contextmanager
def started() -> Iterator[Service]:
    with tempfile.TemporaryDirectory(prefix="bench-schedule-") as folder:
        Path(folder).chmod(0o755)  # the embedded PostgreSQL may run as another user
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PLANNER_", "CALDAV_", "DATABASE_", "POSTGRES_"))}
        own = {"PLANNER_DATA_DIR": f"{folder}/data", "PLANNER_API_KEY": KEY, "PLANNER_CALENDAR_PORT": str(_free_port())}
        command = [sys.executable, "-m", "planner_memory", "up", "--port", "0", "--json"]
        with Path(f"{folder}/log").open("w") as log:
            process = subprocess.Popen(command, env=kept | own, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                sys.exit(f"The product did not start:\n{Path(f'{folder}/log').read_text()[-3000:]}")
            yield Service(json.loads(line)["url"], KEY, psutil.Process(process.pid), Path(f"{folder}/data"), own["PLANNER_CALENDAR_PORT"])
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def alone(whole: Service) -> Iterator[Service]:
    """The scheduler in a process of its own, on the database, the memory and the calendar of the all-in-one."""
    assert whole.data is not None
    database = live_postmaster(whole.data / FOLDER)
    assert database is not None
    name, _, password = (whole.data / "calendar-credentials").read_text().strip().partition(":")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PLANNER_", "CALDAV_", "DATABASE_", "POSTGRES_"))}
    own = {"PLANNER_DATA_DIR": f"{whole.data}-alone", "PLANNER_API_KEY": KEY, "DATABASE_URL": database.dsn(ROLE)}
    own |= {"MEMORY_GATEWAY_URL": whole.url, "PLANNER_ENGINE_URL": whole.url}
    own |= {"CALDAV_URL": f"http://127.0.0.1:{whole.calendar_port}", "CALDAV_USERNAME": name, "CALDAV_PASSWORD": password}
    port = _free_port()
    command = [sys.executable, "-m", "planner_memory", "serve", "scheduler-engine", "--port", str(port)]
    process = subprocess.Popen(command, env=kept | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        service = Service(f"http://127.0.0.1:{port}", KEY, psutil.Process(process.pid))
        for _ in range(600):
            try:
                if service.http.get("/health").is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield service
    finally:
        process.terminate()
        process.wait(60)


def resident(whole: Service) -> None:
    with alone(whole) as service:
        before = service.resident()
        for n in (20, 300):
            service.post("/schedule", problem(n, 1))
        print(
            f"\nthe scheduler as a process of its own: {before:.0f} MB resident after its start, {service.resident():.0f} MB after 20 and 300 tasks"
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def placement(service: Service, sizes: list[int], seeds: range) -> None:
    print("\ntasks  seeds  of EDD  of priority  of the better  wall s (max)  CPU s  RSS of all MB  left out  rules broken")
    for n in sizes:
        rows = []
        for seed in seeds:
            body = problem(n, seed)
            judge = Judge(body)
            edd, priority = (judge.cost(greedy(body, by=by))["cost"] for by in ("due", "priority"))
            cpu, clock = service.cpu(), time.perf_counter()
            answer = service.post("/schedule", body)
            wall, cpu = time.perf_counter() - clock, service.cpu() - cpu
            plan = plan_of(answer)
            cost, told = judge.cost(plan)["cost"], answer["score"]["cost"]
            broken = len(judge.broken(plan)) + (cost != told)
            rows.append((cost / edd, cost / priority, cost / min(edd, priority), wall, cpu, service.resident(), len(answer["unscheduled"]), broken))
        mean = [sum(r[k] for r in rows) / len(rows) for k in range(8)]
        slowest = max(r[3] for r in rows)
        print(
            f"{n:5}  {len(rows):5}  {mean[0]:6.3f}  {mean[1]:11.3f}  {mean[2]:13.3f}  {mean[3]:5.2f} ({slowest:4.2f})"
            f"  {mean[4]:5.2f}  {mean[5]:11.0f}  {mean[6]:8.1f}  {sum(r[7] for r in rows):12}"
        )


def disturbance(service: Service, seeds: range) -> None:
    """Two meetings of an hour land on a hundred tasks."""
    moved, dearer = [], []
    for seed in seeds:
        body = problem(100, seed)
        before = service.post("/schedule", {**body, "dry_run": False})
        blocks = before["schedule_blocks"]
        struck = [blocks[len(blocks) // 3], blocks[len(blocks) // 2]]
        meetings = [{"start": b["start"], "end": (datetime.fromisoformat(b["start"]) + timedelta(minutes=60)).isoformat()} for b in struck]
        changed = {**body, "extra_busy": [*body["extra_busy"], *meetings]}
        mended = service.post("/reschedule", {"run_id": before["scheduler_run_id"], "extra_busy": meetings, "dry_run": True})
        service.post(f"/runs/{before['scheduler_run_id']}/undo", {})
        fresh = service.post("/schedule", changed)
        hit = {
            b["task_id"]
            for b in blocks
            if any(
                datetime.fromisoformat(b["start"]) < datetime.fromisoformat(m["end"])
                and datetime.fromisoformat(m["start"]) < datetime.fromisoformat(b["end"])
                for m in meetings
            )
        }
        others = {(b["task_id"], b["start"], b["end"]) for b in blocks if b["task_id"] not in hit}
        moved.append(len(others - {(b["task_id"], b["start"], b["end"]) for b in mended["schedule_blocks"]}) / len(others))
        judge = Judge(changed)
        dearer.append(judge.cost(plan_of(mended))["cost"] / judge.cost(plan_of(fresh))["cost"])
        if judge.broken(plan_of(mended)):
            print("rules broken by a repair:", judge.broken(plan_of(mended)))
    print(f"\ntwo meetings on 100 tasks, {len(moved)} seeds: {sum(moved) / len(moved):.1%} of the other blocks move,")
    print(f"cost without the moves {sum(dearer) / len(dearer):.3f} of a fresh search (the worst {max(dearer):.3f})")


def optimum(service: Service) -> None:
    if not ORACLE.exists():
        print(f"\nno gap to the optimum: {ORACLE} is missing")
        return
    gaps = []
    for n, seed in [(4, 1), (5, 2), (6, 3), (7, 4), (8, 5), (8, 6), (9, 7), (10, 8), (10, 9)]:
        body = problem(n, seed, days=3, first=date(2027, 4, 5), load=0.7)
        ran = subprocess.run([ORACLE, ROOT / "benchmarks" / "exact.py", "30"], input=json.dumps(body), capture_output=True, text=True, check=True)
        proven = json.loads(ran.stdout)
        if proven["status"] == "OPTIMAL":
            gaps.append(service.post("/schedule", body)["score"]["cost"] / proven["cost"] - 1)
    print(f"\nabove the proven optimum, {len(gaps)} plans of 4 to 10 tasks: {sum(gaps) / len(gaps):.1%} on average, {max(gaps):.1%} at worst")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url"), parser.add_argument("--api-key", default=KEY), parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    seeds = range(1, 3) if asked.quick else range(1, 11)

    def report(service: Service) -> None:
        service.post("/schedule", problem(5, 0))  # the first request loads what later ones have
        placement(service, [20, 50, 100, 200, 300, 500], seeds)
        optimum(service)
        disturbance(service, seeds)

    if asked.base_url:
        report(Service(asked.base_url, asked.api_key, None))
    else:
        with started() as service:
            report(service)
            resident(service)


if __name__ == "__main__":
    main()
