"""The commands of the prompts, against the real planner on a real database."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import Result
from tests.planner_engine.conftest import opened
from typer.testing import CliRunner

from planner_memory.adapters.postgres.database import Database
from planner_memory.cli import calls
from planner_memory.cli.prompts import GROUPS
from planner_memory.prompting.rendering import shipped
from planner_memory.web.logs import configure_logs

EDITED = "Plan well.\n\n<context>\n{context}\n</context>\n\nWanted: {intent}\n"
Command = Callable[..., "asyncio.Future[Result]"]


@pytest.fixture
def command(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command in a thread, since each has an event loop of its own."""

    @asynccontextmanager
    async def connected(*_: object, **__: object) -> AsyncIterator[httpx.AsyncClient]:
        configure_logs("error", "text")  # as where a product is started for the command
        database = Database(dsn)
        await database.open()
        async with opened(database) as desk:
            yield desk.client
        await database.close()

    monkeypatch.setattr(calls, "connected", connected)
    runner = CliRunner()
    return lambda *arguments, **more: asyncio.ensure_future(asyncio.to_thread(runner.invoke, GROUPS["prompts"], list(arguments), **more))


async def test_list_show_edit_diff_and_rollback(command: Command, tmp_path: Path) -> None:
    listed = json.loads((await command("list", "--json")).stdout)
    assert "sop_generator" in [p["name"] for p in listed["prompts"]]
    shown = await command("show", "sop_generator")
    assert shown.stdout == shipped("sop_generator")
    text = tmp_path / "new.md"
    text.write_text(EDITED)
    edited = await command("edit", "sop_generator", "--file", str(text), "--client", "acme", "--note", "shorter")
    assert edited.stdout == "sop_generator v2 is stored. It counts for acme now.\n"
    diff = await command("diff", "sop_generator", "v1", "v2")
    assert "+Plan well." in diff.stdout
    assert "are the same" in (await command("diff", "sop_generator", "v1", "v1")).stdout
    assert (await command("show", "sop_generator", "--client", "acme")).stdout == EDITED
    assert "acme: v2" in (await command("list")).stdout
    back = await command("rollback", "sop_generator", "--client", "acme")
    assert back.stdout == "sop_generator v1 counts for acme now.\n"
    used = await command("use", "sop_generator", "v2")
    assert used.exception is None, used.exception
    assert used.stdout == "sop_generator v2 counts for everyone now.\n"
    assert (await command("use", "sop_generator", "default")).stdout == "sop_generator v1 counts for everyone now.\n"


async def test_editing_in_an_editor(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "\\nBe kind.\\n" >> "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    made = json.loads((await command("edit", "sop_generator", "--no-use", "--json")).stdout)
    assert (made["version"], made["in_use_for"]) == ("v2", None)
    assert (await command("show", "sop_generator", "v2")).stdout == shipped("sop_generator") + "\nBe kind.\n"
    monkeypatch.setenv("VISUAL", "true")
    assert "Nothing was changed" in str((await command("edit", "sop_generator")).exception)
    monkeypatch.setenv("VISUAL", "false")
    assert "ended with 1" in str((await command("edit", "sop_generator")).exception)
    monkeypatch.setenv("VISUAL", "/nowhere/ed")
    assert "cannot be started" in str((await command("edit", "sop_generator")).exception)


async def test_what_cannot_be_read(command: Command, tmp_path: Path) -> None:
    missing = await command("edit", "sop_generator", "--file", str(tmp_path / "missing"))
    assert "cannot be read" in str(missing.exception)
    piped = await command("edit", "sop_generator", "--file", "-", input="Plan.")
    assert "needs {context}" in str(piped.exception)
    assert "no prompt nothing" in str((await command("show", "nothing")).exception)
