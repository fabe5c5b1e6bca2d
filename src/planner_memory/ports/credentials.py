"""Where the secrets of one account are kept."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class CredentialStore(Protocol):
    """One small JSON object, encrypted at rest and readable by its owner alone. What another process writes is seen by the next `read`.

    Raises NotStarted when the place cannot be read or written.
    """

    async def read(self) -> dict[str, Any] | None:
        """None when nothing is kept, or when the key is not the one that it was written with."""
        ...

    async def write(self, content: Mapping[str, Any]) -> None:
        """Replaces what is kept, whole or not at all."""
        ...

    async def delete(self) -> bool:
        """False when nothing was kept."""
        ...

    def locked(self) -> AbstractAsyncContextManager[None]:
        """Held by one at a time among all tasks and processes that share the place. Raises Unavailable when it does not come free."""
        ...
