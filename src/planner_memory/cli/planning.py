"""Commands of planning and doing: plan, plans, today, start, stop, done, runs."""

from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from planner_memory.cli.calls import Api, Client, Json, Yes, may_ask, run, show, show_json, warn
from planner_memory.cli.profile import asked
from planner_memory.cli.render import done_line, plan_table, plans_table, run_line, runs_table, today_view
from planner_memory.core.errors import InvalidInput, NotFound

Task = Annotated[str, typer.Argument(help="A task's id, or the number of a step of the newest plan.")]
Notes = Annotated[str | None, typer.Option(help="How it went.")]
Status = Literal["draft", "scheduled", "active", "completed", "cancelled"]


async def plan_id_of(api: Api, text: str) -> str:
    """The plan meant by "latest", by a whole id, or by a part of one that only one of the last hundred plans has.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several.
    """
    try:
        return str(UUID(text))
    except ValueError:
        pass
    plans = [str(plan["plan_id"]) for plan in (await api.get("/api/v1/planner/plans", limit=100))["plans"]]
    found = plans[:1] if text == "latest" else [each for each in plans if text in each]
    if not found:
        raise NotFound("There is no such plan. See `planner-memory plans`, or make one with `planner-memory plan`.")
    if len(found) > 1:
        raise InvalidInput(f"{len(found)} plans have {text!r} in their id. Give more of it.", field="plan")
    return found[0]


async def task_id_of(api: Api, text: str) -> str:
    return f"plan:{await plan_id_of(api, 'latest')}:{text}" if text.isdecimal() else text


def plan(
    intent: Annotated[str, typer.Argument(help="What you want to get done, in your own words.")],
    client: Client = None,
    deadline: Annotated[str | None, typer.Option(help="The day (2027-03-26) or instant by which it should be done.")] = None,
    workflow: Annotated[str | None, typer.Option(help="The workflow to adapt.")] = None,
    engagement: Annotated[str | None, typer.Option(help="The engagement whose offer and blueprint to use.")] = None,
    reuse: Annotated[str | None, typer.Option(help="The plan whose steps to use again: an id, a part of it, or latest.")] = None,
    manifold: Annotated[bool, typer.Option("--manifold", help="Weigh options at several scales first. Needs a language model.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Turn an intent into a plan with honest estimates."""
    body = {"intent": intent, "client_id": client, "deadline": deadline, "workflow_id": workflow, "engagement_id": engagement}

    async def story(api: Api) -> Any:
        await asked(api, may_ask(as_json, yes))
        again = None if reuse is None else await plan_id_of(api, reuse)
        return await api.post("/api/v1/planner/plan", {**body, "use_manifold": manifold or None, "reuse": again})

    answer = run(story)
    warn(answer)
    show_json(answer) if as_json else show(plan_table(answer))


def revise(
    instruction: Annotated[str, typer.Argument(help='What to change: "make step 2 half as long", "add a step Call Maria after 4".')],
    plan_id: Annotated[str, typer.Option("--plan", help="The plan: an id, a part of it, or latest.")] = "latest",
    as_json: Json = False,
) -> None:
    """Change a plan by an instruction. Earlier revisions are kept, and tasks keep their ids."""

    async def story(api: Api) -> Any:
        return await api.post(f"/api/v1/planner/plans/{await plan_id_of(api, plan_id)}/revise", {"instruction": instruction})

    answer = run(story)
    warn(answer)
    show_json(answer) if as_json else show(plan_table(answer))


def plans(
    plan_id: Annotated[str | None, typer.Argument(help="Show this one: an id, a part of it, or latest.")] = None,
    client: Client = None,
    status: Annotated[Status | None, typer.Option(help="Only those.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many at most.")] = 20,
    as_json: Json = False,
) -> None:
    """List the plans, newest first, or show one."""

    async def story(api: Api) -> tuple[Any, ZoneInfo]:
        if plan_id is not None:
            return await api.get(f"/api/v1/planner/plans/{await plan_id_of(api, plan_id)}"), await api.zone()
        return await api.get("/api/v1/planner/plans", client_id=client, status=status, limit=limit), await api.zone()

    answer, tz = run(story)
    if as_json:
        show_json(answer)
    else:
        show(plan_table(answer) if plan_id is not None else plans_table(answer, tz))


def today(as_json: Json = False) -> None:
    """What is on today, what is running, what is done."""

    async def story(api: Api) -> tuple[Any, ZoneInfo]:
        return await api.get("/api/v1/planner/today"), await api.zone()

    answer, tz = run(story)
    show_json(answer) if as_json else show(today_view(answer, tz))


def start(task: Task, client: Client = None, as_json: Json = False) -> None:
    """Start a task's clock."""
    _clock("start", task, client, None, as_json=as_json)


def stop(task: Task, client: Client = None, notes: Notes = None, as_json: Json = False) -> None:
    """Stop a task's clock; the task is not finished yet."""
    _clock("stop", task, client, notes, as_json=as_json)


def done(
    task: Task,
    hours: Annotated[float | None, typer.Option(min=0, help="How long it took in all, when no clock ran.")] = None,
    client: Client = None,
    notes: Notes = None,
    as_json: Json = False,
) -> None:
    """Finish a task."""
    _clock("done", task, client, notes, hours, as_json=as_json)


def _clock(verb: str, task: str, client: str | None, notes: str | None, hours: float | None = None, *, as_json: bool) -> None:
    async def story(api: Api) -> tuple[Any, ZoneInfo]:
        body = {"client_id": client, "outcome_notes": notes, "actual_hours": hours}
        return await api.post(f"/api/v1/planner/tasks/{quote(await task_id_of(api, task), safe=':')}/{verb}", body), await api.zone()

    answer, tz = run(story)
    warn(answer)
    if as_json:
        show_json(answer)
    else:
        show(done_line(answer) if verb == "done" else run_line(answer, tz))


runs = typer.Typer(help="Record what was done, and how long it took.", no_args_is_help=True)


@runs.command("add")
def add_run(
    task: Task,
    hours: Annotated[float, typer.Option(min=0, help="How long it took.")],
    started: Annotated[str, typer.Option(help="When it began (2027-03-15T09:00+01:00).")],
    ended: Annotated[str, typer.Option(help="When it ended.")],
    client: Client = None,
    kind: Annotated[Literal["Process", "Touchpoint"], typer.Option(help="Work on a process, or a touchpoint with the client.")] = "Process",
    estimated: Annotated[float | None, typer.Option(min=0, help="The raw estimate in hours. Default: that of the plan's step.")] = None,
    notes: Notes = None,
    as_json: Json = False,
) -> None:
    """Record an execution run. The same task and start again changes nothing."""

    async def story(api: Api) -> tuple[Any, ZoneInfo]:
        body = {
            "task_id": await task_id_of(api, task),
            "client_id": client,
            "run_type": kind,
            "started_at": started,
            "ended_at": ended,
            "actual_hours": hours,
            "estimated_hours": estimated,
            "outcome_notes": notes,
        }
        return await api.post("/api/v1/planner/execution-runs", body), await api.zone()

    answer, tz = run(story)
    warn(answer)
    show_json(answer) if as_json else show(run_line(answer, tz))


@runs.command("list")
def list_runs(
    task: Annotated[str | None, typer.Option(help="Only of this task.")] = None,
    client: Client = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many at most.")] = 20,
    as_json: Json = False,
) -> None:
    """List the execution runs, newest first."""

    async def story(api: Api) -> tuple[Any, ZoneInfo]:
        task_id = None if task is None else await task_id_of(api, task)
        return await api.get("/api/v1/planner/execution-runs", task_id=task_id, client_id=client, limit=limit), await api.zone()

    answer, tz = run(story)
    show_json(answer) if as_json else show(runs_table(answer, tz))


COMMANDS = (plan, revise, plans, today, start, stop, done)
GROUPS = {"runs": runs}
