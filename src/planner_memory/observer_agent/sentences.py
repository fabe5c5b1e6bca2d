"""The sentences of a prose: where their numbers stand, and which words stand near which number."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

from planner_memory.observer_agent.mentions import mentions
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.quantifiers import quantities
from planner_memory.observer_agent.tables import headings
from planner_memory.observer_agent.vocabulary import CONCEPTS_OF, PHRASES
from planner_memory.observer_agent.windows import names_of_windows

_SENTENCE = re.compile(r"(?<=[.!?])[\"”’)*_]*\s+|\n+|\s[–—]\s")
_ABBREVIATION = re.compile(r"\b(?:vs|approx|ca|no|incl|excl|avg|est|e\.g|i\.e)\.[*_]*\s*$", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?P<word>[^\W\d_]+(?:[-’'][^\W\d_]+)*)|(?P<break>[,;()|·•→]|\b(?:and|but|while|whereas|against|versus|vs|than|instead|rather|compared|plus)\b)|(?P<name>¤+)",
    re.IGNORECASE,
)
_IN_ORDER = re.compile(r"(\w+)\W{1,3}(?:vs\.?|versus|against|and|/)\W{0,3}(\w+)[^\w\n]*$|(\w+)/(\w+)[^\w\n]*$", re.IGNORECASE)
_IS_LABEL = re.compile(r"[\s*+>•-]*[\"“*_]*¤+[\"”*_:]*\s*")
_LINK = re.compile(r"\W*(?:vs\.?|versus|against|and|/|of|to|→)\W*", re.IGNORECASE)
_LABEL = re.compile(r"\w\**:\**\s*\**$")
_SHARE_OF = re.compile(r"\s*of\b", re.IGNORECASE)
_NOT_BILLABLE = re.compile(r"\b(?:not|non|un)[\s-]?(billable|billed|chargeable|invoiceable)\b", re.IGNORECASE)
_NOT_BEFORE = re.compile(r"\b(?:not|nor|non|cannot|can't|cannot\s+be|not\s+be)[\s-]$", re.IGNORECASE)
_BREAKS = frozenset(["and", "but", "while", "whereas", "against", "versus", "vs", "than", "instead", "rather", "compared", "plus"])
_FADES = 0.8  # per word between a number and a word about it
_BREAK, _OTHER_NUMBER = 4.0, 2.0  # words that a comma, and another number, count for
_OF_ANOTHER = 0.5  # a word that stands nearer to another number
_WHOLE_SENTENCE = 0.4  # "usual" and "before" colour all of their sentence
_THINGS = frozenset({"deep", "meeting", "billable", "nonbillable", "unmarked", "scheduled", "work", "task", "switch", "event", "sprint"})
_SAME_AGAIN = re.compile(r"\s*(?:\w+\s+){0,3}[(,:–—-]\s*(?:(?:or|so|that\s+is|that's|i\.e\.|which\s+is|about|roughly)\s+)*[~=]?\s*", re.IGNORECASE)
_DONE_WITH = frozenset({"completed", "planned", "open", "slipped"})
_LABELS = frozenset({"est", "act"})  # that stand before their numbers
_AGAIN = 0.7
_AT_THE_TOP = 80  # characters
_OTHER_TIME = re.compile(r"\W*(?:this|last|the\s+previous)\s+week\W*:", re.IGNORECASE)
_PRONOUN = re.compile(r"\b(?:them|these|those|they)\b", re.IGNORECASE)
_TIMES = frozenset({"past", "single_week"})
_BACK_THEN = re.compile(r"\b(?:back\s+then|in\s+that\s+(?:week|time|period)|at\s+that\s+time)\b", re.IGNORECASE)
_COMPARES = re.compile(r"\b(?:but|while|whereas|against|versus|vs|than|instead|rather|compared|after|from|you|now|up|down)\b|[;(]", re.IGNORECASE)
_COLOURS = frozenset({"past", "single_week", "sprint", "upcoming"})


@dataclass(frozen=True, slots=True)
class Word:
    start: int
    end: int
    about: str  # a concept, or a name after a colon


@dataclass(frozen=True, slots=True)
class Sentence:
    start: int
    text: str
    words: tuple[Word, ...]
    tokens: tuple[tuple[int, bool], ...]  # where each token stands, and whether it is a break
    numbers: tuple[Mention, ...]
    placed: dict[int, int] = field(default_factory=dict)  # labels told in the order of their numbers: where the label stands, and its number
    labelled: frozenset[int] = frozenset()  # where numbers stand that follow a label and a colon
    lead: str = ""  # the sentences without a number that stand right before it
    may_be_of_before: bool = False  # it goes on from one that tells of the week before
    is_of_before: bool = False  # all of it is

    def of_before(self) -> "Sentence":
        """The same, with the week before said in it."""
        return replace(self, words=(*(Word(self.start, self.start, time) for time in sorted(_TIMES)), *self.words), is_of_before=True)

    def between(self, one: Mention, other: Mention) -> str:
        return self.text[one.end - self.start : other.start - self.start]

    def before(self, mention: Mention) -> str:
        return self.text[: mention.start - self.start]

    def after(self, mention: Mention) -> str:
        return self.text[mention.end - self.start :]

    def is_about(self, concept: str) -> bool:
        return any(word.about == concept for word in self.words)

    def first_about(self, concept: str) -> int:
        return min(word.start for word in self.words if word.about == concept)

    @property
    def is_first(self) -> bool:
        """Of the prose, or of what stands under its title."""
        return self.start < _AT_THE_TOP

    @property
    def names(self) -> set[str]:
        """Those of records, as they are written in the facts."""
        return {word.about[1:] for word in self.words if word.about.startswith(":")}

    @property
    def has_names(self) -> bool:
        return any(word.about.startswith(":") for word in self.words)


def masked(prose: str, names: Iterable[str]) -> tuple[str, dict[int, str]]:
    """The prose with its names blanked out, of the same length, and the names by where they stand."""
    found: dict[int, str] = {}

    def blank(match: re.Match[str], name: str) -> str:
        found[match.start()] = name
        return "¤" * len(match.group())

    for name in names:
        one = re.escape(name)
        if f"{name}" not in prose:
            continue
        prose = re.sub(rf"[“„\"'‘*_`«]+{one}[”“\"'’*_`»]+", lambda m, n=name: blank(m, n), prose)  # type: ignore[misc]
        if len(name) >= 4 and (" " in name or any(c.isdigit() for c in name)) and any(c.isalpha() for c in name):
            prose = re.sub(rf"(?<![\w¤]){one}(?![\w¤])", lambda m, n=name: blank(m, n), prose)  # type: ignore[misc]
    return prose, found


def sentences(prose: str, names: dict[int, str]) -> list[Sentence]:
    called = names_of_windows(prose)
    numbers = [n for n in mentions(prose) if not any(start <= n.start < end for start, end in called)]
    told = [each for each in quantities(prose) if not any(n.start < each.end and n.end > each.start for n in numbers)]
    numbers = sorted([*numbers, *told], key=lambda mention: mention.start)
    heads = headings(prose)
    edges = [*_edges(prose, numbers), len(prose)]
    out: list[Sentence] = []
    counted: Sentence | None = None  # the last one with numbers
    lead = ""
    for start, end in pairwise(edges):
        inside = tuple(n for n in numbers if start <= n.start < end)
        lead = lead if "\n\n" not in prose[max(0, start - 2) : start] else ""
        made = replace(_sentence(prose, start, end, inside, names, heads), lead=lead)
        if out and "\n" not in out[-1].text and out[-1].start + len(out[-1].text) == start:
            made = _with_antecedent(made, out[-1])
        if not inside:
            lead += prose[start:end]
        else:
            lead = ""
            if counted is not None and "\n" not in prose[counted.start : start]:
                made = _with_period(made, counted)
            elif counted is not None and _BACK_THEN.search(made.text):
                made = made.of_before()
            counted = made
        out.append(made)
    return out


def _with_antecedent(sentence: Sentence, before: Sentence) -> Sentence:
    """ "Three meetings. Hours in them: 4." – what "them" are, the sentence before says."""
    pronoun = _PRONOUN.search(sentence.text) or (_OTHER_TIME.match(before.text) and _OTHER_TIME.match(sentence.text))
    things = {word.about for word in before.words} & _THINGS
    things = things - {"work"} if len(things) > 1 else things
    if pronoun is None or len(things) != 1 or any(word.about in _THINGS - {"work"} for word in sentence.words):
        return sentence
    start, end = (sentence.start + at for at in pronoun.span())
    return replace(sentence, words=(*sentence.words, *(Word(start, end, thing) for thing in things)))


def _with_period(sentence: Sentence, before: Sentence) -> Sentence:
    """ "Last week you finished nine tasks. You worked 20 hours.": the week that a sentence begins with holds until another time is named."""
    first = before.numbers[0].start if before.numbers else before.start + 1
    begun = {word.about for word in before.words if word.about in _TIMES and word.start <= first}
    if not (begun >= _TIMES or before.may_be_of_before) or before.is_about("now") or not _THINGS & {word.about for word in sentence.words}:
        return sentence
    is_other = any(word.about in ("now", "past", "upcoming", "sprint", "streak", "slipped") for word in sentence.words) or sentence.has_names
    if is_other or any(n.kind in ("date", "weekday", "time") for n in sentence.numbers):
        return sentence
    return replace(sentence, may_be_of_before=True)


def _edges(prose: str, numbers: list[Mention]) -> list[int]:
    """Where sentences begin. A dash ends one only behind a number: what stands before it else is a label of what follows."""
    found = [0]
    for match in _SENTENCE.finditer(prose):
        is_dash = match.group().strip() in ("–", "—")
        if _is_edge(match, prose, numbers) and not (is_dash and not any(found[-1] <= n.start < match.start() for n in numbers)):
            found.append(match.end())
    return found


def _is_edge(match: re.Match[str], prose: str, numbers: list[Mention]) -> bool:
    if any(n.start < match.start() < n.end for n in numbers):
        return False
    if match.group().strip() in ("–", "—") and any(n.end == match.start() for n in numbers) and _starts_with_number(prose, match.end(), numbers):
        return False  # a span
    if match.group().strip() in ("–", "—") and _IS_LABEL.fullmatch(prose[prose.rfind("\n", 0, match.start()) + 1 : match.start()]):
        return False  # "“Stock count” – done in 2 h": what the line is about
    following = prose[match.end() : match.end() + 1]
    return (
        "\n" in match.group()
        or following.isupper()
        or following in "“„\"*_'¤«"
        or _ABBREVIATION.search(prose[max(0, match.start() - 12) : match.start() + 1]) is None
    )


def _starts_with_number(prose: str, at: int, numbers: list[Mention]) -> bool:
    return any(at <= n.start <= at + 4 and prose[at : n.start].strip().lower() in ("", "the") for n in numbers)


def _sentence(prose: str, start: int, end: int, numbers: tuple[Mention, ...], names: dict[int, str], heads: dict[int, str]) -> Sentence:
    text = prose[start:end]
    words: list[Word] = []
    tokens: list[tuple[int, bool]] = []
    in_phrase = bytearray(len(text))
    for pattern, concepts in PHRASES:
        for match in pattern.finditer(text):
            a, b = match.span()
            if any(in_phrase[a:b]) or any(n.start < start + b and n.end > start + a for n in numbers):
                continue
            in_phrase[a:b] = b"\x01" * (b - a)
            words += [Word(start + a, start + b, concept) for concept in concepts]
            tokens.append((start + a, False))
    negated = {m.start(1) for m in _NOT_BILLABLE.finditer(text)}
    for token in _TOKEN.finditer(text):
        at = start + token.start()
        inside = next((n for n in numbers if n.start <= at < n.end), None)
        if in_phrase[token.start()] or inside is not None:
            continue
        if token.group().lower() in _LABELS:
            tokens.append((at - 1, True))
        tokens.append((at, token["break"] is not None or token.group().lower() in _BREAKS))
        if token["name"]:
            words.append(Word(at, start + token.end(), f":{names.get(at, '')}"))
        elif token["word"]:
            is_negated = token.start() in negated or _NOT_BEFORE.search(text[: token.start()]) is not None
            words += [Word(at, start + token.end(), concept) for concept in _about(token["word"], is_negated=is_negated)]
    for at, head in heads.items():
        if start <= at < end:
            words += [Word(at, at, concept) for concept in _concepts_of_heading(head)]
    about = {word.about for word in words}
    turned = "nonbillable" if "billable" in about else "open"  # "7 h are billable, 2 h are not"
    words = [Word(word.start, word.end, turned) if word.about == "negated" else word for word in words]
    if "unsure" in about:  # "it is not known whether 3 h are billable"
        words = [Word(word.start, word.end, "unmarked") if word.about in ("billable", "nonbillable") else word for word in words]
    made = Sentence(start, text, tuple(words), tuple(sorted(tokens)), numbers)
    labelled = frozenset(n.start for n in numbers if _LABEL.search(made.before(n)))
    return replace(made, placed=_in_order(made), labelled=labelled)


def _concepts_of_heading(text: str) -> list[str]:
    found: list[str] = []
    for pattern, concepts in PHRASES:
        if pattern.search(text):
            found += concepts
            text = pattern.sub(" ", text)
    return found + [concept for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", text) for concept in _about(word, is_negated=False)]


def _about(word: str, *, is_negated: bool) -> list[str]:
    plain = word.lower().replace("’", "'").removesuffix("'s")
    found = CONCEPTS_OF.get(plain) or CONCEPTS_OF.get(plain.split("-")[0], ())
    return ["nonbillable" if concept == "billable" and is_negated else concept for concept in found]


def nearness(mention: Mention, sentence: Sentence) -> dict[str, float]:
    """How near the sentence's words are to the number, by what they are about: 1 beside it, less with each word between.

    Under "own …" stand those that are nearer to no other number, under "mine …" those nearer to no other of its kind.
    """
    near: dict[str, float] = {}
    if mention.kind == "percent" and _SHARE_OF.match(sentence.after(mention)):
        near = {"share": 1.0, "own share": 1.0}
    for word in sentence.words:
        steps = _steps(mention, word, sentence)
        weight = _FADES**steps
        nearer = [other for other in sentence.numbers if other.start != mention.start and _steps(other, word, sentence) < steps]
        if nearer:
            weight *= _OF_ANOTHER
            if any(other.kind == mention.kind for other in nearer):
                near[f"other {word.about}"] = 1.0
            else:
                near[f"mine {word.about}"] = max(near.get(f"mine {word.about}", 0.0), weight)
        else:
            near[f"own {word.about}"] = max(near.get(f"own {word.about}", 0.0), weight)
            near[f"mine {word.about}"] = max(near.get(f"mine {word.about}", 0.0), weight)
        if word.about in _COLOURS:
            weight = max(weight, _WHOLE_SENTENCE)
        near[word.about] = max(near.get(word.about, 0.0), weight)
    _colour_from_the_start(near, mention, sentence)
    _go_on_about_the_same(near, mention, sentence)
    for time in _TIMES if sentence.is_of_before else ():
        near[time] = near[f"own {time}"] = near[f"mine {time}"] = 1.0
        near.pop(f"other {time}", None)
    return near


def _go_on_about_the_same(near: dict[str, float], mention: Mention, sentence: Sentence) -> None:
    """In "7 h of deep work (60 %)" and "usually 7 h of deep work, this week 5 h" the second number is of deep work too."""
    before = [n for n in sentence.numbers if n.end <= mention.start]
    if not before or any(f"own {topic}" in near for topic in _THINGS - {"work"}):
        return
    is_of_another_time = mention.kind == before[-1].kind and any(f"own {time}" in near for time in (*_TIMES, "now"))
    if not is_of_another_time and not _SAME_AGAIN.fullmatch(sentence.between(before[-1], mention)):
        return
    for name, weight in nearness(before[-1], sentence).items():
        topic = name.removeprefix("own ")
        if name.startswith("own ") and topic in _THINGS | _DONE_WITH:
            for key in (topic, name, f"mine {topic}"):
                near[key] = max(near.get(key, 0.0), _AGAIN * weight)


def _colour_from_the_start(near: dict[str, float], mention: Mention, sentence: Sentence) -> None:
    """ "The week before brought 9 tasks and 20 h of work": what a sentence begins with holds for all of its numbers, unless it compares."""
    first = min(n.start for n in sentence.numbers)
    begun = {word.about for word in sentence.words if word.end <= first and word.about in _TIMES}
    if mention.start == first or not begun or sentence.is_about("now") or _COMPARES.search(sentence.text):
        return
    for about in begun:
        near[about] = near[f"own {about}"] = max(near.get(f"own {about}", 0.0), _WHOLE_SENTENCE)
        near.pop(f"other {about}", None)


def _steps(mention: Mention, word: Word, sentence: Sentence) -> float:
    if (number := sentence.placed.get(word.start)) is not None:
        return 0.0 if number == mention.start else 12.0
    low, high = (mention.end, word.start) if word.start >= mention.end else (word.end, mention.start)
    steps = sum(_BREAK if is_break else 1 for at, is_break in sentence.tokens if low <= at < high)
    if word.start >= mention.end and mention.start in sentence.labelled:
        steps += _BREAK  # "Planned: 4": the label says what the number is
    return steps + sum(_OTHER_NUMBER for other in sentence.numbers if other is not mention and low <= other.start < high)


def _in_order(sentence: Sentence) -> dict[int, int]:
    """In "planned vs. done: 6 vs. 2" the first label belongs to the first number: where the label stands, and its number."""
    placed: dict[int, int] = {}
    for one, other in pairwise(sentence.numbers):
        label = _IN_ORDER.search(sentence.before(one))
        if label is None or not _LINK.fullmatch(sentence.between(one, other)):
            continue
        first, second = (1, 2) if label[1] else (3, 4)
        placed |= {sentence.start + label.start(first): one.start, sentence.start + label.start(second): other.start}
    return placed
