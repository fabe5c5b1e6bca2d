"""Calendar, planner, scheduler and observer, each on the platform."""

import httpx

from planner_memory.adapters.gateway_http.memory import GatewayMemory
from planner_memory.adapters.markdown_files.outlet import MarkdownFiles
from planner_memory.adapters.planner_http.planning import PlannerPlans
from planner_memory.adapters.postgres.facts import PostgresFacts
from planner_memory.adapters.postgres.plans import PostgresPlans
from planner_memory.adapters.postgres.preference_readings import PostgresPreferenceReadings
from planner_memory.adapters.postgres.schedules import PostgresSchedules
from planner_memory.adapters.smtp.outlet import SmtpMail
from planner_memory.core.errors import NotStarted
from planner_memory.http_client import service_client
from planner_memory.observer_agent.service import Observer
from planner_memory.planner_engine.service import Planner
from planner_memory.ports.outlets import Outlet
from planner_memory.scheduler_engine.connecting import Connections
from planner_memory.scheduler_engine.service import Scheduler
from planner_memory.scheduler_engine.writing import CalendarWriter, Look
from planner_memory.settings import Settings
from planner_memory.web.metrics import Metrics
from planner_memory.wiring.models import open_writer, prompts_of
from planner_memory.wiring.platform import Platform
from planner_memory.wiring.workspace import open_workspace, open_workspace_desk


async def _memory(platform: Platform, transport: httpx.AsyncBaseTransport | None) -> GatewayMemory:
    client = await platform.stack.enter_async_context(service_client(platform.settings.memory_gateway_url, platform.api_key, transport=transport))
    return GatewayMemory(client)


async def open_planner(platform: Platform, metrics: Metrics, *, gateway: httpx.AsyncBaseTransport | None = None) -> Planner:
    memory = await _memory(platform, gateway)
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


async def open_scheduler(
    platform: Platform, metrics: Metrics, *, gateway: httpx.AsyncBaseTransport | None = None, planner: httpx.AsyncBaseTransport | None = None
) -> Scheduler:
    if platform.calendar is None:
        raise NotStarted("The scheduler needs a calendar. Set CALDAV_URL with its user name and password, or leave PLANNER_CALENDAR unset.")
    client = await platform.stack.enter_async_context(service_client(platform.settings.planner_engine_url, platform.api_key, transport=planner))
    settings = platform.settings
    base_url = settings.public_url or (f"http://{settings.host}:{settings.port}" if settings.port else None)
    look = Look(reminders=settings.event_reminders, color=settings.event_color, base_url=base_url)
    scheduler = Scheduler(
        store=PostgresSchedules(platform.database),
        calendar=platform.calendar,
        profiles=platform.profiles,
        memory=await _memory(platform, gateway),
        plans=PlannerPlans(client),
        clock=platform.clock,
        default_client=platform.settings.client_id,
        writer=CalendarWriter(platform.calendar, look=look),
        public_url=settings.public_url,
        readings=PostgresPreferenceReadings(platform.database),
        model=open_writer(platform, metrics),
    )
    scheduler.register_jobs(platform.jobs)
    return scheduler


def connections_of(platform: Platform, scheduler: Scheduler) -> Connections:
    if platform.calendar is None:
        raise NotStarted("Connections need a calendar.")
    return Connections(platform.calendar, platform.account, scheduler.watcher)


def _outlets(settings: Settings) -> list[Outlet]:
    """Where reflections go besides the workspace's daily thread."""
    outlets: list[Outlet] = []
    if settings.markdown_dir is not None:
        outlets.append(MarkdownFiles(settings.markdown_dir))
    if settings.mail_to is not None:
        if settings.smtp_host is None:
            raise NotStarted("PLANNER_MAIL_TO needs PLANNER_SMTP_HOST, the mail server. Set both, or neither.")
        outlets.append(
            SmtpMail(
                settings.smtp_host,
                settings.smtp_port,
                sender=settings.mail_from,
                recipient=settings.mail_to,
                username=settings.smtp_username,
                password=settings.smtp_password.get_secret_value(),
                security=settings.smtp_security,
            )
        )
    return outlets


async def open_observer(platform: Platform, metrics: Metrics, *, gateway: httpx.AsyncBaseTransport | None = None) -> Observer:
    outlets = _outlets(platform.settings)
    if outlets:
        platform.adapters["letters"] = ", ".join(outlet.name for outlet in outlets)
    observer = Observer(
        outlets=outlets,
        store=PostgresFacts(platform.database),
        workspace=await open_workspace(platform),
        calendar=platform.calendar,
        profiles=platform.profiles,
        memory=await _memory(platform, gateway),
        clock=platform.clock,
        default_client=platform.settings.client_id,
        writer=open_writer(platform, metrics),
        makes_when_due=platform.settings.reflection_trigger == "cron",
    )
    observer.register_jobs(platform.jobs)
    return observer
