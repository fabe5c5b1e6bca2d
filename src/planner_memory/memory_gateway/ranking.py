"""The order of recalled memories: channels fused by the distribution of their scores, then evidence from thread, speaker and time.

Everything here is a pure function of what the search found.
"""

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
_NEAR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Ranked:
    """`score` and every part lie in 0..1."""

    id: UUID
    score: float
    scores: Mapping[str, float]


def normalised(scores: Sequence[float]) -> list[float]:
    """Distribution-based score fusion's scale: the mean less three standard deviations is 0, the mean plus three is 1, cut at both ends."""
    if not scores:
        return []
    mean = sum(scores) / len(scores)
    deviation = math.sqrt(sum((v - mean) ** 2 for v in scores) / max(1, len(scores) - 1))
    if deviation == 0:
        return [0.5] * len(scores)
    return [min(1.0, max(0.0, (v - mean) / (6 * deviation) + 0.5)) for v in scores]


def placed(scores: Scores, position: Mapping[UUID, int]) -> list[float]:
    """A channel's normalised scores in the candidates' order; 0 for those that it did not find. What is no candidate is left out."""
    found = [(position[each], score) for each, score in scores.items() if each in position]
    out = [0.0] * len(position)
    for (place, _), value in zip(found, normalised([score for _, score in found]), strict=True):
        out[place] = value
    return out


def mixed(channels: Mapping[str, Sequence[float]], weights: Mapping[str, float]) -> list[float]:
    """The weighted mean of channels of equal length, 0..1."""
    total = sum(weights.get(name, 1.0) for name in channels) or 1.0
    shares = [weights.get(name, 1.0) / total for name in channels]
    return [sum(share * value for share, value in zip(shares, row, strict=True)) for row in zip(*channels.values(), strict=True)]


def fused(channels: Mapping[str, Scores], weights: Mapping[str, float]) -> dict[UUID, float]:
    """The weighted mean of the normalised channels, 0..1; what a channel did not find counts 0 there."""
    position = {each: place for place, each in enumerate(dict.fromkeys(id_ for scores in channels.values() for id_ in scores))}
    return dict(zip(position, mixed({name: placed(scores, position) for name, scores in channels.items()}, weights), strict=True))


def thread_evidence(base: Sequence[float], candidates: Sequence[Candidate]) -> list[float]:
    """How well the three best memories of the same thread match, relative to the best thread; 0 without a thread."""
    threads: dict[str, list[float]] = defaultdict(list)
    for score, each in zip(base, candidates, strict=True):
        if each.thread_id is not None:
            threads[each.thread_id].append(score)
    strength = {thread: sum(sorted(values, reverse=True)[:3]) / 3 for thread, values in threads.items()}
    best = max(strength.values(), default=0.0) or 1.0
    return [strength[c.thread_id] / best if c.thread_id is not None else 0.0 for c in candidates]


def neighbour_evidence(base: Sequence[float], candidates: Sequence[Candidate]) -> list[float]:
    """The better score of the two candidates next to a memory in its thread, when they lie within ten minutes of it; else 0."""
    threads: dict[str, list[tuple[datetime, int, int]]] = defaultdict(list)
    for place, each in enumerate(candidates):
        if each.thread_id is not None:
            threads[each.thread_id].append((each.occurred_at, each.id.int, place))
    out = [0.0] * len(candidates)
    for turns in threads.values():
        turns.sort()
        for (earlier, _, before), (later, _, after) in itertools.pairwise(turns):
            if later - earlier <= _NEAR:
                out[before] = max(out[before], base[after])
                out[after] = max(out[after], base[before])
    return out


def entity_evidence(query: str, candidates: Sequence[Candidate]) -> list[float]:
    """1 for a memory whose speaker or one of whose entities the query names as a whole word, else 0."""
    asked = f" {' '.join(_WORD.findall(_POSSESSIVE.sub('', query.lower())))} "
    named: dict[str, bool] = {}

    def is_named(name: str) -> bool:
        if name not in named:
            plain = " ".join(_WORD.findall(name.lower()))
            named[name] = bool(plain) and f" {plain} " in asked
        return named[name]

    return [float(any(is_named(n) for n in (c.speaker, *c.entities) if n)) for c in candidates]


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
    limit: int = 200,
) -> list[Ranked]:
    """The best candidates, best first, ties by id. A channel's scores may name memories that are no candidates: they are left out."""
    if not candidates:
        return []
    counted = weights or Weights()
    position = {c.id: place for place, c in enumerate(candidates)}
    parts = {name: placed(scores, position) for name, scores in channels.items()}
    base = mixed(parts, counted.channels) or [0.0] * len(candidates)
    core = sum(counted.channels.get(name, 1.0) for name in parts)
    evidence: dict[str, tuple[float, list[float]]] = {
        "thread": (counted.thread, thread_evidence(base, candidates)),
        "neighbours": (counted.neighbours, neighbour_evidence(base, candidates)),
        "entity": (counted.entity, entity_evidence(query, candidates)),
        "time": (counted.time, [nearness(c.occurred_at, dates) for c in candidates] if dates else [0.0] * len(candidates)),
        "recency": (counted.recency, [_recency(c.occurred_at, now) for c in candidates]),
    }
    total = core + sum(weight for weight, _ in evidence.values())
    score = [core * value / total for value in base]
    for weight, values in evidence.values():
        score = [sum_ + weight * value / total for sum_, value in zip(score, values, strict=True)]
    best = sorted(range(len(candidates)), key=lambda place: (-score[place], candidates[place].id.int))[:limit]
    named = {_NAMES.get(name, name): values for name, values in parts.items()} | {name: values for name, (_, values) in evidence.items()}
    return [Ranked(candidates[place].id, min(1.0, score[place]), {name: round(values[place], 4) for name, values in named.items()}) for place in best]


_NAMES = {"text": "lexical"}


def _recency(occurred_at: datetime, now: datetime) -> float:
    days = max(0.0, (now - occurred_at).total_seconds() / 86_400)
    return float(2 ** (-days / _RECENCY_HALF_LIFE_DAYS))
