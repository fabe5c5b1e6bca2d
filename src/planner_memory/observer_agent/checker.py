"""Holds every number of a prose to the facts: the same value, the same unit, and about the same thing.

Each number goes through the readers in their order, until one has settled what it is.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from planner_memory.observer_agent.agreement import contradicted
from planner_memory.observer_agent.appointments import appointments
from planner_memory.observer_agent.claims import Claim, known_names
from planner_memory.observer_agent.framing import framed
from planner_memory.observer_agent.inference import by_inference
from planner_memory.observer_agent.innocuous import about_no_fact
from planner_memory.observer_agent.ledger import ledger_of
from planner_memory.observer_agent.matching import DERIVED, said
from planner_memory.observer_agent.measures import by_title
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.own_days import own_days
from planner_memory.observer_agent.pairs import paired
from planner_memory.observer_agent.quantifiers import wholes
from planner_memory.observer_agent.records import without_digits
from planner_memory.observer_agent.scene import Scene, scenes
from planner_memory.observer_agent.sentences import masked, sentences
from planner_memory.observer_agent.spans_of_days import day_ahead, streaks
from planner_memory.observer_agent.title_numbers import bound
from planner_memory.observer_agent.verdicts import Outcome, Reader, Verdict
from planner_memory.observer_agent.week_rows import told_together
from planner_memory.observer_agent.wording import by_the_week_before, by_unsaid_unit, by_words

__all__ = ["Outcome", "Verdict", "check", "unsupported"]

# From those that understand a whole sentence to those that understand a word of it:
READERS: tuple[Reader, ...] = (
    appointments,  # day, time and length of one block, that must be of the same one: before single times and days are looked up
    streaks,  # a count of days that its words leave one fact to
    day_ahead,  # so is the count of what a day holds
    by_title,  # a title is quoted: where the words name the measure too, only that fact decides
    framed,  # the form of the sentence names each number's figure: nothing else is asked
    bound,  # whose a duration is in a list of tasks: before the words, which know less of order
    paired,  # two durations measured against one another are of one thing: before each is looked up by itself
    own_days,  # the day that is told of: before it may be any day of the facts
    by_words,  # the words round the number choose the facts that it may be: says of every number what it is, or should have been
    by_the_week_before,  # or the sentence before says of which week it is
    by_unsaid_unit,  # what by_words found wrong may have its unit in another place: asked before more is computed than the facts say
    by_inference,  # or it follows from what its sentence speaks of: late, because what may be computed is much
    told_together,  # or it is of an earlier week, as others of its sentence are
    about_no_fact,  # or it claims nothing of the facts: last, because nothing can be held against such a number
)


def check(prose: str, document: Any) -> list[Verdict]:
    """A verdict on every number of the prose, in order.

    `document` is JSON: the facts as `GET /facts` gives them, or any other document whose keys name their units (see claims_of).
    """
    ledger = ledger_of(document)
    blanked, names = masked(prose, known_names(document))
    blanked = without_digits(blanked, [record.name for record in ledger.records])
    verdicts: list[Verdict] = []
    for scene in scenes(prose, sentences(blanked, names), ledger):
        told = contradicted(_read(scene), scene.sentence)
        verdicts += [each for each in told if not each.mention.is_each or each.is_supported or _is_contradicted(each)]
    return sorted([*verdicts, *_of_wholes(blanked, ledger.claims)], key=lambda each: each.mention.start)


def unsupported(prose: str, document: Any) -> list[Mention]:
    """The numbers of the prose that are none of the facts, in order."""
    return [verdict.mention for verdict in check(prose, document) if not verdict.is_supported]


def _read(scene: Scene) -> list[Verdict]:
    verdicts: dict[int, Verdict] = {}
    for read in READERS:
        unsettled = [n for n in scene.sentence.numbers if n.start not in verdicts or verdicts[n.start].is_open]
        found = read(scene, unsettled, verdicts)
        verdicts |= {n.start: found[n.start] for n in unsettled if n.start in found}
    return [replace(verdicts[n.start], mention=n) for n in scene.sentence.numbers if verdicts[n.start].outcome != "aside"]


def _is_contradicted(verdict: Verdict) -> bool:
    """Words without a number are loose: wrong they are where a fact that they name plainly says otherwise."""
    return verdict.is_plain and verdict.fact is not None


def _of_wholes(prose: str, claims: Sequence[Claim]) -> list[Verdict]:
    values = {
        claim.path.rpartition(".")[2]: claim for claim in claims if not claim.names and claim.pattern not in DERIVED and "past" not in claim.concepts
    }
    planned, kept = values.get("tasks_planned"), values.get("planned_tasks_completed")
    if planned is None or kept is None:
        return []
    if planned.value == kept.value:
        return [Verdict(replace(each, value=kept.value), "fact", kept.path, "") for each in wholes(prose)]
    return [
        Verdict(replace(each, value=planned.value), "wrong", kept.path, f"The nearest fact, {kept.path}, is {said(kept)}.") for each in wholes(prose)
    ]
