"""Carries out an instruction on a plan: by the language model when there is one, else by the rules."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.errors import InvalidInput
from planner_memory.planner_engine.instructions import carried_out
from planner_memory.planner_engine.replies import RevisionReply
from planner_memory.planner_engine.revising import Draftboard, as_told, board_from, board_of, unknown_keeps
from planner_memory.ports.plans import Plan
from planner_memory.prompting.inputs import ReviserInput
from planner_memory.prompting.rendering import as_data, compact, labelled
from planner_memory.prompting.writer import MODEL_IS_DOWN, Writer

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Revised:
    """The steps as they shall be. `by` is model or rules; `note` is what the model says of an instruction that it could not follow."""

    instruction: str
    by: str
    board: Draftboard
    note: str = ""
    notes: dict[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    call_ids: tuple[UUID, ...] = ()

    def answer(self) -> dict[str, Any]:
        return {"instruction": self.instruction, "by": self.by, "done": list(self.board.done), "note": self.note or None, **self.notes}


class Reviser:
    def __init__(self, *, writer: Writer | None, fall_back_to_rules: bool) -> None:
        self._writer = writer
        self._fall_back = fall_back_to_rules

    async def revise(self, plan: Plan, instruction: str) -> Revised:
        """The plan is not changed.

        Raises:
            InvalidInput: the rules do not understand the instruction, or it is impossible.
            PlannerMemoryError: as LanguageModel and Writer say.
        """
        if self._writer is None:
            return _by_rules(plan, instruction)
        try:
            return await self._by_model(self._writer, plan, instruction)
        except MODEL_IS_DOWN as error:
            if not self._fall_back:
                raise
            log.warning("revised by rules, because the model did not answer", error=error.detail)
            try:
                return _by_rules(plan, instruction, [f"The language model could not be used, so rules carried out the instruction. {error.detail}"])
            except InvalidInput:
                raise error from None  # the model would have understood it

    async def _by_model(self, writer: Writer, plan: Plan, instruction: str) -> Revised:
        values = ReviserInput(_context(plan), as_data(compact(as_told(plan))), as_data(instruction))
        written = await writer.write(
            "sop_reviser",
            values,
            RevisionReply,
            purpose="revise",
            client_id=plan.client_id,
            person_id=plan.person_id,
            plan_id=plan.id,
            check=lambda reply: [f"keeps: the present plan has no step {number}" for number in unknown_keeps(reply, plan)],
        )
        board = board_from(written.reply, plan)
        return Revised(instruction, "model", board, written.reply.note[:1000], written.notes, written.warnings, written.call_ids)


def _by_rules(plan: Plan, instruction: str, warnings: Sequence[str] = ()) -> Revised:
    board = board_of(plan)
    carried_out(board, instruction)
    return Revised(instruction, "rules", board, warnings=warnings)


def _context(plan: Plan) -> str:
    metadata = plan.sop.get("metadata") or {}
    limit = metadata.get("largest_step")
    lines = [labelled(1, "what the plan is for", "the intent", plan.intent[:4000])]
    if limit:
        lines.append(labelled(2, "binding limit", limit["source"], f"No step above {limit['minutes']} minutes."))
    return "\n".join(lines)


def with_revision_noted(plan: Plan, revised: Revised) -> dict[str, Any]:
    """The plan's SOP with what was asked and by what it was done, for the newest twenty instructions."""
    metadata = dict(plan.sop.get("metadata") or {})
    metadata["instructions"] = [*metadata.get("instructions", []), {"revision": plan.revision, **revised.answer()}][-20:]
    return {**plan.sop, "metadata": metadata}
