"""What the scheduler asks the person after it has read the calendar, and what becomes of the answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from planner_memory.core.clock import Clock
from planner_memory.core.errors import Conflict, InvalidInput, NotFound
from planner_memory.ports.calendar_sync import Question
from planner_memory.ports.planning import FinishedTask, PlanStatus
from planner_memory.ports.schedules import ScheduleStore
from planner_memory.scheduler_engine.applying import Applier
from planner_memory.scheduler_engine.rescheduling import Rescheduler
from planner_memory.scheduler_engine.schemas import AnswerIn

Clients = Sequence[str] | None
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "deleted": ("place_again", "drop"),
    "finished": ("accept", "dismiss"),
    "conflict": ("apply", "keep"),
}


class Questions:
    """Part of the scheduler."""

    def __init__(self, *, store: ScheduleStore, applier: Applier, rescheduler: Rescheduler, plans: PlanStatus, clock: Clock, person_id: str) -> None:
        self._store = store
        self._applier = applier
        self._rescheduler = rescheduler
        self._plans = plans
        self._clock = clock
        self._person_id = person_id

    async def open_ones(self, clients: Clients) -> list[Question]:
        """The oldest first."""
        async with self._store.begin() as tx:
            return await tx.questions(self._person_id, clients)

    async def answer(self, question_id: UUID, body: AnswerIn, *, clients: Clients) -> dict[str, Any]:
        """Does what the person decided, and closes the question. The same answer again changes nothing.

        Raises:
            NotFound: there is no such question.
            InvalidInput: not one of its answers.
            Conflict: it was answered otherwise, or the calendar has changed in the answer's place.
        """
        question = await self._read(question_id, body.answer, clients)
        run_id = question.run_id
        if question.answer is None:
            if body.answer == "place_again":
                run_id = await self._placed_again(question, clients)
            elif body.answer == "apply":
                run = await self._applier.apply(UUID(question.details["proposal_run_id"]), clients=clients)
                run_id = run.id
                await self._close(question, body.answer)
            else:
                if body.answer == "accept":
                    await self._recorded(question, body)
                await self._close(question, body.answer)
        return {"question_id": question.id, "answer": body.answer, "scheduler_run_id": run_id}

    async def _read(self, question_id: UUID, answer: str, clients: Clients) -> Question:
        async with self._store.begin() as tx:
            question = await tx.question(question_id, clients)
        if question is None:
            raise NotFound(f"There is no question {question_id}. GET /api/v1/scheduler/questions lists those that are open.")
        if answer not in ANSWERS[question.kind]:
            raise InvalidInput(f"Answer {' or '.join(ANSWERS[question.kind])}.", field="answer")
        if question.answer not in (None, answer):
            raise Conflict(f"This question is closed already: {question.answer}.")
        return question

    async def _close(self, question: Question, answer: str) -> None:
        async with self._store.begin() as tx:
            await tx.answer(question.id, answer, self._clock())

    async def _placed_again(self, question: Question, clients: Clients) -> UUID:
        async with self._applier.hold():
            question = await self._read(question.id, "place_again", clients)  # again, now that nobody else can answer it
            if question.answer is not None:
                return question.run_id
            run = await self._rescheduler.place_again(question.run_id, question.details["block"], clients=clients)
            await self._close(question, "place_again")
        return (await self._applier.told(run)).id

    async def _recorded(self, question: Question, body: AnswerIn) -> None:
        async with self._store.begin() as tx:
            run = await tx.run(question.run_id, None)
        plan_id = run.plan_id if run else None
        finished = FinishedTask(
            task_id=question.task_id,
            plan_id=plan_id,
            client_id=question.client_id,
            started_at=datetime.fromisoformat(question.details["started_at"]),
            ended_at=datetime.fromisoformat(question.details["ended_at"]),
            actual_hours=body.actual_hours or float(question.details["actual_hours"]),
            outcome_notes=body.outcome_notes,
        )
        await self._plans.record_finished(finished)
