"""Named SQL queries, read from the files in sql/. A query starts at a line `-- name: some_name` and takes parameters as %(name)s."""

import re
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def queries() -> dict[str, str]:
    """All queries of all files by name.

    Raises:
        ValueError: two queries have the same name.
    """
    found: dict[str, str] = {}
    for file in sorted(resources.files(__package__).joinpath("sql").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".sql"):
            continue
        parts = _NAME.split(file.read_text(encoding="utf-8"))[1:]
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                raise ValueError(f"the query {name} stands twice, the second time in {file.name}")
            found[name] = text.strip()
    return found
