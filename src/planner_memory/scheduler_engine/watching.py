"""Orders the calendar's server to call when something changes, where it can, and renews the order before it ends."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import NotAllowed, PlannerMemoryError
from planner_memory.core.ids import new_id
from planner_memory.core.tenancy import spanning
from planner_memory.ports.calendar import Calendar, Watch
from planner_memory.ports.calendar_sync import KeptWatch
from planner_memory.ports.schedules import ScheduleStore

log = structlog.get_logger()
PATH = "/api/v1/scheduler/webhooks/calendar"


class Watcher:
    """Part of the scheduler. Without a public address nothing is ordered, and the timer alone reads the calendar."""

    def __init__(self, *, store: ScheduleStore, calendar: Calendar, clock: Clock, person_id: str, public_url: str | None) -> None:
        self._store = store
        self._calendar = calendar
        self._clock = clock
        self._person_id = person_id
        self._public_url = public_url

    async def renew(self) -> bool:
        """Makes a new order when there is none or two thirds of its life are over; the old one ends only when the new one stands.

        Raises:
            Unavailable, NotConnected: the calendar does not answer.
        """
        if self._public_url is None or not self._calendar.capabilities.can_push:
            return False
        with spanning("calendar"):
            now = self._clock()
            async with self._store.begin() as tx:
                old = await tx.watches(self._person_id)
            if old and now < _renewed_at(old[0]):
                return False
            secret = secrets.token_urlsafe(32)
            made = await self._calendar.watch(self._public_url.rstrip("/") + PATH, secret)
            if made is None:
                return False
            kept = KeptWatch(new_id(), self._person_id, [list(pair) for pair in made.channels], _hash(secret), now, made.expires_at)
            async with self._store.begin() as tx:
                await tx.add_watch(kept)
            await self._ended(old)
            return True

    async def stop(self) -> None:
        """Ends every order: the account is being disconnected. What the server no longer lets us end is forgotten, and its calls are refused."""
        with spanning("calendar"):
            async with self._store.begin() as tx:
                kept = await tx.watches(self._person_id)
            await self._ended(kept)

    async def _ended(self, kept: list[KeptWatch]) -> None:
        for each in kept:
            try:
                await self._calendar.unwatch(Watch([(pair[0], pair[1]) for pair in each.channels], each.expires_at))
            except PlannerMemoryError as error:
                log.warning("order to be called not ended", detail=error.detail)
            async with self._store.begin() as tx:
                await tx.remove_watch(each.id)

    async def admit(self, secret: str) -> None:
        """
        Raises:
            NotAllowed: no order that stands has this secret.
        """
        with spanning("calendar"):
            async with self._store.begin() as tx:
                kept = await tx.watches(self._person_id)
        given = _hash(secret)
        if not any(hmac.compare_digest(each.secret_hash, given) and each.expires_at > self._clock() for each in kept):
            raise NotAllowed("This call carries no token of an order that stands.")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _renewed_at(watch: KeptWatch) -> datetime:
    life = watch.expires_at - watch.made_at
    return watch.made_at + max(life * 2 / 3, timedelta())
