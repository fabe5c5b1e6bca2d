"""A bounded memory of answers. Losing it costs time, never truth."""

from typing import Protocol


class Cache(Protocol):
    """Bytes by key, each with a time to live. Raises Unavailable when it does not answer; callers then go on without it."""

    async def get(self, key: str) -> bytes | None:
        """The value, or None when it was never there, has expired or was pushed out."""
        ...

    async def put(self, key: str, value: bytes, *, expires_in_seconds: float) -> None: ...

    async def generation(self, name: str) -> str:
        """The current generation of a name. Put into keys, it makes all of a client's answers unreachable in one step.

        A generation is a word that no name had before: one that was lost, because the cache was emptied, restarted or short of room, is followed by
        a new one and never by an old one, so what was kept under an old one cannot be reached again.
        """
        ...

    async def advance(self, name: str) -> str:
        """Moves the generation on and returns the new one."""
        ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...
