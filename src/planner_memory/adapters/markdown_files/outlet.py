"""Letters as Markdown files in one folder, one file per period."""

import asyncio
import os
import tempfile
from pathlib import Path

from planner_memory.core.errors import Unavailable
from planner_memory.ports.outlets import Letter


class MarkdownFiles:
    """Fulfils Outlet. A file is written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        return "the folder of Markdown files"

    @property
    def replaces(self) -> bool:
        return True

    async def send(self, letter: Letter) -> None:
        try:
            await asyncio.to_thread(self._write, letter)
        except OSError as error:
            raise Unavailable(f"{self._folder} cannot be written: {error.strerror}. Check the folder's owner and the space left.") from error

    def _write(self, letter: Letter) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".md")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(letter.text)
            Path(temporary).chmod(0o600)
            Path(temporary).replace(self._folder / f"{letter.key}.md")
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
