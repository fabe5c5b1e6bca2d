"""Secrets in one encrypted file, which several processes may share: written whole, mode 0600, locked by the kernel."""

import asyncio
import base64
import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from planner_memory.core.errors import NotStarted, Unavailable

_LOCK_SECONDS = 60.0
_POLL_SECONDS = 0.02


class EncryptedFile:
    """Fulfils CredentialStore: Fernet (AES-128-CBC with HMAC-SHA256) under a key derived from `key`, a long random text."""

    def __init__(self, path: Path, key: str, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._path = path
        self._fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))
        self._sleep = sleep
        self._seen: tuple[tuple[int, int, int], dict[str, Any] | None] | None = None

    async def read(self) -> dict[str, Any] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)  # every write makes a new file
        if self._seen is None or self._seen[0] != stamp:
            self._seen = stamp, await asyncio.to_thread(self._opened)
        return None if self._seen[1] is None else dict(self._seen[1])

    def _opened(self) -> dict[str, Any] | None:
        try:
            kept = json.loads(self._path.read_bytes())
            content = json.loads(self._fernet.decrypt(str(kept["sealed"]).encode()))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        except (ValueError, KeyError, TypeError, InvalidToken):
            return None
        return content if isinstance(content, dict) else None

    async def write(self, content: Mapping[str, Any]) -> None:
        await asyncio.to_thread(self._write, json.dumps(dict(content)).encode())

    def _write(self, content: bytes) -> None:
        sealed = json.dumps({"version": 1, "cipher": "fernet", "sealed": self._fernet.encrypt(content).decode()})
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        try:
            self._make_folder()
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(sealed + "\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise self._unusable(error) from error

    async def delete(self) -> bool:
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._unusable(error) from error
        return True

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        try:
            self._make_folder()
            file = os.open(self._path.with_name(self._path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            ends = time.monotonic() + _LOCK_SECONDS
            # a file opened anew each time excludes the tasks of this process as well as other processes
            while not _taken(file):
                if time.monotonic() > ends:
                    raise Unavailable("Another process holds the calendar's credentials for too long. Try again in a moment.", retry_after=5)
                await self._sleep(_POLL_SECONDS)
            yield
        finally:
            os.close(file)

    def _make_folder(self) -> None:
        if not self._path.parent.is_dir():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.parent.chmod(0o700)

    def _unusable(self, error: OSError) -> NotStarted:
        return NotStarted(f"The credentials in {self._path.parent} cannot be read or written: {error.strerror}. Mend the permissions of that folder.")


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
