"""What a person has told the product about their days: zone, working hours, holidays, energy, buffers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Span = tuple[time, time]  # wall times of one local day, start before end; 24:00 is written time.max


def _office_hours() -> dict[str, tuple[Span, ...]]:
    return {day: ((time(9), time(17, 30)),) if day in WEEKDAYS[:5] else () for day in WEEKDAYS}


def _energy_bands() -> dict[str, tuple[Span, ...]]:
    return {"high": ((time(9), time(12)),), "medium": ((time(12), time(15)),), "low": ((time(15), time(17, 30)),)}


@dataclass(frozen=True, slots=True)
class Profile:
    """One person's settings. All wall times are in `time_zone`.

    `working_hours` has all seven weekdays as keys; a day off has no spans. `exceptions` replaces the hours of single days.
    `holidays_country` is an ISO 3166 code with an optional subdivision (DE, US-CA): its public holidays have no working hours.
    `weights` replaces single costs of the scheduler's objective; what is not named keeps its default.
    """

    person_id: str = "me"
    time_zone: str = "UTC"
    working_hours: Mapping[str, tuple[Span, ...]] = field(default_factory=_office_hours)
    exceptions: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    holidays_country: str | None = None
    energy_bands: Mapping[str, tuple[Span, ...]] = field(default_factory=_energy_bands)
    buffer_minutes: int = 0
    largest_task_minutes: int | None = None
    calendars: tuple[str, ...] = ()
    weights: Mapping[str, Any] = field(default_factory=dict)
    confirmed: bool = False  # false until the person has answered the first-run questions
