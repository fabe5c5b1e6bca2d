"""Whose number it is: the titles that a sentence quotes, and which of them the grammar of its list gives to each number.

"“A” at 9:45, then “B” at 10:45" has a title before each number, "9:45 for “A”, 10:45 for “B”" one behind each; "“A” and “B” took 2 h and 3 h"
tells them in turn. What a sentence tells of no title is of the one that the sentence before told of: "“A” is done. It took 2 h."
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import Scene
from planner_memory.observer_agent.sentences import Sentence, nearness

_AND = re.compile(r"[\s\"“”'*_`«»]*(?:,|&|\band\b|\bor\b|,\s*and\b|,\s*then\b)?[\s\"“”'*_`«»]*", re.IGNORECASE)
_IN_TURN = re.compile(r"\s*(?:hours?|min\w*)?\s*(?:,|\band\b|,\s*and\b|/)\s*(?:(?:the|again|at|from|on|for|another|by|about)\s+)*", re.IGNORECASE)
_IT = re.compile(r"\b(?:it|its|these|them|they|both)\b", re.IGNORECASE)
_ITS = re.compile(r"\bits?\b", re.IGNORECASE)
_BEGINS_WITH_IT = re.compile(r"\W*its?\b", re.IGNORECASE)
_CLAUSE = re.compile(r"[;(]|[,:](?!\d)|\b(?:and|but|while|then|where|whereas)\b", re.IGNORECASE)
_APART = ("deep", "meeting", "billable", "nonbillable", "unmarked", "sprint", "past", "single_week", "switch", "event", "streak")
_OWN = 0.2
_SIZES = {"two": 2, "three": 3, "four": 4, "five": 5, "2": 2, "3": 3, "4": 4, "5": 5, "both": 2}
_ALL = frozenset({"the", "all", "your", "both"})


@dataclass(frozen=True, slots=True)
class Subject:
    """The records of one title or of several told together, and whether the grammar leaves no other."""

    names: tuple[str, ...]
    records: tuple[Record, ...]
    is_sure: bool = True
    is_in_turn: bool = False


@dataclass(frozen=True, slots=True)
class _Cluster:
    start: int
    end: int
    names: tuple[str, ...]
    is_whole: bool = True  # not some of them, nobody knows which
    is_in_order: bool = True  # as the facts, or the clock, may not have them


def subjects(scene: Scene) -> dict[int, Subject]:
    """By where the number starts; of numbers that are of no title, or of the person, nothing."""
    clusters = list(_clusters(scene))
    if not clusters:
        return _carried(scene)
    found: dict[int, Subject] = {}
    for kinds in (("minutes", "count", "factor"), ("time",), ("date", "weekday"), ("percent",)):
        numbers = [n for n in scene.sentence.numbers if n.kind in kinds and not n.is_each]
        for number in numbers:
            if (cluster := _cluster_of(number, numbers, clusters)) is None or _is_of_the_person(number, scene, clusters):
                continue
            in_turn = _in_turn(number, numbers, cluster, clusters, scene)
            names = in_turn or cluster.names
            records = tuple(r for r in scene.records if r.name in names)
            if not cluster.is_whole or _is_apart(number, numbers, cluster, scene):
                found[number.start] = Subject(names, records, is_sure=False)
            elif other := _by_part_of_its_name(number, clusters, scene):
                found[number.start] = Subject(names, (*records, *other), is_sure=False)
            else:
                found[number.start] = Subject(names, records, is_in_turn=in_turn is not None)
    return found


def _clusters(scene: Scene) -> Iterator[_Cluster]:
    """Titles told together: "“A”, “B” and “C”"."""
    sentence = scene.sentence
    made: _Cluster | None = None
    told = [_Cluster(word.start, word.end, (word.about[1:],)) for word in sentence.words if word.about.startswith(":")]
    for one in sorted([*told, *_families(scene)], key=lambda cluster: cluster.start):
        if made is not None and _AND.fullmatch(sentence.text[made.end - sentence.start : one.start - sentence.start]):
            made = _Cluster(made.start, one.end, (*made.names, *one.names), made.is_whole and one.is_whole, made.is_in_order and one.is_in_order)
            continue
        if made is not None:
            yield made
        made = one
    if made is not None:
        yield made


def _families(scene: Scene) -> Iterator[_Cluster]:
    """Titles that differ in their number alone, told as one: "the support hours", "both audits"."""
    patterns = [record.name for group in ("drift", "variance") for record in scene.group(group)]
    for called, names in scene.ledger.names.families.items():
        for match in re.finditer(rf"(?:\b(?P<n>\w+)\s+)?\b{re.escape(called)}s\b(?!\s+x)", scene.text, re.IGNORECASE):
            told, is_pattern = (match["n"] or "").lower(), any(called.lower() in name.lower() for name in patterns)
            # "audits", and "the audits" where they are a pattern too, may be all that there ever were
            size = _SIZES.get(told) or (len(names) if told in _ALL and (told == "both" or not is_pattern) else 0)
            at = scene.sentence.start + match.start()
            yield _Cluster(at, scene.sentence.start + match.end(), names, is_whole=size == len(names), is_in_order=False)


def _cluster_of(number: Mention, alike: Sequence[Mention], clusters: Sequence[_Cluster]) -> _Cluster | None:
    if any(cluster.start <= number.start < cluster.end for cluster in clusters):
        return None  # "the two audits"
    before = [cluster for cluster in clusters if cluster.end <= number.start]
    behind = [cluster for cluster in clusters if cluster.start >= number.end]
    if _is_before_its_title(alike, clusters):
        return behind[0] if behind else None
    return before[-1] if before else behind[0] if len(behind) == len(clusters) else None


def _is_before_its_title(alike: Sequence[Mention], clusters: Sequence[_Cluster]) -> bool:
    """Whether numbers of one kind lead: one before each title and none behind the last. A day in front is of all that follow."""
    edges = [0, *(cluster.start for cluster in clusters)]
    return len(clusters) > 1 and all(any(low <= n.start < high for n in alike) for low, high in pairwise(edges)) and alike[-1].start < edges[-1]


def _in_turn(number: Mention, alike: Sequence[Mention], cluster: _Cluster, clusters: Sequence[_Cluster], scene: Scene) -> tuple[str, ...] | None:
    """Of as many titles as numbers, the one whose turn it is."""
    run: list[Mention] = []
    for other in (n for n in alike if n.kind == number.kind and _cluster_of(n, alike, clusters) is cluster):
        if run and not _IN_TURN.fullmatch(scene.sentence.between(run[-1], other)):
            if number in run:
                break
            run = []
        run.append(other)
    if len(run) != len(cluster.names) or len(run) < 2 or number not in run:
        return None
    if not cluster.is_in_order:
        return cluster.names
    return (cluster.names[[n.start for n in run].index(number.start)],)


def _is_apart(number: Mention, alike: Sequence[Mention], cluster: _Cluster, scene: Scene) -> bool:
    """In "two were due on Tuesday, “A” on Friday" the first number is of no title."""
    if number.start > cluster.start:
        return False
    between = scene.text[number.end - scene.sentence.start : cluster.start - scene.sentence.start]
    return ";" in between or (any(n.start > cluster.end for n in alike) and _CLAUSE.search(between) is not None)


def _is_of_the_person(number: Mention, scene: Scene, clusters: Sequence[_Cluster] = ()) -> bool:
    """Whether it is one of the person's own figures that the words name; the words of a title name none."""
    near = nearness(number, scene.sentence)
    said = {word.about for word in scene.sentence.words if not any(cluster.start <= word.start < cluster.end for cluster in clusters)}
    return number.kind in ("minutes", "count", "percent") and any(near.get(f"own {concept}", 0.0) > _OWN for concept in _APART if concept in said)


def clause_of(number: Mention, sentence: Sentence) -> tuple[int, int]:
    """Where the clause that the number stands in begins and ends."""
    at = number.start - sentence.start
    told = [(n.start - sentence.start, n.end - sentence.start) for n in sentence.numbers]
    breaks = [m.start() for m in _CLAUSE.finditer(sentence.text) if not any(start <= m.start() < end for start, end in told)]
    low, high = max((b for b in breaks if b < at), default=0), min((b for b in breaks if b > at), default=len(sentence.text))
    return sentence.start + low, sentence.start + high


def _by_part_of_its_name(number: Mention, clusters: Sequence[_Cluster], scene: Scene) -> list[Record]:
    """Records that the number's own clause speaks of without their whole title, where no title stands in it: "on Friday the workshop begins"."""
    sentence = scene.sentence
    low, high = clause_of(number, sentence)
    if any(low <= cluster.start < high for cluster in clusters):
        return []
    said = {name for cluster in clusters for name in cluster.names}
    return [record for record in scene.ledger.names.said_in(sentence.text[low - sentence.start : high - sentence.start]) if record.name not in said]


def _carried(scene: Scene) -> dict[int, Subject]:
    """Of one title that the sentence before told of, where this one goes on about it."""
    names = tuple(dict.fromkeys(scene.titles))
    if len(names) != 1 or scene.here:
        return {}
    is_told = _IT.search(scene.text) is not None
    is_sure = _BEGINS_WITH_IT.match(scene.text) is not None or (_ITS.search(scene.text) is not None and not scene.is_new_line)
    subject = Subject(names, tuple(r for r in scene.records if r.name in names), is_sure)
    told = [n for n in scene.sentence.numbers if not n.is_each and (is_told or (n.kind == "count" and not scene.is_new_line))]
    return {n.start: subject for n in told if not _is_of_the_person(n, scene)}
