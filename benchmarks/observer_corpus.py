"""A second set of true and corrupted reflections, made independently of observer_texts: other words, other ways to write numbers, other lies.

A template is a line of text: {name} is a fact, ⟦true|false⟧ a word that is true and one that would not be.
"""

# ruff: noqa: E501 - a pattern is read best on one line

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from benchmarks.observer_texts import a_week

Kind = Literal["count", "minutes", "percent", "date", "time", "factor", "name", "average", "ratio", "weekday"]
_SLOT = re.compile(r"\{(?P<name>[a-z_.]+)(?::(?P<style>\w+))?\}|⟦(?P<true>[^|⟧]*)\|(?P<false>[^⟧]*)⟧")
_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
         "sixteen", "seventeen", "eighteen", "nineteen"]  # fmt: skip
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_STYLES: dict[str, tuple[str, ...]] = {
    "count": ("digits", "digits", "words"),
    "minutes": ("h min", "glued", "glued m", "clock", "decimal", "comma", "minutes", "spoken", "hm", "long"),
    "percent": ("whole", "one", "word", "per cent", "comma", "tight"),
    "date": ("long", "us", "iso", "short", "german", "ordinal", "us long", "slash"),
    "time": ("24", "12", "dot", "h", "words"),
    "factor": ("times", "x", "words"),
    "average": ("one", "comma"),
    "ratio": ("words", "of", "digits"),
    "weekday": ("long",),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text. `value` None: plain words."""

    text: str
    kind: Kind | None = None
    value: Any = None
    style: str = ""
    false: str | None = None  # the untrue alternative of a word
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    facts: dict[str, Any]
    prose: str
    span: tuple[int, int] | None  # of the sentence that holds the lie
    lie: str = ""


def in_words(n: int) -> str:
    if n < 20:
        return _ONES[n]
    return _TENS[n // 10] + (f"-{_ONES[n % 10]}" if n % 10 else "") if n < 100 else f"{n}"


def written(kind: str, value: Any, style: str) -> str:
    if kind == "count":
        return in_words(value) if style == "words" and value < 100 else f"{value:,}" if style != "dot" else f"{value:,}".replace(",", ".")
    if kind == "average":
        return f"{value:g}".replace(".", ",") if style == "comma" else f"{value:g}"
    if kind == "minutes":
        return _lasting(value, style)
    if kind == "percent":
        whole, exact = f"{_half_up(value)}", f"{value:.1f}"
        return {
            "whole": f"{whole}%", "one": f"{exact}%", "word": f"{whole} percent", "per cent": f"{whole} per cent", "comma": exact.replace(".", ",") + " %",
            "tight": f"{whole} %",
        }[style]  # fmt: skip
    if kind == "date":
        th = "th" if 4 <= value.day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(value.day % 10, "th")
        return {
            "long": f"{value:%A}, {value.day} {value:%B}", "us": f"{value:%b} {value.day}", "iso": value.isoformat(), "short": f"{value.day} {value:%b}",
            "german": f"{value.day}.{value.month}.{value.year}", "ordinal": f"the {value.day}{th} of {value:%B}",
            "us long": f"{value:%A}, {value:%B} {value.day}, {value.year}", "slash": f"{value:%Y}/{value:%m}/{value:%d}",
        }[style]  # fmt: skip
    if kind == "weekday":
        return f"{value:%A}"
    if kind == "time":
        hour, minute = divmod(value, 60)
        twelve, half = (hour - 1) % 12 + 1, "pm" if hour >= 12 else "am"
        if style == "12":
            return f"{twelve}:{minute:02} {half}" if minute else f"{twelve} {half}"
        if style == "words" and minute in (0, 15, 30):
            return {0: f"{in_words(twelve)} o'clock", 15: f"quarter past {in_words(twelve)}", 30: f"half past {in_words(twelve)}"}[minute]
        return f"{hour:02}.{minute:02}" if style == "dot" else f"{hour}h{minute:02}" if style == "h" else f"{hour:02}:{minute:02}"
    if kind == "factor":
        return {"times": f"{value:.1f} times", "x": f"{value:.2f}x", "words": f"{value:.1f} times"}[style]
    part, whole = value
    return (
        f"{in_words(part)} of {in_words(whole)}" if style == "words" and whole < 100 else f"{part} of {whole}" if style == "of" else f"{part}/{whole}"
    )


def _half_up(value: float) -> int:
    return int(value + 0.5)


def _lasting(minutes: int, style: str) -> str:
    hours, rest = divmod(minutes, 60)
    if style == "spoken":
        said = {15: "a quarter of an hour", 30: "half an hour", 45: "three quarters of an hour", 60: "an hour", 75: "an hour and a quarter",
                90: "an hour and a half"}  # fmt: skip
        if minutes in said:
            return said[minutes]
        if rest == 30 and 2 <= hours < 20:
            return f"{in_words(hours)} and a half hours"
        if rest == 0 and 2 <= hours < 20:
            return f"{in_words(hours)} hours"
        return f"{hours} hours and {rest} minutes" if hours > 1 else f"{minutes} minutes"
    if style == "minutes":
        return f"{minutes} minutes" if minutes < 1000 else f"{minutes:,} minutes"
    if style == "decimal":
        return f"{minutes / 60:.1f} hours"
    if style == "comma":
        return f"{minutes / 60:.1f} h".replace(".", ",")
    if style == "clock":
        return f"{hours}:{rest:02} hours"
    if hours and rest:
        return {"h min": f"{hours} h {rest} min", "glued": f"{hours}h{rest:02}", "glued m": f"{hours}h{rest}m", "hm": f"{hours}h {rest}m",
                "long": f"{hours} {'hour' if hours == 1 else 'hours'}, {rest} {'minute' if rest == 1 else 'minutes'}"}[style]  # fmt: skip
    return f"{hours} h" if hours else f"{rest} min"


class Values:
    """The facts under short names. A value that is not there, or would make a sentence untrue, is None."""

    def __init__(self, facts: dict[str, Any], rng: random.Random) -> None:
        now, sprint = facts["rhythm"], facts["sprint"]
        past = (facts["trend"] or {}).get("average") or {}

        def m(hours: float | None) -> int | None:
            return None if hours is None else round(hours * 60)

        known: dict[str, tuple[Kind, Any]] = {
            "done": ("count", now["tasks_completed"]),
            "planned": ("count", now["tasks_planned"] or None),
            "kept": ("count", now["planned_tasks_completed"] if now["tasks_planned"] else None),
            "missed": ("count", now["tasks_planned"] - now["planned_tasks_completed"] or None),
            "kept_ratio": ("ratio", (now["planned_tasks_completed"], now["tasks_planned"]) if now["tasks_planned"] else None),
            "rate": ("percent", now["completion_percent"]),
            "missed_rate": ("percent", None if now["completion_percent"] is None else round(100 - now["completion_percent"], 1)),
            "work": ("minutes", m(now["worked_hours"])),
            "deep": ("minutes", m(now["deep_work_hours"]) or None),
            "deep_share": ("percent", 100 * now["deep_work_hours"] / now["worked_hours"] if now["deep_work_hours"] else None),
            "meet": ("minutes", m(now["meeting_hours"]) or None),
            "meetings": ("count", now["meetings"] or None),
            "bill": ("minutes", m(now["billable_hours"]) or None),
            "nonbill": ("minutes", m(now["not_billable_hours"]) or None),
            "unmarked": ("minutes", m(now["unmarked_hours"]) or None),
            "bill_all": (
                "minutes",
                m(now["billable_hours"] + now["not_billable_hours"]) if now["billable_hours"] and now["not_billable_hours"] else None,
            ),
            "sched": ("minutes", m(now["scheduled_hours"]) or None),
            "switches": ("count", now["context_switches"] or None),
            "events": ("count", facts["activity"]["events"]),
            "runs": ("count", now["runs"]),
            "slips": ("count", len(facts["slipped"]) or None),
            "from": ("date", date.fromisoformat(facts["starts_on"])),
            "to": ("date", date.fromisoformat(facts["ends_on"])),
            "sprint_plan": ("minutes", m(sprint["planned_billable_hours"]) if sprint else None),
            "sprint_done": ("minutes", m(sprint["actual_billable_hours"]) if sprint else None),
            "sprint_share": ("percent", sprint["share_percent"] if sprint else None),
            "sprint_left": ("minutes", m(max(0, sprint["planned_billable_hours"] - sprint["actual_billable_hours"])) or None if sprint else None),
            "bill_share": ("percent", sprint["billable_share_percent"] if sprint else None),
            "plans": ("count", len(facts["plans_made"]) or None),
        }
        if past:
            known |= {
                "avg_done": ("average", past["tasks_completed"]),
                "avg_work": ("minutes", m(past["worked_hours"])),
                "avg_deep": ("minutes", m(past["deep_work_hours"]) or None),
                "avg_meet": ("minutes", m(past["meeting_hours"]) or None),
                "avg_rate": ("percent", past["completion_percent"]),
            }
            for name, a, b in (("work", now["worked_hours"], past["worked_hours"]), ("deep", now["deep_work_hours"], past["deep_work_hours"])):
                gap = round((a - b) * 60)
                known[f"{name}_more"] = ("minutes", gap if gap >= 20 else None)
                known[f"{name}_less"] = ("minutes", -gap if gap <= -20 else None)
        last = (facts["trend"] or {}).get("earlier_weeks") or []
        if last:
            known["last_done"] = ("count", last[0]["tasks_completed"])
            known["last_work"] = ("minutes", m(last[0]["worked_hours"]))
        for prefix, key in (("c", "completed"), ("d", "drift"), ("s", "slipped"), ("u", "upcoming"), ("t", "running"), ("e", "by_type")):
            known |= self._record(prefix, key, facts, rng)
        self.known = known

    def _record(self, prefix: str, key: str, facts: dict[str, Any], rng: random.Random) -> dict[str, tuple[Kind, Any]]:
        if key == "by_type":
            kinds = list(facts["activity"]["by_type"].items())
            if not kinds:
                return {}
            name, n = rng.choice(kinds)
            others = [other for other, m in kinds if m != n]
            return {"e.name": ("name", (name, tuple(others))), "e.count": ("count", n)}
        named = [each.get("title") or each.get("name") for each in facts[key]]
        elsewhere = {each["title"] for other in ("upcoming", "running", "slipped") if other != key for each in facts[other]}
        single = [each for each, name in zip(facts[key], named, strict=True) if named.count(name) == 1 and name not in elsewhere]
        if not single:
            return {}
        one = single[0] if key == "upcoming" else rng.choice(single)
        others = [each for each in single if each is not one]

        def m(hours: float | None) -> int | None:
            return None if hours is None else round(hours * 60)

        found: dict[str, tuple[Kind, Any]] = {}

        def differ(field: str, least: float) -> tuple[str, ...]:
            return tuple(o["title"] for o in others if o.get(field) is not None and abs(o[field] - one[field]) > least)

        if key == "completed":
            found["c.name"] = ("name", (one["title"], differ("actual_hours", 0.6)))
            found["c.actual"] = ("minutes", m(one["actual_hours"]))
            if one["estimated_hours"]:
                found["c.estimate"] = ("minutes", m(one["estimated_hours"]))
                gap = m(one["actual_hours"]) - m(one["estimated_hours"])  # type: ignore[operator]
                found["c.over_by"] = ("minutes", gap if gap >= 10 else None)
                found["c.under_by"] = ("minutes", -gap if gap <= -10 else None)
                off = abs(one["actual_hours"] / one["estimated_hours"] - 1) * 100
                found["c.over_percent"] = ("percent", off if gap >= 10 else None)
                found["c.under_percent"] = ("percent", off if gap <= -10 else None)
                found["c.times"] = ("factor", one["actual_hours"] / one["estimated_hours"] if gap >= 10 else None)
        elif key == "drift":
            found["d.name"] = ("name", (one["name"], ()))
            found["d.kind"] = ("name", (one["kind"], ()))
            found["d.runs"] = ("count", one["runs"])
            found["d.over"] = ("percent", one["drift_percent"] if one["direction"] == "over" else None)
            found["d.under"] = ("percent", one["drift_percent"] if one["direction"] == "under" else None)
            found["d.actual"], found["d.estimate"] = ("minutes", m(one["actual_hours"])), ("minutes", m(one["estimated_hours"]))
            found["d.factor"] = ("factor", one["typical_factor"])
        elif key == "slipped":
            found["s.name"] = ("name", (one["title"], tuple(o["title"] for o in others if o["planned_on"] != one["planned_on"])))
            found["s.on"] = found["s.day"] = ("date", date.fromisoformat(one["planned_on"]))
            found["s.day"] = ("weekday", date.fromisoformat(one["planned_on"]))
            found["s.to"] = ("date", date.fromisoformat(one["moved_to_on"]) if one["moved_to_on"] else None)
        elif key in ("upcoming", "running"):
            moment = datetime.fromisoformat(one["starts_at" if key == "upcoming" else "since_at"])
            found[f"{prefix}.name"] = ("name", (one["title"], ()))
            found[f"{prefix}.at"] = ("time", moment.hour * 60 + moment.minute)
            found[f"{prefix}.on"] = ("date", moment.date())
            found[f"{prefix}.day"] = ("weekday", moment.date())
            if key == "upcoming":
                found["u.lasts"] = ("minutes", m(one["lasts_hours"]))
        return found


def made(template: str, values: Values, rng: random.Random) -> list[Piece] | None:
    pieces: list[Piece] = []
    at = 0
    for match in _SLOT.finditer(template):
        pieces.append(Piece(template[at : match.start()]))
        at = match.end()
        if match["name"] is None:
            pieces.append(Piece(match["true"], false=match["false"]))
            continue
        kind, value = values.known.get(match["name"], ("count", None))
        if value is None:
            return None
        if kind == "name":
            pieces.append(Piece(rng.choice(["“{}”", '"{}"', "**{}**", "'{}'", "*{}*"]).format(value[0]), "name", value))
            continue
        style = match["style"] or rng.choice(_STYLES[kind])
        if kind == "count" and value > 20 and style == "words":
            style = "digits"
        text = written(kind, value, style)
        pieces.append(
            Piece(text[0].upper() + text[1:] if not "".join(p.text for p in pieces).strip("-* |") else text, kind, value, style, slot=match["name"])
        )
    pieces.append(Piece(template[at:]))
    return pieces


def _moved(piece: Piece, rng: random.Random) -> Any:
    value = piece.value
    if piece.kind == "count":
        return max(0, rng.choice([value + 1, value - 1, value + rng.randrange(2, 9), value * 2, value * 10, value - 2]))
    if piece.kind == "average":
        return round(max(0.1, rng.choice([value + 1, value - 1, value * 2, value + 0.4])), 1)
    if piece.kind == "minutes":
        return max(
            1, rng.choice([value + 7, value - 7, value + 60, value - 60, value * 2, value // 2, round(value * rng.uniform(0.4, 1.8)), value + 600])
        )
    if piece.kind == "percent":
        return max(0.0, round(rng.choice([value + rng.uniform(2, 30), value - rng.uniform(2, 30), 100 - value, value / 2]), 1))
    if piece.kind in ("date", "weekday"):
        return value + timedelta(days=rng.choice([-9, -3, -2, -1, 1, 2, 4, 30] if piece.kind == "date" else [-2, -1, 1, 2]))
    if piece.kind == "time":
        return (value + rng.choice([-60, -15, 5, 30, 60, 120])) % 1440
    if piece.kind == "factor":
        return round(max(0.1, value + rng.choice([-0.6, -0.3, 0.3, 0.5, 1])), 2)
    part, whole = value
    return rng.choice([(part + 1, whole), (max(0, part - 1), whole), (part, whole + 1), (part, whole + 2)])


def falsified(piece: Piece, rng: random.Random) -> Piece:
    """The same piece with a value that is false however it is rounded."""
    for _ in range(200):
        value = _moved(piece, rng)
        if piece.kind == "minutes":
            step = 60 if value % 60 == 0 else 6 if piece.style in ("decimal", "comma") else 1
            if abs(value - piece.value) <= step:
                continue
        if piece.kind == "percent" and abs(value - piece.value) <= 1.2:
            continue
        text = written(piece.kind or "", value, piece.style)
        if text.lower() != piece.text.lower():
            return replace(piece, text=text, value=value)
    raise AssertionError(piece)


def samples(seed: int, templates: Sequence[str], *, sentences: int = 8) -> tuple[Sample, Sample]:
    """A true text, and the same one with one lie."""
    rng = random.Random(seed)
    facts = a_week(rng)
    values = Values(facts, rng)
    told: list[list[Piece]] = []
    for template in rng.sample(list(templates), len(templates)):
        pieces = made(template, values, rng)
        if pieces is not None:
            is_sentence = template[-1] in ".!?"
            if told and template[0] in "-|*" and template[:1] != "{":
                pieces[0] = replace(pieces[0], text="\n" + pieces[0].text)
            told.append([*pieces, Piece(rng.choice(["\n", " ", "\n\n", " "]) if is_sentence else "\n")])
        if len(told) == sentences:
            break
    true = "".join(piece.text for pieces in told for piece in pieces)
    chosen, new, lie = _lie(told, rng)
    start = sum(len(piece.text) for pieces in told[:chosen] for piece in pieces)
    false = "".join(piece.text for pieces in [*told[:chosen], new, *told[chosen + 1 :]] for piece in pieces)
    return Sample(facts, true, None), Sample(facts, false, (start, start + sum(len(piece.text) for piece in new)), lie)


def _lie(told: list[list[Piece]], rng: random.Random) -> tuple[int, list[Piece], str]:
    """Which sentence, what it then says, and the sort of lie."""
    while True:
        n = rng.randrange(len(told))
        pieces = list(told[n])
        sort = rng.choice(["value", "value", "value", "another's", "swapped", "direction", "subject", "unit"])
        numbers = [i for i, p in enumerate(pieces) if p.kind not in (None, "name")]
        if sort == "value" and numbers:
            i = rng.choice(numbers)
            pieces[i] = falsified(pieces[i], rng)
            return n, pieces, f"value of {pieces[i].kind}"
        if sort == "another's" and numbers:
            i = rng.choice(numbers)
            others = [p for sentence in told for p in sentence if p.kind == pieces[i].kind and differs(p, pieces[i])]
            if others and pieces[i].kind not in ("date", "weekday"):
                other = rng.choice(others)
                pieces[i] = replace(pieces[i], text=other.text, value=other.value)
                return n, pieces, sort
        if sort == "swapped":
            pairs = [(i, j) for i in numbers for j in numbers if i < j and pieces[i].kind == pieces[j].kind and differs(pieces[i], pieces[j])]
            if pairs:
                i, j = rng.choice(pairs)
                pieces[i], pieces[j] = pieces[j], pieces[i]
                return n, pieces, sort
        if sort == "direction":
            words = [i for i, p in enumerate(pieces) if p.false]
            if words:
                i = rng.choice(words)
                pieces[i] = Piece(pieces[i].false or "")
                return n, pieces, sort
        if sort == "subject" and any(p.slot in ("c.actual", "s.on", "s.day") for p in pieces):
            named = [i for i, p in enumerate(pieces) if p.kind == "name" and p.value[1]]
            if named:
                i = rng.choice(named)
                pieces[i] = Piece(f"“{rng.choice(pieces[i].value[1])}”", "name", pieces[i].value)
                return n, pieces, sort
        if sort == "unit":
            short = [i for i in numbers if pieces[i].kind == "minutes" and 2 <= pieces[i].value < 60]
            if short:
                i = rng.choice(short)
                pieces[i] = replace(pieces[i], text=f"{pieces[i].value} hours")
                return n, pieces, sort


def differs(one: Piece, other: Piece) -> bool:
    if one.kind == "minutes":
        return bool(abs(one.value - other.value) > 40)
    if one.kind == "percent":
        return bool(abs(one.value - other.value) > 1.2)
    if one.kind in ("average", "factor"):
        return bool(abs(one.value - other.value) > 0.3)
    return bool(one.value != other.value)
