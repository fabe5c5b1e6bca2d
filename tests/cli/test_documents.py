"""The commands of the documents, against the real service on a real database."""

from pathlib import Path

import pytest
from tests.cli.conftest import Command, commanding, document
from tests.document_files import docx
from tests.memory_gateway.test_documents import documents_over

from planner_memory.cli.documents import GROUPS
from planner_memory.core.errors import InvalidInput
from planner_memory.core.profile import Profile


@pytest.fixture
def command(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    return commanding(monkeypatch, dsn, documents_over, GROUPS["docs"], Profile(), columns=160)


async def test_a_folder_is_added_searched_listed_and_removed(command: Command, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "rates.md").write_text("# Rates\n\nA workshop day costs 1200 euros.", encoding="utf-8")
    (tmp_path / "deep" / "handbook.docx").write_bytes(docx())
    (tmp_path / "deep" / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    (tmp_path / ".hidden" / "secret.md").write_text("secret", encoding="utf-8")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG")

    added = await command("add", str(tmp_path), "--json")
    answer = document(added, exit_code=2)
    assert {Path(f["file"]).name: f["outcome"] for f in answer["files"]} == {"rates.md": "added", "handbook.docx": "added", "broken.pdf": "refused"}
    assert answer["refused"] == 1
    assert "damaged" in next(f["reason"] for f in answer["files"] if f["outcome"] == "refused")

    (tmp_path / "deep" / "broken.pdf").unlink()
    (tmp_path / "rates.md").write_text("# Rates\n\nA workshop day costs 1500 euros.", encoding="utf-8")
    again = await command("add", str(tmp_path))
    assert again.exit_code == 0, again.output
    assert "replaced (version 2)" in again.stdout
    assert "1 replaced, 1 unchanged." in again.stdout

    found = await command("search", "cost of a workshop")
    assert "1500 euros" in found.stdout
    assert "Without qdrant" in found.stdout
    listed = document(await command("list", "--json"))
    assert {d["title"] for d in listed["documents"]} == {"Rates", "Onboarding handbook"}
    assert "Onboarding handbook" in (await command("list")).stdout

    rates = next(d["doc_id"] for d in listed["documents"] if d["title"] == "Rates")
    assert f"Removed {rates}" in (await command("remove", rates)).stdout
    assert document(await command("search", "workshop", "--json"))["total"] == 0


async def test_nothing_to_add_is_said_with_what_is_taken(command: Command, tmp_path: Path) -> None:
    for arguments, says in ((["add", str(tmp_path)], "No documents"), (["add", str(tmp_path / "none")], "There is no")):
        refused = (await command(*arguments)).exception
        assert isinstance(refused, InvalidInput)
        assert says in refused.detail
    assert "No document says" in (await command("search", "x")).stdout
    assert "No documents yet" in (await command("list")).stdout
