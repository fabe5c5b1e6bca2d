"""Writes docs/settings.md and .env.example from the settings; with --check says whether they are fresh."""

import sys
from pathlib import Path

from pydantic_core import PydanticUndefined

from planner_memory.settings import Settings, environment_name

ROOT = Path(__file__).resolve().parents[1]


def _default(field: str) -> str:
    value = Settings.model_fields[field].default
    if value is None or value is PydanticUndefined or value == () or "password" in field:
        return ""
    return str(value)


def markdown() -> str:
    lines = ["# Settings", "", "Generated from `src/planner_memory/settings.py` by `make docs`. All are optional.", ""]
    lines += ["| variable | default | what it is for |", "| --- | --- | --- |"]
    for field, info in Settings.model_fields.items():
        default = f"`{_default(field)}`" if _default(field) else ""
        lines.append(f"| `{environment_name(field)}` | {default} | {info.description} |")
    return "\n".join(lines) + "\n"


def example() -> str:
    lines = ["# Every setting with its default, generated from settings.py by `make docs`. Copy to .env and uncomment what you change.", ""]
    for field, info in Settings.model_fields.items():
        lines += [f"# {info.description}", f"#{environment_name(field)}={_default(field)}", ""]
    return "\n".join(lines)


def files() -> dict[Path, str]:
    return {ROOT / "docs" / "settings.md": markdown(), ROOT / ".env.example": example()}


def main() -> int:
    stale = [path for path, text in files().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        print("\n".join(f"{path.relative_to(ROOT)} is stale: run `make docs`" for path in stale) or "fresh")
        return 1 if stale else 0
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
