"""What a person has done to the blocks in the calendar: pure, from what was known and what stands there now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from planner_memory.ports.calendar import CalendarEvent, Changes
from planner_memory.ports.journal import LiveBlock
from planner_memory.ports.schedules import SchedulerRun
from planner_memory.scheduler_engine.writing import Block, when

Kind = Literal["moved", "deleted", "finished", "reopened", "renamed"]


@dataclass(frozen=True, slots=True)
class Learned:
    """One change of one block. `event` is how it stands now, None when it is gone."""

    kind: Kind
    block: LiveBlock
    event: CalendarEvent | None = None


def learned(live: Iterable[LiveBlock], titles: Mapping[str, str], found: Changes) -> list[Learned]:
    """In order of the blocks. `titles` are those that the blocks were written with, by event id.

    An event that is known by its id is the block, whatever a calendar program has left of its private properties.
    """
    now = {e.event_id: e for e in found.events}
    gone = set(found.deleted)
    out = []
    for block in live:
        event = now.get(block.event_id)
        if event is None:
            if block.event_id in gone or found.is_full:
                out.append(Learned("deleted", block))
            continue
        if event.status == "cancelled":
            out.append(Learned("deleted", block))
            continue
        if (event.start, event.end) != (block.starts_at, block.ends_at):
            out.append(Learned("moved", block, event))
        if event.is_done != block.is_done:
            out.append(Learned("finished" if event.is_done else "reopened", block, event))
        if event.title.strip() != titles.get(block.event_id, event.title).strip():
            out.append(Learned("renamed", block, event))
    return out


def rows_after(live: Iterable[LiveBlock], changes: Sequence[Learned], found: Changes) -> list[LiveBlock]:
    """The live blocks that are left, as they stand now."""
    now = {e.event_id: e for e in found.events}
    gone = {c.block.event_id for c in changes if c.kind == "deleted"}
    moved = {c.block.event_id for c in changes if c.kind == "moved"}
    out = []
    for block in live:
        if block.event_id in gone:
            continue
        event = now.get(block.event_id)
        if event is not None:
            block = replace(
                block,
                starts_at=event.start,
                ends_at=event.end,
                is_done=event.is_done,
                is_pinned=block.is_pinned or block.event_id in moved,
                etag=event.etag,
            )
        out.append(block)
    return out


def run_after(run: SchedulerRun, changes: Sequence[Learned], tz: Any) -> SchedulerRun:
    """The run with what was done to its blocks: moved ones are pinned, deleted ones have no place until the person says what becomes of them."""
    blocks = {b["event_id"]: dict(b) for b in run.schedule_blocks}
    unscheduled = list(run.unscheduled)
    removed = list(run.metadata.get("removed", []))
    for change in changes:
        block = blocks.get(change.block.event_id)
        if block is None:
            continue
        if change.kind == "deleted":
            del blocks[change.block.event_id]
            unscheduled.append({"task_id": block["task_id"], "reason": _asking(block, tz), "earliest_possible": None, "fits_if": []})
            if not any(b["task_id"] == block["task_id"] for b in blocks.values()):
                removed.append(block["task_id"])
            continue
        assert change.event is not None
        if change.kind == "moved":
            block |= {"start": change.event.start.astimezone(tz).isoformat(), "end": change.event.end.astimezone(tz).isoformat(), "pinned": True}
        elif change.kind == "renamed":
            block["title"] = change.event.title
        else:
            block["done"] = change.kind == "finished"
    ordered = sorted(blocks.values(), key=lambda b: (datetime.fromisoformat(b["start"]), b["task_id"]))
    return replace(run, schedule_blocks=ordered, unscheduled=unscheduled, metadata={**run.metadata, "removed": removed})


def _asking(block: Block, tz: Any) -> str:
    start, _ = when(block)
    return f"You removed its block of {start.astimezone(tz):%A %d %B, %H:%M} from the calendar. Say whether it is to be placed again or dropped."


def sentence(change: Learned, title: str, tz: Any) -> str:
    """The change as memory keeps it."""
    was = f"{change.block.starts_at.astimezone(tz):%A %d %B %Y, %H:%M}"
    if change.kind == "deleted" or change.event is None:
        return f"Removed the block '{title}' of {was} from the calendar."
    if change.kind == "moved":
        minutes = int((change.event.end - change.event.start).total_seconds() // 60)
        return f"Moved the block '{title}' from {was} to {change.event.start.astimezone(tz):%A %d %B %Y, %H:%M} ({minutes} minutes)."
    if change.kind == "renamed":
        return f"Renamed the block '{title}' of {was} to '{change.event.title}'."
    return f"Marked the block '{title}' of {was} as {'done' if change.kind == 'finished' else 'not done'}."
