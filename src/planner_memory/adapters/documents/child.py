"""Reads one document from standard input and writes its blocks as JSON, in a process of its own with little time and memory.

Run as `python -m planner_memory.adapters.documents.child FORMAT [MEDIA TYPE]`.
"""

import importlib
import json
import resource
import sys
from contextlib import suppress
from dataclasses import astuple
from typing import Any

from planner_memory.adapters.documents.formats import Unreadable
from planner_memory.ports.documents import MAX_DOCUMENT_CHARACTERS

MEMORY_BYTES = 512_000_000
SECONDS = 30
PARSERS = {name: f"planner_memory.adapters.documents.{name}" for name in ("markdown", "html", "pdf", "docx")}
TOO_MUCH_MEMORY = "Reading this document takes more memory than is allowed. Split it into smaller documents, and send those."
TOO_MUCH_TEXT = f"This document holds more than {MAX_DOCUMENT_CHARACTERS:,} characters of text. Split it into smaller documents, and send those."


def limit() -> None:
    """No system enforces every limit; the parent watches time and output as well."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def answer(format_: str, media_type: str | None) -> dict[str, Any]:
    try:
        # only the parser that is needed: each costs some 20 MB and a tenth of a second
        parsed = importlib.import_module(PARSERS[format_]).parse(sys.stdin.buffer.read(), media_type)
        if sum(len(b.text) for b in parsed.blocks) > MAX_DOCUMENT_CHARACTERS:
            return {"problem": TOO_MUCH_TEXT}
        return {"title": parsed.title, "warnings": parsed.warnings, "blocks": [astuple(b) for b in parsed.blocks]}
    except Unreadable as error:
        return {"problem": str(error)}
    except MemoryError:
        return {"problem": TOO_MUCH_MEMORY}


if __name__ == "__main__":
    limit()
    sys.stdout.buffer.write(json.dumps(answer(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None), ensure_ascii=False).encode())
