"""Which search index is in use, in PostgreSQL."""

from datetime import datetime

from planner_memory.adapters.postgres.database import Database


class PostgresIndexHome:
    """Fulfils IndexHome."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def location(self) -> str:
        async with self._database.begin() as tx:
            return await tx.value("index_location") or ""

    async def switch(self, location: str, *, embedder: str, dimension: int, changed_since: datetime) -> int:
        async with self._database.begin() as tx:
            await tx.run("switch_index", location=location, embedder=embedder, dimension=dimension)
            return await tx.run("due_since", since=changed_since)
