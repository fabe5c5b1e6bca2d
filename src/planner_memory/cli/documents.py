"""Commands of the documents: docs add, search, list, remove."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import typer
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from planner_memory.cli.calls import Api, Client, Json, notice, run, show, show_json
from planner_memory.cli.problems import BAD_INPUT, Refused, exit_code, refused
from planner_memory.cli.render import local, zone_note
from planner_memory.core.errors import InvalidInput

_ENDINGS = (".md", ".markdown", ".txt", ".text", ".html", ".htm", ".pdf", ".docx")
_MOST_BYTES = 10_000_000
_DOCS = "/api/v1/memory/docs"
docs = typer.Typer(help="Documents: add files to the memory, search them, list and remove them.", no_args_is_help=True)


@docs.command("add")
def add(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders to look through: Markdown, text, HTML, PDF, DOCX.")],
    client: Client = None,
    as_json: Json = False,
) -> None:
    """Add files to the memory. A file that was added before is replaced; the same content again changes nothing."""
    missing = [str(p) for p in paths if not p.exists()]
    if missing:
        raise InvalidInput(f"There is no {missing[0]}. Name files or folders that are there.", field="paths")
    files = list(dict.fromkeys(_files(paths)))
    if not files:
        raise InvalidInput(f"No documents were found. Files that end in {', '.join(_ENDINGS)} are taken.", field="paths")

    async def story(api: Api) -> list[dict[str, Any]]:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        outcomes = []
        with Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal) as progress:
            bar = progress.add_task("Reading", total=len(files))
            for file in files:
                progress.update(bar, description=file.name[:40])
                outcomes.append(await _added(api, file, client))
                progress.advance(bar)
        return outcomes

    outcomes = run(story)
    failed = [o for o in outcomes if o["outcome"] == "refused"]
    if as_json:
        show_json({"files": outcomes, "refused": len(failed)})
    else:
        show(_outcomes(outcomes))
        for outcome in outcomes:
            for warning in outcome.get("warnings", ()):
                notice(f"Note: {outcome['file']}: {warning}")
    if failed:
        raise typer.Exit(BAD_INPUT)


def _files(paths: list[Path]) -> Iterator[Path]:
    """Files that were named, and those of a folder that can be read, in order; what is hidden is left out."""
    for path in paths:
        if not path.is_dir():
            yield path.resolve()
            continue
        for found in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
            if not hidden and found.suffix.lower() in _ENDINGS and found.is_file():
                yield found.resolve()


def _content(file: Path) -> bytes:
    if file.stat().st_size > _MOST_BYTES:
        raise InvalidInput(f"It is over {_MOST_BYTES // 1_000_000} MB. Split it, or leave its images out.")
    return file.read_bytes()


async def _added(api: Api, file: Path, client: str | None) -> dict[str, Any]:
    """The outcome for one file; a problem that would meet every file is raised."""
    try:
        content = _content(file)
        source = str(file).encode(errors="replace").decode()  # a file name may hold bytes that are no text
        fields = {"source": source, **({"client_id": client} if client else {})}
        answer = await api.client.post(_DOCS, files={"file": (Path(source).name, content)}, data=fields, timeout=180)
        if answer.is_error:
            raise refused(answer)
    except (Refused, InvalidInput, OSError) as error:
        if not isinstance(error, OSError) and exit_code(error) != BAD_INPUT:
            raise
        reason = f"{error.strerror}." if isinstance(error, OSError) else error.detail
        return {"file": str(file), "outcome": "refused", "reason": reason}
    added = answer.json()
    outcome = "unchanged" if added["unchanged"] else "added" if added["version"] == 1 else "replaced"
    return {"file": str(file), "outcome": outcome, **added}


def _outcomes(outcomes: list[dict[str, Any]]) -> RenderableType:
    table = _table("file", "outcome", "passages", "id")
    for each in outcomes:
        if each["outcome"] == "refused":
            table.add_row(Text(Path(each["file"]).name), Text(f"refused: {each['reason']}", "red"), "", "")
        else:
            version = f" (version {each['version']})" if each["version"] > 1 else ""
            table.add_row(Text(Path(each["file"]).name), f"{each['outcome']}{version}", str(each["chunks"]), each["doc_id"])
    counts = {name: sum(o["outcome"] == name for o in outcomes) for name in ("added", "replaced", "unchanged", "refused")}
    return Group(table, Text(", ".join(f"{n} {name}" for name, n in counts.items() if n) + ".", "dim"))


@docs.command("search")
def search(
    query: Annotated[str, typer.Argument(help="What to look for, in your own words.")],
    client: Client = None,
    count: Annotated[int, typer.Option("--count", "-k", min=1, max=100, help="How many passages at most.")] = 5,
    as_json: Json = False,
) -> None:
    """Find passages in the documents."""
    answer = run(lambda api: api.get("/api/v1/memory/search/docs", query=query, client_id=client, k=count))
    show_json(answer) if as_json else show(_passages(answer))


def _passages(answer: dict[str, Any]) -> RenderableType:
    if not answer["results"]:
        return Text("No document says anything like that. Add some: planner-memory docs add FOLDER")
    parts: list[RenderableType] = []
    for found in answer["results"]:
        place = [found["title"], *([found["heading"]] if found["heading"] else []), *([f"page {found['page']}"] if found["page"] else [])]
        parts += [Text(f"{found['similarity_score']:.2f}  {' · '.join(place)}", "bold"), Text(found["content"]), Text("")]
    notes = [f"{answer['total']} found.", *(f"Without {reason}." for reason in answer["degraded"])]
    return Group(*parts, Text(" ".join(notes), "dim"))


@docs.command("list")
def list_docs(
    client: Client = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 100,
    as_json: Json = False,
) -> None:
    """List the documents, the one changed last first."""

    async def story(api: Api) -> tuple[Any, ZoneInfo | None]:
        answer = await api.get(_DOCS, client_id=client, limit=limit)
        return answer, await api.zone() if answer["documents"] and not as_json else None

    answer, tz = run(story)
    if as_json:
        show_json(answer)
    elif tz is None:
        show(Text("No documents yet. Add some: planner-memory docs add FOLDER"))
    else:
        table = _table("title", "version", "passages", "changed", "client", "id")
        for each in answer["documents"]:
            changed = local(each["updated_at"], tz)
            table.add_row(Text(each["title"]), str(each["version"]), str(each["chunks"]), changed, Text(each["client_id"]), Text(each["doc_id"]))
        more = answer["total"] - len(answer["documents"])
        show(table, Text(f"{more} more; --limit shows them.", "dim") if more else Text(""), zone_note(tz))


@docs.command("remove")
def remove(
    doc_id: Annotated[str, typer.Argument(help="The document's id; `docs list` shows it.")],
    client: Client = None,
    as_json: Json = False,
) -> None:
    """Remove a document from every store."""

    async def story(api: Api) -> Any:
        query = {"client_id": client} if client else {}
        answer = await api.client.delete(f"{_DOCS}/{quote(doc_id, safe='/')}", params=query, timeout=60)
        if answer.is_error:
            raise refused(answer)
        return answer.json()

    receipt = run(story)
    if as_json:
        show_json(receipt)
        return
    waiting = [name for name, store in receipt["stores"].items() if store["state"] == "pending"]
    tail = f" {', '.join(waiting)} will follow." if waiting else ""
    show(Text(f"Removed {doc_id} with its {receipt['removed']} passages.{tail}"))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if name in ("version", "passages") else "left", no_wrap=name not in ("outcome", "title", "file"))
    return table


GROUPS = {"docs": docs}
