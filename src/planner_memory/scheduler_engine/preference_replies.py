"""What the language model may answer when it reads preferences, and how that becomes rules."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from planner_memory.ports.memory import RecalledMemory
from planner_memory.prompting.inputs import PreferenceInput
from planner_memory.prompting.rendering import labelled
from planner_memory.prompting.replies import Number, Reply
from planner_memory.scheduler_engine.rules import Rule
from planner_memory.scheduler_engine.schemas import RuleIn

_LONGEST_WORDS = 1500
_SHOWN = 200


class ReplyRule(Reply):
    kind: Literal["band", "clip", "keep_free", "day_off", "no_meetings", "buffer", "weight"]
    energy: Literal["high", "medium", "low"] | None
    spans: Annotated[list[list[str]], Field(max_length=6)]
    days: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(max_length=7)]
    minutes: Number | None
    weight: Literal["late", "hour", "outside_band", "extra_chunk", "moved"] | None
    strength: Literal["less", "more", "much_more"] | None

    def stated(self) -> Mapping[str, Any]:
        """What the answer says, without its nulls and empty lists."""
        return {name: value for name, value in self.model_dump().items() if value not in (None, [])}


class ReplyReading(Reply):
    memory: Number
    rules: Annotated[list[ReplyRule], Field(max_length=8)]


class PreferenceReply(Reply):
    """For preference_reader."""

    readings: Annotated[list[ReplyReading], Field(max_length=100)]

    def flaws(self) -> Sequence[str]:
        found = []
        for n, reading in enumerate(self.readings):
            for k, rule in enumerate(reading.rules):
                try:
                    RuleIn.model_validate(rule.stated())
                except ValidationError as error:
                    said = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
                    found.append(f"readings[{n}].rules[{k}]: {said}")
        return found


def unread(reply: PreferenceReply, count: int) -> list[str]:
    """What is wrong with the numbers of the readings: each preference has one."""
    numbers = [reading.memory for reading in reply.readings]
    wrong = [f"readings: there is no preference {n}" for n in sorted(set(numbers)) if not 1 <= n <= count]
    wrong += [f"readings: preference {n} has two readings" for n in sorted(set(numbers)) if numbers.count(n) > 1]
    return wrong + [f"readings: preference {n} has no reading" for n in range(1, count + 1) if n not in numbers]


def asked(memories: Sequence[RecalledMemory]) -> PreferenceInput:
    """The preferences as numbered lines of data."""
    return PreferenceInput("\n".join(labelled(n, "preference", f"said {m.occurred_at:%Y-%m-%d}", _words(m)) for n, m in enumerate(memories, 1)))


def _words(memory: RecalledMemory) -> str:
    return memory.content[:_LONGEST_WORDS]


def rules_of(asked_for: Iterable[RuleIn], memory_id: str, words: str, *, read_by: str) -> list[Rule]:
    """Rules with the words they come from. Bands of one energy are joined."""
    source = " ".join(words.split()).rstrip(".")
    source = source if len(source) <= _SHOWN else f"{source[: _SHOWN - 1]}…"
    out: list[Rule] = []
    for given in asked_for:
        rule = Rule(
            given.kind,
            source,
            memory_id,
            given.energy or "" if given.kind == "band" else "",
            tuple(given.spans or ()) if given.kind in ("band", "clip", "keep_free") else (),
            tuple(dict.fromkeys(given.days or ())) if given.kind in ("clip", "keep_free", "day_off", "no_meetings") else (),
            given.minutes or 0 if given.kind == "buffer" else 0,
            given.weight or "" if given.kind == "weight" else "",
            given.strength or "" if given.kind == "weight" else "",
            read_by,
        )
        same = next((i for i, r in enumerate(out) if r.kind == "band" == rule.kind and r.energy == rule.energy), None)
        if same is None:
            out.append(rule)
        else:
            out[same] = Rule("band", source, memory_id, rule.energy, tuple(sorted({*out[same].spans, *rule.spans})), read_by=read_by)
    return out
