"""Commands for remembered preferences as the scheduler reads them: preferences list, correct, forget."""

import json
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from planner_memory.cli.calls import Api, Client, Json, run, show, show_json, warn
from planner_memory.core.errors import InvalidInput

app = typer.Typer(help="How you like to work: what you said, and what schedules make of it.", no_args_is_help=True)
_PATH = "/api/v1/scheduler/preferences"
_EXAMPLE = '[{"kind": "band", "energy": "high", "spans": [["08:00", "11:00"]]}]'
Memory = Annotated[str, typer.Argument(metavar="MEMORY_ID", help="The memory's id, or its first characters, as `preferences list` shows it.")]


@app.command("list")
def list_preferences(client: Client = None, as_json: Json = False) -> None:
    """List what you said about how you like to work, and what schedules make of each."""
    answer = run(lambda api: api.get(_PATH, client_id=client))
    warn(answer)
    if as_json:
        show_json(answer)
        return
    if not answer["preferences"]:
        show(Text('Nothing is remembered of how you like to work. Tell it: planner-memory remember --kind preference "Deep work in the mornings."'))
        return
    table = Table("memory", "you said", "so schedules keep", "read by", box=None, padding=(0, 2, 0, 0), header_style="bold")
    for each in answer["preferences"]:
        table.add_row(each["memory_id"][-8:], each["words"], _rules(each), {"person": "you"}.get(each["read_by"], each["read_by"]))
    show(table)


@app.command("correct")
def correct_preference(
    memory: Memory,
    rules: Annotated[str | None, typer.Option("--rules", help=f"What it asks of schedules, as JSON, like {_EXAMPLE}")] = None,
    nothing: Annotated[bool, typer.Option("--nothing", help="It asks nothing of schedules.")] = False,
    client: Client = None,
    as_json: Json = False,
) -> None:
    """Say once what a memory asks of schedules; that stays until its words change."""
    if (rules is None) != nothing:
        raise InvalidInput(f"Give either --rules, like --rules '{_EXAMPLE}', or --nothing.", field="rules")
    try:
        given = [] if rules is None else json.loads(rules)
    except ValueError as error:
        raise InvalidInput(f"These rules are not JSON: {error}. Write them like {_EXAMPLE}.", field="rules") from error

    async def story(api: Api) -> Any:
        return await api.put(f"{_PATH}/{await _id_of(api, memory, client)}", {"rules": given})

    _tell(run(story), as_json)


@app.command("forget")
def forget_reading(memory: Memory, client: Client = None, as_json: Json = False) -> None:
    """Take a correction back; the memory itself stays and is read anew."""

    async def story(api: Api) -> Any:
        return await api.delete(f"{_PATH}/{await _id_of(api, memory, client)}")

    _tell(run(story), as_json)


def _tell(answer: Any, as_json: bool) -> None:
    show_json(answer) if as_json else show(Text(f"“{answer['words']}” asks of schedules: {_rules(answer)}."))


def _rules(preference: dict[str, Any]) -> str:
    return "; ".join(rule["says"].split(", because you said:")[0] for rule in preference["rules"]) or "nothing"


async def _id_of(api: Api, given: str, client: str | None) -> str:
    found = [p["memory_id"] for p in (await api.get(_PATH, client_id=client))["preferences"]]
    meant = [each for each in found if each == given or each.startswith(given) or each.endswith(given)]
    if len(meant) > 1:
        raise InvalidInput(f"{given} could be any of {', '.join(meant)}. Write more of it.", field="memory")
    return str(meant[0]) if meant else given


GROUPS = {"preferences": app}
