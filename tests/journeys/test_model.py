"""A plan by a language model, in the running product; the vendor is a loopback server that speaks its protocol."""

from pathlib import Path

from tests.fakes.openrouter_server import KEY, OpenRouterServer
from tests.journeys.product import up

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
