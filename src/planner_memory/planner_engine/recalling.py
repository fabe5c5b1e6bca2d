"""What the memory knows that bears on a plan. A memory that does not answer is a warning, never an error."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.ports.memory import Memory, Recall, RecalledMemory

log = structlog.get_logger()
_ABOUT_SHAPE = "preference for planning: largest task size, how long a step may be, splitting of work"


@dataclass(frozen=True, slots=True)
class Recalled:
    """Preferences, plans of old that resemble the intent, other memories near it, and warnings."""

    preferences: Sequence[RecalledMemory] = ()
    past: Sequence[RecalledMemory] = ()
    near: Sequence[RecalledMemory] = ()
    warnings: Sequence[str] = ()

    def noted(self) -> list[dict[str, Any]]:
        return [
            {"memory_id": str(m.memory_id), "memory_type": m.memory_type, "content": m.content[:300], "score": round(m.score, 3)}
            for m in (*self.preferences, *self.near)
        ]


async def recalled(memory: Memory, intent: str, client_id: str, *, seconds: float, with_past: bool) -> Recalled:
    """`with_past`: past plans too, which only a model reads."""
    about = intent[:1000]
    try:
        async with asyncio.timeout(seconds):
            asked = [
                memory.recall(about, client_id=client_id, k=10, memory_type="preference"),
                memory.recall(_ABOUT_SHAPE, client_id=client_id, k=20, memory_type="preference"),
                memory.recall(about, client_id=client_id, k=5),
            ]
            if with_past:
                asked.append(memory.recall(about, client_id=client_id, k=3, event_type="plan_created"))
            answers: list[Recall] = await asyncio.gather(*asked)
    except (PlannerMemoryError, TimeoutError) as error:
        log.warning("recall failed", error=str(error))
        return Recalled(warnings=["The memory did not answer, so remembered preferences were not used."])
    preferences = {m.memory_id: m for answer in answers[:2] for m in answer.results}
    past = {m.memory_id: m for answer in answers[3:] for m in answer.results if m.memory_id not in preferences}
    near = [m for m in answers[2].results if m.memory_id not in preferences and m.memory_id not in past]
    parts = sorted({d for answer in answers for d in answer.degraded})
    warnings = [f"The memory answered in part only: {'; '.join(parts)}."] if parts else []
    return Recalled(list(preferences.values()), list(past.values()), near, warnings)
