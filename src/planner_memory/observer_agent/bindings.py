"""Whose a number is: in a list of tasks it belongs to the title that stands nearest in its part of the sentence."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.scene import Scene
from planner_memory.observer_agent.titles import Title, titles, titles_in

_PART = re.compile(
    r",(?!\s*(?:meant|planned|estimated|originally|which|that|due|scheduled|intended|down|set)\b)|[;|(]|\b(?:and|while|whereas|but|then)\b|\s[–—]\s",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(?:it|they|them|these|those|this|that|its|their|both|each)\b", re.IGNORECASE)
_AT_ONCE = re.compile(r"[\s\"“”*_’']*[(:–—=-][\s*_]*")  # "Newsletter (50 min)", "Newsletter: 50 min"
NO_TASKS = frozenset(
    {"deep", "meeting", "billable", "nonbillable", "unmarked", "scheduled", "work", "event", "sprint", "switch", "past", "now", "upcoming"}
)
_ALL_TASKS = re.compile(r"\b(?:both|all|tasks|they|them|each)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Owner:
    """`is_sure` where the title stands in the same part of the sentence, and no other one does."""

    title: Title
    is_sure: bool


class Bindings:
    """The titles of one sentence, and which of them each number belongs to."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.titles = titles(scene.sentence, scene.ledger.telling)
        self._cuts = list(_cuts(scene, self.titles))
        lead = titles_in(scene.sentence.lead, scene.ledger.telling)
        done = scene.group("completed")
        carried = (
            frozenset().union(*(title.names for title in lead))
            or frozenset(record.name for record in (scene.carried or scene.named))
            or frozenset(record.name for record in done if len(done) == 1 or _ALL_TASKS.search(scene.text))  # "the only task", "both"
        )
        self.carried = Title(scene.sentence.start, scene.sentence.start, carried) if carried else None

    def part(self, mention: Mention) -> tuple[int, int]:
        text_start, text_end = self.scene.sentence.start, self.scene.sentence.start + len(self.scene.text)
        first = max((b for _, b in self._cuts if b <= mention.start), default=text_start)
        last = min((a for a, _ in self._cuts if a >= mention.end), default=text_end)
        return first, last

    def owner(self, mention: Mention) -> Owner | None:
        before = [title for title in self.titles if title.end <= mention.start]
        if before and _AT_ONCE.fullmatch(self.scene.text[before[-1].end - self.scene.sentence.start : mention.start - self.scene.sentence.start]):
            return Owner(before[-1], True)
        first, last = self.part(mention)
        here = [title for title in self.titles if title.start >= first and title.end <= last]
        if len(here) == 1:
            return Owner(here[0], True)
        after = [title for title in self.titles if title.start >= mention.end]
        if here:
            near = [title for title in before if title in here] or here
            return Owner(near[-1] if near[-1].end <= mention.start else near[0], False)
        if before:
            return Owner(before[-1], len(self.titles) == 1 and not self._is_of_more(before[-1], mention))
        if after and not (self.carried and _PRONOUN.search(self.scene.sentence.before(mention))):
            return Owner(after[0], False)
        return Owner(self.carried, False) if self.carried else None

    def _is_of_more(self, title: Title, mention: Mention) -> bool:
        """Whether something that is no task's is spoken of between the two, or the one stands in another cell."""
        if "|" in self.scene.text[title.end - self.scene.sentence.start : mention.start - self.scene.sentence.start]:
            return True
        return any(title.end <= word.start and word.end <= mention.start and word.about in NO_TASKS for word in self.scene.sentence.words)


def _cuts(scene: Scene, found: Sequence[Title]) -> Iterator[tuple[int, int]]:
    start = scene.sentence.start
    taken = [*((title.start, title.end) for title in found), *((n.start, n.end) for n in scene.sentence.numbers)]
    for match in _PART.finditer(scene.text):
        a, b = start + match.start(), start + match.end()
        if not any(first < b and a < last for first, last in taken):
            yield a, b
