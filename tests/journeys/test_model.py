"""A plan by a language model, in the running product; the vendor is a loopback server that speaks its protocol."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.fakes.openrouter_server import KEY, OpenRouterServer, budget, refused
from tests.journeys.product import environment, up

SOP = {
    "name": "Ship the newsletter",
    "checklist": [
        {
            "step_number": n,
            "title": title,
            "description": f"{title}, done carefully.",
            "raw_hours": hours,
            "dependencies": [n - 1] if n > 1 else [],
            "energy": "medium",
            "billable": False,
            "deliverable": f"{title}: done",
        }
        for n, (title, hours) in enumerate((("Collect topics", 1.0), ("Write the text", 2.0), ("Send it", 0.5)), 1)
    ],
}


async def test_the_model_writes_the_plan_and_what_it_cost_is_counted(data_dir: Path) -> None:
    with OpenRouterServer() as server:
        server.say(SOP)
        with up(data_dir, OPENROUTER_API_KEY=KEY, OPENROUTER_BASE_URL=server.base_url) as running:
            async with running.client() as client:
                answer = await client.post("/api/v1/planner/plan", json={"intent": "Send the June newsletter"})
                assert answer.status_code == 201, answer.text
                plan = answer.json()
                assert plan["generator"] == "model"
                assert [step["title"] for step in plan["checklist"]] == ["Collect topics", "Write the text", "Send it"]
                metrics = (await client.get("/metrics")).text
                assert "planner_engine_model_calls_total{" in metrics
                assert (await client.get("/health")).json()["adapters"]["model"]
                text = running.log.read_text()
                assert KEY not in text


async def test_what_the_model_keeps_in_one_piece_stays_so_in_the_calendar(data_dir: Path) -> None:
    steps = [{**SOP["checklist"][0], "step_number": n, "dependencies": [], "title": f"Work on part {n}", "raw_hours": 3.5} for n in (1, 2)]
    with OpenRouterServer() as server:
        server.say({**SOP, "checklist": [{**steps[0], "splittable": False}, {**steps[1], "splittable": True}]})
        with up(data_dir, OPENROUTER_API_KEY=KEY, OPENROUTER_BASE_URL=server.base_url) as running:
            async with running.client() as client:
                plan = (await client.post("/api/v1/planner/plan", json={"intent": "Work on both parts"})).json()
                answer = await client.post("/api/v1/scheduler/schedule", json={"plan_id": plan["plan_id"], "dry_run": True})
                assert answer.status_code == 201, answer.text
                placed = Counter(block["task_id"] for block in answer.json()["schedule_blocks"])
                one, other = (placed[step["task_id"]] for step in plan["checklist"])
                assert (one, other > 1) == (1, True)


def doctor(data_dir: Path, *options: str) -> Any:
    command = [sys.executable, "-m", "planner_memory", "doctor", *options]
    ran = subprocess.run(command, env=environment(data_dir), capture_output=True, text=True, timeout=60, check=True)
    return json.loads(ran.stdout) if "--json" in options else ran.stdout


async def test_any_server_by_its_address_without_a_key(data_dir: Path) -> None:
    """As Ollama, vLLM and LM Studio answer: the paths of OpenAI, no key, none of OpenRouter's own fields."""
    with OpenRouterServer(key=None) as server:
        server.say(SOP)
        address = {"OPENROUTER_BASE_URL": server.base_url, "PLANNER_MODEL": "llama-loopback", "PLANNER_MODEL_FALLBACKS": "a/b"}
        with up(data_dir, PLANNER_MODEL_DIALECT="openai", **address) as running:
            async with running.client() as client:
                answer = await client.post("/api/v1/planner/plan", json={"intent": "Send the June newsletter"})
                assert answer.status_code == 201, answer.text
                assert answer.json()["generator"] == "model"
            assert doctor(data_dir, "--json")["dependencies"]["llm"] == "up"
        (asked,) = server.requests["/chat/completions"]
        assert asked["model"] == "llama-loopback"
        assert not {"models", "provider"} & asked.keys()


async def test_the_doctor_tests_the_key(data_dir: Path) -> None:
    with OpenRouterServer() as server:
        more = {"PLANNER_MODEL_FALLBACKS": "openai/one, openai/two", "PLANNER_MODEL_PROVIDER": '{"data_collection": "deny"}'}
        with up(data_dir, OPENROUTER_API_KEY=KEY, OPENROUTER_BASE_URL=server.base_url, **more) as running:
            assert "its key may still spend 12.50 US dollars" in doctor(data_dir)
            server.say(SOP)
            async with running.client() as client:
                assert (await client.post("/api/v1/planner/plan", json={"intent": "Send the June newsletter"})).status_code == 201
        asked = server.requests["/chat/completions"][-1]
        assert asked["models"][1:] == ["openai/one", "openai/two"]
        assert asked["provider"] == {"require_parameters": True, "data_collection": "deny"}
        for failure, says in ((refused(401), "does not accept the API key"), (None, "or of a budget over it, is used up")):
            server.budgets = [budget(-0.01)]
            server.fail_next("/key", failure)
            with up(data_dir, OPENROUTER_API_KEY=KEY, OPENROUTER_BASE_URL=server.base_url):
                health = doctor(data_dir, "--json")
            assert health["dependencies"]["llm"] == "unauthorized"
            assert says in health["services"]["planner-engine"]["model"]["problem"]
