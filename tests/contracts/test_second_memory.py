"""What every second memory promises. A new adapter adds a parameter: a second memory, and the server behind it to look into."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

import pytest
from tests.fakes.mem0_server import KEY, Mem0Server, refused

from planner_memory.adapters.mem0.second_memory import Mem0SecondMemory
from planner_memory.core.errors import NotConnected, Unavailable
from planner_memory.ports.second_memory import Copy, SecondMemory


class Behind(Protocol):
    """A back door that does not trust the adapter."""

    def texts(self, client_id: str) -> list[str]: ...
    def refuse_next(self, status: int) -> None:
        """The next request, whatever it is, is refused."""


class Case(NamedTuple):
    memory: SecondMemory
    behind: Behind


class BehindMem0:
    def __init__(self, server: Mem0Server) -> None:
        self._server = server

    def texts(self, client_id: str) -> list[str]:
        return sorted(record["memory"] for record in self._server.memories.values() if record["user_id"] == client_id)

    def refuse_next(self, status: int) -> None:
        for route in ("ping", "add", "list", "search", "delete", "event"):
            self._server.fail_next(route, refused(status))


@asynccontextmanager
async def mem0() -> AsyncIterator[Case]:
    with Mem0Server() as server:
        made = Mem0SecondMemory(KEY, server.url)
        yield Case(made, BehindMem0(server))
        await made.close()


@pytest.fixture(params=[mem0])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    opened: Callable[[], AbstractAsyncContextManager[Case]] = request.param
    async with opened() as made:
        yield made


def copy(number: int, content: str, client_id: str = "acme") -> Copy:
    return Copy(UUID(int=number), client_id, content, "fact", datetime(2026, 5, 4, 12, tzinfo=UTC))


async def test_it_has_a_name_and_answers_a_check(case: Case) -> None:
    assert case.memory.name
    await case.memory.check()


async def test_what_is_kept_is_there_and_answers(case: Case) -> None:
    await case.memory.keep(copy(1, "Maria prefers calls before noon"))
    assert case.behind.texts("acme") == ["Maria prefers calls before noon"]
    [echo] = await case.memory.ask("calls with Maria", client_id="acme")
    assert (echo.memory_id, echo.content) == (UUID(int=1), "Maria prefers calls before noon")
    assert 0 <= echo.score <= 1


async def test_the_same_memory_again_changes_nothing(case: Case) -> None:
    for _ in range(2):
        await case.memory.keep(copy(1, "invoice due on Friday"))
    assert case.behind.texts("acme") == ["invoice due on Friday"]


async def test_two_memories_with_the_same_words_are_two(case: Case) -> None:
    for number in (1, 2):
        await case.memory.keep(copy(number, "stand-up"))
    assert {echo.memory_id.int for echo in await case.memory.ask("stand-up", client_id="acme")} == {1, 2}


async def test_new_content_replaces_the_old(case: Case) -> None:
    first = copy(1, "invoice due on Friday")
    await case.memory.keep(first)
    await case.memory.keep(replace(first, content="invoice due on Monday"))
    assert case.behind.texts("acme") == ["invoice due on Monday"]


async def test_answers_are_best_first_and_at_most_k(case: Case) -> None:
    for number, text in enumerate(["blue paint", "blue paint for the hall", "the hall", "green door"]):
        await case.memory.keep(copy(number, text))
    echoes = await case.memory.ask("blue paint for the hall", client_id="acme", k=2)
    assert [echo.memory_id.int for echo in echoes] == [1, 0]
    assert echoes[0].score >= echoes[1].score


async def test_a_client_sees_only_its_own(case: Case) -> None:
    await case.memory.keep(copy(1, "secret price list", "acme"))
    assert await case.memory.ask("secret price list", client_id="globex") == []
    assert await case.memory.forget("globex", [UUID(int=1)]) == 0
    assert case.behind.texts("acme") == ["secret price list"]


@pytest.mark.parametrize("query", ["", "  \n"])
async def test_a_blank_query_is_answered_with_nothing(case: Case, query: str) -> None:
    await case.memory.keep(copy(1, "x"))
    assert await case.memory.ask(query, client_id="acme") == []


async def test_forgetting_removes_counts_and_is_safe_to_repeat(case: Case) -> None:
    for number in range(30):
        await case.memory.keep(copy(number, f"note {number}"))
    wanted = [UUID(int=number) for number in (*range(28), 99, 3)]
    assert await case.memory.forget("acme", wanted) == 28
    assert await case.memory.forget("acme", wanted) == 0
    assert await case.memory.forget("acme", []) == 0
    assert case.behind.texts("acme") == ["note 28", "note 29"]


@pytest.mark.parametrize(("status", "expected"), [(401, NotConnected), (429, Unavailable), (500, Unavailable), (503, Unavailable)])
@pytest.mark.parametrize("verb", ["keep", "ask", "forget", "check"])
async def test_a_refusal_has_our_error(case: Case, verb: str, status: int, expected: type[Exception]) -> None:
    await case.memory.keep(copy(2, "before"))
    case.behind.refuse_next(status)
    with pytest.raises(expected):
        await {
            "keep": lambda: case.memory.keep(copy(1, "x")),
            "ask": lambda: case.memory.ask("x", client_id="acme"),
            "forget": lambda: case.memory.forget("acme", [UUID(int=2)]),
            "check": case.memory.check,
        }[verb]()
