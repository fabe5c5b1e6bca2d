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


def _any_case(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_LONGEST_SENTENCE = 300
_ENDS = re.compile(r"(?<=[.!?…;])[\"'”’)]*\s+(?=\S)|\s*\n\s*")
_ABBREVIATION = re.compile(r"\b(?:Dr|Mr|Mrs|Ms|Prof|St|Inc|Ltd|Co|vs|e\.g|i\.e|a\.m|p\.m|approx|ca|etc|[A-Z])\.$")
_LEAD_IN = _any_case(
    r"(?:(?:[-*•–]|\d+[.)])\s+)?(?:(?:please\s+)?(?:note|remember|keep in mind)(?:\s+that|\s*:|,)?\s+|(?:fyi|reminder|also|and|so|btw|by the way"
    r"|generally|in general|as a rule)\s*[,:]?\s+|please,?\s+(?=no\b))*",
)

_QUESTION = _any_case(
    r"^(?:do|does|did|would|will|should|shall|could|can|may|is|are|was|were|am|have|has|what|when|where|who|whom|whose|which|why|how)\b",
)
_UNSURE = _any_case(
    r"\b(?:if|unless|suppos\w*|imagin\w*|assum\w*|maybe|perhaps|possibly|probably|might|may|would|could|should|wish|hope|whether|hypothetical\w*|pretend"
    r"|let's say|say that|in case|for example|for instance|e\.g|as if|as though|i think|i guess|i believe|i suppose|i feel|not sure|unsure|supposedly"
    r"|apparently|allegedly|i'd|we'd|almost|hardly|sort of|kind of|rumou?r\w*|depends|depending|obviously|of course|yeah|oh)\b",
)
_REPORTED = _any_case(
    r"\b(?:says?|said|saying|tells?|told|asks?|asked|wrote|writes|replied|claims?|claimed|heard|according to|quot\w*|call(?:s|ed) me|known as)\b"
    r"|\b(?:prefers|likes|wants|hates|needs|thinks|insists|expects|he|she|they|his|her|their|who|someone|everybody|everyone|people)\b",
)
_PASSING = _any_case(
    r"\b(?:used to|no longer|any ?more|was|were|had|did"
    r"|previously|formerly|back then|at first|until|till|for now|for the moment|right now|at the moment"
    r"|currently|temporarily|so far|yet|today|tonight|tomorrow|yesterday|once|this time|(?:this|next|last|coming|past)\s+(?:week|month|year|quarter"
    r"|morning|afternoon|evening|spring|summer|autumn|fall|winter|(?:mon|tues|wednes|thurs|fri|satur|sun)day|time)"
    r"|but|however|although|though|not true|untrue|wrong|kidding|joking|joke|lol|just because|again|while|whereas)\b",
)
_NEGATOR = _any_case(r"\b(?:not|never|no|none|nobody|nothing|neither|nor|cannot|without|refuse|deny|doubt|false)\b|n't\b|n’t\b")
_POINTING = _any_case(r"\b(?:it|its|this|that|these|those|them|him|here|there|such|so|one|same|former|latter|above|below|yours?|you)\b")
_SPEECH_BEFORE = _any_case(
    r"\b(?:wrote|writes|said|says|told|asked|replied|answered|quote[ds]?|according to [^:]*|example|hypothetically|imagine|suppose)\b[^:\n]*:\s*$",
)
_HEADER = re.compile(r"^(?:From|To|Subject|Sent|Von|An):\s|^-{2,}\s*(?:Original|Forwarded)", re.MULTILINE | re.IGNORECASE)

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
    r"(?:work|take|accept|schedule|book|meet|travel|fly|drive|commute|send|write|check|read|answer|reply|call|invoice|bill|review|block|reserve|plan|use"
    r"|charge|eat|drink|have\s+(?:lunch|breakfast|dinner|coffee|meetings|calls)|sign|ship|deploy|release|publish|prepare|attend|host|join"
    rf"|keep\s+(?:\w+\s+){{1,4}}free|(?:start|finish|stop|leave)\s+(?:work\s+|working\s+)?(?:at|by|before|after)\s+{_CLOCK})"
)
_COMPLAINT = _any_case(
    r"\b(?:too|enough|anything|everything|on time|in time|last minute|properly|deadlines|targets|goals|mistakes?|risks?|hard|the blame|for granted)\b"
)
_ACTIVITY = (
    r"(?:(?:video |phone |client |team |internal |early |late )*(?:meetings?|calls?|appointments?|travel|work|workshops?|interviews?|bookings?))"
)
_OFTEN = r"(?:(?:really|strongly|much|very much|generally|usually|always|definitely|clearly|still)\s+)?"
_END = r"\s*[.!;]*\s*$"

_PREFERS = _any_case(
    rf"I\s+{_OFTEN}(?P<verb>prefer|favou?r)\s+(?P<refusal>not\s+to\s+(?!answer|comment|disclose|go\s+into))?(?P<what>(?!not\b)\S.*?){_END}"
)
_DISLIKES = _any_case(rf"I\s+{_OFTEN}(?:dislike|hate|detest|avoid|(?:can't|can’t|cannot)\s+stand)\s+(?P<what>{_ACTIVITY}\b.*?){_END}")
_FREQUENCY = _any_case(rf"I\s+(?P<how>always|never)\s+(?P<what>{_HABIT}\b.*?){_END}")
_PRESENCE = _any_case(
    rf"(?:I\s+am|I'm|I’m)\s+(?P<how>always|never)\s+(?P<what>(?:available|free|reachable|in\s+the\s+office|at\s+work|online)\s+{_WHENS}){_END}",
)
_DO_NOT = _any_case(rf"I\s+(?:do\s+not|don't|don’t)\s+(?P<what>(?:{_HABIT})(?:\s+(?:any\s+)?{_ACTIVITY})?\s+{_WHENS}){_END}")
_NO = rf"{_ACTIVITY}(?:\s+(?:and|or)\s+{_ACTIVITY})?(?:\s+for\s+me)?\s+{_WHENS}"
_NO_ACTIVITY = _any_case(rf"No\s+(?P<what>{_NO}(?:(?:,|,?\s+and)\s+no\s+{_NO})*)(?:,?\s+please)?{_END}")
_ORDER = _any_case(rf"(?P<how>always|never)\s+(?P<what>{_HABIT}\s+(?:me|my)\s+\S.*?){_END}")
_FAVOURITE = _any_case(rf"My\s+(?P<topic>(?:preferred|favou?rite)(?:\s+(?!of\b)\w+){{1,4}}?)\s+(?:is|are)\s+(?P<what>\S.*?){_END}")

_NAME = r"[A-ZÀ-Þ][\w&’'.-]*(?:\s+(?:(?:of|de|von|van|der|la|&)\s+)?[A-ZÀ-Þ0-9][\w&.-]*){0,4}"
_PERSON = r"(?:(?:Dr|Mr|Mrs|Ms|Prof)\.?\s+)?[A-ZÀ-Þ][\w’'-]+(?:\s+(?:(?:de|von|van|der|la)\s+)?[A-ZÀ-Þ][\w’'-]*\.?){0,3}"
_CONTACT = r"(?:(?:main |primary |billing |technical |new )?contact(?: person)?|(?:account|project|office|product) manager|assistant|tax adviser)"
_OFFICER = r"(?:(?:managing )?director|ceo|cto|cfo|coo|accountant|lawyer|bookkeeper|successor|deputy)"
_REACHED = r"(?:\s+\([^()]+\)|,?\s+[\w.+-]+@[\w-]+\.[\w.-]*\w)?"
_NO_OWNER = {"let", "it", "that", "there", "here", "what", "who", "he", "she", "this", "someone", "nobody", "everybody", "everyone", "where"}
_NO_VALUE = re.compile(
    r"(?:unknown|none|tbd|tba|tbc|nobody|n/a|open|vacant|missing|new|away|busy|great|please|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b",
    re.IGNORECASE,
)
_WHOSE = rf"(?:(?i:my|our)|(?P<whose>{_NAME}?)(?:['’]s|(?<=s)['’]))"
_CURRENCY = r"(?:[€$£]|EUR|USD|GBP|CHF|euros?|dollars|pounds)"
_VALUES = {
    _CONTACT: _PERSON + _REACHED,
    # one word after `the CEO is` is as often an adjective: American, Happy
    _OFFICER: rf"(?:(?:Dr|Mr|Mrs|Ms|Prof|Herr|Frau)\.?|[A-ZÀ-Þ][\w’'-]+(?:\s+(?:de|von|van|der|la))?)\s+[A-ZÀ-Þ][\w’'-]+{_REACHED}",
    r"(?:billing |work )?e-?mail(?: address)?": r"[\w.+-]+@[\w-]+\.[\w.-]*\w",
    r"(?:phone|mobile|fax)(?: number)?": r"\+?\d[\d ()/.-]{4,}\d",
    r"time ?zone": r"[A-Z][A-Za-z_]+(?:/[A-Za-z_]+)*(?:[+-]\d{1,2}(?::\d{2})?)?",
    r"(?:vat|tax) (?:number|id)|customer number|purchase order(?: number)?|po number": r"[A-Z0-9][A-Z0-9 ./-]*\d[A-Z0-9 ./-]*",
    r"(?:hourly|daily|day) rate|budget": rf"(?:{_CURRENCY}\s?)?\d[\d.,' ]*k?(?:\s?{_CURRENCY})?(?:\s+(?:per|an?)\s+\w+)?",
    r"working hours|office hours|business hours": rf"(?:from\s+)?{_CLOCK}\s*(?:to|-|–)\s*{_CLOCK}",
}
_FACTS = tuple(
    re.compile(rf"{whose}\s+(?:is|are)\s+(?:now\s+)?(?P<value>{value}){_END}")
    for attribute, value in _VALUES.items()
    for whose in (
        rf"{_WHOSE}\s+(?P<attribute>(?i:{attribute}))",
        rf"(?i:the)\s+(?P<attribute>(?i:{attribute}))\s+(?i:at|of|for)\s+(?P<whose>{_NAME})",
    )
)
_CLOCK_TOPIC = _any_case(rf"(?P<topic>\w+(?:\s+\w+)?\s+(?:before|after|past))\s+{_CLOCK}{_END}")
_CHOICE = _any_case(r"['’]s\b|\b(?:option|version|variant|draft|choice|candidate|logo|design|slide|plan|number)\s+(?:[a-z]|\d+)\b")
_ANOTHER = re.compile(r"(?:\band|,)\s+(?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)[A-Z]\w+\s+\w")  # `I prefer mornings and Tom evenings`
_TAKEN_BACK = _any_case(
    r"(?:just kidding|kidding|not!|not really|no,? wait|scratch that|actually,? no|that['’]s (?:wrong|not true)|only joking|haha)(?!\w)"
)
_ARTICLE = _any_case(r"^(?:the|an?|my|our)\s+(?!(?:early |late )?(?:mornings?|afternoons?|evenings?|phone|train|bus|car|office)\b)(?=\S)")


def extract(text: str) -> list[Fact | Preference]:
    """What `text` states plainly, in the order of the text; most texts give nothing. Offsets count characters of `text`."""
    found: list[Fact | Preference] = []
    last = None
    for start, end in _sentences(text):
        if last is not None and _TAKEN_BACK.match(text, start, end):
            found.remove(last)
        lead_in = _LEAD_IN.match(text, start, end)
        start = lead_in.end() if lead_in else start
        last = _stated_in(text[start:end], start)
        if last is not None:
            found.append(last)
    return found


def _stated_in(sentence: str, offset: int) -> Fact | Preference | None:
    if "?" in sentence or any(veto.search(sentence) for veto in (_QUESTION, _UNSURE, _REPORTED, _PASSING)):
        return None
    if found := _NO_ACTIVITY.match(sentence):  # each `no` of such a list stands for itself
        return _stated(found, "never", offset)
    if len(_NEGATOR.findall(sentence)) > 1:
        return None
    return _preference(sentence, offset) or _fact(sentence, offset)


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
            r"```.*?(?:```|\Z)|\"[^\"]*(?:\"|\Z)|[“„][^”“]*(?:[”“]|\Z)|«[^»]*(?:»|\Z)|(?<![\w’'])['‘][^'’\n]+['’](?!\w)", text, re.DOTALL
        )
    ]


def _preference(sentence: str, offset: int) -> Preference | None:
    if found := _PREFERS.match(sentence):
        particular = _ARTICLE.match(found["what"]) or _CHOICE.search(found["what"]) or _ANOTHER.search(found["what"])
        return None if particular else _stated(found, "avoids" if found["refusal"] else "prefers", offset)
    if found := _DISLIKES.match(sentence):
        return _stated(found, "avoids", offset)
    if (found := _FREQUENCY.match(sentence)) and _COMPLAINT.search(found["what"]):
        return None
    if found := found or _PRESENCE.match(sentence) or _ORDER.match(sentence):
        return _stated(found, "always" if found["how"].lower() == "always" else "never", offset)
    if found := _DO_NOT.match(sentence):
        return _stated(found, "never", offset)
    if (found := _FAVOURITE.match(sentence)) and not _NEGATOR.search(sentence):
        return _stated(found, "prefers", offset, topic=_spaced(found["topic"].lower()))
    return None


def _stated(found: re.Match[str], stance: Stance, offset: int, topic: str | None = None) -> Preference | None:
    """None when the words point at something outside the sentence: `I prefer it`."""
    what = found["what"].strip()
    what = what if what.lower().endswith(".m.") else what.rstrip(" .")
    if _POINTING.search(what):
        return None
    if topic is None and stance == "never" and (clock := _CLOCK_TOPIC.fullmatch(what)):
        topic = _spaced(clock["topic"].lower())
    text = found.string.rstrip()
    return Preference(text, offset, offset + len(text), stance, what, topic)


def _fact(sentence: str, offset: int) -> Fact | None:
    for pattern in _FACTS:
        if found := pattern.match(sentence):
            subject, value = found.groupdict().get("whose") or "me", found["value"].strip(" .")
            if subject.lower() in _NO_OWNER or subject.lower() == value.lower() or _NO_VALUE.match(value):
                return None
            attribute = _spaced(found["attribute"].lower().removeprefix("new "))
            text = sentence.rstrip()
            return Fact(text, offset, offset + len(text), subject, attribute, value, f"{attribute} of {subject.lower()}")
    return None


def _spaced(text: str) -> str:
    return " ".join(text.split())
