"""API keys and remembered answers, for the HTTP face that all services share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: UUID
    name: str
    client_ids: tuple[str, ...] | None  # None: every client
    scopes: tuple[str, ...]


class KeyStore(Protocol):
    async def key_by_hash(self, key_hash: str) -> ApiKey | None:
        """The live key with that SHA-256 (hexadecimal), or None."""
        ...

    async def add_key(self, name: str, key_hash: str, *, client_ids: tuple[str, ...] | None = None) -> None:
        """Stores a key; one with the same hash is left as it is."""
        ...


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """`status` is None while the first request is still running."""

    body_hash: str
    status: int | None
    headers: Mapping[str, str]
    body: bytes


class AnswerStore(Protocol):
    """Answers to POSTs by (caller, path, key), kept for 24 hours."""

    async def claim(self, caller: str, path: str, key: str, body_hash: str) -> StoredAnswer | None:
        """Takes the key for a first request and returns None, or returns what is there."""
        ...

    async def keep(self, caller: str, path: str, key: str, answer: StoredAnswer) -> None: ...

    async def release(self, caller: str, path: str, key: str) -> None:
        """Gives the key back after a request that stored nothing, so that it can be tried again."""
        ...
