"""Brings a reflection to the workspace and to memory, and keeps what could not be brought until it can."""

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import PlannerMemoryError, Unavailable, UpstreamInvalid, UpstreamTimeout
from planner_memory.core.intervals import Interval
from planner_memory.core.tenancy import spanning
from planner_memory.observer_agent import periods
from planner_memory.ports.facts import FactStore
from planner_memory.ports.jobs import Jobs
from planner_memory.ports.memory import Memory, NewMemory
from planner_memory.ports.outlets import Letter, Outlet
from planner_memory.ports.workspace import DailyThread, Reflection

log = structlog.get_logger()
SOURCE = "observer-agent"
_NOT_IN_NAMES = re.compile(r"[^\w-]+")
_KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Delivered:
    posted: bool
    stored: bool
    warnings: tuple[str, ...]


def reflection_document(reflection: Reflection) -> dict[str, Any]:
    """A reflection as JSON-ready values; `reflection_from` is the inverse."""
    return {
        "reflection_id": str(reflection.reflection_id),
        "mode": reflection.mode,
        "scope": reflection.client_id or "",
        "period": {"start": reflection.period.start.isoformat(), "end": reflection.period.end.isoformat()},
        "thread_on": reflection.thread_on.isoformat(),
        "metrics": dict(reflection.metrics),
    }


def reflection_from(document: Mapping[str, Any], person_id: str) -> Reflection:
    period = document["period"]
    return Reflection(
        reflection_id=UUID(document["reflection_id"]),
        person_id=person_id,
        client_id=document["scope"] or None,
        mode=document["mode"],
        period=Interval(datetime.fromisoformat(period["start"]), datetime.fromisoformat(period["end"])),
        thread_on=date.fromisoformat(document["thread_on"]),
        content=document["text"],
        metrics=document["metrics"],
    )


def letter_of(reflection: Reflection) -> Letter:
    title = f"{'Daily reflection' if reflection.mode == 'daily' else 'Weekly review'}, {reflection.thread_on:%A} {reflection.thread_on.isoformat()}"
    whose = f"-{_NOT_IN_NAMES.sub('_', reflection.client_id)}" if reflection.client_id else ""
    return Letter(f"{reflection.thread_on.isoformat()}-{reflection.mode}{whose}", title, reflection.content)


class Delivery:
    """Posts at most once per period: a second post replaces the first, and one that waits gives way to a newer one."""

    def __init__(
        self,
        *,
        store: FactStore,
        workspace: DailyThread,
        memory: Memory,
        clock: Clock,
        default_client: str,
        outlets: Sequence[Outlet] = (),
        waits_in_seconds: Sequence[float] = (2, 4, 8),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._workspace = workspace
        self._memory = memory
        self._clock = clock
        self._default_client = default_client
        self._outlets = tuple(outlets)
        self._waits = tuple(waits_in_seconds)
        self._sleep = sleep
        self._jobs: Jobs | None = None

    def register_jobs(self, jobs: Jobs) -> None:
        self._jobs = jobs
        jobs.register("observer_remember", self.remember_later)
        jobs.register("observer_send", self.send_later)

    @property
    def has_outlets(self) -> bool:
        return bool(self._outlets)

    async def deliver(self, reflection: Reflection) -> Delivered:
        warnings: list[str] = []
        is_new = not self._outlets or await self._is_new(reflection)
        trouble = await self._post(reflection)
        if trouble is not None:
            kept = await self._remember(self._pending(reflection))
            fate = "It is kept and will be posted later." if kept != "lost" else "It could not be kept either; run the reflection again later."
            warnings.append(f"The workspace did not take the reflection: {trouble} {fate}")
        stored = await self._remember(self._episode(reflection))
        if stored == "later":
            warnings.append("The memory gateway does not answer; the reflection will be stored there later.")
        elif stored == "lost":
            warnings.append("The memory gateway does not answer, so the reflection is not stored there. Run it again later.")
        warnings += await self.send(letter_of(reflection), is_new=is_new)
        return Delivered(trouble is None, stored == "stored", tuple(warnings))

    async def send(self, letter: Letter, *, is_new: bool = True) -> list[str]:
        """To every outlet; what one does not take is tried again by a job. Returns what went wrong."""
        warnings = []
        for outlet in self._outlets:
            if not (is_new or outlet.replaces):
                continue
            try:
                await outlet.send(letter)
            except PlannerMemoryError as error:
                is_kept = await self._defer("observer_send", in_seconds=120, outlet=outlet.name, letter=asdict(letter))
                fate = "It will be tried again." if is_kept else "It is not tried again."
                warnings.append(f"{outlet.name.capitalize()} did not take “{letter.title}”: {error.detail} {fate}")
        return warnings

    async def send_later(self, outlet: str, letter: dict[str, Any]) -> None:
        """The job that sends what an outlet did not take.

        Raises:
            Unavailable: it still does not; the job is tried again.
        """
        for each in self._outlets:
            if each.name == outlet:
                await each.send(Letter(**letter))

    async def _is_new(self, reflection: Reflection) -> bool:
        try:
            there = await self._workspace.posted(reflection.person_id, reflection.client_id, reflection.mode, reflection.period.start)
        except PlannerMemoryError:
            return True
        return there is None

    async def post_pending(self, person_id: str) -> None:
        """Posts what waits, oldest first. What was posted anew in the meantime is left as it is.

        Raises:
            Unavailable: the workspace or the memory still does not answer; the rest waits for the next time.
        """
        with spanning("reflection"):
            async with self._store.begin() as facts:
                pending = await facts.pending_posts(person_id, self._clock() - _KEPT_FOR)
        for each in pending:
            reflection = reflection_from(each.payload, person_id)
            there = await self._workspace.posted(person_id, reflection.client_id, reflection.mode, reflection.period.start)
            if there is None or there.posted_at < each.kept_at:
                await self._workspace.post_reflection(reflection, posted_at=self._clock())
            posted = NewMemory(
                content=f"Posted the {reflection.mode} reflection of {reflection.thread_on} that was kept at {each.kept_at.isoformat()}.",
                client_id=each.client_id,
                event_type="reflection_posted",
                event_source=SOURCE,
                occurred_at=self._clock(),
                thread_id=each.thread_id,
                person_id=person_id,
                payload={"reflection_id": str(reflection.reflection_id), "event_id": str(each.event_id)},
            )
            await self._memory.remember(posted, idempotency_key=key_of(posted))

    async def remember_later(self, memory: dict[str, Any]) -> None:
        """The job that stores what the gateway did not take."""
        occurred_at = memory["occurred_at"]
        again = NewMemory(**{**memory, "occurred_at": datetime.fromisoformat(occurred_at) if occurred_at else None})
        await self._memory.remember(again, idempotency_key=key_of(again))

    async def _post(self, reflection: Reflection) -> str | None:
        """None when it was posted, else why not."""
        for wait in (*self._waits, None):
            try:
                await self._workspace.post_reflection(reflection, posted_at=self._clock())
                return None
            except (Unavailable, UpstreamTimeout, UpstreamInvalid) as error:
                if wait is None:
                    return error.detail
                await self._sleep(wait)
            except PlannerMemoryError as error:
                return error.detail
        return None

    async def _remember(self, memory: NewMemory) -> Literal["stored", "later", "lost"]:
        try:
            await self._memory.remember(memory, idempotency_key=key_of(memory))
            return "stored"
        except PlannerMemoryError as error:
            log.warning("the memory gateway did not take a memory", event_type=memory.event_type, detail=error.detail)
        return "later" if await self._defer("observer_remember", in_seconds=30, memory=_memory_document(memory)) else "lost"

    async def _defer(self, name: str, *, in_seconds: float, **arguments: Any) -> bool:
        if self._jobs is None:
            return False
        try:
            await self._jobs.defer(name, in_seconds=in_seconds, **arguments)
        except PlannerMemoryError:
            return False
        return True

    def _episode(self, reflection: Reflection) -> NewMemory:
        return self._about(reflection, "reflection", reflection.content, {}, is_episode=True)

    def _pending(self, reflection: Reflection) -> NewMemory:
        # another text than the reflection's own, because exact repeats within a thread become one row
        text = f"The {reflection.mode} reflection of {reflection.thread_on} waits to be posted to the workspace."
        kept_at = self._clock().isoformat()
        return self._about(reflection, "reflection_pending_post", f"{text} Kept at {kept_at}.", {"kept_at": kept_at, "text": reflection.content})

    def _about(self, reflection: Reflection, event_type: str, content: str, more: Mapping[str, Any], *, is_episode: bool = False) -> NewMemory:
        return NewMemory(
            content=content,
            client_id=reflection.client_id or self._default_client,
            memory_type="episode" if is_episode else "event",
            event_type=event_type,
            event_source=SOURCE,
            occurred_at=min(reflection.period.end, self._clock()),
            thread_id=periods.thread_id(reflection.mode, reflection.period),
            person_id=reflection.person_id,
            payload={**reflection_document(reflection), **more},
            metadata={"reflection_id": str(reflection.reflection_id)},
        )


def _memory_document(memory: NewMemory) -> dict[str, Any]:
    document = asdict(memory)
    return {**document, "entities": list(memory.entities), "occurred_at": memory.occurred_at.isoformat() if memory.occurred_at else None}


def key_of(memory: NewMemory) -> str:
    """The same for the same memory, so that sending it twice stores it once; the gateway makes equal texts of one thread one row."""
    return hashlib.sha256(json.dumps(_memory_document(memory), sort_keys=True, ensure_ascii=False).encode()).hexdigest()
