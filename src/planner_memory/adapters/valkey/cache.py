"""The cache of the server installation: Valkey, or any server that speaks its protocol, shared by all replicas."""

import asyncio
import math
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from valkey.asyncio import BlockingConnectionPool, Valkey
from valkey.asyncio.retry import Retry
from valkey.backoff import NoBackoff
from valkey.exceptions import AuthenticationError, AuthorizationError, NoPermissionError, ResponseError, ValkeyError
from valkey.exceptions import ConnectionError as ConnectionFailed

from planner_memory.core.errors import NotConnected, NotStarted, Unavailable

Result = TypeVar("Result")

_CONNECTIONS = 16
_GENERATION_SECONDS = 86_400  # when it is gone, its answers, which live an hour, have long been


class ValkeyCache:
    """Keys are `<prefix>value:<key>` and `<prefix>generation:<name>`; both expire.

    A server that does not answer within `timeout_seconds` is left alone for `pause_seconds`: calls raise at once, and afterwards one PING in the
    background finds out whether it is back. So a dead server costs callers one time-out, however long it is dead.

    Any `maxmemory-policy` is safe: a generation is drawn at random, so when the server pushed one out, the next is another one, and the answers
    of the last hour that were kept under the old one stay out of reach.

    Raises:
        NotStarted: the URL is none that the client understands (`valkey://`, `valkeys://`, `redis://`, `rediss://`, `unix://`).
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "planner-memory:",
        timeout_seconds: float = 0.1,
        pause_seconds: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._prefix = prefix
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._place = _without_secrets(url)
        try:
            pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=timeout_seconds,
                socket_timeout=timeout_seconds,
                socket_connect_timeout=timeout_seconds,
                # Once more at once: a connection that lay idle while the server restarted fails on its first use.
                retry=Retry(NoBackoff(), 1),
                retry_on_error=[ConnectionFailed],
            )
        except (ValueError, TypeError):
            # without `from`: the client's message may quote the URL, and with it the password
            raise NotStarted("VALKEY_URL cannot be understood. Write it as valkey://[user:password@]host:6379/0.") from None
        self._client = Valkey(connection_pool=pool)
        self._whole_call_seconds = 3 * timeout_seconds  # waiting for a connection, making it, one command
        self._fault: tuple[type[Unavailable | NotConnected], str] | None = None
        self._ask_again_at = 0.0
        self._probe: asyncio.Task[None] | None = None
        self._closed = False

    async def get(self, key: str) -> bytes | None:
        value: bytes | None = await self._asked(lambda: self._client.get(self._value_key(key)))
        return value

    async def put(self, key: str, value: bytes, *, expires_in_seconds: float) -> None:
        if expires_in_seconds <= 0:
            await self._asked(lambda: self._client.delete(self._value_key(key)))
            return
        milliseconds = math.ceil(expires_in_seconds * 1000)
        await self._asked(lambda: self._client.set(self._value_key(key), value, px=milliseconds))

    async def generation(self, name: str) -> str:
        key = self._generation_key(name)
        found: bytes | None = await self._asked(lambda: self._client.get(key))
        if found is not None:
            return str(found, "ascii")
        # two callers may draw at the same time; the first one's word holds for both
        drawn = secrets.token_hex(8)

        async def settled() -> Any:
            async with self._client.pipeline(transaction=True) as both:
                both.set(key, drawn, ex=_GENERATION_SECONDS, nx=True)
                both.get(key)
                return (await both.execute())[1]

        kept = await self._asked(settled)
        return drawn if kept is None else str(kept, "ascii")

    async def advance(self, name: str) -> str:
        """May move on twice when a connection broke in the middle, which callers cannot tell from another one's advance."""
        drawn = secrets.token_hex(8)
        await self._asked(lambda: self._client.set(self._generation_key(name), drawn, ex=_GENERATION_SECONDS))
        return drawn

    async def check(self) -> None:
        """Asks the server even during a pause, and ends the pause when it answers."""
        self._require_open()
        await self._tried(self._client.ping)

    async def close(self) -> None:
        self._closed = True
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self._client.aclose(close_connection_pool=True)

    async def _asked(self, command: Callable[[], Awaitable[Any]]) -> Any:
        self._require_open()
        if self._fault is not None:
            if self._clock() >= self._ask_again_at and (self._probe is None or self._probe.done()):
                self._probe = asyncio.create_task(self._probed())
            error, detail = self._fault
            raise error(detail)
        return await self._tried(command)

    async def _tried(self, command: Callable[[], Awaitable[Result]]) -> Result:
        try:
            async with asyncio.timeout(self._whole_call_seconds):
                answer = await command()
        except (AuthenticationError, AuthorizationError, NoPermissionError):
            # without `from`, here and below: what the client says may hold what it sent
            raise self._paused(NotConnected, f"Valkey at {self._place} refuses the user or password of VALKEY_URL. Correct it there.") from None
        except ResponseError as error:
            raise Unavailable(
                f"Valkey at {self._place} refused a command ({type(error).__name__}). Look into its memory limit and its role."
            ) from None
        except (ValkeyError, OSError, TimeoutError) as error:
            detail = f"Valkey at {self._place} does not answer ({type(error).__name__}). Everything works without it, only slower."
            raise self._paused(Unavailable, detail) from None
        self._fault = None
        return answer

    async def _probed(self) -> None:
        try:
            await self._tried(self._client.ping)
        except (Unavailable, NotConnected):
            return  # noted by _paused

    def _paused(self, error: type[Unavailable | NotConnected], detail: str) -> Unavailable | NotConnected:
        self._fault = (error, detail)
        self._ask_again_at = self._clock() + self._pause_seconds
        return error(detail)

    def _require_open(self) -> None:
        if self._closed:
            raise Unavailable("The cache is closed. Start the service again.")

    def _value_key(self, key: str) -> str:
        return f"{self._prefix}value:{key}"

    def _generation_key(self, name: str) -> str:
        return f"{self._prefix}generation:{name}"


def _without_secrets(url: str) -> str:
    """Host and port, or the path of a socket; never the user, the password or the query."""
    try:
        parts = urlsplit(url)
        return parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"
    except ValueError:
        return "the given address"
