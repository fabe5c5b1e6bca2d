"""Names in an intent: the client, a person, and the topic."""

import re
from dataclasses import dataclass

from planner_memory.planner_engine.named_days import DAYS, MONTHS

_COMMON = """i we our the a an my their this that next end q1 q2 q3 q4 crm seo rfp okr okrs gdpr iso it hr api sop faq pdf ai vat christmas
easter new client customer clients customers employee colleague team member developer designer engineer manager us them it ceo cto
cfo board slack hubspot english german french monday linkedin google excel notion coda wordpress shopify youtube instagram"""
_NOT_NAMES = frozenset(MONTHS) | frozenset(DAYS) | frozenset(_COMMON.split())
_NAME = r"(?:[A-ZÄÖÜÉ][\w&'’.-]*|[0-9]+[A-Z][\w&'’.-]*)"
_NAMES = rf"{_NAME}(?:\s+(?:&\s+|and\s+(?=[A-Z]))?{_NAME}){{0,3}}"
_CLIENT_CUES = (
    r"(?:[Cc]lient|[Cc]ustomer|[Pp]rospect)\s+(?:called\s+|named\s+)?",
    r"(?:[Oo]n-?board(?:ing)?(?:\s+(?:our|the|a))?(?:\s+new)?(?:\s+(?:client|customer))?|[Oo]ff-?board(?:ing)?)\s+",
    r"\bfor\s+(?:the\s+)?(?:client\s+|customer\s+|company\s+)?",
    r"(?:\bwith|\bw/)\s*(?:client\s+|customer\s+)?",
)
_PERSON_CUE = re.compile(
    rf"(?:\b(?:colleague|employee|hire|developer|designer|engineer|manager|assistant|intern|starter|member|trainee)[,:]?\s+)(?P<name>{_NAMES})"
    rf"|(?P<first>{_NAMES})\s+(?:joins|starts|leaves|is leaving)"
)
_TOPIC = re.compile(
    r"\b(?:about|on|regarding)\s+(?P<topic>[^.,;:!?\n]{3,80}?)(?=\s+(?:by|before|until|for|with|in|within|due|using|at)\b|[.,;:!?\n]|$)"
)


_TIME = re.compile(r"\s+(?:by|until|before|within|due|no later than|in (?:the next )?\d+|at the latest)\b.*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Names:
    client: str | None = None
    person: str | None = None
    topic: str | None = None
    work: str | None = None  # the intent as the title of a step


def _clean(found: str) -> str | None:
    words = found.rstrip(".'’-").split()
    for i, word in enumerate(words):
        if word.lower().rstrip(".,'’s") in _NOT_NAMES or word.lower() in _NOT_NAMES:
            words = words[:i]
            break
    return " ".join(words).removesuffix("'s").removesuffix("’s").strip() or None


def read_names(intent: str) -> Names:
    """Names as people write them: with capital letters after a word such as "for", "with" or "onboard".

    An intent all in small letters gives a client only after "onboard" or "client".
    """
    text = re.sub(r"\s+", " ", intent.strip())
    client = None
    for cue in _CLIENT_CUES:
        for m in re.finditer(rf"{cue}({_NAMES})", text):
            client = client or _clean(m[1])
    if client is None and text == text.lower():
        small = re.search(
            r"\b(?:onboard|onboarding|client)\s+"
            r"(?!new\b|a\b|an\b|the\b|our\b|my\b|onboarding\b|client\b|clients\b)([a-z][\w&'-]+)",
            text,
        )
        client = small[1].title() if small and small[1] not in _NOT_NAMES else None
    found = _PERSON_CUE.search(text)
    person = _clean(found["name"] or found["first"]) if found else None
    about = _TOPIC.search(text)
    topic = (
        about["topic"].strip()
        if about and about["topic"].split()[0].lower() not in _NOT_NAMES - {"ai", "crm", "seo", "api", "the", "a", "our"}
        else None
    )
    return Names(client, person, topic, _work(text))


def _work(text: str) -> str | None:
    """The first clause, without what it says of time."""
    clause = re.split(r"\s*(?:[.!?;\n]|,\s|\s-\s)", text, maxsplit=1)[0]
    clause = _TIME.sub("", clause).strip()
    return clause[:1].upper() + clause[1:100] if clause else None
