"""Commands on many memories: forget, import, retention; and the graph round them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from planner_memory.cli.calls import Api, Client, Json, Yes, may_ask, notice, run, show, show_json
from planner_memory.cli.memories import MEMORIES, EventType, Kind, Since, Thread, Until, filters_of, memories, plain_table
from planner_memory.cli.render import counted
from planner_memory.core.errors import InvalidInput

_PART_BYTES = 8_000_000
retention = typer.Typer(help="How long memories are kept.", no_args_is_help=True)
graph = typer.Typer(help="What belongs to what.", no_args_is_help=True)


@memories.command("forget")
def forget(
    memory_id: Annotated[str | None, typer.Argument(help="The memory's id; without one, everything that fits the filters.")] = None,
    client: Client = None,
    kind: Kind = None,
    event_type: EventType = None,
    thread: Thread = None,
    since: Since = None,
    until: Until = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Forget in every store, and show the receipt. By filter, the client must be named."""
    filters = filters_of(client, kind, event_type, thread, since, until)
    if memory_id is None and client is None:
        raise InvalidInput("Name a memory, or a client with --client; the other options narrow it down.", field="client")
    if memory_id is not None and any(value is not None for value in filters.values()):
        raise InvalidInput("Name either a memory or what is to be forgotten by filter.", field="memory_id")
    what = f"the memory {memory_id}" if memory_id else f"everything of client {client} that fits"
    if may_ask(as_json, yes):
        typer.confirm(f"Forget {what}, in every store?", abort=True)
    receipt = run(lambda api: api.delete(f"{MEMORIES}/{memory_id}") if memory_id else api.delete(MEMORIES, **filters))
    show_json(receipt) if as_json else show(_receipt(receipt))


@memories.command("import")
def import_memories(
    file: Annotated[Path, typer.Argument(help="What `planner-memory export` wrote.")],
    client: Annotated[
        str | None, typer.Option("--client", "-c", help="Give everything to this client. Default: to the one that each line names.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read an export back. What is there stays as it is, so that a second run changes nothing."""
    if not file.is_file():
        raise InvalidInput(f"There is no file {file}. Name one that `planner-memory export` wrote.", field="file")

    async def story(api: Api) -> dict[str, Any]:
        total: dict[str, Any] = {"lines": 0, "new": 0, "kinds": {}}
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal) as progress:
            bar = progress.add_task("Importing, bytes", total=file.stat().st_size)
            for part in _parts(file):
                answer = await api.post_lines("/api/v1/memory/import", part, client_id=client)
                total["lines"] += answer["lines"]
                total["new"] += answer["new"]
                for kind, counts in answer["kinds"].items():
                    known = total["kinds"].setdefault(kind, {"read": 0, "new": 0})
                    total["kinds"][kind] = {name: known[name] + counts[name] for name in known}
                progress.advance(bar, len(part))
        return total

    outcome = run(story)
    if as_json:
        show_json(outcome)
    else:
        kinds = ", ".join(f"{c['new']} of {c['read']} {kind}" for kind, c in sorted(outcome["kinds"].items()))
        show(Text(f"{counted(outcome['lines'], 'line')} read, {outcome['new']} new{f': {kinds}' if kinds else ''}."))


@retention.command("show")
def show_retention(client: Client = None, as_json: Json = False) -> None:
    """Show how long a client's memories are kept."""
    rules = run(lambda api: api.get("/api/v1/memory/retention", client_id=client))
    show_json(rules) if as_json else show(_rules(rules))


@retention.command("set")
def set_retention(
    keep: Annotated[list[str] | None, typer.Option("--keep", metavar="KIND=DAYS", help="As event=365; one option per kind.")] = None,
    keep_type: Annotated[
        list[str] | None, typer.Option("--keep-type", metavar="TYPE=DAYS", help="By event type; goes before a rule for its kind.")
    ] = None,
    include_pinned: Annotated[bool, typer.Option("--include-pinned", help="Pinned memories too. Without it they stay.")] = False,
    client: Client = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Replace the rules. Without --keep and --keep-type everything is kept."""
    body = {"memory_types": _days(keep, "keep"), "event_types": _days(keep_type, "keep-type"), "include_pinned": include_pinned}
    if client:
        body["client_id"] = client
    if may_ask(as_json, yes) and (keep or keep_type):
        typer.confirm("What is older is forgotten every night, in every store. Set these rules?", abort=True)
    rules = run(lambda api: api.put("/api/v1/memory/retention", body))
    show_json(rules) if as_json else show(_rules(rules))


@graph.command("neighbors")
def neighbors(
    entity_id: Annotated[str, typer.Argument(help="The node, as coda:workflow-7 or ws:workflow-7.")],
    client: Client = None,
    depth: Annotated[int, typer.Option(min=1, max=6, help="How many edges away at most.")] = 2,
    edge_type: Annotated[str | None, typer.Option("--edge", help="Only along edges of this type.")] = None,
    direction: Annotated[Literal["outgoing", "incoming", "both"], typer.Option(help="Which way edges are followed.")] = "both",
    as_json: Json = False,
) -> None:
    """Show what lies round a node."""
    query = {"entity_id": entity_id, "client_id": client, "depth": depth, "edge_type": edge_type, "direction": direction}
    answer = run(lambda api: api.get("/api/v1/memory/graph/neighbors", **query))
    if as_json:
        show_json(answer)
        return
    table = plain_table("distance", "node", "type", "edge", "runs", wide=("node",))
    for each in answer["neighbors"]:
        arrow = "→" if each["direction"] == "outgoing" else "←"
        runs = "" if each["execution_runs"] is None else str(each["execution_runs"])
        table.add_row(str(each["distance"]), Text(each["node_id"]), Text(each["node_type"]), Text(f"{arrow} {each['edge_type']}"), runs)
    entity = answer["entity"]
    cut = Text("There is more than is shown; ask for less depth or one edge type.", "dim") if answer["cut"] else Text("")
    show(Text(f"{entity['node_id']} ({entity['node_type']})", "bold"), table if answer["neighbors"] else Text("Nothing lies round it."), cut)


def _receipt(receipt: Any) -> RenderableType:
    table = plain_table("store", "state", "removed", "left", "note", wide=("note",))
    for name, store in receipt["stores"].items():
        left = "" if store.get("remaining") is None else str(store["remaining"])
        table.add_row(name, store["state"], str(store["removed"]), left, Text(store.get("detail") or ""))
    tail = "" if receipt["state"] == "complete" else " What is pending is tried again until it holds."
    return Group(Text(f"Forgot {receipt['removed']} {'memory' if receipt['removed'] == 1 else 'memories'}.{tail}", "bold"), table)


def _rules(rules: Any) -> RenderableType:
    days = {**rules["memory_types"], **rules["event_types"]}
    lines = [f"{name}: {counted(number, 'day')}" for name, number in days.items()] or ["Everything is kept."]
    pinned = "Pinned memories go with the others." if rules["include_pinned"] else "Pinned memories stay."
    return Group(*(Text(line) for line in lines), Text(f"{pinned} The next sweep would forget {rules['due']}.", "dim"))


def _days(given: list[str] | None, field: str) -> dict[str, int]:
    days = {}
    for each in given or ():
        name, _, number = each.partition("=")
        if not name or not number.isdecimal():
            raise InvalidInput(f"{each!r} is not NAME=DAYS. Write it as event=365.", field=field)
        days[name] = int(number)
    return days


def _parts(file: Path) -> Iterator[bytes]:
    """The lines of a file in pieces that one request may carry."""
    part: list[bytes] = []
    size = 0
    with file.open("rb") as lines:
        for line in lines:
            if size + len(line) > _PART_BYTES and part:
                yield b"".join(part)
                part, size = [], 0
            part.append(line)
            size += len(line)
    if part:
        yield b"".join(part)
    elif size == 0:
        notice("The file is empty.")


GROUPS = {"memories": memories, "retention": retention, "graph": graph}
