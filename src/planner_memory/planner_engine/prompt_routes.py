"""Prompts over HTTP: their versions, and which one counts. Included by routes.py."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from planner_memory.core.errors import NotAllowed, Unavailable
from planner_memory.planner_engine.schemas import PromptEdit, PromptRollback, PromptUse
from planner_memory.prompting.versions import Prompts
from planner_memory.web.auth import Authenticated, Caller

router = APIRouter(prefix="/prompts", tags=["prompts"])
Name = Annotated[str, Path(max_length=100, pattern="^[a-z0-9_]+$")]
Version = Annotated[str | None, Query(max_length=20)]


def _prompts(request: Request) -> Prompts:
    prompts: Prompts | None = request.app.state.planner.prompts
    if prompts is None:
        raise Unavailable("This planner was started without a store of prompts. Start it by `planner-memory serve planner-engine`.")
    return prompts


def _scope(caller: Caller, client_id: str | None) -> str | None:
    """The client that is asked for; None, everyone, is for keys that are bound to no client."""
    if client_id is not None:
        return caller.client(client_id)
    _check_free(caller)
    return None


def _check_free(caller: Caller) -> None:
    if caller.key.client_ids is not None:
        raise NotAllowed("This key is bound to some clients, and prompts are everyone's. Use a key of every client, or name your client_id.")


def _reads(caller: Caller, client_id: str | None) -> str | None:
    return caller.client(client_id) if client_id is not None else None


@router.get("", operation_id="prompts")
async def prompts(caller: Authenticated, request: Request, client_id: str | None = None) -> dict[str, Any]:
    """Every prompt, its versions and the one that counts."""
    answer = await _prompts(request).listed(_reads(caller, client_id))
    if caller.key.client_ids is not None:
        for prompt in answer["prompts"]:
            prompt["clients"] = {c: v for c, v in prompt["clients"].items() if c in caller.key.client_ids}
    return answer


@router.get("/{name}", operation_id="prompt")
async def prompt(name: Name, caller: Authenticated, request: Request, version: Version = None, client_id: str | None = None) -> dict[str, Any]:
    """The text of a version, without one of that which counts."""
    return await _prompts(request).shown(name, version, _reads(caller, client_id))


@router.get("/{name}/diff", operation_id="diff_prompt")
async def diff_prompt(
    name: Name,
    caller: Authenticated,
    request: Request,
    before: Annotated[str, Query(max_length=20)],
    after: Version = None,
    client_id: str | None = None,
) -> dict[str, Any]:
    """What changed between two versions, as a unified diff."""
    return await _prompts(request).compared(name, before, after, _reads(caller, client_id))


@router.post("/{name}/versions", status_code=201, operation_id="edit_prompt")
async def edit_prompt(name: Name, body: PromptEdit, caller: Authenticated, request: Request) -> dict[str, Any]:
    """A new version beside the others."""
    _check_free(caller)  # a version is everyone's to read and choose
    return await _prompts(request).edited(name, body.content, client_id=body.client_id, note=body.note, use=body.use)


@router.put("/{name}/version", operation_id="use_prompt")
async def use_prompt(name: Name, body: PromptUse, caller: Authenticated, request: Request) -> dict[str, Any]:
    """Lets a version count, for one client or for everyone."""
    return await _prompts(request).used(name, body.version, _scope(caller, body.client_id))


@router.post("/{name}/rollback", operation_id="roll_back_prompt")
async def roll_back_prompt(name: Name, caller: Authenticated, request: Request, body: PromptRollback | None = None) -> dict[str, Any]:
    """Takes the newest choice back."""
    return await _prompts(request).rolled_back(name, _scope(caller, body.client_id if body else None))
