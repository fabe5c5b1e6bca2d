"""What the workspace tells of a plan: engagement, offer and the service blueprint's five layers; a workflow's steps and how its runs went."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import structlog

from planner_memory.core.errors import NotFound, PlannerMemoryError
from planner_memory.core.tenancy import spanning
from planner_memory.planner_engine.checklist import Filled
from planner_memory.planner_engine.choice import Choice
from planner_memory.planner_engine.context import Item
from planner_memory.planner_engine.drafting import Order, Reading
from planner_memory.planner_engine.workspace_steps import block, one_line, pattern_of, steps_of_workflow
from planner_memory.ports.workspace import Clients, WorkspaceReading
from planner_memory.ports.workspace_records import Engagement, Offer, Record, ServiceBlueprint, Workflow
from planner_memory.ports.workspace_writes import PastHours, WorkspaceWriteStore
from planner_memory.prompting.rendering import compact

log = structlog.get_logger()
R = TypeVar("R", bound=Record)
_LONGEST_LAYER = 1000  # characters in the prompt and in the metadata; layers are a few lines


@dataclass(frozen=True, slots=True)
class Gathered:
    """`items` go into the prompt, `notes` into the plan's metadata. Ids are the workspace's own, where it knew them."""

    engagement: Engagement | None = None
    blueprint_id: str | None = None
    workflow: Workflow | None = None
    engagement_id: str | None = None
    workflow_id: str | None = None
    items: Sequence[Item] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    def applied(self, reading: Reading) -> tuple[Reading, list[str]]:
        """The reading with the client's name, and with the workflow's steps as the ones to start from; and what is to be said of them."""
        if self.engagement and self.engagement.client_name and not reading.names.client:
            reading = replace(reading, names=replace(reading.names, client=one_line(self.engagement.client_name, 120)))
        if self.workflow is None:
            return reading, []
        drafts, warnings = steps_of_workflow(self.workflow, reading.names)
        if not drafts:
            return reading, [f"Workflow {one_line(self.workflow.name)} has no steps in the workspace, so they were made from the intent alone."]
        pattern = pattern_of(self.workflow, drafts)
        choice = Choice(pattern, 1.0, f"The steps of workflow '{pattern.name}' ({self.workflow.id}) are the base of this plan.")
        return replace(reading, choice=choice, pattern=pattern, filled=Filled(drafts)), warnings


class WorkspaceContext:
    """Reads what an order names. Nothing that the workspace does or says keeps a plan from being made."""

    def __init__(self, workspace: WorkspaceReading, store: WorkspaceWriteStore, *, name: str, seconds: float = 8.0) -> None:
        self._workspace = workspace
        self._store = store
        self._name = name
        self._seconds = seconds

    async def gather(self, order: Order) -> Gathered:
        """What is known of the order's engagement and workflow; what is not is a warning."""
        if not (order.engagement_id or order.workflow_id):
            return Gathered()
        clients = (order.client_id,)
        warnings: list[str] = []
        engagement, offer, blueprint = (
            await self._of_engagement(order.engagement_id, clients, warnings) if order.engagement_id else (None, None, None)
        )
        workflow = await self._one(Workflow, order.workflow_id, clients, warnings, "its steps were not read") if order.workflow_id else None
        if blueprint is None and workflow is not None and workflow.blueprint_id:
            blueprint = await self._one(ServiceBlueprint, workflow.blueprint_id, clients, warnings, "its layers were not read")
        workflow_id = workflow.id if workflow else order.workflow_id
        past = await self._past(workflow_id) if workflow_id else PastHours()
        return Gathered(
            engagement=engagement,
            blueprint_id=blueprint.id if blueprint else None,
            workflow=workflow,
            engagement_id=engagement.id if engagement else order.engagement_id,
            workflow_id=workflow_id,
            items=_items(engagement, offer, blueprint, workflow, past),
            notes={"workspace": _notes(self._name, engagement, offer, blueprint, workflow, past)},
            warnings=warnings,
        )

    async def _of_engagement(
        self, engagement_id: str, clients: Clients, warnings: list[str]
    ) -> tuple[Engagement | None, Offer | None, ServiceBlueprint | None]:
        engagement = await self._one(Engagement, engagement_id, clients, warnings, "its offer and blueprint were not read")
        if engagement is None:
            return None, None, None
        if engagement.offer_id is None:
            warnings.append(f"Engagement {one_line(engagement.name)} names no offer, so there is no service blueprint to plan by.")
            return engagement, None, None
        offer = await self._one(Offer, engagement.offer_id, clients, warnings, "its blueprint was not read")
        if offer is None:
            return engagement, None, None
        if offer.blueprint_id is None:
            warnings.append(f"Offer {one_line(offer.name)} names no service blueprint to plan by.")
            return engagement, offer, None
        return engagement, offer, await self._one(ServiceBlueprint, offer.blueprint_id, clients, warnings, "its layers were not read")

    async def _one(self, kind: type[R], record_id: str, clients: Clients, warnings: list[str], so: str) -> R | None:
        what = f"{kind.kind.replace('_', ' ')} {one_line(record_id)}"
        try:
            return await asyncio.wait_for(self._workspace.record(kind, record_id, clients), self._seconds)
        except NotFound:
            warnings.append(f"The workspace ({self._name}) has no {what} for client {', '.join(clients or ())}, so {so}.")
        except TimeoutError:
            warnings.append(f"The workspace ({self._name}) took too long to show {what}, so {so}.")
        except PlannerMemoryError as error:
            log.warning("workspace not read", what=what, error=error.detail)
            warnings.append(f"The workspace ({self._name}) did not show {what}, so {so}: {error.detail}")
        return None

    async def _past(self, workflow_id: str) -> PastHours:
        with spanning("estimates"):  # numbers only, of everyone's runs
            async with self._store.begin() as tx:
                return await tx.past_hours(workflow_id)


def _layers(blueprint: ServiceBlueprint) -> dict[str, str]:
    return {name: block(text, _LONGEST_LAYER) for name, text in blueprint.layers().items()}


def _past_document(past: PastHours) -> dict[str, Any]:
    ratio = past.actual_hours / past.estimated_hours if past.estimated_hours else None
    return {
        "runs": past.runs,
        "estimated_hours": round(past.estimated_hours, 2),
        "actual_hours": round(past.actual_hours, 2),
        "actual_to_estimated": round(ratio, 3) if ratio else None,
    }


def _items(
    engagement: Engagement | None, offer: Offer | None, blueprint: ServiceBlueprint | None, workflow: Workflow | None, past: PastHours
) -> list[Item]:
    """One item per record, so that where the budget is short the larger ones give way and the others stay."""
    found: list[tuple[Record, str]] = []
    if engagement:
        said = {"name": one_line(engagement.name), "client": one_line(engagement.client_name or ""), "about": block(engagement.description, 600)}
        found.append((engagement, compact(said)))
    if offer:
        found.append((offer, compact({"name": one_line(offer.name), "price": one_line(offer.price), "about": block(offer.description, 600)})))
    if blueprint:
        found.append((blueprint, compact({"name": one_line(blueprint.name), **_layers(blueprint)})))
    if workflow:
        known = {"name": one_line(workflow.name), "estimated_hours": workflow.estimated_hours, "automation": workflow.automation_status}
        runs = {"past_runs": _past_document(past)} if past.runs else {}
        found.append((workflow, compact({**known, "about": block(workflow.description, 600), **runs})))
    return [Item("workspace", f"{record.kind.replace('_', ' ')} {one_line(record.id)}", text, record.id) for record, text in found]


def _notes(
    name: str, engagement: Engagement | None, offer: Offer | None, blueprint: ServiceBlueprint | None, workflow: Workflow | None, past: PastHours
) -> dict[str, Any]:
    found: dict[str, Any] = {"adapter": name}
    if engagement:
        found["engagement"] = {"id": engagement.id, "name": one_line(engagement.name)}
    if offer:
        found["offer"] = {"id": offer.id, "name": one_line(offer.name)}
    if blueprint:
        found["service_blueprint"] = {"id": blueprint.id, "name": one_line(blueprint.name), "layers": _layers(blueprint)}
    if workflow:
        found["workflow"] = {
            "id": workflow.id,
            "name": one_line(workflow.name),
            "blueprint_id": workflow.blueprint_id,
            "steps": len(workflow.steps),
            "estimated_hours": workflow.estimated_hours,
            "similar_runs": _past_document(past),
        }
    return found
