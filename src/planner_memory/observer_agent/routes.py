"""The observer over HTTP: reflect, read what was posted, the facts of a window, and the morning's brief."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from planner_memory.core.errors import InvalidInput
from planner_memory.observer_agent.brief import brief_markdown, brief_sections
from planner_memory.observer_agent.facts import document
from planner_memory.observer_agent.schemas import BriefOut, FactsOut, InsightOut, InsightsOut, PeriodOut, PostedOut, ReflectionOut, ReflectionsOut
from planner_memory.observer_agent.service import Observer, period_document
from planner_memory.ports.facts import Clients
from planner_memory.ports.insights import KeptInsight
from planner_memory.ports.workspace import Mode
from planner_memory.web.auth import Authenticated

router = APIRouter(prefix="/api/v1/observer", tags=["observer"])


def _observer(request: Request) -> Observer:
    observer: Observer = request.app.state.observer
    return observer


def _scope(caller: Authenticated, client_id: Annotated[str | None, Query(min_length=1, max_length=200)] = None) -> str | None:
    """The one client that the answer is about, or None for the person's whole work."""
    clients = caller.clients(client_id)
    if clients is None:
        return None
    if len(clients) != 1:
        raise InvalidInput(f"This key is bound to several clients. Name one of them: {', '.join(clients)}.", field="client_id")
    return clients[0]


TheObserver = Annotated[Observer, Depends(_observer)]
Scope = Annotated[str | None, Depends(_scope)]


@router.post(
    "/reflect",
    operation_id="reflect",
    responses={207: {"model": ReflectionOut, "description": "The workspace did not take it; it is kept and will be posted later."}},
)
async def reflect(
    observer: TheObserver,
    scope: Scope,
    response: Response,
    mode: Mode,
    date: Annotated[str | None, Query(description="A local day, for weekly any day of the ISO week; without it, from the last one to now")] = None,
    dry_run: bool = False,
) -> ReflectionOut:
    """Reflects on a day or a week. Running it again for the same period updates it and never posts twice."""
    made = await observer.reflect(mode, day=date, client_id=scope, dry_run=dry_run)
    if not (made.delivered.posted or dry_run):
        response.status_code = 207
    return ReflectionOut(
        reflection_id=made.reflection.reflection_id,
        mode=mode,
        period=PeriodOut(**period_document(made.reflection.period, made.facts.time_zone)),
        facts=document(made.facts),
        content=made.reflection.content,
        sections=made.told.sections,
        generator=made.told.generator,
        posted_to_workspace=made.delivered.posted,
        stored_in_memory=made.delivered.stored,
        warnings=[*made.facts.missing, *made.told.warnings, *made.delivered.warnings],
    )


@router.get("/reflections", operation_id="reflections")
async def reflections(
    observer: TheObserver, scope: Scope, mode: Mode | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> ReflectionsOut:
    """What was posted, latest period first."""
    found = [
        PostedOut(
            reflection_id=each.reflection.reflection_id,
            mode=each.reflection.mode,
            client_id=each.reflection.client_id,
            period=PeriodOut(start=each.reflection.period.start, end=each.reflection.period.end, time_zone="UTC"),
            thread_on=each.reflection.thread_on,
            content=each.reflection.content,
            metrics=dict(each.reflection.metrics),
            posted_at=each.posted_at,
        )
        for each in await observer.reflections(mode, client_id=scope, limit=limit)
    ]
    return ReflectionsOut(reflections=found, total=len(found))


@router.get("/facts", operation_id="facts")
async def facts(observer: TheObserver, scope: Scope, start: str, end: str) -> FactsOut:
    """The facts of any window. A bare date means the whole local day; as an end it is inclusive."""
    counted = await observer.facts(start, end, client_id=scope)
    return FactsOut(
        period=PeriodOut(**period_document(counted.period, counted.facts.time_zone)),
        facts=document(counted.facts),
        warnings=list(counted.facts.missing),
    )


@router.get("/brief", operation_id="brief")
async def brief(observer: TheObserver, scope: Scope) -> BriefOut:
    """The morning: agenda, what slipped, what is at risk."""
    made = await observer.brief(client_id=scope)
    known = document(made)
    return BriefOut(
        **{key: known[key] for key in ("brief_on", "time_zone", "agenda", "scheduled_hours", "slipped", "at_risk", "running")},
        questions=list(made.questions),
        content=brief_markdown(made),
        sections=brief_sections(made),
        warnings=list(made.missing),
    )


def _clients(caller: Authenticated, client_id: Annotated[str | None, Query(min_length=1, max_length=200)] = None) -> Clients:
    """The clients whose insights the caller may see; None for all."""
    return caller.clients(client_id)


Seen = Annotated[Clients, Depends(_clients)]


@router.get("/insights", operation_id="insights")
async def insights(observer: TheObserver, seen: Seen) -> InsightsOut:
    """What the reflections have learnt about how the person works, newest first."""
    found = [_insight(each) for each in await observer.insights(seen)]
    return InsightsOut(insights=found, total=len(found))


@router.delete("/insights/{insight_id}", operation_id="revoke_insight")
async def revoke_insight(observer: TheObserver, seen: Seen, insight_id: UUID) -> InsightOut:
    """Takes an insight back. It is forgotten everywhere and not learnt again."""
    return _insight(await observer.revoke_insight(insight_id, seen))


def _insight(kept: KeptInsight) -> InsightOut:
    return InsightOut(
        insight_id=kept.insight_id,
        client_id=kept.client_id,
        content=kept.content,
        learnt_at=kept.learnt_at,
        evidence=[str(each) for each in kept.metadata.get("evidence", ())],
        evidence_runs=int(kept.metadata.get("evidence_runs", 0)),
        reflection_id=kept.metadata.get("reflection_id"),
    )
