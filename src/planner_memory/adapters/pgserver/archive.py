"""The file format of a backup: one .tar.gz that opens with a manifest naming every other file with its size and SHA-256."""

import errno
import hashlib
import io
import json
import os
import secrets
import tarfile
import zlib
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

from planner_memory import __version__
from planner_memory.core.errors import InvalidInput, Unavailable

FORMAT = 1
_MANIFEST = "manifest.json"
_MANIFEST_LIMIT_BYTES = 50_000_000
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One file; `path` is relative, with slashes."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `counts` are the rows of each table."""

    created_at: datetime
    postgres: int
    counts: dict[str, int]
    files: tuple[Entry, ...]


def write_archive(folder: Path, target: Path, *, created_at: datetime, postgres: int, counts: dict[str, int]) -> Manifest:
    """Packs all files of `folder` into `target`, mode 0600, whole or not at all."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
    files = tuple(Entry(p.relative_to(folder).as_posix(), p.stat().st_size, _digest(p)) for p in paths)
    manifest = Manifest(created_at, postgres, counts, files)
    content = json.dumps({"format": FORMAT, "version": __version__, **asdict(manifest), "created_at": created_at.isoformat()}, indent=1).encode()
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as tar:
                tar.addfile(_header(_MANIFEST, len(content), created_at), io.BytesIO(content))
                for entry in files:
                    with (folder / entry.path).open("rb") as source:
                        tar.addfile(_header(entry.path, entry.size, created_at), source)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def read_archive(source: Path, folder: Path) -> Manifest:
    """Unpacks `source` into the empty `folder`, checking every file against the manifest.

    Raises:
        InvalidInput: the file is missing, damaged, incomplete or no backup of ours. What was unpacked so far must then be thrown away.
        Unavailable: the disk is full.
    """
    try:
        with tarfile.open(source, "r|gz") as tar:
            members = iter(tar)
            first = next(members, None)
            opened = tar.extractfile(first) if first is not None and first.name == _MANIFEST and first.size <= _MANIFEST_LIMIT_BYTES else None
            if opened is None:
                raise InvalidInput(f"{source} is no backup of planner-memory: it does not open with a manifest.", field="source")
            manifest = _parse(opened.read(), source)
            expected = {entry.path: entry for entry in manifest.files}
            for member in members:
                entry = expected.pop(member.name, None)
                content = tar.extractfile(member) if entry is not None and member.isreg() and member.size == entry.size else None
                if entry is None or content is None:
                    raise InvalidInput(f"{source} is damaged: {member.name} is not what the manifest says. Use another backup.", field="source")
                _unpack(content, entry, folder, source)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Unavailable(f"There is no room beside the data directory to unpack {source}. Free some, then restore again.") from error
        raise InvalidInput(f"{source} cannot be read as a backup: {error}. Use another backup.", field="source") from error
    if expected:
        raise InvalidInput(f"{source} is incomplete: {min(expected)} is missing. Use another backup.", field="source")
    return manifest


def _parse(content: bytes, source: Path) -> Manifest:
    try:
        kept = json.loads(content)
        if kept["format"] != FORMAT:
            raise InvalidInput(
                f"{source} has the backup format {kept['format']}, this version reads {FORMAT}. Restore with the version that made it.",
                field="source",
            )
        files = tuple(Entry(str(f["path"]), int(f["size"]), str(f["sha256"])) for f in kept["files"])
        counts = {str(table): int(rows) for table, rows in kept["counts"].items()}
        manifest = Manifest(datetime.fromisoformat(kept["created_at"]), int(kept["postgres"]), counts, files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"The manifest of {source} cannot be read. Use another backup.", field="source") from error
    for entry in files:
        if PurePosixPath(entry.path).is_absolute() or ".." in PurePosixPath(entry.path).parts:
            raise InvalidInput(f"{source} names a file outside the data directory: {entry.path}. Do not use it.", field="source")
    return manifest


def _unpack(content: IO[bytes], entry: Entry, folder: Path, source: Path) -> None:
    target = folder / entry.path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while chunk := content.read(_CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != entry.sha256:
        raise InvalidInput(f"{source} is damaged: {entry.path} does not match its checksum. Use another backup.", field="source")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _header(name: str, size: int, at: datetime) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode, header.mtime = size, 0o600, int(at.timestamp())
    return header
