"""What is said of one number of a prose, and the shape of all that say it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.scene import Scene

Outcome = Literal["fact", "derived", "wrong", "misplaced", "aside"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One number of the prose. `fact` is the path of the fact it is, or of the one it should have been; None when nothing fits.

    "aside" is a number that claims nothing of the facts; no such verdict leaves the checker.
    """

    mention: Mention
    outcome: Outcome
    fact: str | None
    reason: str
    is_plain: bool = False  # the words name the fact that it should have been, all of it
    is_open: bool = False  # the readers after this one may still find what it is

    @property
    def is_supported(self) -> bool:
        return self.outcome in ("fact", "derived")


Verdicts = Mapping[int, Verdict]  # by where the number starts


class Reader(Protocol):
    """One way to read numbers."""

    def __call__(self, scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
        """Verdicts on those of the numbers of which this way has something to say.

        `numbers` are those of the scene's sentence that are not settled yet, `so_far` what the readers before have said of them.
        """


def verdict_of(number: Mention, fact: str, wrong: str = "") -> Verdict:
    """By one whose words name the fact: it is right, or wrong for the reason given."""
    return Verdict(number, "wrong" if wrong else "fact", fact, wrong, is_plain=True)
