"""The person's remembered preferences as rules: recalled, read by the language model once, corrected by the person once, and kept."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import NotFound, PlannerMemoryError
from planner_memory.ports.memory import Memory, RecalledMemory
from planner_memory.ports.preference_readings import PreferenceReadingStore, Reading
from planner_memory.prompting.writer import Writer
from planner_memory.scheduler_engine.preference_replies import PreferenceReply, asked, rules_of, unread
from planner_memory.scheduler_engine.preferences import QUERY, rules_in
from planner_memory.scheduler_engine.rules import Rule, document_of, rule_from
from planner_memory.scheduler_engine.schemas import RuleIn

log = structlog.get_logger()
_RECALLED = 30
_REST = timedelta(minutes=5)  # a model that failed is not waited for by every schedule
_BY_RULES = "The language model could not read your preferences, so plain rules did."


@dataclass(frozen=True, slots=True)
class Said:
    """What was remembered, oldest first, each with its rules and by whom it was read; `notes` are for the person."""

    memories: tuple[tuple[RecalledMemory, str, tuple[Rule, ...]], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rules(self) -> list[Rule]:
        return [rule for _, _, rules in self.memories for rule in rules]


class Preferences:
    """Part of the scheduler. Without `readings` nothing is kept, without `writer` plain rules read; both are the same to who asks."""

    def __init__(self, *, memory: Memory, readings: PreferenceReadingStore | None, writer: Writer | None, person_id: str, clock: Clock) -> None:
        self._memory = memory
        self._store = readings
        self._writer = writer
        self._person_id = person_id
        self._clock = clock
        self._rests_until: datetime | None = None
        self._reading = asyncio.Lock()  # two schedules at once must not pay for the same reading twice

    async def read(self, client: str) -> Said:
        """The rules in force for that client. What is down is a note."""
        try:
            recalled = await self._memory.recall(QUERY, client_id=client, k=_RECALLED, memory_type="preference")
        except PlannerMemoryError as error:
            log.warning("preferences not read", detail=error.detail)
            return Said((), (f"Remembered preferences were not used: {error.detail}",))
        memories = sorted(recalled.results, key=lambda m: (m.occurred_at, str(m.memory_id)))
        known, notes = await self._known(memories, client)
        return Said(tuple(_understood(m, known.get(m.memory_id)) for m in memories), notes)

    async def _known(self, memories: Sequence[RecalledMemory], client: str) -> tuple[dict[UUID, Reading], tuple[str, ...]]:
        if not memories or self._store is None:
            return {}, ()
        known = await self._kept(memories)
        if self._writer is None or all(m.memory_id in known for m in memories):
            return known, ()
        async with self._reading:
            known = await self._kept(memories)
            new = [m for m in memories if m.memory_id not in known]
            if not new:
                return known, ()
            now = self._clock()
            if self._rests_until is not None and now < self._rests_until:
                return known, (_BY_RULES,)
            try:
                return {**known, **await self._by_model(self._writer, new, client)}, ()
            except PlannerMemoryError as error:
                log.warning("preferences read by rules, because the model could not", detail=error.detail)
                self._rests_until = now + _REST
                return known, (f"{_BY_RULES} {error.detail}",)

    async def _kept(self, memories: Sequence[RecalledMemory]) -> dict[UUID, Reading]:
        assert self._store is not None
        async with self._store.begin() as tx:
            return {reading.memory_id: reading for reading in await tx.readings([m.memory_id for m in memories])}

    async def _by_model(self, writer: Writer, memories: Sequence[RecalledMemory], client: str) -> dict[UUID, Reading]:
        assert self._store is not None
        written = await writer.write(
            "preference_reader",
            asked(memories),
            PreferenceReply,
            purpose="preferences",
            client_id=client,
            person_id=self._person_id,
            check=lambda reply: unread(reply, len(memories)),
        )
        by_number = {reading.memory: reading for reading in written.reply.readings}
        found: dict[UUID, Reading] = {}
        for n, memory in enumerate(memories, 1):
            given = [RuleIn.model_validate(rule.stated()) for rule in by_number[n].rules]
            rules = rules_of(given, str(memory.memory_id), memory.content, read_by="model")
            found[memory.memory_id] = Reading(memory.memory_id, "model", [document_of(r) for r in rules], self._clock(), written.notes)
        async with self._store.begin() as tx:
            for reading in found.values():
                await tx.save(reading)
        await writer.settle(written)
        return found

    # --- seen and corrected by the person

    async def listed(self, client: str) -> dict[str, Any]:
        """Every remembered preference that schedules look at, with what it was understood to ask."""
        said = await self.read(client)
        return {"preferences": [_shown(m, by, rules) for m, by, rules in reversed(said.memories)], "warnings": list(said.notes)}

    async def corrected(self, memory_id: UUID, rules: Sequence[RuleIn]) -> dict[str, Any]:
        """The person's own reading of a memory. It stays until the memory's words change, or `forgotten` takes it back.

        Raises:
            NotFound: no such remembered preference for this caller.
        """
        text = await self._words(memory_id)
        found = rules_of(rules, str(memory_id), text, read_by="person")
        assert self._store is not None
        async with self._store.begin() as tx:
            if not await tx.save(Reading(memory_id, "person", [document_of(r) for r in found], self._clock())):
                raise _unknown(memory_id)
        return {"memory_id": str(memory_id), "words": text, "read_by": "person", "rules": [document_of(r) for r in found]}

    async def forgotten(self, memory_id: UUID) -> dict[str, Any]:
        """Drops the reading of a memory, whoever made it: the next schedule has it read anew.

        Raises:
            NotFound: no such remembered preference for this caller.
        """
        text = await self._words(memory_id)
        assert self._store is not None
        async with self._store.begin() as tx:
            await tx.remove(memory_id)
        return {"memory_id": str(memory_id), "words": text, "read_by": "rules", "rules": [document_of(r) for r in _by_words(str(memory_id), text)]}

    async def _words(self, memory_id: UUID) -> str:
        text = None
        if self._store is not None:
            async with self._store.begin() as tx:
                text = await tx.text_of(memory_id)
        if text is None:
            raise _unknown(memory_id)
        return text


def _unknown(memory_id: UUID) -> NotFound:
    return NotFound(f"There is no remembered preference {memory_id}. GET /api/v1/scheduler/preferences lists those that schedules look at.")


def _understood(memory: RecalledMemory, reading: Reading | None) -> tuple[RecalledMemory, str, tuple[Rule, ...]]:
    if reading is None:
        return memory, "rules", _by_words(str(memory.memory_id), memory.content)
    return memory, reading.read_by, tuple(rule_from(rule) for rule in reading.rules)


def _by_words(memory_id: str, text: str) -> tuple[Rule, ...]:
    return tuple(replace(rule, memory_id=memory_id) for rule in rules_in(text))


def _shown(memory: RecalledMemory, read_by: str, rules: Sequence[Rule]) -> dict[str, Any]:
    return {
        "memory_id": str(memory.memory_id),
        "words": memory.content,
        "read_by": read_by,
        "rules": [document_of(rule) for rule in rules],
    }
