"""Whether the language model can be used, for /health: asked at most once a minute, and never waited for longer than three seconds."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.ports.language_model import LanguageModel
from planner_memory.web.health import State, state_of

_KEPT_FOR = timedelta(seconds=60)
_LONGEST_SECONDS = 3.0


class ModelState:
    """`noted` is for the members of a health report: the model, what its key may still spend, and what is wrong with it."""

    def __init__(self, model: LanguageModel | None) -> None:
        self._model = model
        self._state: State = "off"
        self._asked_at: datetime | None = None
        self.noted: dict[str, Any] = {}

    async def read(self, now: datetime) -> State:
        if self._model is None:
            return "off"
        if self._asked_at is None or not timedelta(0) <= now - self._asked_at < _KEPT_FOR:
            self._asked_at = now
            try:
                async with asyncio.timeout(_LONGEST_SECONDS):
                    self._state = await state_of(lambda: self._ask(self._model))
            except TimeoutError:
                self._state = "down"
                self.noted = {"name": self._model.name, "problem": f"It did not answer within {_LONGEST_SECONDS:.0f} s."}
        return self._state

    async def _ask(self, model: LanguageModel | None) -> None:
        assert model is not None
        try:
            left = await model.check()
        except PlannerMemoryError as error:
            self.noted = {"name": model.name, "problem": error.detail}
            raise
        self.noted = {"name": model.name, **({} if left is None else {"key_has_left_usd": round(left, 4)})}
