"""Sizes named in an intent: counts of things ("a 5-page website"), durations ("half-day workshop") and a budget of hours ("20 hours")."""

import re
from dataclasses import dataclass

HOURS_PER_DAY = 8.0
_UNIT_WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_UNITS = _UNIT_WORDS.split()
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100}
NUMBER_WORDS: dict[str, float] = (
    {w: float(i + 1) for i, w in enumerate(_UNITS)} | {w: float(n) for w, n in _TENS.items()} | {"dozen": 12.0, "couple": 2.0}
)
NUMBER = r"(?:\d{1,4}(?:[.,]\d{1,2})?|" + "|".join(sorted(NUMBER_WORDS, key=len, reverse=True)) + ")"
_EVENTS = (
    r"(?:workshop|session|training|course|offsite|meeting|webinar|talk|keynote|call|event|class|seminar|retreat|interview|presentation|video|episode|"
    r"conference|meetup|test|lesson)"
)


def number(text: str) -> float:
    return NUMBER_WORDS[text] if text in NUMBER_WORDS else float(text.replace(",", "."))


def _plural(word: str) -> str:
    if word.endswith(("s", "people")):
        return re.escape(word)
    if word.endswith("y") and word[-2] not in "aeiou":
        return f"{re.escape(word[:-1])}(?:y|ies)"
    return f"{re.escape(word)}(?:e?s)?"


def count_of(intent: str, words: tuple[str, ...]) -> float | None:
    """How many of these things the intent names: the number before the word, with up to three words between. Years and zero do not count."""
    text = intent.lower()
    for word in sorted(words, key=len, reverse=True):
        m = re.search(
            rf"(?<![\w.,/-])({NUMBER})(?:\s+of)?[\s-]+(?:(?!hours?\b|days?\b|minutes?\b|weeks?\b|months?\b|st\b|for\b|with\b|by\b)[a-z]+[\s-]+){{0,3}}?{_plural(word)}\b",
            text,
        )
        if m:
            found = number(m[1])
            if found > 0 and not (1900 <= found <= 2100):
                return found
    return None


def duration_hours(intent: str) -> float | None:
    """How long the event itself lasts, in hours: "half-day workshop", "a two-day training", "90-minute session"."""
    text = intent.lower()
    if re.search(r"\bhalf[\s-](?:a[\s-])?day\b", text):
        return HOURS_PER_DAY / 2
    if re.search(r"\b(?:full|whole|all)[\s-]day\b", text):
        return HOURS_PER_DAY
    tail = rf"[\s-]+(?:long[\s-]+)?(?:[a-z-]+\s+){{0,3}}?{_EVENTS}"
    for unit, hours in ((r"(?:hours?|hrs?|h)", 1.0), (r"days?", HOURS_PER_DAY), (r"(?:minutes?|mins?)", 1 / 60)):
        m = re.search(rf"(?<!\w)({NUMBER}|an?)[\s-]*{unit}{tail}", text) or re.search(
            rf"{_EVENTS}\s+(?:of|lasting|over|for)\s+({NUMBER}|an?)[\s-]*{unit}\b", text
        )
        if m:
            return (1.0 if m[1] in ("a", "an") else number(m[1])) * hours
    return None


@dataclass(frozen=True, slots=True)
class Budget:
    hours: float
    text: str


def work_budget(intent: str) -> Budget | None:
    """Hours of work that the intent allows for all of it: "20 hours", "about 3 days of work". An event's own length and "within 48 hours" are not."""
    text = intent.lower()
    adjective = rf"(?![\s-]+(?:long[\s-]+)?(?:[a-z-]+\s+){{0,3}}?{_EVENTS})"
    m = re.search(
        rf"(?<![\w.,/-])(?<!within )(?<!every )(?<!last )(?<!next )({NUMBER})"
        rf"[\s-]*(?:hours?|hrs?|h)\b(?!-)(?! (?:a|per) )(?!\s+(?:ago|each|before|after)\b){adjective}",
        text,
    )
    if m and not re.search(r"(?:within|every|tasks?|steps?|blocks?|largest|longer than|than)(?:\s+\w+){0,3}\s*$", text[: m.start()]):
        if re.search(rf"{_EVENTS}\s+(?:of|lasting|over|for)\s*$", text[: m.start()]):
            return None
        hours = number(m[1])
        return Budget(hours, m[0].strip()) if 0 < hours <= 2000 else None
    m = re.search(
        rf"(?<![\w.,/-])({NUMBER}|half a|a)\s+(?:person[\s-]+|working[\s-]+|work[\s-]+)?days?\s+(?:of\s+(?:work|effort)|effort|budget)\b"
        rf"|(?<![\w.,/-])({NUMBER})\s+(?:person|man)[\s-]days?\b",
        text,
    )
    if m:
        value = m[1] or m[2]
        days = {"half a": 0.5, "a": 1.0}.get(value) or number(value)
        return Budget(days * HOURS_PER_DAY, m[0].strip())
    return None
