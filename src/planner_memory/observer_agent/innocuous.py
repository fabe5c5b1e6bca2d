"""Numbers that claim nothing of the facts: in a wish or an advice, in a set phrase, and small ones that count what no fact counts."""

import re
from collections.abc import Sequence

from planner_memory.observer_agent.inferred_counts import of_a_type
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.scene import Scene
from planner_memory.observer_agent.sentences import Sentence
from planner_memory.observer_agent.verdicts import Verdict, Verdicts

_SET_PHRASE = re.compile(
    r"\b(?:24/7|fifty[\s-]fifty|50[/-]50|one\s+(?:day|time|thing|another|by\s+one|at\s+a\s+time|more|last|breath|go|sitting|word|hand|side|note|question"
    r"|lesson|way|eye|foot|piece|experiment|idea|small|little|big|good|bad)|at\s+(?:least\s+)?one|a\s+team\s+of\s+one|team\s+of\s+one|no\s+one|the\s+one|that\s+one|this\s+one|which\s+one|each\s+one"
    r"|every\s+one|any\s+one|another\s+one|(?:or|and)\s+two|one\s+or\s+two|two\s+or\s+three|a\s+\w+\s+or\s+two|second\s+(?:thought|look|nature|wind|half)|first\s+(?:thing|of\s+all)|plan\s+[AB]\b"
    r"|once\s+(?:more|again|in\s+a\s+while|upon|you|I|it|the)|nine\s+times\s+out\s+of\s+ten|two\s+birds|on\s+the\s+one\s+hand|no\.\s?1\b|number\s+one|take\s+five|\d+\s+times\s+over|100\s+m(?:etre)?s?\s+dash|110\s*%|step\s+at\s+a\s+time"
    r"|at\s+once|for\s+once|not\s+once|nine[\s-]to[\s-]five|two\s+sides|in\s+threes|in\s+two)",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"\b(?:I['’]d\s+(?:like|love|rather)|I['’]ll|I\s+(?:will|shall|want|hope|wish|might|may|could|should|promise|suggest|recommend|plan\s+to)|let['’]?s|let\s+me|we\s+(?:could|should|might)|you\s+(?:could|should|might|may)"
    r"|suggest\w*|recommend\w*|advice|why\s+not|how\s+about|what\s+if|try\s|consider\w*|next\s+time|from\s+now\s+on|give\s+(?:yourself|it|the)|block\s|set\s+aside|make\s+(?:room|time|it)|keep\s|aim\s|allow\s"
    r"|please|could|should|might|worth\s+(?:a|an|trying|\w+ing)|take\s+(?:a|an|five|ten|fifteen|twenty|thirty|half|one|two)|may\s+I|promise|wish|ought|needs?\s+to|pad|add\s|try\b|if\s+you|when\s+(?:you|I))\b",
    re.IGNORECASE,
)
_POINTS = re.compile(r"\b(?:first|last|other|next|these|those|former|latter|big|same|remaining|top|bottom)\s+$", re.IGNORECASE)
_OF_THEM = re.compile(r"\s+(?:of\s+(?:them|which|those|these)|more|others?|apiece)\b", re.IGNORECASE)
_FACT_NOUNS = frozenset(
    {
        "task",
        "meeting",
        "event",
        "switch",
        "plan",
        "step",
        "timer",
        "deadline",
        "source",
        "run",
        "day",
        "week",
        "completed",
        "planned",
        "slipped",
        "open",
        "upcoming",
        "scheduled",
        "streak",
        "trouble",
        "past",
        "single_week",
        "now",
    }
)
_OF_WHICH = re.compile(r"\bof\s+(?:which|them|these|those)\s+(?:only\s+|just\s+)?$", re.IGNORECASE)
_SMALL = 12
_NUMBERED = re.compile(  # what a number is the name of
    r"\b(?:rule|version|extension|room|build|ticket|page|chapter|gate|platform|line|bus|tram|route|season|episode|level|issue|rating|score|reading|lottery\s+numbers?(?:\s+(?:is|was|were)\s+\d+\s+and)?)"
    r"\s+(?:(?:number|no\.?|is|was|were|of|at)\s+)?$",
    re.IGNORECASE,
)
_FOREIGN_UNIT = re.compile(
    r"\s*(?:seconds?|km|kilomet\w+|miles?|m(?:et(?:re|er)s?)|kg|pounds?|euros?|€|\$|degrees?|°|glasses|cups?|pages?|years?|months?|mg|kB|MB|GB)(?!\w)",
    re.IGNORECASE,
)
_PRIVATE = re.compile(
    r"\b(?:sle(?:pt|ep)|nap\w*|walk\w*|jog\w*|swim|swam|cycl\w+|bike|train|bus|traffic|commut\w+|weather|rain|chess|novel|yoga|gym|film|movie)\b",
    re.IGNORECASE,
)
_FOREIGN_NOUN = re.compile(
    r"\s+(?!(?:of|out|in|to|and|or|from|per|at|on|by|for|than|then|now|was|were|is|are|had|has|more|less|fewer|not|so|but|as|instead|against|versus|went|came|over|under|above|below|too|ran|took|longer|shorter|faster|slower|late|early|less|fell|slid|did|got|each|still|just|only|beyond|with)\b)[^\W\d_]{3,}",
    re.IGNORECASE,
)
_LIKELIHOOD = re.compile(r"\s+(?:chance|probability|humidity|charged?|battery|sure|certain|good|effort)\b", re.IGNORECASE)
_OF_ANY_TALE = frozenset(
    {"run", "rate", "now", "difference", "drift", "beyond", "actual", "typical", "sum", "least", "share", "streak", "upcoming", "trouble"}
)


_BIDDING = re.compile(  # a sentence that begins so asks for something
    r"^[\W\d_]*(?:(?:bottom\s+line|next\s+step|reminder|tip|note\s+to\s+self|maybe|perhaps|so|and|or|then|also|just)\W+)*(?:add|drink|pick|take|block|try|remember|give|keep|set|make|leave|reserve|use|put|go"
    r"|stop|move|find|do|ask|get|call|write|breathe|be|sleep|protect|consider|allow|treat|spend|cut|let|a\s+\S+[\s-]minute\s+(?:walk|break|nap|pause))\b(?!\s*:)",
    re.IGNORECASE,
)


def about_no_fact(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """Of those that claim nothing: "aside". Where the words name a fact plainly, only what is asked for is none."""
    found: dict[int, Verdict] = {}
    for number in numbers:
        is_asked = bids(scene.sentence) and (number.kind == "minutes" or number.text.lower() == "one")
        is_claim = number.is_each or (so_far[number.start].is_plain and not is_asked) or next(of_a_type(number, scene), None) is not None
        if not is_claim and claims_nothing(number, scene.sentence):
            found[number.start] = Verdict(number, "aside", None, "")
    return found


def bids(sentence: Sentence) -> bool:
    """Whether the sentence asks for something and names no record: its durations are no facts."""
    return not sentence.has_names and _BIDDING.search(sentence.text) is not None


def claims_nothing(mention: Mention, sentence: Sentence) -> bool:
    """For numbers that no fact supports: whether that is because they are about no fact."""
    if _in_phrase(mention, sentence) or _NUMBERED.search(sentence.before(mention)) or _is_foreign(mention, sentence):
        return True
    if mention.kind in ("minutes", "time", "factor", "count") and bids(sentence):
        return True
    if mention.kind in ("minutes", "time", "factor", "count") and not sentence.has_names and _WISH.search(sentence.before(mention)):
        return True
    if mention.kind == "weekday" and sentence.text.rstrip().endswith("?") and not sentence.has_names:
        return True
    if mention.kind != "count" or mention.value > _SMALL or mention.precision != 1 or mention.text[0].isdigit():
        return False
    is_of_plan = any(sentence.is_about(concept) for concept in ("completed", "planned", "open", "event"))
    if _POINTS.search(sentence.before(mention)) or (_OF_THEM.match(sentence.after(mention)) and not is_of_plan):
        return True
    return not _OF_WHICH.search(sentence.before(mention)) and not _counts_a_fact(mention, sentence)


def _is_foreign(mention: Mention, sentence: Sentence) -> bool:
    """Whether the number is of the world outside the facts: its unit is none of theirs, or nothing in its sentence is about them."""
    if mention.kind in ("count", "factor", "year") and _FOREIGN_UNIT.match(sentence.after(mention)):
        return True
    if sentence.has_names or any(word.about not in _OF_ANY_TALE for word in sentence.words):
        return False
    if mention.kind == "minutes":
        return _PRIVATE.search(sentence.text) is not None
    if mention.kind == "percent":
        return _LIKELIHOOD.match(sentence.after(mention)) is not None
    return mention.kind in ("count", "year") and _FOREIGN_NOUN.match(sentence.after(mention)) is not None


def _in_phrase(mention: Mention, sentence: Sentence) -> bool:
    start, end = mention.start - sentence.start, mention.end - sentence.start
    return any(m.start() <= start and m.end() >= end for m in _SET_PHRASE.finditer(sentence.text))


def _counts_a_fact(mention: Mention, sentence: Sentence) -> bool:
    """Whether what facts count, or what is done with it, stands right behind the number or right before it."""
    behind = [at for at, is_break in sentence.tokens if at >= mention.end][:3]
    ahead = [at for at, is_break in sentence.tokens if at < mention.start][-3:]
    return any(word.about in _FACT_NOUNS and word.start in (*behind, *ahead) for word in sentence.words)
