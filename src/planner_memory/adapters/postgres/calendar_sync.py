"""What is kept of the calendar's own changes in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from psycopg.types.json import Jsonb

from planner_memory.adapters.postgres.database import Transaction
from planner_memory.ports.calendar_sync import BlockChange, KeptWatch, Question, QuestionKind


class CalendarSyncQueries:
    """Fulfils CalendarSync."""

    _tx: Transaction

    async def token(self, person_id: str) -> str | None:
        return cast("str | None", await self._tx.value("calendar_token", person_id=person_id))

    async def set_token(self, person_id: str, token: str | None, at: datetime) -> None:
        await self._tx.run("set_calendar_token", person_id=person_id, token=token, at=at)

    async def add_change(self, change: BlockChange) -> None:
        await self._tx.run(
            "add_block_change",
            change_key=change.change_key,
            client_id=change.client_id,
            person_id=change.person_id,
            event_type=change.event_type,
            occurred_at=change.occurred_at,
            content=change.content,
            payload=Jsonb(dict(change.payload)),
        )

    async def untold_changes(self) -> list[BlockChange]:
        return await self._tx.rows("untold_block_changes", BlockChange)

    async def told_change(self, change_key: str) -> None:
        await self._tx.run("told_block_change", change_key=change_key)

    async def ask(self, question: Question, question_key: str) -> None:
        await self._tx.run(
            "ask_question",
            id=question.id,
            question_key=question_key,
            client_id=question.client_id,
            person_id=question.person_id,
            run_id=question.run_id,
            kind=question.kind,
            task_id=question.task_id,
            event_id=question.event_id,
            details=Jsonb(dict(question.details)),
            asked_at=question.asked_at,
        )

    async def questions(self, person_id: str, clients: Sequence[str] | None) -> list[Question]:
        return await self._tx.rows("open_questions", Question, person_id=person_id, clients=None if clients is None else list(clients))

    async def question(self, question_id: UUID, clients: Sequence[str] | None) -> Question | None:
        return await self._tx.row("schedule_question", Question, id=question_id, clients=None if clients is None else list(clients))

    async def answer(self, question_id: UUID, answer: str, at: datetime) -> None:
        await self._tx.run("answer_question", id=question_id, answer=answer, at=at)

    async def was_asked(self, question_key: str) -> bool:
        return bool(await self._tx.value("was_question_asked", question_key=question_key))

    async def withdraw(self, kinds: Sequence[QuestionKind], at: datetime, *, run_id: UUID, task_id: str | None = None) -> None:
        await self._tx.run("withdraw_questions", kinds=list(kinds), at=at, run_id=run_id, task_id=task_id)

    async def move_questions(self, from_run: UUID, to_run: UUID) -> None:
        await self._tx.run("move_questions", from_run=from_run, to_run=to_run)

    async def watches(self, person_id: str) -> list[KeptWatch]:
        return await self._tx.rows("calendar_watches", KeptWatch, person_id=person_id)

    async def add_watch(self, watch: KeptWatch) -> None:
        channels = Jsonb([list(pair) for pair in watch.channels])
        await self._tx.run(
            "add_calendar_watch",
            id=watch.id,
            person_id=watch.person_id,
            channels=channels,
            secret_hash=watch.secret_hash,
            made_at=watch.made_at,
            expires_at=watch.expires_at,
        )

    async def remove_watch(self, watch_id: UUID) -> None:
        await self._tx.run("remove_calendar_watch", id=watch_id)
