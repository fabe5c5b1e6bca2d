"""What has to be written to the index when rows arrive: themselves, and the neighbours whose windows they change."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from planner_memory.memory_gateway.texts import REACH, collection_of, dated_text, window_text
from planner_memory.ports.memories import StoredMemory
from planner_memory.ports.vectors import Point


@dataclass(frozen=True, slots=True)
class Entry:
    """One row with its texts, before it is embedded."""

    row: StoredMemory
    text: str
    window: str
    is_neighbour: bool  # indexed before; only its window is new

    def point(self, dense: NDArray[np.float32] | None) -> Point:
        row = self.row
        return Point(
            id=row.id,
            collection=collection_of(row.memory_type),
            client_id=row.client_id,
            lexical={"text": self.text, "window": self.window},
            dense=dense,
            person_id=row.person_id,
            memory_type=row.memory_type,
            event_type=row.event_type,
            thread_id=row.thread_id,
            occurred_at=row.occurred_at,
            superseded=row.superseded_at is not None,
        )


def entries(claimed: Sequence[StoredMemory], around: Sequence[StoredMemory], tz: ZoneInfo) -> list[Entry]:
    """The claimed rows, and every row within REACH places of one in its thread.

    `around` holds the rows within twice REACH of the claimed ones, so that the windows of the neighbours are whole too.
    """
    ours = {r.id for r in claimed}
    threads: dict[tuple[str, str], dict[UUID, StoredMemory]] = defaultdict(dict)
    out = []
    for row in (*around, *claimed):  # the claimed row last: it names the lease
        if row.thread_id is not None:
            threads[row.client_id, row.thread_id][row.id] = row
        elif row.id in ours:
            out.append(Entry(row, dated_text(row, tz), window_text([row], 0), False))
    for rows in threads.values():
        turns = sorted(rows.values(), key=lambda r: (r.occurred_at, r.id))
        touched = {n for i, r in enumerate(turns) if r.id in ours for n in range(max(0, i - REACH), min(len(turns), i + REACH + 1))}
        out += [Entry(turns[i], dated_text(turns[i], tz), window_text(turns, i), turns[i].id not in ours) for i in sorted(touched)]
    return out
