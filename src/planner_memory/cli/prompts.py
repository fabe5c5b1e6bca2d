"""Commands for prompts: prompts list, show, diff, edit, use, rollback."""

import asyncio
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.syntax import Syntax
from rich.table import Table

from planner_memory.cli.calls import Api, Client, Json, run, show, show_json
from planner_memory.core.errors import InvalidInput

app = typer.Typer(help="The prompts of the language model: versions side by side.", no_args_is_help=True)
_PATH = "/api/v1/planner/prompts"
Name = Annotated[str, typer.Argument(help="A prompt's name, as `prompts list` shows it.")]
Version = Annotated[str | None, typer.Argument(help="A version. Default: the one that counts.")]


@app.command("list")
def list_prompts(client: Client = None, as_json: Json = False) -> None:
    """List the prompts, their versions and which one counts, for a client or for everyone."""

    async def story(api: Api) -> Any:
        return await api.get(_PATH, client_id=client)

    answer = run(story)
    if as_json:
        show_json(answer)
        return
    table = Table("prompt", "counts", "chosen by", "versions", "clients with their own", box=None, pad_edge=False)
    for prompt in answer["prompts"]:
        clients = ", ".join(f"{c}: {v}" for c, v in prompt["clients"].items())
        versions = ", ".join(v["version"] for v in prompt["versions"])
        table.add_row(prompt["name"], prompt["version"], prompt["chosen_by"], versions, clients)
    show(table)


@app.command("show")
def show_prompt(name: Name, version: Version = None, client: Client = None, as_json: Json = False) -> None:
    """Print the text of a version."""

    async def story(api: Api) -> Any:
        return await api.get(f"{_PATH}/{name}", version=version, client_id=client)

    answer = run(story)
    show_json(answer) if as_json else typer.echo(answer["content"], nl=not answer["content"].endswith("\n"))


@app.command("diff")
def diff_prompt(
    name: Name,
    before: Annotated[str, typer.Argument(help="The version to compare with.")],
    after: Version = None,
    client: Client = None,
    as_json: Json = False,
) -> None:
    """Show what changed between two versions."""

    async def story(api: Api) -> Any:
        return await api.get(f"{_PATH}/{name}/diff", before=before, after=after, client_id=client)

    answer = run(story)
    if as_json:
        show_json(answer)
    elif not answer["diff"]:
        typer.echo(f"{answer['before']} and {answer['after']} are the same.")
    elif sys.stdout.isatty():
        show(Syntax(answer["diff"], "diff", background_color="default"))
    else:
        typer.echo(answer["diff"])


@app.command("edit")
def edit_prompt(
    name: Name,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Take the text from this file (-: standard input), not an editor.")] = None,
    note: Annotated[str | None, typer.Option(help="Why it was changed.")] = None,
    use: Annotated[bool, typer.Option("--use/--no-use", help="Let the new version count from now on.")] = True,
    client: Annotated[str | None, typer.Option("--client", "-c", help="Let it count for this client alone. Default: everyone.")] = None,
    as_json: Json = False,
) -> None:
    """Make a new version of a prompt, in $EDITOR or from a file. Old versions stay as they are."""

    async def story(api: Api) -> Any:
        if file is None:
            now = (await api.get(f"{_PATH}/{name}", client_id=client))["content"]
            content = await asyncio.to_thread(_edited, now)
            if content == now:
                raise InvalidInput("Nothing was changed in the editor, so there is no new version.")
        else:
            content = _text_of(file)
        return await api.post(f"{_PATH}/{name}/versions", {"content": content, "note": note, "use": use, "client_id": client})

    answer = run(story)
    if as_json:
        show_json(answer)
    else:
        counts = f" It counts for {answer['in_use_for']} now." if answer["in_use_for"] else " Nobody uses it yet."
        typer.echo(f"{answer['name']} {answer['version']} is stored.{counts}")


def _edited(text: str) -> str:
    """The text as the person leaves it in their editor."""
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prompt.md"
        path.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*editor, str(path)], check=False)
        except OSError as error:
            raise InvalidInput(f"The editor {editor[0]} cannot be started. Set EDITOR, or give the text with --file.") from error
        if done.returncode:
            raise InvalidInput(f"The editor {editor[0]} ended with {done.returncode}, so there is no new version.")
        return path.read_text(encoding="utf-8")


def _text_of(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read as text: {error}") from error


@app.command("use")
def use_prompt(
    name: Name,
    version: Annotated[str, typer.Argument(help="The version that shall count, or 'default'.")],
    client: Annotated[str | None, typer.Option("--client", "-c", help="For this client alone. Default: everyone.")] = None,
    as_json: Json = False,
) -> None:
    """Let a version count from now on, for one client (to try two side by side) or for everyone."""

    async def story(api: Api) -> Any:
        return await api.put(f"{_PATH}/{name}/version", {"version": None if version == "default" else version, "client_id": client})

    _say(run(story), as_json)


@app.command("rollback")
def roll_back_prompt(
    name: Name,
    client: Annotated[str | None, typer.Option("--client", "-c", help="For this client alone. Default: everyone.")] = None,
    as_json: Json = False,
) -> None:
    """Let the version count again that counted before."""

    async def story(api: Api) -> Any:
        return await api.post(f"{_PATH}/{name}/rollback", {"client_id": client})

    _say(run(story), as_json)


def _say(answer: Any, as_json: bool) -> None:
    show_json(answer) if as_json else typer.echo(f"{answer['name']} {answer['version']} counts for {answer['in_use_for']} now.")


GROUPS = {"prompts": app}
