"""Backup and restore of real embedded data: what was there comes back, and damage changes nothing."""

import gzip
import io
import json
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from planner_memory.adapters.pgserver.backup import backup, restore
from planner_memory.adapters.pgserver.postmaster import live_postmaster
from planner_memory.adapters.pgserver.server import EmbeddedPostgres
from planner_memory.adapters.postgres.migrations import migrate
from planner_memory.core.errors import Conflict, InvalidInput

FAST = next((p for p in ("/dev/shm",) if Path(p).is_dir() and shutil.disk_usage(p).free > 2_000_000_000), None)
AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
async def source() -> AsyncIterator[tuple[Path, Path]]:
    """A data directory with a running server and a backup taken from it while it ran."""
    top = Path(tempfile.mkdtemp(prefix="pm-backup-", dir=FAST))
    top.chmod(0o711)
    folder = top / "data"
    server = EmbeddedPostgres(folder)
    try:
        dsn = await server.start()
        await migrate(dsn)
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True, options="-c planner.bypass=migration") as connection:
            await connection.execute(
                """insert into events (event_type, event_source, payload, index_state)
                   select 'note', 'test', jsonb_build_object('content', 'Grüße ' || n), 'indexed' from generate_series(1, 50) n"""
            )
            await connection.execute(
                "insert into documents (client_id, doc_id, title, content_hash, media_type) values ('me', 'd', 't', 'h', 'text/plain')"
            )
            await connection.execute(
                """insert into doc_chunks (client_id, doc_id, chunk_index, content, content_hash, index_state)
                   values ('me', 'd', 0, 'c', 'h', 'indexed')"""
            )
        (folder / "api-key").write_text("pm_secret\n")
        (folder / "calendar-credentials").write_text("planner:secret\n")
        (folder / "credentials-key").write_text("a long key\n")
        (folder / "credentials").mkdir()
        (folder / "credentials" / "gcal.json").write_text('{"sealed": "x"}\n')
        calendar = folder / "radicale" / "collection-root" / "planner" / "work"
        calendar.mkdir(parents=True)
        (calendar / "one.ics").write_text("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
        (folder / "vectors").mkdir()
        (folder / "vectors" / "index").write_text("derived")
        await backup(folder, top / "backup.tar.gz", clock=lambda: AT)
        yield folder, top / "backup.tar.gz"
    finally:
        await server.stop()
        shutil.rmtree(top)


@pytest.fixture
def target() -> Iterator[Path]:
    top = Path(tempfile.mkdtemp(prefix="pm-restore-", dir=FAST))
    top.chmod(0o711)
    yield top / "data"
    assert live_postmaster(top / "data" / "postgres") is None
    shutil.rmtree(top)


def listing(folder: Path) -> dict[str, bytes | None]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def rewritten(source: Path, to: Path, change: dict[str, bytes | None], more: dict[str, bytes] | None = None) -> Path:
    """A copy of the archive with the contents of some members replaced, or left out where None, and others added."""
    with tarfile.open(source) as old, tarfile.open(to, "w:gz") as new:
        for member in old:
            content = change.get(member.name, old.extractfile(member).read())  # type: ignore[union-attr]
            if content is not None:
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))
        for name, content in (more or {}).items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            new.addfile(header, io.BytesIO(content))
    return to


async def test_what_was_backed_up_comes_back(source: tuple[Path, Path], target: Path) -> None:
    _, archive = source
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        assert not [name for name in tar.getnames() if name.startswith("vectors")]
    assert manifest["counts"]["public.events"] == 50
    assert manifest["created_at"] == AT.isoformat()
    done = await restore(archive, target)
    assert done.set_aside is None
    assert done.counts["public.events"] == 50
    assert (target / "api-key").read_text() == "pm_secret\n"
    assert stat.S_IMODE((target / "api-key").stat().st_mode) == 0o600
    assert stat.S_IMODE(target.stat().st_mode) == (0o711 if os.geteuid() == 0 else 0o700)
    assert (target / "radicale" / "collection-root" / "planner" / "work" / "one.ics").read_bytes() == b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    assert not (target / "database.dump").exists()
    assert [p.name for p in target.parent.iterdir()] == ["data"]
    server = EmbeddedPostgres(target)
    dsn = await server.start()
    try:
        assert await migrate(dsn) == []
        async with await psycopg.AsyncConnection.connect(dsn, options="-c planner.bypass=migration") as connection:
            rows = await (await connection.execute("select index_state, count(*), max(content) from events group by 1")).fetchall()
            assert rows == [("pending", 50, "Grüße 9")]
            assert await (await connection.execute("select index_state from doc_chunks")).fetchall() == [("pending",)]
            await connection.execute("insert into events (event_type, event_source, payload) values ('note', 'test', '{}')")
    finally:
        await server.stop()


async def test_present_data_are_refused_and_with_force_set_aside(source: tuple[Path, Path], target: Path) -> None:
    target.mkdir()
    (target / "mine").write_text("precious")
    with pytest.raises(Conflict, match="not empty"):
        await restore(source[1], target)
    assert listing(target.parent) == {"data": None, "data/mine": b"precious"}
    done = await restore(source[1], target, force=True, clock=lambda: AT)
    assert done.set_aside == target.parent / "data.before-restore-20261123T090000000000"
    assert (done.set_aside / "mine").read_text() == "precious"
    assert (target / "postgres" / "PG_VERSION").exists()


async def test_a_running_data_directory_is_not_replaced(source: tuple[Path, Path]) -> None:
    folder, archive = source
    with pytest.raises(Conflict, match="in use"):
        await restore(archive, folder, force=True)
    found = live_postmaster(folder / "postgres")
    assert found is not None


async def test_damage_of_any_kind_changes_nothing(source: tuple[Path, Path], target: Path) -> None:
    _, archive = source
    target.mkdir()
    (target / "mine").write_text("precious")
    whole = archive.read_bytes()
    drafts = target.parent / "drafts"
    drafts.mkdir()
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        key = tar.extractfile("api-key").read()  # type: ignore[union-attr]
    escaping = manifest | {"files": [*manifest["files"], {"path": "../evil", "size": 1, "sha256": "0"}]}
    wrong_counts = manifest | {"counts": manifest["counts"] | {"public.events": 49}}
    bad = {
        "cut": whole[: len(whole) // 2],
        "flipped": whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 0xFF]) + whole[len(whole) // 2 + 1 :],
        "empty": b"",
        "text": b"not an archive",
        "gzip": gzip.compress(b"not a tar"),
    }
    for name, content in bad.items():
        (drafts / name).write_bytes(content)
    rewritten(archive, drafts / "other-key", {"api-key": bytes(reversed(key))})
    rewritten(archive, drafts / "no-key", {"api-key": None})
    rewritten(archive, drafts / "no-manifest", {"manifest.json": None})
    rewritten(archive, drafts / "more", {}, {"extra": b"x"})
    rewritten(archive, drafts / "escaping", {"manifest.json": json.dumps(escaping).encode()}, {"../evil": b"x"})
    rewritten(archive, drafts / "later-format", {"manifest.json": json.dumps(manifest | {"format": 99}).encode()})
    rewritten(archive, drafts / "wrong-counts", {"manifest.json": json.dumps(wrong_counts).encode()})
    before = listing(target.parent)
    for damaged in [*sorted(drafts.iterdir()), target.parent / "missing"]:
        with pytest.raises(InvalidInput) as caught:
            await restore(damaged, target, force=True)
        assert caught.value.field == "source", damaged
        assert listing(target.parent) == before, damaged


async def test_a_stopped_directory_is_backed_up_too_and_nothing_is_overwritten(source: tuple[Path, Path], target: Path) -> None:
    await restore(source[1], target)
    manifest = await backup(target, target.parent / "again.tar.gz")
    assert manifest.counts["public.events"] == 50
    assert live_postmaster(target / "postgres") is None
    with pytest.raises(InvalidInput):
        await backup(target, target.parent / "again.tar.gz")
    with pytest.raises(InvalidInput):
        await backup(target.parent, target.parent / "none.tar.gz")
    assert sorted(p.name for p in target.parent.iterdir()) == ["again.tar.gz", "data"]
