"""The planner's desk for the workspace."""

from planner_memory.adapters.postgres.workspace import PostgresWorkspace
from planner_memory.adapters.postgres.workspace_writes import PostgresWorkspaceWrites
from planner_memory.planner_engine.workspace_desk import WorkspaceDesk
from planner_memory.ports.memory import Memory
from planner_memory.wiring.platform import Platform
from planner_memory.wiring.workspace import open_workspace


async def open_workspace_desk(platform: Platform, memory: Memory) -> WorkspaceDesk:
    """Its background work: what is kept for the workspace goes out every minute, tasks are compared every five, and the graph follows every ten."""
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
        await desk.deliver_due()

    async def sweep() -> None:
        await desk.sweep()

    async def sync() -> None:
        await desk.sync()

    platform.jobs.register("planner-engine-workspace", deliver, cron="* * * * *")
    platform.jobs.register("planner-engine-workspace-tasks", sweep, cron="*/5 * * * *")
    platform.jobs.register("planner-engine-workspace-graph", sync, cron="*/10 * * * *")
    return desk
