"""Every command: what it asks of the product, its table and its JSON."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import MEMORY, OLDER, PLAN, RUN, Ran, Small

Cli = Callable[..., Ran]

# command, a word of its table, the key and value that its JSON has
ANSWERS = [
    (("remember", "Acme makes pumps."), f"Remembered as {MEMORY}", ("memory_id", MEMORY)),
    (("recall", "who decides"), "The head of service decides", ("total", 1)),
    (("plan", "Onboard Acme"), "Confirm agreement", ("plan_id", PLAN)),
    (("plan", "Onboard Acme", "--manifold"), "Bold day", ("plan_id", PLAN)),
    (("revise", "drop step 2"), "Confirm agreement", ("plan_id", PLAN)),
    (("plans",), OLDER, ("total", 2)),
    (("plans", "latest"), "2 h 15 in all, 3 h with the reserve", ("plan_id", PLAN)),
    (("today",), "Hold the kick-off, since Mon 15 Mar", None),
    (("start", "2"), "running since Mon 15 Mar", ("task_id", f"plan:{PLAN}:2")),
    (("stop", "2"), "2 h 15 (estimated 1 h 30)", ("actual_hours", 2.25)),
    (("done", f"plan:{PLAN}:1"), "Hold the kick-off: done after 2 h 15. The plan is active.", ("task_id", f"plan:{PLAN}:1")),
    (("runs", "list"), "1 h 30", ("total", 1)),
    (
        ("runs", "add", "1", "--hours", "2.25", "--started", "2027-03-15T09:00+01:00", "--ended", "2027-03-15T11:15+01:00"),
        "2 h 15",
        ("run_id", "run-1"),
    ),
    (("schedule",), "1 task in 1 block, 1 without a place; applied.", ("scheduler_run_id", RUN)),
    (("agenda", "--start", "2027-03-15"), "Public holiday", ("time_zone", "Europe/Berlin")),
    (("reflect",), "Two tasks were finished", ("mode", "daily")),
    (("brief",), "Nothing slipped", ("brief_on", "2027-03-15")),
    (("facts", "--start", "2027-03-14"), "tasks · completed", ("warnings", [])),
    (("preferences", "list"), "no work on Fridays", ("warnings", [])),
    (("preferences", "correct", MEMORY[-6:], "--nothing"), "asks of schedules: nothing.", ("read_by", "person")),
    (("profile", "show"), "Europe/Berlin", ("time_zone", "Europe/Berlin")),
    (("profile", "set", "--holidays", "de"), "DE", ("holidays_country", "DE")),
]


@pytest.mark.parametrize(("command", "word", "member"), ANSWERS, ids=[" ".join(c[:2]) for c, _, _ in ANSWERS])
def test_answers_as_a_table_and_as_one_json_document(cli: Cli, command: tuple[str, ...], word: str, member: tuple[str, object] | None) -> None:
    shown = cli(*command)
    assert shown.code == 0, shown.err
    assert word in shown.out
    assert all(len(line) <= 100 for line in shown.out.splitlines())
    told = cli(*command, "--json")
    assert told.code == 0, told.err
    assert len(told.out.splitlines()) == 1
    if member is not None:
        assert told.json[member[0]] == member[1]


def test_what_was_not_said_is_not_sent(cli: Cli, small: Small) -> None:
    cli("remember", "No task above two hours.", "--kind", "preference")
    assert small.sent("POST", "/api/v1/memory/remember") == [
        {"content": "No task above two hours.", "memory_type": "preference", "event_source": "person"}
    ]
    cli("recall", "pumps", "-c", "acme", "-k", "3")
    assert small.queried("/api/v1/memory/recall")[-1] == {"query": "pumps", "client_id": "acme", "k": "3"}
    cli("reflect", "weekly", "--date", "2027-03-15")
    assert small.queried("/api/v1/observer/reflect")[-1] == {"mode": "weekly", "date": "2027-03-15"}


def test_remember_reads_standard_input(cli: Cli, small: Small, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_text("From a pipe.\n")
    with note.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        cli("remember", "-")
    assert small.sent("POST", "/api/v1/memory/remember")[0]["content"] == "From a pipe."


@pytest.mark.parametrize("named", [(), ("latest",), ("--plan", "latest"), (PLAN,), ("a001",)])
def test_schedule_finds_the_plan_meant(cli: Cli, small: Small, named: tuple[str, ...]) -> None:
    ran = cli("schedule", *named, "--start", "2027-03-15", "--end", "2027-03-26", "--json")
    assert ran.code == 0, ran.err
    assert small.sent("POST", "/api/v1/scheduler/schedule") == [
        {"plan_id": PLAN, "constraints": {"start_date": "2027-03-15", "end_date": "2027-03-26"}}
    ]


def test_a_schedule_shows_the_week_and_says_what_did_not_fit(cli: Cli) -> None:
    out = cli("schedule").out
    assert "Mon 15 Mar" in out
    assert "▌" in out
    assert "Steering call" in out
    assert "waits for “Confirm agreement and billing”" in " ".join(out.split())
    assert "Tue 30 Mar" in out
    assert "Times in Europe/Berlin." in out


def test_warnings_go_to_standard_error(cli: Cli) -> None:
    ran = cli("plan", "Onboard Acme", "--json")
    assert "no engagement" in ran.err
    assert ran.json["warnings"]


def test_export_writes_lines_a_list_or_a_file(cli: Cli, tmp_path: Path) -> None:
    assert cli("export", "--client", "acme").out == '{"memory_id": "1"}\n{"memory_id": "2"}\n'
    assert [each["memory_id"] for each in cli("export", "--json").json] == ["1", "2"]
    target = tmp_path / "out.ndjson"
    assert cli("export", "-o", str(target), "--json").json == {"file": str(target), "records": 2}
    assert len(target.read_text().splitlines()) == 2


def test_import_calendar_sends_the_file(cli: Cli, small: Small, tmp_path: Path) -> None:
    file = tmp_path / "mine.ics"
    file.write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    assert cli("import-calendar", str(file), "--json").json == {"imported": 3}
    assert small.sent("POST", "/api/v1/scheduler/import")[0]["ics"].startswith("BEGIN:VCALENDAR")
    assert cli("import-calendar", str(tmp_path / "none.ics")).code == 2


def test_profile_hours_and_days(cli: Cli, small: Small) -> None:
    assert cli("profile", "set", "--hours", "9:00-12:00,13:00-17:00", "--days", "mon-wed,fri").code == 0
    sent = small.sent("PUT", "/api/v1/planner/profile")[0]
    assert sent["working_hours"]["tue"] == [["09:00", "12:00"], ["13:00", "17:00"]]
    assert sent["working_hours"]["thu"] == []
    assert sent["confirmed"] is True
    assert cli("profile", "set", "--hours", "nine to five").code == 2
    assert cli("profile", "set", "--json").code == 2


def test_first_questions_are_asked_only_of_a_person_at_a_terminal(cli: Cli, small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    small.profile["confirmed"] = False
    answers = iter(["Europe/Lisbon", "08:00-16:00", "pt"])
    monkeypatch.setattr("rich.prompt.Prompt.get_input", lambda *_, **__: next(answers))
    assert cli("plan", "Onboard Acme").code == 0
    assert small.sent("PUT", "/api/v1/planner/profile") == []
    monkeypatch.setattr("planner_memory.cli.calls.sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("planner_memory.cli.planning.may_ask", lambda as_json, yes: not as_json and not yes)
    assert cli("plan", "Onboard Acme", "--json").code == 0
    assert cli("plan", "Onboard Acme", "--yes").code == 0
    assert small.sent("PUT", "/api/v1/planner/profile") == []
    assert cli("plan", "Onboard Acme").code == 0
    sent = small.sent("PUT", "/api/v1/planner/profile")[0]
    assert (sent["time_zone"], sent["holidays_country"], sent["confirmed"]) == ("Europe/Lisbon", "PT", True)
    assert sent["working_hours"]["mon"] == [["08:00", "16:00"]]


def test_help_lists_every_command(cli: Cli) -> None:
    ran = cli("--help")
    assert ran.code == 0
    for name in (
        "remember",
        "recall",
        "export",
        "plan",
        "revise",
        "plans",
        "today",
        "start",
        "stop",
        "done",
        "runs",
        "schedule",
        "agenda",
        "import-calendar",
    ):
        assert f" {name} " in ran.out
    for name in ("reflect", "brief", "facts", "profile", "demo", "up", "serve", "doctor"):
        assert f" {name} " in ran.out


def test_a_command_does_not_load_what_only_the_services_need() -> None:
    program = "import sys, planner_memory.__main__; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    services = {f"planner_memory.{each}" for each in ("memory_gateway", "planner_engine", "scheduler_engine", "observer_agent", "web", "asgi")}
    assert not (services | {"structlog", "opentelemetry", "fastapi", "uvicorn", "numpy", "psycopg", "rich.markdown"}) & set(loaded)


def test_help_shows_flags_without_a_type_and_says_what_goes_into_the_others(cli: Cli) -> None:
    for command in ([], ["schedule"], ["workspace", "list"], ["retention", "set"], ["calendar", "connect", "caldav"]):
        shown = cli(*command, "--help").out
        assert "<" not in shown, shown
        assert " --help " in shown
    shown = cli("runs", "add", "--help").out
    assert "[OPTIONS] TASK" in shown
    rows = [line.strip(" │*").split() for line in shown.splitlines()]
    for option, word in (("--hours", "NUMBER"), ("--started", "TIME"), ("--notes", "TEXT"), ("--kind", "Process|Touchpoint"), ("--json", "Answer")):
        assert [option, word] in [row[:2] for row in rows]
    assert ["--client", "-c", "CLIENT"] in [row[:3] for row in rows]


def test_the_titles_of_today_can_be_read_beside_ids_that_can_be_copied(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = cli("today").out.splitlines()
    [title] = [i for i, line in enumerate(shown) if line.strip().endswith("Confirm agreement and billing")]
    assert shown[title + 1].strip() == f"plan:{PLAN}:1"
