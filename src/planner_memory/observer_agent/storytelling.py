"""The reflection's text by a language model: from facts as data to sections whose every number has been held to those facts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from pydantic import BeforeValidator, Field

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.observer_agent import narrative
from planner_memory.observer_agent.checker import Verdict, check
from planner_memory.observer_agent.facts import Facts, document
from planner_memory.observer_agent.phrases import bullets, duration
from planner_memory.observer_agent.review import metrics
from planner_memory.ports.workspace import Mode
from planner_memory.prompting.inputs import ReflectionInput
from planner_memory.prompting.rendering import as_data, compact
from planner_memory.prompting.replies import Reply, Text, one_line
from planner_memory.prompting.writer import Writer, Written

log = structlog.get_logger()
_MOST_LISTED = 25  # records of one kind that the model is shown; how many there are is a fact of its own
_MARKUP = re.compile(r"<[a-z/!]|\]\(|^\s*#|https?://|```", re.IGNORECASE | re.MULTILINE)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_PROMPTS: dict[Mode, str] = {"daily": "daily_reflection", "weekly": "weekly_review"}


def _unbulleted(value: Any) -> Any:
    line = one_line(value)
    return _BULLET.sub("", line) if isinstance(line, str) else line


Line = Annotated[str, BeforeValidator(_unbulleted), Field(min_length=1, max_length=500)]
Lines = Annotated[list[Line], Field(min_length=1, max_length=12)]


class DailyReply(Reply):
    """What `daily_reflection` asks for."""

    summary: Annotated[Text, Field(min_length=1, max_length=1500)]
    highlights: Lines
    observations: Lines
    focus: Lines

    def flaws(self) -> Sequence[str]:
        whole = "\n".join(_texts(self))
        return ["write plain text without links, headings, code or HTML"] if _MARKUP.search(whole) else ()

    def sections(self, facts: Facts) -> dict[str, str]:
        """By heading, in the promised order."""
        texts = [self.summary, bullets(self.highlights), bullets(_with_missing(self.observations, facts)), bullets(self.focus)]
        return dict(zip(narrative.SECTIONS["daily"], texts, strict=True))


class WeeklyReply(DailyReply):
    """What `weekly_review` asks for. The metrics are the facts' own."""

    trend: Lines
    pattern_performance: Lines
    sprint: Annotated[Text, Field(min_length=1, max_length=1000)]

    def sections(self, facts: Facts) -> dict[str, str]:
        texts = [
            self.summary,
            bullets(self.highlights),
            metrics(facts),
            bullets(self.trend),
            bullets(self.pattern_performance),
            self.sprint,
            bullets(_with_missing(self.observations, facts)),
            bullets(self.focus),
        ]
        return dict(zip(narrative.SECTIONS["weekly"], texts, strict=True))


@dataclass(frozen=True, slots=True)
class Told:
    """Sections by heading. `generator`: model or template. `warnings` say why it is the template although there is a model."""

    sections: dict[str, str]
    generator: str = "template"
    warnings: tuple[str, ...] = ()
    written: Written[Any] | None = None


class Storyteller:
    """Tells a reflection by the model, or by the template where there is none, it fails, or its numbers cannot be held to the facts."""

    def __init__(self, writer: Writer | None, *, person_id: str) -> None:
        self._writer = writer
        self._person_id = person_id

    async def told(self, facts: Facts, mode: Mode, client_id: str | None) -> Told:
        """Never raises for the model's sake. A stretch without any activity is told by the template: there is nothing to write about."""
        if self._writer is None or facts.is_quiet:
            return Told(narrative.sections_of(facts, mode))
        known = document(facts)

        def flaws(reply: DailyReply) -> list[str]:
            return [*_unnamed(reply, facts), *_false_numbers("\n".join(_texts(reply)), known)]

        try:
            written: Written[DailyReply] = await self._writer.write(
                _PROMPTS[mode],
                ReflectionInput(as_data(compact(shown(facts, mode)))),
                DailyReply if mode == "daily" else WeeklyReply,
                purpose="reflect",
                client_id=client_id,
                person_id=self._person_id,
                check=flaws,
            )
        except PlannerMemoryError as error:
            log.warning("the model did not tell the reflection", mode=mode, title=error.title, detail=error.detail)
            return Told(narrative.sections_of(facts, mode), warnings=(f"The text is the template's, not the language model's: {error.detail}",))
        return Told(written.reply.sections(facts), "model", tuple(written.warnings), written)

    async def settle(self, told: Told) -> None:
        """The text is kept; the model's answer is not needed any more."""
        if self._writer is not None and told.written is not None:
            await self._writer.settle(told.written)


def shown(facts: Facts, mode: Mode) -> dict[str, Any]:
    """The facts as the model sees them: durations as it is to write them, long lists cut, and whether it was a low stretch."""
    found: dict[str, Any] = _spoken(document(facts))
    if mode == "daily":
        for key in ("drift", "repeated_trouble", "trend", "sprint"):
            found.pop(key)
    elif found["trend"] is not None:
        found["trend"].pop("earlier_weeks")
    return {**found, "counts": {"slipped": len(facts.slipped), "plans_made": len(facts.plans_made)}, "is_low": narrative.is_low(facts)}


def _spoken(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key.removesuffix("_hours") if isinstance(inner, (int, float)) and key.endswith("_hours") else key: duration(round(inner * 60))
            if isinstance(inner, (int, float)) and key.endswith("_hours")
            else _spoken(inner)
            for key, inner in value.items()
        }
    return [_spoken(each) for each in value[:_MOST_LISTED]] if isinstance(value, list) else value


def _texts(reply: Reply) -> list[str]:
    texts: list[str] = []
    for value in dict(reply).values():
        texts += value if isinstance(value, list) else [value]
    return texts


def _with_missing(lines: Sequence[str], facts: Facts) -> list[str]:
    """A source that did not answer is named whatever the model made of it."""
    return [*lines, *(sentence for sentence in facts.missing if sentence not in lines)]


def _unnamed(reply: DailyReply, facts: Facts) -> list[str]:
    if not isinstance(reply, WeeklyReply):
        return []
    said = "\n".join(reply.pattern_performance)
    names = {each.name for each in facts.drift} | {each.name for each in facts.repeated_trouble}
    return [f"pattern_performance: “{name}” must be named there" for name in sorted(names) if name not in said]


def _false_numbers(prose: str, known: Any) -> list[str]:
    return [f"{_where(verdict, prose)}: {verdict.reason}" for verdict in check(prose, known) if not verdict.is_supported]


def _where(verdict: Verdict, prose: str) -> str:
    start = prose.rfind("\n", 0, verdict.mention.start) + 1
    end = prose.find("\n", verdict.mention.end)
    line = prose[start : end if end >= 0 else None]
    return f"“{verdict.mention.text}” in “{line[:160]}” is not what the facts say"
