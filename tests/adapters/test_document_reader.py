"""Documents of every kind are read in order; hostile ones end in an error that says what to do."""

import io
import time
import zipfile

import pytest
from tests.document_files import docx, pdf

from planner_memory.adapters.documents.formats import DOCX, HTML, MARKDOWN, PDF, TEXT
from planner_memory.adapters.documents.reader import ChildProcessReader
from planner_memory.core.errors import InvalidInput, TooLarge
from planner_memory.ports.documents import ReadDocument


@pytest.fixture(scope="module")
def reader() -> ChildProcessReader:
    return ChildProcessReader()


async def read(reader: ChildProcessReader, content: bytes | str, filename: str | None = None, media_type: str | None = None) -> ReadDocument:
    return await reader.read(content.encode() if isinstance(content, str) else content, media_type=media_type, filename=filename)


def shapes(found: ReadDocument) -> list[tuple[str, int, str]]:
    return [(b.kind, b.level, b.text) for b in found.blocks]


async def test_markdown_keeps_every_line_under_its_headings(reader: ChildProcessReader) -> None:
    text = (
        "---\ntitle: The guide\n---\n# Guide\n\nFirst *words*\nof it.\n\n## Parts\n\n- one\n  - two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "```python\n# no heading\n```\n\n> quoted\n\n[link]: https://example.org\n\n***\n\nUnder\n-----\n<div>raw</div>\n"
    )
    found = await read(reader, text, "guide.md")
    assert (found.media_type, found.title) == (MARKDOWN, "The guide")
    assert shapes(found) == [
        ("text", 0, "title: The guide"),
        ("heading", 1, "Guide"),
        ("text", 0, "First *words*\nof it."),
        ("heading", 2, "Parts"),
        ("list", 0, "- one\n  - two"),
        ("table", 0, "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("code", 0, "# no heading"),
        ("text", 0, "> quoted"),
        ("text", 0, "[link]: https://example.org"),
        ("heading", 2, "Under"),
        ("text", 0, "<div>raw</div>"),
    ]


async def test_html_is_what_a_reader_sees(reader: ChildProcessReader) -> None:
    page = """<!doctype html><html><head><title>The  page</title><style>b {}</style></head><body><nav><a>Home</a></nav><header><h1>Rates
      <em>2026</em></h1></header><p>One<br>two &amp; thr&eacute;e<script>alert(1)</script> end</p><div hidden>secret</div>
      <ul><li>first<ul><li>inner</li></ul></li><li>last</li></ul><table><tr><th>Day<th>Fee</tr><tr><td>Mon<td><b>90</b></tr></table>
      <h3>Code</h3><pre>a = 1
  b</pre>tail<footer>imprint</footer></body></html>"""
    found = await read(reader, page, None, None)
    assert (found.media_type, found.title) == (HTML, "The page")
    assert shapes(found) == [
        ("heading", 1, "Rates 2026"),
        ("text", 0, "One\ntwo & thrée end"),
        ("list", 0, "- first\n  - inner\n- last"),
        ("table", 0, "| Day | Fee |\n| Mon | 90 |"),
        ("heading", 3, "Code"),
        ("code", 0, "a = 1\n  b"),
        ("text", 0, "tail"),
    ]
    latin = "<html><meta charset='iso-8859-1'><p>Grün</p></html>".encode("latin-1")
    assert (await read(reader, latin, "a.html")).blocks[0].text == "Grün"


async def test_a_layout_of_nested_tables_is_walked_through(reader: ChildProcessReader) -> None:
    page = "<table><tr><td><h1>Title</h1><table><tr><td>x<td>y</table></td></tr></table>"
    assert shapes(await read(reader, page, "a.htm")) == [("heading", 1, "Title"), ("table", 0, "| x | y |")]


async def test_pdf_keeps_pages_and_takes_bookmarks_as_headings(reader: ChildProcessReader) -> None:
    pages = [["Annual report", "The year was good (mostly)."], [], ["Outlook", "We implemen-", "ted it."]]
    content = pdf(pages, title="Report 2026", bookmarks={"Annual Report": 0, "Outlook": 2})
    found = await read(reader, content, "r.pdf")
    assert (found.media_type, found.title) == (PDF, "Report 2026")
    assert [(b.kind, b.text, b.page) for b in found.blocks] == [
        ("heading", "Annual report", 1),
        ("text", "The year was good (mostly).", 1),
        ("heading", "Outlook", 3),
        ("text", "We implemented it.", 3),
    ]
    assert found.warnings == ("No text was found on page 2; scanned pages need text recognition.",)


async def test_docx_keeps_headings_lists_and_tables_in_order(reader: ChildProcessReader) -> None:
    found = await read(reader, docx(), "h.docx")
    assert (found.media_type, found.title) == (DOCX, "Onboarding handbook")
    assert shapes(found) == [
        ("heading", 1, "Onboarding"),
        ("text", 0, "Welcome to the team."),
        ("heading", 2, "First week"),
        ("list", 0, "- Get a laptop\n- Meet the crew"),
        ("table", 0, "| Day | Task |\n| Monday | Accounts |"),
        ("text", 0, "Ask when in doubt."),
    ]


async def test_text_is_paragraphs_in_the_encoding_that_it_names_or_shows(reader: ChildProcessReader) -> None:
    assert shapes(await read(reader, "one\ntwo\r\n\n \n# three", "a.txt")) == [("text", 0, "one\ntwo"), ("text", 0, "# three")]
    assert (await read(reader, "Grün".encode("latin-1"), None, "text/plain; charset=iso-8859-1")).blocks[0].text == "Grün"
    assert (await read(reader, "Grün".encode("utf-16"), "a.txt")).blocks[0].text == "Grün"
    assert (await read(reader, b"\xef\xbb\xbfText", "a.md")).blocks[0].text == "Text"


async def test_the_type_is_what_was_said_then_the_ending_then_the_look(reader: ChildProcessReader) -> None:
    assert reader.media_type(b"x", media_type="text/markdown; charset=utf-8", filename="a.txt") == MARKDOWN
    assert reader.media_type(b"x", media_type="text/plain", filename="a.md") == MARKDOWN  # what browsers and curl say of Markdown
    assert reader.media_type(b"x", media_type="application/octet-stream", filename="A.MD") == MARKDOWN
    assert reader.media_type(b"%PDF-1.4", media_type=None, filename=None) == PDF
    assert reader.media_type(b"hello", media_type=None, filename=None) == TEXT


def _zip(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def _with_document(xml: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx())) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, xml if part == "word/document.xml" else old.read(part))
    return out.getvalue()


_LAUGHS = (
    b'<!DOCTYPE d [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%b">' % (98 + n, (b"&%c;" % (97 + n)) * 40) for n in range(8))
    + b']><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>&i;</w:t></w:r></w:p></w:body></w:document>'
)


@pytest.mark.parametrize(
    ("content", "filename", "says"),
    [
        (pdf([["secret"]], password="s3cret"), "a.pdf", "password"),
        (pdf([[], []]), "a.pdf", "text recognition"),
        (pdf([["x"]])[:60], "a.pdf", "PDF"),
        (b"%PDF-1.7 nothing else", "a.pdf", "damaged"),
        (b"hello", "a.pdf", "not a PDF"),
        (b"<html>no</html>", "a.docx", "not a Word"),
        (docx()[:3_000], "a.docx", "damaged"),
        (_zip(a=b"x"), "a.docx", "damaged"),
        (_zip(bomb=b"\0" * 101_000_000), "a.docx", "unpacks"),
        (_with_document(_LAUGHS), "a.docx", ""),
        (pdf([["x"]]), "a.md", "real type"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a.png", "cannot be read"),
        (b"\0\1\2", "a.txt", "binary"),
        ("Grün".encode("latin-1"), "a.md", "UTF-8"),
        (b" \n\t", "a.md", "no text"),
        (b"<html><script>x</script></html>", "a.html", "no text"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
async def test_a_hostile_or_broken_file_is_refused_with_what_to_do(reader: ChildProcessReader, content: bytes, filename: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await read(reader, content, filename)
    assert refused.value.field == "file"
    assert says in refused.value.detail
    assert len(refused.value.detail.split(". ")) > 1 or says == "real type", "says what to do"


async def test_an_open_password_is_no_obstacle(reader: ChildProcessReader) -> None:
    assert (await read(reader, pdf([["in the open"]], password=""), "a.pdf")).blocks[0].text == "in the open"


async def test_a_file_over_the_limit_is_refused_before_it_is_read(reader: ChildProcessReader) -> None:
    with pytest.raises(TooLarge):
        await read(reader, b"x" * 10_000_001, "a.txt")
    with pytest.raises(InvalidInput, match="characters"):
        await read(reader, b"x" * 5_000_001, "a.txt")
    with pytest.raises(InvalidInput, match="characters"):
        await read(reader, b"x " * 2_600_000, "a.md")


async def test_a_file_that_takes_too_long_is_given_up() -> None:
    started = time.monotonic()
    with pytest.raises(InvalidInput, match="seconds"):
        await read(ChildProcessReader(seconds=0.02), docx(), "a.docx")
    assert time.monotonic() - started < 3


async def test_a_page_that_inflates_beyond_the_memory_allowed_is_refused(reader: ChildProcessReader) -> None:
    cells = b"<p>" + b"<i>" * 3_000_000
    with pytest.raises(InvalidInput):
        await read(reader, cells, "a.html")


async def test_the_parsers_see_no_secret_and_stay_out_of_this_process(reader: ChildProcessReader, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    real = __import__("asyncio").create_subprocess_exec

    async def spy(*arguments: str, **more: object) -> object:
        seen.update(more["env"])  # type: ignore[call-overload]
        return await real(*arguments, **more)

    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-secret")
    monkeypatch.setattr("asyncio.create_subprocess_exec", spy)
    await read(reader, "# a", "a.md")
    assert seen.keys() == {"PYTHONPATH", "PATH", "LC_ALL"}
