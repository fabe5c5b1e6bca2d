"""The language model of a service: metered, within the month's budget, measured under the service's name, with its prompts."""

from planner_memory.adapters.in_process.metered_model import MeteredLanguageModel
from planner_memory.adapters.openrouter.language_model import OPENROUTER, OpenRouterLanguageModel
from planner_memory.adapters.postgres.model_calls import PostgresModelLedger
from planner_memory.adapters.postgres.prompts import PostgresPrompts
from planner_memory.core.errors import NotStarted
from planner_memory.prompting.versions import Prompts
from planner_memory.prompting.writer import Writer
from planner_memory.web.metrics import Metrics
from planner_memory.web.model_measures import ModelMeasures
from planner_memory.wiring.platform import Platform


def prompts_of(platform: Platform) -> Prompts:
    return Prompts(PostgresPrompts(platform.database), default_version=platform.settings.prompt_template_version, clock=platform.clock)


def open_writer(platform: Platform, metrics: Metrics) -> Writer | None:
    """What a service asks the model with; None when no model is configured. `metrics` are the service's own."""
    settings = platform.settings
    if not settings.has_model:
        return None
    if settings.model_dialect == "openai" and settings.openrouter_base_url == OPENROUTER:
        raise NotStarted("PLANNER_MODEL_DIALECT=openai needs OPENROUTER_BASE_URL, such as http://127.0.0.1:11434/v1, and PLANNER_MODEL.")
    model = OpenRouterLanguageModel(
        settings.openrouter_api_key.get_secret_value() if settings.openrouter_api_key else "",
        settings.openrouter_base_url,
        settings.model,
        fallbacks=settings.model_fallbacks,
        provider=settings.model_provider,
        dialect=settings.model_dialect,
        limit_seconds=settings.model_limit_seconds,
        clock=platform.clock,
    )
    platform.stack.push_async_callback(model.close)
    platform.adapters["model"] = settings.model
    ledger = PostgresModelLedger(platform.database)
    metered = MeteredLanguageModel(
        model,
        ledger,
        monthly_budget_usd=settings.monthly_budget_usd,
        provider=settings.model_dialect,
        on_call=ModelMeasures(metrics).observed,
        capture_content=settings.trace_content,
        clock=platform.clock,
    )
    return Writer(model=metered, prompts=prompts_of(platform), ledger=ledger)
