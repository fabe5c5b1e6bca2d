"""Finds the all-in-one that already runs, or starts one in this process."""

import importlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from types import ModuleType

import httpx

from planner_memory.core.errors import IndexOutdated
from planner_memory.settings import Settings
from planner_memory.wiring.home import api_key_of, data_directory

_TIMEOUT = httpx.Timeout(30, connect=3)
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody: the product is on this machine, and the usual certificates take long to load


def loaded(module: str) -> ModuleType:
    """A module that brings the services' libraries, loaded at the first call: most commands find a product that runs already."""
    return importlib.import_module(f"planner_memory.{module}")


@asynccontextmanager
async def connected(settings: Settings, *, on_start: Callable[[], None] | None = None, rebuild: bool = False) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the all-in-one that runs on the data directory, or of one that runs in this process for as long as the block.

    `on_start` is called before one is started here, which takes a few seconds. `rebuild` builds the search index anew where another
    embedder filled it.

    Raises:
        NotStarted: none runs and none can be started.
    """
    data = data_directory(settings)
    found = data.running()
    if found is not None:
        # not the services' client: a command has no trace to hand on, and the libraries of traces and logs take a quarter of a second to load
        headers = {"Authorization": f"Bearer {api_key_of(settings, data)}"}
        async with httpx.AsyncClient(base_url=found.url, headers=headers, timeout=_TIMEOUT, trust_env=False, verify=_NO_TLS) as client:
            yield client
        return
    if on_start is not None:
        on_start()
    loaded("web.logs").configure_logs("error", "text")
    runtime = loaded("cli.runtime")
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(runtime.in_process(settings))
        except IndexOutdated:
            if not rebuild:
                raise
            client = await stack.enter_async_context(runtime.in_process(settings, rebuild=True))
        yield client
