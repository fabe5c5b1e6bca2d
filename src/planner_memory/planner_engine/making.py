"""Where a plan's steps come from: an earlier plan, a language model, or the pattern library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.local_time import zone
from planner_memory.core.profile import Profile
from planner_memory.planner_engine.checklist import Draft
from planner_memory.planner_engine.context import Context, Item, assembled, items_of
from planner_memory.planner_engine.drafting import Means, Order, Reading, steps_of, title_of
from planner_memory.planner_engine.preferences import Limit
from planner_memory.planner_engine.recalling import Recalled
from planner_memory.planner_engine.replies import ManifoldReply, SopReply, drafts_of
from planner_memory.planner_engine.reusing import copied
from planner_memory.planner_engine.words import stems
from planner_memory.planner_engine.work_days import DayWishes, with_wishes
from planner_memory.ports.plans import Plan
from planner_memory.prompting.inputs import ManifoldInput, SopInput
from planner_memory.prompting.rendering import as_data
from planner_memory.prompting.writer import MODEL_IS_DOWN, Writer, Written

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Made:
    """Steps before splitting. `chosen` is the SOP's `pattern`; `notes` goes into the metadata; `call_ids` are settled with the plan."""

    drafts: Sequence[Draft]
    name: str
    generator: str
    chosen: Mapping[str, Any]
    notes: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] | None = None  # the person's changes that went in
    warnings: Sequence[str] = ()
    means: Means = field(default_factory=Means)
    call_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known when the steps are made. `example` is a plan of the same kind that the person changed, `source` the one to reuse."""

    now: datetime
    plan_id: UUID
    profile: Profile
    recalled: Recalled
    limit: Limit | None
    source: Plan | None
    example: Plan | None
    wishes: DayWishes
    workspace: Sequence[Item] | None = None  # what it tells; None when none is connected


class Maker:
    """Without a writer only rules. With `fall_back_to_rules` a model that is down is a warning, else its problem."""

    def __init__(self, *, writer: Writer | None, context_tokens: int, fall_back_to_rules: bool) -> None:
        self._writer = writer
        self._context_tokens = context_tokens
        self._fall_back = fall_back_to_rules

    async def make(self, order: Order, reading: Reading, ground: Ground) -> Made:
        """The steps. No database connection is held meanwhile.

        Raises:
            PlannerMemoryError: as LanguageModel and Writer say.
        """
        if ground.source is not None:
            return _by_copy(ground.source, order, reading, Means(workspace=ground.workspace is not None))
        means = Means(has_model=self._writer is not None, workspace=ground.workspace is not None)
        if self._writer is None:
            return _by_rules(order, reading, ground, means)
        try:
            return await self._by_model(self._writer, order, reading, ground)
        except MODEL_IS_DOWN as error:
            if not self._fall_back:
                raise
            log.warning("planned by rules, because the model did not answer", error=error.detail)
            made = _by_rules(order, reading, ground, means)
            said = f"The language model could not be used, so the rule-based planner made this plan. {error.detail}"
            return replace(made, warnings=[said, *made.warnings])

    async def _by_model(self, writer: Writer, order: Order, reading: Reading, ground: Ground) -> Made:
        context = assembled(
            items_of(
                now=ground.now.astimezone(zone(ground.profile.time_zone)),
                profile=ground.profile,
                deadline=reading.deadline,
                limit=ground.limit,
                preferences=ground.recalled.preferences,
                workspace=ground.workspace or (),
                extra=order.extra,
                pattern=reading.choice.pattern,
                example=ground.example,
                past=ground.recalled.past,
                near=ground.recalled.near,
            ),
            self._context_tokens,
        )
        intent, client, person, plan_id = as_data(order.intent), order.client_id, order.person_id, ground.plan_id
        written: Written[SopReply] | Written[ManifoldReply]
        if order.use_manifold:
            scales = ManifoldInput(context.text, intent)
            written = await writer.write(
                "sop_generator_manifold", scales, ManifoldReply, purpose="plan", client_id=client, person_id=person, plan_id=plan_id
            )
        else:
            plain = SopInput(context.text, intent)
            written = await writer.write("sop_generator", plain, SopReply, purpose="plan", client_id=client, person_id=person, plan_id=plan_id)
        reply = written.reply
        return Made(
            drafts=drafts_of(reply.checklist, _keys_by_title(reading)),
            name=reply.name,
            generator="model",
            chosen={**_chosen(reading), "why": _why(written, reading)},
            notes={**written.notes, **_context_notes(context), **_manifold_notes(reply)},
            warnings=written.warnings,
            means=Means(written=True, has_model=True, workspace=ground.workspace is not None),
            call_ids=written.call_ids,
        )


def _chosen(reading: Reading) -> dict[str, Any]:
    return {"key": reading.pattern.key, "name": reading.pattern.name, "why": reading.choice.why, "score": reading.choice.score}


def _by_copy(source: Plan, order: Order, reading: Reading, means: Means) -> Made:
    return Made(
        drafts=copied(source, reading.names.client),
        name=title_of(reading, order.intent),
        generator="rules",
        chosen={**(source.sop.get("pattern") or _chosen(reading)), "why": f"The steps of the plan '{source.plan_title}' were used again."},
        notes={"steps_from_plan": str(source.id)},
        own=source.sop.get("own_changes"),
        means=means,
    )


def _by_rules(order: Order, reading: Reading, ground: Ground, means: Means) -> Made:
    example = ground.example
    own = example.sop.get("own_changes") if example and example.sop.get("generator", "rules") == "rules" else None
    drafts, budget = steps_of(reading, order.intent, own)
    notes = {
        "sizes": dict(reading.filled.sizes),
        "assumed_sizes": dict(reading.filled.assumed),
        "budget": budget,
        "steps_from_plan": str(example.id) if example and own else None,
        "day_wishes": ground.wishes.noted(),
    }
    return Made(with_wishes(drafts, ground.wishes), title_of(reading, order.intent), "rules", _chosen(reading), notes, own, means=means)


def _keys_by_title(reading: Reading) -> dict[str, str]:
    """The library's step keys by the stems of their titles: a step that the model took over keeps its history."""
    if reading.choice.pattern is None:
        return {}
    return {"-".join(stems(step.title)[:6]): step.step_key for step in reading.filled.steps}


def _why(written: Written[Any], reading: Reading) -> str:
    prompt, model = written.notes["prompt"], written.notes["model"]
    near = f" Its kind is '{reading.pattern.name}'." if reading.choice.pattern else ""
    return f"Written by {model['name']} with the prompt {prompt['name']} {prompt['version']}.{near}"


def _context_notes(context: Context) -> dict[str, Any]:
    return {
        "model_context": {
            "budget_tokens": context.budget_tokens,
            "used_tokens": context.used_tokens,
            "used": list(context.used),
            "left_out": list(context.left_out),
        }
    }


def _manifold_notes(reply: SopReply) -> dict[str, Any]:
    if not isinstance(reply, ManifoldReply):
        return {}
    return {"manifold": reply.model_dump(include={"position", "scales", "options", "chosen", "why"})}
