"""The workspace that the settings name, and the planner's desk for it."""

from planner_memory.adapters.postgres.workspace import PostgresWorkspace
from planner_memory.adapters.postgres.workspace_writes import PostgresWorkspaceWrites
from planner_memory.core.errors import NotStarted
from planner_memory.planner_engine.workspace_desk import WorkspaceDesk
from planner_memory.ports.memory import Memory
from planner_memory.ports.workspace import Workspace
from planner_memory.settings import Settings
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
    return platform.workspace


def _opened(kind: str, platform: Platform) -> Workspace:
    settings = platform.settings
    if kind == "coda-mcp" and settings.coda_mcp_url is None:
        raise NotStarted("PLANNER_WORKSPACE=coda-mcp needs CODA_MCP_URL, the address of the MCP server.")
    if kind == "coda" and settings.coda_api_token is None:
        raise NotStarted("PLANNER_WORKSPACE=coda needs CODA_API_TOKEN, made in Coda's account settings.")
    if kind != "postgresql":
        raise NotStarted(f"PLANNER_WORKSPACE={kind} is not part of this build. Use postgresql, or leave CODA_MCP_URL and CODA_API_TOKEN unset.")
    return PostgresWorkspace(platform.database)


async def open_workspace_desk(platform: Platform, memory: Memory) -> WorkspaceDesk:
    """Its background work: what is kept for the workspace goes out every minute, and the graph follows its rows every ten."""
    workspace = await open_workspace(platform)
    desk = WorkspaceDesk(
        workspace,
        PostgresWorkspaceWrites(platform.database),
        memory,
        platform.clock,
        tables=workspace if isinstance(workspace, PostgresWorkspace) else PostgresWorkspace(platform.database),
        default_client=platform.settings.client_id,
    )
    platform.stack.push_async_callback(desk.close)

    async def deliver() -> None:
        await desk.sweep()

    async def sync() -> None:
        await desk.sync()

    platform.jobs.register("planner-engine-workspace", deliver, cron="* * * * *")
    platform.jobs.register("planner-engine-workspace-graph", sync, cron="*/10 * * * *")
    return desk
