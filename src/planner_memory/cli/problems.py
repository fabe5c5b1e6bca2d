"""What went wrong, in two lines for a person (what, and what to do) and as an exit code for a script."""

import re
from typing import Any

import httpx
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from planner_memory.core.errors import NotStarted, PlannerMemoryError
from planner_memory.settings import environment_name

UNEXPECTED, BAD_INPUT, NOT_ALLOWED, UNAVAILABLE = 1, 2, 3, 4
_CODES = {
    **dict.fromkeys((400, 404, 405, 409, 413, 415, 422), BAD_INPUT),
    **dict.fromkeys((401, 403), NOT_ALLOWED),
    **dict.fromkeys((429, 502, 503, 504), UNAVAILABLE),
}
_ADVICE = {
    BAD_INPUT: "Correct the input and try again; --help shows what the command takes.",
    NOT_ALLOWED: "Check the API key: PLANNER_API_KEY, or the file api-key in the data directory.",
    UNAVAILABLE: "Try again in a moment; `planner-memory doctor` shows which part does not answer.",
    UNEXPECTED: "Look into the log of the running product; `planner-memory doctor` shows the state of its parts.",
}
_NOT_STARTED = "Set or correct what that names, then start again; docs/settings.md says what each setting takes."
_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")


class Refused(Exception):
    """The product answered with a problem."""

    def __init__(self, status: int, title: str, detail: str, extra: dict[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.extra = extra or {}


def refused(answer: httpx.Response) -> Refused:
    """The problem in an answer; one that is no RFC 9457 document keeps its status and the beginning of its text."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return Refused(answer.status_code, answer.reason_phrase or "Not understood", answer.text[:200].strip())
    extra = {k: v for k, v in body.items() if k not in ("type", "title", "status", "detail")}
    return Refused(answer.status_code, str(body.get("title") or answer.reason_phrase), str(body.get("detail") or ""), extra)


def exit_code(error: Exception) -> int:
    """0 is kept for success, 130 for Ctrl-C."""
    if isinstance(error, ValidationError):
        return BAD_INPUT
    if isinstance(error, (NotStarted, httpx.HTTPError)):
        return UNAVAILABLE
    if isinstance(error, (PlannerMemoryError, Refused)):
        return _CODES.get(error.status, UNEXPECTED)
    return UNEXPECTED


def described(error: Exception) -> tuple[str, str]:
    """What went wrong, and what to do about it: one line each."""
    advice = _NOT_STARTED if isinstance(error, NotStarted) else _ADVICE[exit_code(error)]
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        try:
            name = environment_name(field)
        except KeyError:
            name = field
        return f"The setting {name} is not valid: {first['msg'].removeprefix('Value error, ')}", "docs/settings.md says what each setting takes."
    if isinstance(error, httpx.TimeoutException):
        return "The product did not answer in time.", advice
    if isinstance(error, httpx.HTTPError):
        return f"The product does not answer: {error}", advice
    if isinstance(error, (PlannerMemoryError, Refused)):
        what, *rest = _SENTENCES.split(error.detail.strip(), maxsplit=1)
        return (f"{error.title}: {what}" if what else error.title), (rest[0] if rest else advice)
    return f"{type(error).__name__}: {error}", advice


def report(error: Exception) -> int:
    """Prints the two lines on standard error and returns the exit code."""
    what, advice = (line.replace("\n", " ") for line in described(error))
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text(what, style="red"))
    console.print(Text(advice))
    return exit_code(error)
