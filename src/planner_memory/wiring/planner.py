"""The planner on the platform."""

import httpx

from planner_memory.adapters.postgres.plans import PostgresPlans
from planner_memory.planner_engine.service import Planner
from planner_memory.web.metrics import Metrics
from planner_memory.wiring.models import open_writer, prompts_of
from planner_memory.wiring.platform import Platform
from planner_memory.wiring.remote import open_memory
from planner_memory.wiring.workspace_desk import open_workspace_desk


async def open_planner(platform: Platform, metrics: Metrics, *, gateway: httpx.AsyncBaseTransport | None = None) -> Planner:
    memory = await open_memory(platform, gateway)
    planner = Planner(
        store=PostgresPlans(platform.database),
        memory=memory,
        profiles=platform.profiles,
        clock=platform.clock,
        default_client=platform.settings.client_id,
        writer=open_writer(platform, metrics),
        prompts=prompts_of(platform),
        context_tokens=platform.settings.model_context_tokens,
        fall_back_to_rules=platform.settings.rules_when_model_is_down,
        workspace=await open_workspace_desk(platform, memory),
    )

    async def tell_memory() -> None:
        await planner.tell_memory()

    platform.jobs.register("planner-engine-tell-memory", tell_memory, cron="*/5 * * * *")
    return planner
