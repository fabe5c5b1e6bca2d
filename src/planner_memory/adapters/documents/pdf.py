"""PDF: the text of each page, and its bookmarks as headings where a line of the page says the same."""

import io
import re
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader
from pypdf.errors import DependencyError, PyPdfError

from planner_memory.adapters.documents.formats import Parsed, Unreadable, block, clean
from planner_memory.ports.documents import Block

_ENCRYPTED = "This PDF is protected by a password. Open it, save a copy without the password, and send that."
_DAMAGED = "This PDF is damaged. Open it in a PDF viewer, export it again, and send the new file."
_NO_TEXT = "This PDF holds no text, only images: it was probably scanned. Run text recognition over it (such as OCRmyPDF), then send it again."
_HYPHEN = re.compile(r"(?<=[a-zà-ÿ])-\n(?=[a-zà-ÿ])")
_BLANK = re.compile(r"\n[ \t]*\n")


def parse(content: bytes, _: str | None) -> Parsed:
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable(_ENCRYPTED)
        count = len(reader.pages)
    except DependencyError as error:
        raise Unreadable(_ENCRYPTED) from error
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, AssertionError) as error:
        raise Unreadable(_DAMAGED) from error
    bookmarks = _bookmarks(reader)
    blocks: list[Block] = []
    empty: list[int] = []
    for number in range(1, count + 1):
        try:
            text = clean(reader.pages[number - 1].extract_text())
        except DependencyError as error:
            raise Unreadable(_ENCRYPTED) from error
        except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, AssertionError, ZeroDivisionError):
            text = ""
        if not text.strip():
            empty.append(number)
        blocks += _page(_HYPHEN.sub("", text), number, bookmarks.get(number, {}))
    if not blocks:
        raise Unreadable(_NO_TEXT)
    warnings = (f"No text was found on {_named(empty)}; scanned pages need text recognition.",) if empty else ()
    return Parsed(tuple(blocks), _title(reader), warnings)


def _page(text: str, number: int, headings: dict[str, int]) -> Iterator[Block]:
    for paragraph in _BLANK.split(text):
        held: list[str] = []
        for line in paragraph.split("\n"):
            level = headings.pop(_key(line), 0)
            if level:
                yield from block("text", "\n".join(held), page=number)
                yield from block("heading", line.strip(), level=level, page=number)
                held = []
            else:
                held.append(line.rstrip())
        yield from block("text", "\n".join(held), page=number)


def _key(line: str) -> str:
    return "".join(c for c in line.lower() if c.isalnum())


def _bookmarks(reader: PdfReader) -> dict[int, dict[str, int]]:
    """For each page the bookmarks that lead to it, as comparable text, with their level. Bookmarks that cannot be read are left out."""
    found: dict[int, dict[str, int]] = {}
    try:
        waiting: list[tuple[Any, int]] = [(reader.outline, 1)]
        while waiting:
            entry, level = waiting.pop()
            if isinstance(entry, list):
                waiting += [(each, level + 1 if isinstance(each, list) else level) for each in entry]
                continue
            page = reader.get_destination_page_number(entry)
            key = _key(str(entry.title))
            if page is not None and page >= 0 and key:
                found.setdefault(page + 1, {})[key] = min(level, 6)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, AssertionError):
        return found
    return found


def _title(reader: PdfReader) -> str | None:
    try:
        title = reader.metadata.title if reader.metadata else None
        return clean(str(title)).strip() or None if title else None
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _named(pages: list[int]) -> str:
    listed = ", ".join(str(p) for p in pages[:10])
    return f"page{'s' if len(pages) > 1 else ''} {listed}{f' and {len(pages) - 10} more' if len(pages) > 10 else ''}"
