"""Commands on the search index: reindex, setup-collections."""

import asyncio
from typing import Annotated, Any, Literal

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from planner_memory.cli.calls import Api, Json, notice, show_json
from planner_memory.cli.connection import connected, loaded
from planner_memory.core.errors import NotStarted, Unavailable
from planner_memory.settings import Settings
from planner_memory.wiring.home import data_directory

Kind = Literal["local", "openrouter", "none"]
_POLL_SECONDS = 0.3


def reindex(
    embedder: Annotated[Kind | None, typer.Option(help="The embedder to change to. Default: the configured one.")] = None, as_json: Json = False
) -> None:
    """Build the search index anew. While the product runs, searches go on with the old one until the switch."""
    settings = Settings()
    running = data_directory(settings).running() is not None
    outcome = asyncio.run(_beside(settings, embedder) if running else build_index(settings, embedder))
    if as_json:
        show_json(outcome)
    else:
        typer.echo(f"{outcome['memories']} memories are indexed by {outcome['embedder']}.")
    if embedder is not None and embedder != settings.embedder:
        notice(f"Set PLANNER_EMBEDDER={embedder}, so that the next start uses the same embedder.")


async def _beside(settings: Settings, embedder: Kind | None) -> dict[str, Any]:
    async with connected(settings) as client:
        api = Api(client)
        await api.post("/api/v1/memory/reindex", {"embedder": embedder})
        with _bar() as bar:
            line = bar.add_task("indexing", total=None)
            while (progress := await api.get("/api/v1/memory/reindex"))["state"] == "running":
                bar.update(line, total=progress["total"] or None, completed=progress["done"])
                await asyncio.sleep(_POLL_SECONDS)
        if progress["state"] == "failed":
            raise Unavailable(f"The old index stays in use: {progress['detail']}")
        await _until_indexed(client)
        return {"memories": progress["total"], "embedder": progress["embedder"]}


async def build_index(settings: Settings, embedder: Kind | None = None) -> dict[str, Any]:
    """Builds the index anew where nothing runs, and waits until every memory is in it."""
    chosen = settings if embedder is None else settings.model_copy(update={"embedder": embedder})
    notice("Nothing is running here; starting it for this command …")
    loaded("web.logs").configure_logs("error", "text")
    async with loaded("cli.runtime").in_process(chosen, rebuild=True) as client:
        await _until_indexed(client)
        progress, health = await Api(client).get("/api/v1/memory/reindex"), (await client.get("/health")).json()
        return {"memories": progress["total"], "embedder": health["adapters"]["embedder"]}


async def _until_indexed(client: httpx.AsyncClient) -> None:
    """Waits until nothing is pending, as long as that goes on falling."""
    first: int | None = None
    least, silent = -1, 0.0
    with _bar() as bar:
        line = bar.add_task("indexing", total=None)
        while (pending := (await client.get("/health")).json().get("pending_index")) != 0:
            if pending is None or silent > 60:
                raise Unavailable("Indexing does not go on; `planner-memory doctor` says what does not answer. The rest follows when it does.")
            first = pending if first is None else max(first, pending)
            silent = silent + _POLL_SECONDS if pending == least else 0.0
            least = pending
            bar.update(line, total=first, completed=first - pending)
            await asyncio.sleep(_POLL_SECONDS)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
    )


def setup_collections(as_json: Json = False) -> None:
    """Make the four collections on the Qdrant server that QDRANT_URL names. Safe to repeat."""
    settings = Settings()
    if settings.qdrant_url is None:
        raise NotStarted("Set QDRANT_URL to the Qdrant server first. Without one the index is kept in the process and needs no collections.")
    done = asyncio.run(loaded("wiring.memory").set_up_collections(settings))
    if as_json:
        show_json(done)
    else:
        typer.echo("\n".join(f"{name}: {outcome}" for name, outcome in done.items()))


COMMANDS = (reindex, setup_collections)
