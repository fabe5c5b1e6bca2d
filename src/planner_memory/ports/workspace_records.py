"""The rows of a workspace: what the person offers, how they work, and for whom.

Hierarchies: venture > offer > engagement > project > task > deliverable > result; service blueprint > workflow > process template > execution run.
Ids carry their origin: `ws:workflow-7` from the own tables, `coda:i-xyz` from Coda.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar, Literal

TemplateType = Literal["Operational", "Communication"]
AutomationStatus = Literal["Manual", "Semi-automated", "Automated"]
LifecycleStatus = Literal["Draft", "Active", "Deprecated"]
TaskStatus = Literal["open", "scheduled", "in_progress", "blocked", "done", "cancelled"]
LAYERS = ("customer_actions", "frontstage", "backstage", "support_processes", "evidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a workflow or of a checklist. `dependencies` are numbers of steps of the same list; hours are of work, at a human pace."""

    number: int
    title: str
    description: str = ""
    estimated_hours: float | None = None
    dependencies: tuple[int, ...] = ()
    billable: bool | None = None
    key: str | None = None  # the planner's name of the step over all plans


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every row has. `client_id` None: of the person's own, as offers and workflows are, and seen with every client.

    `kind` is the row's kind; `relations` names the fields that hold another row's id, and that row's kind.
    """

    kind: ClassVar[str]
    relations: ClassVar[Mapping[str, str]] = {}

    id: str
    name: str
    client_id: str | None = None
    description: str = ""
    updated_at: datetime | None = None

    def related(self) -> dict[str, str]:
        """The ids that the row names, by field."""
        return {name: value for name in self.relations if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Venture(Record):
    kind: ClassVar[str] = "venture"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceBlueprint(Record):
    """Five layers of one service; text, lines separated by newlines."""

    kind: ClassVar[str] = "service_blueprint"

    customer_actions: str = ""
    frontstage: str = ""
    backstage: str = ""
    support_processes: str = ""
    evidence: str = ""
    version: str = ""
    status: LifecycleStatus = "Active"
    owner: str | None = None

    def layers(self) -> dict[str, str]:
        """All five, in the order of `LAYERS`; one that nobody filled in is empty."""
        return {name: getattr(self, name) for name in LAYERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Record):
    kind: ClassVar[str] = "offer"
    relations: ClassVar[Mapping[str, str]] = {"venture_id": "venture", "blueprint_id": "service_blueprint"}

    venture_id: str | None = None
    blueprint_id: str | None = None
    price: str = ""  # in the person's words: "9,500 EUR fixed", "140 per hour"
    status: LifecycleStatus = "Active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow(Record):
    """`steps` is empty when nobody wrote any. The last three are counted by the workspace, where it counts."""

    kind: ClassVar[str] = "workflow"
    relations: ClassVar[Mapping[str, str]] = {"blueprint_id": "service_blueprint"}

    blueprint_id: str | None = None
    steps: tuple[Step, ...] = ()
    estimated_hours: float | None = None
    automation_status: AutomationStatus = "Manual"
    version: str = ""
    status: LifecycleStatus = "Active"
    execution_runs_count: int | None = None
    avg_actual_hours: float | None = None
    variance_pct: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessTemplate(Record):
    kind: ClassVar[str] = "process_template"
    relations: ClassVar[Mapping[str, str]] = {"workflow_id": "workflow", "blueprint_id": "service_blueprint", "engagement_id": "engagement"}

    workflow_id: str | None = None
    blueprint_id: str | None = None
    engagement_id: str | None = None
    template_type: TemplateType = "Operational"
    checklist: tuple[Step, ...] = ()
    version: str = ""
    status: LifecycleStatus = "Active"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceTemplate(Record):
    kind: ClassVar[str] = "resource_template"
    relations: ClassVar[Mapping[str, str]] = {"workflow_id": "workflow"}

    workflow_id: str | None = None
    resource_type: Literal["Document", "Communication", "Media"] = "Document"
    storage_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement(Record):
    kind: ClassVar[str] = "engagement"
    relations: ClassVar[Mapping[str, str]] = {"offer_id": "offer"}

    offer_id: str | None = None
    client_name: str | None = None
    status: str = ""
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project(Record):
    kind: ClassVar[str] = "project"
    relations: ClassVar[Mapping[str, str]] = {"engagement_id": "engagement", "process_template_id": "process_template"}

    engagement_id: str | None = None
    process_template_id: str | None = None
    status: str = ""
    starts_on: date | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Record):
    """`step_number` is that of the template's step from which the task was made. Instants are aware. A task has no sprint: its start tells."""

    kind: ClassVar[str] = "task"
    relations: ClassVar[Mapping[str, str]] = {"project_id": "project", "process_template_id": "process_template"}

    project_id: str | None = None
    process_template_id: str | None = None
    step_number: int | None = None
    status: TaskStatus = "open"
    scheduled_start_at: datetime | None = None
    scheduled_end_at: datetime | None = None
    estimated_hours: float | None = None
    actual_hours: float | None = None
    billable: bool | None = None
    priority: str = ""
    note: str = ""  # why it is blocked, how it went


@dataclass(frozen=True, slots=True, kw_only=True)
class Sprint(Record):
    """`ends_on` is its last day. Its tasks are those that start in it."""

    kind: ClassVar[str] = "sprint"

    starts_on: date
    ends_on: date
    capacity_hours: float | None = None
    planned_billable_hours: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverable(Record):
    kind: ClassVar[str] = "deliverable"
    relations: ClassVar[Mapping[str, str]] = {"project_id": "project", "task_id": "task"}

    project_id: str | None = None
    task_id: str | None = None
    status: str = ""
    due_on: date | None = None
    storage_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Record):
    kind: ClassVar[str] = "result"
    relations: ClassVar[Mapping[str, str]] = {"deliverable_id": "deliverable"}

    deliverable_id: str | None = None
    metric: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinanceSnapshot(Record):
    """`runway_weeks`: how long the money lasts, as of `taken_on`."""

    kind: ClassVar[str] = "finance_snapshot"

    taken_on: date
    runway_weeks: float | None = None
    cash: float | None = None
    weekly_costs: float | None = None


KINDS: Mapping[str, type[Record]] = {
    each.kind: each
    for each in (
        Venture,
        ServiceBlueprint,
        Offer,
        Workflow,
        ProcessTemplate,
        ResourceTemplate,
        Engagement,
        Project,
        Task,
        Sprint,
        Deliverable,
        Result,
        FinanceSnapshot,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProcessTemplate:
    """A template to be made from a plan."""

    name: str
    client_id: str
    checklist: tuple[Step, ...]
    workflow_id: str | None = None
    blueprint_id: str | None = None
    engagement_id: str | None = None
    template_type: TemplateType = "Operational"
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """What is to be set on a task; None leaves a field as it is. `actual_hours` is the whole time spent, not what is to be added."""

    status: TaskStatus | None = None
    scheduled_start_at: datetime | None = None
    scheduled_end_at: datetime | None = None
    actual_hours: float | None = None
    note: str | None = None
    unscheduled: bool = False  # takes both dates away


@dataclass(frozen=True, slots=True)
class Changes:
    """What came since a cursor. `gone` are ids of deleted rows, where the workspace tells of them.

    `cursor` is to be given the next time. With `has_more` the next page can be read at once.
    """

    records: tuple[Record, ...]
    gone: tuple[str, ...]
    cursor: str
    has_more: bool = False
    problems: tuple[str, ...] = field(default=())  # rows that could not be read, each with its id and the field
