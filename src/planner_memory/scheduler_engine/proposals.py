"""A whole schedule that the language model proposes: taken as wishes for starts, decoded by the board, so that it can break no hard rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import structlog
from pydantic import Field

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import at_wall_time
from planner_memory.prompting.inputs import OptimizerInput
from planner_memory.prompting.rendering import as_data, compact, labelled
from planner_memory.prompting.replies import Number, Reply
from planner_memory.prompting.writer import Writer
from planner_memory.scheduler_engine.availability import Axis, free_time
from planner_memory.scheduler_engine.terms import Terms

log = structlog.get_logger()
MOST_TASKS = 120  # a longer list costs more tokens than a proposal is worth
_MOST_FREE = 150


class ProposedStart(Reply):
    task: Number
    start: Annotated[str, Field(max_length=40)]


class ProposalReply(Reply):
    """For schedule_optimizer. Wrong starts are no flaws: a wish that cannot be read or kept is simply not taken."""

    starts: Annotated[list[ProposedStart], Field(min_length=1, max_length=1000)]


@dataclass(frozen=True, slots=True)
class Proposal:
    """`wishes` are instants by task id. `notes` are stored with the run, `warnings` are for the person."""

    wishes: Mapping[str, datetime] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def minutes(self, terms: Terms, axis: Axis) -> list[int | None]:
        """The wishes in the order of the tasks, on the board's axis."""
        wished = (self.wishes.get(task.task_id) for task in terms.tasks)
        return [None if at is None else axis.minute_up(at) for at in wished]

    def worth(self, cost_as_proposed: int | None, cost_found: int) -> dict[str, Any] | None:
        """What is stored with the run: the proposal, and its cost, as far as hard rules allowed it, beside what the search found."""
        return {**self.notes, "cost_as_proposed": cost_as_proposed, "cost_found": cost_found} if self.wishes else None


async def proposed(writer: Writer | None, terms: Terms, busy: Sequence[Interval], *, client_id: str, person_id: str) -> Proposal:
    """What the model proposes. No model, too many tasks or any failure is a warning: the search has starts of its own."""
    if writer is None:
        return Proposal(warnings=("No language model is connected, so none proposed a schedule.",))
    if len(terms.tasks) > MOST_TASKS:
        return Proposal(warnings=(f"The language model proposes schedules of up to {MOST_TASKS} tasks; here are {len(terms.tasks)}.",))
    try:
        written = await writer.write(
            "schedule_optimizer", OptimizerInput(_context(terms, busy)), ProposalReply, purpose="propose", client_id=client_id, person_id=person_id
        )
    except PlannerMemoryError as error:
        log.warning("no schedule proposed", detail=error.detail)
        return Proposal(warnings=(f"The language model proposed no schedule, so the search went without. {error.detail}",))
    await writer.settle(written)
    wishes = wishes_of(written.reply, terms)
    notes = {
        **written.notes,
        "starts": {task: at.isoformat() for task, at in wishes.items()},
        "not_understood": len(written.reply.starts) - len(wishes),
    }
    return Proposal(wishes, notes, tuple(written.warnings))


def wishes_of(reply: ProposalReply, terms: Terms) -> dict[str, datetime]:
    """The starts that name one of the tasks and a time in the window; of two for a task the first."""
    found: dict[str, datetime] = {}
    for each in reply.starts:
        at = _instant(each.start, terms.hours.tz)
        if at is None or not 1 <= each.task <= len(terms.tasks) or not terms.window.start <= at < terms.window.end:
            continue
        found.setdefault(terms.tasks[each.task - 1].task_id, at)
    return found


def _instant(text: str, tz: ZoneInfo) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo is not None else at_wall_time(at.date(), at.time(), tz)
    except (ValueError, OverflowError):
        return None


def _context(terms: Terms, busy: Sequence[Interval]) -> str:
    tz = terms.hours.tz
    number = {task.task_id: n for n, task in enumerate(terms.tasks, 1)}
    free = free_time(terms.hours, terms.window, [*busy, *terms.extra_busy])
    lines = [labelled(n, "task", "asked for", task.title[:200]) for n, task in enumerate(terms.tasks, 1)]
    tasks = [
        {
            "task": number[t.task_id],
            "minutes": t.minutes,
            "priority": t.priority,
            "energy": t.energy,
            "earliest": _wall(t.earliest_start, tz),
            "deadline": _wall(t.deadline, tz),
            "after": [number[d] for d in t.depends_on],
            "fixed": _wall(t.fixed_start, tz),
        }
        for t in terms.tasks
    ]
    bands = {name: [[f"{a:%H:%M}", f"{b:%H:%M}"] for a, b in spans] for name, spans in terms.hours.bands.items()}
    slots = [[_wall(each.start, tz), _wall(each.end, tz)] for each in free[:_MOST_FREE]]
    parts = {"tasks": [{k: v for k, v in t.items() if v not in (None, [])} for t in tasks], "free": slots, "energy_hours": bands}
    return "\n".join([*lines, *(f"{name}: {as_data(compact(value))}" for name, value in parts.items())])


def _wall(at: datetime | None, tz: ZoneInfo) -> str | None:
    return None if at is None else at.astimezone(tz).strftime("%Y-%m-%dT%H:%M")
