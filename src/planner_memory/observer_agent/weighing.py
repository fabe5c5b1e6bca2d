"""How much the words round a number speak of a fact."""

import math
import re
from collections import Counter
from collections.abc import Sequence

from planner_memory.observer_agent.claims import Claim
from planner_memory.observer_agent.matching import DERIVED
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.sentences import Sentence, Word

_LIMIT = re.compile(r"\b(?:more|less|fewer|longer|over|beyond|under)\s+(?:than\s+)?$", re.IGNORECASE)
_LAST = re.compile(r"\b(?:last|past|previous|preceding|recent|prior|earlier|these)\s+$", re.IGNORECASE)
_WEEKS_AGO = re.compile(r"earlier_weeks\[[1-9]")
# a number beside one of these words is of nothing else
_APART = frozenset(
    {"deep", "meeting", "billable", "nonbillable", "unmarked", "switch", "event", "slipped", "scheduled", "past", "single_week", "estimate"}
    | {"streak", "sprint"}
)
_WEAK = {"actual": 0.5, "work": 0.6, "task": 0.8, "share": 0.5, "drift": 0.6}  # words that any sentence may have
_OF_METHOD = frozenset({"week", "day", "run", "least", "beyond", "drift"})  # of the limits that the method itself brings
_UNIT_OF_METHOD = {"weeks": "week", "days": "day", "runs": "run"}
_TOPICS = frozenset({"deep", "meeting", "billable", "nonbillable", "unmarked", "switch", "event", "scheduled", "slipped"})
_SETS_APART = _APART | {"work"}
_HOW_OFTEN = frozenset({"run", "switch", "event", "streak"})
_OF_RECORDS = ("minutes", "percent")
_NOUNS = frozenset({"task", "meeting", "event", "switch", "plan", "step", "timer", "deadline", "source", "run", "day", "week"})
_MUST_BE_SAID = frozenset({"past", "single_week"})
_OPPOSITES = tuple(
    pair
    for one, other in (("planned", "actual"), ("estimate", "actual"), ("planned", "completed"), ("billable", "nonbillable"), ("completed", "open"))
    for pair in ((one, other), (other, one))
)


def rarities(claims: Sequence[Claim]) -> dict[str, float]:
    """How much a word tells, by its concept: the more, the fewer facts are about it."""
    frequency = Counter(concept for claim in claims for concept in claim.concepts)
    return {concept: math.log(1.5 + len(claims) / n) * _WEAK.get(concept, 1.0) for concept, n in frequency.items()}


def weight(claim: Claim, near: dict[str, float], rarity: dict[str, float]) -> float:
    """How much the words round a number speak of this claim."""
    about = sum(near.get(concept, 0.0) * rarity[concept] for concept in claim.concepts)
    unsaid = sum(1 - near.get(concept, 0.0) for concept in claim.concepts)
    instead = (
        0.0 if claim.kind in ("date", "time") and not claim.names else sum(near.get(f"own {concept}", 0.0) for concept in _APART - claim.concepts)
    )
    score = about / math.sqrt(max(1, len(claim.concepts))) - 0.12 * unsaid - 2 * instead
    if claim.names:  # of one record among several: spoken of where its name stands
        named = max((near.get(f":{name}", 0.0) for name in claim.names), default=0.0)
        score += 4 * named if named else -1.0
    if "planned" in claim.concepts and "sprint" not in claim.concepts and near.get("planned", 0.0) < 0.05:
        score -= 0.8
    if "estimate" in claim.concepts and near.get("estimate", 0.0) and "own estimate" not in near:
        score -= 1.0  # "done in 2 h, estimated at 3 h": the word is of the other number
    if claim.pattern in ("difference", "multiple") and near.get("own difference", 0.0) < 0.15 and near.get("typical", 0.0) < 0.2:
        score -= 2.0
    leaf = claim.path.rpartition(".")[2]
    if claim.kind == "count" and leaf.endswith(("weeks", "days")) and max(near.get("week", 0.0), near.get("day", 0.0)) < 0.6:
        score -= 2.0
    if _WEEKS_AGO.search(claim.path):
        score -= 1.5
    if "past" in claim.concepts and "difference" not in claim.concepts and "other past" in near and "own past" not in near:
        score -= 2.0  # it is another number of its kind that is said to be of before
    if "open" in claim.concepts and "planned" not in claim.concepts and claim.kind == "count":
        score -= 1.5 * near.get("own planned", 0.0)
    if "planned" not in claim.concepts and claim.kind == "percent":
        score -= near.get("own planned", 0.0)
    if "billable" in claim.concepts and "planned" not in claim.concepts and claim.kind == "minutes":
        score -= 2 * near.get("own planned", 0.0)  # what was planned to be billable is the sprint's
    for concept, opposite in _OPPOSITES:
        if concept in claim.concepts and opposite not in claim.concepts and near.get(f"own {opposite}", 0.0) > near.get(f"own {concept}", 0.0):
            score -= 1.5 * near[f"own {opposite}"]
    if "past" in claim.concepts and "difference" not in claim.concepts and near.get("own now", 0.0) > near.get("own past", 0.0):
        score -= 2.0
    if claim.pattern == "rest" and near.get("open", 0.0) < 0.15:
        score -= 2.0
    if claim.kind == "count" and "slipped" not in claim.concepts:
        score -= 1.5 * near.get("mine slipped", 0.0)
    if claim.pattern == "rest" and near.get("slipped", 0.0) > near.get("open", 0.0):
        score -= 1.5
    for concept in _MUST_BE_SAID & claim.concepts:
        score -= 2.0 if near.get(concept, 0.0) < 0.1 else 0.0
    if _is_left_over(claim, near):
        score -= 2.0
    if {"planned", "completed"} <= claim.concepts and claim.kind == "count" and "own planned" in near and "other completed" in near:
        score -= 2.0 if "own completed" not in near else 0.0  # "planned: 6, done: 4"
    if "sprint" in claim.concepts and near.get("sprint", 0.0) < 0.02:
        score -= 0.7
    return score


def is_method(claim: Claim, near: dict[str, float], before: str) -> bool:
    """Whether the number is one that the method itself brings: "three runs or more", "the last four weeks"."""
    if "thresholds." not in claim.path or ("week" in claim.concepts and not _LAST.search(before)):
        return False
    if "beyond" in claim.concepts and _LIMIT.search(before):
        return True
    leaf = claim.path.rpartition(".")[2]
    unit = next((unit for ending, unit in _UNIT_OF_METHOD.items() if ending in leaf), None)
    return any(near.get(concept, 0.0) > 0.75 for concept in ({unit} if unit else claim.concepts & _OF_METHOD))


def is_named(claim: Claim, near: dict[str, float]) -> bool:
    """Whether the sentence names everything that the claim is about, and the record that it stands in."""
    return bool(claim.concepts) and all(near.get(c, 0.0) > 0.1 for c in claim.concepts) and all(f":{name}" in near for name in claim.names)


_GENERIC = frozenset({"task", "work", "actual", "share", "day", "week", "rate"})
_RIVALS = (
    frozenset({"past", "single_week", "now"}),
    frozenset({"estimate", "actual"}),
    frozenset({"planned", "completed", "open", "slipped", "scheduled"}),
    frozenset({"billable", "nonbillable", "unmarked"}),
    frozenset({"deep", "meeting", "switch", "event", "run"}),
)


def _is_left_over(claim: Claim, near: dict[str, float]) -> bool:
    """Whether the number is said to be what is left of a plan, and the claim is the plan or what was done of it."""
    if claim.concepts & {"open", "difference", "completed"} or ("planned" not in claim.concepts and "sprint" not in claim.concepts):
        return False
    return claim.kind in ("count", "minutes") and near.get("own open", 0.0) > 0.3


def is_of_the_same(claim: Claim, meant: Claim, near: dict[str, float]) -> bool:
    """Whether two shares of one record are told apart by words that any sentence may have: the sprint's share done, and its billable share."""
    if claim.kind != "percent" or claim.path.rpartition(".")[0] != meant.path.rpartition(".")[0] or claim.pattern in DERIVED:
        return False
    return claim.concepts & _APART == meant.concepts & _APART and all(near.get(c, 0.0) > 0.1 for c in claim.concepts & _APART)


def is_plainly_meant(claim: Claim, near: dict[str, float]) -> bool:
    """Whether the sentence names everything that sets this fact apart, beside this number rather than another one, and nothing against it."""
    apart = claim.concepts - _GENERIC
    if (
        claim.pattern in DERIVED
        or "thresholds." in claim.path
        or not apart
        or _WEEKS_AGO.search(claim.path)
        or any(near.get(f"mine {c}", 0.0) < 0.1 for c in apart)
    ):
        return False
    if _is_left_over(claim, near):
        return False
    if claim.kind == "count" and "slipped" not in claim.concepts and near.get("mine slipped", 0.0) > 0.3:
        return False
    if claim.names and not any(f"mine :{name}" in near for name in claim.names):
        return False
    for rivals in _RIVALS:
        theirs = max((near.get(f"mine {c}", 0.0) for c in rivals - claim.concepts), default=0.0)
        ours = max((near.get(f"mine {c}", 0.0) for c in rivals & claim.concepts), default=0.0)
        if theirs > max(ours, 0.1 if rivals & claim.concepts or "past" in rivals or "estimate" in rivals else 0.5):
            return False
    return not ("sprint" not in claim.concepts and near.get("sprint", 0.0) > 0.1)


def in_question(claims: Sequence[Claim], mention: Mention, sentence: Sentence, near: dict[str, float]) -> list[Claim]:
    """The claims that a number may be at all. What its words name leaves no room for what they do not name."""
    here = {name for name in near if name.startswith(":")}
    named = [claim for claim in claims if any(f":{name}" in here for name in claim.names)]
    # what must be said of a fact that is no record's, where a record is named that has such numbers too
    has_kind = {one.kind: _SETS_APART if one.kind == "minutes" else _SETS_APART - {"past", "single_week"} for one in named if one.kind in _OF_RECORDS}
    is_only_one = sum(other.kind == mention.kind for other in sentence.numbers) == 1
    noun = _counted_noun(mention, sentence) if mention.kind == "count" else frozenset()
    is_said = any(_is_topic_said(claim, near) for claim in claims if not claim.names)
    of_sprint = near.get("own sprint", 0.0) > 0.1 and max(near.get("own billable", 0.0), near.get("own planned", 0.0)) > 0.1
    found: list[Claim] = []
    for claim in claims:
        if claim.names:
            if sentence.has_names and claim not in named:
                continue  # a sentence that names records speaks of no other ones
        elif (
            named
            and claim.kind in has_kind
            and "thresholds." not in claim.path
            and not any(near.get(f"mine {c}", 0.0) > 0.1 for c in claim.concepts & has_kind[claim.kind])
        ):
            continue
        elif is_only_one and claim.kind == "count" and claim.concepts and any(claim.concepts <= one.concepts for one in named):
            continue  # "57 events of type X" is no count of all events
        if _is_of_another_type(claim, noun, sentence) or _is_silent_estimate(claim, mention, sentence, near):
            continue
        if of_sprint and "sprint" not in claim.concepts and not claim.names and claim.kind in ("minutes", "percent"):
            continue
        if _WEEKS_AGO.search(claim.path) and not near.get("past", 0.0):
            continue
        nouns = claim.concepts & _NOUNS
        if claim.kind == "count" and noun and nouns and not nouns & noun and not claim.names:
            continue
        if is_said and any(near.get(topic, 0.0) < 0.02 for topic in claim.concepts & _TOPICS):
            continue
        found.append(claim)
    return found


def _is_of_another_type(claim: Claim, noun: frozenset[str], sentence: Sentence) -> bool:
    """ "5 entries" without a type are entries of all types."""
    if claim.kind != "count" or "event" not in noun or not claim.names or sentence.has_names or ".by_" not in claim.path:
        return False
    return not any(word in sentence.text.lower() for name in claim.names for word in name.lower().replace("_", " ").split())


def _is_silent_estimate(claim: Claim, mention: Mention, sentence: Sentence, near: dict[str, float]) -> bool:
    """The only duration beside a task's name, with no word of an estimate, is what the task took."""
    if claim.kind != "minutes" or not claim.names or "estimate" not in claim.concepts or claim.pattern in DERIVED:
        return False
    return not near.get("estimate") and not near.get("planned") and sum(n.kind == mention.kind for n in sentence.numbers) == 1


def _is_topic_said(claim: Claim, near: dict[str, float]) -> bool:
    topics = claim.concepts & _TOPICS
    return bool(topics) and all(near.get(f"own {topic}", 0.0) > 0.3 for topic in topics)


def _is_times(word: Word, sentence: Sentence) -> bool:
    return sentence.text[word.start - sentence.start : word.end - sentence.start].lower() == "times"


def _counted_noun(mention: Mention, sentence: Sentence) -> frozenset[str]:
    """What stands right behind a count, or one word further, as the thing that it counts; empty when that is none that is known."""
    if mention.text.lower().endswith("times"):
        return _HOW_OFTEN
    at = next((start for start, is_break in sentence.tokens if start >= mention.end), None)
    near = [start for start, _ in sentence.tokens if start >= mention.end][:2] if at is not None else []
    return frozenset(word.about for word in sentence.words if word.start in near and word.about in _NOUNS and not _is_times(word, sentence))
