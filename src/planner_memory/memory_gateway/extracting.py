"""Turns what a person states in passing into facts and preferences of their own, by rules, in the background; the words it was said in stay."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.core.ids import new_id
from planner_memory.core.tenancy import spanning
from planner_memory.memory_gateway.extraction import Fact, Preference, extract
from planner_memory.memory_gateway.texts import REACH, content_hash
from planner_memory.ports.followups import FollowUp, FollowUpStore, FollowUpTransaction
from planner_memory.ports.memories import MemoryToStore, StoredMemory

log = structlog.get_logger()
SOURCE = "extraction"
OWN_SOURCES = frozenset({SOURCE, "planner-engine", "scheduler-engine", "observer-agent", "memory-gateway"})
_TYPES = frozenset({"event", "episode", "fact"})
_NOT_A_PERSON = frozenset({"assistant", "system", "tool", "bot", "ai", "model"})
_LONGEST_TEXT = 20_000
_MOST_SOURCES = 50
_BATCH = 50
_LEASE_SECONDS = 60.0
_FIRST_WAIT_SECONDS = 5.0
_PAUSE_SECONDS = 0.5
Statement = Fact | Preference
Written = Callable[[set[str]], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class _Read:
    claim: FollowUp
    row: StoredMemory | None
    statements: Sequence[Statement]


def topic_of(statement: Statement) -> str:
    """Statements of one topic contradict or repeat one another: the newest holds. A preference without a topic is about its very words."""
    if isinstance(statement, Fact):
        return statement.topic
    return statement.topic or " ".join(statement.what.lower().split())


def statements_of(row: StoredMemory) -> list[Statement]:
    """What the rules find in a memory, unless it is the product's own work, a model's, or another person's words about themselves."""
    metadata = row.metadata if isinstance(row.metadata, dict) else {}
    role, speaker = (str(metadata.get(key) or "").strip().lower() for key in ("role", "speaker"))
    if row.memory_type not in _TYPES or row.event_source in OWN_SOURCES or _NOT_A_PERSON & {role, speaker}:
        return []
    found = extract(row.content[:_LONGEST_TEXT])
    is_other = speaker not in ("", "me", "user", row.person_id.lower())
    return [
        s
        for s in found
        if not (is_other and (isinstance(s, Preference) or s.subject == "me"))  # `I` and `my` are not this person
        and not (row.memory_type == "fact" and isinstance(s, Fact) and s.text.strip() == row.content.strip())
    ]


class Extractor:
    """One per process; many work beside one another. What is due is kept in PostgreSQL, and each memory is done in one transaction with its mark.

    `written` is told the clients for which something was written. With `is_on` false nothing is extracted and nothing is noted for later.
    """

    def __init__(self, store: FollowUpStore, *, written: Written, is_on: bool = True, sweep_seconds: float = 2) -> None:
        self._store = store
        self._written = written
        self._is_on = is_on
        self._sweep_seconds = sweep_seconds
        self._worker: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._is_following = False
        self._closing = False

    def open(self) -> None:
        """Starts to look at memories that are stored or edited from now on, by any hand. Call inside the running event loop."""
        if not self._closing and (self._worker is None or self._worker.done()):
            self._worker = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Finishes the memories under way; the rest stays due for the next process."""
        self._closing = True
        self._woken.set()
        if self._worker is not None:
            await self._worker

    def wake(self) -> None:
        self._woken.set()

    async def _work(self) -> None:
        with spanning("extraction"):
            while not self._closing:
                self._woken.clear()
                try:
                    if await self._follow() and await self._batch():
                        continue
                except PlannerMemoryError as error:
                    log.warning("extraction paused", reason=error.detail)
                except Exception:
                    log.exception("extraction paused; the memories stay due")
                if not self._is_on and self._is_following:
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), self._sweep_seconds)
                if not self._closing:
                    await asyncio.sleep(min(_PAUSE_SECONDS, self._sweep_seconds))  # what is stored one by one is read in batches

    async def _follow(self) -> bool:
        """Whether there is anything to do; the first time it says so to the store."""
        if not self._is_following:
            async with self._store.begin() as tx:
                if self._is_on:
                    await tx.start_following("extraction", is_filled=True)
                else:
                    await tx.stop_following("extraction")
            self._is_following = True
        return self._is_on

    async def _batch(self) -> bool:
        """One round; false when nothing was due."""
        async with self._store.begin() as tx:
            claims = await tx.claim_followups("extraction", is_gone=False, first=(), limit=_BATCH, lease_seconds=_LEASE_SECONDS)
            rows = {row.id: row for row in await tx.memories([c.memory_id for c in claims])} if claims else {}
        if not claims:
            return False
        read = await asyncio.to_thread(
            lambda: [_Read(c, row := rows.get(c.memory_id), statements_of(row) if row is not None else ()) for c in claims]
        )
        changed: set[str] = set()
        for client_id in sorted({c.client_id for c in claims}):
            mine = [r for r in read if r.claim.client_id == client_id]
            try:
                async with self._store.begin() as tx:
                    if await self._followed(tx, client_id, mine):
                        changed.add(client_id)
            except PlannerMemoryError as error:
                log.warning("extraction put off", reason=error.detail)
                async with self._store.begin() as tx:
                    await tx.put_off_followups("extraction", [r.claim for r in mine], error=error.detail, first_wait_seconds=_FIRST_WAIT_SECONDS)
        if changed:
            await self._written(changed)
        return True

    async def _followed(self, tx: FollowUpTransaction, client_id: str, read: Sequence[_Read]) -> bool:
        """Whether something was written. Oldest first, so that a batch tells its story in order."""
        ids = [r.claim.memory_id for r in read if r.row is not None]
        extracted = await tx.extracted_from(ids)
        held = {each: [row for row in extracted if str(each) in _sources(row)] for each in ids}
        if any(held.values()) or any(r.statements for r in read):
            await tx.lock([client_id])
            there = {row.id: row for row in await tx.memories(list(held))}  # as it is under the lock; a changed one comes again
        else:
            there = {}
        written = False
        for each in sorted((r for r in read if r.row is not None), key=lambda r: (r.row.occurred_at, r.row.id) if r.row else ()):
            row = there.get(each.claim.memory_id)
            if row is None or each.row is None or row.content != each.row.content:
                continue
            kept = {await place(tx, row, statement) for statement in each.statements}
            for old in held[row.id]:
                if old.id not in kept:
                    await _withdraw(tx, old, row.id)
                    written = True
            written = written or bool(kept - {None})
        await tx.finish_followups("extraction", [r.claim for r in read])
        return written


async def place(tx: FollowUpTransaction, source: StoredMemory, statement: Statement) -> UUID | None:
    """Puts one statement into the history of its topic and returns the memory that holds it; None when the person has said it as a memory of its own.

    The same words again add a source. Other words supersede what was said before them, and are superseded by what was said after them.
    """
    kind = "fact" if isinstance(statement, Fact) else "preference"
    topic = topic_of(statement)
    if await tx.is_said_already(statement.text, client_id=source.client_id, memory_type=kind):
        return None
    said = await tx.extracted_on(topic, client_id=source.client_id, person_id=source.person_id, memory_type=kind)
    mine = next((row for row in said if _same(row.content, statement.text) and str(source.id) in _sources(row)), None)
    if mine is not None:
        return mine.id
    before = next((row for row in reversed(said) if row.occurred_at <= source.occurred_at), None)
    after = next((row for row in said if row.occurred_at > source.occurred_at), None)
    if before is not None and _same(before.content, statement.text):
        await tx.put_provenance(before.id, _with_source(before, source.id), before.occurred_at)
        return before.id
    if after is not None and _same(after.content, statement.text):  # it has held for longer than was known
        await tx.put_provenance(after.id, _with_source(after, source.id), source.occurred_at)
        if before is not None:
            await tx.supersede(before.id, after.id, source.occurred_at)
        return after.id
    new = _memory_of(source, statement, kind, topic)
    await tx.add([new])
    if before is not None:
        await tx.supersede(before.id, new.id, source.occurred_at)
    if after is not None:
        await tx.supersede(new.id, after.id, after.occurred_at)
    return new.id


async def _withdraw(tx: FollowUpTransaction, row: StoredMemory, source: UUID) -> None:
    """The source does not say it any more; said by nobody else, it is forgotten."""
    others = [each for each in _sources(row) if each != str(source)]
    if others:
        await tx.put_provenance(row.id, {**row.metadata, "source_memory_ids": others}, row.occurred_at)
    else:
        await tx.forget([row.id], REACH)


def _memory_of(source: StoredMemory, statement: Statement, kind: str, topic: str) -> MemoryToStore:
    said: dict[str, Any] = (
        {"subject": statement.subject, "attribute": statement.attribute, "value": statement.value, "rule": f"fact:{statement.attribute}"}
        if isinstance(statement, Fact)
        else {"stance": statement.stance, "what": statement.what, "rule": f"preference:{statement.stance}"}
    )
    return MemoryToStore(
        id=new_id(),
        client_id=source.client_id,
        content=statement.text,
        content_hash=content_hash(statement.text),
        occurred_at=source.occurred_at,
        occurred_at_given=True,
        memory_type=kind,
        event_type=f"extracted_{kind}",
        event_source=SOURCE,
        person_id=source.person_id,
        metadata={"source_memory_ids": [str(source.id)], "span": [statement.start, statement.end], "topic": topic, **said},
        entities=[statement.subject] if isinstance(statement, Fact) and statement.subject != "me" else [],
    )


def _same(one: str, other: str) -> bool:
    return one.casefold().strip(" .!;").split() == other.casefold().strip(" .!;").split()


def _sources(row: StoredMemory) -> list[str]:
    found = row.metadata.get("source_memory_ids") if isinstance(row.metadata, dict) else None
    return [str(each) for each in found] if isinstance(found, list) else []


def _with_source(row: StoredMemory, source: UUID) -> dict[str, Any]:
    """Past fifty sources the newest are left out, so that a phrase said daily does not grow without end."""
    return {**row.metadata, "source_memory_ids": list(dict.fromkeys([*_sources(row), str(source)]))[:_MOST_SOURCES]}
