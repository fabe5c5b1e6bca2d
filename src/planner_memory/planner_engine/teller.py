"""Tells the memory of plans and runs. A memory that does not answer holds up neither: a plan stays marked until it is told."""

import structlog

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.core.tenancy import spanning
from planner_memory.planner_engine.telling import plan_graph, plan_memory, run_graph, run_memory
from planner_memory.ports.memory import Memory
from planner_memory.ports.plans import Plan, PlanStore, Run

log = structlog.get_logger()


class Teller:
    """Part of the planner."""

    def __init__(self, *, store: PlanStore, memory: Memory) -> None:
        self._store = store
        self._memory = memory

    async def plan(self, plan: Plan) -> bool:
        """False when the memory did not answer; the plan stays marked then."""
        try:
            nodes, edges = plan_graph(plan)
            await self._memory.put_graph(nodes, edges, client_id=plan.client_id)
            await self._memory.remember(plan_memory(plan), idempotency_key=f"plan-created-{plan.id}")
        except PlannerMemoryError as error:
            log.warning("plan not told to the memory yet", plan_id=str(plan.id), error=error.detail)
            return False
        async with self._store.begin() as tx:
            await tx.mark_told(plan.id)
        return True

    async def plans_untold(self, limit: int) -> int:
        """Tells of plans that are marked, and stops at the first that the memory does not take; how many it knows of now."""
        with spanning("telling"):
            async with self._store.begin() as tx:
                waiting = await tx.plans_untold(limit)
            told = 0
            for plan in waiting:
                if not await self.plan(plan):
                    break
                told += 1
        return told

    async def run(self, run: Run, plan: Plan | None) -> list[str]:
        """Warnings; empty when the memory knows of the run."""
        nodes, edges = run_graph(run, plan.process_template_id if plan else None)
        memory = run_memory(run)
        try:
            if nodes:
                await self._memory.put_graph(nodes, edges, client_id=run.client_id)
            if memory:
                await self._memory.remember(memory, idempotency_key=f"run-{run.run_id}")
        except PlannerMemoryError as error:
            log.warning("run not told to the memory", run_id=run.run_id, error=error.detail)
            return ["The run is stored, but the memory did not answer, so it knows nothing of it."]
        return []
