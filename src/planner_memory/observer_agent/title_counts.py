"""Counts that stand beside a title: how often a pattern ran, how many tasks go by a name, how many blocks a task has."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from planner_memory.observer_agent.bindings import Bindings, Owner
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import is_day
from planner_memory.observer_agent.verdicts import Verdict, verdict_of

_RUNS = re.compile(
    r"\s*(?:(?:recorded|tracked|finished|closed|completed|such|of\s+(?:its|the|them|those|these))\s*)*(?:runs?|times|tasks?|steps?|cases?)?\b",
    re.IGNORECASE,
)
_BEYOND = re.compile(r"\s+of\s+(?:them|these|those|its\s+runs)\b[^,;.]{0,30}\b(?:beyond|threshold|limit)\b", re.IGNORECASE)
_SOME_RUNS = re.compile(
    r"\b(?:beyond|threshold|limit|30|overr[au]ns?|exceed\w*|more\s+than|out\s+of|of\s+(?:them|its|these|those|the|which))\b", re.IGNORECASE
)
_TROUBLE = re.compile(r"\b(?:block\w*|delay\w*|troubl\w*|wait\w*|stuck|held\s+up|problem\w*)\b", re.IGNORECASE)
_ANY_OF = re.compile(r"\b(?:last|first|other|of\s+the|these|those|next)\s+$", re.IGNORECASE)
_BLOCKS = re.compile(r"\s*(?:more\s+)?(?:blocks?|sittings?|slots?|sessions?)\b", re.IGNORECASE)
_OF_THEM = re.compile(r"\s*of\s+(?:them|these|those)\s+(?:have|had|took|needed|were|are|now|so\s+far)\b", re.IGNORECASE)
_PART_OF = re.compile(r"\s*(?:out\s+)?of\b", re.IGNORECASE)
_RUNS_BEFORE = 24  # characters between a count and the name of what it counts


def runs_beside(found: Mapping[int, Verdict], bindings: Bindings) -> Iterator[tuple[int, Verdict]]:
    """ "Eight audits took 22 h 50 min": the count before a title is that of the pattern whose hours stand beside it."""
    scene = bindings.scene
    hours = {verdict.mention.start for verdict in found.values() if verdict.is_supported and verdict.mention.kind == "minutes"}
    for mention in scene.sentence.numbers:
        if (
            bindings.carried is not None
            and hours
            and mention.kind == "count"
            and mention.start not in found
            and _OF_THEM.match(scene.sentence.after(mention))
        ):
            known = bindings.carried.of(scene.records, "drift", "variance")
            if known and mention.value not in _runs_of(known):
                yield mention.start, verdict_of(mention, known[0].name, f"“{known[0].name}” has {max(_runs_of(known))} runs.")
                continue
        title = next((title for title in bindings.titles if 0 < title.start - mention.end <= _RUNS_BEFORE), None)
        if title is not None and _PART_OF.match(scene.sentence.after(mention)):
            continue
        if title is None or mention.kind != "count" or mention.start in found or not hours:
            continue
        patterns = title.of(scene.records, "drift", "variance")
        runs = _runs_of(patterns)
        if patterns and runs and len(title.names) > 1 and _ANY_OF.search(scene.sentence.before(mention)) is None:
            yield mention.start, verdict_of(mention, patterns[0].name, f"“{patterns[0].name}” has {max(runs)} runs.")


def _runs_of(patterns: Sequence[Record]) -> set[Decimal]:
    return {value for record in patterns for key in ("runs", "runs_beyond_threshold") if (value := record.minutes(key)) is not None}


def how_often(mention: Mention, owner: Owner, bindings: Bindings) -> Verdict | None:
    """ "Eight audits", "six of its runs": how many runs a pattern has, or how many tasks go by a name."""
    scene = bindings.scene
    if mention.kind != "count":
        return None
    if _BLOCKS.match(scene.sentence.after(mention)) and (blocks := owner.title.of(scene.records, "upcoming")):
        days = [
            day for n in scene.sentence.numbers if n.kind in ("weekday", "date") for day in {r.starts_on for r in blocks} if day and is_day(n, day)
        ]
        known = [r for r in blocks if not days or r.starts_on in days]
        return verdict_of(mention, known[0].name) if len(known) == mention.value else None
    if mention.value == 1 and re.match(r"\s*of\s+(?:them|these|those|which)\b", scene.sentence.after(mention)) and owner.is_sure:
        return verdict_of(mention, f"“{min(owner.title.names)}”")  # "one of them Support hour 3"
    end = _RUNS.match(scene.sentence.after(mention))
    stands_before = 0 <= owner.title.start - mention.end <= (1 if end is None else end.end() + 12)
    patterns = owner.title.of(
        scene.records, "drift", "variance", *(("repeated_trouble",) if _TROUBLE.search(" ".join((scene.text, *scene.said))) else ())
    )
    keys = ("runs", "runs_beyond_threshold") if _SOME_RUNS.search(scene.text) else ("runs",)
    counts = {value for record in patterns for key in keys if (value := record.minutes(key)) is not None}
    is_of_runs = end is not None and re.search(r"\b(?:runs?|times|cases?)\b", end.group()) is not None
    if (
        not stands_before
        and not is_of_runs
        and not re.match(r"\s*(?:of\s+(?:them|these|those|the\b)|\w+\s+(?:beyond|past|over)\b)", scene.sentence.after(mention))
    ):
        return None
    if mention.value in counts:
        return verdict_of(mention, f"runs of “{patterns[0].name}”")
    is_one = len({record.name for record in patterns}) == 1
    if (
        counts
        and is_one
        and (is_of_runs or _BEYOND.match(scene.sentence.after(mention)))
        and (owner.is_sure or len({title.names for title in bindings.titles}) <= 1)
    ):
        told = " or ".join(f"{value:f}" for value in sorted(counts))
        return verdict_of(mention, patterns[0].name, f"“{patterns[0].name}” has {told} runs.")
    if stands_before:
        for group in ("completed", "slipped", "upcoming"):
            several = {record.name for record in owner.title.of(scene.records, group)}
            if len(several) == mention.value > 1:
                return verdict_of(mention, f"those {group} that go by that name")
    return None
