"""What a failure looks like: two lines on standard error, nothing on standard output, and an exit code."""

import errno
from collections.abc import Callable

import httpx
import pytest
from tests.cli.conftest import Ran, Small

from planner_memory.cli.problems import described, exit_code, refused
from planner_memory.core.errors import InvalidInput, NotConnected, NotStarted, Unavailable

Cli = Callable[..., Ran]


@pytest.mark.parametrize(("status", "code"), [(422, 2), (404, 2), (409, 2), (413, 2), (401, 3), (403, 3), (502, 4), (503, 4), (504, 4), (500, 1)])
def test_a_problem_is_two_lines_and_a_code(cli: Cli, small: Small, status: int, code: int) -> None:
    small.refuses["/api/v1/memory/recall"] = (status, "It went wrong", "The thing is not there. Do it again tomorrow.")
    ran = cli("recall", "pumps", "--json")
    assert ran.code == code
    assert ran.out == ""
    assert ran.err.splitlines() == ["It went wrong: The thing is not there.", "Do it again tomorrow."]


def test_a_detail_of_one_sentence_gets_advice(cli: Cli, small: Small) -> None:
    small.refuses["/api/v1/planner/plan"] = (401, "An API key is needed", "The key is not known")
    lines = cli("plan", "Onboard Acme").err.splitlines()
    assert lines[0] == "An API key is needed: The key is not known"
    assert "PLANNER_API_KEY" in lines[1]


def test_what_does_not_answer_is_unavailable(cli: Cli, small: Small) -> None:
    small.down = True
    ran = cli("plans")
    assert (ran.code, len(ran.err.splitlines())) == (4, 2)


@pytest.mark.parametrize("command", [("recall",), ("reflect", "hourly"), ("recall", "x", "-k", "0"), ("schedule", "a", "--plan", "b"), ("nonsense",)])
def test_bad_usage_is_2(cli: Cli, command: tuple[str, ...]) -> None:
    ran = cli(*command)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err


def test_a_plan_that_cannot_be_told_apart(cli: Cli, small: Small) -> None:
    assert cli("schedule", "01926f00").code == 2
    assert cli("schedule", "ffff").code == 2
    assert small.sent("POST", "/api/v1/scheduler/schedule") == []


@pytest.mark.parametrize("variable", ["PLANNER_PORT", "POSTGRES_PORT"])
def test_a_bad_setting_names_its_variable(cli: Cli, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "many")
    ran = cli("plans")
    assert ran.code == 2
    assert variable in ran.err.splitlines()[0]
    assert len(ran.err.splitlines()) == 2


def test_ctrl_c_is_130(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("planner_memory.cli.calls.Api", interrupted)
    ran = cli("plans")
    assert ran.code == 130
    assert "Traceback" not in ran.err


def test_core_errors_have_codes() -> None:
    assert exit_code(InvalidInput("x")) == 2
    assert exit_code(NotConnected("x")) == 3
    assert exit_code(Unavailable("x")) == 4
    assert exit_code(NotStarted("x")) == 4
    assert exit_code(OSError(errno.EIO, "x")) == 1
    assert described(NotStarted("The data directory is in use by process 7 at http://127.0.0.1:8090. Stop it first.")) == (
        "Cannot start: The data directory is in use by process 7 at http://127.0.0.1:8090.",
        "Stop it first.",
    )


def test_an_answer_that_is_no_problem_document_keeps_its_status() -> None:
    error = refused(httpx.Response(502, text="<html>Bad gateway</html>"))
    assert (error.status, exit_code(error)) == (502, 4)
    assert "Bad gateway" in error.detail
    what, advice = described(NotStarted("PLANNER_WORKSPACE=coda-mcp needs CODA_MCP_URL, the address of an MCP server in front of Coda."))
    assert "needs CODA_MCP_URL" in what
    assert "start again" in advice
    assert "in a moment" not in advice, "waiting mends no setting"
