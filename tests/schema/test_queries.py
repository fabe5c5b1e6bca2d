"""Every named query is prepared on the migrated schema, so that a misspelt column fails in a second."""

import re

import psycopg
import pytest

from planner_memory.adapters.postgres.queries import queries

_PARAMETER = re.compile(r"%\((\w+)\)s")


def prepared(sql: str) -> str:
    names: dict[str, int] = {}
    return _PARAMETER.sub(lambda m: f"${names.setdefault(m.group(1), len(names) + 1)}", sql).replace("%%", "%")


@pytest.mark.parametrize("name", sorted(queries()))
async def test_the_query_fits_the_schema(name: str, shared_dsn: str) -> None:
    async with await psycopg.AsyncConnection.connect(shared_dsn, autocommit=True) as connection:
        await connection.execute(f"prepare q as {prepared(queries()[name])}".encode())
