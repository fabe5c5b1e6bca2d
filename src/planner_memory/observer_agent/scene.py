"""Where a number stands: its sentence, the records that it or the sentences before it speak of, and the numbers told just before."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from planner_memory.observer_agent.claims import Claim
from planner_memory.observer_agent.directions import direction
from planner_memory.observer_agent.ledger import Ledger
from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.sections import Sections
from planner_memory.observer_agent.sentences import Sentence, nearness

GAP = re.compile(
    r"\b(?:more|less|fewer|longer|shorter|over|under|beyond|above|below|late|early|earlier|later|off|extra|lost|gain\w*|sav\w+|overr[ua]ns?|overshot|spare|short|shy|missing|gap|drop\w*|rose|rise"
    r"|another|caused?|gave|back|slower|faster|quicker|behind|ahead|too|remain\w*|left|rest|down|up|in\s+hand|difference|lighter|heavier|worse|better|exceed\w*|missed|costs?|by|plus|minus)\b|[+−-](?=\d)",
    re.IGNORECASE,
)
REST = re.compile(r"\b(?:rest|remain\w*|left|open|other|not|slipped|unfinished|missing|undone|cannot|\w+n['’]t)\b", re.IGNORECASE)
TOMORROW = re.compile(r"\btomorrow\b", re.IGNORECASE)
_SPAN_BEGINS = re.compile(r"\b(?:from|between|covers?|covering|spans?)\s+(?:the\s+)?$", re.IGNORECASE)
_SPAN_GOES_ON = re.compile(r"\s*(?:to|and|until|till|through|[–—-])\s+(?:the\s+)?", re.IGNORECASE)
_SHORT = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHORT_DAY = re.compile(r"\b(mon|tues?|wed|thu(?:rs?)?|fri|(?:sat|sun)(?=\W*\d))\b", re.IGNORECASE)
_NEW_PARAGRAPH = re.compile(r"\n\s*\n|\n#")
_LATER = re.compile(r"\b(?:next|following|again|coming|then|will|starts?|begins?)\b", re.IGNORECASE)
_NEAR = 0.15  # a word of difference stands by this number


_IN_ANY_SENTENCE = frozenset({"actual", "task", "share", "planned", "completed"})


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a number stands: its sentence, the records that it or the sentences before it speak of, and the numbers told just before."""

    sentence: Sentence
    ledger: Ledger
    section: str  # the heading above, in small letters
    here: Sequence[Record]  # those that this very sentence speaks of
    named: Sequence[Record]  # and, where it speaks of none, those of the sentence that it goes on from
    before: Sequence[Mention]
    earlier: str = ""  # the sentence before, where this one goes on from it
    carried: Sequence[Record] = ()  # those that the sentences before this one in its paragraph or list speak of
    titles: Sequence[str] = ()  # of records, as they are written in the facts: of this sentence, else of the last one that has any under its heading
    is_new_line: bool = False  # whether a line has ended since that one
    day_before: Mention | None = None  # the last day named under the heading, in a sentence before

    @property
    def records(self) -> Sequence[Record]:
        return self.ledger.records

    @property
    def claims(self) -> Sequence[Claim]:
        return self.ledger.told

    @property
    def last_day(self) -> date | None:
        return self.ledger.last_day

    @property
    def is_carried(self) -> bool:
        """Whether the records were named before, not in this sentence."""
        return not self.here

    @property
    def said(self) -> set[str]:
        """The names that stand in the sentence as they are written in the facts."""
        return self.sentence.names

    @property
    def text(self) -> str:
        return self.sentence.text

    def group(self, name: str) -> list[Record]:
        return [record for record in self.records if record.group == name]


def scenes(prose: str, told: Sequence[Sentence], ledger: Ledger) -> Iterator[Scene]:
    """Of each sentence that has a number. It goes on from the one before it where no line ends between them."""
    sections = Sections(prose)
    named: Sequence[Record] = ()
    carried: list[Record] = []
    titles: Sequence[str] = ()
    is_new_line = False
    day: Mention | None = None
    last: Sentence | None = None
    counted: Sentence | None = None  # the last one with numbers
    for sentence in told:
        section = sections.at(sentence.start)
        gap = prose[last.start + len(last.text.rstrip()) : sentence.start] if last is not None else ""
        if last is not None and "\n" in gap:
            carried = [] if _NEW_PARAGRAPH.search(gap) else carried
            named, counted, is_new_line = (), None, True
            titles, day = (titles, day) if section == sections.at(last.start) else ((), None)
        here = ledger.names.said_in(sentence.text, sentence.names)
        named = here or named
        if sentence.names:
            titles, is_new_line = [word.about[1:] for word in sentence.words if word.about.startswith(":")], False
        if sentence.numbers:
            numbers, earlier = (counted.numbers, counted.text) if counted else ((), "")
            yield Scene(sentence, ledger, section, here, named, numbers, earlier, tuple(carried), titles, is_new_line, day)
            day = next((n for n in reversed(sentence.numbers) if n.kind in ("date", "weekday")), day)
            counted = sentence
            carried += [record for record in here if record not in carried]
        last = sentence


def is_gap(mention: Mention, scene: Scene) -> bool:
    return (mention.kind == "percent" and mention.text.startswith("+")) or nearness(mention, scene.sentence).get("own difference", 0.0) > _NEAR


def is_said_way(mention: Mention, scene: Scene, gap: Decimal) -> bool:
    way = direction(mention, scene.sentence.numbers, scene.sentence.start, scene.text)
    return way == 0 or way == (gap > 0) - (gap < 0)


def is_day(mention: Mention, known: date) -> bool:
    if mention.kind == "weekday":
        return bool(known.weekday() == mention.value)
    year, month, day = mention.value
    return known.day == day and month in (None, known.month) and year in (None, known.year) and mention.weekday in (None, known.weekday())


def days_said(scene: Scene) -> list[date]:
    if scene.last_day is None:
        return []
    days = []
    if TOMORROW.search(scene.text) or any(TOMORROW.search(n.text) for n in scene.before):
        days.append(scene.last_day + timedelta(days=1))
    days += [_after(scene.last_day, _SHORT.index(match.lower()[:3])) for match in _SHORT_DAY.findall(scene.text)]
    for number in (*scene.before, *scene.sentence.numbers):
        if number.kind == "weekday" and number.value == scene.last_day.weekday() and not _LATER.search(scene.text):
            continue  # the last day itself
        if number.kind == "weekday":
            days.append(_after(scene.last_day, number.value))
        elif number.kind == "date":
            days += [r.starts_on for r in scene.records if r.starts_on is not None and is_day(number, r.starts_on)]
    return list(dict.fromkeys(days))


def is_of_span(mention: Mention, scene: Scene) -> bool:
    """Whether the day begins or ends what the sentence tells from one to another: "from 2 to 8 November"."""
    days = [n for n in scene.sentence.numbers if n.kind in ("date", "weekday")]
    return any(
        mention.start in (one.start, other.start)
        and _SPAN_BEGINS.search(scene.sentence.before(one)) is not None
        and _SPAN_GOES_ON.fullmatch(scene.sentence.between(one, other)) is not None
        for one, other in pairwise(days)
    )


def has_day(scene: Scene) -> bool:
    """Whether this very sentence names a day."""
    return any(n.kind in ("weekday", "date") for n in scene.sentence.numbers) or any(p.search(scene.text) for p in (TOMORROW, _SHORT_DAY))


def _after(last: date, weekday: int) -> date:
    return last + timedelta(days=(weekday - last.weekday() - 1) % 7 + 1)


def spoken_facts(scene: Scene, kind: str) -> list[Claim]:
    """The person's own figures that the sentence names a word of."""
    said = {word.about for word in scene.sentence.words}
    found = []
    for claim in scene.claims:
        if (
            claim.kind == kind
            and not claim.names
            and claim.pattern == claim.path
            and ".earlier_weeks" not in claim.path
            and "thresholds" not in claim.path
        ):
            about = claim.concepts - _IN_ANY_SENTENCE or claim.concepts
            if about & said and ("past" not in claim.concepts or "past" in said):
                found.append(claim)
    return found


_FROM = re.compile(
    r"\b(?:from|after|before|previous(?:ly)?|instead\s+of|in\s+place\s+of|against|vs\.?|versus|than|was|then)\W*(?:\w+\s+){0,2}?$", re.IGNORECASE
)
_OF_BEFORE = 0.3
_OF_NO_RECORD = frozenset({"switch", "meeting", "event", "planned", "slipped", "completed", "deep", "rate", "past"})
_ENDINGS = {"minutes": ("_hours",), "percent": ("_percent",), "factor": ("_factor",)}


def own_figures(mention: Mention, scene: Scene) -> Iterator[tuple[Decimal, str]]:
    """Every figure of this kind of the records named: a drift's percent, its runs, the steps of a plan."""
    if scene.is_carried and any(scene.sentence.is_about(topic) for topic in _OF_NO_RECORD):
        return
    for record in scene.named:
        for key, value in record.values.items():
            kind = next((kind for kind, endings in _ENDINGS.items() if key.endswith(endings)), "count")
            if isinstance(value, Decimal) and kind == mention.kind and kind != "minutes":
                yield value, f"{key} of “{record.name}”"


def before_this_week(mention: Mention, scene: Scene) -> Iterator[tuple[Decimal, str]]:
    """In "up from 25.9 to 33.5" and "14 h 35, now 9 h 20" one is what the other was before."""
    others = [n for n in scene.sentence.numbers if n.start != mention.start]
    near = nearness(mention, scene.sentence)
    if not others or not (_FROM.search(scene.sentence.before(mention)) or near.get("own past", 0.0) > _OF_BEFORE):
        return
    is_week_before = scene.sentence.is_about("single_week")
    values = {claim.path: claim.value for claim in scene.claims if claim.kind == mention.kind}
    for path, value in values.items():
        place, _, leaf = path.rpartition(".")
        now = values.get(f"{place.partition('trend.')[0]}rhythm.{leaf}")
        if "trend." not in path or now is None or (is_week_before and "earlier_weeks[0]" not in path):
            continue
        if any(is_near(abs(reading.value), abs(now), reading) for n in others for reading in n.meanings() if reading.kind == mention.kind):
            yield value, path
