"""The ledger of language models in PostgreSQL."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from planner_memory.adapters.postgres.database import Database
from planner_memory.core.tenancy import spanning
from planner_memory.ports.language_model import ModelCall, Spend


class PostgresModelLedger:
    """Fulfils ModelLedger. The month's budget is everyone's, so it spans clients; every other look is at one call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def spent(self, since: datetime) -> Spend:
        with spanning("model ledger"):
            async with self._database.begin() as tx:
                return await tx.row("model_spend", Spend, since=since) or Spend(0.0, 0.0)

    async def add(self, call: ModelCall) -> None:
        with spanning("model ledger"):
            async with self._database.begin() as tx:
                await tx.run("add_model_call", **asdict(call))

    async def unsettled(self, request_hash: str, client_id: str | None, since: datetime) -> ModelCall | None:
        with spanning("model ledger"):
            async with self._database.begin() as tx:
                await tx.run("forget_model_answers", before=since)
                return await tx.row("unsettled_model_call", ModelCall, request_hash=request_hash, client_id=client_id, since=since)

    async def settle(self, call_id: UUID) -> None:
        with spanning("model ledger"):
            async with self._database.begin() as tx:
                await tx.run("settle_model_call", call_id=call_id)
