"""Brings what is kept for the workspace to it: each wish until it is taken, by its own key, so that it is there once however often it was tried."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.errors import Conflict, InvalidInput, NotAllowed, NotFound, PlannerMemoryError, UpstreamTimeout
from planner_memory.core.tenancy import spanning
from planner_memory.planner_engine.telling import plan_graph
from planner_memory.planner_engine.workspace_steps import step_from
from planner_memory.planner_engine.workspace_tasks import change_of, says_nothing, tasks_key, template_key, template_wish, wish_of
from planner_memory.ports.memory import Memory
from planner_memory.ports.plans import Plan
from planner_memory.ports.workspace import Workspace
from planner_memory.ports.workspace_records import NewProcessTemplate
from planner_memory.ports.workspace_writes import KeptWrite, WorkspaceWrite, WorkspaceWriteStore, WorkspaceWriteTransaction

log = structlog.get_logger()
_LEASE_SECONDS = 120.0
_AT_ONCE = 2  # a plan's template and its tasks
_CALL_SECONDS = 55.0  # so many calls fit into the lease that nobody else begins while one may still be on its way
_REFUSALS = (NotFound, InvalidInput, Conflict, NotAllowed)
_MORE_MAY_FOLLOW = ("tasks",)  # the states of tasks that were just made
_MOST = 500


class _Waits(Exception):
    """What it rests on is not written yet."""


class Courier:
    def __init__(self, workspace: Workspace, store: WorkspaceWriteStore, memory: Memory) -> None:
        self._workspace = workspace
        self._store = store
        self._memory = memory
        self._do: Mapping[str, Callable[[KeptWrite], Awaitable[dict[str, Any]]]] = {
            "process_template": self._template,
            "tasks": self._tasks,
            "task": self._task,
            "graph": self._graph,
        }

    async def deliver(self, *, plan_id: UUID | None = None) -> int:
        """Tries what is due, oldest first; how many were taken. Stops at the first that finds the workspace away."""
        taken = 0
        with spanning("workspace"):
            for _ in range(_MOST):
                async with self._store.begin() as tx:
                    claimed = await tx.claim_writes(plan_id=plan_id, limit=_AT_ONCE, lease_seconds=_LEASE_SECONDS)
                outcomes = await self._try_in_order(claimed)
                taken += outcomes.count(True)
                if None in outcomes or not (True in outcomes or len(claimed) == _AT_ONCE):
                    break
                if len(claimed) < _AT_ONCE and not any(w.kind in _MORE_MAY_FOLLOW for w in claimed):
                    break
        return taken

    async def _try_in_order(self, claimed: list[KeptWrite]) -> list[bool | None]:
        """As `_try`, one after the other; those after one that finds the workspace away go back untried."""
        outcomes: list[bool | None] = []
        for write in claimed:
            if None in outcomes:
                await self._put_off(write, "The workspace did not answer.", _wait(write))
            else:
                outcomes.append(await self._try(write))
        return outcomes

    async def _try(self, write: KeptWrite) -> bool | None:
        """True: taken. False: refused, or waits for another. None: the workspace does not answer."""
        try:
            result = await asyncio.wait_for(self._do[write.kind](write), _CALL_SECONDS)
        except _Waits as reason:
            await self._put_off(write, str(reason), 2.0)
            return False
        except _REFUSALS as error:
            log.warning("the workspace refused a write", key=write.key, error=error.detail)
            async with self._store.begin() as tx:
                await tx.refuse_write(write, error=error.detail)
            return False
        except (PlannerMemoryError, TimeoutError) as error:
            detail = error.detail if isinstance(error, PlannerMemoryError) else UpstreamTimeout("The workspace took too long to answer.").detail
            log.warning("a write waits for the workspace", key=write.key, error=detail)
            await self._put_off(write, detail, _wait(write))
            return False if write.kind == "graph" else None
        except Exception as error:
            log.exception("a write to the workspace went wrong", key=write.key)
            await self._put_off(write, f"Something went wrong with it: {type(error).__name__}.", _wait(write))
            return False
        async with self._store.begin() as tx:
            await tx.finish_write(write, result)
            await self._after(tx, write, result)
        return True

    async def _put_off(self, write: KeptWrite, error: str, seconds: float) -> None:
        async with self._store.begin() as tx:
            await tx.put_off_write(write, error=error, wait_seconds=seconds)

    async def _after(self, tx: WorkspaceWriteTransaction, write: KeptWrite, result: Mapping[str, Any]) -> None:
        """What follows from it, in the transaction that notes it as done."""
        if write.plan_id is None:
            return
        if write.kind == "process_template":
            await tx.set_template(write.plan_id, result["id"])
            plan = await tx.plan(write.plan_id, None)
            if plan is not None and "untold" not in plan.metadata:  # one that the memory was not told of yet is told with its template
                payload = {"process_template_id": result["id"]}
                await tx.want([WorkspaceWrite(f"plan:{plan.id}:graph", "graph", write.client_id, payload, plan.id)])
        elif write.kind == "tasks":
            plan = await tx.plan(write.plan_id, None)
            if plan is not None:
                await follow(tx, plan, [str(task_id) for task_id in result["tasks"]])
                await follow_template(tx, plan)

    async def _template(self, write: KeptWrite) -> dict[str, Any]:
        said = dict(write.payload)
        new = NewProcessTemplate(**{**said, "client_id": write.client_id, "checklist": tuple(step_from(s) for s in said["checklist"])})
        written = (write.result or {}).get("id")
        if written is None:
            written = (await self._workspace.create_process_template(new, key=write.key)).id
        if write.revision > 1:  # a try whose answer was lost may have made it as the plan was then
            await self._workspace.update_process_template(written, new, key=f"{write.key}:{write.revision}")
        return {"id": written}

    async def _tasks(self, write: KeptWrite) -> dict[str, Any]:
        async with self._store.begin() as tx:
            template = next(iter(await tx.writes(keys=[write.payload["template_key"]])), None)
        if template is None or template.state == "refused":
            raise InvalidInput(f"The process template was refused, so its tasks cannot be made: {template.error if template else 'it is not there'}")
        if template.result is None or template.state == "pending":
            raise _Waits("It waits for its process template.")
        made = await self._workspace.create_tasks(template.result["id"], write.payload.get("project_id"), client_id=write.client_id, key=write.key)
        names: Mapping[str, str] = write.payload["task_ids"]
        return {"tasks": {names[str(task.step_number)]: task.id for task in made if str(task.step_number) in names}}

    async def _task(self, write: KeptWrite) -> dict[str, Any]:
        task_id = str(write.task_id)
        if write.plan_id is not None and task_id.startswith("plan:"):
            async with self._store.begin() as tx:
                tasks = next(iter(await tx.writes(keys=[tasks_key(write.plan_id)])), None)
            if tasks is None or tasks.result is None:
                raise _Waits("It waits for the plan's tasks to be made.")
            if task_id not in tasks.result["tasks"]:
                raise NotFound(f"{task_id} came to the plan after its tasks were made in the workspace.")
            task_id = tasks.result["tasks"][task_id]
        task = await self._workspace.update_task(task_id, change_of(write.payload), key=f"{write.key}:{write.revision}")
        return {"id": task.id}

    async def _graph(self, write: KeptWrite) -> dict[str, Any]:
        assert write.plan_id is not None
        async with self._store.begin() as tx:
            plan = await tx.plan(write.plan_id, None)
        if plan is not None:
            nodes, edges = plan_graph(plan)
            await self._memory.put_graph(nodes, edges, client_id=plan.client_id)
        return {}

    async def follow_touched(self, since: datetime) -> int:
        """Keeps wishes for every plan that changed since, and for every task whose plan, schedule or runs did; how many differ from those before."""
        changed = 0
        with spanning("workspace"):
            async with self._store.begin() as tx:
                touched = await tx.tasks_touched(since)
            groups: dict[tuple[str, UUID | None], list[str]] = {}
            for task in touched:
                groups.setdefault((task.client_id, task.plan_id if task.task_id.startswith("plan:") else None), []).append(task.task_id)
            for (client_id, plan_id), task_ids in groups.items():
                changed += await self.follow(client_id, plan_id, task_ids)
        return changed

    async def follow(self, client_id: str, plan_id: UUID | None, task_ids: list[str] | None) -> int:
        """The same for some tasks; None: all of the plan."""
        with spanning("workspace"):
            async with self._store.begin() as tx:
                plan = await tx.plan(plan_id, None) if plan_id else None
                if plan is not None:
                    changed = await follow_template(tx, plan)
                    tasks = next(iter(await tx.writes(keys=[tasks_key(plan.id)])), None)
                    if tasks is None or tasks.result is None:
                        return changed  # when tasks are made, they are followed
                    known = list(tasks.result["tasks"])
                    return changed + await follow(tx, plan, [t for t in known if task_ids is None or t in task_ids])
                own = [t for t in task_ids or () if t.startswith(f"{self._workspace.origin}:")]
                wishes = [wish_of(state, client_id, None) for state in await tx.task_states(client_id, own, None)] if own else []
                return await tx.want(await _worth_saying(tx, wishes))


async def follow(tx: WorkspaceWriteTransaction, plan: Plan, task_ids: list[str]) -> int:
    """Wishes for tasks of a plan that the workspace has; how many differ from what was wished before."""
    states = await tx.task_states(plan.client_id, task_ids, plan.id)
    return await tx.want(await _worth_saying(tx, [wish_of(state, plan.client_id, plan) for state in states]))


async def follow_template(tx: WorkspaceWriteTransaction, plan: Plan) -> int:
    """The wish for a plan's template as the plan is now; 1 when it differs from what was wished before.

    Tasks that are on their way are made by the steps that the template has: until then it stays.
    """
    kept = {w.kind: w for w in await tx.writes(keys=[template_key(plan.id), tasks_key(plan.id)])}
    tasks = kept.get("tasks")
    if "process_template" not in kept or (tasks is not None and tasks.result is None and tasks.state == "pending"):
        return 0
    return await tx.want([template_wish(plan)])


async def _worth_saying(tx: WorkspaceWriteTransaction, wishes: list[WorkspaceWrite]) -> list[WorkspaceWrite]:
    silent = [wish.key for wish in wishes if says_nothing(wish)]
    said_before = {write.key for write in await tx.writes(keys=silent, limit=len(silent))} if silent else set()
    return [wish for wish in wishes if not says_nothing(wish) or wish.key in said_before]


def _wait(write: KeptWrite) -> float:
    """Seconds: 2, 4, 8 … at most five minutes."""
    return float(min(300, 2 ** min(write.attempts, 9)))
