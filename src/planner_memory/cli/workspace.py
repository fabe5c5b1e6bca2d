"""Commands of the workspace: import, list, show, sync, pending."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from planner_memory.cli.calls import Api, Client, Json, run, show, show_json, warn
from planner_memory.cli.render import counted
from planner_memory.core.errors import InvalidInput

_PATH = "/api/v1/planner/workspace"
_FORMATS = {".yaml": "yaml", ".yml": "yaml", ".csv": "csv"}
_SHOWN = ("client_id", "status", "estimated_hours", "updated_at")
workspace = typer.Typer(help="Your offers, workflows, projects and tasks: import, list, show them.", no_args_is_help=True)
Kind = Annotated[str, typer.Argument(help="offers, service-blueprints, workflows, process-templates, engagements, projects, tasks, sprints …")]


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("id", "state"))
    return table


@workspace.command("import")
def read_in(
    file: Annotated[Path, typer.Argument(help="A .yaml file with one list per kind, or a .csv file of one kind.")],
    kind: Annotated[str | None, typer.Option("--kind", "-k", help="What the rows of a CSV file are. Default: the file's name.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what would happen.")] = False,
    as_json: Json = False,
) -> None:
    """Read a file into the workspace: all of it, or nothing when something in it cannot be."""
    if file.suffix.lower() not in _FORMATS:
        raise InvalidInput(f"{file.name} is neither .yaml nor .csv.", field="file")
    if not file.is_file():
        raise InvalidInput(f"There is no file {file}.", field="file")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file.name} is no UTF-8 text.", field="file") from error
    written_as = _FORMATS[file.suffix.lower()]
    named = (kind or file.stem) if written_as == "csv" else None
    body = {"text": text, "format": written_as, "kind": named, "dry_run": check}
    answer = run(lambda api: api.post(f"{_PATH}/import", body))
    warn(answer)
    show_json(answer) if as_json else show(_imported(answer))


def _imported(answer: dict[str, Any]) -> RenderableType:
    kinds = ", ".join(f"{count} {kind.replace('_', ' ')}{'s' if count != 1 else ''}" for kind, count in answer["kinds"].items())
    said = "Nothing was stored." if answer["dry_run"] else f"{answer['changed']} were new or different."
    return Text(f"{answer['total']} rows: {kinds}. {said}")


@workspace.command("list")
def list_rows(
    kind: Kind,
    client: Client = None,
    of: Annotated[str | None, typer.Option("--of", help="Only rows that name this id: the tasks of a project.")] = None,
    status: Annotated[str | None, typer.Option(help="Only of this status.")] = None,
    as_json: Json = False,
) -> None:
    """List the rows of one kind."""
    answer = run(lambda api: api.get(f"{_PATH}/{quote(kind, safe='')}", client_id=client, related_to=of, status=status, limit=1000))
    show_json(answer) if as_json else show(_listed(answer))


def _listed(answer: dict[str, Any]) -> RenderableType:
    if not answer["records"]:
        return Text(f"There is no {answer['kind'].replace('_', ' ')} in the workspace yet. planner-memory workspace import FILE reads some in.")
    columns = [c for c in _SHOWN[:3] if any(r.get(c) not in (None, "") for r in answer["records"])]
    table = _table("id", "name", *(c.removesuffix("_id").replace("_", " ") for c in columns))
    for record in answer["records"]:
        table.add_row(Text(record["id"]), Text(record["name"]), *(Text("" if record.get(c) is None else f"{record[c]}") for c in columns))
    return table


@workspace.command("show")
def show_row(
    kind: Kind, record_id: Annotated[str, typer.Argument(help="Its id, as list shows it.")], client: Client = None, as_json: Json = False
) -> None:
    """Show one row and the rows that name it."""
    answer = run(lambda api: api.get(f"{_PATH}/{quote(kind, safe='')}/{quote(record_id, safe='')}", client_id=client))
    show_json(answer) if as_json else show(_shown(answer))


def _shown(answer: dict[str, Any]) -> RenderableType:
    parts: list[RenderableType] = [Text(f"{answer['kind'].replace('_', ' ')} {answer['id']}", "bold")]
    table = _table("", "")
    table.show_header = False
    for name, value in answer.items():
        if name not in ("kind", "id", "named_by", "steps", "checklist") and value not in (None, ""):
            table.add_row(Text(name.replace("_", " "), "dim"), Text(str(value)))
    parts.append(table)
    for step in answer.get("steps") or answer.get("checklist") or ():
        hours = f" ({step['estimated_hours']:g} h)" if step["estimated_hours"] else ""
        after = f"  after {', '.join(map(str, step['dependencies']))}" if step["dependencies"] else ""
        parts.append(Text(f"{step['number']}. {step['title']}{hours}{after}"))
    for kind, rows in answer["named_by"].items():
        parts.append(Text(f"{kind.replace('_', ' ')}s: " + ", ".join(f"{r['name']} ({r['id']})" for r in rows), "dim"))
    return Group(*parts)


@workspace.command("sync")
def sync(
    whole: Annotated[bool, typer.Option("--whole", help="Begin anew instead of where the last sync ended.")] = False, as_json: Json = False
) -> None:
    """Mirror the workspace's rows and your runs in the memory's graph."""
    answer = run(lambda api: api.post(f"{_PATH}/sync", query={"whole": whole or None}))
    if as_json:
        show_json(answer)
        return
    kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in answer["records"].items() if count) or "no rows"
    show(Text(f"Mirrored {kinds} and {counted(answer['runs'], 'run')}."), *(Text(f"Left out: {problem}") for problem in answer["problems"]))


@workspace.command("pending")
def pending(again: Annotated[bool, typer.Option("--retry", help="Try them now.")] = False, client: Client = None, as_json: Json = False) -> None:
    """Show what waits to be written to the workspace, and what it refused."""

    async def story(api: Api) -> Any:
        if again:
            await api.post(f"{_PATH}/writes/retry", query={"client_id": client})
        overview = await api.get(_PATH)
        waiting = [w for s in ("pending", "refused") for w in (await api.get(f"{_PATH}/writes", state=s, client_id=client))["writes"]]
        return {**overview, "writes": waiting}

    answer = run(story)
    show_json(answer) if as_json else show(_pending(answer))


def _pending(answer: dict[str, Any]) -> RenderableType:
    head = Text(f"Workspace {answer['adapter']} is {answer['state']}; {answer['pending']} writes wait, {answer['refused']} were refused.")
    if not answer["writes"]:
        return head
    table = _table("state", "what", "for", "tries", "why")
    for write in answer["writes"]:
        about = write["task_id"] or write["plan_id"] or ""
        table.add_row(write["state"], write["kind"].replace("_", " "), Text(about), str(write["attempts"]), Text(write["error"] or ""))
    return Group(head, table)


GROUPS = {"workspace": workspace}
