"""Intents that name several pieces of work: a pattern for each that has one, a step of its own for each that has none, in one plan."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from planner_memory.planner_engine.checklist import Draft, Filled, filled
from planner_memory.planner_engine.choice import Choice, choose
from planner_memory.planner_engine.names import Names
from planner_memory.planner_engine.patterns import GENERIC, Pattern, PatternStep
from planner_memory.planner_engine.words import stems

MOST_PATTERNS = 3
MOST_ALONE = 6
ALONE_HOURS, ERRAND_HOURS = 1.5, 0.5
_SURE = 0.6  # of each pattern: below it, words of one piece of work are too easily taken for a second one
_THEN = r"(?:,\s*)?(?:and\s+)?(?:then|afterwards|after\s+that|once\s+(?:that|this|it)\s+is\s+done|when\s+(?:that|this|it)\s+is\s+done)\b,?\s*"
_ALSO = r"(?:,\s*)?(?:and|as\s+well\s+as|plus)\s+(?:also\s+)?|[:;,\n]\s*|\.\s+(?=[A-Z])"
_JOINT = re.compile(rf"\s*(?:(?P<then>{_THEN})|(?P<also>{_ALSO}))", re.IGNORECASE)
_BEFORE = re.compile(r"\s*,?\s*\bbefore\s+(?=[a-z]+ing\b)", re.IGNORECASE)  # `write the proposal before onboarding them`
_AFTER = re.compile(r"\s*,?\s*\bafter\s+(?=[a-z]+ing\b)", re.IGNORECASE)
_IT = re.compile(r"\b(?:it|them|her|him|these|those)\b(?=\s*(?:$|[,.]|(?:up|out|off|to|for|by|on|in|with|at|before|until|again)\b))", re.IGNORECASE)
_HOW = re.compile(r"(?:no|not|by|before|until|till|within|under|in|on|at|for|with|without|max(?:imum)?|keep|due|deadline|using)\b", re.IGNORECASE)
# what a clause begins with when it asks for something to be done; words that say how, such as "keep" or "finish", are not among them
_DOING = """
apply archive arrange ask assemble back book build buy call cancel celebrate change check choose clean clear collect compare compile contact copy
create decide delete deliver design document download draft edit email explain file fill find fix gather hang hire host install interview invite
invoice label launch learn list mail map measure meet migrate mount move negotiate notify onboard open order organise organize pack paint pay
phone photograph pick plan plant post prepare present print publish read record recruit renew rent repair replace reply report request research
reserve return review revise ring scan schedule select sell send set ship sign sort submit teach tell test thank tidy train translate update
upload visit wash write"""
_VERBS = frozenset(_DOING.split())
_SMALL = "ask book buy call cancel copy email invite mail order pay phone pick post print reserve send ship sign upload"
_ERRANDS = frozenset(_SMALL.split())


@dataclass(frozen=True, slots=True)
class Part:
    """The words that ask for something, and the pattern that fits, if one does. `follows`: it begins when the part before it is done."""

    pattern: Pattern | None
    text: str
    follows: bool


def parts_of(intent: str) -> list[Part]:
    """At least two parts in the order of the text; empty when the intent is about one thing.

    A clause that neither has a pattern nor begins with a verb of doing says more about the clause before it.
    """
    parts: list[Part] = []
    opening = before = ""
    for clause in _clauses(intent):
        text, then = clause.text, clause.follows
        spelt_out = _IT.sub(" ".join(before.split()[1:]), text) if before else text
        follows = then or spelt_out != text  # what is about the result of the clause before comes after it
        found = _choice_of(text, spelt_out, before, is_gerund=clause.is_gerund)
        before = text
        taken = {p.pattern.key for p in parts if p.pattern is not None}
        if found.pattern is not None and found.score >= _SURE and found.pattern.key not in taken and len(taken) < MOST_PATTERNS:
            parts.append(Part(found.pattern, f"{opening} {text}".strip(), follows and bool(parts)))
            opening = ""
        elif not clause.is_heading and text.split()[0].lower() in _VERBS and len(text.split()) > 1 and len(parts) < MOST_ALONE:
            parts.append(Part(None, spelt_out, follows and bool(parts)))
        elif parts and (parts[-1].pattern is not None or not _HOW.match(text)):
            parts[-1] = replace(parts[-1], text=f"{parts[-1].text}, {text}")
        elif not parts:
            opening = f"{opening} {text}".strip()
    if len(parts) < 2:
        return []
    whole = choose(intent)
    if whole.pattern is not None and whole.pattern.key not in {p.pattern.key for p in parts if p.pattern is not None}:
        return []  # the words belong together
    return parts


def _choice_of(text: str, spelt_out: str, before: str, *, is_gerund: bool) -> Choice:
    """`relaunch it` is about the words of the clause before. A gerund after a finite verb is a second subject, not a second piece of work."""
    if before and not is_gerund and text.split()[0].lower().endswith("ing") and not before.split()[0].lower().endswith("ing"):
        return Choice(None, 0.0, "")
    found = choose(spelt_out)
    if spelt_out != text and (found.score < _SURE or found.pattern == choose(before).pattern):
        return choose(text)
    return found


@dataclass(frozen=True, slots=True)
class _Clause:
    """`is_gerund`: one that means something to do. `is_heading`: a colon follows, and what comes after says what it consists of."""

    text: str
    follows: bool = False
    is_gerund: bool = False
    is_heading: bool = False


def _clauses(intent: str) -> list[_Clause]:
    text = re.sub(r"[ \t]+", " ", intent.strip())
    for form, is_turned in ((_BEFORE, False), (_AFTER, True)):
        found = form.search(text)
        if found and text[: found.start()].strip():
            main, gerund = _joined(text[: found.start()]), _bare(text[found.end() :])
            if is_turned:
                return [_Clause(gerund, is_gerund=True), replace(main[0], follows=True), *main[1:]]
            return [*main, _Clause(gerund, follows=True, is_gerund=True)]
    return _joined(text)


def _joined(text: str) -> list[_Clause]:
    out: list[_Clause] = []
    start, follows = 0, False
    for joint in _JOINT.finditer(text):
        out.append(_Clause(_bare(text[start : joint.start()]), follows, is_heading=joint[0].strip() == ":"))
        start, follows = joint.end(), bool(joint["then"])
    out.append(_Clause(_bare(text[start:]), follows))
    return [each for each in out if each.text]


def _bare(clause: str) -> str:
    return re.sub(r"^(?:please|also|to|we need to|i need to|i have to|we have to|let's)\s+", "", clause.strip(" ,.;"), flags=re.IGNORECASE)


def composed(parts: Sequence[Part], names: Names) -> tuple[Choice, Filled]:
    """The parts as one choice and one list of steps. A part that follows begins after the last steps of the one before; others run beside it."""
    steps: list[Draft] = []
    ends: tuple[str, ...] = ()
    sizes: dict[str, float] = {}
    assumed: dict[str, float] = {}
    for part in parts:
        new = filled(part.pattern, part.text, names) if part.pattern else Filled((_alone(part.text, {s.step_key for s in steps}),))
        needed = {key for step in new.steps for key in step.depends_on}
        steps += [replace(s, depends_on=ends) if part.follows and not s.depends_on else s for s in new.steps]
        ends = tuple(s.step_key for s in new.steps if s.step_key not in needed)
        sizes |= new.sizes
        assumed |= new.assumed
    known = [p for p in parts if p.pattern is not None]
    alone = [f"'{p.text}'" for p in parts if p.pattern is None]
    one, its = ("a step", "its") if len(alone) == 1 else ("steps", "their")
    beside = f" Without a pattern, and therefore {one} of {its} own: {', '.join(alone)}."
    if not known:
        return Choice(None, 0.0, f"The intent names {len(parts)} pieces of work.{beside}"), Filled(tuple(steps))
    words = "; ".join(f"'{p.pattern.name}' for '{p.text}'" for p in known if p.pattern)
    why = f"The intent names {len(parts)} pieces of work: {words}.{beside if alone else ''}"
    return Choice(_whole([p.pattern for p in known if p.pattern]), round(min(choose(p.text).score for p in known), 3), why), Filled(
        tuple(steps), sizes, assumed
    )


def _whole(patterns: Sequence[Pattern]) -> Pattern:
    first, *rest = patterns
    if not rest:
        return first
    return Pattern(
        key="+".join(p.key for p in patterns),
        name=" and ".join([first.name, *(_lower(p.name) for p in rest)]),
        summary=" ".join(p.summary for p in patterns),
        triggers=(),
        steps=tuple(s for p in patterns for s in p.steps),
    )


def _alone(text: str, taken: set[str]) -> Draft:
    """A clause as a step. Its key comes from its words, so that the same errand of the next plan shares its history."""
    base, n = "-".join(["also", *stems(text)[:5]])[:80], 2
    key = base
    while f"{GENERIC.key}.{key}" in taken:
        key, n = f"{base}-{n}", n + 1
    hours = ERRAND_HOURS if text.split()[0].lower() in _ERRANDS else ALONE_HOURS
    step = PatternStep(key, text[:1].upper() + text[1:280], "Named in the intent; its hours are a guess.", hours, (), "medium", False, "Done")
    return Draft(f"{GENERIC.key}.{step.key}", step.title, step.description, step.raw_hours, (), step.energy, step.billable, step.deliverable)


def _lower(name: str) -> str:
    """For the middle of a title; abbreviations and names keep their capitals."""
    first = name.split()[0]
    return name if first.isupper() or first[1:] != first[1:].lower() else name[0].lower() + name[1:]
