"""The Memory Gateway: remember, recall, forget. PostgreSQL is the truth; index and cache follow it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import PlannerMemoryError
from planner_memory.core.local_time import zone
from planner_memory.core.tenancy import spanning
from planner_memory.memory_gateway import retrieval
from planner_memory.memory_gateway.answers import Answers, Counts
from planner_memory.memory_gateway.archive import Archive
from planner_memory.memory_gateway.copying import Copier
from planner_memory.memory_gateway.cursors import cursor_of, place_of
from planner_memory.memory_gateway.documents import Kept, hit_document, memory_document
from planner_memory.memory_gateway.echoes import Echoes
from planner_memory.memory_gateway.editing import Editing, found_memory
from planner_memory.memory_gateway.extracting import Extractor
from planner_memory.memory_gateway.following import Following
from planner_memory.memory_gateway.forgetting import Forgetting
from planner_memory.memory_gateway.graph import Graph
from planner_memory.memory_gateway.index_loop import Outcome
from planner_memory.memory_gateway.indexer import Indexer
from planner_memory.memory_gateway.measures import GatewayMeasures
from planner_memory.memory_gateway.projects import similar_projects
from planner_memory.memory_gateway.requests import Draft, Narrowing, selection
from planner_memory.memory_gateway.retention import Retaining
from planner_memory.memory_gateway.storing import stored
from planner_memory.ports.cache import Cache
from planner_memory.ports.embedder import Embedder
from planner_memory.ports.followups import FollowUpStore
from planner_memory.ports.jobs import Jobs
from planner_memory.ports.memories import Added, MemoryStore, Pending, Selection, StoredMemory
from planner_memory.ports.profiles import ProfileStore
from planner_memory.ports.vectors import VectorIndex
from planner_memory.web.health import HealthReport, State, state_of

log = structlog.get_logger()
INDEX_JOB = "memory-gateway-index"
_WAIT_SECONDS = 0.3
_SIMILAR_TEXT = 2_000


class Gateway:
    """One per process. `index_vendor` and `cache_vendor` are the names in answers; `cache_vendor` None: the cache lives in this process."""

    def __init__(
        self,
        *,
        store: MemoryStore,
        vectors: VectorIndex | None,
        embedder: Embedder | None,
        cache: Cache,
        jobs: Jobs | None,
        profiles: ProfileStore,
        clock: Clock,
        default_client: str = "me",
        index_vendor: str = "qdrant",
        cache_vendor: str | None = None,
        measures: GatewayMeasures | None = None,
        sweep_seconds: float = 2,
        copier: Copier | None = None,
        echoes: Echoes | None = None,
        extractions: FollowUpStore | None = None,
        extract: bool = True,
    ) -> None:
        self._store = store
        self._vectors = vectors
        self._embedder = embedder
        self._cache = cache
        self._jobs = jobs
        self._profiles = profiles
        self._clock = clock
        self._default_client = default_client
        self._index_vendor = index_vendor
        self._cache_vendor = cache_vendor
        self.graph = Graph(store)
        self._answers = Answers(cache, measures.counts if measures else Counts())
        self._indexer = (
            None
            if vectors is None
            else Indexer(store=store, vectors=vectors, embedder=embedder, answers=self._answers, zone=self._zone, sweep_seconds=sweep_seconds)
        )
        backlog = self._indexer.backlog if self._indexer else None
        self._retriever = retrieval.Retriever(store=store, vectors=vectors, embedder=embedder, backlog=backlog, echoes=echoes)
        self._following = Following(
            copier, Extractor(extractions, written=self._extracted, is_on=extract, sweep_seconds=sweep_seconds) if extractions else None
        )
        self._forgetting = Forgetting(store, vectors, embedder, self._answers, clock, index_vendor, cache_vendor, self._following)
        self._tz: tuple[float, ZoneInfo] | None = None
        self.editing = Editing(store=store, answers=self._answers, zone=self._zone, indexed=self._followed)
        self.archive = Archive(store=store, answers=self._answers, wake=self._wake)
        self.retaining = Retaining(store=store, forgetting=self._forgetting, clock=clock, zone=self._zone, wake=self._wake)

    def open(self) -> None:
        """Starts the sweep over rows that are pending, whoever wrote them. Call inside the running event loop."""
        if self._indexer:
            self._indexer.open()
        self._following.open()

    async def close(self) -> None:
        await self._following.close()
        if self._indexer:
            await self._indexer.close()

    def register_jobs(self, jobs: Jobs) -> None:
        jobs.register(INDEX_JOB, self.index_pending, cron="* * * * *")
        self.retaining.register_jobs(jobs)

    async def index_pending(self) -> None:
        """Indexes what is pending now; returns when nothing is due any more or the index does not answer."""
        if self._indexer:
            await asyncio.shield(self._indexer.wake())

    async def reindex(self) -> int:
        """Empties the index and marks every row pending; returns how many. The rows are indexed in the background.

        They are marked before, so that a crash on the way leaves none that counts as indexed and is not, and after, since others may index meanwhile.
        """
        if self._vectors is None or self._indexer is None:
            return 0
        await self._all_due()
        await self._vectors.clear()
        count = await self._all_due()
        self._indexer.backlog.changed(grew=True)
        self._indexer.wake()
        return count

    async def _all_due(self) -> int:
        with spanning("reindexing"):
            async with self._store.begin() as tx:
                return await tx.mark_all_pending()

    # remember

    async def remember(self, draft: Draft, *, wait: bool) -> Kept:
        """Commits the row, then waits at most 300 ms for the index.

        Raises:
            InvalidInput: a time cannot be read, or `supersedes` names no memory of the client.
            Conflict: the memory to supersede has been superseded by another.
            Unavailable: PostgreSQL does not answer; nothing was stored anywhere.
        """
        lease = self._indexer.lease_seconds if self._indexer else 0
        [added] = await stored(self._store, [draft], self._clock(), await self._zone(), lease_seconds=lease)
        memory_id = added.id
        copying = asyncio.create_task(self._following.copied(memory_id, _WAIT_SECONDS if wait else 0))
        cached = await self._answers.advance([draft.client_id])
        there, pending, failed, warnings = ["postgres"], list[str](), list[str](), list[str]()
        if self._cache_vendor:
            (there if cached else failed).append(self._cache_vendor)
            if not cached:
                warnings.append(f"{self._cache_vendor} does not answer; answers are not cached until it does.")
        if self._indexer:
            if draft.supersedes:
                self._indexer.wake()  # the old row's entry changes too
            outcome = await self._new_indexed(added, is_leased=lease > 0, wait=wait)
            if outcome is None:
                pending.append(self._index_vendor)
            elif outcome.state == "failed":
                failed.append(self._index_vendor)
                warnings.append(f"{self._index_vendor} failed: {outcome.reason} It is tried again until it holds.")
            else:
                there.insert(1, self._index_vendor)
                if outcome.state == "lexical":
                    pending.append("embedder")
                    warnings.append(f"Only its words can be found yet: {outcome.reason}")
            if wait and (outcome is None or outcome.state != "indexed"):
                await self._defer_indexing()
        (await copying).say(there, pending, failed, warnings)
        return Kept(memory_id, tuple(there), tuple(pending), tuple(failed), added.row is None, " ".join(warnings) or None)

    async def remember_batch(self, drafts: Sequence[Draft]) -> list[UUID]:
        """All or nothing, in order; repeats answer with the id of the row that is there. Indexing goes on in the background."""
        kept = await stored(self._store, drafts, self._clock(), await self._zone(), in_batch=True)
        await self._answers.advance({d.client_id for d in drafts})
        self._wake()
        if self._indexer:
            await self._defer_indexing()
        return [each.id for each in kept]

    async def _new_indexed(self, added: Added, *, is_leased: bool, wait: bool) -> Outcome | None:
        assert self._indexer is not None
        if added.row is None:
            async with self._store.begin() as tx:
                if any(m.index_state == "indexed" for m in await tx.memories([added.id])):
                    return Outcome("indexed")
            return await self._indexed(added.id) if wait else None
        if is_leased and wait:
            return await self._indexer.wait_for_new(added.row, _WAIT_SECONDS)
        if is_leased:
            self._indexer.hand(added.row)
        elif wait:
            return await self._indexed(added.id)
        else:
            self._indexer.wake()
        return None

    async def _indexed(self, memory_id: UUID) -> Outcome | None:
        assert self._indexer is not None
        return (await self._indexer.wait_for([memory_id], _WAIT_SECONDS)).get(memory_id)

    async def _followed(self, memory_id: UUID) -> Outcome | None:
        self._following.wake()
        return await self._indexed(memory_id) if self._indexer else None

    async def _defer_indexing(self) -> None:
        if self._jobs is None:
            return
        try:
            await self._jobs.defer(INDEX_JOB, lock=INDEX_JOB, in_seconds=5)
        except PlannerMemoryError as error:
            log.warning("the sweep will index it instead of a job", reason=error.detail)

    # recall

    async def recall(
        self, query: str, client_id: str, asked: Narrowing, *, k: int, min_score: float | None = None, may_see_person: bool = True
    ) -> dict[str, Any]:
        """The answer as a JSON document: results best first, what was degraded, whether it came from the cache, and how long it took."""
        started = time.perf_counter()
        clients = retrieval.recall_clients(client_id, self._default_client, asked.memory_types, may_see_person=may_see_person)
        chosen = selection(clients, asked, await self._zone())
        key = await self._answers.key(clients, {"query": query, "k": k, "min_score": min_score, "selection": repr(chosen)})
        found = await self._answers.get(key)
        cached = found is not None
        if found is None:
            found, is_whole = await self._searched(query, chosen, k=k, min_score=min_score)
            if is_whole:
                await self._answers.put(key, found)
        return {**found, "cached": cached, "took_ms": round((time.perf_counter() - started) * 1000, 1)}

    async def similar(self, *, event_id: UUID | None, text: str | None, clients: tuple[str, ...] | None, client_id: str, k: int) -> dict[str, Any]:
        """Events like the given one, which is left out, or like a text. `clients` are those that the caller may read.

        Raises:
            NotFound: the event is unknown.
        """
        if event_id is not None:
            event = await self.memory(event_id, clients)
            client_id, text = str(event["client_id"]), str(event["content"])
        chosen = Selection(clients=(client_id,), memory_types=("event",))
        return (await self._searched((text or "")[:_SIMILAR_TEXT], chosen, k=k, without=event_id))[0]

    async def _searched(
        self, query: str, chosen: Selection, *, k: int, min_score: float | None = None, without: UUID | None = None
    ) -> tuple[dict[str, Any], bool]:
        """The answer, and whether every part that is configured took part in it."""
        now, tz = self._clock(), await self._zone()
        found = await self._retriever.find(query, chosen, now=now, tz=tz, k=k, min_score=min_score or 0, without=without)
        results = [hit_document(found.rows[h.id], h) for h in found.hits if h.id in found.rows]
        return {"results": results, "total": len(results), "degraded": found.degraded}, found.is_whole

    # read, forget

    async def memory(self, memory_id: UUID, clients: tuple[str, ...] | None) -> dict[str, Any]:
        async with self._store.begin() as tx:
            row = await found_memory(tx, memory_id, clients)
        return memory_document(self._as_known(row))

    async def listed(self, clients: tuple[str, ...] | None, asked: Narrowing, *, cursor: str | None, limit: int) -> dict[str, Any]:
        chosen = selection(clients, asked, await self._zone())
        async with self._store.begin() as tx:
            rows = await tx.listed(chosen, before=place_of(cursor) if cursor else None, limit=limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        return {
            "memories": [memory_document(self._as_known(r)) for r in rows[:limit]],
            "next_cursor": cursor_of(last.occurred_at, last.id) if last else None,
        }

    def _as_known(self, row: StoredMemory) -> StoredMemory:
        return self._indexer.as_known(row) if self._indexer else row

    async def forget_one(self, memory_id: UUID, clients: tuple[str, ...] | None) -> dict[str, Any]:
        document = await self.memory(memory_id, clients)
        return await self._forgotten([memory_id], str(document["client_id"]), None)

    async def forget(self, client_id: str, asked: Narrowing) -> dict[str, Any]:
        """Everything of the client that matches, superseded rows too; nothing found is a receipt over zero."""
        chosen = selection((client_id,), asked, await self._zone())
        async with self._store.begin() as tx:
            ids = await tx.ids(chosen)
        return await self._forgotten(ids, client_id, chosen)

    async def _forgotten(self, ids: list[UUID], client_id: str, chosen: Selection | None) -> dict[str, Any]:
        receipt = await self._forgetting.forget(ids, client_id, chosen)
        self._wake()  # the neighbours' windows still hold what was forgotten
        return receipt

    async def similar_projects(self, client_id: str, blueprint_id: str, *, k: int) -> dict[str, Any]:
        return await similar_projects(self._store, client_id, blueprint_id, k=k)

    async def _extracted(self, clients: set[str]) -> None:
        await self._answers.advance(clients)
        self._wake()

    def _wake(self) -> None:
        self._following.wake()
        if self._indexer:
            self._indexer.wake()

    # health

    async def health(self) -> HealthReport:
        """`pending_index` is null when PostgreSQL does not say; it is 0 when no index is configured, since words are looked up in PostgreSQL."""
        checks: dict[str, Callable[[], Awaitable[object]] | None] = {
            "postgres": self._store.check,
            self._index_vendor: self._vectors.check if self._vectors is not None else None,
            self._cache_vendor or "cache": self._cache.check,
            "embedder": self._embedder.check if self._embedder is not None else None,
            **self._following.checks(),
        }
        states = await asyncio.gather(*(_state(check) for check in checks.values()))
        count, age = None, None
        try:
            pending = await self.pending()
            count = pending.count
            age = round((self._clock() - pending.oldest_at).total_seconds(), 1) if count and pending.oldest_at else 0
        except PlannerMemoryError:
            log.warning("pending index unknown")
        extra = {"pending_index": count, "pending_index_oldest_seconds": age, "embedder": self._embedder.name if self._embedder else None}
        return HealthReport(dict(zip(checks, states, strict=True)), frozenset({"postgres"}), extra | await self._following.report())

    async def pending(self) -> Pending:
        """Committed rows that are not in the index; none when no index is configured, since words are looked up in PostgreSQL."""
        if self._indexer is None:
            return Pending(0, None)
        with spanning("health"):
            async with self._store.begin() as tx:
                return await tx.pending(but_for=tuple(self._indexer.unnoted))

    async def _zone(self) -> ZoneInfo:
        """The person's time zone, read again after a minute."""
        if self._tz is None or self._tz[0] < time.monotonic():
            profile = await self._profiles.profile("me")
            self._tz = (time.monotonic() + 60, zone(profile.time_zone))
        return self._tz[1]


async def _state(check: Callable[[], Awaitable[object]] | None) -> State:
    if check is None:
        return "off"
    try:
        return await asyncio.wait_for(state_of(check), 3)
    except TimeoutError:
        return "down"
