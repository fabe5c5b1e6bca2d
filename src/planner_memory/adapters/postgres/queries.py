"""Named SQL queries, read from the files in sql/. A query starts at a line `-- name: some_name` and takes parameters as %(name)s.

What several queries of a file share stands once, under `-- part: some_name`, and is put in where a query says `@some_name`.
"""

import re
from collections.abc import Mapping
from functools import cache, partial
from importlib import resources

_HEAD = re.compile(r"^-- (name|part): (\w+)\s*$", re.MULTILINE)
_USE = re.compile(r"(?<![\w@])@(\w+)")


@cache
def queries() -> dict[str, str]:
    """All queries of all files by name.

    Raises:
        ValueError: two queries have the same name, or one uses a part that its file does not have.
    """
    found: dict[str, str] = {}
    for file in sorted(resources.files(__package__).joinpath("sql").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".sql"):
            continue
        pieces = _HEAD.split(file.read_text(encoding="utf-8"))[1:]
        read = [(kind, name, text.strip()) for kind, name, text in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)]
        parts = {name: text for kind, name, text in read if kind == "part"}
        for kind, name, text in read:
            if kind == "part":
                continue
            if name in found:
                raise ValueError(f"the query {name} stands twice, the second time in {file.name}")
            found[name] = _USE.sub(partial(_part, parts, file.name), text)
    return found


def _part(parts: Mapping[str, str], file: str, use: re.Match[str]) -> str:
    if use[1] not in parts:
        raise ValueError(f"{file} uses a part {use[1]} that it does not have")
    return parts[use[1]]
