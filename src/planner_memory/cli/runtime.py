"""Runs the services in this process. What only one of them needs is loaded with it; commands load this module only when nothing runs yet."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from planner_memory.asgi.all_in_one import AllInOne
from planner_memory.cli.connection import loaded
from planner_memory.cli.frugal import give_memory_back
from planner_memory.cli.proxies import reach_this_machine_directly
from planner_memory.core.errors import NotStarted
from planner_memory.http_client import service_client
from planner_memory.settings import Settings
from planner_memory.web.metrics import Metrics
from planner_memory.wiring.platform import Platform, check_exposure, open_platform

PORTS = {"memory-gateway": 8090, "planner-engine": 8091, "scheduler-engine": 8092, "observer-agent": 8093}
_GRACE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Running:
    """An application with what it runs on."""

    app: ASGIApp
    platform: Platform


@asynccontextmanager
async def all_in_one(settings: Settings, *, rebuild: bool = False, renew: bool = False) -> AsyncIterator[Running]:
    """The four services in this process; one that fails to start closes the others.

    `rebuild` makes the search index anew before anything is found in it; `renew` does so in the background, when it is an older one.
    """
    check_exposure(settings)
    give_memory_back()
    reach_this_machine_directly()
    async with open_platform(settings, embedded=True) as platform:
        await loaded("wiring.calendars").open_calendar(platform, may_start=True)
        gateway = await _gateway(platform, rebuild=rebuild, renew=renew)
        to_gateway = httpx.ASGITransport(gateway)
        planner = await _planner(platform, to_gateway)
        apps = {"memory-gateway": gateway, "planner-engine": planner}
        if platform.calendar is not None:
            apps["scheduler-engine"] = await _scheduler(platform, to_gateway, httpx.ASGITransport(planner))
        apps["observer-agent"] = await _observer(platform, to_gateway)
        async with _working(platform):
            yield Running(AllInOne(apps, platform.adapters), platform)


@asynccontextmanager
async def single(service: str, settings: Settings) -> AsyncIterator[Running]:
    """One service on a PostgreSQL that it shares with the others, which it reaches over the network."""
    check_exposure(settings)
    give_memory_back()
    reach_this_machine_directly()
    async with open_platform(settings, embedded=False, service=service) as platform:
        if service == "memory-gateway":
            app = await _gateway(platform, renew=True)
        elif service == "planner-engine":
            app = await _planner(platform, None)
        elif service == "scheduler-engine":
            await loaded("wiring.calendars").open_calendar(platform, may_start=True)
            app = await _scheduler(platform, None, None)
        else:
            await loaded("wiring.calendars").open_calendar(platform, may_start=False)
            app = await _observer(platform, None)
        async with _working(platform):
            yield Running(app, platform)


# What a service brings is loaded when it is opened, so that a process of its own carries none of the others': numpy and the memory's engines alone
# are 50 MB.
async def _gateway(platform: Platform, *, rebuild: bool = False, renew: bool = False) -> FastAPI:
    metrics = Metrics("memory-gateway")
    memories = await loaded("wiring.memory").open_gateway(platform, metrics, rebuild=rebuild, renew=renew)
    app: FastAPI = loaded("asgi.memory_gateway").create_memory_gateway(
        memories.gateway, memories.documents, memories.reindexer, platform.face, metrics
    )
    return app


async def _planner(platform: Platform, gateway: httpx.AsyncBaseTransport | None) -> FastAPI:
    metrics = Metrics("planner-engine")
    planner = await loaded("wiring.planner").open_planner(platform, metrics, gateway=gateway)
    app: FastAPI = loaded("asgi.planner_engine").create_planner_engine(planner, platform.face, metrics)
    return app


async def _scheduler(platform: Platform, gateway: httpx.AsyncBaseTransport | None, planner: httpx.AsyncBaseTransport | None) -> FastAPI:
    metrics = Metrics("scheduler-engine")
    wiring = loaded("wiring.scheduler")
    scheduler = await wiring.open_scheduler(platform, metrics, gateway=gateway, planner=planner)
    await scheduler.recover()
    connections = wiring.connections_of(platform, scheduler)
    app: FastAPI = loaded("asgi.scheduler_engine").create_scheduler_engine(scheduler, connections, platform.face, metrics)
    return app


async def _observer(platform: Platform, gateway: httpx.AsyncBaseTransport | None) -> FastAPI:
    metrics = Metrics("observer-agent")
    observer = await loaded("wiring.observer").open_observer(platform, metrics, gateway=gateway)
    app: FastAPI = loaded("asgi.observer_agent").create_observer_agent(observer, platform.face, metrics)
    return app


@asynccontextmanager
async def _working(platform: Platform) -> AsyncIterator[None]:
    """Background jobs run as long as the block; what they hold is finished first when it ends."""
    platform.jobs.start()
    try:
        yield
    finally:
        await platform.jobs.close()


class _Server(uvicorn.Server):
    """Leaves signals to `serve_app`, so that everything opened is also closed after the last request."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


async def serve_app(running: Running, *, port: int, on_ready: Callable[[str], None], register: bool) -> None:
    """Serves until SIGINT or SIGTERM, then finishes the requests under way. With `register` the command line can find it.

    Raises:
        NotStarted: the port is taken.
    """
    settings, data = running.platform.settings, running.platform.data
    listener = _bound(settings.host, port)
    host, bound = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{bound}"
    config = uvicorn.Config(
        running.app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=_GRACE_SECONDS, server_header=False
    )

    def ready() -> None:
        # What the libraries left behind lives as long as the process. Walked through at each full collection it stops requests for 50 ms.
        gc.collect()
        gc.freeze()
        if register:
            data.announce(url)
        on_ready(url)

    server = _Server(config, ready)
    loop = asyncio.get_running_loop()
    stops = (signal.SIGINT, signal.SIGTERM)
    for each in stops:
        loop.add_signal_handler(each, setattr, server, "should_exit", True)
    try:
        await server.serve(sockets=[listener])
    finally:
        for each in stops:
            loop.remove_signal_handler(each)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, answers on a kept connection wait 40 ms for an acknowledgement
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise NotStarted(
            f"Port {port} on {host} is taken ({os.strerror(error.errno or 0)}). Choose another with PLANNER_PORT, or stop what uses it."
        ) from error
    listener.listen(128)
    return listener


@asynccontextmanager
async def in_process(settings: Settings, *, rebuild: bool = False) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an all-in-one that runs in this process for as long as the block."""
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(all_in_one(settings, rebuild=rebuild))
        transport = httpx.ASGITransport(running.app)
        yield await stack.enter_async_context(service_client("http://planner-memory", running.platform.api_key, transport=transport))
