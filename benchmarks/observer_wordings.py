"""The sentences of observer_texts: each takes the facts and gives a sentence with its numbers as slots, or None when it has nothing to say."""

# ruff: noqa: E501
from benchmarks.observer_texts import Part, Told, Wording

Parts = list[Part] | None


def _over(t: Told, a: str, b: str) -> float | None:
    return t.now[a] / t.now[b] * 100 if t.now[b] else None


def _drift(t: Told, make: object) -> Parts:
    found = t.one("drift")
    return make(found) if found else None  # type: ignore[operator]


def _done(t: Told, make: object, *, estimated: bool = False) -> Parts:
    found = [c for c in t.facts["completed"] if not estimated or c["estimated_hours"]]
    once = [c for c in found if sum(o["title"] == c["title"] for o in found) == 1]
    return make(t.rng.choice(once)) if once else None  # type: ignore[operator]


def _slip(t: Told, make: object) -> Parts:
    found = t.one("slipped")
    return make(found) if found else None  # type: ignore[operator]


def _quoted(t: Told, title: str) -> str:
    return t.rng.choice([f"“{title}”", f'"{title}"', f"**{title}**", f"'{title}'"])


TUNING: tuple[Wording, ...] = (
    lambda t: ["You finished ", t.n(t.now["tasks_completed"]), " tasks this week."],
    lambda t: ["Tasks completed: ", t.n(t.now["tasks_completed"]), "."],
    lambda t: [t.n(t.now["tasks_completed"]), " tasks done in ", t.h(t.now["worked_hours"]), " of recorded work."],
    lambda t: ["Of ", t.n(t.now["tasks_planned"]), " planned tasks, ", t.n(t.now["planned_tasks_completed"]), " are done (", t.p(t.now["completion_percent"]), ")."] if t.now["tasks_planned"] else None,
    lambda t: [t.n(t.now["planned_tasks_completed"]), " of ", t.n(t.now["tasks_planned"]), " planned tasks were completed."] if t.now["tasks_planned"] else None,
    lambda t: ["The completion rate was ", t.p(t.now["completion_percent"]), "."] if t.now["completion_percent"] is not None else None,
    lambda t: ["You recorded ", t.h(t.now["worked_hours"]), " of work, ", t.h(t.now["deep_work_hours"]), " of it deep work."],
    lambda t: ["Deep work came to ", t.h(t.now["deep_work_hours"]), "."],
    lambda t: ["There were ", t.n(t.now["meetings"]), " meetings, which took ", t.h(t.now["meeting_hours"]), "."],
    lambda t: ["Meetings: ", t.h(t.now["meeting_hours"]), " in ", t.n(t.now["meetings"]), " calls."],
    lambda t: ["You switched between tasks ", t.n(t.now["context_switches"]), " times."],
    lambda t: [t.h(t.now["billable_hours"]), " were billable, ", t.h(t.now["not_billable_hours"]), " not billable and ", t.h(t.now["unmarked_hours"]), " unmarked."],
    lambda t: [t.h(t.now["scheduled_hours"]), " had been scheduled."],
    lambda t: [t.n(t.facts["activity"]["events"]), " events came in."],
    lambda t: ["On average you finish ", f"{t.past['tasks_completed']:g}", " tasks a week."] if t.past else None,
    lambda t: ["Recorded work: ", t.h(t.now["worked_hours"]), ", before ", t.h(t.past["worked_hours"]), "."] if t.past else None,
    lambda t: ["The average of the earlier weeks is ", t.h(t.past["deep_work_hours"]), " of deep work."] if t.past else None,
    lambda t: _drift(t, lambda d: ["The workflow ", _quoted(t, d["name"]), " runs ", t.p(d["drift_percent"]), f" {d['direction']} its estimate over ", t.n(d["runs"]), " runs."]),
    lambda t: _drift(t, lambda d: [_quoted(t, d["name"]), ": ", t.h(d["actual_hours"]), " taken against ", t.h(d["estimated_hours"]), " estimated."]),
    lambda t: _done(t, lambda c: [_quoted(t, c["title"]), " took ", t.h(c["actual_hours"]), "."]),
    lambda t: _done(t, lambda c: [_quoted(t, c["title"]), " was done in ", t.h(c["actual_hours"]), ", estimated at ", t.h(c["estimated_hours"]), "."], estimated=True),
    lambda t: _slip(t, lambda s: [_quoted(t, s["title"]), ", planned for ", t.d(s["planned_on"]), ", slipped."]) if len({s["title"] for s in t.facts["slipped"]}) == len(t.facts["slipped"]) else None,
    lambda t: [t.n(len(t.facts["slipped"])), " planned tasks slipped."] if t.facts["slipped"] else None,
    lambda t: ["In the sprint, ", t.h(t.sprint["actual_billable_hours"]), " of ", t.h(t.sprint["planned_billable_hours"]), " billable hours were reached, ", t.p(t.sprint["share_percent"]), " of the plan."] if t.sprint["share_percent"] is not None else None,
    lambda t: ["The week ran from ", t.d(t.facts["starts_on"]), " to ", t.d(t.facts["ends_on"]), "."],
    lambda t: ["The timer of ", _quoted(t, t.facts["running"][0]["title"]), " is running since ", t.t(t.facts["running"][0]["since_at"]), "."] if t.facts["running"] else None,
    lambda t: ["Next is ", _quoted(t, t.facts["upcoming"][0]["title"]), " at ", t.t(t.facts["upcoming"][0]["starts_at"]), "."] if t.facts["upcoming"] else None,
)  # fmt: skip

TUNING_TOO: tuple[Wording, ...] = (
    lambda t: ["A good week: ", t.n(t.now["tasks_completed"]), " tasks wrapped up."],
    lambda t: ["By Friday evening ", t.n(t.now["tasks_completed"]), " items were closed, with ", t.h(t.now["worked_hours"]), " on the clock."],
    lambda t: ["Your log shows ", t.h(t.now["worked_hours"]), " worked."],
    lambda t: ["You had planned ", t.n(t.now["tasks_planned"]), " tasks and managed to finish ", t.n(t.now["planned_tasks_completed"]), " of them."] if t.now["tasks_planned"] else None,
    lambda t: ["That is a completion rate of ", t.p(t.now["completion_percent"]), ", with ", t.n(t.now["planned_tasks_completed"]), " out of ", t.n(t.now["tasks_planned"]), " planned tasks done."] if t.now["tasks_planned"] else None,
    lambda t: ["Focused time added up to ", t.h(t.now["deep_work_hours"]), ", and meetings took ", t.h(t.now["meeting_hours"]), "."],
    lambda t: [t.n(t.now["meetings"]), " meetings filled ", t.h(t.now["meeting_hours"]), " of the calendar."],
    lambda t: ["You spent ", t.h(t.now["meeting_hours"]), " in meetings and ", t.h(t.now["deep_work_hours"]), " in deep work."],
    lambda t: ["The context changed ", t.n(t.now["context_switches"]), " times within the days."],
    lambda t: ["Context switches: ", t.n(t.now["context_switches"]), "."],
    lambda t: ["Billable work was ", t.h(t.now["billable_hours"]), "; ", t.h(t.now["not_billable_hours"]), " was non-billable."],
    lambda t: ["Another ", t.h(t.now["unmarked_hours"]), " is marked neither way."],
    lambda t: ["Your schedule held ", t.h(t.now["scheduled_hours"]), " in blocks."],
    lambda t: ["The log received ", t.n(t.facts["activity"]["events"]), " entries."],
    lambda t: ["Your usual week has ", f"{t.past['tasks_completed']:g}", " completed tasks and ", t.h(t.past["worked_hours"]), " of work."] if t.past else None,
    lambda t: ["Compared with an average of ", t.h(t.past["deep_work_hours"]), ", deep work was ", t.h(t.now["deep_work_hours"]), "."] if t.past else None,
    lambda t: _drift(t, lambda d: ["Watch ", _quoted(t, d["name"]), ": in ", t.n(d["runs"]), " runs it came out ", t.p(d["drift_percent"]), f" {d['direction']} the estimate."]),
    lambda t: _drift(t, lambda d: ["For ", _quoted(t, d["name"]), " the estimates said ", t.h(d["estimated_hours"]), ", but it took ", t.h(d["actual_hours"]), "."]),
    lambda t: _done(t, lambda c: ["You needed ", t.h(c["actual_hours"]), " for ", _quoted(t, c["title"]), "."]),
    lambda t: _done(t, lambda c: ["The estimate of ", _quoted(t, c["title"]), " was ", t.h(c["estimated_hours"]), " and it took ", t.h(c["actual_hours"]), "."], estimated=True),
    lambda t: _slip(t, lambda s: [_quoted(t, s["title"]), " was meant for ", t.d(s["planned_on"]), " and is still to do."]) if len({s["title"] for s in t.facts["slipped"]}) == len(t.facts["slipped"]) else None,
    lambda t: ["What slipped: ", t.n(len(t.facts["slipped"])), " tasks."] if t.facts["slipped"] else None,
    lambda t: ["Sprint so far: ", t.h(t.sprint["actual_billable_hours"]), " billable out of ", t.h(t.sprint["planned_billable_hours"]), " planned."],
    lambda t: ["All this between ", t.d(t.facts["starts_on"]), " and ", t.d(t.facts["ends_on"]), "."],
    lambda t: ["One clock is still on: ", _quoted(t, t.facts["running"][0]["title"]), ", started at ", t.t(t.facts["running"][0]["since_at"]), "."] if len(t.facts["running"]) == 1 else None,
    lambda t: ["First thing ahead: ", _quoted(t, t.facts["upcoming"][0]["title"]), " at ", t.t(t.facts["upcoming"][0]["starts_at"]), " on ", t.d(t.facts["upcoming"][0]["starts_at"]), "."] if t.facts["upcoming"] else None,
    lambda t: ["Billable and non-billable hours together were ", t.h(t.now["billable_hours"] + t.now["not_billable_hours"]), "."] if t.now["billable_hours"] and t.now["not_billable_hours"] else None,
)  # fmt: skip

TUNING += TUNING_TOO

HELD_OUT: tuple[Wording, ...] = (
    lambda t: ["This week saw ", t.n(t.now["tasks_completed"]), " tasks finished."],
    lambda t: ["In total ", t.h(t.now["worked_hours"]), " of work was logged, and ", t.n(t.now["tasks_completed"]), " tasks got done."],
    lambda t: ["Work recorded: ", t.h(t.now["worked_hours"]), "; deep work: ", t.h(t.now["deep_work_hours"]), "; meetings: ", t.h(t.now["meeting_hours"]), "."],
    lambda t: ["Out of ", t.n(t.now["tasks_planned"]), " planned tasks you completed ", t.n(t.now["planned_tasks_completed"]), "."] if t.now["tasks_planned"] else None,
    lambda t: [t.p(t.now["completion_percent"]), " of the planned tasks were finished."] if t.now["completion_percent"] is not None else None,
    lambda t: ["Completion stood at ", t.p(t.now["completion_percent"]), ": ", t.n(t.now["planned_tasks_completed"]), " of the ", t.n(t.now["tasks_planned"]), " planned tasks."] if t.now["tasks_planned"] else None,
    lambda t: ["With ", t.h(t.now["deep_work_hours"]), " of uninterrupted focus, there was room for the hard things."],
    lambda t: ["Your ", t.n(t.now["meetings"]), " meetings lasted ", t.h(t.now["meeting_hours"]), " in all."] if t.now["meetings"] else None,
    lambda t: ["Calls and meetings cost ", t.h(t.now["meeting_hours"]), "."],
    lambda t: ["How often did you switch from one task to another? ", t.n(t.now["context_switches"]), " switches were counted."],
    lambda t: ["Of the work, ", t.h(t.now["billable_hours"]), " can be billed; that is billable time."],
    lambda t: ["Time that is not billable: ", t.h(t.now["not_billable_hours"]), "."],
    lambda t: ["The schedule had ", t.h(t.now["scheduled_hours"]), " for you, while ", t.h(t.now["worked_hours"]), " of work was recorded."],
    lambda t: ["The inbox of events grew by ", t.n(t.facts["activity"]["events"]), " events."],
    lambda t: ["Before, ", f"{t.past['tasks_completed']:g}", " tasks were completed in an average week."] if t.past else None,
    lambda t: ["Deep work was ", t.h(t.now["deep_work_hours"]), ", against ", t.h(t.past["deep_work_hours"]), " on average before."] if t.past else None,
    lambda t: ["Usually ", t.h(t.past["worked_hours"]), " are recorded in a week."] if t.past else None,
    lambda t: _drift(t, lambda d: [_quoted(t, d["name"]), " keeps running ", t.p(d["drift_percent"]), f" {d['direction']} estimate: ", t.n(d["runs"]), " runs so far."]),
    lambda t: _drift(t, lambda d: ["Estimated at ", t.h(d["estimated_hours"]), ", ", _quoted(t, d["name"]), " took ", t.h(d["actual_hours"]), "."]),
    lambda t: _done(t, lambda c: ["One thing to be glad of is ", _quoted(t, c["title"]), ", finished after ", t.h(c["actual_hours"]), "."]),
    lambda t: _done(t, lambda c: [_quoted(t, c["title"]), " had an estimate of ", t.h(c["estimated_hours"]), "; it really took ", t.h(c["actual_hours"]), "."], estimated=True),
    lambda t: _slip(t, lambda s: ["On ", t.d(s["planned_on"]), " you wanted to do ", _quoted(t, s["title"]), ", which has slipped."]) if len({s["title"] for s in t.facts["slipped"]}) == len(t.facts["slipped"]) else None,
    lambda t: [t.n(len(t.facts["slipped"])), " tasks that were planned have slipped."] if t.facts["slipped"] else None,
    lambda t: ["The sprint stands at ", t.p(t.sprint["share_percent"]), " of its planned billable hours: ", t.h(t.sprint["actual_billable_hours"]), " of ", t.h(t.sprint["planned_billable_hours"]), "."] if t.sprint["share_percent"] is not None else None,
    lambda t: ["This review covers ", t.d(t.facts["starts_on"]), " until ", t.d(t.facts["ends_on"]), "."],
    lambda t: [_quoted(t, t.facts["upcoming"][0]["title"]), " comes next, on ", t.d(t.facts["upcoming"][0]["starts_at"]), " at ", t.t(t.facts["upcoming"][0]["starts_at"]), "."] if t.facts["upcoming"] else None,
)  # fmt: skip
