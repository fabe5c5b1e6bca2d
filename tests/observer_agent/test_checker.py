"""The checker on true and corrupted reflections in many words, and as a command."""

import json
import random
from pathlib import Path

import pytest
from benchmarks.observer_corpus import samples
from benchmarks.observer_phrasings import FIFTH, FIRST, FOURTH, SECOND, THIRD
from benchmarks.observer_texts import a_week, texts
from benchmarks.observer_wordings import HELD_OUT
from typer.testing import CliRunner

from planner_memory.cli.app import app
from planner_memory.observer_agent.checker import check, unsupported

FACTS = {
    "starts_on": "2026-11-16",
    "ends_on": "2026-11-22",
    "rhythm": {
        "tasks_completed": 6,
        "tasks_planned": 4,
        "planned_tasks_completed": 3,
        "completion_percent": 75.0,
        "worked_hours": 20.5,
        "deep_work_hours": 12.0,
        "meetings": 2,
        "meeting_hours": 1.5,
        "billable_hours": 15.0,
        "not_billable_hours": 5.5,
        "context_switches": 9,
    },
    "completed": [{"title": "Audit of 3 sites", "actual_hours": 3.0, "estimated_hours": 1.5}],
    "slipped": [{"title": "Draft the offer", "planned_on": "2026-11-19"}],
}


@pytest.mark.parametrize(
    "prose",
    [
        "Three of four planned tasks are done, that is three quarters of them.",
        "Meetings took 90 minutes, or an hour and a half.",
        "You met twice; 2 meetings in 1.5 h.",
        "The “Audit of 3 sites” took 3 hours, twice the estimate of 1.5 h, so an hour and a half more than estimated.",
        "15 h billable and 5.5 h not billable work are 20 h 30 min together.",
        "“Draft the offer” was planned for Thursday 19 November and slipped.",
        "About 12 hours of deep work from 16 to 22 November, in week 47.",
        "Billable work was 15 h, not billable 5.5 hours.",
        "Not all planned tasks were completed, and no meetings ran longer than planned.",
        "Both meetings took place.",
    ],
)
def test_true_sentences_pass(prose: str) -> None:
    assert unsupported(prose, FACTS) == []


@pytest.mark.parametrize(
    ("prose", "wrong"),
    [
        ("You had six meetings.", "six"),  # six are the tasks
        ("Deep work came to 20 h 30 min.", "20 h 30 min"),  # that is all of the work
        ("Two of four planned tasks are done.", "Two"),
        ("15 h billable and 5.5 h not billable work are 22 h together.", "22 h"),
        ("“Draft the offer” was planned for Friday 20 November and slipped.", "Friday 20 November"),
        ("“Draft the offer” was planned for Friday 19 November and slipped.", "Friday 19 November"),
        ("The “Audit of 3 sites” took 1.5 h.", "1.5 h"),
        ("Meetings took 90 hours.", "90 hours"),
        ("The completion rate was 76 %.", "76 %"),
        ("You had no meetings.", "no"),
        ("None of the planned tasks was completed.", "None"),
        ("All planned tasks were completed.", "All"),
        ("You finished both tasks.", "both"),
    ],
)
def test_false_ones_do_not(prose: str, wrong: str) -> None:
    assert wrong in [mention.text for mention in unsupported(prose, FACTS)]


def test_at_least_99_of_100_corruptions_are_caught_and_at_most_1_of_100_true_texts_is_doubted() -> None:
    alarms = caught = 0
    seeds = range(20_000, 20_300)
    for seed in seeds:
        true, false = texts(seed, HELD_OUT)
        alarms += bool(unsupported(true.prose, true.facts))
        assert false.corrupted is not None
        start, end = false.corrupted
        caught += any(m.start < end and m.end > start for m in unsupported(false.prose, false.facts))
    assert alarms <= 0.01 * len(seeds)
    assert caught >= 0.99 * len(seeds)


@pytest.mark.parametrize("templates", [FIRST, SECOND, THIRD, FOURTH, FIFTH], ids=["first", "second", "third", "fourth", "fifth"])
def test_other_words_other_numbers_other_lies(templates: tuple[str, ...]) -> None:
    """Whole texts of eight sentences: a false alarm anywhere in a true one counts."""
    alarms = caught = 0
    seeds = range(60_000, 60_060)
    for seed in seeds:
        true, false = samples(seed, templates)
        alarms += bool(unsupported(true.prose, true.facts))
        assert false.span is not None
        start, end = false.span
        caught += any(m.start < end and m.end > start for m in unsupported(false.prose, false.facts))
    assert alarms <= 1
    assert caught >= len(seeds) - 2


def test_a_verdict_names_its_fact() -> None:
    right, wrong = check("6 tasks completed. You had 3 meetings.", FACTS)
    assert (right.outcome, right.fact) == ("fact", "rhythm.tasks_completed")
    assert (wrong.outcome, wrong.fact) == ("misplaced", "rhythm.meetings")
    assert a_week(random.Random(1)) == a_week(random.Random(1))


def test_the_command_answers_with_each_number_and_fails_on_a_false_one(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(json.dumps({"facts": FACTS}), encoding="utf-8")
    (tmp_path / "p.md").write_text("# Week\n\n6 tasks completed.\nYou had 5 meetings.\n", encoding="utf-8")
    arguments = ["check-reflection", "--facts", str(tmp_path / "f.json"), "--prose", str(tmp_path / "p.md")]
    answer = CliRunner().invoke(app, [*arguments, "--json"])
    assert answer.exit_code == 1
    found = json.loads(answer.stdout)
    assert (found["total"], found["unsupported"]) == (2, 1)
    assert [(n["text"], n["line"], n["supported"], n["fact"]) for n in found["numbers"]] == [
        ("6", 3, True, "rhythm.tasks_completed"),
        ("5", 4, False, "rhythm.meetings"),
    ]
    (tmp_path / "p.md").write_text("6 tasks completed.", encoding="utf-8")
    assert CliRunner().invoke(app, arguments).exit_code == 0
