"""The planner's workspace in one place: what it tells of a plan, what is kept for it, and how far that has come."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import Conflict, PlannerMemoryError
from planner_memory.core.tenancy import spanning
from planner_memory.planner_engine.drafting import Order
from planner_memory.planner_engine.workspace_context import Gathered, WorkspaceContext
from planner_memory.planner_engine.workspace_courier import Courier
from planner_memory.planner_engine.workspace_graph import Synced, WorkspaceGraph
from planner_memory.planner_engine.workspace_keeping import WorkspaceKeeping
from planner_memory.planner_engine.workspace_steps import checklist_of
from planner_memory.planner_engine.workspace_tasks import tasks_key, template_key, template_wish
from planner_memory.ports.memory import Memory
from planner_memory.ports.plans import Plan
from planner_memory.ports.workspace import Workspace, WorkspaceTables
from planner_memory.ports.workspace_writes import KeptWrite, WorkspaceWrite, WorkspaceWriteStore, WorkspaceWriteTransaction, WriteBacklog, WriteState
from planner_memory.web.health import State, state_of

log = structlog.get_logger()
_LOOK_BACK = timedelta(days=1)  # the sweep computes states, so a task that is met again costs a comparison


class WorkspaceDesk:
    """`tables` are the product's own, which are the workspace unless another was chosen.

    `seconds`: how long a request waits for its own writes; what takes longer goes on behind it.
    """

    def __init__(
        self,
        workspace: Workspace,
        store: WorkspaceWriteStore,
        memory: Memory,
        clock: Clock,
        *,
        tables: WorkspaceTables,
        default_client: str = "me",
        seconds: float = 5.0,
        task_seconds: float = 0.3,
    ) -> None:
        self.workspace = workspace
        self.store = store
        self._clock = clock
        self._seconds = seconds
        self._task_seconds = task_seconds
        self._context = WorkspaceContext(workspace, store, name=workspace.name)
        self.courier = Courier(workspace, store, memory)
        self.graph = WorkspaceGraph(workspace, store, memory, clock, default_client=default_client, tables=None if workspace is tables else tables)
        self.keeping = WorkspaceKeeping(workspace, tables if workspace is tables else None, default_client=default_client)
        self._running: set[asyncio.Task[int]] = set()

    def begin(self) -> AbstractAsyncContextManager[WorkspaceWriteTransaction]:
        return self.store.begin()

    async def gather(self, order: Order) -> Gathered:
        return await self._context.gather(order)

    def wishes(self, plan: Plan, *, with_tasks: bool, project_id: str | None) -> list[WorkspaceWrite]:
        """What a new plan wants written, to be kept in its own transaction."""
        found = template_wish(plan)
        return [found, _tasks_wish(plan, project_id)] if with_tasks else [found]

    async def want_tasks(self, plan: Plan, project_id: str | None) -> None:
        """The plan's steps as tasks of the workspace, once.

        Raises:
            Conflict: they are wished for another project already.
        """
        async with self.store.begin() as tx:
            await tx.plan(plan.id, (plan.client_id,), locked=True)
            kept = {w.key: w for w in await tx.writes(plan_id=plan.id, limit=1000)}
            before, template = kept.get(tasks_key(plan.id)), kept.get(template_key(plan.id))
            if before is not None and before.payload.get("project_id") != project_id:
                raise Conflict(f"The tasks of this plan were made for project {before.payload.get('project_id')} already.")
            if before is None:
                wish = _tasks_wish(plan, project_id, template.payload["checklist"] if template else None)
                await tx.want([wish] if template else self.wishes(plan, with_tasks=True, project_id=project_id))
        await self.deliver(plan.id)

    async def deliver(self, plan_id: UUID) -> None:
        """Tries a plan's writes now, for as long as a request may wait."""
        await self._briefly(self.courier.deliver(plan_id=plan_id), self._seconds)

    async def follow(self, client_id: str, plan_id: UUID | None, task_ids: list[str] | None) -> None:
        """After a change of a schedule, a run or a plan. What fails here is found again by the sweep."""

        async def followed() -> int:
            changed = await self.courier.follow(client_id, plan_id, task_ids)
            return await self.courier.deliver(plan_id=plan_id) if changed else 0

        await self._briefly(followed(), self._task_seconds)

    async def deliver_due(self) -> int:
        """For a timer: everything that is due."""
        return await self.courier.deliver()

    async def sweep(self) -> int:
        """For a slower timer: whatever nobody told of, because a process died or another one did it, and then everything that is due."""
        await self.courier.follow_touched(self._clock() - _LOOK_BACK)
        return await self.deliver_due()

    async def sync(self, *, whole: bool = False) -> Synced:
        """The graph from the workspace's rows and from the runs, as WorkspaceGraph says."""
        return await self.graph.sync(whole=whole)

    async def mirror(self) -> None:
        """After rows were written: brings them into the graph. What fails is brought by the next sync."""

        async def mirrored() -> int:
            return sum((await self.graph.sync()).records.values())

        await self._briefly(mirrored(), self._seconds)

    async def overview(self) -> dict[str, Any]:
        """Which workspace it is, whether it answers, and what waits for it."""
        state, waiting = await self.health()
        return {"origin": self.workspace.origin, "state": state, **waiting}

    async def writes(self, plan_id: UUID | None, state: WriteState | None, *, limit: int) -> list[KeptWrite]:
        async with self.store.begin() as tx:
            return await tx.writes(plan_id=plan_id, state=state, limit=limit)

    async def try_again(self) -> int:
        """Makes due what waits or was refused, and tries it."""
        async with self.store.begin() as tx:
            await tx.try_again()
        return await self.courier.deliver()

    async def told(self, plan: Plan) -> dict[str, Any]:
        """What the plan's answer says of its writes."""
        kept = {w.key: w for w in await self.writes(plan.id, None, limit=1000)}
        template, tasks = kept.get(template_key(plan.id)), kept.get(tasks_key(plan.id))
        waiting = [w for w in kept.values() if w.state != "done"]
        return {
            "adapter": self.workspace.name,
            "process_template": _part(template, "id"),
            "tasks": _part(tasks, "tasks"),
            "pending": sum(w.state == "pending" for w in waiting),
            "refused": sum(w.state == "refused" for w in waiting),
            "warnings": [_warning(w, self.workspace.name) for w in waiting if w.kind in ("process_template", "tasks")]
            + _task_warnings([w for w in waiting if w.kind == "task"], self.workspace.name),
        }

    async def health(self) -> tuple[State, dict[str, Any]]:
        """Whether it answers, and how many writes wait for it or were refused; the counts are None when PostgreSQL cannot say."""
        state = await state_of(self.workspace.check)
        backlog: WriteBacklog | None = None
        with spanning("health"), suppress(PlannerMemoryError):
            async with self.store.begin() as tx:
                backlog = await tx.write_backlog()
        return state, {
            "adapter": self.workspace.name,
            "pending": backlog.pending if backlog else None,
            "refused": backlog.refused if backlog else None,
            "oldest_pending_at": backlog.oldest_at.isoformat() if backlog and backlog.oldest_at else None,
        }

    async def close(self) -> None:
        """Waits for what is under way; a process that is killed instead loses nothing."""
        if self._running:
            await asyncio.wait(self._running, timeout=10)
        for task in self._running:
            task.cancel()

    async def _briefly(self, work: Any, seconds: float) -> None:
        task: asyncio.Task[int] = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task}, timeout=seconds)

    def _ended(self, task: asyncio.Task[int]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, PlannerMemoryError):
            log.warning("the workspace's writes wait", error=error.detail)
        elif error is not None:
            log.error("the workspace's writes went wrong", exc_info=error)


def _tasks_wish(plan: Plan, project_id: str | None, written: Sequence[Mapping[str, Any]] | None = None) -> WorkspaceWrite:
    """`written`: the template's steps, when the plan may have been edited since; a step that is no more has no task of the plan."""
    free: dict[str, list[str]] = {}
    for step in plan.checklist:
        free.setdefault(step["step_key"], []).append(step["task_id"])
    steps = checklist_of(plan.checklist) if written is None else written
    names = {str(step["number"]): free[step["key"]].pop(0) for step in steps if free.get(step["key"])}
    payload = {"template_key": template_key(plan.id), "project_id": project_id, "task_ids": names}
    return WorkspaceWrite(tasks_key(plan.id), "tasks", plan.client_id, payload, plan.id)


def _part(write: KeptWrite | None, result: str) -> dict[str, Any] | None:
    if write is None:
        return None
    found = {"state": write.state, result: (write.result or {}).get(result)}
    return {**found, "error": write.error} if write.state != "done" else found


_NAMES = {"process_template": "process template", "tasks": "tasks"}


def _warning(write: KeptWrite, name: str) -> str:
    what = f"The {_NAMES[write.kind]} of this plan"
    if write.state == "refused":
        return f"{what} could not be written to the workspace ({name}): {write.error}"
    return f"{what} will be written to the workspace ({name}) when it answers.{' ' + write.error if write.error else ''}"


def _task_warnings(writes: Sequence[KeptWrite], name: str) -> list[str]:
    if not writes:
        return []
    reason = next((w.error for w in writes if w.error), None)
    return [f"Changes of {len(writes)} tasks are not in the workspace ({name}) yet.{' ' + reason if reason else ''}"]


def write_answer(write: KeptWrite) -> dict[str, Any]:
    """A kept write as the outside sees it."""
    return {
        "key": write.key,
        "kind": write.kind,
        "state": write.state,
        "client_id": write.client_id,
        "plan_id": str(write.plan_id) if write.plan_id else None,
        "task_id": write.task_id,
        "attempts": write.attempts,
        "error": write.error,
        "due_at": write.due_at.isoformat(),
        "noted_at": write.noted_at.isoformat(),
        "done_at": write.done_at.isoformat() if write.done_at else None,
    }
