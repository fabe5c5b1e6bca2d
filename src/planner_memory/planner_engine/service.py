"""The planner: from an intent to a stored plan, and the plan's later life. Without a model it plans by rules from its pattern library."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import Conflict, InvalidInput, NotFound, PlannerMemoryError
from planner_memory.core.ids import new_id
from planner_memory.core.local_time import zone
from planner_memory.core.profile import Profile
from planner_memory.core.tenancy import spanning
from planner_memory.planner_engine import profile_rules
from planner_memory.planner_engine.answers import plan_answer, plan_line, revision_answer
from planner_memory.planner_engine.drafting import (
    Order,
    binding_limit,
    deadline_of,
    estimate_document,
    estimated,
    read,
    similar,
    steps_of,
    title_of,
    warnings_of,
    with_estimates,
)
from planner_memory.planner_engine.editing import check_status, edited_checklist
from planner_memory.planner_engine.estimates import Estimator
from planner_memory.planner_engine.own_changes import changes
from planner_memory.planner_engine.reusing import copied
from planner_memory.planner_engine.telling import plan_graph, plan_memory
from planner_memory.planner_engine.tracking import Tracker
from planner_memory.ports.memory import Memory, RecalledMemory
from planner_memory.ports.plans import Clients, Plan, PlanStore
from planner_memory.ports.profiles import ProfileStore
from planner_memory.web.health import HealthReport, state_of

log = structlog.get_logger()
_ABOUT_SHAPE = "preference for planning: largest task size, how long a step may be, splitting of work"


class Planner:
    """`tracker` keeps the runs. `default_client` is the person's own client, whose plans serve all others as examples."""

    def __init__(
        self,
        *,
        store: PlanStore,
        memory: Memory,
        profiles: ProfileStore,
        clock: Clock = utc_now,
        default_client: str = "me",
        recall_seconds: float = 3.0,
    ) -> None:
        self._store = store
        self._memory = memory
        self._profiles = profiles
        self._clock = clock
        self._default_client = default_client
        self._recall_seconds = recall_seconds
        self.tracker = Tracker(store=store, memory=memory, profiles=profiles, clock=clock)

    async def plan(self, order: Order) -> dict[str, Any]:
        """A new plan, stored as a draft.

        Raises:
            InvalidInput: the intent or its deadline cannot be planned.
            NotFound: the plan to reuse is not there.
        """
        now = self._clock()
        profile = await self._profiles.profile(order.person_id)
        reading = read(order, now, zone(profile.time_zone))
        preferences, memories, degraded = await self._recalled(order)
        limit = binding_limit(reading.limit, preferences, profile)
        sources = tuple(dict.fromkeys((order.client_id, self._default_client)))
        plan_id, pattern = new_id(), reading.pattern
        template_id: str | None = f"pattern:{pattern.key}"
        async with self._store.begin() as tx:
            source = await tx.plan(order.reuse, (order.client_id,)) if order.reuse else None
            if order.reuse and source is None:
                raise NotFound(f"There is no plan {order.reuse} of client {order.client_id} to reuse. GET /api/v1/planner/plans lists them.")
            recent = await tx.plans_since((order.client_id,), now - timedelta(days=7), limit=200)
            example = None if source else await tx.plan_of_pattern(sources, pattern.key)
        own = source.sop.get("own_changes") if source else example.sop.get("own_changes") if example else None
        if source:
            drafts, budget = copied(source, reading.names.client), None
            template_id = source.process_template_id
        else:
            drafts, budget = steps_of(reading, order.intent, own)
        workflow_id = order.workflow_id or (source.workflow_id if source else None)
        estimator = await self._estimator(order.person_id, [d.step_key for d in drafts], template_id, workflow_id)
        checklist, total = estimated(drafts, plan_id, estimator, limit, template_id=template_id, workflow_id=workflow_id)
        warnings = [*degraded, *warnings_of(order, reading, reading.deadline, total, profile, now, limit, len(checklist))]
        chosen = {"key": pattern.key, "name": pattern.name, "why": reading.choice.why, "score": reading.choice.score}
        if source:
            chosen = {**(source.sop.get("pattern") or chosen), "why": f"The steps of the plan '{source.plan_title}' were used again."}
            warnings = [w for w in warnings if w != reading.choice.why]
        name = title_of(reading, order.intent)
        notes = {
            "sizes": dict(reading.filled.sizes),
            "assumed_sizes": dict(reading.filled.assumed),
            "budget": budget,
            "deadline_read": reading.deadline
            and {"text": reading.deadline.text, "day": reading.deadline.day.isoformat(), "note": reading.deadline.note},
            "client_name": reading.names.client,
            "person_name": reading.names.person,
            "topic": reading.names.topic,
            "largest_step": limit and {"minutes": limit.minutes, "source": limit.source},
            "context_used": [_noted(m) for m in [*preferences, *memories]],
            "steps_from_plan": str(source.id) if source else str(example.id) if example and own else None,
            "context": dict(order.extra),
        }
        sop = {
            "name": name,
            "template_type": "Operational",
            "process_template_id": template_id,
            "checklist": checklist,
            "estimate": estimate_document(total),
            "pattern": chosen,
            "generator": "rules",
            "warnings": warnings,
            "metadata": {k: v for k, v in notes.items() if v is not None},
            "next_task_number": len(checklist) + 1,
            **({"own_changes": own} if own else {}),
        }
        made = Plan(
            id=plan_id,
            plan_title=name[:500],
            intent=order.intent,
            sop=sop,
            client_id=order.client_id,
            person_id=order.person_id,
            status="draft",
            revision=1,
            process_template_id=template_id,
            workflow_id=workflow_id,
            blueprint_id=source.blueprint_id if source else None,
            engagement_id=order.engagement_id,
            deadline_at=reading.deadline.at if reading.deadline else None,
            # kept until the memory has answered, so that a crash in between loses nothing
            metadata={"similar_plans": similar(order.intent, pattern.key, recent), "untold": True},
            created_at=now,
            updated_at=now,
        )
        async with self._store.begin() as tx:
            await tx.add_plan(made)
        if await self._tell(made):
            made = replace(made, metadata={k: v for k, v in made.metadata.items() if k != "untold"})
        return plan_answer(made)

    async def plans(self, clients: Clients, *, status: str | None, limit: int) -> dict[str, Any]:
        async with self._store.begin() as tx:
            found = await tx.plans(clients, status=status, limit=limit)
        return {"plans": [plan_line(p) for p in found], "total": len(found)}

    async def stored(self, plan_id: UUID, clients: Clients) -> Plan:
        """Raises NotFound for a plan that is not there or belongs to another client."""
        async with self._store.begin() as tx:
            return _found(await tx.plan(plan_id, clients), plan_id)

    async def read(self, plan_id: UUID, clients: Clients) -> dict[str, Any]:
        """The plan with its earlier revisions."""
        async with self._store.begin() as tx:
            plan = _found(await tx.plan(plan_id, clients), plan_id)
            revisions = await tx.revisions(plan_id) if plan.revision > 1 else []
        return {**plan_answer(plan), "revisions": [revision_answer(r) for r in revisions]}

    async def change(self, plan_id: UUID, clients: Clients, change: Mapping[str, Any]) -> dict[str, Any]:
        """Sets the status, edits the plan, or both. An edit is a new revision; task ids of kept steps stay.

        Raises:
            NotFound, Conflict: no such plan; a status that cannot follow, or an edit of a revision that is not the newest.
            InvalidInput: the checklist is impossible.
        """
        now = self._clock()
        before = await self.stored(plan_id, clients)
        tz = zone((await self._profiles.profile(before.person_id)).time_zone)
        deadline = deadline_of(change.get("deadline"), now, tz)
        sent: Sequence[Mapping[str, Any]] | None = change.get("checklist")
        estimator, steps, next_number = None, list[dict[str, Any]](), 0
        if sent is not None:
            steps, next_number = _edited(before, sent)
            estimator = await self._estimator(before.person_id, [s["step_key"] for s in steps], before.process_template_id, before.workflow_id)
        async with self._store.begin() as tx:
            plan = _found(await tx.plan(plan_id, clients, locked=True), plan_id)
            if change.get("revision") not in (None, plan.revision) or (sent is not None and plan.revision != before.revision):
                raise Conflict(f"The plan is at revision {plan.revision} by now. Read it again and repeat the edit.", revision=plan.revision)
            if change.get("status"):
                check_status(plan.status, change["status"])
            after = replace(plan, status=change.get("status") or plan.status, updated_at=now)
            if sent is not None or change.get("name") or deadline:
                await tx.keep_revision(plan)
                after = replace(after, revision=plan.revision + 1, plan_title=change.get("name") or plan.plan_title)
                after = replace(after, deadline_at=deadline.at if deadline else plan.deadline_at, sop={**plan.sop, "name": after.plan_title})
                if estimator is not None:
                    after = _with_checklist(after, steps, next_number, estimator)
            await tx.save_plan(after)
        return plan_answer(after)

    async def tell_memory(self, limit: int = 50) -> int:
        """Tells the memory of plans that it was not told of yet; returns how many it knows of now. Safe to repeat, for a timer."""
        with spanning("telling"):
            async with self._store.begin() as tx:
                waiting = await tx.plans_untold(limit)
            told = 0
            for plan in waiting:
                if not await self._tell(plan):
                    break
                told += 1
        return told

    async def profile(self, person_id: str) -> Profile:
        return await self._profiles.profile(person_id)

    async def change_profile(self, person_id: str, change: Mapping[str, Any]) -> Profile:
        """Raises InvalidInput, naming the field, when a value is not possible."""
        profile = replace(profile_rules.changed(await self._profiles.profile(person_id), change), person_id=person_id)
        await self._profiles.save_profile(profile)
        return profile

    async def health(self) -> HealthReport:
        postgres, gateway = await asyncio.gather(state_of(self._store.check), state_of(self._memory.check))
        return HealthReport({"postgres": postgres, "memory_gateway": gateway, "llm": "off"}, frozenset({"postgres"}), {"generator": "rules"})

    async def _estimator(self, person_id: str, step_keys: Sequence[str], template_id: str | None, workflow_id: str | None) -> Estimator:
        with spanning("estimates"):  # numbers only, of everyone's runs
            async with self._store.begin() as tx:
                history = await tx.history(
                    person_id,
                    step_keys=list(step_keys),
                    template_ids=[template_id] if template_id else [],
                    workflow_ids=[workflow_id] if workflow_id else [],
                )
        return Estimator(history, person_id)

    async def _recalled(self, order: Order) -> tuple[Sequence[RecalledMemory], Sequence[RecalledMemory], list[str]]:
        """Preferences, other memories near the intent, and warnings when the memory could not be asked."""
        try:
            async with asyncio.timeout(self._recall_seconds):
                preferences, shaping, near = await asyncio.gather(
                    self._memory.recall(order.intent[:1000], client_id=order.client_id, k=10, memory_type="preference"),
                    self._memory.recall(_ABOUT_SHAPE, client_id=order.client_id, k=20, memory_type="preference"),
                    self._memory.recall(order.intent[:1000], client_id=order.client_id, k=5),
                )
        except (PlannerMemoryError, TimeoutError) as error:
            log.warning("recall failed", error=str(error))
            return (), (), ["The memory did not answer, so remembered preferences were not used."]
        kept = {m.memory_id: m for m in (*preferences.results, *shaping.results)}
        others = [m for m in near.results if m.memory_id not in kept]
        parts = sorted({d for recall in (preferences, shaping, near) for d in recall.degraded})
        return list(kept.values()), others, [f"The memory answered in part only: {'; '.join(parts)}."] if parts else []

    async def _tell(self, plan: Plan) -> bool:
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


def _found(plan: Plan | None, plan_id: UUID) -> Plan:
    if plan is None:
        raise NotFound(f"There is no plan {plan_id}. GET /api/v1/planner/plans lists the plans there are.")
    return plan


def _noted(memory: RecalledMemory) -> dict[str, Any]:
    return {"memory_id": str(memory.memory_id), "memory_type": memory.memory_type, "content": memory.content[:300], "score": round(memory.score, 3)}


def _edited(plan: Plan, sent: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    if plan.status in ("completed", "cancelled"):
        raise Conflict(f"A plan that is {plan.status} is not edited any more. Make a new one with 'reuse'.")
    if not sent:
        raise InvalidInput("A plan needs at least one step.", field="checklist")
    highest = max((int(s["task_id"].rsplit(":", 1)[1]) for s in plan.checklist), default=0)
    return edited_checklist(plan.id, plan.checklist, sent, max(plan.sop.get("next_task_number", 1), highest + 1))


def _with_checklist(plan: Plan, steps: list[dict[str, Any]], next_number: int, estimator: Estimator) -> Plan:
    checklist, total = with_estimates(steps, estimator, template_id=plan.process_template_id, workflow_id=plan.workflow_id)
    client = plan.sop.get("metadata", {}).get("client_name")
    own = changes(plan.checklist, checklist, plan.sop.get("own_changes"), client=client)
    sop = {**plan.sop, "checklist": checklist, "estimate": estimate_document(total), "next_task_number": next_number}
    sop.pop("own_changes", None)
    return replace(plan, sop={**sop, "own_changes": own} if own else sop)
