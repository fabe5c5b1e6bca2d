"""Whatever a model writes, the checker answers: words and numbers thrown together must not end it."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.observer_agent.test_checker_weeks import FACTS as WEEKS
from tests.observer_agent.test_pairs import FACTS as PAIRS

from planner_memory.observer_agent.checker import check

FACTS: dict[str, Any] = {**WEEKS, **PAIRS, "slipped": [{"title": "Sort the cellar", "planned_on": "2026-11-16", "moved_to_on": None}]}
NUMBERS = (  # noqa: SIM905
    "Tuesday|Wed|the 17th|17 November|Tue 17 Nov|2026-11-18|17/11|16.5.|12 %|45.8 percent|3 points|2 h 55 min|1.5 hours|an hour and a half"
    "|half|a third|50 minutes|09:00|9.30|nine o'clock|half past two|noon|two|13|1,234|21.25|once|twice|1.4 times|3 of 4|two out of every three|none"
    "|both|week 47|2026"
).split("|")
WORDS = (  # noqa: SIM905
    "took against for instead of than over under longer estimated planned scheduled worked billable deep work meetings tasks runs of them last"
    " week the before on average together each it its they was were and but while then until from at ( ) , ; : . ! - | ** “ ” today tomorrow slipped"
    " done open left in a row switches percent hours minutes more less up down to by rest other per"
).split()
NAMES = (
    "Newsletter",
    "“Proofread the annual report”",
    "ws:workflow-proofs",
    "the proofs",
    "Sort the cellar",
    "\n",
    "## Sprint\n",
    "## Trend\n",
    "## Tomorrow\n",
)
PIECES = some.one_of(
    some.sampled_from(NUMBERS), some.sampled_from(NUMBERS), some.sampled_from(WORDS), some.sampled_from(NAMES), some.text(max_size=6)
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some.lists(PIECES, min_size=2, max_size=40))
def test_every_prose_gets_verdicts_on_numbers_that_stand_in_it(pieces: list[str]) -> None:
    prose = " ".join(pieces)
    told = check(prose, FACTS)
    assert all(0 <= verdict.mention.start < verdict.mention.end <= len(prose) for verdict in told)
    assert [verdict.mention.start for verdict in told] == sorted(verdict.mention.start for verdict in told)


def test_facts_that_hold_little_are_no_trouble() -> None:
    prose = "You worked 3 h on Tuesday, 12 % more than last week, and “Newsletter” took 50 minutes instead of 40. 2 of 3 tasks are done."
    for document in (
        {},
        [],
        {"facts": {}},
        {"completed": []},
        {"completed": [{"title": ""}]},
        {"rhythm": {"worked_hours": None}},
        json.loads("null"),
        7,
    ):
        assert check(prose, document)
