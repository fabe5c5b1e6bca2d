"""How long a client keeps its memories, and the daily sweep that forgets what is over its time."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.tenancy import spanning, within
from planner_memory.memory_gateway.forgetting import Forgetting
from planner_memory.memory_gateway.requests import Draft
from planner_memory.memory_gateway.storing import stored
from planner_memory.ports.archive import Retention
from planner_memory.ports.jobs import Jobs
from planner_memory.ports.memories import MemoryStore

log = structlog.get_logger()
RETENTION_JOB = "memory-gateway-retention"
_AT_ONCE = 1_000


class Retaining:
    """Nothing is forgotten that no rule names. `wake` has the index follow."""

    def __init__(
        self, *, store: MemoryStore, forgetting: Forgetting, clock: Clock, zone: Callable[[], Awaitable[ZoneInfo]], wake: Callable[[], object]
    ) -> None:
        self._store = store
        self._forgetting = forgetting
        self._clock = clock
        self._zone = zone
        self._wake = wake

    def register_jobs(self, jobs: Jobs) -> None:
        jobs.register(RETENTION_JOB, self.sweep, cron="17 2 * * *")

    async def rules(self, client_id: str) -> dict[str, Any]:
        """The client's rules, and how many memories the next sweep would forget."""
        async with self._store.begin() as tx:
            policy = await tx.retention(client_id) or Retention(client_id)
            due = await tx.count_expired(policy, self._clock())
        return {**asdict(policy), "due": due}

    async def set_rules(self, policy: Retention) -> dict[str, Any]:
        """Replaces the client's rules; they take effect with the next daily sweep."""
        async with self._store.begin() as tx:
            await tx.put_retention(policy)
        return await self.rules(policy.client_id)

    async def sweep(self) -> None:
        """Forgets what is over its time, client by client, and remembers each receipt as an event. Safe to run twice."""
        with spanning("retention"):
            async with self._store.begin() as tx:
                policies = await tx.retentions()
        for policy in policies:
            with within((policy.client_id,)):
                await self._sweep(policy)

    async def _sweep(self, policy: Retention) -> None:
        removed, states = 0, dict[str, str]()
        while True:
            async with self._store.begin() as tx:
                ids = await tx.expired(policy, self._clock(), _AT_ONCE)
            if not ids:
                break
            receipt = await self._forgetting.forget(ids, policy.client_id, None)
            removed += receipt["removed"]
            states |= {name: s["state"] for name, s in receipt["stores"].items() if states.get(name) != "pending"}
        if not removed:
            return
        self._wake()
        log.info("retention", client_id=policy.client_id, removed=removed)
        receipt_event = Draft(
            client_id=policy.client_id,
            content=f"Retention removed {removed} {'memory' if removed == 1 else 'memories'} that were over their time.",
            event_type="retention_applied",
            event_source="memory-gateway",
            payload={"removed": removed, "stores": states, "rules": {k: v for k, v in asdict(policy).items() if k != "client_id"}},
        )
        await stored(self._store, [receipt_event], self._clock(), await self._zone())
