"""What the planner's paths take."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from planner_memory.web.weights import WeightsIn

Status = Literal["draft", "scheduled", "active", "completed", "cancelled"]
Energy = Literal["high", "medium", "low"]
NAMED = ("client_id", "engagement_id", "workflow_id", "project_id", "deadline", "client_name")


def _as_text(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() or None if isinstance(value, str) else value


ShortText = Annotated[Annotated[str, Field(max_length=255)] | None, BeforeValidator(_as_text)]
Hours = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


def _storable(value: Any, field: str = "") -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError(f"{field or 'a text'} holds a NUL character, which cannot be stored")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"{field or 'a text'} holds half of a surrogate pair, which cannot be stored") from error
    elif isinstance(value, dict):
        for key, each in value.items():
            _storable(key, field)
            _storable(each, field or str(key))
    elif isinstance(value, list):
        for each in value:
            _storable(each, field)


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def storable(cls, data: Any) -> Any:
        _storable(data)
        return data


class PlanRequest(Body):
    """The named fields are taken at top level and in `context`; where both are given they must agree."""

    intent: str = Field(max_length=10_000)
    client_id: ShortText = None
    person_id: ShortText = None
    engagement_id: ShortText = None
    workflow_id: ShortText = None
    project_id: ShortText = None  # of the tasks that are created in the workspace
    deadline: str | None = Field(None, max_length=100)
    client_name: ShortText = None
    context: dict[str, Any] | None = None
    use_manifold: bool | None = None
    reuse: UUID | None = None
    create_tasks: bool = False  # the steps as tasks of the workspace, too

    @field_validator("intent")
    @classmethod
    def says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("say in a sentence what should be planned")
        return value.strip()


class StepChange(Body):
    """One step of an edited checklist. A known `task_id` keeps the step, and what is left out stays; without one it is a new step."""

    task_id: str | None = None
    step_key: str | None = None
    step_number: int | None = Field(None, ge=1)
    title: str | None = Field(None, min_length=1, max_length=300)
    description: str | None = Field(None, max_length=5000)
    raw_hours: float | None = Field(None, allow_inf_nan=False)
    dependencies: list[int] | None = None
    energy: Energy | None = None
    billable: bool | None = None
    deliverable: str | None = Field(None, max_length=1000)
    splittable: bool | None = None  # false: a schedule keeps it in one piece
    estimated_hours: float | None = None  # taken so that a checklist can be sent back as it was read; raw_hours counts
    estimate: dict[str, Any] | None = None
    origin: str | None = None
    part: dict[str, Any] | None = None
    done_at: str | None = None


class PlanChange(Body):
    name: str | None = Field(None, min_length=1, max_length=500)
    status: Status | None = None
    deadline: str | None = Field(None, max_length=100)
    checklist: list[StepChange] | None = Field(None, min_length=1, max_length=500)
    revision: int | None = None  # the revision that was read; 409 when another edit came between


class TasksWish(Body):
    """The plan's steps as tasks of the workspace, of a project when one is named."""

    project_id: ShortText = None


class Instruction(Body):
    instruction: str = Field(min_length=1, max_length=4000)
    revision: int | None = None  # the revision that was read; 409 when another edit came between

    @field_validator("instruction")
    @classmethod
    def asks_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("say what should change")
        return value.strip()


class PromptEdit(Body):
    """A new version of a prompt. With `use` it counts from now on, for the client or for everyone."""

    content: str = Field(min_length=1, max_length=50_000)
    client_id: ShortText = None
    note: str | None = Field(None, max_length=1000)
    use: bool = True


class PromptUse(Body):
    """Null takes the choice back: the default counts again."""

    version: str | None = Field(max_length=20)
    client_id: ShortText = None


class PromptRollback(Body):
    client_id: ShortText = None


class RunRequest(Body):
    task_id: str = Field(min_length=1, max_length=255)
    client_id: ShortText = None
    plan_id: UUID | None = None
    process_template_id: ShortText = None
    workflow_id: ShortText = None
    project_id: ShortText = None
    engagement_id: ShortText = None
    executed_by_person_id: ShortText = None
    run_type: Literal["Process", "Touchpoint"] = "Process"
    started_at: AwareDatetime
    ended_at: AwareDatetime
    estimated_hours: Hours | None = None
    actual_hours: Hours
    outcome_notes: str | None = Field(None, max_length=20_000)

    @model_validator(mode="after")
    def in_order(self) -> "RunRequest":
        if self.ended_at < self.started_at:
            raise ValueError("ended_at lies before started_at")
        return self


class TaskAction(Body):
    """What may be said when a task is started, stopped or done; all of it may be left out."""

    client_id: ShortText = None
    person_id: ShortText = None
    outcome_notes: str | None = Field(None, max_length=20_000)
    actual_hours: Hours | None = None  # for done: the hours it took in all, when no timer ran


class EstimateTask(Body):
    key: Annotated[str, BeforeValidator(_as_text)] = Field(min_length=1, max_length=255)
    raw_hours: Hours
    step_key: ShortText = None
    workflow_id: ShortText = None
    process_template_id: ShortText = None


class EstimatesRequest(Body):
    client_id: ShortText = None
    person_id: ShortText = None
    tasks: list[EstimateTask] = Field(min_length=1, max_length=500)


Pair = Annotated[list[str], Field(min_length=2, max_length=2)]


class ProfileChange(Body):
    """Part of a profile; what is left out stays. Null takes `holidays_country` and `largest_task_minutes` back to none."""

    person_id: ShortText = None
    time_zone: str | None = None
    working_hours: dict[str, list[Pair]] | None = None
    exceptions: dict[date, list[Pair]] | None = None
    holidays_country: str | None = None
    energy_bands: dict[str, list[Pair]] | None = None
    buffer_minutes: int | None = Field(None, ge=0, le=480)
    largest_task_minutes: int | None = Field(None, ge=5, le=12_000)
    calendars: list[str] | None = Field(None, max_length=50)
    weights: WeightsIn | None = None  # of schedules; null for one takes it back to the default
    confirmed: bool | None = None
