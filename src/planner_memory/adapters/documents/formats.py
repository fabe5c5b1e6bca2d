"""Which format a document has, by what was said about it, its name, or its bytes; and what all parsers share."""

from dataclasses import dataclass
from email.message import Message
from pathlib import PurePath

from planner_memory.ports.documents import Block, BlockKind

MARKDOWN, TEXT, HTML, PDF = "text/markdown", "text/plain", "text/html", "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MEDIA_TYPES = (MARKDOWN, TEXT, HTML, PDF, DOCX)
_ALIASES = {"text/x-markdown": MARKDOWN, "application/xhtml+xml": HTML, "application/x-pdf": PDF}
_SAYS_NOTHING = ("", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded")
_ENDINGS = {".md": MARKDOWN, ".markdown": MARKDOWN, ".txt": TEXT, ".text": TEXT, ".html": HTML, ".htm": HTML, ".pdf": PDF, ".docx": DOCX}
_ACCEPTED = "Send Markdown (.md), plain text (.txt), HTML (.html), PDF (.pdf) or Word (.docx)."
_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), " ") | {13: "\n"}


class Unreadable(Exception):
    """The document cannot be read; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Parsed:
    blocks: tuple[Block, ...]
    title: str | None = None
    warnings: tuple[str, ...] = ()


def clean(text: str) -> str:
    """Without NUL, control characters and half characters, which PDFs are full of and databases refuse."""
    return text.replace("\r\n", "\n").translate(_CONTROLS).encode("utf-8", "ignore").decode()


def block(kind: BlockKind, text: str, *, level: int = 0, page: int | None = None) -> list[Block]:
    """One block, or none when the text is blank."""
    tidy = clean(text).strip("\n")
    return [Block(kind, tidy, level, page)] if tidy.strip() else []


def declared(media_type: str | None) -> tuple[str, str | None]:
    """The media type in lower case and its charset, if it names one."""
    message = Message()
    message["content-type"] = media_type or ""
    charset = message.get_param("charset")
    return (media_type or "").partition(";")[0].strip().lower(), charset if isinstance(charset, str) else None


def format_of(content: bytes, media_type: str | None, filename: str | None) -> str:
    """One of MEDIA_TYPES.

    Raises:
        Unreadable: it is something else, or the bytes are plainly not what they are said to be.
    """
    said, _ = declared(media_type)
    said = _ALIASES.get(said, said)
    ending = PurePath(filename).suffix.lower() if filename else ""
    looks = _look(content)
    if said in MEDIA_TYPES and not (said == TEXT and ending in _ENDINGS):
        chosen = said
    elif ending in _ENDINGS:
        chosen = _ENDINGS[ending]
    elif said not in _SAYS_NOTHING or (ending and looks is None and b"\0" in content[:4096]):
        raise Unreadable(f"Documents of type {said or ending} cannot be read. {_ACCEPTED}")
    else:
        chosen = looks or (TEXT if ending in ("", ".log") else "")
        if not chosen:
            raise Unreadable(f"Files that end in {ending} cannot be read. {_ACCEPTED}")
    if chosen in (PDF, DOCX) and looks != chosen:
        name = "PDF" if chosen == PDF else "Word document (.docx)"
        raise Unreadable(f"This is not a {name}, whatever its name says. Check the file, or send it under its real type. {_ACCEPTED}")
    if chosen not in (PDF, DOCX) and looks in (PDF, DOCX):
        raise Unreadable(f"This is said to be {chosen} but holds {'a PDF' if looks == PDF else 'a Word document'}. Send it under its real type.")
    return chosen


def _look(content: bytes) -> str | None:
    if b"%PDF-" in content[:1024]:
        return PDF
    if content.startswith(b"PK\x03\x04"):
        return DOCX
    start = content[:512].lstrip().lower()
    return HTML if start.startswith((b"<!doctype html", b"<html")) else None


def decoded(content: bytes, media_type: str | None) -> str:
    """The text of bytes: by the charset that was named, else by its byte order mark, else UTF-8.

    Raises:
        Unreadable: the bytes are not text in that encoding.
    """
    _, charset = declared(media_type)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        charset = charset or "utf-16"
    try:
        text = content.decode(charset or "utf-8-sig")
    except (UnicodeDecodeError, LookupError) as error:
        named = f"{charset} text" if charset else "UTF-8 text"
        raise Unreadable(f"This is not {named}. Save it as UTF-8, or name its encoding as in text/plain; charset=iso-8859-1.") from error
    if "\0" in text:
        raise Unreadable(f"This is binary data, not text. {_ACCEPTED}")
    return text.removeprefix("\ufeff")
