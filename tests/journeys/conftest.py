"""The product in one process and in four, and a data directory for it."""

import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.journeys.product import SERVICES, Product, answering, end, end_leftovers, environment, opened, up
from tests.servers import free_port


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory that PostgreSQL's own user can reach, with nothing left running in it afterwards."""
    with tempfile.TemporaryDirectory(prefix="pmj-", ignore_cleanup_errors=True) as folder:
        path = Path(folder)
        path.chmod(0o711)
        yield path / "data"
        end_leftovers(path / "data")


@pytest.fixture(params=["one process", "four processes"])
async def product(request: pytest.FixtureRequest, data_dir: Path, empty_dsn: str) -> AsyncIterator[Product]:
    if request.param == "one process":
        with up(data_dir) as running:
            async for product in opened(dict.fromkeys(SERVICES, running.url)):
                yield product
        return
    ports = {name: free_port() for name in SERVICES}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    env = environment(data_dir, DATABASE_URL=empty_dsn, MEMORY_GATEWAY_URL=urls["memory"], PLANNER_ENGINE_URL=urls["planner"])
    processes, logs = [], []
    try:
        for name, service in SERVICES.items():
            log = data_dir.parent / f"{service}.log"
            logs.append(log)
            with log.open("w") as errors:
                command = [sys.executable, "-m", "planner_memory", "serve", service, "--port", str(ports[name])]
                processes.append(subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=errors, text=True))
        for url in urls.values():
            await answering(url, processes, logs)
        async for product in opened(urls):
            yield product
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            end(process)
