"""What reflections have learnt about how the person works, as it is kept in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from planner_memory.ports.memory import Memory


@dataclass(frozen=True, slots=True)
class KeptInsight:
    """`thread_id` names what the insight is about; `is_revoked`: the person took it back, and it is not to be learnt again."""

    insight_id: UUID
    client_id: str
    thread_id: str
    content: str
    is_revoked: bool
    learnt_at: datetime
    metadata: Mapping[str, Any]


class InsightMemory(Memory, Protocol):
    """A memory from which something can be taken back."""

    async def forget(self, memory_id: UUID) -> None:
        """Forgets one memory in every store.

        Raises:
            NotFound: there is none of that id.
            Unavailable: the gateway does not answer.
        """
        ...
