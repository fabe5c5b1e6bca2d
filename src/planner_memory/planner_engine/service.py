"""The planner: from an intent to a stored plan, and the plan's later life. Without a model it plans by rules from its pattern library."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import Conflict, NotFound
from planner_memory.core.ids import new_id
from planner_memory.core.local_time import zone
from planner_memory.core.profile import Profile
from planner_memory.core.tenancy import spanning
from planner_memory.planner_engine import profile_rules
from planner_memory.planner_engine.answers import plan_answer, plan_line, revision_answer
from planner_memory.planner_engine.context import DEFAULT_TOKENS
from planner_memory.planner_engine.drafting import Order, binding_limit, deadline_of, estimated, read, similar, warnings_of
from planner_memory.planner_engine.editing import check_editable, check_status
from planner_memory.planner_engine.estimates import Estimator, Task
from planner_memory.planner_engine.making import Ground, Maker
from planner_memory.planner_engine.recalling import recalled
from planner_memory.planner_engine.reviser import Revised, Reviser, with_revision_noted
from planner_memory.planner_engine.revising import fitted, is_changed, sent_of
from planner_memory.planner_engine.sop import next_steps, sop_document, with_checklist
from planner_memory.planner_engine.teller import Teller
from planner_memory.planner_engine.tracking import Tracker
from planner_memory.planner_engine.work_days import day_wishes, with_days_off
from planner_memory.planner_engine.workspace_context import Gathered
from planner_memory.planner_engine.workspace_desk import WorkspaceDesk
from planner_memory.ports.memory import Memory
from planner_memory.ports.plans import Clients, Plan, PlanStore
from planner_memory.ports.profiles import ProfileStore
from planner_memory.prompting.versions import Prompts
from planner_memory.prompting.writer import Writer
from planner_memory.web.health import HealthReport, State, state_of
from planner_memory.web.model_state import ModelState

_ONE_REQUEST = timedelta(hours=24)  # as long as an Idempotency-Key is kept


class Planner:
    """`tracker` keeps the runs, `prompts` the versions of the prompts. `default_client` is the person's own client, whose plans serve all others
    as examples."""

    def __init__(
        self,
        *,
        store: PlanStore,
        memory: Memory,
        profiles: ProfileStore,
        clock: Clock = utc_now,
        default_client: str = "me",
        recall_seconds: float = 3.0,
        writer: Writer | None = None,
        prompts: Prompts | None = None,
        context_tokens: int = DEFAULT_TOKENS,
        fall_back_to_rules: bool = False,
        workspace: WorkspaceDesk | None = None,
    ) -> None:
        """Without a `writer`, which asks the language model, plans are made by rules; without a workspace from the intent alone."""
        self._store = store
        self._memory = memory
        self._profiles = profiles
        self._clock = clock
        self._default_client = default_client
        self._recall_seconds = recall_seconds
        self._has_model = writer is not None
        self._maker = Maker(writer=writer, context_tokens=context_tokens, fall_back_to_rules=fall_back_to_rules)
        self._reviser = Reviser(writer=writer, fall_back_to_rules=fall_back_to_rules)
        self._model_state = ModelState(writer.model if writer else None)
        self.prompts = prompts
        self.workspace = workspace
        self._teller = Teller(store=store, memory=memory)
        self.tracker = Tracker(store=store, teller=self._teller, profiles=profiles, clock=clock, follow=workspace.follow if workspace else None)

    async def plan(self, order: Order) -> dict[str, Any]:
        """A new plan, stored as a draft. The same request again, by its `plan_id`, answers with the plan that it made.

        Raises:
            InvalidInput: the intent or its deadline cannot be planned.
            NotFound: the plan to reuse is not there.
            PlannerMemoryError: the language model cannot be used, as LanguageModel says.
        """
        now = self._clock()
        profile, known, gathered = await asyncio.gather(
            self._profiles.profile(order.person_id),
            recalled(self._memory, order.intent, order.client_id, seconds=self._recall_seconds, with_past=self._has_model and not order.reuse),
            self._gathered(order),
        )
        reading = read(order, now, zone(profile.time_zone))
        if gathered is not None:
            order = replace(order, workflow_id=gathered.workflow_id, engagement_id=gathered.engagement_id)
            reading, said = gathered.applied(reading)
            gathered = replace(gathered, warnings=[*gathered.warnings, *said])
        limit, wishes = binding_limit(reading.limit, known.preferences, profile), day_wishes(known.preferences)
        profile = with_days_off(profile, wishes)
        sources = tuple(dict.fromkeys((order.client_id, self._default_client)))
        plan_id = order.plan_id or new_id()
        async with self._store.begin() as tx:
            made_before = await tx.plan(plan_id, (order.client_id,)) if order.plan_id else None
            if made_before is not None and now - made_before.created_at < _ONE_REQUEST:
                return await self._answered(made_before)
            plan_id = plan_id if made_before is None else new_id()
            source = await tx.plan(order.reuse, (order.client_id,)) if order.reuse else None
            if order.reuse and source is None:
                raise NotFound(f"There is no plan {order.reuse} of client {order.client_id} to reuse. GET /api/v1/planner/plans lists them.")
            recent = await tx.plans_since((order.client_id,), now - timedelta(days=7), limit=200)
            by = None if self._has_model else "rules"
            example = None if source else await tx.plan_of_pattern(sources, reading.pattern.key, generator=by)
        told = gathered.items if gathered else () if self.workspace else None
        made = await self._maker.make(order, reading, Ground(now, plan_id, profile, known, limit, source, example, wishes, told))
        if gathered is not None:
            made = replace(made, notes={**made.notes, **gathered.notes}, warnings=[*gathered.warnings, *made.warnings])
        has_steps = gathered is not None and gathered.workflow is not None and bool(gathered.workflow.steps)
        template_id = source.template_family if source else None if has_steps else f"pattern:{reading.pattern.key}"
        workflow_id = order.workflow_id or (source.workflow_id if source else None)
        estimator = await self._estimator(order.person_id, [d.step_key for d in made.drafts], template_id, workflow_id)
        checklist, total = estimated(made.drafts, plan_id, estimator, limit, template_id=template_id, workflow_id=workflow_id)
        warnings = [*known.warnings, *made.warnings, *warnings_of(order, reading, total, profile, now, limit, len(checklist), made.means)]
        if source:
            warnings = [w for w in warnings if w != reading.choice.why]
        plan = Plan(
            id=plan_id,
            plan_title=made.name[:500],
            intent=order.intent,
            sop=sop_document(order, reading, limit, made, checklist, total, template_id, warnings, known.noted()),
            client_id=order.client_id,
            person_id=order.person_id,
            status="draft",
            revision=1,
            process_template_id=template_id,
            workflow_id=workflow_id,
            blueprint_id=source.blueprint_id if source else gathered.blueprint_id if gathered else None,
            engagement_id=order.engagement_id,
            deadline_at=reading.deadline.at if reading.deadline else None,
            # kept until the memory has answered, so that a crash in between loses nothing
            metadata={"similar_plans": similar(order.intent, reading.pattern.key, recent), "untold": True},
            created_at=now,
            updated_at=now,
        )
        await self._keep(plan, order, made.call_ids)
        written = None
        if self.workspace is not None:
            await self.workspace.deliver(plan.id)
            written = await self.workspace.told(plan)
            plan = replace(plan, process_template_id=written["process_template"]["id"] or plan.process_template_id)
        if await self._teller.plan(plan):
            plan = replace(plan, metadata={k: v for k, v in plan.metadata.items() if k != "untold"})
        return await self._answered(plan, written)

    async def _keep(self, plan: Plan, order: Order, call_ids: Sequence[UUID]) -> None:
        """The plan and what it wants written to the workspace: both or neither."""
        if self.workspace is None:
            async with self._store.begin() as tx:
                await tx.add_plan(plan)
                await tx.settle_answers(call_ids)
            return
        async with self.workspace.begin() as writing:
            await writing.add_plan(plan)
            await writing.settle_answers(call_ids)
            await writing.want(self.workspace.wishes(plan, with_tasks=order.create_tasks, project_id=order.project_id))

    async def _answered(self, plan: Plan, written: dict[str, Any] | None = None) -> dict[str, Any]:
        """The plan, and how far the workspace has it, as `written` says or is read now."""
        answer = plan_answer(plan)
        if self.workspace is None:
            return answer
        told = written or await self.workspace.told(plan)
        return {**answer, "workspace": told, "warnings": [*answer["warnings"], *told.pop("warnings")]}

    async def make_tasks(self, plan_id: UUID, clients: Clients, project_id: str | None) -> dict[str, Any]:
        """The plan's steps as tasks of the workspace, once.

        Raises:
            NotFound, Conflict: no such plan; it is over, its tasks were made for another project, or there is no workspace.
        """
        plan = await self.stored(plan_id, clients)
        check_editable(plan)
        if self.workspace is None:
            raise Conflict("No workspace is connected, so there is nowhere to make tasks.")
        await self.workspace.want_tasks(plan, project_id)
        return await self._answered(await self.stored(plan_id, clients))

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
        return {**await self._answered(plan), "revisions": [revision_answer(r) for r in revisions]}

    async def change(self, plan_id: UUID, clients: Clients, change: Mapping[str, Any], revised: Revised | None = None) -> dict[str, Any]:
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
            steps, next_number = next_steps(before, sent)
            estimator = await self._estimator(before.person_id, [s["step_key"] for s in steps], before.template_family, before.workflow_id)
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
                    after = with_checklist(after, steps, next_number, estimator)
                if revised is not None:
                    after = replace(after, sop=with_revision_noted(after, revised))
                    await tx.settle_answers(revised.call_ids)
            await tx.save_plan(after)
        if self.workspace is not None:
            await self.workspace.follow(after.client_id, after.id, None)
        return await self._answered(after)

    async def revise(self, plan_id: UUID, clients: Clients, instruction: str, revision: int | None = None) -> dict[str, Any]:
        """Edits the plan as an instruction says: by the model, else by the few instructions that rules understand. A new revision.

        Raises:
            InvalidInput: the instruction is not understood, or asks for something impossible.
            NotFound, Conflict: as `change`. PlannerMemoryError: as LanguageModel says.
        """
        plan = await self.stored(plan_id, clients)
        check_editable(plan)
        if revision not in (None, plan.revision):
            raise Conflict(f"The plan is at revision {plan.revision} by now. Read it again and repeat the instruction.", revision=plan.revision)
        revised = await self._reviser.revise(plan, instruction)
        limit = (plan.sop.get("metadata") or {}).get("largest_step")
        if limit:
            keys = [s.step_key for s in revised.board.steps if s.step_key]
            estimator = await self._estimator(plan.person_id, keys, plan.template_family, plan.workflow_id)
            fitted(revised.board, limit["minutes"], lambda hours, key: estimator.task(Task(hours, key, plan.template_family, plan.workflow_id)).p50)
        sent = sent_of(revised.board)
        if not is_changed(sent, plan):
            async with self._store.begin() as tx:
                await tx.settle_answers(revised.call_ids)
            nothing = revised.note or "The instruction changes nothing in this plan."
            return {**plan_answer(plan), "revised": revised.answer(), "warnings": [*plan_answer(plan)["warnings"], nothing]}
        answer = await self.change(plan_id, clients, {"checklist": sent, "revision": plan.revision}, revised)
        return {**answer, "revised": revised.answer(), "warnings": [*answer["warnings"], *revised.warnings, *filter(None, [revised.note])]}

    async def tell_memory(self, limit: int = 50) -> int:
        """Tells the memory of plans that it was not told of yet; returns how many it knows of now. Safe to repeat, for a timer."""
        return await self._teller.plans_untold(limit)

    async def profile(self, person_id: str) -> Profile:
        return await self._profiles.profile(person_id)

    async def change_profile(self, person_id: str, change: Mapping[str, Any]) -> Profile:
        """Raises InvalidInput, naming the field, when a value is not possible."""
        profile = replace(profile_rules.changed(await self._profiles.profile(person_id), change), person_id=person_id)
        await self._profiles.save_profile(profile)
        return profile

    async def health(self) -> HealthReport:
        postgres, gateway, model = await asyncio.gather(
            state_of(self._store.check), state_of(self._memory.check), self._model_state.read(self._clock())
        )
        generator = "model" if self._has_model else "rules"
        states: dict[str, State] = {"postgres": postgres, "memory_gateway": gateway, "llm": model}
        extra: dict[str, Any] = {"generator": generator, **({"model": self._model_state.noted} if self._has_model else {})}
        if self.workspace is not None:
            states["workspace"], extra["workspace"] = await self.workspace.health()
        return HealthReport(states, frozenset({"postgres"}), extra)

    async def _gathered(self, order: Order) -> Gathered | None:
        return await self.workspace.gather(order) if self.workspace and not order.reuse else None

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


def _found(plan: Plan | None, plan_id: UUID) -> Plan:
    if plan is None:
        raise NotFound(f"There is no plan {plan_id}. GET /api/v1/planner/plans lists the plans there are.")
    return plan
