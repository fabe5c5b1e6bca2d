"""Prompts: the shipped texts, versions side by side, and rendering that data cannot break."""

import json
from dataclasses import fields
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.fakes.openrouter_server import OpenRouterServer
from tests.planner_engine.answers import manifold, revised, sop, step
from tests.planner_engine.conftest import Connected, Desk, opened

from planner_memory.adapters.postgres.database import Database
from planner_memory.core.errors import InvalidInput
from planner_memory.planner_engine.context import Item, assembled, tokens_of
from planner_memory.planner_engine.replies import ManifoldReply, RevisionReply, SopReply
from planner_memory.prompting.inputs import INPUTS, SopInput
from planner_memory.prompting.rendering import as_data, check_content, labelled, rendered, shipped
from planner_memory.prompting.replies import strict_schema

INTENT = {"intent": "Write a proposal for Acme", "client_id": "acme"}
EDITED = "Plan well.\n\n<context>\n{context}\n</context>\n\nWanted: {intent}\n"


@pytest.mark.parametrize("name", sorted(INPUTS))
async def test_the_files_are_what_migrations_seed(name: str, shared_dsn: str) -> None:
    async with await psycopg.AsyncConnection.connect(shared_dsn) as connection:
        query = "select content from prompt_templates where template_name = %s and version = 'v1'"
        row = await (await connection.execute(query, (name,))).fetchone()
    assert row is not None
    assert row[0] == shipped(name)
    check_content(name, row[0])


@given(st.text(max_size=300), st.text(max_size=100))
@settings(max_examples=60, deadline=None)
def test_no_data_can_close_its_fence(memory: str, intent: str) -> None:
    context = assembled([Item("memory", "remembered", memory, "m1")]).text
    messages = rendered(shipped("sop_generator"), SopInput(context, as_data(intent)))
    assert [m.role for m in messages] == ["system", "user"]
    assert messages[0].content == rendered(shipped("sop_generator"), SopInput("", ""))[0].content
    user = messages[1].content
    assert user.count("<context>") == user.count("</context>") == 1
    assert "\n" not in labelled(1, "memory", "remembered", memory)
    assert (
        json.loads(labelled(1, "memory", "x", memory).split(": ", 1)[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")) is not None
    )


def test_a_prompt_is_filled_in_once() -> None:
    user = rendered(EDITED, SopInput("{intent} {context}", "{context}"))[1].content
    assert user == "<context>\n{intent} {context}\n</context>\n\nWanted: {context}"
    assert [f.name for f in fields(SopInput)] == ["context", "intent"]


def test_what_does_not_fit_is_left_out_whole() -> None:
    made = assembled([Item("a", "s", "x" * 50, "1"), Item("b", "s", "y" * 5000, "2"), Item("c", "s", "z", "3"), Item("c", "s", "z", "4")], 60)
    assert [n["reference"] for n in made.used] == ["1", "3"]
    assert [n["reference"] for n in made.left_out] == ["2"]
    assert made.used_tokens <= 60
    assert tokens_of(made.text) <= 60


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("Plan.", "{context}, {intent}"),
        ("<context>\n{context}\n</context>\n{intent} {mood}", "{mood}"),
        ("{context} {intent}", "alone between lines"),
        ("  ", "between 1 and"),
        ("<context>\nDo this: {context}\n</context>\n{intent}", "alone between lines"),
    ],
)
def test_texts_that_cannot_be_filled_in_are_refused(content: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says.replace("{", r"\{")):
        check_content("sop_generator", content)


@pytest.mark.parametrize(("kind", "good"), [(SopReply, sop()), (ManifoldReply, manifold()), (RevisionReply, revised(step(1)))])
def test_the_schemas_are_strict_and_describe_what_is_read(kind: type[Any], good: dict[str, Any]) -> None:
    schema = strict_schema(kind)
    Draft202012Validator.check_schema(schema)
    assert not list(Draft202012Validator(schema).iter_errors(good))
    kind.model_validate(good)
    spoilt = json.loads(json.dumps(good))
    del spoilt["checklist"][0]["energy"]
    assert list(Draft202012Validator(schema).iter_errors(spoilt))


async def test_versions_stand_side_by_side_and_are_chosen_per_client(writing_desk: Desk, vendor: OpenRouterServer) -> None:
    made = await writing_desk.post("/prompts/sop_generator/versions", {"content": EDITED, "client_id": "acme", "note": "shorter"}, 201)
    assert (made["version"], made["in_use_for"]) == ("v2", "acme")
    vendor.say(sop(), sop())
    theirs = await writing_desk.post("/plan", INTENT, 201)
    assert theirs["metadata"]["prompt"] == {"name": "sop_generator", "version": "v2", "chosen_by": "client"}
    assert vendor.requests["/chat/completions"][0]["messages"][0]["content"] == "Plan well."
    other = await writing_desk.post("/plan", {**INTENT, "client_id": "globex"}, 201)
    assert other["metadata"]["prompt"]["version"] == "v1"
    listed = {p["name"]: p for p in (await writing_desk.get("/prompts"))["prompts"]}
    assert [v["version"] for v in listed["sop_generator"]["versions"]] == ["v1", "v2"]
    assert (listed["sop_generator"]["version"], listed["sop_generator"]["clients"]) == ("v1", {"acme": "v2"})
    assert {"schedule_optimizer", "daily_reflection", "weekly_review"} <= listed.keys()
    compared = await writing_desk.get("/prompts/sop_generator/diff?before=v1&after=v2")
    assert "+Plan well." in compared["diff"]
    back = await writing_desk.post("/prompts/sop_generator/rollback", {"client_id": "acme"}, 200)
    assert (back["version"], back["chosen_by"]) == ("v1", "setting")
    await writing_desk.post("/prompts/sop_generator/rollback", {"client_id": "acme"}, 409)
    shown = await writing_desk.get("/prompts/sop_generator?client_id=acme")
    assert shown["content"] == shipped("sop_generator")


async def test_rolling_back_goes_one_step_at_a_time(desk: Desk) -> None:
    for text in ("two", "three"):
        await desk.post("/prompts/sop_generator/versions", {"content": EDITED.replace("well", text)}, 201)
    assert (await desk.get("/prompts/sop_generator"))["version"] == "v3"
    seen = [(await desk.post("/prompts/sop_generator/rollback", {}, 200))["version"] for _ in range(2)]
    assert seen == ["v2", "v1"]
    await desk.post("/prompts/sop_generator/rollback", None, 409)
    used = await desk.put("/prompts/sop_generator/version", {"version": "v3"})
    assert (used["version"], used["chosen_by"]) == ("v3", "everyone")
    await desk.put("/prompts/sop_generator/version", {"version": "v9"}, 404)
    assert (await desk.put("/prompts/sop_generator/version", {"version": None}))["version"] == "v1"


async def test_what_cannot_be_edited(desk: Desk) -> None:
    await desk.post("/prompts/sop_generator/versions", {"content": "Plan."}, 422)
    await desk.post("/prompts/sop_generator/versions", {"content": shipped("sop_generator")}, 409)
    await desk.post("/prompts/nothing/versions", {"content": EDITED}, 404)
    await desk.post("/prompts/sop_generator/versions", {"content": EDITED}, 403, Authorization="Bearer k2")
    await desk.post("/prompts/sop_generator/rollback", {}, 403, Authorization="Bearer k2")
    await desk.post("/prompts/sop_generator/rollback", {"client_id": "globex"}, 403, Authorization="Bearer k2")
    await desk.get("/prompts/nothing", 404)
    assert [v["version"] for v in (await desk.get("/prompts"))["prompts"][-1]["versions"]] == ["v1"]


async def test_a_version_that_is_not_there_is_said(database: Database, connected: Connected, vendor: OpenRouterServer) -> None:
    connected.version = "v7"
    async with opened(database, connected) as desk:
        vendor.say(sop())
        plan = await desk.post("/plan", INTENT, 201)
    assert plan["metadata"]["prompt"]["version"] == "v1"
    assert any("has no version v7" in w for w in plan["warnings"])
