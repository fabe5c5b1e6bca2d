"""Asks a language model for a reply of some kind: chooses the prompt, fences the data, and has a flawed answer repaired once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

import structlog

from planner_memory.core.errors import BudgetSpent, NotConnected, PlannerMemoryError, Unavailable, UpstreamInvalid, UpstreamTimeout
from planner_memory.ports.language_model import Ask, Completion, LanguageModel, Message, ModelLedger
from planner_memory.prompting.inputs import INPUTS, PromptInput
from planner_memory.prompting.rendering import check_content, rendered
from planner_memory.prompting.replies import Reply, Unusable, read_reply, strict_schema
from planner_memory.prompting.versions import Chosen, Prompts

log = structlog.get_logger()
MODEL_IS_DOWN = (Unavailable, UpstreamTimeout, NotConnected, BudgetSpent)
R = TypeVar("R", bound=Reply)
_LONGEST_ECHO = 20_000  # characters of a flawed answer that are shown to the model again


@dataclass(frozen=True, slots=True)
class Written(Generic[R]):
    """A reply that holds, and how it came about. `call_ids` are the ledger's, to be settled when the reply is stored."""

    reply: R
    notes: dict[str, Any]
    warnings: list[str] = field(default_factory=list)
    call_ids: tuple[UUID, ...] = ()


class Writer:
    """`model` is the language model itself, for its name and for `check`. `ledger` is the one that the model writes to."""

    def __init__(self, *, model: LanguageModel, prompts: Prompts, ledger: ModelLedger | None) -> None:
        self.model = model
        self._prompts = prompts
        self._ledger = ledger

    async def write(
        self,
        name: str,
        values: PromptInput,
        kind: type[R],
        *,
        purpose: str,
        client_id: str | None,
        person_id: str,
        plan_id: UUID | None = None,
        check: Callable[[R], Sequence[str]] | None = None,
    ) -> Written[R]:
        """A reply of that kind, by the version of the prompt that counts for the client. `check` names flaws that only the caller can see.

        When what came of the reply is stored, settle its `call_ids`: until then a process that asks the same again, because it died in
        between, gets the same answer and pays nothing. No database connection is held while the model is awaited.

        Raises:
            UpstreamInvalid: the answer to the repair is flawed too; the detail names the flaws.
            PlannerMemoryError: as LanguageModel says.
        """
        chosen: Chosen = await self._prompts.chosen(name, client_id)
        check_content(name, chosen.template.content)
        assert isinstance(values, INPUTS[name])
        messages = rendered(chosen.template.content, values)
        schema = strict_schema(kind)
        calls: list[Completion] = []
        flaws: Sequence[str] = ()
        while len(calls) < 2:  # the answer, and one repair
            ask = Ask(
                messages=messages,
                schema_name=name,
                schema=schema,
                purpose=purpose,
                prompt_name=name,
                prompt_version=chosen.template.version,
                client_id=client_id,
                person_id=person_id,
                plan_id=plan_id,
            )
            completion: Completion = await self.model.complete(ask)
            calls.append(completion)
            try:
                reply = _reply(completion, kind, check)
                return Written(reply, _notes(chosen, calls), list(chosen.warnings), tuple(c.call_id for c in calls if c.call_id))
            except Unusable as error:
                flaws = error.flaws
            log.info("model answer not usable", prompt=name, model=completion.usage.model, flaws=list(flaws))
            await self._reject(completion)
            messages = (*rendered(chosen.template.content, values), *_repair(completion.text, flaws))
        raise UpstreamInvalid(
            f"{calls[-1].usage.model} answered {name} twice with something that cannot be used: {'; '.join(flaws)[:1500]}. "
            "Nothing was stored. Try again, or choose another model with PLANNER_MODEL.",
            flaws=list(flaws),
        )

    async def settle(self, written: Written[Any]) -> None:
        """For a reply that is used without a transaction of its own. One that cannot be noted now is forgotten after a day."""
        for call_id in written.call_ids:
            await self._settle(call_id)

    async def _reject(self, completion: Completion) -> None:
        """The same request must not get this answer again."""
        if completion.call_id is not None:
            await self._settle(completion.call_id)

    async def _settle(self, call_id: UUID) -> None:
        if self._ledger is None:
            return
        try:
            await self._ledger.settle(call_id)
        except PlannerMemoryError as error:
            log.warning("model call not settled", error=error.detail)


def _reply(completion: Completion, kind: type[R], check: Callable[[R], Sequence[str]] | None) -> R:
    if completion.flaw is not None:
        raise Unusable([completion.flaw])
    reply = read_reply(completion.document, kind)
    flaws = check(reply) if check else ()
    if flaws:
        raise Unusable(flaws)
    return reply


def _repair(answer: str, flaws: Sequence[str]) -> tuple[Message, ...]:
    said = "\n".join(f"- {flaw}" for flaw in flaws)
    ask = f"That answer cannot be used:\n{said}\n\nAnswer again with the whole corrected JSON object and nothing else."
    shown = answer.strip()[:_LONGEST_ECHO]
    return (Message("assistant", shown), Message("user", ask)) if shown else (Message("user", ask),)


def _notes(chosen: Chosen, calls: Sequence[Completion]) -> dict[str, Any]:
    """What the plan's metadata says of its making."""
    usages = [c.usage for c in calls]
    costs = [u.cost_usd for u in usages if u.cost_usd is not None]
    return {
        "prompt": {"name": chosen.template.template_name, "version": chosen.template.version, "chosen_by": chosen.by},
        "model": {
            "name": usages[-1].model,
            "calls": len(calls),
            "repaired": len(calls) > 1,
            "input_tokens": sum(u.input_tokens or 0 for u in usages),
            "output_tokens": sum(u.output_tokens or 0 for u in usages),
            "cost_usd": round(sum(costs), 8) if costs else None,
            "seconds": round(sum(u.seconds for u in usages), 3),
        },
    }
