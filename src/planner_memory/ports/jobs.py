"""Background work that survives the process: deferred jobs and cron."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

Handler = Callable[..., Awaitable[None]]


class Jobs(Protocol):
    """Jobs are kept in PostgreSQL. A handler must be safe to run twice: a job whose process died runs again."""

    def register(self, name: str, handler: Handler, *, cron: str | None = None) -> None:
        """Names a handler, before the worker starts. With `cron` (five fields, UTC) it also runs on that schedule, called without arguments."""
        ...

    async def defer(self, name: str, /, *, lock: str | None = None, in_seconds: float = 0, **arguments: Any) -> bool:
        """Queues a job. With `lock`, at most one waiting job of that lock exists: False when there was one already."""
        ...

    async def close(self) -> None: ...
