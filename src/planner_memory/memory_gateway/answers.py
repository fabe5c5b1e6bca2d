"""Cached answers, one generation per client, and cached vectors of memories. Without the cache everything is slower and still right."""

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.ports.cache import Cache

_ANSWER_SECONDS = 3_600
_VECTOR_SECONDS = 86_400


@dataclass(slots=True)
class Counts:
    hits: int = 0
    misses: int = 0


@dataclass(slots=True)
class Answers:
    """A client whose generation could not be advanced is not read from the cache until it could."""

    cache: Cache
    counts: Counts = field(default_factory=Counts)
    _overdue: set[str] = field(default_factory=set)

    async def key(self, clients: Sequence[str], question: Mapping[str, Any]) -> str | None:
        """The key of an answer as of now, or None when the cache is out of reach."""
        try:
            await self._catch_up()
            generations = [await self.cache.generation(f"client:{c}") for c in clients]
        except PlannerMemoryError:
            return None
        text = json.dumps([list(clients), generations, question], sort_keys=True, default=str)
        return f"recall:{hashlib.sha256(text.encode()).hexdigest()}"

    async def get(self, key: str | None) -> dict[str, Any] | None:
        found = None
        if key is not None:
            try:
                found = await self.cache.get(key)
            except PlannerMemoryError:
                found = None
        if found is None:
            self.counts.misses += 1
            return None
        self.counts.hits += 1
        answer: dict[str, Any] = json.loads(found)
        return answer

    async def put(self, key: str | None, answer: Mapping[str, Any]) -> None:
        if key is None:
            return
        try:
            await self.cache.put(key, json.dumps(answer).encode(), expires_in_seconds=_ANSWER_SECONDS)
        except PlannerMemoryError:
            return

    async def advance(self, clients: Iterable[str]) -> bool:
        """Makes the clients' answers unreachable. False when the cache did not answer; it is made up for before the next read."""
        self._overdue |= set(clients)
        try:
            await self._catch_up()
        except PlannerMemoryError:
            return False
        return True

    async def _catch_up(self) -> None:
        for client in sorted(self._overdue):
            await self.cache.advance(f"client:{client}")
            self._overdue.discard(client)

    async def vector(self, embedder: str, id: UUID, text: str) -> NDArray[np.float32] | None:
        """The vector of a memory's text, if it was kept for exactly that text."""
        try:
            found = await self.cache.get(f"vector:{embedder}:{id}")
        except PlannerMemoryError:
            return None
        mark = _mark(text)
        return np.frombuffer(found, np.float32, offset=len(mark)) if found and found.startswith(mark) else None

    async def keep_vector(self, embedder: str, id: UUID, text: str, vector: NDArray[np.float32]) -> None:
        try:
            await self.cache.put(
                f"vector:{embedder}:{id}", _mark(text) + np.asarray(vector, np.float32).tobytes(), expires_in_seconds=_VECTOR_SECONDS
            )
        except PlannerMemoryError:
            return

    async def drop_vectors(self, embedder: str, ids: Iterable[UUID]) -> bool:
        """Overwrites them with nothing. False when the cache did not answer."""
        try:
            for each in ids:
                await self.cache.put(f"vector:{embedder}:{each}", b"", expires_in_seconds=1)
        except PlannerMemoryError:
            return False
        return True


def _mark(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:12] + struct.pack("<I", len(text))
