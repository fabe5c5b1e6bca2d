"""What every adapter of the Jobs port does."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from planner_memory.adapters.procrastinate.jobs import ProcrastinateJobs


@pytest.fixture(params=["procrastinate"])
async def jobs(request: pytest.FixtureRequest, dsn: str) -> AsyncIterator[ProcrastinateJobs]:
    made = ProcrastinateJobs(dsn)
    yield made
    await made.close()


async def until(done: asyncio.Event) -> None:
    await asyncio.wait_for(done.wait(), 20)


async def test_a_deferred_job_runs_with_its_arguments(jobs: ProcrastinateJobs) -> None:
    seen, done = [], asyncio.Event()

    async def greet(name: str) -> None:
        seen.append(name)
        done.set()

    jobs.register("test.greet", greet)
    await jobs.open()
    jobs.start()
    assert await jobs.defer("test.greet", name="Ada")
    await until(done)
    assert seen == ["Ada"]


async def test_of_one_lock_one_job_waits(jobs: ProcrastinateJobs) -> None:
    async def nothing() -> None: ...

    jobs.register("test.nothing", nothing)
    await jobs.open()
    assert await jobs.defer("test.nothing", lock="a")
    assert not await jobs.defer("test.nothing", lock="a")
    assert await jobs.defer("test.nothing", lock="b")


async def test_a_job_that_fails_runs_again(jobs: ProcrastinateJobs) -> None:
    tries, done = [], asyncio.Event()

    async def shaky() -> None:
        tries.append(1)
        if len(tries) < 2:
            raise RuntimeError("not yet")
        done.set()

    jobs.register("test.shaky", shaky)
    await jobs.open()
    jobs.start()
    await jobs.defer("test.shaky")
    await until(done)


async def test_a_job_of_a_worker_that_died_is_taken_up(jobs: ProcrastinateJobs, dsn: str) -> None:
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    jobs.register("test.work", work)
    await jobs.open()
    await jobs.defer("test.work")
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        # what a killed worker leaves: a job marked as running, its own heartbeat long gone
        await connection.execute("insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 hour')")
        await connection.execute("update procrastinate_jobs set status = 'doing', worker_id = (select max(id) from procrastinate_workers)")
    jobs.start()
    await until(done)


async def test_two_open_on_one_database_at_once(dsn: str) -> None:
    several = [ProcrastinateJobs(dsn) for _ in range(4)]
    try:
        await asyncio.gather(*(each.open() for each in several))
    finally:
        for each in several:
            await each.close()


async def test_a_job_with_a_schedule_can_be_deferred_too(jobs: ProcrastinateJobs) -> None:
    done = asyncio.Event()

    async def sweep() -> None:
        done.set()

    jobs.register("test.sweep", sweep, cron="0 0 1 1 *")
    await jobs.open()
    jobs.start()
    assert await jobs.defer("test.sweep", lock="test.sweep")
    await until(done)
