"""The scheduler on the platform."""

import httpx

from planner_memory.adapters.planner_http.planning import PlannerPlans
from planner_memory.adapters.postgres.preference_readings import PostgresPreferenceReadings
from planner_memory.adapters.postgres.schedules import PostgresSchedules
from planner_memory.core.errors import NotStarted
from planner_memory.http_client import service_client
from planner_memory.scheduler_engine.connecting import Connections
from planner_memory.scheduler_engine.service import Scheduler
from planner_memory.scheduler_engine.writing import CalendarWriter, Look
from planner_memory.web.metrics import Metrics
from planner_memory.wiring.models import open_writer
from planner_memory.wiring.platform import Platform
from planner_memory.wiring.remote import open_memory


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
        memory=await open_memory(platform, gateway),
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
