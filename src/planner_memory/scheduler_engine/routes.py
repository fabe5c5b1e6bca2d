"""The scheduler's paths under /api/v1/scheduler."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request

from planner_memory.scheduler_engine.answer_schemas import (
    Agenda,
    Answered,
    Asked,
    Availability,
    Block,
    Deleted,
    Imported,
    Load,
    RunOut,
    Runs,
    Synced,
    WhatIf,
)
from planner_memory.scheduler_engine.answers import run_answer
from planner_memory.scheduler_engine.schemas import AnswerIn, EventChange, ImportIn, RescheduleIn, ScheduleIn, WhatIfIn
from planner_memory.scheduler_engine.service import Scheduler
from planner_memory.scheduler_engine.sync_answers import question_answer, sync_answer
from planner_memory.web.auth import Authenticated

router = APIRouter(prefix="/api/v1/scheduler", tags=["scheduler"], generate_unique_id_function=lambda route: route.name)
open_router = APIRouter(prefix="/api/v1/scheduler", tags=["scheduler"], generate_unique_id_function=lambda route: route.name)


def _scheduler(request: Request) -> Scheduler:
    found: Scheduler = request.app.state.scheduler
    return found


Service = Annotated[Scheduler, Depends(_scheduler)]
Day = Annotated[str | None, Query(max_length=40, description="An instant, or a date for the whole local day")]
Named = Annotated[str | None, Query(max_length=200)]


@router.post("/schedule", status_code=201, response_model=RunOut)
async def schedule(body: ScheduleIn, scheduler: Service, caller: Authenticated) -> dict[str, Any]:
    """Places tasks, or a plan's checklist, round what is in the calendar."""
    run = await scheduler.schedule(body, client=caller.client(body.client_id), clients=caller.clients(body.client_id))
    return run_answer(run)


@router.post("/reschedule", status_code=201, response_model=RunOut)
async def reschedule(body: RescheduleIn, scheduler: Service, caller: Authenticated) -> dict[str, Any]:
    """Moves what collides with the calendar as it is now, and as little else as it can."""
    return run_answer(await scheduler.reschedule(body, clients=caller.clients(body.client_id)))


@router.post("/what-if", response_model=WhatIf)
async def what_if(body: WhatIfIn, scheduler: Service, caller: Authenticated) -> dict[str, Any]:
    """What would move if that time were busy, or those days had other hours. Changes nothing."""
    return await scheduler.what_if(body, clients=caller.clients(body.client_id))


@router.get("/load", response_model=Load)
async def read_load(scheduler: Service, caller: Authenticated, start: Day = None, end: Day = None) -> dict[str, Any]:
    """Capacity and load per day; by default the next seven days."""
    return await scheduler.desk.load(start, end)


@router.get("/runs/{run_id}", response_model=RunOut)
async def read_run(run_id: UUID, scheduler: Service, caller: Authenticated) -> dict[str, Any]:
    """One schedule."""
    return run_answer(await scheduler.run(run_id, clients=caller.clients(None)))


@router.post("/runs/{run_id}/apply", response_model=RunOut)
async def apply_run(run_id: UUID, scheduler: Service, caller: Authenticated) -> dict[str, Any]:
    """Writes a proposed schedule to the calendar."""
    return run_answer(await scheduler.apply(run_id, clients=caller.clients(None)))


@router.post("/runs/{run_id}/undo", response_model=RunOut)
async def undo_run(run_id: UUID, scheduler: Service, caller: Authenticated) -> dict[str, Any]:
    """Takes a schedule's events out of the calendar again."""
    return run_answer(await scheduler.undo(run_id, clients=caller.clients(None)))


@router.get("/schedules", response_model=Runs)
async def list_schedules(
    scheduler: Service,
    caller: Authenticated,
    plan_id: UUID | None = None,
    client_id: Named = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """Schedules, the newest first."""
    runs = await scheduler.schedules(plan_id=plan_id, clients=caller.clients(client_id), limit=limit)
    asked = await scheduler.questions.open_ones(caller.clients(client_id))
    return {"schedules": [run_answer(r) for r in runs], "total": len(runs), "questions": [question_answer(q) for q in asked]}


@router.post("/sync", response_model=Synced)
async def sync(scheduler: Service, caller: Authenticated) -> dict[str, Any]:
    """Reads what has changed in the calendar, learns from it, and proposes repairs for what no longer fits."""
    clients = caller.clients(None)
    report = await scheduler.sync()
    return sync_answer(report, await scheduler.questions.open_ones(clients))


@router.get("/questions", response_model=Asked)
async def list_questions(scheduler: Service, caller: Authenticated, client_id: Named = None) -> dict[str, Any]:
    """What the calendar's changes leave for the person to decide, the oldest first."""
    asked = await scheduler.questions.open_ones(caller.clients(client_id))
    return {"questions": [question_answer(q) for q in asked], "total": len(asked)}


@router.post("/questions/{question_id}", response_model=Answered)
async def answer_question(question_id: UUID, body: AnswerIn, scheduler: Service, caller: Authenticated) -> dict[str, Any]:
    """Answers one: place a deleted block again or drop it, accept a finished task as an execution run, apply a repair."""
    return await scheduler.questions.answer(question_id, body, clients=caller.clients(None))


@router.get("/availability", response_model=Availability)
async def read_availability(scheduler: Service, caller: Authenticated, start: Day = None, end: Day = None) -> dict[str, Any]:
    """Free and busy time between two instants or days; by default the next seven days."""
    return await scheduler.desk.availability(start, end)


@router.get("/agenda", response_model=Agenda)
async def read_agenda(scheduler: Service, caller: Authenticated, start: Day = None, end: Day = None) -> dict[str, Any]:
    """Every event between two instants or days; by default the next seven days."""
    return await scheduler.desk.agenda(start, end)


@router.patch("/events/{event_id}", response_model=Block)
async def change_event(event_id: str, body: EventChange, scheduler: Service, caller: Authenticated) -> dict[str, Any]:
    """Moves or renames one of the scheduler's own events."""
    return await scheduler.desk.change_event(event_id, body, clients=caller.clients(None))


@router.delete("/events/{event_id}", response_model=Deleted)
async def delete_event(event_id: str, scheduler: Service, caller: Authenticated) -> dict[str, Any]:
    """Removes one of the scheduler's own events."""
    return {"event_id": event_id, "deleted": await scheduler.desk.delete_event(event_id, clients=caller.clients(None))}


@router.post("/import", response_model=Imported)
async def import_calendar(body: ImportIn, scheduler: Service, caller: Authenticated) -> dict[str, Any]:
    """Stores the events of an iCalendar text in the person's calendar."""
    return {"imported": await scheduler.desk.import_calendar(body.ics)}


@open_router.post("/webhooks/calendar", status_code=204)
async def calendar_changed(
    scheduler: Service,
    token: Annotated[str, Header(alias="X-Goog-Channel-Token", max_length=300)] = "",
) -> None:
    """The calendar's server says that something has changed. Open without a key: the channel's token says that the order was ours."""
    await scheduler.called(token)
