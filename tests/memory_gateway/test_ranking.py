"""Fusion, evidence, words, dates and windows as pure functions, on sentences of their own."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from planner_memory.memory_gateway.dates import named_intervals, nearness
from planner_memory.memory_gateway.ranking import conversations, entity_evidence, fused, placed, ranked, thread_evidence, time_evidence, turn_evidence
from planner_memory.memory_gateway.retrieval import recall_clients
from planner_memory.memory_gateway.texts import collection_of, dated_text, window_text
from planner_memory.memory_gateway.words import Corpus, words
from planner_memory.ports.memories import Candidate

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)  # a Wednesday
BERLIN = ZoneInfo("Europe/Berlin")


def candidate(
    n: int, text: str = "x", *, at: datetime = NOW, thread: str | None = None, speaker: str | None = None, entities: tuple[str, ...] = ()
) -> Candidate:
    return Candidate(UUID(int=n), text, at, thread, speaker, entities)


def scaled(scores: list[float], *, is_cut: bool = False, missing: int = 0) -> list[float]:
    position = {UUID(int=i): i for i in range(len(scores) + missing)}
    return placed({UUID(int=i): score for i, score in enumerate(scores)}, position, is_cut=is_cut).tolist()


def test_a_channel_is_scaled_by_its_own_distribution() -> None:
    small = scaled([0.0, 1, 2, 3, 4])
    assert small == pytest.approx(scaled([1000.0 + 10 * i for i in range(5)]))
    assert small == sorted(small)
    assert small[2] == pytest.approx(0.5)
    assert scaled([3.0]) == scaled([3.0, 3.0])[:1] == [0.5]
    assert scaled([]) == []
    assert max(scaled([*range(100), 9_000.0])) > 1


def test_what_a_channel_did_not_find_stands_no_better_than_its_worst() -> None:
    assert scaled([3.0, 2.0], is_cut=True, missing=1)[2] == scaled([3.0, 2.0])[1]
    assert scaled([3.0, 2.5, 1.0], missing=1)[3] < scaled([3.0, 2.5, 1.0])[2]
    assert scaled([9.1, 9.0], missing=1)[2] == 0


def test_being_found_by_two_channels_beats_being_found_by_one() -> None:
    first, second = UUID(int=1), UUID(int=2)
    by_id = fused({"text": {first: 7.0, second: 2.0}, "dense": {first: 0.1}}, {})
    assert 1 >= by_id[first] > by_id[second] > 0
    assert fused({}, {}) == {}
    assert fused({"text": {first: 2.0, second: 1.0}, "dense": {first: 1.0, second: 2.0}}, {"text": 3.0})[first] > 0.5


def test_a_thread_with_three_good_turns_lifts_all_of_them() -> None:
    turns = [candidate(i, thread="a") for i in range(3)] + [candidate(3, thread="b"), candidate(4)]
    assert thread_evidence(np.full(5, 0.6), conversations(turns)).tolist() == pytest.approx([1, 1, 1, 1 / 3, 0])


def test_a_neighbour_counts_only_when_it_is_near_in_time() -> None:
    turns = [candidate(0, thread="a"), candidate(1, thread="a", at=NOW + timedelta(minutes=2)), candidate(2, thread="a", at=NOW + timedelta(hours=2))]
    near, answer = turn_evidence(np.array([0.9, 0.1, 0.4]), turns, conversations(turns))
    assert near.tolist() == [0.1, 0.9, 0.0]
    assert answer.tolist() == [0, 0, 0]


def test_the_turn_after_a_question_has_its_words_to_its_credit() -> None:
    said = ("And who signs the texts?", "Dr. Lind.", "Fine.")
    turns = [candidate(i, text, thread="a", at=NOW + timedelta(minutes=i)) for i, text in enumerate(said)]
    assert turn_evidence(np.array([0.9, 0.1, 0.4]), turns, conversations(turns))[1].tolist() == [0, 0.9, 0]
    assert order("who signs the texts", turns, text={UUID(int=0): 3.0, UUID(int=1): 2.9, UUID(int=2): 1.0})[0] == 1


def test_a_pinned_memory_goes_before_those_that_match_about_as_well() -> None:
    found = [candidate(n) for n in range(4)]
    text = {UUID(int=0): 5.0, UUID(int=1): 4.8, UUID(int=2): 1.0, UUID(int=3): 0.5}
    assert order("x", found, text=text) == [0, 1, 2, 3]
    assert order("x", [found[0], replace(found[1], pinned=True), *found[2:]], text=text)[0] == 1
    unrelated = [*found[:3], replace(found[3], pinned=True)]
    assert order("x", unrelated, text=text)[:2] == [0, 1]
    assert all(r.score <= 1 and r.scores["pinned"] in (0, 1) for r in ranked("x", {"text": text}, unrelated, now=NOW, dates=[]))


def test_a_date_tells_the_more_the_fewer_lie_there() -> None:
    months = [candidate(i, at=NOW - timedelta(days=30 * i)) for i in range(8)]
    _, bits = time_evidence(months, named_intervals("on 10 June 2026", NOW, BERLIN))
    assert bits == 3
    assert time_evidence(months, named_intervals("during 2026", NOW, BERLIN))[1] < 1
    assert time_evidence(months, [])[1] == 0


def order(query: str, candidates: list[Candidate], **channels: dict[UUID, float]) -> list[int]:
    found = channels or {"text": {c.id: 1.0 for c in candidates}}
    return [h.id.int for h in ranked(query, found, candidates, now=NOW, dates=named_intervals(query, NOW, BERLIN))]


def test_among_equals_the_named_speaker_the_named_date_and_the_newer_come_first() -> None:
    assert order("What did Oda's team decide?", [candidate(1, speaker="Ada"), candidate(2, speaker="Oda")]) == [2, 1]
    assert order("news of Blue Whale Ltd", [candidate(1, entities=("Blue",)), candidate(2), candidate(3, entities=("blue whale",))])[2] == 2
    assert order("What happened on 3 March 2026?", [candidate(1), candidate(2, at=datetime(2026, 3, 3, 9, tzinfo=UTC))]) == [2, 1]
    assert order("news", [candidate(1, at=NOW - timedelta(days=90)), candidate(2)]) == [2, 1]
    assert order("news", [candidate(2), candidate(1)]) == [1, 2]
    whales = [candidate(1, speaker="Blue Whale"), candidate(2, entities=("blue whale",)), candidate(3, "The Blue Whale.", entities=("Blue Whale",))]
    assert entity_evidence("Ask Blue Whale", whales).tolist() == [1, 0.5, 0]


def test_every_score_lies_between_nothing_and_one_and_strangers_are_left_out() -> None:
    candidates = [candidate(i, f"word{i} common", thread="t", speaker="Ada") for i in range(20)]
    channels = {name: {UUID(int=i): float(i**3) for i in range(30)} for name in ("text", "window", "dense")}
    hits = ranked("Ada word3 in May 2026", channels, candidates, now=NOW, dates=named_intervals("in May 2026", NOW, BERLIN))
    assert [h.id.int for h in hits][:3] == [19, 18, 17]
    assert len(hits) == 20
    assert all(0 <= v <= 1 for h in hits for v in (h.score, *h.scores.values()))
    assert {"lexical", "window", "dense", "thread", "neighbours", "answer", "entity", "time", "recency"} <= hits[0].scores.keys()
    assert ranked("x", {}, [], now=NOW, dates=[]) == []


def test_bm25_prefers_rare_words_and_short_texts() -> None:
    corpus = Corpus(["meeting with the auditor", "meeting with the team", "meeting about lunch", "the auditor " + "filed many long papers " * 9])
    scores = corpus.bm25(dict.fromkeys(words("auditor meetings"), 1.0))
    assert scores[0] > scores[3] > 0
    assert scores[0] > scores[1]
    assert corpus.bm25({}) == [0, 0, 0, 0]
    assert words("She's planning the studies, planned and plans") == ["plan", "study", "plan", "plan"]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("on 7 May 2023", "2023-05-07", "2023-05-07"),
        ("the May 7th, 2023 call", "2023-05-07", "2023-05-07"),
        ("since 2023-05-07", "2023-05-07", "2023-05-07"),
        ("in May 2023", "2023-05-01", "2023-05-31"),
        ("in december", "2025-12-01", "2025-12-31"),
        ("during 2024", "2024-01-01", "2024-12-31"),
        ("what happened yesterday", "2026-06-09", "2026-06-09"),
        ("notes of last week", "2026-06-01", "2026-06-07"),
        ("last month's hours", "2026-05-01", "2026-05-31"),
    ],
)
def test_dates_in_a_question_are_whole_local_days(text: str, first: str, last: str) -> None:
    [found] = named_intervals(text, NOW, BERLIN)
    assert found.start.astimezone(BERLIN).isoformat()[:19] == f"{first}T00:00:00"
    assert (found.end - timedelta(seconds=1)).astimezone(BERLIN).isoformat()[:19] == f"{last}T23:59:59"


def test_what_is_no_date_names_none() -> None:
    for text in ("may I see the 31 February plan", "version 2024", "room 12", "the marching band"):
        assert named_intervals(text, NOW, BERLIN) == [], text
    assert nearness(NOW, []) == 0
    day = named_intervals("2026-06-01", NOW, BERLIN)
    assert nearness(datetime(2026, 6, 1, 12, tzinfo=UTC), day) == 1
    assert 0 < nearness(datetime(2026, 6, 4, 12, tzinfo=UTC), day) < 1
    assert nearness(datetime(2026, 7, 4, tzinfo=UTC), day) == 0


@dataclass(frozen=True)
class Said:
    content: str
    metadata: dict[str, Any]
    occurred_at: datetime


def test_texts_carry_speaker_local_date_and_neighbours() -> None:
    late = datetime(2026, 5, 8, 23, 30, tzinfo=UTC)
    turns = [Said(f"turn {i}", {"speaker": "Ada"}, late) for i in range(6)]
    assert dated_text(turns[0], BERLIN) == "[9 May 2026] Ada: turn 0"
    assert dated_text(Said("Ada: hello", {"speaker": "Ada"}, late), ZoneInfo("UTC")) == "[8 May 2026] Ada: hello"
    assert window_text(turns, 0).splitlines() == ["Ada: turn 0", "Ada: turn 1", "Ada: turn 2"]
    assert window_text(turns, 3).splitlines() == [f"Ada: turn {i}" for i in range(1, 6)]
    assert [collection_of(t) for t in ("fact", "preference", "episode", "event")] == ["agent_memories", "agent_memories", "daily_threads", "events"]


def test_only_preferences_cross_from_the_person_to_a_client() -> None:
    assert recall_clients("acme", "me", ("preference",), may_see_person=True) == ("acme", "me")
    assert recall_clients("acme", "me", ("preference",), may_see_person=False) == ("acme",)
    assert recall_clients("acme", "me", None, may_see_person=True) == ("acme",)
    assert recall_clients("me", "me", ("preference",), may_see_person=True) == ("me",)
