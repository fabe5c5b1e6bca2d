"""A second memory, outside: it gets a copy of what is remembered, and can be asked. The first one stays the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Copy:
    """One memory as it is handed out. `memory_id` is ours and names the copy ever after."""

    memory_id: UUID
    client_id: str
    content: str
    memory_type: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Echo:
    """One copy that answers a question. `score` lies in 0..1 and compares only with scores of the same answer."""

    memory_id: UUID
    content: str
    score: float


class SecondMemory(Protocol):
    """Every method raises:

    NotConnected: the account is missing, refused or used up.
    Unavailable: it does not answer, or is not done yet; the same call later continues where this one ended.
    UpstreamInvalid: it refuses a request that we hold to be right, or answers what cannot be read.
    """

    name: str

    async def keep(self, copy: Copy) -> None:
        """Returns when the copy is there and `forget` would find it. The same memory again changes nothing; new content replaces old."""
        ...

    async def ask(self, query: str, *, client_id: str, k: int = 10) -> list[Echo]:
        """At most k copies of this client, best first, each memory once. A blank query and a client without copies give an empty list."""
        ...

    async def forget(self, client_id: str, memory_ids: Sequence[UUID]) -> int:
        """Removes every copy of these memories and returns how many memories had one. Unknown ones are passed over. Safe to repeat."""
        ...

    async def check(self) -> None:
        """Returns when it answers and accepts the account."""
        ...
