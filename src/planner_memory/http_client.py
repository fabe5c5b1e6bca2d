"""The HTTP client with which services call each other: the same in one process and in four."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import structlog
from opentelemetry import propagate

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody: without https there is nobody to trust, and certificates take long to load


async def _trace(request: httpx.Request) -> None:
    """Hands on the request id and the trace, so that one call can be followed through all services."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        request.headers.setdefault("x-request-id", request_id)
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    request.headers.update(carrier)


@asynccontextmanager
async def service_client(base_url: str, api_key: str, *, transport: httpx.AsyncBaseTransport | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one service. With `transport` it reaches an application in this process, else it goes over the network.

    A proxy that the environment names is for the web, not for the services among themselves; its certificates (SSL_CERT_FILE) hold for them too.
    """
    async with httpx.AsyncClient(
        base_url=base_url,
        transport=transport,
        trust_env=False,
        verify=httpx.create_ssl_context() if transport is None and base_url.startswith("https:") else _NO_TLS,
        headers={"Authorization": f"Bearer {api_key}"},
        timeout=httpx.Timeout(30, connect=3),
        event_hooks={"request": [_trace]},
    ) as client:
        yield client
