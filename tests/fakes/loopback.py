"""Runs an ASGI application on a free loopback port, in a thread of the test process."""

import socket
import threading
import time
from typing import Any, Literal, Self

import uvicorn


class Loopback:
    """`with Loopback(app) as server: server.url`; the port is free again afterwards."""

    def __init__(self, app: Any, *, lifespan: Literal["on", "off"] = "off") -> None:
        # the protocol has to be named: asyncio switches Nagle's algorithm off only then, and with it each answer takes 40 ms
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan=lifespan, timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        ends = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < ends, "the loopback server did not start"
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()
