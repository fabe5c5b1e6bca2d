"""Background work by procrastinate, on the same PostgreSQL as everything else."""

import asyncio
from contextlib import suppress
from typing import Any

import procrastinate
import psycopg
import structlog
from procrastinate import exceptions
from procrastinate.jobs import DeleteJobCondition

from planner_memory.core.errors import Unavailable
from planner_memory.ports.jobs import Handler

log = structlog.get_logger()
_LOCK = 7_306_011_241  # serialises the creation of procrastinate's own tables
_STALLED_SWEEP_SECONDS = 30.0


class ProcrastinateJobs:
    """Fulfils Jobs. A worker runs between `start` and `close`, and takes up the jobs of workers that died."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn, min_size=1, max_size=3))
        self._tasks: dict[str, procrastinate.tasks.Task[Any, Any, Any]] = {}
        self._running: list[asyncio.Task[None]] = []
        self._is_open = False

    def register(self, name: str, handler: Handler, *, cron: str | None = None) -> None:
        if cron is None:
            self._tasks[name] = self._app.task(name=name, queue=name, retry=procrastinate.RetryStrategy(max_attempts=8, exponential_wait=2))(handler)
            return

        async def scheduled(timestamp: int = 0) -> None:  # procrastinate hands over the instant of the schedule
            await handler()

        self._tasks[name] = task = self._app.task(name=name, queue=name, queueing_lock=name)(scheduled)
        self._app.periodic(cron=cron)(task)

    async def open(self) -> None:
        """Makes procrastinate's tables if they are missing and opens its pool.

        Raises:
            Unavailable: PostgreSQL does not answer.
        """
        try:
            async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as connection:
                await connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
                found = await (await connection.execute("select to_regclass('procrastinate_jobs')")).fetchone()
                if found == (None,):
                    await connection.execute(procrastinate.schema.SchemaManager.get_schema())
                await connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))
            await self._app.open_async()
        except psycopg.OperationalError as error:
            raise Unavailable("PostgreSQL does not answer, so background work cannot start.") from error
        self._is_open = True

    def start(self) -> None:
        """Starts the worker for every registered job."""
        self._running = [asyncio.create_task(self._work()), asyncio.create_task(self._take_up_stalled())]

    async def defer(self, name: str, /, *, lock: str | None = None, in_seconds: float = 0, **arguments: Any) -> bool:
        task = self._tasks[name]
        when = {"schedule_in": {"seconds": in_seconds}} if in_seconds > 0 else {}
        try:
            await task.configure(queueing_lock=lock, **when).defer_async(**arguments)  # type: ignore[arg-type]
        except exceptions.AlreadyEnqueued:
            return False
        except (exceptions.ConnectorException, exceptions.AppNotOpen) as error:
            raise Unavailable("PostgreSQL does not answer, so the background job was not queued.") from error
        return True

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        for task in self._running:
            with suppress(asyncio.CancelledError, Exception):
                await task
        self._running = []
        if self._is_open:
            self._is_open = False
            await self._app.close_async()

    async def _work(self) -> None:
        """The worker, started again with a growing pause when PostgreSQL goes away."""
        pause = 1.0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._app.run_worker_async(
                    queues=list(self._app.tasks),
                    concurrency=2,
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=10,
                    delete_jobs=DeleteJobCondition.SUCCESSFUL,
                    fetch_job_polling_interval=5,
                    update_heartbeat_interval=5,
                    stalled_worker_timeout=20,
                )
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever ended the worker, the next one may run
                log.warning("the background worker stopped and will start again", error=str(error), in_seconds=pause)
            pause = 1.0 if asyncio.get_running_loop().time() - began > 60 else min(30.0, pause * 2)
            await asyncio.sleep(pause)

    async def _take_up_stalled(self) -> None:
        """Jobs of a worker that was killed stay "doing" for ever unless somebody takes them up."""
        while True:
            with suppress(exceptions.ConnectorException):
                for job in await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=20):
                    await self._app.job_manager.retry_job(job)
            await asyncio.sleep(_STALLED_SWEEP_SECONDS)
