"""The workspace over HTTP: its rows, what waits to be written to it, and the graph."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from planner_memory.core.errors import Conflict, NotAllowed
from planner_memory.planner_engine.service import Planner
from planner_memory.planner_engine.workspace_desk import WorkspaceDesk, write_answer
from planner_memory.planner_engine.workspace_documents import kind_named
from planner_memory.ports.workspace_records import FinanceSnapshot
from planner_memory.ports.workspace_writes import WriteState
from planner_memory.web.auth import Authenticated, Caller

router = APIRouter(prefix="/workspace", tags=["workspace"])
Limit = Annotated[int, Query(ge=1, le=1000)]


class WorkspaceFile(BaseModel):
    """A file's text. `kind` says what the rows of a CSV file are."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=15_000_000)
    format: Literal["yaml", "csv"] = "yaml"
    kind: str | None = Field(None, max_length=80)
    dry_run: bool = False


def _desk(request: Request) -> WorkspaceDesk:
    planner: Planner = request.app.state.planner
    if planner.workspace is None:
        raise Conflict("No workspace is connected.")
    return planner.workspace


def _readable(caller: Caller, kind: str) -> None:
    """Money is the person's own: a key that is bound to clients does not see it."""
    if caller.key.client_ids is not None and kind_named(kind) is FinanceSnapshot:
        raise NotAllowed("Finance snapshots are the person's own; a key that is bound to clients does not read them.")


@router.get("", operation_id="workspace")
async def workspace(_: Authenticated, request: Request) -> dict[str, Any]:
    """Which workspace it is, whether it answers, and what waits to be written to it."""
    return await _desk(request).overview()


@router.get("/writes", operation_id="workspace_writes")
async def workspace_writes(
    caller: Authenticated,
    request: Request,
    state: WriteState | None = None,
    plan_id: UUID | None = None,
    client_id: str | None = None,
    limit: Limit = 200,
) -> dict[str, Any]:
    """What is to be written to the workspace, and what became of it; the oldest first."""
    caller.clients(client_id)
    found = await _desk(request).writes(plan_id, state, limit=limit)
    return {"writes": [write_answer(w) for w in found], "total": len(found)}


@router.post("/writes/retry", operation_id="retry_workspace_writes")
async def retry_workspace_writes(caller: Authenticated, request: Request, client_id: str | None = None) -> dict[str, Any]:
    """Tries at once what waits or was refused."""
    caller.clients(client_id)
    desk = _desk(request)
    return {"written": await desk.try_again(), **await desk.overview()}


@router.post("/import", operation_id="import_workspace")
async def import_workspace(body: WorkspaceFile, caller: Authenticated, request: Request) -> dict[str, Any]:
    """Reads a file into the workspace's tables: all of it or nothing, every impossible value named by its line."""
    desk = _desk(request)
    answer = await desk.keeping.read_in(body.text, body.format, body.kind, caller.key.client_ids, dry_run=body.dry_run)
    if not body.dry_run:
        await desk.mirror()
    return answer


@router.post("/sync", operation_id="sync_workspace")
async def sync_workspace(_: Authenticated, request: Request, whole: bool = False) -> dict[str, Any]:
    """Mirrors what changed in the workspace, and the runs, in the graph. `whole` begins anew."""
    done = await _desk(request).sync(whole=whole)
    return {"records": done.records, "runs": done.runs, "gone": done.gone, "problems": done.problems}


@router.get("/{kind}", operation_id="workspace_rows")
async def workspace_rows(
    kind: str,
    caller: Authenticated,
    request: Request,
    client_id: str | None = None,
    related_to: str | None = None,
    status: str | None = None,
    limit: Limit = 200,
) -> dict[str, Any]:
    """Rows of one kind (offers, workflows, projects, tasks …) by name."""
    _readable(caller, kind)
    return await _desk(request).keeping.listed(kind, caller.clients(client_id), related_to=related_to, status=status, limit=limit)


@router.get("/{kind}/{record_id}", operation_id="workspace_row")
async def workspace_row(kind: str, record_id: str, caller: Authenticated, request: Request, client_id: str | None = None) -> dict[str, Any]:
    """One row, and the rows that name it."""
    _readable(caller, kind)
    return await _desk(request).keeping.show(kind, record_id, caller.clients(client_id))


@router.put("/{kind}/{record_id}", operation_id="put_workspace_row")
async def put_workspace_row(kind: str, record_id: str, body: dict[str, Any], caller: Authenticated, request: Request) -> dict[str, Any]:
    """Adds or replaces one row of the workspace's tables."""
    desk = _desk(request)
    answer = await desk.keeping.put(kind, record_id, body, caller.key.client_ids)
    await desk.mirror()
    return answer


@router.delete("/{kind}/{record_id}", status_code=204, operation_id="delete_workspace_row", response_class=Response)
async def delete_workspace_row(kind: str, record_id: str, caller: Authenticated, request: Request) -> Response:
    """Removes one row; its node in the graph stays and says so."""
    desk = _desk(request)
    await desk.keeping.delete(kind, record_id, caller.key.client_ids)
    await desk.mirror()
    return Response(status_code=204)
