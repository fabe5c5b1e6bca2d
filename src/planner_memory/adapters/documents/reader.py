"""Documents as blocks of text. Whatever can be hostile is parsed in a child process, so that it costs a bounded time and none of our memory."""

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from planner_memory.adapters.documents import formats, plain
from planner_memory.adapters.documents.child import SECONDS, TOO_MUCH_TEXT
from planner_memory.adapters.documents.formats import Unreadable, decoded, format_of
from planner_memory.core.errors import InvalidInput, TooLarge, Unavailable
from planner_memory.ports.documents import MAX_DOCUMENT_BYTES, MAX_DOCUMENT_CHARACTERS, Block, ReadDocument

_CHILD = "planner_memory.adapters.documents.child"
_PARSER = {formats.MARKDOWN: "markdown", formats.HTML: "html", formats.PDF: "pdf", formats.DOCX: "docx"}
_ROOT = Path(__file__).resolve().parents[3]
_MOST_OUTPUT_BYTES = 24_000_000
_AT_ONCE = 2
_NO_TEXT = "This document holds no text. Send one that has some."
_CRASHED = "This document could not be read: it is damaged, or takes more memory than is allowed. Save it anew, or send its text as Markdown."
_TOO_SLOW = "Reading this document takes more than {:.0f} seconds. Split it into smaller documents, or send its text as Markdown."


class ChildProcessReader:
    """Fulfils DocumentReader. At most two documents are read at a time, each within `seconds`."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._slots = asyncio.Semaphore(_AT_ONCE)

    def media_type(self, content: bytes, *, media_type: str | None, filename: str | None, field: str = "file") -> str:
        try:
            return format_of(content, media_type, filename)
        except Unreadable as error:
            raise InvalidInput(str(error), field=field) from error

    async def read(self, content: bytes, *, media_type: str | None, filename: str | None, field: str = "file") -> ReadDocument:
        if len(content) > MAX_DOCUMENT_BYTES:
            raise TooLarge(f"A document may have {MAX_DOCUMENT_BYTES // 1_000_000} MB. Split it, or leave its images out.")
        if not content.strip():
            raise InvalidInput(_NO_TEXT, field=field)
        kind = self.media_type(content, media_type=media_type, filename=filename, field=field)
        try:
            found = await self._parsed(content, kind, media_type)
        except Unreadable as error:
            raise InvalidInput(str(error), field=field) from error
        if not found.blocks:
            raise InvalidInput(_NO_TEXT, field=field)
        return found

    async def _parsed(self, content: bytes, kind: str, media_type: str | None) -> ReadDocument:
        if kind == formats.TEXT:
            text = decoded(content, media_type)
            if len(text) > MAX_DOCUMENT_CHARACTERS:
                raise Unreadable(TOO_MUCH_TEXT)
            return ReadDocument(kind, plain.parse(text).blocks)
        async with self._slots:
            output = await self._run(content, _PARSER[kind], media_type)
        try:
            answer: dict[str, Any] = json.loads(output)
            if "problem" in answer:
                raise Unreadable(str(answer["problem"]))
            blocks = tuple(Block(kind_, str(text), int(level), page) for kind_, text, level, page in answer["blocks"])
        except (ValueError, TypeError, KeyError) as error:  # it was killed for its memory, or crashed in a C library
            raise Unreadable(_CRASHED) from error
        return ReadDocument(kind, blocks, answer["title"], tuple(answer["warnings"]))

    async def _run(self, content: bytes, parser: str, media_type: str | None) -> bytes:
        environment = {"PYTHONPATH": str(_ROOT), "PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}  # no secret of ours
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", _CHILD, parser, media_type or ""),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"No process could be started to read the document: {error}. Try again in a moment.") from error
        feeding = asyncio.create_task(_feed(process, content))
        try:
            async with asyncio.timeout(self._seconds):
                output = await _output(process)
                await process.wait()
                return output
        except TimeoutError as error:
            raise Unreadable(_TOO_SLOW.format(self._seconds)) from error
        finally:
            feeding.cancel()
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


async def _feed(process: asyncio.subprocess.Process, content: bytes) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(content)
        await process.stdin.drain()
        process.stdin.close()


async def _output(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    parts, length = [], 0
    while part := await process.stdout.read(65_536):
        parts.append(part)
        length += len(part)
        if length > _MOST_OUTPUT_BYTES:
            raise Unreadable(TOO_MUCH_TEXT)
    return b"".join(parts)
