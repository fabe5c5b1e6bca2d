"""Everything of a client as lines of JSON, and back again: ids, times, links and history stay as they were."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, get_args

from planner_memory.memory_gateway.answers import Answers
from planner_memory.memory_gateway.archive_lines import ArchivedLine
from planner_memory.ports.archive import Kind
from planner_memory.ports.memories import MemoryStore

_PAGE = 500


class Archive:
    """`wake` has the index follow what came in."""

    def __init__(self, *, store: MemoryStore, answers: Answers, wake: Callable[[], object]) -> None:
        self._store = store
        self._answers = answers
        self._wake = wake

    async def exported(self, client_id: str) -> AsyncIterator[str]:
        """One JSON document per line, `kind` first; what a line belongs to comes before it. Superseded memories are among them."""
        for kind in get_args(Kind):
            after, more = "", True
            while more:
                async with self._store.begin() as tx:
                    lines = await tx.lines(kind, client_id, after=after, limit=_PAGE)
                for line in lines:
                    yield f'{{"kind": "{kind}", {line.text[1:]}\n'
                more = len(lines) == _PAGE
                after = lines[-1].place if lines else ""

    async def imported(self, lines: Sequence[tuple[str, ArchivedLine]]) -> dict[str, Any]:
        """Stores all lines, each under the client beside it, or none; what is there already stays as it is.

        Raises:
            InvalidInput: a line belongs to a row that is neither in the file nor stored.
            Conflict: an id is taken by another client.
        """
        rows: dict[tuple[str, str], list[str]] = defaultdict(list)
        for client_id, line in lines:
            rows[line.kind, client_id].append(line.text)
        clients = sorted({client_id for client_id, _ in lines})
        counts = {kind: {"read": 0, "new": 0} for kind in get_args(Kind)}
        async with self._store.begin() as tx:
            await tx.lock(clients)
            for kind in get_args(Kind):
                for client_id in clients:
                    texts = rows.get((kind, client_id), [])
                    counts[kind]["read"] += len(texts)
                    for start in range(0, len(texts), _PAGE):
                        counts[kind]["new"] += await tx.put_lines(kind, client_id, texts[start : start + _PAGE])
        await self._answers.advance(clients)
        self._wake()
        return {"lines": len(lines), "new": sum(c["new"] for c in counts.values()), "kinds": {k: c for k, c in counts.items() if c["read"]}}
