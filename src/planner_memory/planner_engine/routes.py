"""The planner's HTTP face."""

from typing import Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from planner_memory.core.documents import profile_document
from planner_memory.core.errors import InvalidInput, NotAllowed
from planner_memory.planner_engine import prompt_routes, workspace_routes
from planner_memory.planner_engine.answers import markdown
from planner_memory.planner_engine.drafting import Order
from planner_memory.planner_engine.estimates import Task
from planner_memory.planner_engine.run_records import Who
from planner_memory.planner_engine.schemas import (
    NAMED,
    EstimatesRequest,
    Instruction,
    PlanChange,
    PlanRequest,
    ProfileChange,
    RunRequest,
    Status,
    TaskAction,
    TasksWish,
)
from planner_memory.planner_engine.service import Planner
from planner_memory.web.auth import Authenticated, Caller

router = APIRouter(prefix="/api/v1/planner", tags=["planner"])
Limit = Annotated[int, Query(ge=1, le=500)]


def _planner(request: Request) -> Planner:
    planner: Planner = request.app.state.planner
    return planner


def _asked(value: str | None) -> str | None:
    return value.strip() or None if value is not None else None


def _who(caller: Caller, client_id: str | None, person_id: str | None) -> Who:
    try:
        client: str | None = caller.client(client_id)
    except NotAllowed:
        if client_id is not None:
            raise
        client = None  # a key of several clients that named none: the task's plan may tell
    return Who(caller.clients(client_id), client, client_id is not None, person_id or "me")


def _plan_id(body: PlanRequest, caller: Caller, key: str | None) -> UUID | None:
    """The same for the same caller, Idempotency-Key and body: a request that is sent again after a crash finds the plan that it made."""
    return uuid5(NAMESPACE_URL, f"plan\x1f{caller.key.id}\x1f{key}\x1f{body.model_dump_json()}") if key else None


def _order(body: PlanRequest, caller: Caller, key: str | None) -> Order:
    """Named fields from top level and context; both must agree."""
    context = dict(body.context or {})
    named: dict[str, str | None] = {}
    for name in NAMED:
        top, inner = getattr(body, name), context.pop(name, None)
        inner = str(inner).strip() or None if isinstance(inner, str | int) and not isinstance(inner, bool) else inner
        if inner is not None and not isinstance(inner, str):
            raise InvalidInput(f"{name} must be a text.", field=f"context.{name}")
        if inner is not None and len(inner) > 255:
            raise InvalidInput(f"{name} is longer than 255 characters.", field=f"context.{name}")
        if top is not None and inner is not None and top.strip() != inner:
            raise InvalidInput(f"{name} is {top!r} at top level but {inner!r} in context. Send it once.", field=name)
        named[name] = top if top is not None else inner
    return Order(
        intent=body.intent,
        client_id=caller.client(named["client_id"]),
        person_id=body.person_id or "me",
        client_name=named["client_name"],
        deadline=named["deadline"],
        workflow_id=named["workflow_id"],
        engagement_id=named["engagement_id"],
        use_manifold=bool(body.use_manifold),
        reuse=body.reuse,
        create_tasks=body.create_tasks,
        project_id=named["project_id"],
        plan_id=_plan_id(body, caller, key),
        extra=context,
    )


@router.post("/plan", status_code=201, operation_id="plan")
async def plan(
    body: PlanRequest, caller: Authenticated, request: Request, idempotency_key: Annotated[str | None, Header(include_in_schema=False)] = None
) -> dict[str, Any]:
    """Makes a plan from an intent: a checklist with honest estimates, stored as a draft."""
    return await _planner(request).plan(_order(body, caller, idempotency_key))


@router.get("/plans", operation_id="plans")
async def plans(
    caller: Authenticated, request: Request, client_id: str | None = None, status: Status | None = None, limit: Limit = 50
) -> dict[str, Any]:
    """Plans, newest first."""
    return await _planner(request).plans(caller.clients(_asked(client_id)), status=status, limit=limit)


@router.get("/plans/{plan_id}", operation_id="read_plan", response_model=None)
async def read_plan(
    plan_id: UUID,
    caller: Authenticated,
    request: Request,
    client_id: str | None = None,
    format: Annotated[str, Query(pattern="^(json|markdown|md)$")] = "json",
    accept: Annotated[str, Header()] = "",
) -> Response | dict[str, Any]:
    """One plan, as JSON or, with ?format=markdown or Accept: text/markdown, as a page."""
    clients = caller.clients(_asked(client_id))
    if format != "json" or "text/markdown" in accept.lower():
        page = markdown(await _planner(request).stored(plan_id, clients))
        return PlainTextResponse(page, media_type="text/markdown")
    return await _planner(request).read(plan_id, clients)


@router.patch("/plans/{plan_id}", operation_id="change_plan")
async def change_plan(plan_id: UUID, body: PlanChange, caller: Authenticated, request: Request, client_id: str | None = None) -> dict[str, Any]:
    """Sets the status or edits the plan; an edit makes a new revision."""
    return await _planner(request).change(plan_id, caller.clients(_asked(client_id)), body.model_dump(exclude_unset=True))


@router.post("/plans/{plan_id}/revise", operation_id="revise_plan")
async def revise_plan(plan_id: UUID, body: Instruction, caller: Authenticated, request: Request, client_id: str | None = None) -> dict[str, Any]:
    """Changes the plan as an instruction in plain words says; a new revision."""
    return await _planner(request).revise(plan_id, caller.clients(_asked(client_id)), body.instruction, body.revision)


@router.post("/plans/{plan_id}/workspace-tasks", operation_id="make_workspace_tasks")
async def make_workspace_tasks(
    plan_id: UUID, body: TasksWish, caller: Authenticated, request: Request, client_id: str | None = None
) -> dict[str, Any]:
    """Makes the plan's steps tasks of the workspace; the same again changes nothing."""
    return await _planner(request).make_tasks(plan_id, caller.clients(_asked(client_id)), body.project_id)


@router.post("/execution-runs", status_code=201, operation_id="record_run")
async def record_run(body: RunRequest, caller: Authenticated, request: Request) -> JSONResponse:
    """Records a finished run of a task. The same again answers 200 and stores nothing."""
    who = _who(caller, body.client_id, body.executed_by_person_id)
    answer, is_new = await _planner(request).tracker.record(body.model_dump(), who)
    return JSONResponse(answer, status_code=201 if is_new else 200)


@router.get("/execution-runs", operation_id="runs")
async def runs(
    caller: Authenticated,
    request: Request,
    task_id: str | None = None,
    plan_id: UUID | None = None,
    client_id: str | None = None,
    limit: Limit = 200,
) -> dict[str, Any]:
    """Execution runs, newest start first."""
    return await _planner(request).tracker.runs(caller.clients(_asked(client_id)), task_id=task_id, plan_id=plan_id, limit=limit)


@router.post("/tasks/{task_id}/start", operation_id="start_task")
async def start_task(task_id: str, caller: Authenticated, request: Request, body: TaskAction | None = None) -> dict[str, Any]:
    """Starts the task's timer; starting twice is harmless."""
    asked = body or TaskAction()
    return await _planner(request).tracker.start(task_id, _who(caller, asked.client_id, asked.person_id))


@router.post("/tasks/{task_id}/stop", operation_id="stop_task")
async def stop_task(task_id: str, caller: Authenticated, request: Request, body: TaskAction | None = None) -> dict[str, Any]:
    """Stops the task's timer. The task may go on later."""
    asked = body or TaskAction()
    return await _planner(request).tracker.stop(task_id, _who(caller, asked.client_id, asked.person_id), asked.outcome_notes)


@router.post("/tasks/{task_id}/done", operation_id="finish_task")
async def finish_task(task_id: str, caller: Authenticated, request: Request, body: TaskAction | None = None) -> dict[str, Any]:
    """Marks the task finished."""
    asked = body or TaskAction()
    who = _who(caller, asked.client_id, asked.person_id)
    return await _planner(request).tracker.done(task_id, who, notes=asked.outcome_notes, actual_hours=asked.actual_hours)


@router.get("/today", operation_id="today")
async def today(caller: Authenticated, request: Request, person_id: str | None = None, client_id: str | None = None) -> dict[str, Any]:
    """What is on in the person's local day."""
    return await _planner(request).tracker.today(_who(caller, _asked(client_id), _asked(person_id)))


@router.post("/estimates", operation_id="estimates")
async def estimates(body: EstimatesRequest, caller: Authenticated, request: Request) -> dict[str, Any]:
    """What the history known now says of raw estimates, task by task and for the whole."""
    _who(caller, body.client_id, body.person_id)  # refuses a client that the key may not name
    tasks = [(t.key, Task(t.raw_hours, t.step_key, t.process_template_id, t.workflow_id)) for t in body.tasks]
    return await _planner(request).tracker.estimates(body.person_id or "me", tasks)


@router.get("/profile", operation_id="profile")
async def profile(_: Authenticated, request: Request, person_id: str | None = None) -> dict[str, Any]:
    """The person's profile; defaults, with `confirmed` false, before it was ever set."""
    return profile_document(await _planner(request).profile(_asked(person_id) or "me"))


@router.put("/profile", operation_id="change_profile")
async def change_profile(body: ProfileChange, _: Authenticated, request: Request, person_id: str | None = None) -> dict[str, Any]:
    """Changes the parts that are sent."""
    change = body.model_dump(exclude_unset=True)
    person = change.pop("person_id", None)
    return profile_document(await _planner(request).change_profile(_asked(person_id) or person or "me", change))


router.include_router(prompt_routes.router)
router.include_router(workspace_routes.router)
