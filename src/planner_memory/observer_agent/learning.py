"""Keeps insights in memory, where planner and scheduler find them as preferences, and takes them back for good when the person says so."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import NotFound, PlannerMemoryError
from planner_memory.core.tenancy import spanning, within
from planner_memory.observer_agent.delivery import SOURCE, key_of
from planner_memory.observer_agent.insights import Insight
from planner_memory.ports.facts import Clients, FactStore
from planner_memory.ports.insights import InsightMemory, KeptInsight
from planner_memory.ports.memory import NewMemory

log = structlog.get_logger()


class Learning:
    """One insight for each thing that can be learnt: a newer sentence about the same thing takes the older one's place."""

    def __init__(self, *, store: FactStore, memory: InsightMemory, clock: Clock, default_client: str, person_id: str) -> None:
        self._store = store
        self._memory = memory
        self._clock = clock
        self._default_client = default_client
        self._person_id = person_id

    async def learn(self, insights: Sequence[Insight], reflection_id: UUID) -> list[str]:
        """Writes what is new and returns those sentences. What was taken back is left alone; an outage is left for the next week."""
        with spanning("reflection"):
            async with self._store.begin() as facts:
                kept = await facts.insights(self._person_id, None)
        written = []
        for insight in insights:
            thread = f"insight:{insight.key}"
            about = [each for each in kept if each.thread_id == thread]
            if any(each.is_revoked or each.content == insight.content for each in about):
                continue
            try:
                await self._write(insight, thread, reflection_id)
                for older in about:
                    await self._memory.forget(older.insight_id)
            except PlannerMemoryError as error:
                log.warning("an insight could not be kept", key=insight.key, detail=error.detail)
                continue
            written.append(insight.content)
        return written

    async def all(self, clients: Clients) -> list[KeptInsight]:
        """Those that hold, newest first."""
        with within(clients) if clients is not None else spanning("reflection"):
            async with self._store.begin() as facts:
                return [each for each in await facts.insights(self._person_id, clients) if not each.is_revoked]

    async def revoke(self, insight_id: UUID, clients: Clients) -> KeptInsight:
        """Takes one back and remembers that it was.

        Raises:
            NotFound: there is no such insight.
            Unavailable: the gateway does not answer.
        """
        found = next((each for each in await self.all(clients) if each.insight_id == insight_id), None)
        if found is None:
            raise NotFound("There is no such insight. GET /api/v1/observer/insights lists those that hold.")
        taken_back = NewMemory(
            content=f"Taken back: {found.content}",
            client_id=found.client_id,
            event_type="insight_revoked",
            event_source=SOURCE,
            occurred_at=self._clock(),
            thread_id=found.thread_id,
            person_id=self._person_id,
            payload={"insight_id": str(insight_id)},
        )
        await self._memory.remember(taken_back)  # before it is forgotten: a crash between the two leaves it listed, not learnt anew
        await self._memory.forget(insight_id)
        return found

    async def _write(self, insight: Insight, thread: str, reflection_id: UUID) -> None:
        memory = NewMemory(
            content=insight.content,
            client_id=insight.client_id or self._default_client,
            memory_type="preference",
            event_type="insight",
            event_source=SOURCE,
            occurred_at=self._clock(),
            thread_id=thread,
            person_id=self._person_id,
            metadata={
                "source": "insight",
                "reflection_id": str(reflection_id),
                "evidence": list(insight.evidence),
                "evidence_runs": insight.evidence_runs,
            },
        )
        await self._memory.remember(memory, idempotency_key=key_of(memory))
