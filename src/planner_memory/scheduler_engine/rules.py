"""What a remembered preference asks of a schedule, typed: bands, hours, days, buffers and weights; and how it is put in force."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

from planner_memory.core.profile import WEEKDAYS, Span
from planner_memory.core.titles import is_meeting
from planner_memory.scheduler_engine.availability import Hours
from planner_memory.scheduler_engine.cost import Weights
from planner_memory.scheduler_engine.tasks import Task

STRENGTHS: Mapping[str, float] = {"less": 0.5, "more": 2, "much_more": 4}
_WEIGHED = {
    "late": "keeping deadlines",
    "hour": "being done early",
    "outside_band": "keeping to energy hours",
    "extra_chunk": "work in one piece",
    "moved": "a plan that stays as it is",
}
WEIGHED = frozenset(_WEIGHED)
_MATTERS = {"less": "matters less", "more": "matters more", "much_more": "matters much more"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a memory asks for; `source` is the memory's own text, `read_by` is rules, model or person.

    `kind` is "band" (tasks of that energy preferably in the spans), "clip" (work only in the spans), "keep_free" (no work in them), "day_off",
    "no_meetings", "buffer" (minutes round each block) or "weight" (one of the costs counts less or more). Without `days` it holds every day.
    """

    kind: str
    source: str
    memory_id: str = ""
    energy: str = ""
    spans: tuple[Span, ...] = ()
    days: tuple[str, ...] = ()
    minutes: int = 0
    weight: str = ""
    strength: str = ""
    read_by: str = "rules"

    @property
    def asks(self) -> str:
        on = f" on {_named(self.days)}" if self.days else ""
        match self.kind:
            case "band":
                return f"{self.energy}-energy tasks preferably {_written(self.spans)}"
            case "clip":
                return f"work only {_written(self.spans)}{on}"
            case "keep_free":
                return f"no work {_written(self.spans)}{on}"
            case "day_off":
                return f"no work{on}"
            case "no_meetings":
                return f"no calls or meetings{on}"
            case "buffer":
                return f"{self.minutes} minutes between blocks"
            case _:
                return f"{_WEIGHED[self.weight]} {_MATTERS[self.strength]}"

    @property
    def says(self) -> str:
        return f"{self.asks}, because you said: “{self.source}”"

    @property
    def about(self) -> tuple[str, ...]:
        """Two rules about the same thing cannot both hold: the newer one does."""
        side = ("until" if self.spans[0][0] == time.min else "from" if self.spans[0][1] == time.max else "between") if self.kind == "clip" else ""
        spans = tuple(f"{a}-{b}" for a, b in self.spans) if self.kind == "keep_free" else ()
        return (self.kind, self.energy, self.weight, side, *self.days, *spans)


def document_of(rule: Rule) -> dict[str, Any]:
    """A rule as it is stored and answered; `rule_from` reads it back."""
    return {
        "kind": rule.kind,
        "says": rule.says,
        "source": rule.source,
        "memory_id": rule.memory_id,
        "energy": rule.energy,
        "spans": [[a.isoformat(), b.isoformat()] for a, b in rule.spans],
        "days": list(rule.days),
        "minutes": rule.minutes,
        "weight": rule.weight,
        "strength": rule.strength,
        "read_by": rule.read_by,
    }


def rule_from(document: Mapping[str, Any]) -> Rule:
    return Rule(
        document["kind"],
        document["source"],
        document["memory_id"],
        document["energy"],
        tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in document["spans"]),
        tuple(document["days"]),
        document.get("minutes", 0),
        document.get("weight", ""),
        document.get("strength", ""),
        document.get("read_by", "rules"),
    )


def newest(rules: Iterable[Rule]) -> list[Rule]:
    """Of two rules about the same thing the later one, each in the place of the first."""
    found: dict[tuple[str, ...], Rule] = {}
    for rule in rules:
        found[rule.about] = rule
    return list(found.values())


def applied(hours: Hours, rules: Iterable[Rule], *, own: Collection[str]) -> tuple[Hours, list[Rule], list[Rule]]:
    """The hours with the rules in force, which ones are, and which were set aside because no working time would be left.

    `own` names what the request says itself, which wins over what is remembered: hours, bands, buffer. Rules on weights pass as in force.
    """
    used: list[Rule] = []
    aside: list[Rule] = []
    for rule in rules:
        changed = hours
        if rule.kind == "band" and "bands" not in own:
            changed = replace(hours, bands={**hours.bands, rule.energy: rule.spans})
        elif rule.kind in ("clip", "keep_free", "day_off") and "hours" not in own:
            days = rule.days or WEEKDAYS
            changed = replace(hours, working={day: _kept(rule, spans) if day in days else spans for day, spans in hours.working.items()})
        elif rule.kind == "buffer" and "buffer" not in own:
            changed = replace(hours, buffer_minutes=rule.minutes)
        elif rule.kind not in ("no_meetings", "weight"):
            continue
        if any(hours.working.values()) and not any(changed.working.values()):
            aside.append(rule)
            continue
        hours = changed
        used.append(rule)
    return hours, used, aside


def weighed(weights: Weights, rules: Iterable[Rule], *, own: Collection[str]) -> tuple[Weights, list[Rule]]:
    """The weights as the rules ask, and those rules that have no say because profile or request name the weight themselves."""
    silent: list[Rule] = []
    for rule in rules:
        if rule.kind != "weight":
            continue
        if rule.weight in own:
            silent.append(rule)
            continue
        factor, now = STRENGTHS[rule.strength], getattr(weights, rule.weight)
        changed: Any = {k: round(v * factor) for k, v in now.items()} if isinstance(now, Mapping) else round(now * factor)
        weights = replace(weights, **{rule.weight: changed})
    return weights, silent


def kept_off(task: Task, rules: Iterable[Rule]) -> Mapping[str, str]:
    """The weekdays on which a task must not stand, each with the memory that says so."""
    if task.fixed_start is not None or not is_meeting(task.title):
        return {}
    return {day: rule.source for rule in rules if rule.kind == "no_meetings" for day in rule.days if day in WEEKDAYS}


def _kept(rule: Rule, spans: Sequence[Span]) -> tuple[Span, ...]:
    if rule.kind == "day_off":
        return ()
    if rule.kind == "clip":
        return tuple((max(a, c), min(b, d)) for a, b in spans for c, d in rule.spans if max(a, c) < min(b, d))
    left = list(spans)
    for c, d in rule.spans:
        left = [piece for a, b in left for piece in ((a, min(b, c)), (max(a, d), b)) if piece[0] < piece[1]]
    return tuple(left)


def _named(days: Sequence[str]) -> str:
    if tuple(days) == ("sat", "sun"):
        return "weekends"
    full = {"mon": "Mondays", "tue": "Tuesdays", "wed": "Wednesdays", "thu": "Thursdays", "fri": "Fridays", "sat": "Saturdays", "sun": "Sundays"}
    return ", ".join(full[day] for day in days)


def _written(spans: Sequence[Span]) -> str:
    return " and ".join(
        f"until {b:%H:%M}" if a == time.min else f"from {a:%H:%M}" if b == time.max else f"between {a:%H:%M} and {b:%H:%M}" for a, b in spans
    )
