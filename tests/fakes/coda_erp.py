"""A consultancy's doc: the tables that the planner reads and writes, under the names that they have there."""

from tests.fakes.coda_doc import CodaDoc, Column

BLUEPRINT = {
    "blueprint_id": "BP-1",
    "name": "Client onboarding",
    "description": "From the signed offer to the first working session.",
    "customer_actions": "Signs the contract; fills in the questionnaire",
    "frontstage": "Welcome call; shared plan",
    "backstage": "Workspace set-up; staffing",
    "support_processes": "Billing; access control",
    "evidence": "Signed contract; welcome pack",
    "version": "v2",
    "status": "Active",
    "owner": "maria@example.com",
}
STEPS = "1. Collect the brief (1 h)\n2. Set up the workspace (2 h)\n3. Hold the welcome call (1.5 h)"


def _tables(doc: CodaDoc) -> None:
    doc.add_table(
        "service_blueprints",
        [
            Column("name"),
            Column("blueprint_id"),
            *(Column(name) for name in ("description", "customer_actions", "frontstage", "backstage", "support_processes", "evidence", "version")),
            Column("status", "select"),
            Column("owner", "person"),
        ],
    )
    doc.add_table(
        "workflows",
        [
            Column("name"),
            Column("workflow_id"),
            Column("description"),
            Column("service_blueprint", "lookup", target="service_blueprints"),
            Column("steps"),
            Column("estimated_hours", "number"),
            Column("automation_status", "select"),
            Column(
                "estimated_days", "number", formula=lambda row: row["estimated_hours"] / 8 if isinstance(row["estimated_hours"], float | int) else ""
            ),
            Column("version"),
            Column("status", "select"),
        ],
    )
    doc.add_table(
        "process_templates",
        [
            Column("name"),
            Column("process_template_id"),
            Column("workflow", "lookup", target="workflows"),
            Column("service_blueprint", "lookup", target="service_blueprints"),
            Column("template_type", "select"),
            Column("checklist"),
            Column("version"),
            Column("status", "select"),
            Column("planner_key"),
        ],
    )
    doc.add_table("ventures", [Column("name")])
    doc.add_table(
        "offers",
        [
            Column("name"),
            Column("venture", "lookup", target="ventures"),
            Column("service_blueprint", "lookup", target="service_blueprints"),
            Column("price"),
            Column("status", "select"),
        ],
    )
    doc.add_table(
        "engagements",
        [
            Column("name"),
            Column("client_id"),
            Column("client"),
            Column("offer", "lookup", target="offers"),
            Column("status", "select"),
            Column("start_date", "date"),
        ],
    )
    doc.add_table(
        "projects",
        [
            Column("name"),
            Column("engagement", "lookup", target="engagements"),
            Column("process_template", "lookup", target="process_templates"),
            Column("status", "select"),
            Column("start_date", "date"),
            Column("due_date", "date"),
        ],
    )
    doc.add_table(
        "tasks",
        [
            Column("name"),
            Column("project", "lookup", target="projects"),
            Column("process_template", "lookup", target="process_templates"),
            Column("estimated_hours", "number"),
            Column("actual_hours", "number"),
            Column("scheduled_start_date", "dateTime"),
            Column("scheduled_end_date", "dateTime"),
            Column("status", "select"),
            Column("assigned_to", "person"),
            Column("notes"),
            Column("planner_key"),
        ],
    )
    doc.add_table(
        "execution_runs",
        [
            Column("run_id"),
            Column("process_template", "lookup", target="process_templates"),
            Column("task", "lookup", target="tasks"),
            Column("project", "lookup", target="projects"),
            Column("executed_by", "person"),
            Column("started_at", "dateTime"),
            Column("ended_at", "dateTime"),
            Column("actual_hours", "number"),
            Column("outcome_notes"),
        ],
    )
    doc.add_table(
        "sprints",
        [
            Column("sprint_id"),
            Column("name"),
            Column("start_date", "date"),
            Column("end_date", "date"),
            Column("capacity_hrs", "number"),
            Column("planned_billable_hrs", "number"),
            Column("billable_pct", "number"),
        ],
    )
    doc.add_table("finance_snapshot", [Column("name"), Column("as_of", "date"), Column("runway_weeks", "number")])
    doc.add_table("daily_thread", [Column("date", "date"), Column("reflection", "canvas"), Column("metrics"), Column("planner_key")])
    doc.add_view("Active workflows", of="workflows")


def empty_erp() -> CodaDoc:
    doc = CodaDoc()
    _tables(doc)
    return doc


def erp() -> CodaDoc:
    """The doc with one of each, linked: engagement → offer → blueprint ← workflow ← template ← run → project → engagement."""
    doc = empty_erp()
    blueprint = doc.add_row("service_blueprints", BLUEPRINT)
    workflow = doc.add_row(
        "workflows",
        {"workflow_id": "WF-1", "name": "Onboard a client", "description": "The first two weeks.", "service_blueprint": blueprint.id}
        | {"steps": STEPS, "estimated_hours": 4.5, "automation_status": "Semi-automated", "version": "v1", "status": "Active"},
    )
    doc.add_row("workflows", {"workflow_id": "WF-2", "name": "Close the books", "steps": "Reconcile", "status": "Draft", "version": "v1"})
    template = doc.add_row(
        "process_templates",
        {"process_template_id": "PT-1", "name": "Onboarding, standard", "workflow": workflow.id, "service_blueprint": blueprint.id}
        | {"template_type": "Operational", "checklist": "- Brief\n- Workspace\n- Call", "version": "v1", "status": "Active"},
    )
    offer = doc.add_row("offers", {"name": "Fractional operations", "service_blueprint": blueprint.id})
    engagement = doc.add_row("engagements", {"name": "Acme 2026", "client_id": "acme", "client": "Acme", "offer": offer.id, "status": "Active"})
    project = doc.add_row("projects", {"name": "Acme onboarding", "engagement": engagement.id, "process_template": template.id, "status": "Active"})
    task = doc.add_row(
        "tasks",
        {"name": "Send the questionnaire", "project": project.id, "process_template": template.id, "estimated_hours": 1, "status": "Not started"},
    )
    doc.add_row(
        "execution_runs",
        {"run_id": "run-1", "process_template": template.id, "task": task.id, "project": project.id, "executed_by": "maria@example.com"}
        | {"started_at": "2026-04-06T09:00:00Z", "ended_at": "2026-04-06T10:30:00Z", "actual_hours": 1.5, "outcome_notes": "went well"},
    )
    doc.add_row(
        "sprints",
        {"sprint_id": "2026-W19", "start_date": "2026-05-04", "end_date": "2026-05-10", "capacity_hrs": 40}
        | {"planned_billable_hrs": 26, "billable_pct": 0.65},
    )
    doc.add_row("finance_snapshot", {"name": "May", "as_of": "2026-05-01", "runway_weeks": 9})
    return doc
