"""Commands that look back and ahead: reflect, brief, facts, insights, check-reflection."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from planner_memory.cli.calls import Api, Client, Json, notice, run, show, show_json, warn
from planner_memory.cli.connection import loaded
from planner_memory.cli.render import facts as facts_view
from planner_memory.cli.render import reflection
from planner_memory.cli.simulate import simulate
from planner_memory.core.errors import InvalidInput

Mode = Literal["daily", "weekly"]


def reflect(
    mode: Annotated[Mode, typer.Argument(help="The day, or the week.")] = "daily",
    date: Annotated[str | None, typer.Option(help="A day, or any day of the week, like 2027-03-15. Default: since the last one.")] = None,
    client: Client = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it only; post and store nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Compare what was planned with what happened, post it and remember it."""
    query = {"mode": mode, "date": date, "client_id": client, "dry_run": dry_run or None}
    answer = run(lambda api: api.post("/api/v1/observer/reflect", query=query))
    warn(answer)
    show_json(answer) if as_json else show(reflection(answer))


def brief(as_json: Json = False) -> None:
    """The morning: what is on, what slipped, what is at risk."""
    answer = run(lambda api: api.get("/api/v1/observer/brief"))
    warn(answer)
    show_json(answer) if as_json else show(reflection(answer))


def facts(
    start: Annotated[str | None, typer.Option(help="First day or instant. Default: six days ago.")] = None,
    end: Annotated[str | None, typer.Option(help="Last day, or instant. Default: today.")] = None,
    client: Client = None,
    as_json: Json = False,
) -> None:
    """The numbers of a period."""

    async def story(api: Api) -> tuple[Any, ZoneInfo]:
        tz = await api.zone()
        today = datetime.now(tz).date()
        period = {"start": start or (today - timedelta(days=6)).isoformat(), "end": end or today.isoformat()}
        return await api.get("/api/v1/observer/facts", **period, client_id=client), tz

    answer, tz = run(story)
    warn(answer)
    show_json(answer) if as_json else show(facts_view(answer, tz))


def insights(
    revoke: Annotated[str | None, typer.Option(help="Take this one back: its id, or a part of it. It is not written again.")] = None,
    client: Client = None,
    as_json: Json = False,
) -> None:
    """What the reflections have learnt about how you work, which planning then uses."""

    async def story(api: Api) -> Any:
        found = await api.get("/api/v1/observer/insights", client_id=client)
        if revoke is None:
            return found
        meant = [each["insight_id"] for each in found["insights"] if revoke in each["insight_id"]]
        if len(meant) != 1:
            raise InvalidInput(f"{len(meant) or 'No'} insights have {revoke!r} in their id. See `planner-memory insights`.", field="revoke")
        return await api.delete(f"/api/v1/observer/insights/{meant[0]}")

    answer = run(story)
    if as_json:
        show_json(answer)
    elif revoke is not None:
        show(Text(f"Taken back: {answer['content']}"))
    elif not answer["insights"]:
        show(Text("Nothing yet: an insight needs several weeks of runs that say the same."))
    else:
        table = Table("id", "insight", "runs", box=None, pad_edge=False)
        for each in answer["insights"]:
            table.add_row(each["insight_id"][:8] + "…" + each["insight_id"][-4:], each["content"], str(each["evidence_runs"]))
        show(table)


def check_reflection(
    facts_file: Annotated[Path, typer.Option("--facts", help="The facts, a JSON file: an answer of `reflect` or `facts`, or any other document.")],
    prose_file: Annotated[Path, typer.Option("--prose", help="The prose, as text or Markdown.")],
    as_json: Json = False,
) -> None:
    """Hold every number of a text to the facts. Ends with status 1 when one of them is none. Needs no server."""
    document, prose = _read_facts(facts_file), _read(prose_file, "prose")
    verdicts = loaded("observer_agent.checker").check(prose, document)
    wrong = [verdict for verdict in verdicts if not verdict.is_supported]
    if as_json:
        show_json({"numbers": [_said(verdict, prose) for verdict in verdicts], "total": len(verdicts), "unsupported": len(wrong)})
    else:
        table = Table("line", "number", "verdict", "fact", box=None, pad_edge=False)
        for verdict in verdicts:
            style = None if verdict.is_supported else "bold red"
            table.add_row(
                str(_line(verdict, prose)), Text(verdict.mention.text), Text(verdict.outcome, style or ""), Text(verdict.reason or verdict.fact or "")
            )
        if verdicts:
            show(table)
        notice(f"{len(verdicts)} numbers, {len(wrong) or 'none'} of them without a fact.")
    if wrong:
        raise typer.Exit(1)


def _line(verdict: Any, prose: str) -> int:
    return prose.count("\n", 0, verdict.mention.start) + 1


def _said(verdict: Any, prose: str) -> dict[str, Any]:
    mention = verdict.mention
    return {
        "text": mention.text,
        "kind": mention.kind,
        "line": _line(verdict, prose),
        "start": mention.start,
        "end": mention.end,
        "verdict": verdict.outcome,
        "supported": verdict.is_supported,
        "fact": verdict.fact,
        "reason": verdict.reason or None,
    }


def _read(file: Path, field: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read as text: {error}. Give the path of a UTF-8 file.", field=field) from error


def _read_facts(file: Path) -> Any:
    try:
        document = json.loads(_read(file, "facts"))
    except ValueError as error:
        raise InvalidInput(f"{file} is not JSON: {error}. Save the answer of `planner-memory facts --json` there.", field="facts") from error
    return document["facts"] if isinstance(document, dict) and isinstance(document.get("facts"), dict) else document


COMMANDS = (reflect, brief, facts, insights, check_reflection, simulate)
