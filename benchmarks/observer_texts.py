"""True and corrupted reflections in many words, made from seeds: what the checker of numbers is measured on.

Two sets of wordings: the checker was worked on with `TUNING` alone; `HELD_OUT` was written with it and is only for reporting.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from planner_memory.observer_agent.assembly import Rows, assembled
from planner_memory.observer_agent.facts import document
from planner_memory.observer_agent.periods import ahead, dated
from planner_memory.ports.calendar import CalendarEvent
from planner_memory.ports.facts import EventCount, FinishedRun, MadePlan, RunningTimer, ScheduledBlock, Sprint

Kind = Literal["count", "minutes", "percent", "date", "time"]
TZ = ZoneInfo("Europe/Berlin")
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
TITLES = (
    "Draft the offer", "Audit of 3 sites", "Invoice run", "Onboard Acme", "Sprint 14 review", "Call 2 with legal", "Data model v2", "Write report",
    "Migration plan", "Fix the export", "Workshop slides", "Quarterly numbers", "Interview notes", "Price list 2027", "Security answers",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slot:
    """One number of a text: what it says, and how it is written."""

    kind: Kind
    value: Any
    text: str
    style: str


Part = str | Slot
Wording = Callable[["Told"], "list[Part] | None"]


@dataclass(frozen=True, slots=True)
class Text:
    facts: dict[str, Any]
    prose: str
    corrupted: tuple[int, int] | None  # where the false number stands
    corruption: str = ""


def a_week(rng: random.Random) -> dict[str, Any]:
    """The facts of a believable week, computed by the product from rows."""
    monday = date(2026, 1, 5) + timedelta(weeks=rng.randrange(100))
    period = dated("weekly", monday, TZ)
    titles = rng.sample(TITLES, 12)
    runs, blocks, calendar = [], [], []
    for day in range(-28, 5):
        at = period.start + timedelta(days=day, hours=8)
        for n in range(rng.randrange(1, 4)):
            lasts = timedelta(minutes=5 * rng.randrange(5, 37))
            title = titles[(day * 3 + n) % 12]
            estimate = None if rng.random() < 0.2 else lasts / timedelta(hours=1) * rng.uniform(0.5, 1.4)
            took = lasts / timedelta(hours=1)
            key = f"t{day}-{n}"
            runs.append(_run(rng, key, title, at, at + lasts, took, estimate))
            at += lasts + timedelta(minutes=5 * rng.randrange(0, 8))
        if rng.random() < 0.6:
            start = period.start + timedelta(days=day, hours=14)
            calendar.append(CalendarEvent(f"m{day}", "Call", start, start + timedelta(minutes=15 * rng.randrange(1, 9))))
    for n, title in enumerate(rng.sample(titles, rng.randrange(3, 9))):
        start = period.start + timedelta(days=rng.randrange(5), hours=9 + rng.randrange(7))
        task = rng.choice([r.task_id for r in runs[-8:]]) if rng.random() < 0.6 else f"open{n}"
        blocks.append(ScheduledBlock(f"e{n}", task or "", title, start, start + timedelta(minutes=30 * rng.randrange(1, 5)), rng.random() < 0.5))
    start = period.end + timedelta(days=rng.randrange(4), hours=9)
    blocks.append(ScheduledBlock("next", "next", titles[0], start, start + timedelta(minutes=90), True))
    names = ("note", "task_created", "calendar_update", "mail")
    rows = Rows(
        events=[EventCount(name, "n8n", rng.randrange(1, 60)) for name in names[: rng.randrange(1, 5)]],
        runs=runs,
        running=[RunningTimer("r", titles[5], period.end - timedelta(hours=rng.randrange(5, 80), minutes=rng.randrange(60)))]
        if rng.random() < 0.3
        else [],
        blocks=blocks,
        finished=frozenset(),
        plans_made=[MadePlan(None, titles[n], "draft", period.start) for n in range(rng.randrange(0, 3))],  # type: ignore[arg-type]
        plans_due=[],
        sprint=Sprint("s", f"Sprint {rng.randrange(10, 60)}", monday, monday + timedelta(days=13), rng.randrange(10, 40)),  # type: ignore[arg-type]
        calendar=calendar,
    )
    facts = assembled(rows, period, TZ, next_window=ahead("weekly", period, TZ), is_weekly=True, now=period.end)
    found: dict[str, Any] = document(facts)
    return found


def _run(rng: random.Random, key: str, title: str, start: datetime, end: datetime, took: float, estimate: float | None) -> FinishedRun:
    from_hours = FinishedRun.__dataclass_fields__  # the row may have grown; what is new keeps its default
    given: dict[str, Any] = {
        "run_id": key,
        "task_id": key,
        "title": title,
        "plan_id": None,
        "workflow_id": rng.choice(["audits", "offers", None]),
        "process_template_id": None,
        "started_at": start,
        "ended_at": end,
        "actual_hours": _decimal(took),
        "whole_hours": _decimal(took),
        "estimated_hours": None if estimate is None else _decimal(round(estimate * 12) / 12),
        "billable": rng.choice([True, False, None]),
        "is_done": rng.random() < 0.8,
        "outcome_notes": None,
    }
    return FinishedRun(**{name: value for name, value in given.items() if name in from_hours})


def _decimal(hours: float) -> Any:
    from decimal import Decimal  # noqa: PLC0415

    return Decimal(round(hours * 3600)) / 3600


class Told:
    """The facts as a writer of wordings reaches them; every number becomes a slot."""

    def __init__(self, facts: dict[str, Any], rng: random.Random) -> None:
        self.facts, self.rng = facts, rng
        self.now, self.sprint = facts["rhythm"], facts["sprint"]
        self.past = (facts["trend"] or {}).get("average")

    def n(self, value: int) -> Slot:
        style = self.rng.choice(["digits", "digits", "words"]) if value <= 12 else "digits"
        return written("count", value, style)

    def h(self, hours: float) -> Slot:
        return written("minutes", round(hours * 60), self.rng.choice(["h min", "h min", "hours", "minutes", "colon", "spoken", "glued"]))

    def p(self, percent: float) -> Slot:
        return written("percent", percent, self.rng.choice(["exact", "whole", "word"]))

    def d(self, iso: str) -> Slot:
        return written("date", date.fromisoformat(iso[:10]), self.rng.choice(["long", "iso", "us", "short"]))

    def t(self, iso: str) -> Slot:
        moment = datetime.fromisoformat(iso)
        return written("time", moment.hour * 60 + moment.minute, self.rng.choice(["24", "12"]))

    def one(self, key: str) -> Any:
        return self.rng.choice(self.facts[key]) if self.facts[key] else None


def written(kind: Kind, value: Any, style: str) -> Slot:
    """A value in a style."""
    if kind == "count":
        text = WORDS[value] if style == "words" and 0 <= value <= 12 else f"{value:,}"
    elif kind == "minutes":
        text = _lasting(value, style)
    elif kind == "percent":
        text = {"exact": f"{value:g} %", "whole": f"{_half_up(value)}%", "word": f"{value:g} percent"}[style]
    elif kind == "date":
        forms = {"long": f"{value:%A} {value.day} {value:%B %Y}", "iso": value.isoformat(), "us": f"{value:%B} {value.day}"}
        text = forms.get(style, f"{value.day} {value:%b}")
    else:
        hour, minute = divmod(value, 60)
        text = f"{hour:02}:{minute:02}" if style == "24" else f"{(hour - 1) % 12 + 1}:{minute:02} {'pm' if hour >= 12 else 'am'}"
    return Slot(kind, value, text, style)


def _half_up(value: float) -> int:
    return int(value + 0.5)


def _lasting(minutes: int, style: str) -> str:
    hours, rest = divmod(minutes, 60)
    if style == "spoken" and minutes == 30:
        return "half an hour"
    if style == "spoken" and minutes == 90:
        return "an hour and a half"
    if style == "spoken" and rest == 30 and 2 <= hours <= 12:
        return f"{WORDS[hours]} and a half hours"
    if style == "minutes" and minutes < 600:
        return f"{minutes} minutes"
    if style == "colon":
        return f"{hours}:{rest:02} h"
    if style == "hours":
        return f"{minutes / 60:.1f} hours"
    if style == "glued" and rest:
        return f"{hours}h{rest:02}"
    if hours and rest:
        return f"{hours} h {rest} min" if style == "h min" else f"{hours} hours and {rest} minutes"
    return f"{hours} h" if hours else f"{rest} min"


def falsified(slot: Slot, rng: random.Random) -> Slot:
    """The same slot with a value that is false however it is rounded."""
    while True:
        value = _moved(slot, rng)
        made = written(slot.kind, value, slot.style)
        if slot.kind == "minutes" and slot.style == "hours" and abs(value - slot.value) <= 6:
            continue
        if slot.kind == "minutes" and value % 60 == 0 and abs(value - slot.value) <= 30:
            continue  # whole hours are the true value, rounded
        if slot.kind == "percent" and _half_up(value) == _half_up(slot.value):
            continue
        if made.text != slot.text:
            return made


def _moved(slot: Slot, rng: random.Random) -> Any:
    value = slot.value
    if slot.kind == "count":
        return max(0, rng.choice([value + 1, value - 1, value + rng.randrange(2, 9), value * 2, value * 10, value - 2]))
    if slot.kind == "minutes":
        return max(1, rng.choice([value + 5, value - 5, value + 60, value - 60, value * 2, round(value * rng.uniform(0.4, 1.8)), value * 60]))
    if slot.kind == "percent":
        return max(0.0, round(rng.choice([value + rng.uniform(2, 30), value - rng.uniform(2, 30), 100 - value]), 1))
    if slot.kind == "date":
        return value + timedelta(days=rng.choice([-9, -3, -2, -1, 1, 2, 4, 30]))
    return (value + rng.choice([-60, -15, 5, 30, 60, 120, 720])) % 1440


def texts(seed: int, wordings: Sequence[Wording], *, sentences: int = 9) -> tuple[Text, Text]:
    """A true text and the same one with one number falsified, or two of them exchanged."""
    rng = random.Random(seed)
    facts = a_week(rng)
    told = Told(facts, rng)
    parts: list[Part] = []
    for wording in rng.sample(list(wordings), len(wordings)):
        made = wording(told)
        if made is not None:
            parts += [*made, rng.choice([" ", "\n\n", " ", "\n- "])]
            sentences -= 1
        if not sentences:
            break
    true = "".join(p if isinstance(p, str) else p.text for p in parts)
    slots = [i for i, p in enumerate(parts) if isinstance(p, Slot)]
    chosen = rng.choice(slots)
    old = parts[chosen]
    assert isinstance(old, Slot)
    how = "changed"
    false = falsified(old, rng)
    if rng.random() < 0.2:
        same = [p for i in slots if isinstance(p := parts[i], Slot) and p.kind == old.kind and _differs(p, old)]
        if same:
            how, false = "another fact's", replace(old, text=(other := rng.choice(same)).text, value=other.value)
    elif old.kind == "minutes" and old.style in ("h min", "minutes") and old.value < 60 and rng.random() < 0.2:
        how, false = "unit", replace(old, text=f"{old.value} hours")
    start = sum(len(p if isinstance(p, str) else p.text) for p in parts[:chosen])
    wrong = "".join(p if isinstance(p, str) else p.text for p in [*parts[:chosen], false, *parts[chosen + 1 :]])
    return Text(facts, true, None), Text(facts, wrong, (start, start + len(false.text)), how)


def _differs(one: Slot, other: Slot) -> bool:
    if one.kind == "minutes":
        return bool(abs(one.value - other.value) > 30)
    if one.kind == "percent":
        return bool(abs(one.value - other.value) > 1)
    return bool(one.value != other.value)
