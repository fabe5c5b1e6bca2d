"""The gateway's paths: parse, authorise, await one call, answer."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import AfterValidator

from planner_memory.core.errors import InvalidInput
from planner_memory.memory_gateway import schemas
from planner_memory.memory_gateway.keeping_routes import router as keeping_router
from planner_memory.memory_gateway.parameters import Client, Service
from planner_memory.memory_gateway.requests import Narrowing
from planner_memory.web.auth import Authenticated

router = APIRouter(prefix="/api/v1/memory", tags=["memory"])


Word = Annotated[str | None, Query(max_length=255), AfterValidator(lambda v: v and schemas.no_nul(v))]
Asked = Annotated[str, Query(min_length=1, max_length=10_000), AfterValidator(schemas.no_nul), AfterValidator(schemas.has_text)]


async def narrowing(  # async, since FastAPI sends a plain function through its thread pool
    memory_type: schemas.MemoryType | None = None,
    event_type: Word = None,
    thread_id: Word = None,
    since: Word = None,
    until: Word = None,
    as_of: Word = None,
) -> Narrowing:
    return Narrowing(memory_type, event_type or None, thread_id or None, since or None, until or None, as_of or None)


Filters = Annotated[Narrowing, Depends(narrowing)]


@router.post(
    "/remember",
    status_code=201,
    operation_id="remember",
    response_model=schemas.RememberOut,
    responses={207: {"model": schemas.RememberOut, "description": "Stored; a derived store answered with failure and is tried again"}},
)
async def remember(body: schemas.MemoryIn, caller: Authenticated, gateway: Service, wait: Literal["index", "none"] = "index") -> Any:
    """Stores one memory, then waits a moment until it can be found."""
    kept = await gateway.remember(body.draft(caller.client(body.client_id)), wait=wait == "index")
    answer = schemas.RememberOut(
        memory_id=kept.memory_id,
        stored_in=list(kept.stored_in),
        pending=list(kept.pending),
        failed=list(kept.failed),
        deduplicated=kept.deduplicated,
        warning=kept.warning,
    )
    return JSONResponse(answer.model_dump(mode="json", exclude_none=True), status_code=207 if kept.failed else 201)


@router.post("/remember/batch", status_code=201, operation_id="remember_batch")
async def remember_batch(body: schemas.MemoriesIn, caller: Authenticated, gateway: Service) -> schemas.BatchOut:
    """Stores up to 1,000 memories, all or nothing; the answer does not wait for the index."""
    return schemas.BatchOut(memory_ids=await gateway.remember_batch([m.draft(caller.client(m.client_id)) for m in body.memories]))


@router.get("/recall", operation_id="recall", response_model=schemas.RecallOut)
async def recall(
    query: Asked,
    caller: Authenticated,
    gateway: Service,
    asked: Filters,
    client_id: Client = None,
    k: Annotated[int, Query(ge=1, le=100)] = 10,
    min_score: Annotated[float | None, Query(ge=0, le=1)] = None,
) -> Any:
    """Searches what was remembered, by words and by meaning; best first."""
    client = caller.client(client_id)
    answer = await gateway.recall(query, client, asked, k=k, min_score=min_score, may_see_person=caller.may_see_person)
    return JSONResponse(answer)


@router.get("/similar/events", operation_id="similar_events", response_model=schemas.SimilarOut)
async def similar_events(
    caller: Authenticated,
    gateway: Service,
    event_id: UUID | None = None,
    text: Asked | None = None,
    client_id: Client = None,
    k: Annotated[int, Query(ge=1, le=100)] = 5,
) -> Any:
    """Events like one that is stored, which is left out, or like a text."""
    if (event_id is None) == (text is None):
        raise InvalidInput("Send either event_id or text.", field="event_id")
    client = caller.client(client_id)
    clients = caller.clients(client_id)
    return JSONResponse(await gateway.similar(event_id=event_id, text=text, clients=clients, client_id=client, k=k))


@router.get("/memories", operation_id="list_memories")
async def list_memories(
    caller: Authenticated,
    gateway: Service,
    asked: Filters,
    client_id: Client = None,
    include_superseded: bool = False,
    pinned: bool | None = None,
    cursor: Word = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> schemas.MemoriesOut:
    """Newest first, page by page."""
    chosen = Narrowing(asked.memory_type, asked.event_type, asked.thread_id, asked.since, asked.until, asked.as_of, include_superseded, pinned)
    return schemas.MemoriesOut.model_validate(await gateway.listed(caller.clients(client_id), chosen, cursor=cursor, limit=limit))


@router.delete("/memories", operation_id="forget_memories", response_model_exclude_none=True)
async def forget_memories(
    caller: Authenticated,
    gateway: Service,
    asked: Filters,
    client_id: Annotated[str, Query(min_length=1, max_length=255), AfterValidator(schemas.no_nul)],
) -> schemas.ReceiptOut:
    """Forgets everything of a client that matches, in every store. The client must be named."""
    chosen = Narrowing(asked.memory_type, asked.event_type, asked.thread_id, asked.since, asked.until, asked.as_of, True)
    return schemas.ReceiptOut.model_validate(await gateway.forget(caller.client(client_id), chosen))


@router.get("/memories/{memory_id}", operation_id="read_memory")
async def read_memory(memory_id: UUID, caller: Authenticated, gateway: Service) -> schemas.MemoryOut:
    """One memory, superseded or not."""
    return schemas.MemoryOut.model_validate(await gateway.memory(memory_id, caller.clients(None)))


@router.delete("/memories/{memory_id}", operation_id="forget_memory", response_model_exclude_none=True)
async def forget_memory(memory_id: UUID, caller: Authenticated, gateway: Service) -> schemas.ReceiptOut:
    """Forgets one memory in every store."""
    return schemas.ReceiptOut.model_validate(await gateway.forget_one(memory_id, caller.clients(None)))


@router.get("/graph/neighbors", operation_id="graph_neighbors")
async def graph_neighbors(
    entity_id: Annotated[str, Query(min_length=1, max_length=255), AfterValidator(schemas.no_nul)],
    caller: Authenticated,
    gateway: Service,
    client_id: Client = None,
    depth: Annotated[int, Query(ge=1, le=6)] = 2,
    edge_type: Word = None,
    direction: schemas.Direction = "both",
) -> schemas.NeighborsOut:
    """What lies round a node, by shortest paths."""
    found = await gateway.graph.neighbors(caller.client(client_id), entity_id, depth=depth, edge_type=edge_type or None, direction=direction)
    return schemas.NeighborsOut.model_validate(found)


@router.put("/graph/nodes", operation_id="put_graph_nodes")
async def put_graph_nodes(body: schemas.NodesIn, caller: Authenticated, gateway: Service) -> schemas.StoredOut:
    """Adds nodes, or changes those that are there: the type is replaced, properties are merged."""
    return schemas.StoredOut(stored=await gateway.graph.put_nodes(caller.client(body.client_id), [n.node() for n in body.nodes]))


@router.put("/graph/edges", operation_id="put_graph_edges")
async def put_graph_edges(body: schemas.EdgesIn, caller: Authenticated, gateway: Service) -> schemas.StoredOut:
    """Adds edges between nodes that are there, all or none."""
    return schemas.StoredOut(stored=await gateway.graph.put_edges(caller.client(body.client_id), [e.edge() for e in body.edges]))


router.include_router(keeping_router)
