"""The person's preferences as the scheduler reads them, under /api/v1/scheduler/preferences."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from planner_memory.scheduler_engine.answer_schemas import ReadPreference, ReadPreferences
from planner_memory.scheduler_engine.remembered import Preferences
from planner_memory.scheduler_engine.schemas import CorrectionIn
from planner_memory.web.auth import Authenticated

router = APIRouter(prefix="/api/v1/scheduler/preferences", tags=["scheduler"], generate_unique_id_function=lambda route: route.name)


def _preferences(request: Request) -> Preferences:
    found: Preferences = request.app.state.scheduler.preferences
    return found


Service = Annotated[Preferences, Depends(_preferences)]
Asked = Annotated[str | None, Query(max_length=200)]


@router.get("", response_model=ReadPreferences)
async def list_preferences(preferences: Service, caller: Authenticated, client_id: Asked = None) -> dict[str, Any]:
    """What is remembered of how the person likes to work, and what schedules make of it."""
    return await preferences.listed(caller.client(client_id))


@router.put("/{memory_id}", response_model=ReadPreference)
async def correct_preference(memory_id: UUID, body: CorrectionIn, preferences: Service, caller: Authenticated) -> dict[str, Any]:
    """Says what a memory asks of schedules; this stays until its words change."""
    caller.clients(None)
    return await preferences.corrected(memory_id, body.rules)


@router.delete("/{memory_id}", response_model=ReadPreference)
async def forget_reading(memory_id: UUID, preferences: Service, caller: Authenticated) -> dict[str, Any]:
    """Drops a correction or a reading; the next schedule has the memory read anew."""
    caller.clients(None)
    return await preferences.forgotten(memory_id)
