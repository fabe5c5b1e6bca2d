"""The documentation says what the code does."""

import re
import shlex
from pathlib import Path

from typer import Context
from typer.core import TyperGroup
from typer.main import get_command

from planner_memory.adapters.coda.layout import KINDS_NEEDED, missing, read_table
from planner_memory.adapters.coda.names import THREAD, CodaNames
from planner_memory.cli.app import app
from planner_memory.core.errors import PlannerMemoryError

ROOT = Path(__file__).parents[1]


def test_every_problem_has_its_heading_and_status() -> None:
    page = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
    for error in (PlannerMemoryError, *PlannerMemoryError.__subclasses__()):
        assert f"## {error.title}\n\nStatus {error.status}." in page, error.__name__


def test_links_between_pages_lead_somewhere() -> None:
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} -> {target}"


def test_the_commands_of_the_readme_exist_with_their_options() -> None:
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    lines = re.findall(r"^planner-memory (.+?)(?:\s+#.*)?$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) > 8
    for line in lines:
        command, arguments, context = root, shlex.split(line), Context(root)
        while isinstance(command, TyperGroup):
            name, found, arguments = command.resolve_command(context, arguments)
            assert found is not None, line
            command, context = found, Context(found, parent=context, info_name=name)
        command.make_context("planner-memory", arguments)


def test_the_page_on_coda_names_the_columns_that_are_looked_for() -> None:
    page = (ROOT / "docs" / "coda.md").read_text(encoding="utf-8")
    tables = {row[1]: row for line in page.splitlines() if len(row := [cell.strip() for cell in line.split("|")]) == 5 and row[1].startswith("`")}
    for kind in KINDS_NEEDED:
        row = tables[f"`{kind if kind == THREAD else f'{kind}s'}`"]
        needed, known = (re.findall(r"`(\w+)`", cell) for cell in (row[2], row[2] + row[3]))
        found = read_table(kind, {"id": "grid-x", "name": kind}, [{"id": name, "name": name} for name in known], CodaNames())
        assert {column.name for column in found.columns.values()} == set(known), kind
        others = read_table(kind, {"id": "grid-x", "name": kind}, [{"id": name, "name": name} for name in needed], CodaNames())
        assert missing(kind, others, {}, CodaNames()) == [], kind
