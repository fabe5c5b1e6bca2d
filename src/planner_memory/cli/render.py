"""Answers of the product as tables and text for a terminal."""

import importlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Answer = Mapping[str, Any]
_MOST_CHARACTERS = 600  # of a memory in a list


def duration(hours: float) -> str:
    """1.5 becomes "1 h 30", 0.75 "45 min"; rounded to whole minutes."""
    minutes = round(hours * 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" + (f" {minutes % 60:02}" if minutes % 60 else "")


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def local(instant: str | datetime | None, tz: ZoneInfo) -> str:
    """An instant on the person's clock: "Mon 15 Mar 09:15", with the year when it is not this one's."""
    if instant is None:
        return ""
    moment = (datetime.fromisoformat(instant) if isinstance(instant, str) else instant).astimezone(tz)
    year = "" if moment.year == datetime.now(tz).year else f" {moment.year}"
    return f"{moment:%a} {moment.day} {moment:%b}{year} {moment:%H:%M}"


def span(start: str, end: str, tz: ZoneInfo) -> str:
    """Two instants as one: the end's day is only said when it is another one."""
    from_, to = datetime.fromisoformat(start).astimezone(tz), datetime.fromisoformat(end).astimezone(tz)
    return f"{local(from_, tz)}–{to:%H:%M}" if from_.date() == to.date() else f"{local(from_, tz)} – {local(to, tz)}"


def zone_note(tz: ZoneInfo) -> Text:
    return Text(f"Times in {tz.key}.", "dim")


def _table(*columns: str, numbers: Sequence[str] = (), wide: Sequence[str] = ()) -> Table:
    """Headings become columns; `numbers` are set to the right, and only `wide` ones wrap."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        table.add_column(
            name, justify="right" if name in numbers else "left", no_wrap=name not in wide, overflow="fold" if name in wide else "ellipsis"
        )
    return table


def _titled(title: str, *parts: RenderableType) -> Group:
    return Group(Text(title, "bold"), *parts)


def remembered(answer: Answer) -> RenderableType:
    stores = ", ".join(answer["stored_in"])
    again = " It was known already." if answer.get("deduplicated") else ""
    waiting = f" Still to reach: {', '.join([*answer['pending'], *answer['failed']])}." if answer["pending"] or answer["failed"] else ""
    return Text(f"Remembered as {answer['memory_id']} in {stores}.{again}{waiting}")


def shortened(text: str, most_lines: int = 8) -> str:
    """As much of it as a list has room for, without empty lines."""
    lines = [line for line in text.splitlines() if line.strip()]
    shown = "\n".join(lines[:most_lines])
    cut = shown if len(shown) <= _MOST_CHARACTERS else shown[:_MOST_CHARACTERS].rsplit(" ", 1)[0]
    return cut if cut == "\n".join(lines) else f"{cut} …"


def recalled(answer: Answer, tz: ZoneInfo) -> RenderableType:
    if not answer["results"]:
        return Text("Nothing like that is remembered.")
    table = _table("score", "when", "kind", "content", numbers=("score",), wide=("content",))
    for found in answer["results"]:
        table.add_row(f"{found['score']:.2f}", local(found["occurred_at"], tz), found["memory_type"], Text(shortened(found["content"])))
    notes = [f"{answer['total']} found in {answer['took_ms']:.0f} ms{', from the cache' if answer.get('cached') else ''}."]
    notes += [f"Without {reason}." for reason in answer.get("degraded") or ()]
    return Group(table, Text(" ".join(notes), "dim"))


def plan_table(plan: Answer) -> RenderableType:
    table = _table("#", "task", "estimate", "p80", "after", "energy", numbers=("#", "estimate", "p80"), wide=("task",))
    for step in plan["checklist"]:
        estimate = step["estimate"]
        after = ", ".join(str(n) for n in step["dependencies"])
        energy = f"{step.get('energy') or ''}{' · billable' if step.get('billable') else ''}"
        table.add_row(str(step["step_number"]), Text(step["title"]), duration(estimate["p50"]), duration(estimate["p80"]), after, energy)
    whole = plan["estimate"]
    by = {"rules": "made by rules", "model": "written by the model"}.get(plan.get("generator", ""), "")
    revision = f", revision {plan['revision']}" if plan.get("revision", 1) > 1 else ""
    foot = f"{duration(whole['p50'])} in all, {duration(whole['p80'])} with the reserve. {plan['status'].capitalize()}, {by}{revision}."
    done = [Text(f"• {each}") for each in (plan.get("revised") or {}).get("done", ())]
    return _titled(plan["name"], *done, *_considered(plan), table, Text(foot, "dim"), Text(f"plan {plan['plan_id']}", "dim"))


def _considered(plan: Answer) -> list[RenderableType]:
    """Where the person stands and what was weighed, when the plan was made at several scales."""
    manifold = (plan.get("metadata") or {}).get("manifold")
    if not manifold:
        return []
    table = _table("option", "next day", "weeks", "months", wide=("option", "next day", "weeks", "months"))
    for option in manifold["options"]:
        leads, chosen = option["trajectory"], option["name"].casefold() == manifold["chosen"].casefold()
        table.add_row(Text(option["name"], "bold" if chosen else ""), *(Text(leads[when]) for when in ("day", "weeks", "months")))
    position = manifold["position"]
    said = [Text(f"{label}: {position[key]}") for label, key in (("Now", "now"), ("Missing", "missing"), ("By itself", "pull"))]
    return [
        *said,
        *(Text(f"{s['scale'].capitalize()}: {s['finding']}") for s in manifold["scales"]),
        table,
        Text(f"Chosen: {manifold['why']}"),
        Text(),
    ]


def plans_table(answer: Answer, tz: ZoneInfo) -> RenderableType:
    plans = answer["plans"]
    if not plans:
        return Text('No plans yet. Make one: planner-memory plan "Onboard the new client Acme"')
    table = _table("plan", "status", "made", "name", wide=("name",))
    for plan in plans:
        table.add_row(str(plan["plan_id"]), plan["status"], local(plan.get("created_at"), tz), Text(plan.get("name") or plan.get("intent") or ""))
    return Group(table, zone_note(tz))


def today_view(answer: Answer, tz: ZoneInfo) -> RenderableType:
    running, blocks, finished = answer["running"], answer["blocks"], answer["finished"]
    states = {**{run["task_id"]: "done" for run in finished}, **{run["task_id"]: "running" for run in running}}
    parts: list[RenderableType] = []
    if running:
        parts.append(Text("Running", "bold"))
        parts += [Text(f"  {run.get('title') or run['task_id']}, since {local(run['started_at'], tz)}") for run in running]
    if blocks:
        table = _table("when", "state", "task", wide=("task",))
        for block in blocks:
            task_id = str(block["task_id"])
            task = Text("\n").join([Text(str(block.get("title") or task_id)), Text(task_id, "dim")])  # a column of ids would leave titles no room
            table.add_row(span(block["start"], block["end"], tz), states.get(task_id, ""), task)
        parts.append(_titled("Today", table))
    if finished:
        parts.append(Text("Done today", "bold"))
        hours: dict[str, float] = {}
        for run in finished:
            title = run.get("title") or run["task_id"]
            hours[title] = hours.get(title, 0) + (run.get("actual_hours") or 0)
        parts += [Text(f"  {title}, {duration(taken)}") for title, taken in hours.items()]
    return Group(*(parts or [Text("Nothing is scheduled for today.")]), zone_note(tz))


def runs_table(answer: Answer, tz: ZoneInfo) -> RenderableType:
    runs = answer["execution_runs"]
    if not runs:
        return Text("No runs yet. Start a task's clock: planner-memory start TASK")
    table = _table("started", "task", "estimate", "actual", "notes", numbers=("estimate", "actual"), wide=("task", "notes"))
    for run in runs:
        table.add_row(local(run["started_at"], tz), Text(run.get("title") or run["task_id"]), *_run_hours(run), Text(run.get("outcome_notes") or ""))
    return Group(table, zone_note(tz))


def _run_hours(run: Answer) -> tuple[str, str]:
    estimated, actual = run.get("estimated_hours"), run.get("actual_hours")
    return duration(estimated) if estimated is not None else "", duration(actual) if actual is not None else "running"


def run_line(run: Answer, tz: ZoneInfo) -> Text:
    estimated, actual = _run_hours(run)
    against = f" (estimated {estimated})" if estimated else ""
    state = f"running since {local(run['started_at'], tz)}" if run.get("actual_hours") is None else f"{actual}{against}"
    return Text(f"{run.get('title') or run['task_id']}: {state}.")


def left_out(answer: Answer, titles: Mapping[str, str], tz: ZoneInfo) -> RenderableType | None:
    """What found no place, and why; None when everything did."""
    if not answer.get("unscheduled"):
        return None
    table = _table("did not fit", "why", "earliest", wide=("did not fit", "why"))
    for task in answer["unscheduled"]:
        title = titles.get(task["task_id"]) or task["task_id"]
        helps = "".join(f"\n→ {hint}" for hint in task.get("fits_if") or ())
        table.add_row(Text(title), Text(_named(task["reason"] + helps, titles)), local(task.get("earliest_possible"), tz))
    return table


def _named(text: str, titles: Mapping[str, str]) -> str:
    """The text with tasks named by their titles; longer ids first, as plan:…:1 begins plan:…:10."""
    for task_id in sorted(titles, key=len, reverse=True):
        text = text.replace(task_id, f"“{titles[task_id]}”")
    return text


def done_line(answer: Answer) -> Text:
    """A finished task. Without recorded time the answer's warnings say so."""
    run, hours, state = answer.get("run") or {}, answer.get("actual_hours"), answer.get("plan_status")
    took = f" after {duration(hours)}" if hours else ""
    plan = f" The plan is {state}." if state else ""
    return Text(f"{run.get('title') or answer['task_id']}: done{took}.{plan}")


def markdown(text: str) -> RenderableType:
    """Its library takes 60 ms to load, for which most commands need not wait."""
    shown: RenderableType = importlib.import_module("rich.markdown").Markdown(text)
    return shown


def reflection(answer: Answer) -> RenderableType:
    return markdown(answer["content"])


def facts(answer: Answer, tz: ZoneInfo) -> RenderableType:
    table = _table("fact", "value", wide=("value",))
    for name, value in _flat(answer["facts"]):
        table.add_row(name, Text(value))
    period = answer["period"]
    return _titled(f"Facts of {local(period['start'], tz)} – {local(period['end'], tz)}", table, zone_note(tz))


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        if isinstance(value, Mapping):
            out += _flat(value, f"{name} · ")
        elif isinstance(value, list):
            out.append((name, str(len(value)) if value and isinstance(value[0], (dict, list)) else ", ".join(map(str, value))))
        else:
            out.append((name, "–" if value is None else str(value)))
    return out


def profile_table(profile: Answer) -> RenderableType:
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    hours, bands = profile["working_hours"], profile["energy_bands"]
    table.add_row("time zone", profile["time_zone"])
    table.add_row("working hours", "\n".join(f"{day} {_spans(hours.get(day) or [])}" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")))
    table.add_row("public holidays", profile.get("holidays_country") or "none")
    table.add_row("energy", "\n".join(f"{band} {_spans(bands[band])}" for band in ("high", "medium", "low") if band in bands))
    table.add_row("buffer", duration(profile["buffer_minutes"] / 60) if profile["buffer_minutes"] else "none")
    largest = profile.get("largest_task_minutes")
    table.add_row("largest task", duration(largest / 60) if largest else "any")
    if profile.get("exceptions"):
        table.add_row("other days", "\n".join(f"{day} {_spans(spans)}" for day, spans in profile["exceptions"].items()))
    return Group(table) if profile.get("confirmed") else Group(table, Text("These are defaults. Set your own: planner-memory profile set", "dim"))


def _spans(spans: Sequence[Sequence[str]]) -> str:
    return ", ".join(f"{start}–{end}" for start, end in spans) or "off"
