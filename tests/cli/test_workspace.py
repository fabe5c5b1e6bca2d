"""The commands of the workspace, against the real planner on a real database."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from tests.planner_engine.conftest import opened
from typer.testing import CliRunner

from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.workspace import PostgresWorkspace
from planner_memory.cli import calls
from planner_memory.cli.app import app
from planner_memory.cli.problems import Refused
from planner_memory.core.errors import InvalidInput
from planner_memory.web.logs import configure_logs


@pytest.fixture
def command(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a command in a thread, since each has an event loop of its own."""

    @asynccontextmanager
    async def connected(*_: object, **__: object) -> AsyncIterator[httpx.AsyncClient]:
        configure_logs("error", "text")  # as where a product is started for the command
        database = Database(dsn)
        await database.open()
        try:
            async with opened(database, workspace=PostgresWorkspace(database)) as desk:
                yield desk.client
        finally:
            await database.close()

    monkeypatch.setattr(calls, "connected", connected)
    monkeypatch.setenv("COLUMNS", "200")

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, ["workspace", *arguments])

    return run


async def test_import_list_show_sync_and_pending(command: Callable[..., Any]) -> None:
    read_in = await command("import", "examples/workspace.yaml")
    assert read_in.exit_code == 0, read_in.output
    assert "2 offers" in read_in.stdout
    again = json.loads((await command("import", "examples/workspace.yaml", "--json")).stdout)
    assert again["changed"] == 0
    listed = (await command("list", "tasks", "--of", "project-kiruna")).stdout
    assert "ws:task-survey" in listed
    assert "blocked" in listed
    shown = (await command("show", "workflow", "workflow-onboarding")).stdout
    assert "4. Hold the kick-off call (1.5 h)  after 2, 3" in shown
    assert "Mirrored" in (await command("sync", "--whole")).stdout
    assert "Workspace postgresql is up; 0 writes wait" in (await command("pending", "--retry")).stdout
    assert "There is no result" not in (await command("list", "results")).stdout


async def test_a_csv_is_of_the_kind_that_its_name_says(command: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "offers.csv"
    file.write_text("id,name,price\no-1,Audit,900 EUR\n", encoding="utf-8-sig")
    assert "Nothing was stored" in (await command("import", str(file), "--check")).stdout
    assert json.loads((await command("import", str(file), "--json")).stdout)["kinds"] == {"offer": 1}
    assert "Audit" in (await command("list", "offers")).stdout


async def test_problems_name_the_line(command: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("workflows:\n- id: a\n  name: A\n  estimated_hours: a day\n")
    refused = (await command("import", str(file))).exception
    assert isinstance(refused, Refused)
    assert "line 4, estimated_hours" in str(refused)
    for wrong in (tmp_path / "nothing.yaml", tmp_path, tmp_path / "x.txt"):
        assert isinstance((await command("import", str(wrong))).exception, InvalidInput)
