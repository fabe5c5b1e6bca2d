"""What the scheduler's HTTP face gives."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field


class Block(BaseModel):
    event_id: str
    task_id: str
    title: str
    start: str
    end: str
    billable: bool | None = None
    rationale: str
    calendar_link: str | None = None
    pinned: bool = Field(False, description="Moved by hand: a reschedule, or a new schedule of its plan, leaves it there")
    done: bool = Field(False, description="It carries the completion mark")


class Unscheduled(BaseModel):
    task_id: str
    reason: str
    earliest_possible: str | None = None
    fits_if: list[str] = Field(default_factory=list, description="What would make it fit, each tried on the schedule as it stands")


class Reserve(BaseModel):
    p50_hours: float
    p80_hours: float
    reserve_hours: float


class Score(BaseModel):
    cost: int
    terms: dict[str, int]


class Preference(BaseModel):
    kind: str
    says: str
    source: str = Field(description="The memory's own words")
    memory_id: str
    read_by: Literal["rules", "model", "person"] = "rules"


class ReadPreference(BaseModel):
    memory_id: str
    words: str = Field(description="The memory's own words")
    read_by: Literal["rules", "model", "person"]
    rules: list[dict[str, Any]] = Field(description="What it asks of schedules; none: nothing")


class ReadPreferences(BaseModel):
    preferences: list[ReadPreference]
    warnings: list[str]


class ProposalOut(BaseModel):
    cost_as_proposed: int | None = Field(description="The model's proposal as far as the hard rules allow it, the rest placed by rule")
    cost_found: int
    starts: dict[str, str] = Field(description="The starts that it proposed, by task")
    not_understood: int = 0
    model: dict[str, Any] | None = None
    prompt: dict[str, Any] | None = None


class RunOut(BaseModel):
    scheduler_run_id: UUID
    plan_id: UUID | None
    client_id: str | None
    status: Literal["proposed", "applied", "undone", "failed"]
    schedule_blocks: list[Block]
    unscheduled: list[Unscheduled]
    warnings: list[str]
    score: Score
    moved: list[str] = Field(description="The tasks that a reschedule moved")
    preferences: list[Preference] = Field(default_factory=list, description="What was remembered and used")
    reserve: Reserve | None = Field(None, description="How much longer the plan may take, at p80")
    proposal: ProposalOut | None = Field(None, description="What the language model proposed, when it was asked to")
    time_zone: str
    created_at: str


class QuestionOut(BaseModel):
    question_id: UUID
    kind: Literal["deleted", "finished", "conflict"]
    scheduler_run_id: UUID
    client_id: str | None
    task_id: str
    event_id: str | None
    title: str
    says: str = Field(description="What happened in the calendar")
    answers: list[str] = Field(description="What can be answered")
    proposal_run_id: UUID | None = Field(None, description="A proposed run that repairs the schedule; apply and undo work on it as on any other")
    moves: list[str] = Field(default_factory=list, description="Titles of the tasks that it moves")
    actual_hours: float | None = Field(None, description="What a finished task took by its blocks")
    asked_at: str


class Asked(BaseModel):
    questions: list[QuestionOut]
    total: int


class Answered(BaseModel):
    question_id: UUID
    answer: str
    scheduler_run_id: UUID = Field(description="The run that holds now")


class Synced(BaseModel):
    moved: int = Field(description="Blocks that were moved by hand since the last time; each is pinned where it was put")
    deleted: int
    finished: int
    renamed: int
    marked_done: int = Field(description="Blocks that carry the completion mark now, because their task is done")
    proposed_run_ids: list[UUID] = Field(description="Repairs for what something else has landed on")
    remembered: int = Field(description="Changes that are in memory now")
    full: bool = Field(description="Whether the whole calendar was read, for want of a valid token")
    questions: list[QuestionOut]


class Runs(BaseModel):
    schedules: list[RunOut]
    total: int
    questions: list[QuestionOut] = Field(default_factory=list, description="What needs an answer")


class Move(BaseModel):
    task_id: str
    title: str
    was: list[list[str]] = Field(description="[start, end] of each block before")
    would_be: list[list[str]] = Field(description="[start, end] of each block then; empty when it would have no place")


class WhatIf(BaseModel):
    scheduler_run_id: UUID
    time_zone: str
    moves: list[Move]
    unscheduled: list[Unscheduled]
    warnings: list[str]
    score: Score


class DayLoad(BaseModel):
    day: date
    working_minutes: int
    busy_minutes: int = Field(description="Working time taken by other events")
    planned_minutes: int = Field(description="Working time taken by the scheduler's own blocks")
    free_minutes: int
    load: float | None = Field(description="Taken share of the working time; null on a day off")


class Load(BaseModel):
    time_zone: str
    days: list[DayLoad]


class FreeSpan(BaseModel):
    start: str
    end: str
    minutes: int


class Availability(BaseModel):
    time_zone: str
    free: list[FreeSpan]
    busy: list[FreeSpan]
    free_minutes: int


class AgendaEvent(BaseModel):
    event_id: str
    title: str
    start: str
    end: str
    is_all_day: bool
    is_busy: bool
    is_own: bool
    status: str
    location: str
    categories: list[str]
    task_id: str | None = None
    plan_id: str | None = None
    run_id: str | None = None
    calendar_link: str | None = None


class Agenda(BaseModel):
    time_zone: str
    events: list[AgendaEvent]


class Imported(BaseModel):
    imported: int


class Deleted(BaseModel):
    event_id: str
    deleted: bool
