"""Reads whole sentences by frames: "4 of the 7 hours were billable" names both figures, so that both must be right, and together.

A frame that fits is the last word on its numbers: what it names it names by its words, its order and the section that it stands in.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product

from planner_memory.observer_agent.directions import direction
from planner_memory.observer_agent.figures import Figure, of_record
from planner_memory.observer_agent.frames import FRAMES, MEASURES, Frame
from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import Scene
from planner_memory.observer_agent.verdicts import Verdict, Verdicts, verdict_of

_NAMES = re.compile("¤+")
_SPEC = re.compile(r"(\w)([=<>~!+-])(\S+)")
_NOT_HOURS = re.compile(
    r"\s*(?:[\w-]+\s+){0,2}?(?:tasks?|runs?|meetings?|calls?|days?|weeks?|steps?|switch\w*|times|plans?|events?|notes?|mails?|percent)\b|\s*%",
    re.IGNORECASE,
)
_TOGETHER = re.compile(r"\b(?:together|in total|altogether|in all|combined|overall|worked)\b", re.IGNORECASE)
_NOT_BILLABLE = re.compile(r"\b(?:not|non|un)[\s-]?billable\b|\bcannot\s+be\s+billed\b", re.IGNORECASE)  # the sprint knows no such hours
_EACH = re.compile(r"\b(?:each|both|apiece)\b", re.IGNORECASE)
_MINUTES_WORD = re.compile(r"min", re.IGNORECASE)
_GROUPS = {"task": ("completed",), "run": ("drift", "variance"), "trouble": ("repeated_trouble",), "block": ("upcoming",)}


def framed(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """Of numbers that stand in a frame: the last word on them."""
    text = _frame_text(scene)
    is_unsure = scene.is_carried or _TOGETHER.search(text) is not None or not scene.sentence.has_names
    right: dict[int, Verdict] = {}
    wrong: dict[int, Verdict] = {}
    for frame in FRAMES:
        if frame.section == "sprint" and _NOT_BILLABLE.search(text):
            continue
        if (frame.section and frame.section not in scene.section) or not frame.applies(text, f"{scene.section}\n{scene.text}"):
            continue
        for match in frame.pattern.finditer(text):
            found = _read(match, frame, scene)
            if found and all(each.is_supported for each in found.values()):
                right |= {at: each for at, each in found.items() if at not in right}
            elif found and frame.is_strict and not (is_unsure and frame.is_of_tasks):
                wrong |= {at: each for at, each in found.items() if at not in wrong}
    return wrong | right


def _frame_text(scene: Scene) -> str:
    sentence = scene.sentence
    parts: list[str] = []
    at = sentence.start
    for n, mention in enumerate(sentence.numbers):
        parts += [sentence.text[at - sentence.start : mention.start - sentence.start], f"⟨{n}⟩"]
        at = mention.end
    text = "".join([*parts, sentence.text[at - sentence.start :]])
    return _NAMES.sub("@", text).replace("’", "'").replace("**", "")


def _read(match: re.Match[str], frame: Frame, scene: Scene) -> dict[int, Verdict]:
    """The best of the readings that the frame allows; empty when the facts have none of them, or none that has the numbers' units."""
    got = match.groupdict()
    slots = {name: scene.sentence.numbers[int(value)] for name, value in got.items() if len(name) == 1 and value is not None}
    measures = [key for key, words in MEASURES.items() if got.get("measure") and words.fullmatch(got["measure"])]
    best: dict[int, Verdict] = {}
    for spec in frame.specs:
        for measure in (measures or list(MEASURES)) if "$" in spec else [""]:
            if measure == "work" and "now.$" in spec and "now.work" in spec:
                continue  # a part of itself
            for reading in _readings(spec.replace("$", measure), slots, scene):
                if all(each.is_supported for each in reading.values()):
                    return reading
                if "$" in spec and not measures:
                    continue  # which figure it is nobody said, so that none of them can be missed
                if sum(each.is_supported for each in reading.values()) > sum(each.is_supported for each in best.values()) or not best:
                    best = reading
    return best


def _readings(spec: str, slots: Mapping[str, Mention], scene: Scene) -> Iterator[dict[int, Verdict]]:
    wanted = [(slots[m[1]], m[2], m[3].replace("_", " ")) for m in _SPEC.finditer(spec) if m[1] in slots]
    sets = [_record_sets(name.partition(".")[0], mention, scene) if name.partition(".")[0] in _GROUPS else [()] for mention, _, name in wanted]
    of_same = [tuple(each for _ in wanted) for each in sets[0]] if all(each == sets[0] for each in sets) else product(*sets)
    for chosen in of_same:
        found: dict[int, Verdict] = {}
        for (mention, sign, name), records in zip(wanted, chosen, strict=True):
            facts = _facts(name, records, scene)
            if not facts or not all(_has_unit(mention, fact, slots, scene) for fact in facts):
                found = {}
                break
            is_right = all(_holds(mention, sign, fact, slots, scene) for fact in facts)
            why = "" if is_right else f"The sentence names {facts[0].path}, which is {_said(facts[0])}."
            found[mention.start] = verdict_of(mention, facts[0].path, why)
        if found:
            yield found


def _facts(name: str, records: Sequence[Record], scene: Scene) -> list[Figure]:
    """Empty when one of them is missing."""
    place, _, leaf = name.partition(".")
    if place in _GROUPS:
        found = [of_record(record, leaf, scene.ledger.suggestions) for record in records]
    elif name.isdigit():
        found = [Figure(Decimal(name), "count", "a word of the sentence")]
    elif name == "list.named":
        found = [Figure(Decimal(len({word.about for word in scene.sentence.words if word.about.startswith(":")})), "count", "the names")]
    elif name == "tomorrow.tasks" and scene.last_day is not None:
        day = scene.last_day + timedelta(days=1)
        found = [Figure(Decimal(sum(r.starts_on == day for r in scene.group("upcoming"))), "count", f"upcoming on {day}")]
    else:
        found = [scene.ledger.figures.named(name)]
    return [each for each in found if each is not None] if None not in found else []


def _said(fact: Figure) -> str:
    unit = {"minutes": " minutes", "percent": " %"}.get(fact.kind, "")
    return f"{fact.value.quantize(Decimal('0.01')).normalize():f}{unit}"


def _record_sets(group: str, mention: Mention, scene: Scene) -> list[tuple[Record, ...]]:
    """The records that the number may be of: those named nearest to it, all of them where each is said, else one."""
    kinds = _GROUPS[group]
    sentence = scene.sentence
    names = sorted((word.start, word.about[1:]) for word in sentence.words if word.about.startswith(":"))
    likely: Sequence[Record] = scene.named
    if names:
        clusters: list[list[tuple[int, str]]] = []
        for at, name in names:
            if clusters and not any(clusters[-1][-1][0] < n.start < at for n in sentence.numbers):
                clusters[-1].append((at, name))
            else:
                clusters.append([(at, name)])
        ahead = [cluster for cluster in clusters if cluster[0][0] < mention.start]
        said = {name for _, name in (ahead[-1] if ahead else clusters[0])}
        ids = {name.lower().replace(" ", "-") for name in said}  # "pattern:client-onboarding" is said as "Client onboarding"
        likely = [record for record in scene.records if record.name in said or record.name.rpartition(":")[2] in ids]
    found = [record for record in likely if record.group in kinds] or [record for record in scene.named if record.group in kinds]
    if not found and group in ("run", "trouble"):
        found = [record for record in scene.records if record.group in kinds and record.group != "variance"]
        found = found if len(found) == 1 else []
    if group == "task" and len(found) > 1 and _EACH.search(sentence.text):
        return [tuple(found)]
    return [(record,) for record in found]


def _values(mention: Mention, fact: Figure, slots: Mapping[str, Mention], scene: Scene) -> Iterator[Mention]:
    """The number in the fact's unit; a unit that is not written is the other number's."""
    for reading in mention.meanings():
        if reading.kind == fact.kind or (fact.kind == "factor" and reading.kind == "count" and reading.precision < 1):
            yield reading
        elif fact.kind == "minutes" and reading.kind == "count" and _NOT_HOURS.match(scene.sentence.after(mention)) is None:
            yield replace(reading, kind="minutes", value=reading.value * 60, precision=reading.precision * 60)
            if any(_MINUTES_WORD.search(other.text) for other in slots.values()):
                yield replace(reading, kind="minutes")


def _has_unit(mention: Mention, fact: Figure, slots: Mapping[str, Mention], scene: Scene) -> bool:
    return next(_values(mention, fact, slots, scene), None) is not None


def _holds(mention: Mention, sign: str, fact: Figure, slots: Mapping[str, Mention], scene: Scene) -> bool:
    if sign == "!":
        return fact.value == 0
    values = list(_values(mention, fact, slots, scene))
    if sign in "<>":
        return any(each.value < fact.value if sign == "<" else each.value > fact.value for each in values)
    if sign in "+-" and fact.sign != (1 if sign == "+" else -1):
        return False
    if sign == "~" and fact.sign:
        said = direction(mention, scene.sentence.numbers, scene.sentence.start, scene.text)
        if said and said != fact.sign:
            return False
    return any(is_near(abs(each.value), fact.value, each) for each in values)
