"""The facts of a reflection: everything its prose may say, counted once."""

from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from planner_memory.observer_agent import drift, rhythm, streaks
from planner_memory.observer_agent.drift import Drift, RepeatedTrouble
from planner_memory.observer_agent.rhythm import Rhythm
from planner_memory.observer_agent.streaks import Streaks
from planner_memory.observer_agent.variance import Direction, Variance

TREND_WEEKS = 4
_LABEL_LENGTH = 80
_SAFE = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")", "`": "'", "*": "∗", "“": "'", "”": "'", "|": "/", "\\": "/", "#": "№"})


def label(text: str | None, otherwise: str = "an unnamed task") -> str:
    """A name from outside as one short line that cannot become Markdown or HTML."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text or "").split()).translate(_SAFE)
    return (line if len(line) <= _LABEL_LENGTH else line[: _LABEL_LENGTH - 1].rstrip() + "…") or otherwise


@dataclass(frozen=True, slots=True)
class Activity:
    events: int
    by_type: dict[str, int]
    by_source: dict[str, int]


@dataclass(frozen=True, slots=True)
class CompletedTask:
    title: str
    actual_minutes: int
    estimated_minutes: int | None
    variance_percent: float | None = None  # the size, never negative; None without an estimate
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class RepeatedTask:
    """Several finished tasks of one title, together. `estimated_minutes` is None unless each of them has an estimate."""

    title: str
    times_completed: int
    actual_minutes: int
    estimated_minutes: int | None


@dataclass(frozen=True, slots=True)
class OpenTasks:
    """How many tasks are known and not finished, and which of them wait for something.

    `source` is the workspace, or the schedule with the notes of the runs where no workspace answers.
    """

    source: str
    open_tasks: int
    blocked_tasks: int
    blocked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Running:
    title: str
    since_at: datetime


@dataclass(frozen=True, slots=True)
class Slipped:
    """`moved_to_on` is the day of the task's next block, None when it has none."""

    title: str
    planned_on: date
    moved_to_on: date | None = None


@dataclass(frozen=True, slots=True)
class Upcoming:
    title: str
    starts_at: datetime
    lasts_minutes: int


@dataclass(frozen=True, slots=True)
class Ahead:
    """All that is scheduled after the period, of which `upcoming` are the blocks."""

    tasks: int
    scheduled_minutes: int


@dataclass(frozen=True, slots=True)
class DuePlan:
    title: str
    due_on: date
    is_overdue: bool
    ends_after_deadline: bool  # its last block in the calendar ends too late
    steps: int
    steps_open: int


@dataclass(frozen=True, slots=True)
class Averages:
    """Of the earlier weeks that had any activity, how many those were."""

    weeks: int
    tasks_completed: float
    worked_minutes: int
    deep_work_minutes: int
    meeting_minutes: int | None
    completion_percent: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """The earlier weeks, latest first."""

    earlier_weeks: tuple[Rhythm, ...]
    average: Averages | None


@dataclass(frozen=True, slots=True)
class SprintFacts:
    """Billable hours, planned against actual, from `starts_on` to the end of the period or of the sprint.

    `source` says where the plan comes from: the workspace's sprint, or the billable blocks of the period when there is no sprint.
    """

    source: str
    name: str | None
    starts_on: date
    ends_on: date
    planned_billable_minutes: int
    actual_billable_minutes: int
    share_percent: float | None  # actual of planned
    billable_share_percent: float | None  # billable of all worked


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The numbers that the method itself brings, so that the prose may say them."""

    deep_work_at_least_minutes: int = round(rhythm.DEEP_WORK_AT_LEAST / timedelta(minutes=1))
    drift_beyond_percent: float = float(drift.DRIFT_BEYOND * 100)
    drift_runs_at_least: int = drift.RUNS_AT_LEAST
    drift_look_back_days: int = drift.LOOK_BACK_DAYS
    trend_weeks: int = TREND_WEEKS
    streak_look_back_days: int = streaks.LOOK_BACK_DAYS


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one period. Instants are in the person's zone; `missing` names the sources that did not answer."""

    time_zone: str
    starts_at: datetime
    ends_at: datetime
    starts_on: date
    ends_on: date
    activity: Activity
    rhythm: Rhythm
    completed: tuple[CompletedTask, ...]
    repeated: tuple[RepeatedTask, ...]  # of `completed`
    running: tuple[Running, ...]
    slipped: tuple[Slipped, ...]
    upcoming: tuple[Upcoming, ...]
    ahead: Ahead
    due: tuple[DuePlan, ...]
    plans_made: tuple[str, ...]
    drift: tuple[Drift, ...]
    repeated_trouble: tuple[RepeatedTrouble, ...]
    variance: tuple[Variance, ...]
    trend: Trend | None
    sprint: SprintFacts | None
    streaks: Streaks
    tasks: OpenTasks
    missing: tuple[str, ...]
    thresholds: Thresholds = Thresholds()

    @property
    def is_quiet(self) -> bool:
        counted = self.rhythm
        worked = counted.runs or counted.worked_minutes or self.running
        return not (worked or self.activity.events or counted.meetings or counted.tasks_planned or self.plans_made)


def document(value: Any) -> Any:
    """Facts as JSON-ready values.

    Minutes become hours (`deep_work_minutes` is written `deep_work_hours`), to four places, so that whole minutes survive.
    """
    if is_dataclass(value) and not isinstance(value, type):
        out: dict[str, Any] = {}
        for each in fields(value):
            inner = getattr(value, each.name)
            if each.name.endswith("_minutes"):
                out[each.name.removesuffix("minutes") + "hours"] = None if inner is None else round(inner / 60, 4)
            else:
                out[each.name] = document(inner)
        return out
    if isinstance(value, dict):
        return {key: document(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [document(inner) for inner in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
