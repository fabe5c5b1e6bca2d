"""What a facts document allows to be said: each number with its unit, what it is about, and the name it belongs to."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from planner_memory.observer_agent import vocabulary
from planner_memory.observer_agent.numbers import Kind

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")
_NAME_KEYS = ("title", "name", "task", "label", "workflow", "template")
_COUNTED_BY_NAME = ("by_type", "by_source", "by_workflow", "by_template", "by_client")

_OF_LISTS = {  # what a list of records counts
    "completed": {"task", "completed"},
    "repeated": {"task", "completed"},
    "slipped": {"task", "slipped"},
    "running": {"timer"},
    "upcoming": {"upcoming", "scheduled"},
    "due": {"deadline", "plan"},
    "plans_made": {"plan"},
    "drift": {"drift"},
    "variance": {"drift"},
    "repeated_trouble": {"trouble"},
    "missing": {"source"},
    "earlier_weeks": {"past", "single_week"},
}
_OF_KEYS = {
    "completion_percent": {"completed", "planned", "rate"},
    "share_percent": {"share", "planned", "billable"},
    "billable_share_percent": {"share", "billable", "work"},
}
_NOT_COUNTED = frozenset({"earlier_weeks", "themes", "variance", "upcoming", "repeated"})  # how many they are is no news, or said elsewhere
_SIGNS = {"over": 1, "under": -1}
_NO_CONCEPTS = frozenset({"rhythm", "facts", "metrics", "thresholds"})


@dataclass(frozen=True, slots=True)
class Claim:
    """One number that may be said. `pattern` is the path without list positions, `names` the names of the records it stands in."""

    path: str
    pattern: str
    kind: Kind
    value: Any
    concepts: frozenset[str]
    names: frozenset[str] = frozenset()
    sign: int = 0  # of a difference: 1 where the prose must say more, -1 where it must say less; 0: either


def concepts_of(key: str) -> set[str]:
    """What a key is about: `not_billable_hours` is nonbillable."""
    key = key.replace("not_billable", "nonbillable")
    found = {vocabulary.OF_KEYS[token] for token in re.split(r"[_\W]+", key.lower()) if token in vocabulary.OF_KEYS}
    return found - {"work"} if "deep" in found else found


def _kind_of(key: str) -> Kind:
    last = key.rsplit("_", 1)[-1]
    if last in ("hours", "minutes"):
        return "minutes"
    return "percent" if last in ("percent", "pct", "percentage") else "factor" if last in ("factor", "ratio") else "count"


def _number(key: str, value: float) -> Decimal:
    exact = Decimal(str(value))
    if not key.endswith("hours"):
        return exact
    minutes = exact * 60
    return Decimal(round(minutes)) if abs(minutes - round(minutes)) < Decimal("0.01") else minutes


def claims_of(document: Any) -> list[Claim]:
    """Every number of a facts document.

    Units are read from the keys: `_hours`, `_minutes`, `_percent`, `_factor`; texts that are ISO dates or instants are dates and times; all
    else are counts. A list counts by its length. A record with a title or a name gives it to its numbers.
    """
    return list(_walk(document, "", "", frozenset(), frozenset()))


def _walk(value: Any, key: str, path: str, concepts: frozenset[str], names: frozenset[str]) -> Iterator[Claim]:
    pattern = re.sub(r"\[\d+\]", "[]", path)
    if isinstance(value, dict):
        is_one_of_several = path.endswith("]")
        own = {text for k, text in value.items() if k in _NAME_KEYS and isinstance(text, str) and text} if is_one_of_several else set()
        for inner_key, inner in value.items():
            if key in _COUNTED_BY_NAME:
                spoken = {inner_key, inner_key.replace("_", " ")}
                yield from _walk(inner, key, f"{path}.{inner_key}", concepts | {"event"}, names | spoken)
                continue
            about = frozenset() if inner_key in _NO_CONCEPTS else _OF_KEYS.get(inner_key) or concepts_of(inner_key)
            inherited = concepts | about
            if "nonbillable" in inherited:
                inherited -= {"billable"}
            for claim in _walk(inner, inner_key, f"{path}.{inner_key}" if path else inner_key, frozenset(inherited), names | own):
                yield replace(claim, sign=_SIGNS[value["direction"]]) if claim.kind == "percent" and value.get("direction") in _SIGNS else claim
    elif isinstance(value, list):
        if key not in _NOT_COUNTED:
            yield Claim(f"len({path})", f"len({pattern})", "count", Decimal(len(value)), frozenset(_OF_LISTS.get(key, concepts)), names)
        for position, inner in enumerate(value):
            yield from _walk(inner, key, f"{path}[{position}]", frozenset(concepts | _OF_LISTS.get(key, set()) - {"task"}), names)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, (int, float)):
        yield Claim(path, pattern, _kind_of(key), _number(key, value), concepts, names)
    elif isinstance(value, str):
        yield from _moments(value, path, pattern, concepts, names)


def _moments(value: str, path: str, pattern: str, concepts: frozenset[str], names: frozenset[str]) -> Iterator[Claim]:
    try:
        if _DATE.fullmatch(value):
            yield Claim(path, pattern, "date", date.fromisoformat(value), concepts, names)
        elif _INSTANT.fullmatch(value):
            moment = datetime.fromisoformat(value)
            is_end = re.search(r"(?:^|[._])ends?(?:_at)?$", path) is not None  # a period that ends at midnight ends with the day before
            yield Claim(path, pattern, "date", (moment - timedelta(microseconds=1) if is_end else moment).date(), concepts, names)
            yield Claim(path, pattern, "time", (moment.hour, moment.minute), concepts, names)
    except ValueError:
        return


def names_of(document: Any, key: str = "") -> Iterator[str]:
    """Every text of the facts that is no date: names whose digits are no claims."""
    if isinstance(document, dict):
        for inner_key, inner in document.items():
            if key in _COUNTED_BY_NAME:
                yield str(inner_key)
                yield str(inner_key).replace("_", " ")
            yield from names_of(inner, str(inner_key))
    elif isinstance(document, list):
        for inner in document:
            yield from names_of(inner, key)
    elif isinstance(document, str) and document and not (_DATE.fullmatch(document) or _INSTANT.fullmatch(document)):
        yield document


def known_names(document: Any, more: Iterable[str] = ()) -> list[str]:
    """Longest first, so that a name inside another one is not taken for it."""
    return sorted({*names_of(document), *more} - {""}, key=lambda name: (-len(name), name))
