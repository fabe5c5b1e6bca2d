"""Commands that run the product: up, serve, migrate, doctor, backup, restore, openapi."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import typer
from rich.console import Console
from rich.table import Table

from planner_memory.cli.calls import Json, notice, show_json
from planner_memory.cli.connection import connected, loaded
from planner_memory.cli.index import build_index
from planner_memory.core.errors import InvalidInput, PlannerMemoryError, Unavailable
from planner_memory.settings import Settings
from planner_memory.wiring.home import data_directory

Service = Literal["memory-gateway", "planner-engine", "scheduler-engine", "observer-agent", "all"]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")]
console = Console(highlight=False)
_ANSWERS = {"database": "postgres", "vectors": "qdrant", "model": "llm", "second memory": "mem0"}  # the part that says whether a need is met
_COLOURS = {"up": "green", "off": "dim", "down": "red", "unauthorized": "red", "healthy": "green", "degraded": "yellow", "unhealthy": "red"}


def _with_port(settings: Settings, port: int | None) -> Settings:
    return settings if port is None else settings.model_copy(update={"port": port})


def up(port: Port = None, as_json: Json = False) -> None:
    """Run the whole product on this machine, until Ctrl-C."""
    settings = _with_port(Settings(), port)
    loaded("web.logs").configure_logs(settings.log_level, settings.log_format)
    asyncio.run(_up(settings, as_json=as_json))


async def _up(settings: Settings, *, as_json: bool) -> None:
    runtime = loaded("cli.runtime")
    async with runtime.all_in_one(settings, renew=True) as running:

        def ready(url: str) -> None:
            data, adapters = running.platform.data.path, running.platform.adapters
            if as_json:
                show_json({"url": url, "data_dir": str(data), "adapters": adapters, "notices": running.platform.notices})
                return
            table = Table(show_header=False, box=None, pad_edge=False)
            table.add_row("planner-memory", url)
            table.add_row("data", str(data))
            table.add_row("API key", str(data / "api-key"))
            for need, adapter in adapters.items():
                table.add_row(need.replace("_", " "), adapter)
            console.print(table)
            if "calendar_url" in adapters:
                console.print("`planner-memory calendar address` prints what a calendar app needs to subscribe.")
            for each in running.platform.notices:
                console.print(each, markup=False)
            console.print("Ctrl-C stops it.")

        await runtime.serve_app(running, port=settings.port, on_ready=ready, register=True)


def serve(service: Annotated[Service, typer.Argument(help="The service to run, or all.")], port: Port = None) -> None:
    """Run one service, on the PostgreSQL that DATABASE_URL names."""
    settings = Settings()
    loaded("web.logs").configure_logs(settings.log_level, settings.log_format)
    if service == "all":
        asyncio.run(_up(_with_port(settings, port), as_json=False))
        return
    asyncio.run(_serve(service, settings, port))


async def _serve(service: str, settings: Settings, port: int | None) -> None:
    runtime = loaded("cli.runtime")
    port = runtime.PORTS[service] if port is None else port
    async with runtime.single(service, settings) as running:

        def ready(url: str) -> None:
            for line in (f"{service} {url}", *running.platform.notices):
                notice(line)

        await runtime.serve_app(running, port=port, on_ready=ready, register=False)


def migrate(as_json: Json = False) -> None:
    """Bring the database up to date."""
    applied = asyncio.run(loaded("wiring.platform").migrate_database(Settings()))
    if as_json:
        show_json({"applied": applied})
    else:
        console.print("\n".join(f"applied {name}" for name in applied) or "The database is up to date.")


def doctor(as_json: Json = False) -> None:
    """Say which adapter serves each need, and whether it answers."""
    settings = Settings()
    health, data = asyncio.run(_doctor(settings))
    missing: list[str] = asyncio.run(loaded("wiring.workspace").missing_in_workspace(settings))
    if as_json:
        show_json({**health, "data_dir": data, "workspace_missing": missing})
    else:
        table = Table("need", "adapter", "state", box=None, pad_edge=False)
        states = {**health["dependencies"], **{name: service["status"] for name, service in health["services"].items()}}
        for need, adapter in health["adapters"].items():
            table.add_row(need.replace("_", " "), adapter, _coloured(states.pop(_ANSWERS.get(need, need.replace(" ", "_")), "")))
        for name, state in states.items():
            table.add_row(name.replace("_", " "), "", _coloured(state))
        console.print(table)
        for line in (*_about_models(health["services"]), *_about_calendar(health["services"])):
            console.print(line, soft_wrap=True)
        for line in missing:
            console.print(f"workspace: {line}", soft_wrap=True, markup=False)
        console.print(f"data directory: {data}")
    if health["status"] == "unhealthy":
        raise Unavailable("Something the product cannot do without does not answer; see the table above.")


def _coloured(state: str) -> str:
    return f"[{_COLOURS.get(state, 'white')}]{state}[/]" if state else ""


def _about_models(services: dict[str, Any]) -> list[str]:
    """What is wrong with a language model, else what its key may still spend; services that share one say the same."""
    lines = []
    for service in services.values():
        model = service.get("model", {})
        if "problem" in model:
            lines.append(f"{model['name']}: {model['problem']}")
        elif "key_has_left_usd" in model:
            lines.append(f"{model['name']}: its key may still spend {model['key_has_left_usd']:.2f} US dollars")
    return list(dict.fromkeys(lines))


def _about_calendar(services: dict[str, Any]) -> list[str]:
    """What a person has to do about the calendar's account."""
    account = services.get("scheduler-engine", {}).get("calendar_account")
    if account is None:
        return []
    name = f"{account['provider']} calendar"
    if account["state"] != "connected":
        return [f"{name}: {account['state']}; run `planner-memory calendar connect {account['provider']}`"]
    lines = [f"{name}: connected" + (f" until {account['ends_at'][:10]}, as the application is in testing" if account["ends_at"] else "")]
    return lines + [f"{name}: without the permission to {each}" for each in account["missing"]]


async def _doctor(settings: Settings) -> tuple[dict[str, Any], str]:
    async with connected(settings, on_start=lambda: notice("Nothing is running here; starting it for this check …")) as client:
        try:
            answer = await client.get("/health")
        except httpx.TransportError as error:
            raise Unavailable("The running product does not answer. Restart it with `planner-memory up`.") from error
        return answer.json(), str(data_directory(settings).path)


def backup(target: Annotated[Path, typer.Argument(help="The archive to write, ending in .tar.gz.")], as_json: Json = False) -> None:
    """Write everything embedded into one archive."""
    asyncio.run(loaded("wiring.platform").back_up(Settings(), target))
    size = target.stat().st_size
    if as_json:
        show_json({"file": str(target), "bytes": size})
    else:
        console.print(f"{target}: {size / 1e6:.1f} MB")


def restore(
    source: Annotated[Path, typer.Argument(help="An archive written by backup.")],
    force: Annotated[bool, typer.Option("--force", help="Move a data directory that is in the way aside.")] = False,
    as_json: Json = False,
) -> None:
    """Make the data directory anew from an archive."""
    if not source.is_file():
        raise InvalidInput(f"There is no file {source}.", field="source")
    settings = Settings()
    asyncio.run(loaded("wiring.platform").restore_backup(settings, source, force=force))
    data = str(data_directory(settings).path)
    is_indexed = True
    try:
        asyncio.run(build_index(settings))
    except PlannerMemoryError as error:
        is_indexed = False
        notice(f"The data is there, but not yet the search index, which is no part of a backup; it follows when the product runs. {error.detail}")
    if as_json:
        show_json({"restored": str(source), "data_dir": data, "indexed": is_indexed})
    else:
        console.print(f"Restored into {data}." + (" The search index, which no backup holds, is built anew." if is_indexed else ""))


def openapi(service: Annotated[Service, typer.Argument(help="The service, or all.")] = "all") -> None:
    """Print the OpenAPI document of a service."""
    typer.echo(json.dumps(loaded("asgi.described").openapi_of(service), indent=1))


COMMANDS = (up, serve, migrate, doctor, backup, restore, openapi)
