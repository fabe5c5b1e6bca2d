"""The embedded calendar server: Radicale on loopback, with one user, kept alive while this process lives."""

import asyncio
import os
import random
import secrets
import socket
import stat
from contextlib import suppress
from pathlib import Path

import httpx
from passlib.hash import sha256_crypt  # type: ignore[import-untyped]  # of libpass, with which Radicale itself verifies

from planner_memory.adapters.radicale.child import Child, end_stale, lock
from planner_memory.adapters.radicale.subscription import CREDENTIALS, DEFAULT_PORT, PORT, USERNAME
from planner_memory.core.errors import NotStarted, Unavailable

_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.1
_BACKOFF_SECONDS = (0.2, 1.0, 3.0, 10.0, 30.0)
_STEADY_SECONDS = 60.0
_LOOPBACK = ("127.0.0.1", "::1")
_PORT_ATTEMPTS = 8
_OTHER_PORTS = range(20_000, 32_768)  # below those that systems give to outgoing connections: while we are stopped none of them takes a kept port
_CONFIG = """\
[server]
hosts = {address}:{port}
max_connections = 20

[auth]
type = htpasswd
htpasswd_filename = {users}
htpasswd_encryption = sha256
delay = 1

[rights]
type = owner_only

[storage]
type = multifilesystem
filesystem_folder = {storage}

[web]
type = none

[logging]
level = warning
mask_passwords = True
"""


class EmbeddedRadicale:
    """Radicale with its data in `data_dir`/radicale. A port once chosen is kept, so that a subscribed calendar app keeps working.

    `port` None takes the kept port, at first 5232 or, where that is taken, any free one; 0 does not try 5232. `host` must be a loopback address.
    """

    def __init__(self, data_dir: Path, host: str = "127.0.0.1", port: int | None = None) -> None:
        if host not in _LOOPBACK:
            raise NotStarted(f"The embedded calendar only listens on loopback, not on {host}. Use 127.0.0.1 or ::1, or a CalDAV server of your own.")
        self._data_dir = data_dir.expanduser().resolve()
        self._host = host
        self._wanted_port = port or None
        self._first_choice = (DEFAULT_PORT,) if port is None else ()
        self._port: int | None = None
        self._password: str | None = None
        self._lock: int | None = None
        self._child: Child | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._crashes = 0
        self._given_up = False

    @property
    def url(self) -> str:
        """The address of the server, with a slash at its end."""
        if self._port is None:
            raise NotStarted("The embedded calendar has not been started.")
        return f"http://{self._address}:{self._port}/"

    @property
    def username(self) -> str:
        return USERNAME

    @property
    def password(self) -> str:
        if self._password is None:
            raise NotStarted("The embedded calendar has not been started.")
        return self._password

    @property
    def pid(self) -> int | None:
        """The process number of the running child."""
        return None if self._child is None else self._child.pid

    async def start(self) -> None:
        """Starts Radicale and waits until it answers to our password.

        Raises:
            NotStarted: the port is taken, another process runs this data directory, or Radicale ends at once.
        """
        if self._child is not None:
            return
        try:
            await asyncio.to_thread(self._prepare)
            await self._launch_on_a_port()
        except BaseException:
            await self.stop()
            raise
        self._crashes, self._given_up = 0, False
        self._watcher = asyncio.create_task(self._watch(), name="radicale-watcher")

    async def stop(self) -> None:
        """Stops Radicale and waits until it is gone. Does nothing when it does not run."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher
        await self._end_child()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def check(self) -> None:
        """Raises Unavailable when the calendar does not answer, saying whether it is being restarted."""
        if self._given_up:
            raise Unavailable(
                f"The embedded calendar ended {self._crashes} times and is not restarted again; see {self._log}. Restart planner-memory."
            )
        if self._child is None or self._child.ended():
            raise Unavailable(f"The embedded calendar ended and is being restarted; see {self._log}.")
        if not await self._answers():
            raise Unavailable(f"The embedded calendar does not answer at {self.url}; see {self._log}.")

    @property
    def _address(self) -> str:
        return f"[{self._host}]" if ":" in self._host else self._host

    @property
    def _log(self) -> Path:
        return self._data_dir / "logs" / "radicale.log"

    @property
    def _config(self) -> Path:
        return self._data_dir / "radicale.conf"

    @property
    def _users(self) -> Path:
        return self._data_dir / "radicale-users"

    @property
    def _storage(self) -> Path:
        return self._data_dir / "radicale"

    @property
    def _pid_file(self) -> Path:
        return self._data_dir / "radicale.pid"

    def _prepare(self) -> None:
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = lock(self._data_dir / "radicale.lock")
            if self._lock is None:
                raise NotStarted(
                    f"Another process runs the embedded calendar of {self._data_dir}. Stop it first, or set PLANNER_DATA_DIR to another folder."
                )
            end_stale(self._pid_file, self._config)
            self._storage.mkdir(mode=0o700, exist_ok=True)
            self._password = self._kept_password()
            # the password is random and long, so more rounds would only slow each request
            _write_private(self._users, f"{USERNAME}:{sha256_crypt.using(rounds=1000).hash(self._password)}\n")
        except OSError as error:
            raise NotStarted(
                f"The data directory {self._data_dir} cannot be used: {error.strerror}. Set PLANNER_DATA_DIR to a folder of your own."
            ) from error

    def _kept_password(self) -> str:
        kept = self._data_dir / CREDENTIALS
        if not kept.exists():
            _write_private(kept, f"{USERNAME}:{secrets.token_urlsafe(18)}\n")
        elif stat.S_IMODE(kept.stat().st_mode) & 0o077:
            kept.chmod(0o600)
        name, colon, password = kept.read_text(encoding="utf-8").strip().partition(":")
        if name != USERNAME or not colon or not password:
            raise NotStarted(
                f"{kept} does not hold `{USERNAME}:password`. Delete it, and a new password is made; calendar apps must be given the new one."
            )
        return password

    def _fixed_port(self) -> int | None:
        """The port that a setting names or an earlier start kept; None when one is still to be chosen."""
        if self._wanted_port is not None:
            return self._wanted_port
        kept = self._data_dir / PORT
        if not kept.exists():
            return None
        content = kept.read_text(encoding="utf-8").strip()
        if not content.isdecimal() or not 0 < int(content) < 65536:
            raise NotStarted(
                f"{kept} holds `{content}`, which is no port. Delete it to have one chosen; calendar apps must be given the new address."
            )
        return int(content)

    def _taken(self, port: int) -> NotStarted:
        if self._wanted_port is not None:
            return NotStarted(f"Port {port} on {self._host} is used by another program. Choose another port for the calendar.")
        return NotStarted(
            f"The calendar's port {port}, kept in {self._data_dir / PORT}, is used by another program. Stop that program, "
            "or delete the file to have a new port chosen; calendar apps must then be given the new address."
        )

    async def _launch_on_a_port(self) -> None:
        """Starts the child on its fixed port, or on a free one, which is kept. Who else starts may take a free port first: then on another one."""
        fixed = self._fixed_port()
        for port in [fixed] if fixed is not None else [*self._first_choice, *random.sample(_OTHER_PORTS, _PORT_ATTEMPTS)]:
            if self._free(port):
                self._port = port
                _write_private(self._config, _CONFIG.format(address=self._address, port=port, users=self._users, storage=self._storage))
                try:
                    await self._launch()
                except NotStarted:
                    if self._free(port):  # then it ended for another reason
                        raise
                else:
                    if fixed is None:
                        _write_private(self._data_dir / PORT, f"{port}\n")
                    return
            if fixed is not None:
                raise self._taken(fixed)
        raise NotStarted(f"No free port was found for the embedded calendar in {_PORT_ATTEMPTS} attempts. Choose one with PLANNER_CALENDAR_PORT.")

    def _free(self, port: int) -> bool:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Radicale does: a port that lingers after a stop is free
            probe.bind((self._host, port))
            return True
        return False

    async def _launch(self) -> None:
        """Starts one child and waits until it answers; NotStarted when it ends or stays silent."""
        self._child = Child(self._config, self._log, self._pid_file)
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while asyncio.get_running_loop().time() < deadline and not self._child.ended():
            if await self._answers():
                return
            await asyncio.sleep(_POLL_SECONDS)
        await self._end_child()
        raise NotStarted(f"The embedded calendar did not start; see {self._log}.")

    async def _answers(self) -> bool:
        """Whether the server at our address knows our password, which a stranger on the same port does not."""
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
                answer = await client.request("PROPFIND", f"{self.url}{USERNAME}/", auth=(USERNAME, self.password), headers={"Depth": "0"})
        except httpx.HTTPError:
            return False
        return answer.status_code == 207

    async def _watch(self) -> None:
        """Restarts the child when it ends by itself, ever more slowly, and gives up after the last of the pauses."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            if self._child is not None and not self._child.ended():
                continue
            if loop.time() - since > _STEADY_SECONDS:
                self._crashes = 0
            self._crashes += 1
            if self._crashes > len(_BACKOFF_SECONDS):
                self._given_up = True
                return
            await asyncio.sleep(_BACKOFF_SECONDS[self._crashes - 1])
            since = loop.time()
            with suppress(NotStarted):
                await self._launch()

    async def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if not child.ended():
            child.ask_to_end()
            deadline = asyncio.get_running_loop().time() + _STOP_SECONDS
            while not child.ended():
                if asyncio.get_running_loop().time() > deadline:
                    child.kill()
                await asyncio.sleep(0.02)
        child.forget()


def _write_private(path: Path, text: str) -> None:
    """Writes a file of mode 0600, whole or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
