"""Part and whole: in "3 of 4 planned tasks", "3/4" and "of 4 planned tasks, 3 …" the 3 is the part and the 4 the whole."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from planner_memory.observer_agent.claims import Claim
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.sentences import Sentence

Role = Literal["part", "rest", "whole"]
_OF = re.compile(
    r"\s*(?:(?:planned\s+|completed\s+|finished\s+)?(?:tasks?|items?|things?)\s+)?(?:/|(?:out\s+)?of)\s*"
    r"(?:(?:the|your|its|those|all|a\s+total\s+of|my|planned|[^\W\d]+['’]s)\s+)*",
    re.IGNORECASE,
)
_BEFORE_WHOLE = re.compile(r"(?:^|[\s,;:(–—])(?:out\s+)?of\s+(?:(?:the|your|its|those|all)\s+)*$|\bplan(?:ned)?\s*$", re.IGNORECASE)
_HOURS_OF = re.compile(r"\s*(?:billable\s+)?(?:hours?\s+)?(?:/|(?:out\s+)?of)\s*(?:(?:the|your|a)\s+)*(?:planned\s+)?", re.IGNORECASE)
_SO = re.compile(
    r"(?:\s+(?:planned|tasks?|items?|things?|to-?dos?|done|completed|finished|were|are|was|is|got|done|that))*\s*[,;:(=–—-]?\s*"
    r"(?:(?:so|that\s+is|that's|which\s+is|which\s+makes|i\.e\.|or|a\s+rate\s+of|making|equals|for)\s+)?(?:(?:about|roughly|exactly|nearly|~)\s*)?",
    re.IGNORECASE,
)
_OF_THEM = re.compile(r"\s*of\s+(?:them|these|those|which)\b", re.IGNORECASE)
_OF_WHICH = re.compile(r"[^.;]*\bof\s+(?:them|these|those|which)\s+(?:only\s+|just\s+)?", re.IGNORECASE)
_WORKED = re.compile(r"\b(?:recorded|worked|logged|done|delivered|reached|tracked|booked|so\s+far|actual\w*|stand|are\s+at|have)\b", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"(?:\s+[\w-]+){0,6}\s*\(", re.IGNORECASE)
_OPEN = re.compile(
    r"\b(?:not|n['’]t|undone|open|left|missed|slipped|unfinished|postponed|remain\w*|outstanding|waiting|fell\s+through|incomplete)\b", re.IGNORECASE
)
_OPEN_LABEL = re.compile(r"\b(?:not\s+\w+|undone|open|left|missed|slipped|unfinished|remaining|outstanding)\W*$", re.IGNORECASE)


def role_of(mention: Mention, sentence: Sentence) -> Role | None:
    """Of a count among the counts of planned tasks; None where the sentence has no part and whole."""
    if mention.kind == "minutes":
        return _of_hours(mention, sentence)
    counts = [n for n in sentence.numbers if n.kind == "count"]
    if mention.kind != "count" or len(counts) < 2 or not any(sentence.is_about(c) for c in ("planned", "task")):
        return None
    for label, number in sentence.placed.items():
        if number == mention.start:
            about = {word.about for word in sentence.words if word.start == label}
            return "whole" if "planned" in about else "part" if "completed" in about else "rest" if "open" in about else None
    at = next((n for n, each in enumerate(counts) if each.start == mention.start), None)
    if at is None:
        return None  # a count by another of its meanings
    after = counts[at + 1] if at + 1 < len(counts) else None
    before = counts[at - 1] if at else None
    if after is not None and _OF.fullmatch(sentence.between(mention, after)):
        tail = sentence.after(after)
        head = sentence.before(mention)[-24:]
        return "rest" if _OPEN.search(tail[: _next_count(tail)]) or _OPEN_LABEL.search(head) else "part"
    if before is not None and _OF.fullmatch(sentence.between(before, mention)):
        return "whole"
    if after is not None and _is_whole_of(mention, after, sentence):
        return "whole"
    if before is not None and _is_whole_of(before, mention, sentence):
        return "rest" if _OPEN.search(sentence.after(mention)[:40]) else "part"
    if before is not None and _OF_THEM.match(sentence.after(mention)) and sentence.is_about("planned"):
        return "rest" if _OPEN.search(sentence.after(mention)[:40]) else "part"
    whole = next((n for n in counts if _BEFORE_WHOLE.search(sentence.before(n))), None)
    if whole is None or not sentence.is_about("planned"):
        return None
    if whole is mention or whole.start == mention.start:
        return "whole"
    if mention.start < whole.start:
        return None
    end = after.start - mention.end if after is not None else None
    clause = re.split(r",|;|\b(?:and|but|while)\b", sentence.after(mention)[:end])[0]
    return "rest" if _OPEN.search(clause) else "part"


def _is_whole_of(one: Mention, other: Mention, sentence: Sentence) -> bool:
    """ "6 tasks were planned, of which 2 …" and "6 planned tasks; 2 of them …", but not "6 tasks, of which 2 were planned"."""
    is_planned = sentence.is_about("planned") and sentence.first_about("planned") < other.start
    is_done_later = not sentence.is_about("planned") and sentence.is_about("completed") and sentence.first_about("completed") > one.end
    if not is_planned and not is_done_later:
        return False
    return _OF_THEM.match(sentence.after(other)) is not None or _OF_WHICH.fullmatch(sentence.between(one, other)) is not None


def complements(mention: Mention, sentence: Sentence, claims: Sequence[Claim]) -> str | None:
    """Done and open in one sentence that add up to what was planned: "2 done, 3 to go"."""
    counts = [n for n in sentence.numbers if n.kind == "count"]
    if mention.kind != "count" or len(counts) != 2 or not (sentence.is_about("completed") and sentence.is_about("open")):
        return None
    planned = next((c for c in claims if c.path.endswith("tasks_planned") and "past" not in c.concepts), None)
    kept = next((c for c in claims if c.path.endswith("planned_tasks_completed") and "past" not in c.concepts), None)
    if planned is None or kept is None:
        return None
    first, second = (n.value for n in counts)
    is_done_first = sentence.first_about("completed") < sentence.first_about("open")
    done = first if is_done_first else second
    return f"{kept.path}, of {planned.path}" if first + second == planned.value and done == kept.value else None


def exceeds(part: Mention, whole: Mention, sentence: Sentence) -> bool:
    """Whether it says "9 of 6 tasks"."""
    is_pair = part.kind == whole.kind == "count" and _OF.fullmatch(sentence.between(part, whole)) is not None
    if part.kind == whole.kind == "count" and _OF_THEM.match(sentence.after(whole)):
        return False  # told the other way round: "5 tasks, 3 of them"
    return bool(is_pair and part.value > whole.value and "/" not in sentence.between(part, whole))


def _next_count(text: str) -> int:
    found = re.search(r"[,;]|\band\b|\d", text)
    return found.start() if found else len(text)


def out_of_role(claim: Claim, role: Role | None) -> float:
    """How much less a claim is meant than its words say, because it has another role."""
    about = claim.concepts
    if role is None:
        return 0.0
    if claim.kind == "minutes":
        return 3.0 if (role == "part" and "actual" not in about) or (role == "whole" and "planned" not in about) else 0.0
    if claim.kind != "count":
        return 0.0
    if role == "whole":
        return 0.0 if "planned" in about and not about & {"completed", "open"} else 3.0
    if role == "part":
        return 0.0 if {"planned", "completed"} <= about else 1.5 if about & {"completed", "trouble"} else 3.0
    return 0.0 if {"planned", "open"} <= about else 2.0 if "slipped" in about else 3.0


def _of_hours(mention: Mention, sentence: Sentence) -> Role | None:
    """In "7 h of 39 planned billable hours" the 7 are actual, the 39 planned."""
    hours = [n for n in sentence.numbers if n.kind == "minutes"]
    if not sentence.is_about("sprint") or not (sentence.is_about("billable") or sentence.is_about("planned")):
        return None
    if len(hours) == 2 and not any(sentence.is_about(c) for c in ("open", "difference", "deep", "meeting", "past")):
        one, other = hours
        if sentence.is_about("planned") and sentence.first_about("planned") < other.start and re.match(r"[^,;]*[,;]", sentence.between(one, other)):
            words = sentence.between(one, other) + sentence.after(other)
            if _WORKED.search(re.split(r"[,;]", words, maxsplit=1)[-1]) and not _WORKED.search(sentence.before(one)):
                return "whole" if mention.start == one.start else "part"
    for one, other in pairwise(hours):
        if _BEFORE_WHOLE.search(sentence.before(one)) and sentence.is_about("planned") and mention.start in (one.start, other.start):
            return "whole" if mention.start == one.start else "part"
        if _OF.fullmatch(sentence.between(one, other)) or _HOURS_OF.fullmatch(sentence.between(one, other)):
            if mention.start == one.start:
                return "part"
            if mention.start == other.start:
                return "whole"
    return None


def share_of_counts(percent: Mention, sentence: Sentence) -> tuple[Mention, Mention] | None:
    """The part and the whole that stand right before a percentage, or right behind it in brackets, if it can only be their share."""
    counts = [n for n in sentence.numbers if n.kind == "count" and n.precision == 1]  # what is rounded has another share
    for one, other in pairwise(counts):
        told_first = _BEFORE_WHOLE.search(sentence.before(one)) is not None and sentence.is_about("planned")
        part, whole = (other, one) if told_first else (one, other)
        if told_first and whole.value and percent.start >= part.end and part.value <= whole.value:
            after = sentence.text[part.end - sentence.start : percent.start - sentence.start]
            if not re.search(r"\d", after) and (_SO.fullmatch(after) or _IN_BRACKETS.fullmatch(after)):
                return part, whole
        if told_first or not whole.value or part.value > whole.value or not _OF.fullmatch(sentence.between(part, whole)):
            continue
        behind = sentence.text[whole.end - sentence.start : percent.start - sentence.start] if percent.start >= whole.end else None
        before = sentence.text[percent.end - sentence.start : part.start - sentence.start] if percent.end <= part.start else None
        if behind is not None and not re.search(r"\d", behind) and (_SO.fullmatch(behind) or _IN_BRACKETS.fullmatch(behind)):
            return part, whole
        if before is not None and re.fullmatch(r"\s*[(:,]\s*", before):
            return part, whole
    return None
