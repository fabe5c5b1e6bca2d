"""The commands of planner-memory, put together."""

from typing import Annotated

import typer

from planner_memory import __version__
from planner_memory.cli import (
    calendars,
    demo,
    documents,
    index,
    keeping,
    memory,
    operations,
    planning,
    preferences,
    profile,
    prompts,
    questions,
    reflecting,
    scheduling,
    workspace,
)
from planner_memory.cli.help import plain

app = typer.Typer(
    name="planner-memory",
    help="A planner with a memory: remember, plan, schedule, do, reflect.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
_PANELS = (
    ("The loop", (*memory.COMMANDS, *planning.COMMANDS, *scheduling.COMMANDS, *calendars.COMMANDS, *questions.COMMANDS, *reflecting.COMMANDS)),
    ("Running it", (*demo.COMMANDS, *operations.COMMANDS, *index.COMMANDS)),
)
for _panel, _commands in _PANELS:
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)
_GROUPS = {
    **planning.GROUPS,
    **keeping.GROUPS,
    **documents.GROUPS,
    **prompts.GROUPS,
    **preferences.GROUPS,
    **profile.GROUPS,
    **calendars.GROUPS,
    **workspace.GROUPS,
}
for _name, _group in _GROUPS.items():
    app.add_typer(_group, name=_name, rich_help_panel="The loop")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False) -> None:
    pass


plain(app)
