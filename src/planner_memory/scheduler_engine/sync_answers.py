"""What a reading of the calendar brought, and what it asks, as the answers that a client reads."""

from collections.abc import Iterable
from typing import Any

from planner_memory.ports.calendar_sync import Question
from planner_memory.scheduler_engine.questions import ANSWERS
from planner_memory.scheduler_engine.syncing import SyncReport


def question_answer(question: Question) -> dict[str, Any]:
    details = question.details
    return {
        "question_id": question.id,
        "kind": question.kind,
        "scheduler_run_id": question.run_id,
        "client_id": question.client_id,
        "task_id": question.task_id,
        "event_id": question.event_id,
        "title": details.get("title", ""),
        "says": details.get("says", ""),
        "answers": ANSWERS[question.kind],
        "proposal_run_id": details.get("proposal_run_id"),
        "moves": details.get("moves", []),
        "actual_hours": details.get("actual_hours"),
        "asked_at": question.asked_at.isoformat(),
    }


def sync_answer(report: SyncReport, questions: Iterable[Question]) -> dict[str, Any]:
    kinds = [change.kind for change in report.pulled.changes]
    return {
        "moved": kinds.count("moved"),
        "deleted": kinds.count("deleted"),
        "finished": kinds.count("finished"),
        "renamed": kinds.count("renamed"),
        "marked_done": report.marked,
        "proposed_run_ids": report.proposed,
        "remembered": report.told,
        "full": report.pulled.is_full,
        "questions": [question_answer(q) for q in questions],
    }
