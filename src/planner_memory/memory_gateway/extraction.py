"""Facts and preferences that a person states plainly about themselves or their clients. Silent when unsure: a wrong memory costs more than none.

English patterns, anchored to the whole sentence as in Hearst (1992, "Automatic acquisition of hyponyms from large text corpora"), behind vetoes
for everything that makes a sentence mean less than it says: questions, hypotheses, quotations, double negation, reports, exceptions of a day.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Stance = Literal["prefers", "avoids", "always", "never"]


@dataclass(frozen=True, slots=True)
class Preference:
    """What the person wants or refuses in general. `text` is source[start:end]; a newer preference of the same `topic` replaces an older one."""

    text: str
    start: int
    end: int
    stance: Stance
    what: str
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """`attribute` of `subject` is `value`, and there is one such value: a newer fact of the same `topic` replaces an older one."""

    text: str
    start: int
    end: int
    subject: str
    attribute: str
    value: str
    topic: str


_LONGEST_SENTENCE = 300
_ENDS = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+(?=\S)|\s*\n\s*")
_ABBREVIATION = re.compile(r"\b(?:Dr|Mr|Mrs|Ms|Prof|St|Inc|Ltd|Co|vs|No|e\.g|i\.e|a\.m|p\.m|approx|ca|etc|[A-Z])\.$")
_LEAD_IN = re.compile(
    r"(?:(?:[-*•–]|\d+[.)])\s+)?(?:(?:please\s+)?(?:note|remember|keep in mind)(?:\s+that|\s*:|,)?\s+|(?:fyi|reminder|also|and|so|btw|by the way"
    r"|generally|in general|as a rule)\s*[,:]?\s+|please,?\s+(?=no\b))*",
    re.IGNORECASE,
)

_QUESTION = re.compile(
    r"^(?:do|does|did|would|will|should|shall|could|can|may|is|are|was|were|am|have|has|what|when|where|who|whom|whose|which|why|how)\b", re.I
)
_UNSURE = re.compile(
    r"\b(?:if|unless|suppos\w*|imagin\w*|assum\w*|maybe|perhaps|possibly|probably|might|may|would|could|should|wish|hope|whether|hypothetical\w*|pretend"
    r"|let's say|say that|in case|for example|for instance|e\.g|as if|as though|i think|i guess|i believe|i suppose|i feel|not sure|unsure|supposedly"
    r"|apparently|allegedly|i'd|we'd|almost|hardly|sort of|kind of|rumou?r\w*|depends|depending)\b",
    re.I,
)
_REPORTED = re.compile(
    r"\b(?:says?|said|saying|tells?|told|asks?|asked|wrote|writes|replied|claims?|claimed|heard|according to|quot\w*|call(?:s|ed) me|known as)\b"
    r"|\b(?:he|she|they|his|her|their|who|someone|everybody|everyone|people)\b",
    re.I,
)
_PASSING = re.compile(
    r"\b(?:used to|no longer|any ?more|was|were|had|did|previously|formerly|back then|at first|until|till|for now|for the moment|right now|at the moment"
    r"|currently|temporarily|so far|yet|today|tonight|tomorrow|yesterday|once|this time|(?:this|next|last|coming|past)\s+(?:week|month|year|quarter"
    r"|morning|afternoon|evening|spring|summer|autumn|fall|winter|(?:mon|tues|wednes|thurs|fri|satur|sun)day|time)"
    r"|but|however|although|though|not true|untrue|wrong|kidding|joking|joke|lol|just because|again)\b",
    re.I,
)
_NEGATOR = re.compile(r"\b(?:not|never|no|none|nobody|nothing|neither|nor|cannot|without|refuse|deny|doubt|false)\b|n't\b|n’t\b", re.I)
_POINTING = re.compile(r"\b(?:it|its|this|that|these|those|them|him|here|there|such|so|one|same|former|latter|above|below|yours?|you)\b", re.I)
_SPEECH_BEFORE = re.compile(
    r"\b(?:wrote|writes|said|says|told|asked|replied|answered|quote[ds]?|according to [^:]*|example|hypothetically|imagine|suppose)\b[^:\n]*:\s*$",
    re.I,
)
_HEADER = re.compile(r"^(?:From|To|Subject|Sent|Von|An):\s|^-{2,}\s*(?:Original|Forwarded)", re.M | re.I)

_CLOCK = r"(?:\d{1,2}(?:[:.]\d{2})?(?:\s?(?:a\.?m\.?|p\.?m\.?|o'clock|h))?|noon|midnight|lunch|breakfast|dinner|sunset|sunrise)"
_DAYS = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days|weekends|weekdays|(?:public |bank )?holidays|birthdays|vacations?)"
_DAY_LIST = rf"{_DAYS}(?:\s+(?:mornings|afternoons|evenings))?(?:(?:,\s*|\s+(?:and|or)\s+|,\s*(?:and|or)\s+){_DAYS})*"
_PART = r"(?:(?:in|during)\s+(?:the\s+)?(?:mornings?|afternoons?|evenings?|nights?|lunch(?:\s+breaks?)?|school holidays|summer|winter))"
_WHEN = (
    rf"(?:(?:on|at|over|during|before|after)\s+(?:the\s+|any\s+)?{_DAY_LIST}|(?:before|after|past|from)\s+{_CLOCK}|between\s+{_CLOCK}\s+and\s+{_CLOCK}"
    rf"|{_PART}|on\s+(?:mon|tues|wednes|thurs|fri|satur|sun)day\s+(?:mornings|afternoons|evenings)|at\s+night)"
)
_WHENS = rf"{_WHEN}(?:,?\s+(?:and\s+|or\s+)?{_WHEN})*"
_HABIT = (
    r"(?:work|take|accept|schedule|book|meet|travel|fly|drive|commute|send|write|check|read|answer|reply|call|invoice|bill|review|start|finish|stop"
    r"|leave|keep|block|reserve|plan|use|charge|eat|drink|have(?!\s+(?:to|been))|sign|ship|deploy|release|publish|do|prepare|attend|host|join)"
)
_ACTIVITY = r"(?:meetings?|calls?|appointments?|travel|work|workshops?|interviews?|deadlines?|video calls?|phone calls?|emails?|bookings?|events?)"
_OFTEN = r"(?:(?:really|strongly|much|very much|generally|usually|always|definitely|clearly|still)\s+)?"
_END = r"\s*[.!]*\s*$"

_PREFERS = re.compile(rf"I\s+{_OFTEN}(?P<verb>prefer|favou?r)\s+(?P<refusal>not\s+to\s+)?(?P<what>\S.*?){_END}", re.I)
_DISLIKES = re.compile(rf"I\s+{_OFTEN}(?:dislike|hate|detest|avoid|(?:can't|can’t|cannot)\s+stand)\s+(?P<what>\S.*?){_END}", re.I)
_FREQUENCY = re.compile(rf"I\s+(?P<how>always|never)\s+(?P<what>{_HABIT}\b.*?){_END}", re.I)
_PRESENCE = re.compile(
    rf"(?:I\s+am|I'm|I’m)\s+(?P<how>always|never)\s+(?P<what>(?:available|free|reachable|in\s+the\s+office|at\s+work|online)\s+{_WHENS}){_END}", re.I
)
_DO_NOT = re.compile(rf"I\s+(?:do\s+not|don't|don’t)\s+(?P<what>(?:{_HABIT})(?:\s+(?:any\s+)?{_ACTIVITY})?\s+{_WHENS}){_END}", re.I)
_NO_ACTIVITY = re.compile(rf"No\s+(?P<what>{_ACTIVITY}(?:\s+(?:and|or)\s+{_ACTIVITY})?(?:\s+for\s+me)?\s+{_WHENS})(?:,?\s+please)?{_END}", re.I)
_ORDER = re.compile(rf"(?P<how>always|never)\s+(?P<what>{_HABIT}\s+(?:me|my)\b.*?){_END}", re.I)
_FAVOURITE = re.compile(rf"My\s+(?P<topic>(?:preferred|favou?rite)\s+\w+(?:\s+\w+){{0,3}}?)\s+(?:is|are)\s+(?P<what>\S.*?){_END}", re.I)

_NAME = r"[A-ZÀ-Þ][\w&’'.-]*(?:\s+(?:(?:of|de|von|van|der|la|&)\s+)?[A-ZÀ-Þ0-9][\w&.-]*){0,4}"
_PERSON = r"(?:(?:Dr|Mr|Mrs|Ms|Prof)\.?\s+)?[A-ZÀ-Þ][\w’'-]+(?:\s+(?:(?:de|von|van|der|la)\s+)?[A-ZÀ-Þ][\w’'-]*\.?){0,3}"
_ROLE = (
    r"(?:(?:main |primary |billing |technical |new )?contact(?: person)?|(?:account|project|office|product) manager|assistant|(?:managing )?director"
    r"|ceo|cto|cfo|coo|accountant|lawyer|tax adviser|bookkeeper|successor|deputy)"
)
_WHOSE = rf"(?:(?P<mine>my|our)|(?P<whose>{_NAME}?)(?:['’]s|(?<=s)['’]))"
_VALUES = {
    _ROLE: rf"{_PERSON}(?:\s+\([^()]+\)|,?\s+[\w.+-]+@[\w-]+\.[\w.-]*\w)?",
    r"(?:billing |work )?e-?mail(?: address)?": r"[\w.+-]+@[\w-]+\.[\w.-]*\w",
    r"(?:phone|mobile|fax)(?: number)?": r"\+?\d[\d ()/.-]{4,}\d",
    r"time ?zone": r"[A-Z][A-Za-z_]+(?:/[A-Za-z_]+)*(?:[+-]\d{1,2}(?::\d{2})?)?",
    r"(?:vat|tax) (?:number|id)|customer number|purchase order(?: number)?|po number": r"[A-Z0-9][A-Z0-9 ./-]*\d[A-Z0-9 ./-]*",
    r"(?:hourly|daily|day) rate|budget": r"(?:[€$£]|EUR |USD |GBP |CHF )?\d[\d.,' ]*(?:k|\s?(?:€|EUR|USD|GBP|CHF|euros?|dollars|pounds))?(?:\s+(?:per|an?)\s+\w+)?",
    r"working hours|office hours|business hours": rf"(?:from\s+)?{_CLOCK}\s*(?:to|-|–)\s*{_CLOCK}",
}
_FACTS = tuple(
    re.compile(rf"{whose}\s+(?:is|are)\s+(?:now\s+)?(?P<value>{value}){_END}")
    for attribute, value in _VALUES.items()
    for whose in (
        rf"(?i:{_WHOSE.replace(_NAME, f'(?-i:{_NAME})')})\s+(?P<attribute>(?i:{attribute}))",
        rf"(?i:the)\s+(?P<attribute>(?i:{attribute}))\s+(?i:at|of|for)\s+(?P<whose>{_NAME})",
    )
)
_CLOCK_TOPIC = re.compile(rf"(?P<topic>\w+(?:\s+\w+)?\s+(?:before|after|past))\s+{_CLOCK}{_END}", re.I)
_ARTICLE = re.compile(r"^(?:the|an?|my|our)\s+(?!(?:early |late )?(?:mornings?|afternoons?|evenings?|phone|train|bus|car|office)\b)(?=\S)", re.I)


def extract(text: str) -> list[Fact | Preference]:
    """What `text` states plainly, in the order of the text; most texts give nothing. Offsets count characters of `text`."""
    found = []
    for start, end in _sentences(text):
        start += len(_LEAD_IN.match(text, start, end).group())  # type: ignore[union-attr]  # it matches the empty text too
        sentence = text[start:end]
        if not _is_vetoed(sentence):
            one = _preference(sentence, start) or _fact(sentence, start)
            if one is not None:
                found.append(one)
    return found


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """The sentences that are the person's own words: nothing quoted, nothing forwarded, nothing after `she wrote:`."""
    stop = min((found.start() for found in [_HEADER.search(text)] if found), default=len(text))
    quoted = _quoted(text)
    start = 0
    for end, following in _cuts(text):
        if start >= stop:
            return
        if _SPEECH_BEFORE.search(text[start:end]):
            return
        own = not any(a < end and start < b for a, b in quoted)
        if own and 0 < end - start <= _LONGEST_SENTENCE and text[start] not in ">|`#":
            yield start, end
        start = following


def _cuts(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence ends and where the next begins."""
    last = 0
    for cut in _ENDS.finditer(text):
        if "\n" not in cut.group() and _ABBREVIATION.search(text, max(last, cut.start() - 10), cut.start()):
            continue
        yield cut.start(), cut.end()
        last = cut.end()
    yield len(text.rstrip()), len(text)


def _quoted(text: str) -> list[tuple[int, int]]:
    """Stretches within quotation marks or code fences; one that is never closed reaches to the end."""
    return [
        found.span()
        for found in re.finditer(
            r"```.*?(?:```|\Z)|\"[^\"]*(?:\"|\Z)|[“„][^”“]*(?:[”“]|\Z)|«[^»]*(?:»|\Z)|(?<![\w’'])['‘][^'’\n]+['’](?!\w)", text, re.S
        )
    ]


def _is_vetoed(sentence: str) -> bool:
    return (
        "?" in sentence
        or bool(_QUESTION.search(sentence))
        or len(_NEGATOR.findall(sentence)) > 1
        or any(veto.search(sentence) for veto in (_UNSURE, _REPORTED, _PASSING))
    )


def _preference(sentence: str, offset: int) -> Preference | None:
    if found := _PREFERS.match(sentence):
        return _stated(found, "avoids" if found["refusal"] else "prefers", offset)
    if found := _DISLIKES.match(sentence):
        return _stated(found, "avoids", offset)
    if found := _FREQUENCY.match(sentence) or _PRESENCE.match(sentence) or _ORDER.match(sentence):
        return _stated(found, "always" if found["how"].lower() == "always" else "never", offset)
    if found := _DO_NOT.match(sentence) or _NO_ACTIVITY.match(sentence):
        return _stated(found, "never", offset)
    if found := _FAVOURITE.match(sentence):
        return _stated(found, "prefers", offset, topic=_spaced(found["topic"].lower()))
    return None


def _stated(found: re.Match[str], stance: Stance, offset: int, topic: str | None = None) -> Preference | None:
    """None when the words point at something outside the sentence, or at one particular thing: `I prefer it`, `I prefer the second draft`."""
    what = found["what"].strip()
    if _POINTING.search(what) or (topic is None and stance in ("prefers", "avoids") and _ARTICLE.match(what)):
        return None
    if topic is None and stance == "never" and (clock := _CLOCK_TOPIC.fullmatch(what)):
        topic = _spaced(clock["topic"].lower())
    text = found.string.rstrip()
    return Preference(text, offset, offset + len(text), stance, what, topic)


def _fact(sentence: str, offset: int) -> Fact | None:
    for pattern in _FACTS:
        if found := pattern.match(sentence):
            subject = found["whose"] or "me"
            attribute = _spaced(found["attribute"].lower().removeprefix("new "))
            text = sentence.rstrip()
            return Fact(text, offset, offset + len(text), subject, attribute, found["value"].strip(), f"{attribute} of {subject.lower()}")
    return None


def _spaced(text: str) -> str:
    return " ".join(text.split())
