"""API keys and idempotent answers in PostgreSQL."""

from planner_memory.adapters.postgres.database import Database
from planner_memory.ports.keys import ApiKey, StoredAnswer


class PostgresKeys:
    """Fulfils KeyStore and AnswerStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def key_by_hash(self, key_hash: str) -> ApiKey | None:
        async with self._database.begin() as tx:
            found = await tx.row("key_by_hash", ApiKey, key_hash=key_hash)
        return found and ApiKey(found.id, found.name, tuple(found.client_ids) if found.client_ids is not None else None, tuple(found.scopes))

    async def add_key(self, name: str, key_hash: str, *, client_ids: tuple[str, ...] | None = None) -> None:
        async with self._database.begin() as tx:
            await tx.run("add_key", name=name, key_hash=key_hash, client_ids=list(client_ids) if client_ids is not None else None)

    async def claim(self, caller: str, path: str, key: str, body_hash: str) -> StoredAnswer | None:
        async with self._database.begin() as tx:
            await tx.run("forget_old_answers", caller=caller, path=path, key=key)
            if await tx.run("claim_answer", caller=caller, path=path, key=key, body_hash=body_hash):
                return None
            return await tx.row("stored_answer", StoredAnswer, caller=caller, path=path, key=key)

    async def keep(self, caller: str, path: str, key: str, answer: StoredAnswer) -> None:
        async with self._database.begin() as tx:
            await tx.run("keep_answer", caller=caller, path=path, key=key, status=answer.status, headers=dict(answer.headers), body=answer.body)

    async def release(self, caller: str, path: str, key: str) -> None:
        async with self._database.begin() as tx:
            await tx.run("release_answer", caller=caller, path=path, key=key)
