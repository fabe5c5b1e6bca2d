"""What each prompt is filled in with. A prompt that a service asks with has its inputs here, so that an edited text can be checked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class PromptInput:
    """Fields are the {names} in the text, all of them required, each ready for its place by `labelled` and `as_data`.

    `fenced` names those that stand alone between lines <name> and </name>.
    """

    fenced: ClassVar[tuple[str, ...]] = ("context",)

    @classmethod
    def names(cls) -> set[str]:
        return {f.name for f in fields(cls)}


@dataclass(frozen=True, slots=True)
class SopInput(PromptInput):
    """For sop_generator."""

    context: str
    intent: str


@dataclass(frozen=True, slots=True)
class ManifoldInput(PromptInput):
    """For sop_generator_manifold."""

    context: str
    intent: str


@dataclass(frozen=True, slots=True)
class ReviserInput(PromptInput):
    """For sop_reviser. `plan` is JSON."""

    fenced: ClassVar[tuple[str, ...]] = ("context", "plan")
    context: str
    plan: str
    instruction: str


@dataclass(frozen=True, slots=True)
class OptimizerInput(PromptInput):
    """For schedule_optimizer."""

    context: str


@dataclass(frozen=True, slots=True)
class PreferenceInput(PromptInput):
    """For preference_reader."""

    context: str


@dataclass(frozen=True, slots=True)
class ReflectionInput(PromptInput):
    """For daily_reflection and weekly_review."""

    fenced: ClassVar[tuple[str, ...]] = ("facts",)
    facts: str


INPUTS: Mapping[str, type[PromptInput]] = {
    "sop_generator": SopInput,
    "sop_generator_manifold": ManifoldInput,
    "sop_reviser": ReviserInput,
    "schedule_optimizer": OptimizerInput,
    "preference_reader": PreferenceInput,
    "daily_reflection": ReflectionInput,
    "weekly_review": ReflectionInput,
}
