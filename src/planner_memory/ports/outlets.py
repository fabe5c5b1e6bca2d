"""Where reflections and the morning's brief go beside the workspace."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Letter:
    """Markdown with a title. `key` is the same for the same period, and safe as a file's name: 2026-11-20-daily."""

    key: str
    title: str
    text: str


class Outlet(Protocol):
    """Raises Unavailable when it cannot be reached and NotConnected when it refuses the credentials."""

    @property
    def name(self) -> str:
        """As in a warning: "the mail server"."""
        ...

    @property
    def replaces(self) -> bool:
        """Whether a letter with a known key takes the older one's place; else only the first one is sent."""
        ...

    async def send(self, letter: Letter) -> None: ...
