"""What is kept of the calendar's own changes: how far it was read, what a person did in it, and what that leaves open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

QuestionKind = Literal["deleted", "finished", "conflict"]


@dataclass(frozen=True, slots=True)
class BlockChange:
    """Something a person did to a block in the calendar, to be remembered once. `change_key` names it for good."""

    change_key: str
    client_id: str | None
    person_id: str
    event_type: str
    occurred_at: datetime
    content: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """What only the person can decide. `details` are JSON-ready; `answer` is None while it is open."""

    id: UUID
    client_id: str | None
    person_id: str
    run_id: UUID
    kind: QuestionKind
    task_id: str
    event_id: str | None
    details: Mapping[str, Any]
    asked_at: datetime
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class KeptWatch:
    """An order to be called; its secret is kept as a hash."""

    id: UUID
    person_id: str
    channels: Sequence[Sequence[str]]
    secret_hash: str
    made_at: datetime
    expires_at: datetime


class CalendarSync(Protocol):
    """All of it within one transaction."""

    async def token(self, person_id: str) -> str | None: ...

    async def set_token(self, person_id: str, token: str | None, at: datetime) -> None: ...

    async def add_change(self, change: BlockChange) -> None:
        """One of the same key is there already: nothing happens."""
        ...

    async def untold_changes(self) -> list[BlockChange]:
        """The oldest 200 first."""
        ...

    async def told_change(self, change_key: str) -> None: ...

    async def ask(self, question: Question, question_key: str) -> None:
        """One of the same key was asked already: nothing happens."""
        ...

    async def questions(self, person_id: str, clients: Sequence[str] | None) -> list[Question]:
        """Those without an answer, the oldest first."""
        ...

    async def question(self, question_id: UUID, clients: Sequence[str] | None) -> Question | None: ...

    async def answer(self, question_id: UUID, answer: str, at: datetime) -> None: ...

    async def was_asked(self, question_key: str) -> bool:
        """Whether it was ever asked, answered or not."""
        ...

    async def withdraw(self, kinds: Sequence[QuestionKind], at: datetime, *, run_id: UUID, task_id: str | None = None) -> None:
        """Closes open questions about a run, or one task of it, that are no longer to be asked."""
        ...

    async def move_questions(self, from_run: UUID, to_run: UUID) -> None:
        """The open questions of a run that another one has replaced."""
        ...

    async def watches(self, person_id: str) -> list[KeptWatch]:
        """That which lasts longest first."""
        ...

    async def add_watch(self, watch: KeptWatch) -> None: ...

    async def remove_watch(self, watch_id: UUID) -> None: ...
