"""Where prompts are kept: versions side by side, and which one counts for whom."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """One version of a prompt. `content` holds its inputs as {name}."""

    template_name: str
    version: str
    content: str
    template_type: str
    metadata: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PromptChoice:
    """That a version counts for a client, or for everyone where `client_id` is None. `version` None: the default again."""

    template_name: str
    client_id: str | None
    version: str | None
    chosen_at: datetime


class PromptTransaction(Protocol):
    """One open transaction."""

    async def template(self, name: str, version: str) -> PromptTemplate | None: ...

    async def templates(self, name: str | None = None) -> list[PromptTemplate]:
        """By name, each one's versions oldest first."""
        ...

    async def choice(self, name: str, client_id: str | None) -> PromptChoice | None:
        """The newest choice for exactly that client, or for everyone where it is None."""
        ...

    async def choices(self, name: str | None = None) -> list[PromptChoice]:
        """All of them, newest first."""
        ...

    async def lock(self, name: str) -> None:
        """Until the transaction ends nobody else adds a version or a choice of that prompt."""
        ...

    async def add_template(self, template: PromptTemplate) -> bool:
        """False when there is such a version already; it is never overwritten."""
        ...

    async def choose(self, choice: PromptChoice) -> None: ...


class PromptStore(Protocol):
    """Raises Unavailable when the database does not answer."""

    def begin(self) -> AbstractAsyncContextManager[PromptTransaction]:
        """A transaction, committed when the block ends and rolled back when it raises."""
        ...
