"""The connection pool, and the one way to run a named query inside a transaction, which sees the rows of its scope alone."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import fields
from functools import lru_cache
from typing import Any, TypeVar, cast

import psycopg
import structlog
from psycopg import sql
from psycopg.rows import BaseRowFactory, RowMaker, class_row, dict_row, scalar_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from planner_memory.adapters.postgres.queries import queries
from planner_memory.core.errors import PlannerMemoryError, Unavailable
from planner_memory.core.tenancy import Scope, current_scope

log = structlog.get_logger()
Row = TypeVar("Row")
Result = TypeVar("Result")
Connection = psycopg.AsyncConnection[dict[str, Any]]


def _adapted(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Jsonb(value) if _is_json(value) else value for name, value in parameters.items()}


def _is_json(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _settings(role: str | None, scope: Scope | None, may_be_lost: bool) -> dict[str, str]:
    """What holds for one transaction: the role that stands below row-level security, and whose rows it may touch."""
    clients = json.dumps(scope.clients) if scope and scope.clients else ""
    set_to = {"planner.clients": clients, "planner.bypass": (scope and scope.bypass) or ""}
    if may_be_lost:
        set_to["synchronous_commit"] = "off"
    return {"role": role, **set_to} if role else set_to


@lru_cache(maxsize=1_024)
def _begin(role: str | None, scope: Scope | None, may_be_lost: bool, locking: tuple[str, ...]) -> bytes:
    """One round trip: the transaction, its settings, and the clients that it locks."""
    set_to = _settings(role, scope, may_be_lost)
    said = [sql.SQL("set_config({}, {}, true)").format(sql.Literal(name), sql.Literal(value)) for name, value in set_to.items()]
    begun = sql.SQL("begin; select {}").format(sql.SQL(", ").join(said)).as_bytes()
    return begun + b"; " + _text("lock_clients").replace(b"%(clients)s", sql.Literal(list(locking)).as_bytes()) if locking else begun


def _made(row: type[Row]) -> BaseRowFactory[Row]:
    """`class_row`, which names each value of each row, at half its price where the query's columns stand in the order of the fields."""
    named, names = class_row(row), [field.name.encode() for field in fields(row)]  # type: ignore[arg-type]

    def maker(cursor: Any) -> RowMaker[Row]:
        result = cursor.pgresult
        if result is None or [result.fname(place) for place in range(result.nfields)] != names:
            return named(cursor)
        return lambda values: row(*values)

    return maker


def _text(name: str) -> bytes:
    return queries()[name].encode()  # bytes, because psycopg takes a str for a query only when it is a literal


class Transaction:
    """One open transaction. Every method takes the name of a query in sql/ and its parameters.

    A dict, and a list of dicts, is sent as jsonb; an empty list is sent as an array, so wrap it in Jsonb where jsonb is meant.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def rows(self, name: str, row: type[Row], /, **parameters: Any) -> list[Row]:
        """All rows, each as the dataclass `row`, whose fields are the query's columns."""
        async with self._connection.cursor(row_factory=_made(row)) as cursor:
            await cursor.execute(_text(name), _adapted(parameters))
            return await cursor.fetchall()

    async def row(self, name: str, row: type[Row], /, **parameters: Any) -> Row | None:
        """The first row, or None."""
        async with self._connection.cursor(row_factory=_made(row)) as cursor:
            await cursor.execute(_text(name), _adapted(parameters))
            return await cursor.fetchone()

    async def value(self, name: str, /, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        async with self._connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(_text(name), _adapted(parameters))
            found = await cursor.fetchone()
            return next(iter(found.values())) if found else None

    async def values(self, name: str, /, **parameters: Any) -> list[Any]:
        """The first column of all rows."""
        async with self._connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(_text(name), _adapted(parameters))
            return await cursor.fetchall()

    async def run(self, name: str, /, **parameters: Any) -> int:
        """Runs a statement and returns how many rows it touched."""
        cursor = await self._connection.execute(_text(name), _adapted(parameters))
        return cursor.rowcount

    async def run_many(self, name: str, /, parameters: Iterable[Mapping[str, Any]]) -> None:
        """Runs a statement once per set of parameters, in one pipeline."""
        async with self._connection.cursor() as cursor:
            await cursor.executemany(_text(name), [_adapted(p) for p in parameters])


@contextmanager
def _told() -> Iterator[None]:
    """The driver's errors as ours."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        log.error("a transaction left its scope", scope=repr(current_scope()), reason=error.diag.message_primary)
        raise PlannerMemoryError(
            "A row of a client outside this request's scope was to be written, so nothing was stored. "
            "This is a mistake in planner-memory; its log names the scope."
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
        raise Unavailable("PostgreSQL does not answer; nothing was stored. Try again in a moment.") from error


class Database:
    """PostgreSQL behind a pool. Opened once per process."""

    def __init__(self, dsn: str, *, max_size: int = 8) -> None:
        self.dsn = dsn
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            dsn,
            connection_class=cast(type[Connection], psycopg.AsyncConnection),
            kwargs={"row_factory": dict_row, "autocommit": True},  # `begin` says itself what the transaction begins with
            min_size=1,
            max_size=max_size,
            timeout=5,
            open=False,
        )
        self._max_size = max_size
        self._role: str | None = None

    async def open(self) -> None:
        try:
            await self._pool.open(wait=True, timeout=15)
            async with self.begin() as tx:
                self._role = await tx.value("service_role")
        except (PoolTimeout, Unavailable) as error:
            raise Unavailable(
                "PostgreSQL does not answer. Check DATABASE_URL, or POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER and POSTGRES_PASSWORD."
            ) from error

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def begin(self, *, may_be_lost: bool = False, locking: Sequence[str] = ()) -> AsyncIterator[Transaction]:
        """A transaction, committed when the block ends and rolled back when it raises. It sees the rows of the current scope; without one, none.

        With `may_be_lost` the commit does not wait for the disk: a crash of PostgreSQL undoes it when it is less than a second old. For notes about
        derived data alone, which are made again when they are missing. With `locking` it first waits for other transactions that lock these clients.

        Raises:
            Unavailable: PostgreSQL does not answer, or went away before the commit; nothing was stored.
        """
        statement = _begin(self._role, current_scope(), may_be_lost, tuple(locking))

        async def begun(connection: Connection) -> None:
            await connection.execute(statement)

        with _told():
            connection, _ = await self._first(begun)
            try:
                async with connection:  # commits or rolls back; the pool keeps it open
                    yield Transaction(connection)
            finally:
                await self._pool.putconn(connection)

    async def at_once(self, name: str, row: type[Row], /, *, locking: Sequence[str], **parameters: Any) -> list[Row]:
        """As a transaction of `begin(locking=…)` that runs this one query, whose rows it returns, in one round trip instead of three.

        The query must bear to be repeated: it is sent again when the connection was found dead, and then it may have been carried out.

        Raises:
            Unavailable: as `begin`.
        """
        set_to = _settings(self._role, current_scope(), False)
        settings = b"select " + b", ".join([b"set_config(%s, %s, true)"] * len(set_to))
        values = [part for setting in set_to.items() for part in setting]

        async def sent(connection: Connection) -> list[Row]:
            # what stands in one pipeline is one transaction, committed where the pipeline ends
            async with connection.cursor(row_factory=_made(row)) as cursor:
                async with connection.pipeline():
                    await connection.execute(settings, values)
                    await connection.execute(_text("lock_clients"), {"clients": list(locking)})
                    await cursor.execute(_text(name), _adapted(parameters))
                return await cursor.fetchall()

        with _told():
            connection, found = await self._first(sent)
            await self._pool.putconn(connection)
        return found

    async def _first(self, work: Callable[[Connection], Awaitable[Result]]) -> tuple[Connection, Result]:
        """What a connection does first also tests that it lives; one that died in the pool is thrown away. The caller gives it back."""
        lives = self._max_size
        while True:
            connection = await self._pool.getconn()
            try:
                return connection, await work(connection)
            except BaseException as error:
                was_dead = connection.closed and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
                await self._pool.putconn(connection)
                lives -= 1
                if lives < 0 or not was_dead:
                    raise

    async def check(self) -> None:
        async with self.begin() as tx:
            await tx.value("ping")
