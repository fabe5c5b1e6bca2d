"""The texts under which a memory can be found: its dated text, and the window of the turns round it."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

REACH = 2  # turns on either side that make up a window
_LONGEST_TEXT = 20_000
_LONGEST_NEIGHBOUR = 2_000
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")


class Turn(Protocol):
    @property
    def content(self) -> str: ...
    @property
    def metadata(self) -> Any: ...
    @property
    def occurred_at(self) -> datetime: ...


def content_hash(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def collection_of(memory_type: str) -> str:
    """Facts and preferences, episodes, and everything else live in collections of their own."""
    return {"fact": "agent_memories", "preference": "agent_memories", "episode": "daily_threads"}.get(memory_type, "events")


def spoken(turn: Turn) -> str:
    """The content, with its speaker in front when the content does not begin with them."""
    speaker = turn.metadata.get("speaker") if isinstance(turn.metadata, dict) else None
    if not isinstance(speaker, str) or not speaker or turn.content.lower().startswith(speaker.lower()):
        return turn.content
    return f"{speaker}: {turn.content}"


def dated_text(turn: Turn, tz: ZoneInfo) -> str:
    """`[8 May 2023] Ada: the text`, in the person's zone, so that both words and meaning of the date can be matched."""
    at = turn.occurred_at.astimezone(tz)
    return f"[{at.day} {_MONTHS[at.month - 1]} {at.year}] {spoken(turn)}"[:_LONGEST_TEXT]


def window_text(turns: Sequence[Turn], position: int) -> str:
    """The turn with up to REACH turns before and after it, in order: an answer is found by the words of its question."""
    near = range(max(0, position - REACH), min(len(turns), position + REACH + 1))
    return "\n".join(spoken(turns[i])[: _LONGEST_TEXT if i == position else _LONGEST_NEIGHBOUR] for i in near)
