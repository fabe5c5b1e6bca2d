"""Rebuilding the search index, over HTTP."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict

from planner_memory.core.errors import NotAllowed
from planner_memory.memory_gateway.reindexing import EmbedderKind, Progress, Reindexer
from planner_memory.web.auth import Authenticated

router = APIRouter(prefix="/api/v1/memory", tags=["index"])


class ReindexIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    embedder: EmbedderKind | None = None


class ReindexOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    state: Literal["never", "running", "switched", "failed"]
    embedder: str | None
    done: int
    total: int
    started_at: datetime | None
    detail: str | None


async def _reindexer(request: Request, caller: Authenticated) -> Reindexer:
    if caller.key.client_ids is not None:
        raise NotAllowed("The index holds every client's memories. Use a key that is bound to none.")
    found: Reindexer = request.app.state.reindexer
    return found


Rebuilding = Annotated[Reindexer, Depends(_reindexer)]


@router.post("/reindex", status_code=202, operation_id="reindex", response_model=ReindexOut)
async def reindex(body: ReindexIn, reindexer: Rebuilding) -> Progress:
    """Builds the index anew beside the one in use, then switches."""
    return await reindexer.start(body.embedder)


@router.get("/reindex", operation_id="read_reindex", response_model=ReindexOut)
async def read_reindex(reindexer: Rebuilding) -> Progress:
    """How far it is."""
    return reindexer.progress
