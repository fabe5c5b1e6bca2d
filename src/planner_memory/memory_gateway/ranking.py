"""The order of recalled memories: channels fused by the distribution of their scores, then evidence from thread, speaker and time.

Everything here is a pure function of what the search found.
"""

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from planner_memory.core.intervals import Interval
from planner_memory.memory_gateway.dates import nearness
from planner_memory.memory_gateway.words import telling_words
from planner_memory.ports.memories import Candidate

Scores = Mapping[UUID, float]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each kind of evidence counts, relative to one channel of the search.

    Channels count alike; the second pass counts half, the usual share of feedback (Abdul-Jaleel et al. 2004). Context that a memory shares with
    its neighbours counts less, and recency almost nothing: it breaks ties.
    """

    channels: Mapping[str, float] = field(default_factory=lambda: {"text": 1.0, "window": 1.0, "dense": 1.0, "feedback": 0.5, "feedback_window": 0.5})
    thread: float = 0.3
    neighbours: float = 0.3
    entity: float = 0.6
    time: float = 0.2
    recency: float = 0.01


_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['’]s\b")
FEEDBACK_HITS = 10
FEEDBACK_TERMS = 40
_RECENCY_HALF_LIFE_DAYS = 30


@dataclass(frozen=True, slots=True)
class Ranked:
    """`score` and every part lie in 0..1."""

    id: UUID
    score: float
    scores: Mapping[str, float]


def normalised(scores: Scores) -> dict[UUID, float]:
    """Distribution-based score fusion's scale: the mean less three standard deviations is 0, the mean plus three is 1, cut at both ends."""
    if not scores:
        return {}
    values = list(scores.values())
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / max(1, len(values) - 1))
    if deviation == 0:
        return dict.fromkeys(scores, 0.5)
    return {each: min(1.0, max(0.0, (v - mean) / (6 * deviation) + 0.5)) for each, v in scores.items()}


def fused(channels: Mapping[str, Scores], weights: Mapping[str, float]) -> dict[UUID, float]:
    """The weighted mean of normalised channels, 0..1; a memory that a channel did not find counts 0 there."""
    total = sum(weights.get(name, 1.0) for name in channels) or 1.0
    sums: dict[UUID, float] = defaultdict(float)
    for name, scores in channels.items():
        share = weights.get(name, 1.0) / total
        for each, value in scores.items():
            sums[each] += share * value
    return dict(sums)


def thread_evidence(base: Scores, candidates: Sequence[Candidate]) -> dict[UUID, float]:
    """How well the three best memories of the same thread match, relative to the best thread; 0 without a thread."""
    threads: dict[str, list[float]] = defaultdict(list)
    for each in candidates:
        if each.thread_id is not None:
            threads[each.thread_id].append(base.get(each.id, 0.0))
    strength = {thread: sum(sorted(values, reverse=True)[:3]) / 3 for thread, values in threads.items()}
    best = max(strength.values(), default=0.0) or 1.0
    return {c.id: strength[c.thread_id] / best if c.thread_id is not None else 0.0 for c in candidates}


def neighbour_evidence(base: Scores, candidates: Sequence[Candidate]) -> dict[UUID, float]:
    """The better score of the two candidates next to a memory in its thread, when they lie within ten minutes of it; else 0."""
    threads: dict[str, list[Candidate]] = defaultdict(list)
    for each in candidates:
        if each.thread_id is not None:
            threads[each.thread_id].append(each)
    out = {c.id: 0.0 for c in candidates}
    for turns in threads.values():
        turns.sort(key=lambda c: (c.occurred_at, c.id))
        for before, after in itertools.pairwise(turns):
            if (after.occurred_at - before.occurred_at).total_seconds() <= 600:
                out[before.id] = max(out[before.id], base.get(after.id, 0.0))
                out[after.id] = max(out[after.id], base.get(before.id, 0.0))
    return out


def entity_evidence(query: str, candidates: Sequence[Candidate]) -> dict[UUID, float]:
    """1 for a memory whose speaker or one of whose entities the query names as a whole word, else 0."""
    asked = f" {' '.join(_WORD.findall(_POSSESSIVE.sub('', query.lower())))} "
    named: dict[str, bool] = {}

    def is_named(name: str) -> bool:
        if name not in named:
            plain = " ".join(_WORD.findall(name.lower()))
            named[name] = bool(plain) and f" {plain} " in asked
        return named[name]

    return {c.id: float(any(is_named(n) for n in (c.speaker, *c.entities) if n)) for c in candidates}


def expansion(first: Sequence[Ranked], candidates: Sequence[Candidate]) -> str:
    """What to search for in a second pass: the most telling words of the best hits of the first (pseudo-relevance feedback)."""
    texts = {c.id: c.text for c in candidates}
    return " ".join(telling_words([(texts[h.id], h.score) for h in first[:FEEDBACK_HITS]], list(texts.values()), FEEDBACK_TERMS))


def ranked(
    query: str,
    channels: Mapping[str, Scores],
    candidates: Sequence[Candidate],
    *,
    now: datetime,
    dates: list[Interval],
    weights: Weights | None = None,
) -> list[Ranked]:
    """The candidates, best first, ties by id. A channel's scores may name memories that are no candidates: they are left out."""
    if not candidates:
        return []
    counted = weights or Weights()
    known = {c.id for c in candidates}
    parts = {name: normalised({each: s for each, s in scores.items() if each in known}) for name, scores in channels.items()}
    base = fused(parts, counted.channels)
    core = sum(counted.channels.get(name, 1.0) for name in parts)
    evidence: dict[str, tuple[float, Mapping[UUID, float]]] = {
        "thread": (counted.thread, thread_evidence(base, candidates)),
        "neighbours": (counted.neighbours, neighbour_evidence(base, candidates)),
        "entity": (counted.entity, entity_evidence(query, candidates)),
        "time": (counted.time, {c.id: nearness(c.occurred_at, dates) for c in candidates} if dates else {}),
        "recency": (counted.recency, {c.id: _recency(c.occurred_at, now) for c in candidates}),
    }
    total = core + sum(weight for weight, _ in evidence.values())
    out = []
    for each in candidates:
        score = core * base.get(each.id, 0.0) + sum(weight * values.get(each.id, 0.0) for weight, values in evidence.values())
        scores = {_NAMES.get(name, name): values.get(each.id, 0.0) for name, values in parts.items()}
        scores |= {name: values.get(each.id, 0.0) for name, (_, values) in evidence.items()}
        out.append(Ranked(each.id, min(1.0, score / total), {name: round(value, 4) for name, value in scores.items()}))
    return sorted(out, key=lambda r: (-r.score, r.id))


_NAMES = {"text": "lexical"}


def _recency(occurred_at: datetime, now: datetime) -> float:
    days = max(0.0, (now - occurred_at).total_seconds() / 86_400)
    return float(2 ** (-days / _RECENCY_HALF_LIFE_DAYS))
