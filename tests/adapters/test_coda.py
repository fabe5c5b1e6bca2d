"""A Coda doc as the workspace, over REST: what is particular to Coda, and what goes wrong on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.fakes.coda_benches import unlimited
from tests.fakes.coda_doc import Column
from tests.fakes.coda_erp import erp
from tests.fakes.coda_server import TOKEN, CodaServer, refused
from tests.fakes.scripted import Failure, changed, slow, truncated

from planner_memory.adapters.coda.calls import CodaCalls
from planner_memory.adapters.coda.doc import CodaDoc
from planner_memory.adapters.coda.limits import Limits, LimitsByToken, Window
from planner_memory.adapters.coda.names import CodaNames
from planner_memory.adapters.coda.workspace import CodaWorkspace
from planner_memory.core.errors import InvalidInput, NotConnected, NotFound, NotStarted, PlannerMemoryError, Unavailable, UpstreamInvalid
from planner_memory.ports.workspace_records import (
    Engagement,
    FinanceSnapshot,
    NewProcessTemplate,
    ProcessTemplate,
    Project,
    ServiceBlueprint,
    Sprint,
    Step,
    Task,
    TaskChange,
    Workflow,
)

NEW = NewProcessTemplate(name="Onboard Acme", client_id="acme", checklist=(Step(number=1, title="Call", estimated_hours=1.0),), workflow_id="WF-1")
NINE = datetime(2027, 3, 15, 23, 30, tzinfo=UTC)


@pytest.fixture
def server(coda_servers: Any) -> CodaServer:
    """The loopback Coda, with one row of each kind."""
    made: CodaServer = coda_servers.coda
    made.doc = erp()
    return made


class Waits(list[float]):
    """What would have been waited for, in seconds."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def opened(
    server: CodaServer, *, names: CodaNames | None = None, limits: Limits | None = None, shows_ids: bool = True
) -> AsyncIterator[tuple[CodaWorkspace, Waits]]:
    waits, names = Waits(), names or CodaNames()
    calls = CodaCalls(TOKEN, server.base_url, limits=limits or unlimited(), limit_seconds=1, sleep=waits)
    workspace = CodaWorkspace(CodaDoc(calls, server.doc.id, names, shows_ids=shows_ids, sleep=waits), names, ZoneInfo("Europe/Berlin"))
    yield workspace, waits
    await workspace.close()


def made_templates(server: CodaServer) -> int:
    return len(server.doc.table("process_templates").rows) - 1


# what the doc says


async def test_a_persons_own_doc_is_read(server: CodaServer) -> None:
    async with opened(server) as (workspace, _):
        engagement = await workspace.record(Engagement, "coda:" + next(iter(server.doc.table("engagements").rows)), ("acme",))
        assert (engagement.client_id, engagement.client_name) == ("acme", "Acme")
        workflow = await workspace.record(Workflow, "WF-1", ("acme",))
        assert [(s.title, s.estimated_hours) for s in workflow.steps] == [
            ("Collect the brief", 1.0),
            ("Set up the workspace", 2.0),
            ("Hold the welcome call", 1.5),
        ]
        blueprint = await workspace.record(ServiceBlueprint, workflow.blueprint_id or "", None)
        assert (blueprint.owner, blueprint.layers()["evidence"]) == ("maria@example.com", "Signed contract; welcome pack")
        (task,) = await workspace.records(Task, ("acme",))
        assert (task.status, task.client_id) == ("open", "acme")
        assert await workspace.records(Task, ("globex",)) == []
        (sprint,) = await workspace.records(Sprint, None)
        assert (sprint.starts_on, sprint.capacity_hours) == (date(2026, 5, 4), 40.0)
        (finance,) = await workspace.records(FinanceSnapshot, None)
        assert finance.runway_weeks == 9.0
        assert await workspace.missing() == []


async def test_an_id_of_ones_own_must_be_of_one_row(server: CodaServer) -> None:
    server.doc.add_row("workflows", {"name": "Twin", "workflow_id": "WF-1"})
    async with opened(server) as (workspace, _):
        for record_id in ("WF-1", "WF-9", "i-unheard", "Onboard a client", "ws:workflow-1"):
            with pytest.raises(NotFound, match=record_id):
                await workspace.record(Workflow, record_id, None)


async def test_names_may_be_others(server: CodaServer) -> None:
    table = server.doc.table("tasks")
    table.name = "DB Work Items"
    table.column("estimated_hours").name = "Effort"
    server.doc.table("service_blueprints").name = "DB Service Blueprints"
    names = CodaNames.read(
        {
            "tables": {"task": "Work items"},
            "columns": {"task": {"estimated_hours": "effort"}},
            "statuses": {"Parked": "blocked"},
            "clients": {"ACME AG": "acme"},
        }
    )
    (row,) = table.rows.values()
    row.cells[table.column("status").id] = "Parked"
    engagements = server.doc.table("engagements")
    next(iter(engagements.rows.values())).cells[engagements.column("client_id").id] = "ACME AG"
    async with opened(server, names=names) as (workspace, _):
        (task,) = await workspace.records(Task, ("acme",))
        assert (task.estimated_hours, task.status) == (1.0, "blocked")
        assert (await workspace.update_task(task.id, TaskChange(status="blocked"), key="k")).status == "blocked"
        assert row.cells[table.column("status").id] == "Parked"


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ([], "object"),
        ({"tabels": {}}, "tables"),
        ({"tables": {"offfer": "x"}}, "offfer"),
        ({"columns": {"task": {"hourz": "x"}}}, "task"),
        ({"statuses": {"Parked": "parked"}}, "Parked"),
    ],
)
def test_wrong_names_are_refused_at_the_start(said: Any, names: str) -> None:
    with pytest.raises(NotStarted, match=names):
        CodaNames.read(said)


async def test_the_doctor_names_what_is_missing(server: CodaServer) -> None:
    doc = server.doc
    doc.tables = [table for table in doc.tables if table.name != "daily_thread"]
    tasks = doc.table("tasks")
    tasks.columns = [column for column in tasks.columns if column.name not in ("planner_key", "notes")]
    tasks.column("status").formula = lambda row: "Done"
    doc.table("projects").column("engagement").target = "offers"
    async with opened(server) as (workspace, _):
        said = "\n".join(await workspace.missing())
        for part in (
            "no table daily_threads or daily_thread",
            "tasks has no column key or planner_key",
            "no column note or notes",
            "status of table tasks is calculated",
            "engagement of table projects should be a relation to table engagements",
        ):
            assert part in said
        with pytest.raises(InvalidInput, match="planner_key"):
            await workspace.create_tasks("PT-1", None, client_id="acme", key="k")
    assert len(tasks.rows) == 1


async def test_relations_in_a_circle_belong_to_nobody(server: CodaServer) -> None:
    projects = server.doc.table("projects")
    projects.column("engagement").target = "projects"
    (project,) = projects.rows.values()
    server.doc.apply(projects, project.id, {projects.column("engagement").id: project.id})
    async with opened(server) as (workspace, _):
        assert (await workspace.record(Project, project.id, ("acme",))).client_id is None
        assert (await workspace.records(Task, ("acme",)))[0].client_id is None


async def test_odd_rows_are_valid_answers_or_named(server: CodaServer) -> None:
    doc = server.doc
    doc.table("workflows").columns.append(Column("a column nobody knows", id="c-unheard"))
    server.doc.table("offers").rows.clear()  # the engagement's offer is gone
    doc.add_row("workflows", {"name": "x" * 1_000_000, "steps": '[{"title": 3}]'})
    async with opened(server) as (workspace, _):
        engagement = (await workspace.records(Engagement, None))[0]
        assert engagement.offer_id is not None
        assert {w.name[:20] for w in await workspace.records(Workflow, None)} == {"Onboard a client", "Close the books"}
        changes = await workspace.changes(Workflow, None)
        assert [("steps" in problem, "no title" in problem) for problem in changes.problems] == [(True, True)]


async def test_rows_of_one_name_are_told_apart_only_by_ids(server: CodaServer) -> None:
    server.doc.add_row("workflows", {"name": "Onboard a client"})
    async with opened(server) as (workspace, _):
        assert (await workspace.record(ProcessTemplate, "PT-1", None)).workflow_id is not None
    async with opened(server, shows_ids=False) as (workspace, _):
        with pytest.raises(InvalidInput, match=r"workflow_id.*2 rows are named 'Onboard a client'"):
            await workspace.record(ProcessTemplate, "PT-1", None)


async def test_all_pages_are_read(server: CodaServer) -> None:
    for number in range(25):
        server.doc.add_row("workflows", {"name": f"Flow {number:02}"})
    server.largest_page = 4
    async with opened(server) as (workspace, _):
        assert len(await workspace.records(Workflow, None)) == 27


async def test_changes_tell_what_came_changed_and_went(server: CodaServer) -> None:
    table = server.doc.table("workflows")
    async with opened(server) as (workspace, _):
        first = await workspace.changes(Workflow, None)
        assert len(first.records) == 2
        kept, gone = table.rows
        server.doc.apply(table, kept, {table.column("description").id: "Three weeks."})
        del table.rows[gone]
        server.doc.add_row("workflows", {"name": "New"})
        after = await workspace.changes(Workflow, first.cursor)
        assert ([r.name for r in after.records], after.gone) == (["Onboard a client", "New"], (f"coda:{gone}",))
        again = await workspace.changes(Workflow, after.cursor)
        assert (again.records, again.gone) == ((), ())
        with pytest.raises(InvalidInput):
            await workspace.changes(Task, after.cursor)


# writing


async def test_a_write_is_waited_for(server: CodaServer) -> None:
    server.polls_until_done, server.polls_unknown = 4, 2
    async with opened(server) as (workspace, waits):
        made = await workspace.create_process_template(NEW, key="plan-1")
        assert made.checklist == NEW.checklist
        assert made_templates(server) == 1
        assert 0 < len([wait for wait in waits if wait]) < 10


async def test_a_write_that_takes_too_long_is_looked_at_again(server: CodaServer) -> None:
    server.polls_until_done = 1000
    async with opened(server) as (workspace, _):
        with pytest.raises(Unavailable, match="still applying"):
            await workspace.create_process_template(NEW, key="plan-1")
        server.settle()
        await workspace.create_process_template(NEW, key="plan-1")
    assert made_templates(server) == 1


async def test_a_snapshot_that_is_behind_is_waited_for(server: CodaServer) -> None:
    server.stale_reads = 3
    async with opened(server) as (workspace, waits):
        assert (await workspace.create_process_template(NEW, key="plan-1")).name == "Onboard Acme"
        assert 0.5 in waits
        server.stale_reads = 1000
        with pytest.raises(Unavailable, match="does not show it yet"):
            await workspace.create_process_template(NEW, key="plan-2")
        assert len(await workspace.records(Workflow, None)) == 2  # what there is, rather than nothing


async def test_an_answer_that_was_lost_leaves_one_row(server: CodaServer) -> None:
    server.fail_next("upsert", slow(3))
    async with opened(server) as (workspace, _):
        with pytest.raises(Unavailable, match="did not answer"):
            await workspace.create_process_template(NEW, key="plan-1")
        await workspace.create_process_template(NEW, key="plan-1")
    assert made_templates(server) == 1


async def test_two_processes_make_one_row(server: CodaServer) -> None:
    async with opened(server) as (one, _), opened(server) as (other, _):
        made = await asyncio.gather(*(each.create_process_template(NEW, key="plan-1") for each in (one, other) for _ in range(3)))
    assert len({template.id for template in made}) == made_templates(server) == 1


async def test_tasks_cut_short_are_completed_and_what_was_changed_stays(server: CodaServer) -> None:
    steps = tuple(Step(number=n, title=f"Step {n}") for n in range(1, 9))
    async with opened(server) as (workspace, _):
        template = await workspace.create_process_template(NewProcessTemplate(name="Long", client_id="acme", checklist=steps), key="t")
        tasks = await workspace.create_tasks(template.id, None, client_id="acme", key="k")
        await workspace.update_task(tasks[0].id, TaskChange(status="done", actual_hours=2.0), key="u")
        for task in tasks[5:]:
            del server.doc.table("tasks").rows[task.id.removeprefix("coda:")]
        again = await workspace.create_tasks(template.id, None, client_id="acme", key="k")
        assert [(task.step_number, task.name) for task in again] == [(step.number, step.title) for step in steps]
        assert (again[0].status, again[0].actual_hours) == ("done", 2.0)
        assert [task.id for task in again[:5]] == [task.id for task in tasks[:5]]
        assert await workspace.records(Task, ("globex",)) == []


@pytest.mark.parametrize("shows_ids", [True, False])
async def test_templates_of_one_name_keep_their_tasks(server: CodaServer, shows_ids: bool) -> None:
    async with opened(server, shows_ids=shows_ids) as (workspace, _):
        one, other = [await workspace.create_process_template(NEW, key=f"plan-{n}") for n in (1, 2)]
        for template in (one, other):
            (task,) = await workspace.create_tasks(template.id, None, client_id="acme", key="k")
            assert (task.process_template_id, task.step_number) == (template.id, 1)
            assert [each.id for each in await workspace.records(Task, ("acme",), related_to=template.id)] == [task.id]
            assert (await workspace.update_task(task.id, TaskChange(status="done"), key="u")).process_template_id == template.id


async def test_many_names_are_looked_up_in_one_reading(server: CodaServer) -> None:
    workflows = [server.doc.add_row("workflows", {"name": f"Flow {n}"}).id for n in range(12)]
    for number, workflow in enumerate(workflows):
        server.doc.add_row("process_templates", {"name": f"Template {number:02}", "workflow": workflow})
    async with opened(server, shows_ids=False) as (workspace, _):
        found = await workspace.records(ProcessTemplate, None)
        assert [each.workflow_id for each in found if each.name.startswith("Template")] == [f"coda:{row_id}" for row_id in workflows]
    readings = [call for call in server.calls if f"/tables/{server.doc.table('workflows').id}/rows" in call]
    assert len(readings) <= 6


async def test_an_id_that_is_kept_as_text_is_written_as_a_name(server: CodaServer) -> None:
    server.doc.ids_are_text = True
    async with opened(server) as (workspace, _):
        made = await workspace.create_process_template(NEW, key="plan-1")
        assert made.workflow_id == (await workspace.record(Workflow, "WF-1", None)).id
    assert made_templates(server) == 1


async def test_a_relation_that_cannot_be_made_is_named_and_nothing_is_kept(server: CodaServer) -> None:
    server.doc.table("process_templates").column("workflow").target = "offers"
    async with opened(server) as (workspace, _):
        with pytest.raises(InvalidInput, match="workflow as text"):
            await workspace.create_process_template(NEW, key="plan-1")
    assert made_templates(server) == 0


async def test_a_column_of_days_keeps_the_persons_day(server: CodaServer) -> None:
    server.doc.table("tasks").column("scheduled_start_date").type = "date"
    async with opened(server) as (workspace, _):
        (task,) = await workspace.records(Task, None)
        await workspace.update_task(task.id, TaskChange(scheduled_start_at=NINE, scheduled_end_at=NINE + timedelta(hours=1)), key="u")
    (row,) = server.doc.table("tasks").rows.values()
    assert row.cells[server.doc.table("tasks").column("scheduled_start_date").id] == "2027-03-16"  # in Berlin it is past midnight


# the line


async def test_limits_are_kept_ahead_of_time(server: CodaServer) -> None:
    """On one clock for both sides: Coda never has to refuse, and thirty writes take at least two windows of six seconds."""
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        await asyncio.sleep(0)

    server._clock = lambda: now
    server.limits = {"GET": 100, "POST": 10}
    async with opened(server, limits=Limits(Window(100, 6, now=lambda: now, sleep=sleep), Window(10, 6, now=lambda: now, sleep=sleep))) as (
        workspace,
        waits,
    ):
        (task,) = await workspace.records(Task, None)
        for number in range(30):
            await workspace.update_task(task.id, TaskChange(actual_hours=float(number)), key=f"u{number}")
        assert now >= 12
        assert 1.0 not in waits  # no Retry-After had to be waited for


async def test_who_would_wait_too_long_is_told() -> None:
    window = Window(1, 6, now=lambda: 0.0)
    await window.take(1)
    with pytest.raises(Unavailable) as raised:
        await window.take(1)
    assert raised.value.extra == {"retry_after": 6}


def test_one_token_has_one_window() -> None:
    limits = LimitsByToken()
    assert limits.of("a") is limits.of("a")
    assert limits.of("a") is not limits.of("b")


async def test_retry_after_is_waited_for_or_handed_on(server: CodaServer) -> None:
    async with opened(server) as (workspace, waits):
        server.fail_next("doc", refused(429, headers={"Retry-After": "3"}), refused(429))
        await workspace.check()
        assert waits == [3.0, 2.0]
        server.fail_next("doc", refused(429, headers={"Retry-After": "60"}))
        with pytest.raises(Unavailable) as raised:
            await workspace.check()
        assert raised.value.extra == {"retry_after": 60}


@pytest.mark.parametrize(
    ("status", "wanted", "tries"),
    [(401, NotConnected, 1), (403, NotConnected, 1), (404, NotConnected, 1), (500, Unavailable, 2), (503, Unavailable, 2)],
)
async def test_each_refusal_has_its_error(server: CodaServer, status: int, wanted: type[PlannerMemoryError], tries: int) -> None:
    server.fail_next("doc", *[refused(status)] * 5)
    async with opened(server) as (workspace, _):
        with pytest.raises(wanted):
            await workspace.check()
    assert len(server.requests["doc"]) == tries


@pytest.mark.parametrize(
    ("failure", "wanted"),
    [
        (slow(3), Unavailable),
        (truncated(), UpstreamInvalid),
        (changed(lambda _: {"rows": []}), UpstreamInvalid),
        (changed(lambda _: ["x"]), UpstreamInvalid),
    ],
)
async def test_each_odd_answer_has_its_error(server: CodaServer, failure: Failure, wanted: type[PlannerMemoryError]) -> None:
    server.fail_next("rows", failure)
    async with opened(server) as (workspace, _):
        with pytest.raises(wanted):
            await workspace.records(Workflow, None)


async def test_a_table_that_was_deleted_meanwhile_is_noticed(server: CodaServer) -> None:
    async with opened(server) as (workspace, _):
        assert len(await workspace.records(Workflow, None)) == 2
        server.doc.tables = [table for table in server.doc.tables if table.name not in ("workflows", "Active workflows")]
        with pytest.raises(UpstreamInvalid, match="workflows"):
            await workspace.records(Workflow, None)
        assert await workspace.records(Workflow, None) == []


async def test_a_column_that_was_deleted_meanwhile_is_noticed(server: CodaServer) -> None:
    async with opened(server) as (workspace, _):
        await workspace.create_process_template(NEW, key="plan-1")
        table = server.doc.table("process_templates")
        table.columns = [column for column in table.columns if column.name != "planner_key"]
        with pytest.raises(UpstreamInvalid, match="doctor"):
            await workspace.create_process_template(NEW, key="plan-2")
        with pytest.raises(InvalidInput, match="planner_key"):
            await workspace.create_process_template(NEW, key="plan-2")


async def test_the_token_is_in_no_error(server: CodaServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    server.fail_next("doc", refused(401, f"Bearer {TOKEN} has expired"))
    async with opened(server) as (workspace, _):
        with pytest.raises(NotConnected) as raised:
            await workspace.check()
    assert TOKEN not in f"{raised.value!r} {raised.value.extra}"
    assert TOKEN not in caplog.text


async def test_a_closed_one_is_unavailable(server: CodaServer) -> None:
    async with opened(server) as (workspace, _):
        await workspace.close()
        with pytest.raises(Unavailable):
            await workspace.check()
