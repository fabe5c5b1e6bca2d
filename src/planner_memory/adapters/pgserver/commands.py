"""Runs one of PostgreSQL's programs to its end, without blocking the event loop."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from planner_memory.core.errors import Unavailable


def environment() -> dict[str, str]:
    """What a program of PostgreSQL needs, and nothing that could change its meaning (PGHOST, PGPASSWORD) or that is secret."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC", "PGAPPNAME": "planner-memory"}


async def run_program(program: Path, arguments: Sequence[str], *, stdin: str = "", identity: dict[str, Any] | None = None) -> str:
    """Returns what the program wrote. `identity` names another user to run it, as subprocess does.

    Raises:
        Unavailable: the program failed; the detail ends with its own words.
    """
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd="/",
        env=environment(),
        umask=0o077,
        **(identity or {}),
    )
    try:
        output, errors = await process.communicate(stdin.encode())
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise Unavailable(f"{program.name} failed: {errors.decode(errors='replace').strip()[-1500:]}")
    return output.decode()
