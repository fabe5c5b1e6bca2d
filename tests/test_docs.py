"""The documentation says what the code does."""

import re
from pathlib import Path

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
