"""The workspace that the settings name."""

import asyncio

from planner_memory.adapters.coda.mcp.dialects import CodaMcpWorkspace
from planner_memory.adapters.postgres.workspace import PostgresWorkspace
from planner_memory.core.errors import NotStarted, PlannerMemoryError
from planner_memory.ports.workspace import Workspace
from planner_memory.settings import Settings
from planner_memory.wiring.coda import coda_mcp_workspace, coda_workspace
from planner_memory.wiring.platform import Platform


def workspace_kind(settings: Settings) -> str:
    """The one that is set, else Coda when it can be reached, else the own tables."""
    return settings.workspace or ("coda-mcp" if settings.coda_mcp_url else "coda" if settings.coda_api_token else "postgresql")


async def open_workspace(platform: Platform) -> Workspace:
    """Opened once per process, for planner and observer together.

    Raises:
        NotStarted: the workspace that was chosen lacks its address or its token.
    """
    if platform.workspace is None:
        kind = workspace_kind(platform.settings)
        platform.workspace = _opened(kind, platform)
        platform.stack.push_async_callback(platform.workspace.close)
        platform.adapters["workspace"] = kind
        if isinstance(platform.workspace, CodaMcpWorkspace):
            opening = asyncio.create_task(platform.workspace.open())
            platform.stack.push_async_callback(_ended, opening)
    return platform.workspace


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _opened(kind: str, platform: Platform) -> Workspace:
    if kind == "coda-mcp":
        return coda_mcp_workspace(platform.settings)
    if kind == "coda":
        return coda_workspace(platform.settings)
    return PostgresWorkspace(platform.database)


async def missing_in_workspace(settings: Settings) -> list[str]:
    """What has to be mended in a Coda doc before everything works, or why that cannot be told; nothing for the own tables."""
    kind = workspace_kind(settings)
    if kind == "postgresql":
        return []
    try:
        workspace = coda_workspace(settings) if kind == "coda" else coda_mcp_workspace(settings)
    except NotStarted as error:
        return [error.detail]
    try:
        return await workspace.missing()
    except PlannerMemoryError as error:
        return [error.detail]
    finally:
        await workspace.close()
