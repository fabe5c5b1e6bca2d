"""Commands for what happens in the calendar: sync, questions, answer, and the address with which an app subscribes to it."""

from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from planner_memory.cli.calendars import calendar
from planner_memory.cli.calls import Api, Client, Json, run, show, show_json
from planner_memory.cli.render import counted
from planner_memory.core.errors import InvalidInput, NotFound
from planner_memory.settings import Settings
from planner_memory.wiring.home import data_directory, subscription_of

_PATH = "/api/v1/scheduler/questions"
_KINDS = {"deleted": "removed", "finished": "finished", "conflict": "collides"}


def sync(as_json: Json = False) -> None:
    """Read what has changed in the calendar, and learn from it. It happens every five minutes anyway."""
    answer = run(lambda api: api.post("/api/v1/scheduler/sync"))
    if as_json:
        show_json(answer)
        return
    named = (
        ("moved", "moved by hand; they stay where they were put"),
        ("deleted", "removed by hand"),
        ("finished", "marked as done by hand"),
        ("renamed", "renamed by hand"),
        ("marked_done", "marked as done, because their task is"),
    )
    lines: list[RenderableType] = [Text(f"{counted(answer[name], 'block')} {says}.") for name, says in named if answer[name]]
    show(*(lines or [Text("Nothing has changed.")]), *_asked(answer["questions"]))


def questions(client: Client = None, as_json: Json = False) -> None:
    """Show what the calendar's changes leave for you to decide."""
    answer = run(lambda api: api.get(_PATH, client_id=client))
    if as_json:
        show_json(answer)
        return
    show(*(_asked(answer["questions"]) or [Text("There is nothing to decide.")]))


def _asked(found: list[dict[str, Any]]) -> list[RenderableType]:
    if not found:
        return []
    table = Table("question", "about", "what happened", "answers", box=None, padding=(0, 2, 0, 0), header_style="bold")
    for each in found:
        kind = f"{each['title']} ({_KINDS[each['kind']]})"
        table.add_row(each["question_id"][-8:], kind, each["says"], " or ".join(a.replace("_", "-") for a in each["answers"]))
    return [table, Text(f"Answer like: planner-memory answer {found[0]['question_id'][-8:]} {found[0]['answers'][0].replace('_', '-')}", "dim")]


def answer(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question's id, or its last characters.")],
    says: Annotated[str, typer.Argument(metavar="ANSWER", help="place-again or drop; accept or dismiss; apply or keep.")],
    hours: Annotated[float | None, typer.Option("--hours", min=0.01, help="With accept: the hours it took.")] = None,
    notes: Annotated[str | None, typer.Option("--notes", help="With accept: how it went.")] = None,
    as_json: Json = False,
) -> None:
    """Answer a question that the calendar's changes left open."""

    async def story(api: Api) -> Any:
        body = {"answer": says.replace("-", "_"), "actual_hours": hours, "outcome_notes": notes}
        return await api.post(f"{_PATH}/{await _id_of(api, question)}", body)

    found = run(story)
    show_json(found) if as_json else show(Text(_DONE[found["answer"]]), Text(f"run {found['scheduler_run_id']}", "dim"))


_DONE = {
    "place_again": "It is placed again, at another time.",
    "drop": "It stays away.",
    "accept": "It is recorded as an execution run.",
    "dismiss": "Nothing is recorded.",
    "apply": "The repaired schedule is in the calendar.",
    "keep": "Everything stays where it is.",
}


async def _id_of(api: Api, part: str) -> str:
    if len(part) == 36:
        return part
    found = [q["question_id"] for q in (await api.get(_PATH))["questions"] if q["question_id"].endswith(part.lower())]
    if not found:
        raise NotFound(f"No open question ends in {part}. `planner-memory questions` lists them.")
    if len(found) > 1:
        raise InvalidInput(f"{len(found)} questions end in {part}. Give more of the id.", field="question")
    return str(found[0])


@calendar.command("address")
def address(as_json: Json = False) -> None:
    """Print what a phone or desktop app needs to subscribe to the embedded calendar."""
    settings = Settings()
    found = subscription_of(settings, data_directory(settings))
    if found is None:
        raise NotFound("There is no embedded calendar here yet. `planner-memory up` makes it; with a calendar of your own there is none.")
    url, username, password = found
    if as_json:
        show_json({"url": url, "username": username, "password": password})
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in (("address (CalDAV)", url), ("user name", username), ("password", password)):
        table.add_row(name, value)
    show(table, Text("It listens on this machine alone. For a phone, forward its port through your own network or VPN.", "dim"))


COMMANDS = (sync, questions, answer)
