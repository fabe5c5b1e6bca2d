"""Where the next page of a list begins, as an opaque text."""

import base64
import binascii
from datetime import datetime
from uuid import UUID

from planner_memory.core.errors import InvalidInput


def cursor_of(at: datetime, id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{id}".encode()).decode()


def place_of(cursor: str) -> tuple[datetime, UUID]:
    """Raises InvalidInput for a cursor that this module did not make."""
    try:
        at, _, last = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        place = datetime.fromisoformat(at), UUID(last)
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("This cursor is not one of ours. Send next_cursor of the page before, unchanged.", field="cursor") from error
    if place[0].tzinfo is None:
        raise InvalidInput("This cursor is not one of ours. Send next_cursor of the page before, unchanged.", field="cursor")
    return place
