"""Commands of the memory: remember, recall, export."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer

from planner_memory.cli.calls import Api, Client, Json, notice, run, show, show_json, warn
from planner_memory.cli.render import recalled, remembered
from planner_memory.core.errors import InvalidInput

MemoryType = Literal["fact", "preference", "episode", "event"]


def remember(
    content: Annotated[str, typer.Argument(help="What to remember; - reads it from standard input.")],
    client: Client = None,
    kind: Annotated[MemoryType | None, typer.Option("--kind", help="What it is. Default: event.")] = None,
    thread: Annotated[str | None, typer.Option(help="What belongs together; an exact repeat within a thread is kept once.")] = None,
    at: Annotated[str | None, typer.Option(help="When it happened (2027-03-15T09:00+01:00). Default: now.")] = None,
    as_json: Json = False,
) -> None:
    """Remember something."""
    text = sys.stdin.read().strip() if content == "-" else content
    body = {
        "content": text,
        "client_id": client,
        "memory_type": kind,
        "thread_id": thread,
        "occurred_at": at,
        "event_source": "person",
    }
    answer = run(lambda api: api.post("/api/v1/memory/remember", body))
    warn(answer)
    show_json(answer) if as_json else show(remembered(answer))


def recall(
    query: Annotated[str, typer.Argument(help="What to look for, in your own words.")],
    client: Client = None,
    kind: Annotated[MemoryType | None, typer.Option("--kind", help="Only this kind.")] = None,
    count: Annotated[int, typer.Option("--count", "-k", min=1, max=100, help="How many at most.")] = 10,
    since: Annotated[str | None, typer.Option(help="From this day or instant on.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to this day or instant.")] = None,
    as_of: Annotated[str | None, typer.Option(help="What was known at that time.")] = None,
    as_json: Json = False,
) -> None:
    """Find what was remembered."""

    async def story(api: Api) -> tuple[Any, ZoneInfo]:
        query_ = {"query": query, "client_id": client, "k": count, "memory_type": kind, "since": since, "until": until, "as_of": as_of}
        return await api.get("/api/v1/memory/recall", **query_), await api.zone()

    answer, tz = run(story)
    show_json(answer) if as_json else show(recalled(answer, tz))


def export(
    client: Client = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file to write. Default: standard output.")] = None,
    as_json: Json = False,
) -> None:
    """Write everything remembered of a client, one JSON object a line. With --json: one list, or with a file a summary."""

    async def story(api: Api) -> list[str]:
        return [line async for line in api.lines("/api/v1/memory/export", client_id=client)]

    if output is not None and not output.absolute().parent.is_dir():
        raise InvalidInput(f"There is no folder {output.parent} to write into. Make it first, or name another.", field="output")
    lines = run(story)
    if output is not None:
        output.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        show_json({"file": str(output), "records": len(lines)}) if as_json else notice(f"{len(lines)} records in {output}")
    elif as_json:
        show_json([json.loads(line) for line in lines])
    else:
        typer.echo("\n".join(lines), nl=bool(lines))


COMMANDS = (remember, recall, export)
