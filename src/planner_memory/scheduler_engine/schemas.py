"""What the scheduler's HTTP face takes."""

from collections.abc import Mapping
from datetime import date, time
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from planner_memory.core.profile import Span
from planner_memory.web.weights import WeightsIn

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _digits(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _spans(value: Any) -> Any:
    """[["09:00", "17:30"], …] as wall times; 24:00 is the day's end."""
    if not isinstance(value, list):
        raise ValueError('write pairs of wall times, such as [["09:00", "17:30"]]')
    found: list[Span] = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(p, str) for p in pair):
            raise ValueError('write pairs of wall times, such as [["09:00", "17:30"]]')
        try:
            start, end = time.fromisoformat(pair[0]), time.max if pair[1] in ("24:00", "24:00:00") else time.fromisoformat(pair[1])
        except ValueError as error:
            raise ValueError(f"{pair} is not a pair of wall times such as ['09:00', '17:30']") from error
        if start.tzinfo or end.tzinfo or start >= end:
            raise ValueError(f"{pair}: the first wall time must be before the second; write a span over midnight as two days")
        found.append((start, end))
    return found


def _between(value: Any) -> Any:
    return None if value is None else _spans([value])[0]


ClientId = Annotated[str, BeforeValidator(_digits), Field(min_length=1, max_length=200)]
Spans = Annotated[list[Any], BeforeValidator(_spans), Field(json_schema_extra={"examples": [[["09:00", "17:30"]]]})]
Instant = Annotated[
    str, Field(max_length=40, description="ISO 8601 instant, or a date for the whole local day", examples=["2027-03-15T09:00:00+01:00"])
]
Priority = Literal["urgent", "high", "medium", "low", 1, 2, 3, 4]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Repeat(_Strict):
    """A habit: so often per day, week or month, on those weekdays, between those wall times; at most once a day unless said."""

    times: int = Field(1, ge=1, le=31)
    per: Literal["day", "week", "month"] = "week"
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] | None = Field(None, min_length=1, max_length=7)
    between: Annotated[tuple[time, time] | None, BeforeValidator(_between)] = Field(None, json_schema_extra={"examples": [["16:00", "18:00"]]})
    most_per_day: int = Field(1, ge=1, le=10)


class TaskIn(_Strict):
    task_id: str = Field(min_length=1, max_length=255)
    title: str = Field("", max_length=500)
    description: str = Field("", max_length=10_000)
    estimated_hours: float | None = Field(None, gt=0, le=10_000, allow_inf_nan=False)
    estimated_minutes: float | None = Field(None, gt=0, le=600_000, allow_inf_nan=False)
    priority: Priority | None = None
    deadline: Instant | None = None
    earliest_start: Instant | None = None
    depends_on: list[str] | None = Field(None, max_length=500)
    splittable: bool | None = None
    min_chunk_minutes: int | None = Field(None, ge=5, le=1440)
    max_chunk_minutes: int | None = Field(None, ge=5, le=1440)
    energy: Literal["high", "medium", "low"] | None = None
    billable: bool | None = None
    fixed_start: Instant | None = None
    repeat: Repeat | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.estimated_hours is None) == (self.estimated_minutes is None):
            raise ValueError("give either estimated_hours or estimated_minutes")
        if self.min_chunk_minutes and self.max_chunk_minutes and self.min_chunk_minutes > self.max_chunk_minutes:
            raise ValueError("min_chunk_minutes is above max_chunk_minutes")
        if self.repeat and (self.fixed_start or self.depends_on):
            raise ValueError("a repeated task has neither fixed_start nor depends_on")
        return self


class Constraints(_Strict):
    start_date: Instant | None = None
    end_date: Instant | None = None


class BusyIn(_Strict):
    start: Instant
    end: Instant


class WorkingHours(_Strict):
    mon: Spans = Field(default_factory=list)
    tue: Spans = Field(default_factory=list)
    wed: Spans = Field(default_factory=list)
    thu: Spans = Field(default_factory=list)
    fri: Spans = Field(default_factory=list)
    sat: Spans = Field(default_factory=list)
    sun: Spans = Field(default_factory=list)

    def by_day(self) -> Mapping[str, tuple[Span, ...]]:
        return {day: tuple(getattr(self, day)) for day in _DAYS}


class EnergyBands(_Strict):
    high: Spans = Field(default_factory=list)
    medium: Spans = Field(default_factory=list)
    low: Spans = Field(default_factory=list)

    def by_name(self) -> Mapping[str, tuple[Span, ...]]:
        """The bands that were named; a task of any other energy may stand anywhere."""
        return {name: tuple(getattr(self, name)) for name in ("high", "medium", "low") if name in self.model_fields_set}


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class RuleIn(_Strict):
    """What a remembered preference asks: see Rule. Which fields a kind needs is checked, and what it does not need must be left out."""

    kind: Literal["band", "clip", "keep_free", "day_off", "no_meetings", "buffer", "weight"]
    energy: Literal["high", "medium", "low"] | None = None
    spans: Annotated[list[Any] | None, BeforeValidator(lambda v: _spans(v) if v else None)] = Field(
        None, max_length=6, json_schema_extra={"examples": [[["09:00", "12:00"]]]}
    )
    days: list[Weekday] | None = Field(None, max_length=7)
    minutes: int | None = Field(None, ge=0, le=240)
    weight: Literal["late", "hour", "outside_band", "extra_chunk", "moved"] | None = None
    strength: Literal["less", "more", "much_more"] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        needed = {
            "band": ("energy", "spans"),
            "clip": ("spans",),
            "keep_free": ("spans",),
            "day_off": ("days",),
            "no_meetings": ("days",),
            "buffer": ("minutes",),
            "weight": ("weight", "strength"),
        }[self.kind]
        missing = [name for name in needed if getattr(self, name) in (None, [])]
        if missing:
            raise ValueError(f"a rule of kind {self.kind} needs {' and '.join(missing)}")
        if self.kind == "day_off" and len(set(self.days or ())) == len(_DAYS):
            raise ValueError("a rule cannot take every day of the week off")
        return self


class CorrectionIn(_Strict):
    """What the memory asks of schedules, in the person's own reading. No rules: it asks nothing."""

    rules: list[RuleIn] = Field(max_length=12)


Exceptions = Annotated[
    dict[date, Spans] | None, Field(max_length=400, description="The hours of single days; no spans means a day off", examples=[{"2027-03-18": []}])
]


class ScheduleIn(_Strict):
    plan_id: UUID | None = None
    client_id: ClientId | None = None
    tasks: list[TaskIn] | None = Field(None, min_length=1, max_length=1000)
    constraints: Constraints | None = None
    time_zone: str | None = Field(None, max_length=100)
    working_hours: WorkingHours | None = None
    energy_bands: EnergyBands | None = None
    buffer_minutes: int | None = Field(None, ge=0, le=480)
    extra_busy: list[BusyIn] | None = Field(None, max_length=10_000)
    exceptions: Exceptions = None
    weights: WeightsIn | None = None
    runway_weeks: float | None = Field(None, ge=0, description="Weeks of runway by the finance snapshot; below 12 the billable share is checked")
    seed: int | None = None
    use_model: bool | None = Field(None, description="Have the language model propose a schedule too, as one more start of the search: one paid call")
    dry_run: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.plan_id is None and not self.tasks:
            raise ValueError("give a plan_id or tasks")
        return self


class RescheduleIn(_Strict):
    run_id: UUID | None = None
    plan_id: UUID | None = None
    client_id: ClientId | None = None
    reason: str | None = Field(None, max_length=2000)
    extra_busy: list[BusyIn] | None = Field(None, max_length=10_000)
    dry_run: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.run_id is None and self.plan_id is None:
            raise ValueError("give a run_id or a plan_id")
        return self


class WhatIfIn(_Strict):
    run_id: UUID | None = None
    plan_id: UUID | None = None
    client_id: ClientId | None = None
    extra_busy: list[BusyIn] | None = Field(None, max_length=10_000)
    exceptions: Exceptions = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.run_id is None and self.plan_id is None:
            raise ValueError("give a run_id or a plan_id")
        if not self.extra_busy and not self.exceptions:
            raise ValueError("give extra_busy or exceptions: what would change")
        return self


class EventChange(_Strict):
    start: Instant | None = None
    end: Instant | None = None
    title: str | None = Field(None, min_length=1, max_length=500)
    done: bool | None = Field(None, description="The completion mark that the event carries in the calendar")


class ImportIn(_Strict):
    ics: str = Field(min_length=1, max_length=10_000_000)


class AnswerIn(_Strict):
    answer: Literal["place_again", "drop", "accept", "dismiss", "apply", "keep"]
    actual_hours: float | None = Field(None, gt=0, le=10_000, allow_inf_nan=False, description="With accept: the hours it took")
    outcome_notes: str | None = Field(None, max_length=20_000, description="With accept: how it went")
