"""Commands on single memories: list, show, edit, pin, history."""

import json
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from planner_memory.cli.calls import Api, Client, Json, run, show, show_json
from planner_memory.cli.memory import MemoryType
from planner_memory.cli.render import local, shortened, zone_note
from planner_memory.core.errors import InvalidInput

MEMORIES = "/api/v1/memory/memories"
memories = typer.Typer(help="What is remembered: list, show, edit, pin, forget, import; `recall` searches it.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The memory's id; `memories list` and `recall --json` show it.")]
Kind = Annotated[MemoryType | None, typer.Option("--kind", help="Only this kind.")]
EventType = Annotated[str | None, typer.Option("--type", help="Only this event type.")]
Thread = Annotated[str | None, typer.Option(help="Only of this thread.")]
Since = Annotated[str | None, typer.Option(help="From this day or instant on.")]
Until = Annotated[str | None, typer.Option(help="Up to this day or instant.")]


@memories.command("list")
def list_memories(
    client: Client = None,
    kind: Kind = None,
    event_type: EventType = None,
    thread: Thread = None,
    since: Since = None,
    until: Until = None,
    as_of: Annotated[str | None, typer.Option(help="What was known at that time.")] = None,
    pinned: Annotated[bool, typer.Option("--pinned", help="Only pinned ones.")] = False,
    superseded: Annotated[bool, typer.Option("--superseded", help="Also those that a newer one replaced.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where to go on: next_cursor of the page before.")] = None,
    as_json: Json = False,
) -> None:
    """List memories, newest first."""

    async def story(api: Api) -> tuple[Any, ZoneInfo | None]:
        query = filters_of(client, kind, event_type, thread, since, until) | {"as_of": as_of, "limit": limit, "cursor": cursor}
        query |= {"pinned": True} if pinned else {}
        answer = await api.get(MEMORIES, **query, include_superseded=superseded)
        return answer, await api.zone() if answer["memories"] and not as_json else None

    answer, tz = run(story)
    if as_json:
        show_json(answer)
    elif tz is None:
        show(Text("Nothing is remembered that fits."))
    else:
        table = plain_table("when", "kind", "content", "id")
        for each in answer["memories"]:
            mark = "pinned · " if each["pinned"] else "superseded · " if each["superseded_at"] else ""
            content = Text(mark + shortened(each["content"], most_lines=3))
            table.add_row(local(each["occurred_at"], tz), each["memory_type"], content, each["memory_id"])
        more = Text(f"More: --cursor {answer['next_cursor']}", "dim") if answer["next_cursor"] else Text("")
        show(table, more, zone_note(tz))


@memories.command("show")
def show_memory(memory_id: Id, as_json: Json = False) -> None:
    """Show one memory with all it carries."""
    _shown(*run(lambda api: _with_zone(api, api.get(f"{MEMORIES}/{memory_id}"))), as_json)


@memories.command("edit")
def edit(
    memory_id: Id,
    content: Annotated[str | None, typer.Option("--content", help="What it says from now on.")] = None,
    at: Annotated[str | None, typer.Option(help="When it happened.")] = None,
    thread: Annotated[str | None, typer.Option(help="What it belongs together with.")] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Its event type.")] = None,
    entities: Annotated[list[str] | None, typer.Option("--entity", help="Who or what it is about; all of them, one option each.")] = None,
    metadata: Annotated[str | None, typer.Option(help="Its metadata, as a JSON object; replaces what was there.")] = None,
    as_json: Json = False,
) -> None:
    """Change a memory; what it was before stays in its history."""
    changes = {"content": content, "occurred_at": at, "thread_id": thread, "event_type": event_type, "entities": entities or None}
    sent: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    if metadata is not None:
        sent |= {"metadata": _object(metadata)}
    if not sent:
        raise InvalidInput("Nothing to change was said. Give --content, --at, --thread, --type, --entity or --metadata.", field="content")
    _shown(*run(lambda api: _with_zone(api, api.patch(f"{MEMORIES}/{memory_id}", sent))), as_json)


@memories.command("pin")
def pin(memory_id: Id, as_json: Json = False) -> None:
    """Pin a memory: it goes before others that match about as well, and no retention removes it."""
    _pinned(memory_id, True, as_json)


@memories.command("unpin")
def unpin(memory_id: Id, as_json: Json = False) -> None:
    """Take the pin off."""
    _pinned(memory_id, False, as_json)


@memories.command("history")
def history(memory_id: Id, as_json: Json = False) -> None:
    """Show what was changed in a memory, newest first."""
    answer, tz = run(lambda api: _with_zone(api, api.get(f"{MEMORIES}/{memory_id}/history")))
    if as_json:
        show_json(answer)
        return
    table = plain_table("when", "field", "before", "after", wide=("before", "after"))
    for change in answer["history"]:
        for name, values in change["changes"].items():
            table.add_row(local(change["changed_at"], tz), name, *(Text(as_text(values.get(side))) for side in ("before", "after")))
    show(table if answer["history"] else Text("It was never changed."), Text(f"Stored {local(answer['created_at'], tz)}.", "dim"), zone_note(tz))


def filters_of(
    client: str | None, kind: str | None, event_type: str | None, thread: str | None, since: str | None, until: str | None
) -> dict[str, str | None]:
    return {"client_id": client, "memory_type": kind, "event_type": event_type, "thread_id": thread, "since": since, "until": until}


async def _with_zone(api: Api, call: Any) -> tuple[Any, ZoneInfo]:
    return await call, await api.zone()


def _pinned(memory_id: str, is_pinned: bool, as_json: bool) -> None:
    answer = run(lambda api: api.patch(f"{MEMORIES}/{memory_id}", {"pinned": is_pinned}))
    show_json(answer) if as_json else show(Text(f"{'Pinned' if is_pinned else 'Not pinned any more'}: {answer['content']}"))


def _shown(answer: Any, tz: ZoneInfo, as_json: bool) -> None:
    if as_json:
        show_json(answer)
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    for name in ("memory_id", "client_id", "memory_type", "event_type", "event_source", "thread_id", "collection", "index_state"):
        if answer[name]:
            table.add_row(Text(name.removesuffix("_id").replace("_", " "), "dim"), Text(str(answer[name])))
    for name in ("occurred_at", "created_at", "superseded_at"):
        if answer[name]:
            table.add_row(Text(name.removesuffix("_at"), "dim"), local(answer[name], tz))
    for name in ("entities", "metadata", "payload"):
        if answer[name]:
            table.add_row(Text(name, "dim"), Text(as_text(answer[name])))
    show(Text(answer["content"], "bold"), Text("pinned" if answer["pinned"] else "", "dim"), table, zone_note(tz))


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"That is not JSON: {error}. Quote it for the shell.", field="metadata") from error
    if not isinstance(value, dict):
        raise InvalidInput('Metadata is a JSON object, as {"project": "alder"}.', field="metadata")
    return value


def as_text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def plain_table(*columns: str, wide: tuple[str, ...] = ("content",)) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        table.add_column(
            name, justify="right" if name in ("distance", "removed", "left", "runs") else "left", no_wrap=name not in wide, overflow="fold"
        )
    return table
