"""Prompts in PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from psycopg.types.json import Jsonb

from planner_memory.adapters.postgres.database import Database, Transaction
from planner_memory.ports.prompts import PromptChoice, PromptTemplate, PromptTransaction


class PostgresPromptTransaction:
    """Fulfils PromptTransaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def template(self, name: str, version: str) -> PromptTemplate | None:
        return await self._tx.row("prompt_template", PromptTemplate, name=name, version=version)

    async def templates(self, name: str | None = None) -> list[PromptTemplate]:
        return await self._tx.rows("prompt_templates", PromptTemplate, name=name)

    async def choice(self, name: str, client_id: str | None) -> PromptChoice | None:
        return await self._tx.row("prompt_choice", PromptChoice, name=name, client_id=client_id)

    async def choices(self, name: str | None = None) -> list[PromptChoice]:
        return await self._tx.rows("prompt_choices", PromptChoice, name=name)

    async def lock(self, name: str) -> None:
        await self._tx.run("lock_prompt", name=name)

    async def add_template(self, template: PromptTemplate) -> bool:
        return await self._tx.run("add_prompt_template", **{**asdict(template), "metadata": Jsonb(dict(template.metadata))}) == 1

    async def choose(self, choice: PromptChoice) -> None:
        await self._tx.run("choose_prompt", **asdict(choice))


class PostgresPrompts:
    """Fulfils PromptStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PromptTransaction]:
        async with self._database.begin() as tx:
            yield PostgresPromptTransaction(tx)
