"""Plans through the HTTP face, on a real database."""

import asyncio
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.planner_engine.conftest import Desk

FIELDS = {
    "plan_id", "process_template_id", "name", "workflow_id", "blueprint_id", "template_type", "status", "checklist", "estimate", "generator",
    "similar_plans", "warnings", "created_at",
}  # fmt: skip
STEP_FIELDS = {
    "task_id", "step_key", "step_number", "title", "description", "raw_hours", "estimated_hours", "estimate", "dependencies", "energy", "billable",
    "deliverable",
}  # fmt: skip


async def test_a_plan_has_every_field_and_is_stored_as_the_scheduler_reads_it(desk: Desk) -> None:
    plan = await desk.post("/plan", {"intent": "Onboard Acme by the 12th", "client_id": "acme"}, 201)
    assert plan.keys() >= FIELDS
    assert (plan["status"], plan["generator"], plan["template_type"], plan["client_id"]) == ("draft", "rules", "Operational", "acme")
    assert plan["deadline_at"] == "2026-12-12T23:00:00+00:00"  # the midnight that ends the 12th in Berlin
    assert plan["name"] == "Client onboarding: Acme"
    assert plan["warnings"] == []
    for number, step in enumerate(plan["checklist"], 1):
        assert step.keys() >= STEP_FIELDS
        assert step["task_id"] == f"plan:{plan['plan_id']}:{number}"
        assert step["estimated_hours"] == step["estimate"]["p50"] <= step["estimate"]["p80"]
        assert all(d < number for d in step["dependencies"])
    assert any("Acme" in step["title"] for step in plan["checklist"])
    assert plan["estimate"]["p80"] == pytest.approx(1.42 * plan["estimate"]["p50"], rel=1e-3)
    async with await psycopg.AsyncConnection.connect(desk.database.dsn) as connection:
        rows = await (await connection.execute("select sop, client_id, metadata from plans")).fetchall()
    sop, client, metadata = rows[0]
    assert client == "acme"
    assert "untold" not in metadata
    assert [s["task_id"] for s in sop["checklist"]] == [s["task_id"] for s in plan["checklist"]]
    assert {"name", "template_type", "process_template_id", "estimate", "pattern", "generator", "warnings"} <= sop.keys()
    assert sop["pattern"].keys() == {"key", "name", "why", "score"}


async def test_named_fields_may_stand_in_the_context_and_must_agree(desk: Desk) -> None:
    body = {"intent": "Write the newsletter", "context": {"client_id": 7, "deadline": "2026-12-01", "engagement_id": "e-1", "tone": "warm"}}
    plan = await desk.post("/plan", body, 201)
    assert (plan["client_id"], plan["engagement_id"], plan["metadata"]["context"]) == ("7", "e-1", {"tone": "warm"})
    assert plan["deadline_at"] == "2026-12-01T23:00:00+00:00"
    for field, top, inner in (("client_id", "a", "b"), ("deadline", "2026-12-01", "2026-12-02"), ("workflow_id", "w1", "w2")):
        answer = await desk.post("/plan", {"intent": "x", field: top, "context": {field: inner}})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field
    await desk.post("/plan", {"intent": "Write the newsletter", "client_id": "7", "context": {"client_id": 7}}, 201)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"intent": ""}, "intent"),
        ({"intent": "   \n"}, "intent"),
        ({}, "intent"),
        ({"intent": "x" * 10_001}, "intent"),
        ({"intent": "x", "deadline": "whenever"}, "deadline"),
        ({"intent": "x", "colour": "red"}, "colour"),
        ({"intent": "a\x00b"}, "body"),
        ({"intent": "x", "context": {"client_name": ["a"]}}, "context.client_name"),
    ],
)
async def test_bad_requests_are_422_and_name_the_field(desk: Desk, body: dict[str, Any], field: str) -> None:
    answer = await desk.post("/plan", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert (await desk.get("/plans"))["plans"] == []


async def test_null_means_absent(desk: Desk) -> None:
    named = ("client_id", "engagement_id", "workflow_id", "deadline", "client_name", "context", "use_manifold", "reuse")
    plan = await desk.post("/plan", {"intent": "Write a blog post", **dict.fromkeys(named)}, 201)
    assert plan["client_id"] == "me"
    await desk.post("/plan", {"intent": "Write a blog post", "client_id": "x" * 256}, 422)


async def test_a_remembered_largest_task_binds_every_step(desk: Desk) -> None:
    desk.memory.know("I never want a task longer than two hours on my list.", client_id="acme")
    desk.memory.know("I like to write in the morning.")
    plan = await desk.post("/plan", {"intent": "Build a 5-page website for Acme", "client_id": "acme"}, 201)
    assert max(s["estimated_hours"] for s in plan["checklist"]) <= 2
    assert plan["metadata"]["largest_step"]["minutes"] == 120
    assert len(plan["metadata"]["context_used"]) == 2
    whole = await desk.post("/plan", {"intent": "Build a 5-page website for Acme", "client_id": "other"}, 201)
    assert max(s["estimated_hours"] for s in whole["checklist"]) > 2
    assert sum(s["raw_hours"] for s in plan["checklist"]) == pytest.approx(sum(s["raw_hours"] for s in whole["checklist"]), abs=0.01)


async def test_the_profile_s_largest_task_binds_too(desk: Desk) -> None:
    await desk.put("/profile", {"largest_task_minutes": 45})
    plan = await desk.post("/plan", {"intent": "Write a proposal for Initech"}, 201)
    assert max(s["estimated_hours"] for s in plan["checklist"]) <= 0.75


async def test_without_the_memory_the_plan_is_stored_and_told_later(desk: Desk) -> None:
    desk.memory.is_down = True
    plan = await desk.post("/plan", {"intent": "Onboard Acme", "client_id": "acme"}, 201)
    assert any("memory did not answer" in w for w in plan["warnings"])
    assert plan["metadata"]["untold"] is True
    assert await desk.planner.tell_memory() == 0
    desk.memory.is_down = False
    assert await desk.planner.tell_memory() == 1
    assert await desk.planner.tell_memory() == 0
    again = await desk.get(f"/plans/{plan['plan_id']}")
    assert "untold" not in again["metadata"]
    assert [m.event_type for m in desk.memory.remembered.values()] == ["plan_created"]
    assert (f"plan:{plan['plan_id']}", "pattern:client-onboarding", "plan_follows_template") in desk.memory.edges
    health = (await desk.client.get("/health")).json()
    assert health["dependencies"] == {"postgres": "up", "memory_gateway": "up", "llm": "off"}


async def test_an_unknown_kind_of_work_gets_an_honest_general_plan(desk: Desk) -> None:
    plan = await desk.post("/plan", {"intent": "Paint the garden fence in 6 hours of work"}, 201)
    assert plan["pattern"]["key"] == "generic"
    assert any("No pattern" in w for w in plan["warnings"])
    assert sum(s["raw_hours"] for s in plan["checklist"]) == pytest.approx(6, abs=0.01)


async def test_similar_plans_of_seven_days_stand_beside_and_reuse_copies_one(desk: Desk) -> None:
    first = await desk.post("/plan", {"intent": "Write the December newsletter for Acme", "client_id": "acme"}, 201)
    again = await desk.post("/plan", {"intent": "Write December newsletter for Acme", "client_id": "acme"}, 201)
    assert [s["plan_id"] for s in again["similar_plans"]] == [first["plan_id"]]
    assert again["plan_id"] != first["plan_id"]
    other = await desk.post("/plan", {"intent": "Write the December newsletter for Acme", "client_id": "globex"}, 201)
    assert other["similar_plans"] == []
    steps = [{"task_id": s["task_id"]} for s in first["checklist"]] + [{"title": "Ask Acme for a quote", "raw_hours": 1.5, "dependencies": [1]}]
    await desk.patch(f"/plans/{first['plan_id']}", {"checklist": steps})
    copy = await desk.post(
        "/plan", {"intent": "Same for Globex by Friday", "client_id": "acme", "client_name": "Globex", "reuse": first["plan_id"]}, 201
    )
    assert copy["checklist"][-1]["title"] == "Ask Globex for a quote"
    assert len(copy["checklist"]) == len(first["checklist"]) + 1
    assert copy["metadata"]["steps_from_plan"] == first["plan_id"]
    assert (await desk.post("/plan", {"intent": "x", "client_id": "globex", "reuse": first["plan_id"]})).status_code == 404
    desk.wait(days=8)
    later = await desk.post("/plan", {"intent": "Write the December newsletter for Acme", "client_id": "acme"}, 201)
    assert later["similar_plans"] == []


async def test_the_next_plan_takes_over_what_the_person_changed(desk: Desk) -> None:
    first = await desk.post("/plan", {"intent": "Onboard Acme", "client_id": "acme"}, 201)
    steps: list[dict[str, Any]] = [{"task_id": s["task_id"]} for s in first["checklist"]]
    steps[0]["raw_hours"] = first["checklist"][0]["raw_hours"] * 3
    steps[6]["title"] = "Call Acme's founder"
    dropped = first["checklist"][-1]["step_key"]
    steps[-1] = {"title": "Sign the NDA with Acme", "raw_hours": 0.5, "dependencies": [1]}
    edited = await desk.patch(f"/plans/{first['plan_id']}", {"checklist": steps})
    assert edited["revision"] == 2
    nxt = await desk.post("/plan", {"intent": "Onboard Globex Media", "client_id": "acme"}, 201)
    titles = [s["title"] for s in nxt["checklist"]]
    assert "Sign the NDA with Globex Media" in titles
    assert "Call Globex Media's founder" in titles
    assert nxt["checklist"][0]["raw_hours"] == pytest.approx(edited["checklist"][0]["raw_hours"])
    assert dropped not in {s["step_key"] for s in nxt["checklist"]}
    stranger = await desk.post("/plan", {"intent": "Onboard Globex Media", "client_id": "globex"}, 201)
    assert [s["title"] for s in stranger["checklist"]] == [s["title"].replace("Acme", "Globex Media") for s in first["checklist"]]


async def test_edits_keep_task_ids_and_make_revisions(desk: Desk) -> None:
    plan = await desk.post("/plan", {"intent": "Write a blog post about pricing"}, 201)
    path = f"/plans/{plan['plan_id']}"
    old = plan["checklist"]
    swapped = [{**old[1]}, {**old[0], "dependencies": [2]}, {"title": "New", "raw_hours": 1}, *old[3:]]
    swapped[0]["dependencies"] = []
    changed = await desk.patch(path, {"checklist": swapped[:3], "name": "Shorter"})
    ids = [s["task_id"] for s in changed["checklist"]]
    assert ids == [old[1]["task_id"], old[0]["task_id"], f"plan:{plan['plan_id']}:{len(old) + 1}"]
    assert [s["step_number"] for s in changed["checklist"]] == [1, 2, 3]
    assert changed["checklist"][1]["dependencies"] == [1]
    again = await desk.patch(path, {"checklist": [{"task_id": ids[0]}, {"title": "Newer", "raw_hours": 2}]})
    assert again["checklist"][1]["task_id"] == f"plan:{plan['plan_id']}:{len(old) + 2}"  # the id of the step that went is not given again
    read = await desk.get(path)
    assert [r["revision"] for r in read["revisions"]] == [2, 1]
    assert [s["task_id"] for s in read["revisions"][1]["checklist"]] == [s["task_id"] for s in old]
    await desk.patch(path, {"checklist": [{"task_id": ids[0]}], "revision": 1}, 409)


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([{"title": "A", "raw_hours": 1, "dependencies": [2]}, {"title": "B", "raw_hours": 1, "dependencies": [1]}], "checklist"),
        ([{"title": "A", "raw_hours": 0}], "checklist[0].raw_hours"),
        ([{"title": "A", "raw_hours": 201}], "checklist[0].raw_hours"),
        ([{"title": "A", "raw_hours": 1, "dependencies": [9]}], "checklist[0].dependencies"),
        ([{"title": "A", "raw_hours": 1, "dependencies": [1]}], "checklist[0].dependencies"),
        ([{"task_id": "plan:x:1"}], "checklist[0].task_id"),
        ([{"raw_hours": 1}], "checklist[0].title"),
        ([{"title": "A"}], "checklist[0].raw_hours"),
    ],
)
async def test_impossible_edits_are_refused_and_store_nothing(desk: Desk, steps: list[dict[str, Any]], field: str) -> None:
    plan = await desk.post("/plan", {"intent": "Write a blog post"}, 201)
    problem = await desk.patch(f"/plans/{plan['plan_id']}", {"checklist": steps}, 422)
    assert problem["errors"][0]["field"] == field
    assert (await desk.get(f"/plans/{plan['plan_id']}"))["revision"] == 1


async def test_status_goes_its_way_and_no_other(desk: Desk) -> None:
    plan = await desk.post("/plan", {"intent": "Write a blog post"}, 201)
    path = f"/plans/{plan['plan_id']}"
    await desk.patch(path, {"status": "completed"}, 409)
    for status in ("scheduled", "scheduled", "draft", "scheduled", "active", "completed", "completed"):
        assert (await desk.patch(path, {"status": status}))["status"] == status
    await desk.patch(path, {"status": "draft"}, 409)
    await desk.patch(path, {"status": "done"}, 422)
    await desk.patch(path, {"checklist": [{"title": "A", "raw_hours": 1}]}, 409)
    assert (await desk.get(path))["revision"] == 1
    assert [p["plan_id"] for p in (await desk.get("/plans?status=completed"))["plans"]] == [plan["plan_id"]]
    await desk.patch(f"/plans/{uuid4()}", {"status": "active"}, 404)


async def test_a_key_of_one_client_sees_that_client_only(desk: Desk) -> None:
    await desk.post("/plan", {"intent": "Write a blog post", "client_id": "globex"}, 201)
    mine = await desk.post("/plan", {"intent": "Write a blog post"}, 201, Authorization="Bearer k2")
    assert mine["client_id"] == "acme"
    listed = await desk.get("/plans", Authorization="Bearer k2")
    assert [p["plan_id"] for p in listed["plans"]] == [mine["plan_id"]]
    other = (await desk.get("/plans?client_id=globex"))["plans"][0]["plan_id"]
    await desk.get(f"/plans/{other}", 404, Authorization="Bearer k2")
    await desk.get("/plans?client_id=globex", 403, Authorization="Bearer k2")
    assert len((await desk.get("/plans"))["plans"]) == 2


async def test_a_plan_reads_as_markdown(desk: Desk) -> None:
    plan = await desk.post("/plan", {"intent": "Onboard Acme by Friday"}, 201)
    path = f"/api/v1/planner/plans/{plan['plan_id']}"
    page = await desk.client.get(f"{path}?format=markdown")
    assert page.headers["content-type"].startswith("text/markdown")
    assert page.text.startswith("# Client onboarding: Acme\n")
    assert page.text.count("[ ] **") == len(plan["checklist"])
    assert (await desk.client.get(path, headers={"Accept": "text/markdown"})).text == page.text
    assert (await desk.client.get(path)).json()["plan_id"] == plan["plan_id"]


async def test_a_deadline_that_cannot_be_kept_is_said(desk: Desk) -> None:
    plan = await desk.post("/plan", {"intent": "Build a 12-page website for Acme by tomorrow"}, 201)
    assert any("working hours are left" in w for w in plan["warnings"])
    past = await desk.post("/plan", {"intent": "Write a blog post", "deadline": "2026-11-01"}, 201)
    assert any("has passed" in w for w in past["warnings"])


async def test_five_at_once_do_not_queue(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them gets an answer of the memory before all have asked."""
    all_here, remember = asyncio.Barrier(5), desk.memory.remember

    async def waiting(*args: Any, **more: Any) -> Any:
        await asyncio.wait_for(all_here.wait(), 60)
        return await remember(*args, **more)

    monkeypatch.setattr(desk.memory, "remember", waiting)
    answers = await asyncio.gather(*(desk.post("/plan", {"intent": f"Onboard Client{i}"}) for i in range(5)))
    assert [a.status_code for a in answers] == [201] * 5


async def test_profile_is_partial_and_checked(desk: Desk) -> None:
    assert (await desk.get("/profile"))["confirmed"] is False
    change = {"time_zone": "America/New_York", "working_hours": {"fri": [["09:00", "13:00"]], "sat": []}, "holidays_country": "us-ca"}
    changed = await desk.put("/profile", change)
    assert (changed["time_zone"], changed["holidays_country"], changed["confirmed"]) == ("America/New_York", "US-CA", True)
    assert changed["working_hours"]["fri"] == [["09:00", "13:00"]]
    assert changed["working_hours"]["mon"] == [["09:00", "17:30"]]
    assert await desk.get("/profile") == changed
    assert (await desk.put("/profile", {"holidays_country": None}))["holidays_country"] is None
    for bad, field in (
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"holidays_country": "XX"}, "holidays_country"),
        ({"working_hours": {"mon": [["17:00", "09:00"]]}}, "working_hours.mon"),
        ({"working_hours": {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}}, "working_hours.mon"),
        ({"working_hours": {"someday": []}}, "working_hours.someday"),
        ({"working_hours": {"mon": [["9", "25:00"]]}}, "working_hours.mon"),
        ({"buffer_minutes": -1}, "buffer_minutes"),
        ({"weights": {"late": {"1": -1}}}, "weights.late.1"),
        ({"weights": {"moved": -1}}, "weights.moved"),
        ({"weights": {"fun": 1}}, "weights.fun"),
    ):
        problem = await desk.put("/profile", bad, 422)
        assert problem["errors"][0]["field"] == field


async def test_the_costs_of_a_schedule_are_set_once_for_a_person(desk: Desk) -> None:
    changed = await desk.put("/profile", {"weights": {"extra_chunk": 40, "late": {"1": 3000}}})
    assert changed["weights"] == {"extra_chunk": 40, "late": {"1": 3000}}
    changed = await desk.put("/profile", {"weights": {"late": {"2": 900}, "moved": 0}})
    assert changed["weights"] == {"extra_chunk": 40, "late": {"1": 3000, "2": 900}, "moved": 0}
    assert (await desk.put("/profile", {"buffer_minutes": 5}))["weights"] == changed["weights"]
    assert (await desk.put("/profile", {"weights": {"late": None}}))["weights"] == {"extra_chunk": 40, "moved": 0}


async def test_an_intent_of_two_pieces_of_work_is_one_plan_of_both(desk: Desk) -> None:
    plan = await desk.post("/plan", {"intent": "Write a proposal for Acme, then onboard them by 18 December and buy a cake"}, 201)
    assert plan["name"] == "Proposal and client onboarding: Acme"
    assert plan["process_template_id"] == "pattern:proposal+client-onboarding"
    steps = {s["step_key"]: s for s in plan["checklist"]}
    last_of_first, first_of_second = steps["proposal.follow-up"], steps["client-onboarding.agreement"]
    assert first_of_second["dependencies"] == [last_of_first["step_number"]]
    cake = plan["checklist"][-1]
    assert (cake["title"], cake["dependencies"], cake["raw_hours"]) == ("Buy a cake", [], 0.5)
    assert "'buy a cake'" in plan["pattern"]["why"]
    changed = [{"task_id": s["task_id"]} for s in plan["checklist"] if s is not last_of_first] + [{"title": "Ask for a reference", "raw_hours": 1}]
    await desk.patch(f"/plans/{plan['plan_id']}", {"checklist": changed})
    again = await desk.post("/plan", {"intent": "Write a proposal for Globex, then onboard them"}, 201)
    titles = [s["title"] for s in again["checklist"]]
    assert "Ask for a reference" in titles
    assert not [s for s in again["checklist"] if s["step_key"] == "proposal.follow-up"]


async def test_days_off_and_days_without_meetings_are_obeyed(desk: Desk) -> None:
    intent = {"intent": "Onboard Acme by Friday"}
    before = await desk.post("/plan", intent, 201)
    assert not before["warnings"]
    desk.memory.know("I only work on Tuesdays")
    desk.memory.know("No calls or meetings on Mondays, please")
    desk.memory.know("No meetings on Wednesday mornings")
    plan = await desk.post("/plan", intent, 201)
    assert any("only 8.5 working hours are left" in w for w in plan["warnings"])
    meeting, preparation = (next(s for s in plan["checklist"] if s["title"].startswith(t)) for t in ("Hold the kick-off", "Prepare the kick-off"))
    assert meeting["description"].endswith("Not on Mondays or Wednesday mornings, as you prefer.")
    assert "as you prefer" not in preparation["description"]
    wishes = plan["metadata"]["day_wishes"]
    assert wishes["days_off"] == ["mon", "wed", "thu", "fri", "sat", "sun"]
    assert wishes["no_meetings_on"] == {"mon": "", "wed": "mornings"}


async def test_what_is_held_with_others_is_marked_and_the_mark_can_be_edited(desk: Desk) -> None:
    first = await desk.post("/plan", {"intent": "Prepare a workshop for Acme", "client_id": "acme"}, 201)
    assert [s["title"] for s in first["checklist"] if s.get("splittable") is False] == ["Hold the workshop"]
    checklist = [{**s, "splittable": True} if s["title"] == "Hold the workshop" else s for s in first["checklist"]]
    edited = await desk.patch(f"/plans/{first['plan_id']}", {"checklist": checklist})
    assert not any(s.get("splittable") is False for s in edited["checklist"])
    second = await desk.post("/plan", {"intent": "Prepare a workshop for Globex", "client_id": "acme"}, 201)
    assert [s["splittable"] for s in second["checklist"] if s["title"] == "Hold the workshop"] == [True]
