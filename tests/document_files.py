"""Small documents made on the spot."""

import io
import zlib

from docx import Document
from pypdf import PdfReader, PdfWriter


def pdf(pages: list[list[str]], *, title: str | None = None, bookmarks: dict[str, int] | None = None, password: str | None = None) -> bytes:
    """Each page is a list of lines; an empty page holds no text. `bookmarks` lead to 0-based pages."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"]
    kids = []
    for lines in pages:
        shown = "".join(f"({_escaped(line)}) Tj T* " for line in lines)
        stream = zlib.compress(f"BT /F1 12 Tf 72 720 Td 16 TL {shown}ET".encode("cp1252"))
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(stream), stream))
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents {len(objects)} 0 R >>"
        objects.append(page.encode())
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n".encode()
    if title is None and not bookmarks and password is None:
        return out
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(out)))
    if title:
        writer.add_metadata({"/Title": title})
    for name, page_number in (bookmarks or {}).items():
        writer.add_outline_item(title=name, page_number=page_number)
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def docx() -> bytes:
    document = Document()
    document.core_properties.title = "Onboarding handbook"
    document.add_heading("Onboarding", 1)
    document.add_paragraph("Welcome to the team.")
    document.add_heading("First week", 2)
    document.add_paragraph("Get a laptop", style="List Bullet")
    document.add_paragraph("Meet the crew", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for row, values in zip(table.rows, (("Day", "Task"), ("Monday", "Accounts")), strict=True):
        for cell, value in zip(row.cells, values, strict=True):
            cell.text = value
    document.add_paragraph("Ask when in doubt.")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()
