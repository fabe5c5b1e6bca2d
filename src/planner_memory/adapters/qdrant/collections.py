"""The four collections on a Qdrant server: how they are made, and how one tells which embedder filled them."""

import asyncio
from typing import Any
from urllib.parse import quote

from planner_memory.adapters.qdrant.connection import Connection, encoded
from planner_memory.core.errors import IndexOutdated, NotFound, NotStarted, Unavailable
from planner_memory.ports.vectors import Channel

COLLECTIONS = ("doc_chunks", "events", "agent_memories", "daily_threads")
DENSE = "dense"
LEXICAL: tuple[Channel, ...] = ("text", "window")

_LAYOUT = 1  # raise it when fields or lexical settings change, so that an old index is rebuilt rather than half understood
_OURS = "planner_memory"  # the key under which a collection's metadata say whose it is
_OLDEST = (1, 19)  # the first with word statistics of one tenant; older servers ignore the wish and count everyone's words

INDEXES: dict[str, dict[str, Any]] = {
    "client_id": {"type": "keyword", "is_tenant": True, "on_disk": True},
    "collection": {"type": "keyword", "on_disk": True},
    "person_id": {"type": "keyword", "on_disk": True},
    "memory_type": {"type": "keyword", "on_disk": True},
    "event_type": {"type": "keyword", "on_disk": True},
    "thread_id": {"type": "keyword", "on_disk": True},
    "occurred_at": {"type": "datetime", "on_disk": True},
    "superseded": {"type": "bool", "on_disk": True},
}


async def setup_collections(
    url: str, dimension: int, *, embedder_name: str | None = None, api_key: str | None = None, prefix: str = "", rebuild: bool = False
) -> dict[str, str]:
    """Makes the collections and payload indexes that are missing; what is there and fits stays as it is, so it may be repeated.

    Without `embedder_name` new collections belong to whichever embedder of that dimension opens them first. `rebuild` empties our collections
    and gives them to this embedder. Returns what became of each: "made", "there" or "rebuilt".

    Raises:
        NotStarted: a collection is another program's, another embedder filled it, or the server is older than 1.19.
        Unavailable, NotConnected: the server does not answer, or refuses the key.
    """
    connection = Connection(url, api_key=api_key)
    try:
        return await prepare(connection, dimension, embedder_name, prefix=prefix, rebuild=rebuild)
    finally:
        await connection.close()


async def prepare(connection: Connection, dimension: int, embedder_name: str | None, *, prefix: str = "", rebuild: bool = False) -> dict[str, str]:
    """`setup_collections` over a connection that is open."""
    await _require_version(connection)
    names = [prefix + each for each in COLLECTIONS]
    found = dict(zip(names, await asyncio.gather(*(_described(connection, name) for name in names)), strict=True))
    for name, description in found.items():  # all before any is touched
        if description is not None:
            _require_ours(connection, name, description)
            if not rebuild:
                _require_fitting(connection, name, description, dimension, embedder_name)
    done = {}
    for name, description in found.items():
        if description is not None and rebuild:
            await _removed(connection, name)
        if description is None or rebuild:
            description = await _made(connection, name, dimension, embedder_name)
            _require_ours(connection, name, description)
            _require_fitting(connection, name, description, dimension, embedder_name)
        if embedder_name is not None and _marks(description)["embedder"] is None:
            await connection.change("PATCH", path(name), encoded({"metadata": _metadata(dimension, embedder_name)}))
        for field, schema in INDEXES.items():
            if field not in description["payload_schema"]:
                await connection.change("PUT", path(name, "/index?wait=true"), encoded({"field_name": field, "field_schema": schema}))
        done[name] = "made" if found[name] is None else "rebuilt" if rebuild else "there"
    return done


def path(collection: str, rest: str = "") -> str:
    return f"/collections/{quote(collection, safe='')}{rest}"


def _configuration(dimension: int, embedder_name: str | None) -> dict[str, Any]:
    """Vectors and payload are mapped from disk. One HNSW graph per client and none over all, since questions name their clients (Qdrant's
    advice for many tenants in one collection)."""
    return {
        "vectors": {DENSE: {"size": dimension, "distance": "Cosine", "on_disk": True}},
        "sparse_vectors": {channel: {"modifier": "idf", "index": {"on_disk": True}} for channel in LEXICAL},
        "hnsw_config": {"m": 0, "payload_m": 16},
        "on_disk_payload": True,
        "metadata": _metadata(dimension, embedder_name),
    }


def _metadata(dimension: int, embedder_name: str | None) -> dict[str, Any]:
    return {_OURS: {"embedder": embedder_name, "dimension": dimension, "layout": _LAYOUT}}


def _marks(description: dict[str, Any]) -> dict[str, Any]:
    marks = (description["config"].get("metadata") or {}).get(_OURS)
    return marks if isinstance(marks, dict) else {}


def _require_ours(connection: Connection, name: str, description: dict[str, Any]) -> None:
    if not {"embedder", "dimension", "layout"} <= _marks(description).keys():
        raise NotStarted(
            f"{connection.name} has a collection {name!r} that this product did not make. Give the product a server of its own, "
            "or remove or rename that collection."
        )


def _require_fitting(connection: Connection, name: str, description: dict[str, Any], dimension: int, embedder_name: str | None) -> None:
    found = _marks(description)
    wanted = {"embedder": embedder_name or found["embedder"], "dimension": dimension, "layout": _LAYOUT}
    if found | ({"embedder": embedder_name} if found["embedder"] is None else {}) != wanted:
        raise IndexOutdated(
            f"The collection {name!r} of {connection.name} was filled with {found}, and the service is set to {wanted}. "
            "Run `planner-memory reindex` to build it anew. Nothing is lost by that: the index is derived from PostgreSQL."
        )


async def _require_version(connection: Connection) -> None:
    version = await connection.version()
    numbers = version.split(".")[:2] if version else []
    if version and all(n.isdigit() for n in numbers) and tuple(int(n) for n in numbers) < _OLDEST:
        raise NotStarted(f"{connection.name} is version {version}; {'.'.join(map(str, _OLDEST))} or newer is needed. Update the server.")


async def _described(connection: Connection, name: str) -> dict[str, Any] | None:
    try:
        description: dict[str, Any] = await connection.ask("GET", path(name))
    except NotFound:
        return None
    return description


async def _made(connection: Connection, name: str, dimension: int, embedder_name: str | None) -> dict[str, Any]:
    refused = None
    try:
        await connection.change("PUT", path(name), encoded(_configuration(dimension, embedder_name)))
    except Unavailable as error:
        refused = error  # perhaps only because another process was faster
    description = await _described(connection, name)
    if description is None:
        raise refused or Unavailable(f"{connection.name} made the collection {name!r} and does not find it. Try again.")
    return description


async def _removed(connection: Connection, name: str) -> None:
    """Also when `name` is an alias, which a server lets nobody delete like a collection."""
    aliases = (await connection.ask("GET", "/aliases"))["aliases"]
    real = next((each["collection_name"] for each in aliases if each["alias_name"] == name), name)
    await connection.change("DELETE", path(real))
