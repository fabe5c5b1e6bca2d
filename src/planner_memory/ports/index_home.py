"""Which search index is in use: known to all processes that share the database."""

from datetime import datetime
from typing import Protocol


class IndexHome(Protocol):
    """Every method raises Unavailable when the store does not answer."""

    async def location(self) -> str:
        """Where the index in use is kept; empty for the first one that this installation made."""
        ...

    async def switch(self, location: str, *, embedder: str, dimension: int, changed_since: datetime) -> int:
        """Names another index as the one in use. In the same step every row that changed since then is due for indexing again; returns how many."""
        ...
