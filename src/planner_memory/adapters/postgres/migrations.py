"""Runs the numbered SQL files, forward only, one transaction each, under an advisory lock."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from planner_memory.core.errors import NotStarted, Unavailable

_LOCK = 7_306_011_240  # any number, the same in every process
_TABLE = re.compile(r"^create table (?:if not exists )?(\w+)", re.MULTILINE | re.IGNORECASE)
_OWN_TRANSACTION = re.compile(r"^(begin|commit);[ \t]*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped_migrations() -> list[Migration]:
    """The files in order: beside the package when it was built, at the repository's root in a checkout."""
    package = Path(__file__).resolve().parents[2]
    folder = next((f for f in (package / "migrations", package.parents[1] / "migrations") if f.is_dir()), None)
    if folder is None:
        raise NotStarted("The migration files are missing from this installation. Install planner-memory again.")
    return [Migration(f.name, f.read_text(encoding="utf-8")) for f in sorted(folder.glob("[0-9][0-9][0-9]_*.sql"))]


async def migrate(dsn: str, migrations: list[Migration] | None = None) -> list[str]:
    """Applies what is not applied yet and returns those names. Safe to run in many processes at once: one works, the others wait.

    A file that was run by hand (recorded without a checksum) is taken as applied.

    Raises:
        NotStarted: an applied file was edited since, or the database holds a newer schema than this version knows.
        Unavailable: PostgreSQL does not answer.
    """
    known = shipped_migrations() if migrations is None else migrations
    try:
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    except psycopg.OperationalError as error:
        raise Unavailable(f"PostgreSQL does not answer: {error}") from error
    async with connection:
        await connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
        try:
            await connection.execute("select set_config('planner.bypass', 'migration', false)")  # rows of every client are brought up to date
            done = await _apply(connection, known)
            await _grant(connection, known)
            return done
        finally:
            await connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))


async def _apply(connection: psycopg.AsyncConnection, known: list[Migration]) -> list[str]:
    await connection.execute(
        "create table if not exists schema_migrations (name text primary key, checksum text, applied_at timestamptz not null default now())"
    )
    applied: dict[str, str | None] = dict(await (await connection.execute("select name, checksum from schema_migrations")).fetchall())
    unknown = sorted(set(applied) - {m.name for m in known})
    if unknown:
        raise NotStarted(
            f"The database holds migrations that this version does not know ({', '.join(unknown)}). Install the newer version of planner-memory."
        )
    done = []
    for migration in known:
        if migration.name in applied:
            recorded = applied[migration.name]
            if recorded is None:
                await connection.execute("update schema_migrations set checksum = %s where name = %s", (migration.checksum, migration.name))
            elif recorded != migration.checksum:
                raise NotStarted(f"{migration.name} was edited after it was applied. Restore the file, and put the change into a new migration.")
            continue
        async with connection.transaction():
            await connection.execute(_OWN_TRANSACTION.sub("", migration.sql).encode())
            await connection.execute(
                "insert into schema_migrations (name, checksum) values (%s, %s) on conflict (name) do update set checksum = excluded.checksum",
                (migration.name, migration.checksum),
            )
        done.append(migration.name)
    return done


async def _grant(connection: psycopg.AsyncConnection, known: list[Migration]) -> None:
    """Lets the role that the services step down to use the tables that the migrations made, also those of files run by hand."""
    ours = sorted({name for migration in known for name in _TABLE.findall(migration.sql)} - {"schema_migrations"})
    missing = await connection.execute(
        "select name from unnest(%s::text[]) as name, pg_roles where rolname = 'planner_service' and to_regclass(name) is not null"
        " and not has_table_privilege(oid, to_regclass(name), 'delete')",
        (ours,),
    )
    for (name,) in await missing.fetchall():
        table = sql.Identifier(name)
        await connection.execute(sql.SQL("grant select, insert, update, delete on {} to planner_service").format(table))
