"""Blocks as rows that must not overlap: pure, over all live blocks of a person."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from planner_memory.core.intervals import Interval
from planner_memory.ports.journal import LiveBlock
from planner_memory.ports.schedules import SchedulerRun
from planner_memory.scheduler_engine.writing import Block, when


def live_of(run: SchedulerRun, blocks: Sequence[Block], etags: dict[str, str | None], others: Iterable[LiveBlock]) -> list[LiveBlock]:
    """A run's blocks as rows. One that was pinned by hand onto another is contested; any other has to be alone, which the database sees to."""
    taken = [each.interval for each in others if each.state == "placed"]
    rows = []
    for block in sorted(blocks, key=lambda b: (bool(b.get("pinned")), when(b))):
        start, end = when(block)
        is_pinned = bool(block.get("pinned"))
        is_contested = is_pinned and any(Interval(start, end).overlaps(t) for t in taken)
        if not is_contested:
            taken.append(Interval(start, end))
        rows.append(
            LiveBlock(
                event_id=block["event_id"],
                run_id=run.id,
                client_id=run.client_id,
                person_id=run.person_id,
                task_id=block["task_id"],
                starts_at=start,
                ends_at=end,
                state="contested" if is_contested else "placed",
                is_pinned=is_pinned,
                is_done=bool(block.get("done")),
                etag=etags.get(block["event_id"]),
            )
        )
    return rows


def settled(rows: Iterable[LiveBlock], moved: Collection[str]) -> list[LiveBlock]:
    """The rows that were moved, or were contested before, with the state they have now: placed where nothing else stands."""
    rows = list(rows)
    open_ones = [r for r in rows if r.event_id in moved or r.state == "contested"]
    names = {r.event_id for r in open_ones}
    taken = [r.interval for r in rows if r.event_id not in names]
    out = []
    for row in sorted(open_ones, key=lambda r: (r.starts_at, r.event_id)):
        is_free = not any(row.interval.overlaps(t) for t in taken)
        if is_free:
            taken.append(row.interval)
        out.append(replace(row, state="placed" if is_free else "contested"))
    return out
