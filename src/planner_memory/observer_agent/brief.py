"""The morning's brief: today's agenda, what slipped, what is at risk."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from planner_memory.core.intervals import Interval
from planner_memory.observer_agent.facts import DuePlan, Running, Slipped, label
from planner_memory.observer_agent.narrative import due_line, markdown, slipped_line
from planner_memory.observer_agent.phrases import bullets, count, day, duration, moment
from planner_memory.observer_agent.rhythm import lasting_minutes
from planner_memory.ports.calendar import CalendarEvent
from planner_memory.ports.facts import ScheduledBlock


@dataclass(frozen=True, slots=True)
class AgendaItem:
    title: str
    starts_at: datetime
    ends_at: datetime
    is_all_day: bool
    is_own: bool  # a scheduled block, rather than an event of other origin
    task_id: str | None
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Brief:
    brief_on: date
    time_zone: str
    agenda: tuple[AgendaItem, ...]
    scheduled_minutes: int
    slipped: tuple[Slipped, ...]
    at_risk: tuple[DuePlan, ...]
    running: tuple[Running, ...]
    missing: tuple[str, ...]
    questions: tuple[str, ...] = ()  # what happened in the calendar and waits for a decision


def agenda_of(
    blocks: Iterable[ScheduledBlock], calendar: Sequence[CalendarEvent] | None, done: Collection[str], window: Interval, tz: ZoneInfo
) -> tuple[AgendaItem, ...]:
    """What overlaps the window, by start, all-day events first: the blocks, marked where their task is in `done`, and busy events of other origin."""
    items = [
        AgendaItem(label(b.title or b.task_id), b.starts_at.astimezone(tz), b.ends_at.astimezone(tz), False, True, b.task_id, b.task_id in done)
        for b in blocks
        if b.starts_at < window.end and b.ends_at > window.start
    ]
    items += [
        AgendaItem(label(e.title, "an unnamed event"), e.start.astimezone(tz), e.end.astimezone(tz), e.is_all_day, False, None)
        for e in calendar or ()
        if e.is_busy and not e.is_own and e.start < window.end and e.end > window.start
    ]
    return tuple(sorted(items, key=lambda item: (not item.is_all_day, item.starts_at, item.title)))


def scheduled_minutes(blocks: Iterable[ScheduledBlock], window: Interval) -> int:
    inside = [(max(b.starts_at, window.start), min(b.ends_at, window.end)) for b in blocks]
    return lasting_minutes(Interval(start, end) for start, end in inside if start < end)


def brief_sections(brief: Brief) -> dict[str, str]:
    agenda = [_agenda_line(item) for item in brief.agenda]
    lead = f"{duration(brief.scheduled_minutes)} of work is scheduled.\n\n" if brief.scheduled_minutes else ""
    slipped = [slipped_line(task, brief.brief_on) for task in brief.slipped]
    slipped += [f"The timer of “{timer.title}” is running since {moment(timer.since_at, brief.brief_on)}." for timer in brief.running]
    sections = {
        "Agenda": lead + (bullets(agenda) or "Nothing is planned for today."),
        "What slipped": (f"{count(len(brief.slipped), 'task')} to place anew:\n\n" if brief.slipped else "") + (bullets(slipped) or "Nothing."),
        "At risk": bullets([due_line(plan, brief.brief_on) for plan in brief.at_risk]) or "No deadline is in danger.",
    }
    if brief.questions:
        sections["Needs your answer"] = bullets(brief.questions) + "\n\nAnswer with `planner-memory questions`."
    if brief.missing:
        sections["Not known"] = bullets(brief.missing)
    return sections


def _agenda_line(item: AgendaItem) -> str:
    when = "all day:" if item.is_all_day else f"{item.starts_at:%H:%M}–{item.ends_at:%H:%M}"
    return f"{when} {item.title}{' (done)' if item.is_done else ''}"


def brief_markdown(brief: Brief) -> str:
    return markdown(f"Brief for {day(brief.brief_on)}", brief_sections(brief))
