"""The order of recalled memories: channels on one scale, then evidence from their threads, from who spoke and from when it was.

Everything here is a pure function of what the search found.
"""

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from planner_memory.core.intervals import Interval
from planner_memory.memory_gateway.dates import nearness
from planner_memory.ports.memories import Candidate

Scores = Mapping[UUID, float]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each kind of evidence counts, relative to one channel of the search; a channel without a number counts 1.

    The parts were chosen on five conversations between strangers, with 770 questions, and on questions about work; the numbers are round and lie
    on a plateau: halving or doubling one moves recall@10 by two points at most, and choosing each on four of the conversations gives the same on
    the fifth. Pseudo-relevance feedback (a second search with the words of the best hits) gained nothing over them.

    What a memory shares with its neighbours counts less than its own words, and recency almost nothing: it breaks ties. `time` is per bit: a date
    that only one candidate in eight lies at counts three times that, at most as much as a channel. `question` is a share of the score that is lost by
    a memory that only asks, `pinned` one that is won by a memory that somebody pinned: it goes before others that match about as well, and a pinned
    memory that has nothing to do with the question stays below those that have.
    """

    channels: Mapping[str, float] = field(default_factory=dict)
    thread: float = 0.3
    neighbours: float = 0.4
    answer: float = 0.5
    entity: float = 0.6
    time: float = 0.1
    recency: float = 0.01
    question: float = 0.15
    pinned: float = 0.25


_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['’]s\b")
_END_OF_STATEMENT = re.compile(r"[.!]\s")
_CLOSING = " \t\r\n\"'”’)"
_RECENCY_HALF_LIFE_DAYS = 30
_NEAR = timedelta(minutes=10)
_ABOUT = 1 / 2  # what an entity counts beside a speaker
_NAMES = {"text": "lexical"}


@dataclass(frozen=True, slots=True)
class Ranked:
    """`score` and every part lie in 0..1."""

    id: UUID
    score: float
    scores: Mapping[str, float]


def placed(scores: Scores, position: Mapping[UUID, int], *, is_cut: bool) -> Values:
    """A channel's scores in the candidates' order, on the scale of distribution-based fusion: the mean of what was found is 0.5, three standard
    deviations below it and less is 0, and there is no bound above, so that an outstanding hit stays one.

    What was not found is put where it belongs on that scale, not at its lower end: at the worst score found when the list `is_cut`, since it
    cannot be better, else at the score 0 of a text without any word of the query.
    """
    values = np.zeros(len(position))
    found = [(place, score) for each, score in scores.items() if (place := position.get(each)) is not None]
    if not found:
        return values
    places, raw = [place for place, _ in found], np.array([score for _, score in found])
    deviation = raw.std(ddof=1) if len(raw) > 1 else 0.0
    if deviation <= 1e-9 * abs(raw.mean()):
        values[places] = 0.5
        return values
    values[:] = raw.min() if is_cut else min(0.0, raw.min())
    values[places] = raw
    scaled: Values = np.maximum(0.0, (values - raw.mean()) / (6 * deviation) + 0.5)
    return scaled


def fused(channels: Mapping[str, Scores], weights: Mapping[str, float], *, cut: Collection[str] = ("dense",)) -> dict[UUID, float]:
    """The weighted mean of the channels, 0..1, for everything that one of them found. `cut` names those whose lists may go on."""
    position = {each: place for place, each in enumerate(dict.fromkeys(id_ for scores in channels.values() for id_ in scores))}
    if not position:
        return {}
    shares = [weights.get(name, 1.0) for name in channels]
    values = np.average([placed(scores, position, is_cut=name in cut) for name, scores in channels.items()], axis=0, weights=shares)
    return dict(zip(position, np.minimum(1.0, values).tolist(), strict=True))


def conversations(candidates: Sequence[Candidate]) -> list[list[int]]:
    """The places of the candidates of each thread, in the order in which they were said."""
    threads: dict[str, list[tuple[datetime, int, int]]] = defaultdict(list)
    for place, each in enumerate(candidates):
        if each.thread_id is not None:
            threads[each.thread_id].append((each.occurred_at, each.id.int, place))
    return [[place for _, _, place in sorted(turns)] for turns in threads.values()]


def thread_evidence(base: Values, threads: Sequence[Sequence[int]]) -> Values:
    """How well the three best memories of the same thread match, relative to the best thread; 0 without a thread."""
    scores = base.tolist()  # plain floats are several times as fast to pick
    strength = [sum(sorted((scores[place] for place in turns), reverse=True)[:3]) for turns in threads]
    best = max(strength, default=0.0) or 1.0
    values = np.zeros(len(base))
    for turns, each in zip(threads, strength, strict=True):
        values[turns] = each / best
    return values


def turn_evidence(base: Values, candidates: Sequence[Candidate], threads: Sequence[Sequence[int]]) -> tuple[Values, Values]:
    """Two kinds of evidence from the turns next to a memory in its thread, when they are candidates and lie within ten minutes of it.

    The better score of the two; and the score of the turn before when that turn asks something, since a question has the words that one looks
    for and the answer after it the thing (the adjacency pairs of Schegloff and Sacks 1973).
    """
    scores = base.tolist()
    near, answer = [0.0] * len(scores), [0.0] * len(scores)
    for turns in threads:
        for before, after in itertools.pairwise(turns):
            if candidates[after].occurred_at - candidates[before].occurred_at <= _NEAR:
                near[before] = max(near[before], scores[after])
                near[after] = max(near[after], scores[before])
                if asks(candidates[before].text):
                    answer[after] = scores[before]
    return np.array(near), np.array(answer)


def asks(text: str) -> bool:
    """Whether it ends with a question."""
    return text.rstrip(_CLOSING).endswith("?")


def entity_evidence(query: str, candidates: Sequence[Candidate]) -> Values:
    """1 for a memory whose speaker the query names as a whole word, a half for one that is about an entity that the query names, else 0.

    An entity whose name stands in the text counts nothing here: the channels have counted its words, and counted twice they would outweigh the
    rarer words of another memory.
    """
    asked = _plain(_POSSESSIVE.sub("", query))
    named: dict[str | None, bool] = {None: False}

    def is_named(name: str | None) -> bool:
        if name not in named:
            plain = _plain(name or "")
            named[name] = bool(plain.strip()) and plain in asked
        return named[name]

    def is_about(each: Candidate) -> bool:
        about = [name for name in each.entities if is_named(name)]
        return bool(about) and any(_plain(name) not in _plain(each.text) for name in about)

    return np.array([1.0 if is_named(c.speaker) else _ABOUT if c.entities and is_about(c) else 0.0 for c in candidates])


def _plain(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.lower()))} "


def time_evidence(candidates: Sequence[Candidate], dates: list[Interval]) -> tuple[Values, float]:
    """How near each candidate is to a date that the query names, and how many bits that tells: the fewer lie there, the more."""
    if not dates:
        return np.zeros(len(candidates)), 0.0
    values = np.array([nearness(c.occurred_at, dates) for c in candidates])
    return values, math.log2(len(candidates) / max(1, int((values == 1).sum())))


def ranked(
    query: str,
    channels: Mapping[str, Scores],
    candidates: Sequence[Candidate],
    *,
    now: datetime,
    dates: list[Interval],
    cut: Collection[str] = ("dense",),
    weights: Weights | None = None,
    limit: int = 101,
) -> list[Ranked]:
    """The best candidates, best first, ties by id. A channel's scores may name memories that are no candidates: they are left out.

    `cut` names the channels that found more than they told.
    """
    if not candidates:
        return []
    counted = weights or Weights()
    candidates = sorted(candidates, key=attrgetter("id.int"))
    position = {c.id: place for place, c in enumerate(candidates)}
    parts = {_NAMES.get(name, name): placed(scores, position, is_cut=name in cut) for name, scores in channels.items()}
    shares = [counted.channels.get(name, 1.0) for name in channels]
    base: Values = np.average(list(parts.values()), axis=0, weights=shares) if parts else np.zeros(len(candidates))
    threads = conversations(candidates)
    neighbours, answer = turn_evidence(base, candidates, threads)
    time, bits = time_evidence(candidates, dates)
    evidence = {
        "thread": (counted.thread, thread_evidence(base, threads)),
        "neighbours": (counted.neighbours, neighbours),
        "answer": (counted.answer, answer),
        "entity": (counted.entity, entity_evidence(query, candidates)),
        "time": (min(1.0, counted.time * bits), time),
        "recency": (counted.recency, _recency(candidates, now)),
    }
    only_asks = np.array([asks(c.text) and not _END_OF_STATEMENT.search(c.text) for c in candidates])
    total = sum(shares) + sum(weight for weight, _ in evidence.values())
    pinned = np.array([float(c.pinned) for c in candidates])
    score = (sum(shares) * base + sum(weight * values for weight, values in evidence.values())) / total
    score *= (1 - counted.question * only_asks) * (1 + counted.pinned * pinned)
    best = np.argsort(-np.round(score, 9), kind="stable")[:limit]
    parts |= {name: values for name, (_, values) in evidence.items()} | {"pinned": pinned}
    shown = np.round(np.minimum(1.0, np.stack(list(parts.values()))[:, best]), 4).T.tolist()
    totals = np.minimum(1.0, score[best]).tolist()
    return [Ranked(candidates[place].id, total, dict(zip(parts, row, strict=True))) for place, total, row in zip(best, totals, shown, strict=True)]


def _recency(candidates: Sequence[Candidate], now: datetime) -> Values:
    days: Values = np.maximum(0.0, (now.timestamp() - np.array([c.occurred_at.timestamp() for c in candidates])) / 86_400)
    return np.exp2(-days / _RECENCY_HALF_LIFE_DAYS)
