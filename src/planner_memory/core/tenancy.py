"""Whose rows a transaction may touch. The scope travels with the task, and the database enforces it by row-level security."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, get_args

# Every place that reads or writes across clients has a name here, so that a log of the database can say why it did.
Bypass = Literal[
    "all-clients key",
    "calendar",
    "copying",
    "estimates",
    "extraction",
    "health",
    "indexing",
    "model ledger",
    "recovery",
    "reflection",
    "reindexing",
    "retention",
    "telling",
    "workspace",
]


@dataclass(frozen=True, slots=True)
class Scope:
    """Either some clients or a named bypass. `is_first`: what a key may see at most, before its request said what it is about."""

    clients: tuple[str, ...] = ()
    bypass: Bypass | None = None
    is_first: bool = False


_current: ContextVar[Scope | None] = ContextVar("planner_memory_scope", default=None)


def current_scope() -> Scope | None:
    """None: nothing was said, so no client's rows are seen."""
    return _current.get()


@contextmanager
def within(clients: Iterable[str]) -> Iterator[None]:
    """Only rows of these clients, as long as the block."""
    with _as(Scope(tuple(dict.fromkeys(clients)))):
        yield


@contextmanager
def spanning(name: Bypass) -> Iterator[None]:
    """Rows of every client, as long as the block.

    Raises:
        ValueError: the name is not one of those listed.
    """
    with _as(_bypass(name)):
        yield


@contextmanager
def unscoped() -> Iterator[None]:
    """A request begins with no scope and leaves that of its surroundings alone: services of one process call one another in one task."""
    with _as(None):
        yield


def begin_with(clients: tuple[str, ...] | None) -> None:
    """What a key may see at most, until the request is about less. None (a key of every client) sees nothing until then."""
    _current.set(None if clients is None else Scope(clients, is_first=True))


def narrow_to(clients: Iterable[str]) -> None:
    """The request is about these clients; said twice, about both. A bypass that was chosen stays."""
    now = _current.get()
    if now is not None and now.bypass is not None:
        return
    said = () if now is None or now.is_first else now.clients
    _current.set(Scope(tuple(dict.fromkeys((*said, *clients)))))


def widen_to(name: Bypass) -> None:
    _current.set(_bypass(name))


def _bypass(name: Bypass) -> Scope:
    if name not in get_args(Bypass):
        raise ValueError(f"{name!r} is not the name of a bypass")
    return Scope(bypass=name)


@contextmanager
def _as(scope: Scope | None) -> Iterator[None]:
    token = _current.set(scope)
    try:
        yield
    finally:
        _current.reset(token)
