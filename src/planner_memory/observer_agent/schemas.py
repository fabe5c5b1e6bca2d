"""What the observer answers over HTTP."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from planner_memory.ports.workspace import Mode


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PeriodOut(_Answer):
    start: datetime
    end: datetime
    time_zone: str


class ReflectionOut(_Answer):
    """`facts` holds every number of `content`; hours are decimal. `sections` are the content's texts by heading, in order.

    `generator` says who wrote the text; where a model is connected and it is the template, `warnings` says why.
    """

    reflection_id: UUID
    mode: Mode
    period: PeriodOut
    facts: dict[str, Any]
    content: str
    sections: dict[str, str]
    generator: Literal["model", "template"]
    posted_to_workspace: bool
    stored_in_memory: bool
    warnings: list[str]


class PostedOut(_Answer):
    reflection_id: UUID
    mode: Mode
    client_id: str | None
    period: PeriodOut
    thread_on: date
    content: str
    metrics: dict[str, Any]
    posted_at: datetime


class ReflectionsOut(_Answer):
    reflections: list[PostedOut]
    total: int


class FactsOut(_Answer):
    period: PeriodOut
    facts: dict[str, Any]
    warnings: list[str]


class InsightOut(_Answer):
    """`evidence` are ids of the runs that it rests on (of tasks, for the hours of the day), at the most fifty; `evidence_runs` counts them all."""

    insight_id: UUID
    client_id: str
    content: str
    learnt_at: datetime
    evidence: list[str]
    evidence_runs: int
    reflection_id: UUID | None


class InsightsOut(_Answer):
    insights: list[InsightOut]
    total: int


class BriefOut(_Answer):
    brief_on: date
    time_zone: str
    agenda: list[dict[str, Any]]
    scheduled_hours: float
    slipped: list[dict[str, Any]]
    at_risk: list[dict[str, Any]]
    running: list[dict[str, Any]]
    questions: list[str]
    content: str
    sections: dict[str, str]
    warnings: list[str]
