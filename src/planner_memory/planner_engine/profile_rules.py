"""What a profile may hold: known zone and country, spans that lie in order within one day."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from planner_memory.core.documents import profile_document, profile_from
from planner_memory.core.errors import InvalidInput
from planner_memory.core.local_time import zone
from planner_memory.core.profile import WEEKDAYS, Profile
from planner_memory.core.public_holidays import checked_country

_NULLABLE = ("holidays_country", "largest_task_minutes")
_BANDS = ("high", "medium", "low")


def changed(profile: Profile, change: Mapping[str, Any]) -> Profile:
    """The profile with the given parts replaced; weekdays, bands and weights that are not named stay. A change confirms the profile.

    Raises:
        InvalidInput: a value is not possible; the field is named.
    """
    document = profile_document(profile)
    for name, value in change.items():
        if value is None and name not in _NULLABLE:
            continue
        if name == "working_hours":
            document[name] = {**document[name], **_spans(value, name, WEEKDAYS)}
        elif name == "energy_bands":
            document[name] = {**document[name], **_spans(value, name, _BANDS)}
        elif name == "exceptions":
            document[name] = _spans({day.isoformat(): spans for day, spans in value.items()}, name, None)
        elif name == "weights":
            document[name] = _weights(document[name], value)
        else:
            document[name] = value
    zone(document["time_zone"])
    given = document["holidays_country"]
    document["holidays_country"] = checked_country(given) if given and given.strip() else None
    document["confirmed"] = change.get("confirmed") if change.get("confirmed") is not None else True
    return profile_from(document)


def _weights(before: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    after = dict(before)
    for name, cost in change.items():
        if cost is None:
            after.pop(name, None)
        else:
            after[name] = {**before.get(name, {}), **cost} if isinstance(cost, Mapping) else cost
    return after


def _minutes(text: str, field: str) -> int:
    hours, _, minutes = text.partition(":")
    if not (hours.isdigit() and minutes.isdigit() and len(hours) in (1, 2) and len(minutes) == 2 and int(minutes) < 60):
        raise InvalidInput(f"{text!r} is not a time of day. Write 09:00 or 17:30.", field=field)
    found = int(hours) * 60 + int(minutes)
    if found > 24 * 60:
        raise InvalidInput(f"{text!r} is later than 24:00.", field=field)
    return found


def _spans(spans: Mapping[str, Sequence[list[str]]], field: str, keys: tuple[str, ...] | None) -> dict[str, list[list[str]]]:
    """In order, as HH:MM."""
    out: dict[str, list[list[str]]] = {}
    for key, pairs in spans.items():
        place = f"{field}.{key}"
        if keys is not None and key not in keys:
            raise InvalidInput(f"{key!r} is not one of {', '.join(keys)}.", field=place)
        found = sorted((_minutes(start, place), _minutes(end, place)) for start, end in pairs)
        for start, end in found:
            if start >= end:
                raise InvalidInput(f"{_text(start)} to {_text(end)} ends before it begins. A night is written as two spans on two days.", field=place)
        if any(first[1] > second[0] for first, second in pairwise(found)):
            raise InvalidInput("Two spans of one day overlap. Join them.", field=place)
        out[key] = [[_text(start), _text(end)] for start, end in found]
    return out


def _text(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
