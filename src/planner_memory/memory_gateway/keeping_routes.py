"""The gateway's paths for changing, moving and keeping what is remembered."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator

from planner_memory.memory_gateway import keeping_schemas as kept
from planner_memory.memory_gateway import schemas
from planner_memory.memory_gateway.archive_lines import lines_of
from planner_memory.memory_gateway.parameters import Client, Service
from planner_memory.web.auth import Authenticated

router = APIRouter()


@router.patch("/memories/{memory_id}", operation_id="change_memory")
async def change_memory(memory_id: UUID, body: kept.MemoryChange, caller: Authenticated, gateway: Service) -> schemas.MemoryOut:
    """Changes one memory; what it was before stays in its history."""
    return schemas.MemoryOut.model_validate(await gateway.editing.change(memory_id, caller.clients(None), body.changes()))


@router.get("/memories/{memory_id}/history", operation_id="memory_history")
async def memory_history(memory_id: UUID, caller: Authenticated, gateway: Service) -> kept.HistoryOut:
    """What was changed in one memory, newest first, by whatever hand."""
    return kept.HistoryOut.model_validate(await gateway.editing.history(memory_id, caller.clients(None)))


@router.get("/similar/projects", operation_id="similar_projects")
async def similar_projects(
    blueprint_id: Annotated[str, Query(min_length=1, max_length=255), AfterValidator(schemas.no_nul)],
    caller: Authenticated,
    gateway: Service,
    client_id: Client = None,
    k: Annotated[int, Query(ge=1, le=100)] = 5,
) -> kept.ProjectsOut:
    """Projects done along a service blueprint, the latest first, with what their execution runs took."""
    return kept.ProjectsOut.model_validate(await gateway.similar_projects(caller.client(client_id), blueprint_id, k=k))


@router.get("/retention", operation_id="read_retention")
async def read_retention(caller: Authenticated, gateway: Service, client_id: Client = None) -> kept.RetentionOut:
    """How long a client's memories are kept, and how many the next sweep would forget."""
    return kept.RetentionOut.model_validate(await gateway.retaining.rules(caller.client(client_id)))


@router.put("/retention", operation_id="put_retention")
async def put_retention(body: kept.RetentionIn, caller: Authenticated, gateway: Service) -> kept.RetentionOut:
    """Replaces the rules that a daily sweep keeps to. Pinned memories stay unless the rules include them, preferences unless they are named."""
    return kept.RetentionOut.model_validate(await gateway.retaining.set_rules(body.policy(caller.client(body.client_id))))


@router.get("/export", operation_id="export_client", response_class=StreamingResponse)
async def export_client(caller: Authenticated, gateway: Service, client_id: Client = None) -> StreamingResponse:
    """Everything of a client, one JSON document per line; `kind` is memory, memory_history, graph_node, graph_edge, document or doc_chunk."""
    lines = gateway.archive.exported(caller.client(client_id))
    first = await anext(lines, "")  # an outage shows before the answer begins

    async def whole() -> AsyncIterator[str]:
        yield first
        async for line in lines:
            yield line

    return StreamingResponse(whole(), media_type="application/x-ndjson", headers={"Content-Disposition": 'attachment; filename="memories.ndjson"'})


@router.post(
    "/import",
    operation_id="import_client",
    openapi_extra={"requestBody": {"required": True, "content": {"application/x-ndjson": {"schema": {"type": "string"}}}}},
)
async def import_client(request: Request, caller: Authenticated, gateway: Service, client_id: Client = None) -> kept.ImportOut:
    """Stores the lines of an export, up to 16 MB, all or none; what is there stays as it is. A longer export is sent in parts, in its order.

    With `client_id` everything goes to that client, else each line to the client that it names.
    """
    lines = await asyncio.to_thread(lines_of, await request.body())
    target = {each: caller.client(client_id or each) for each in {line.client_id for line in lines}}
    return kept.ImportOut.model_validate(await gateway.archive.imported([(target[line.client_id], line) for line in lines]))
