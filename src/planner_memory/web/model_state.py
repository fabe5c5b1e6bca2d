"""Whether the language model can be used, for /health: asked at most once a minute, and never waited for longer than three seconds."""

import asyncio
from datetime import datetime, timedelta

from planner_memory.ports.language_model import LanguageModel
from planner_memory.web.health import State, state_of

_KEPT_FOR = timedelta(seconds=60)
_LONGEST_SECONDS = 3.0


class ModelState:
    def __init__(self, model: LanguageModel | None) -> None:
        self._model = model
        self._state: State = "off"
        self._asked_at: datetime | None = None

    async def read(self, now: datetime) -> State:
        if self._model is None:
            return "off"
        if self._asked_at is None or not timedelta(0) <= now - self._asked_at < _KEPT_FOR:
            self._asked_at = now
            try:
                async with asyncio.timeout(_LONGEST_SECONDS):
                    self._state = await state_of(self._model.check)
            except TimeoutError:
                self._state = "down"
        return self._state
