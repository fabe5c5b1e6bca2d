"""Counts, times and dates that follow from records: how many took longer, what a day holds, when a block ends, part and whole."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations, pairwise

from planner_memory.observer_agent.inferred_durations import OF_BACK
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.records import stem
from planner_memory.observer_agent.scene import GAP, REST, Scene, days_said, has_day
from planner_memory.observer_agent.sentences import nearness

_LONGER = re.compile(
    r"\b(?:over|longer|late|later|exceed\w*|overr[ua]n\w*|more\s+than|underestimat\w*|optimistic|too\s+low|slower|beyond|above|low|ran|past|hadn['’]t)\b",
    re.IGNORECASE,
)
_SHORTER = re.compile(
    r"\b(?:under|early|earlier|shorter|faster|quicker|less|pessimistic|too\s+high|below|gave\s+back|beat\w*|sooner)\b", re.IGNORECASE
)
_AS_SAID = re.compile(
    r"\b(?:exact\w*|on\s+time|right|spot\s+on|match\w*|precise\w*|perfect\w*|to\s+the\s+minute|on\s+the\s+(?:dot|nose|mark)|hit|accurate|as\s+(?:planned|estimated)|correct|just\s+as|level)\b",
    re.IGNORECASE,
)
_NOT_DONE = re.compile(
    r"\b(?:(?:the\s+)?other|rest|remaining|left|missing)\b.*\b(?:not|n['’]t|left|open|undone|wait\w*|slipped|missed|stayed|remain\w*|unfinished)\b|\b(?:that|which)\s+(?:were|are|was|is)\s+left\b",
    re.IGNORECASE,
)
_UNTIL = re.compile(
    r"(?:\b(?:until|till|to|by|end\w*|over|done|before|after|free|through|last\w*|finish\w*|out|stop\w*|between\b.*\band)\b|[–-])\s*(?:\w+\s+){0,2}$",
    re.IGNORECASE,
)
_PERIOD = re.compile(r"\b(?:period|covers?|covering|spans?|until|through|review|from)\b", re.IGNORECASE)
_COMES = re.compile(r"\b(?:continue|resume|go\s+on|coming|ahead|next|booked|scheduled|planned\s+effort|waiting|calendar)\b", re.IGNORECASE)
_EMPTY = re.compile(r"\b(?:empty|free|nothing|clear|no\s+\w+)\b", re.IGNORECASE)
_ON = re.compile(r"(?:^\W*|\b(?:on|by)\s+)(?:\w+,?\s+)?$", re.IGNORECASE)
_OTHER_THINGS = frozenset({"task", "meet", "plan", "event"})  # that types of events are called after, too
_FROM_THEN = re.compile(r"\b(?:from|after|as\s+of|starting|beginning)\s+(?:the\s+)?$", re.IGNORECASE)
_OF_THEM = re.compile(r"^\s*(?:of\s+(?:them|these|those|which)\s+)?(?:were\s+|was\s+)?", re.IGNORECASE)
_OF = re.compile(r"\s*(?:\w+\s+){0,2}?(?:/|(?:(?:out\s+)?of|in)\b)\s*(?:(?:the|my|your|its|those|a|our)\s+)*", re.IGNORECASE)


def counts(mention: Mention, scene: Scene) -> Iterator[tuple[Decimal, str]]:
    text, completed = scene.text, scene.group("completed")
    gaps = [record.over for record in completed if record.over is not None]
    for pattern, what, found in (
        (_LONGER, "took longer", sum(gap > 0 for gap in gaps)),
        (_SHORTER, "took less", sum(gap < 0 for gap in gaps)),
        (_AS_SAID, "took as long as estimated", sum(gap == 0 for gap in gaps)),
    ):
        if pattern.search(text):
            yield Decimal(found), f"tasks that {what}"
    yield from of_days(scene)
    if _NOT_DONE.search(text):
        left = (scene.ledger.figures.named(name) for name in ("now.missed", "list.slipped"))
        yield from ((figure.value, figure.path) for figure in left if figure is not None)
    if scene.sentence.is_about("scheduled") or scene.sentence.is_about("upcoming"):
        yield Decimal(len(scene.group("upcoming"))), "blocks ahead"
    after = stem((re.match(r"\s*([^\W\d_]+)", scene.sentence.after(mention)) or [""])[0].strip() or "-")
    for group in dict.fromkeys(record.group for record in scene.named):
        together = [record for record in scene.named if record.group == group]
        if any(after in map(stem, record.name.split()) for record in together):
            yield Decimal(len(together)), f"those named that are {group}"
    yield from of_a_type(mention, scene)
    yield from of_a_pair(mention, scene)
    told = [
        n for n in (*scene.before, *scene.sentence.numbers) if n.kind == "count" and n.precision == mention.precision and n.start != mention.start
    ]
    is_of_plan = scene.sentence.is_about("planned") and scene.sentence.is_about("completed")  # which the first reading knows
    told = told if not is_of_plan and (REST.search(scene.text) or GAP.search(scene.text)) else []
    for one, other in combinations(told[-3:], 2) if not scene.sentence.is_about("step") else ():
        yield abs(one.value - other.value), f"{other.text} taken from {one.text}"
    if scene.sentence.is_about("step"):
        for record in scene.group("due"):
            steps, still = record.values.get("steps"), record.values.get("steps_open")
            if steps is not None and still is not None:
                yield from ((Decimal(n), f"steps of “{record.name}”") for n in (steps - still, still, steps))


def of_days(scene: Scene) -> Iterator[tuple[Decimal, str]]:
    for day in days_said(scene) if not scene.sentence.is_about("completed") else ():
        starting = [r for r in scene.group("upcoming") if r.starts_on == day]
        if not starting or not has_day(scene):
            continue
        yield Decimal(len(starting)), f"blocks of {day}"
        yield Decimal(len({r.name for r in starting})), f"tasks of {day}"


def of_a_type(mention: Mention, scene: Scene) -> Iterator[tuple[Decimal, str]]:
    """ "Two phone calls": entries of the log by what they are called."""
    behind = _OF_THEM.sub("", scene.sentence.after(mention))
    after = {stem(word) for word in re.findall(r"[^\W\d_]+", behind)[:2]} - _OTHER_THINGS
    for claim in scene.claims:
        if claim.kind == "count" and ".by_type." in claim.path and any(after & set(map(stem, re.split(r"[_\s]", name))) for name in claim.names):
            yield claim.value, claim.path


def of_a_pair(mention: Mention, scene: Scene, *, is_plain: bool = False) -> Iterator[tuple[Decimal, str]]:
    """ "13 of 16", "of my sixteen tasks thirteen": part and whole that belong together, of this week or of one before."""
    counts = [n for n in scene.sentence.numbers if n.kind == "count"]
    for one, other in pairwise(counts):
        is_back = OF_BACK.search(scene.sentence.before(one)) is not None
        if mention.start not in (one.start, other.start) or not (is_back or _OF.fullmatch(scene.sentence.between(one, other))):
            continue
        part, whole = (other, one) if is_back else (one, other)
        near = nearness(part, scene.sentence)
        is_rest = max(near.get("own open", 0.0), near.get("own slipped", 0.0), near.get("own negated", 0.0)) > near.get("own completed", 0.0)
        for known_part, known_whole, why in _known_pairs(scene, is_rest=is_rest and not is_plain):
            if part.value == known_part and whole.value == known_whole:
                yield mention.value, why


def _known_pairs(scene: Scene, *, is_rest: bool) -> Iterator[tuple[Decimal, Decimal, str]]:
    values = {claim.path: claim.value for claim in scene.claims if claim.kind == "count"}
    is_past = any(word.about == "past" for word in scene.sentence.words) or any("week" in n.text.lower() for n in scene.before)
    for path, planned in values.items():
        record, _, leaf = path.rpartition(".")
        kept = values.get(f"{record}.planned_tasks_completed")
        if leaf == "tasks_planned" and kept is not None and ("earlier_weeks" not in path or is_past):
            yield (planned - kept if is_rest else kept), planned, f"{record}: {'open' if is_rest else 'kept'} of planned"
    gaps = [record.over for record in scene.group("completed") if record.over is not None]
    n = Decimal(len(scene.group("completed")))
    for pattern, found in ((_LONGER, sum(g > 0 for g in gaps)), (_SHORTER, sum(g < 0 for g in gaps)), (_AS_SAID, sum(g == 0 for g in gaps))):
        if pattern.search(scene.text):
            yield Decimal(found), n, "of the finished tasks"


def times(mention: Mention, scene: Scene) -> Iterator[tuple[tuple[int, int], str]]:
    days = days_said(scene)
    exact = {word.about[1:] for word in scene.sentence.words if word.about.startswith(":")}
    likely = [
        r for r in scene.group("upcoming") if (r.name in exact or r.is_told_in(scene.text) if exact else r.starts_on in days or r in scene.named)
    ]
    if not likely and not exact and scene.sentence.is_about("upcoming"):
        likely = scene.group("upcoming")
    for record in likely:
        if record.starts is not None:
            yield record.starts, f"the start of “{record.name}”"
        if record.ends is not None and _UNTIL.search(scene.sentence.before(mention)):
            yield record.ends, f"the end of “{record.name}”"


def _of_the_past(scene: Scene) -> bool:
    return any(scene.sentence.is_about(concept) for concept in ("slipped", "completed", "past", "deadline", "timer"))


_FREE = re.compile(r"\b(?:empty|free|clear|nothing|unplanned|(?:no|0|zero)\s+(?:entry|entries|blocks?|tasks?|events?))\b", re.IGNORECASE)
_FREE_WITHIN = 14  # days


def dates(mention: Mention, scene: Scene) -> Iterator[tuple[date, str]]:
    upcoming = scene.group("upcoming")
    if scene.last_day is not None and (_FROM_THEN.search(scene.sentence.before(mention)) or _EMPTY.search(scene.text)):
        yield scene.last_day + timedelta(days=1), "the day after"
    if scene.last_day is not None and _FREE.search(scene.text):
        ahead = [scene.last_day + timedelta(days=n + 1) for n in range(_FREE_WITHIN)]
        yield from ((day, "a day ahead with nothing on it") for day in ahead if all(record.starts_on != day for record in upcoming))
    if _COMES.search(scene.text):
        yield from ((day, "the first or the last day ahead") for r in (*upcoming[:1], *upcoming[-1:]) if (day := r.starts_on) is not None)
    if mention.kind == "date" and (scene.is_carried or not scene.named) and _ON.search(scene.sentence.before(mention)) and not _of_the_past(scene):
        yield from ((day, "a day ahead") for r in upcoming if (day := r.starts_on) is not None)
    for record in () if scene.is_carried or _PERIOD.search(scene.text) else scene.named or upcoming:
        for key, value in record.values.items():
            if key.startswith("date ") and isinstance(value, date):
                yield value, f"{key.removeprefix('date ')} of “{record.name}”"
