"""The clock as a value that is passed down, so that a test can choose the time."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]  # returns an aware instant in UTC


def utc_now() -> datetime:
    return datetime.now(UTC)
