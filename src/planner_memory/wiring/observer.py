"""The observer on the platform."""

import httpx

from planner_memory.adapters.markdown_files.outlet import MarkdownFiles
from planner_memory.adapters.postgres.facts import PostgresFacts
from planner_memory.adapters.smtp.outlet import SmtpMail
from planner_memory.core.errors import NotStarted
from planner_memory.observer_agent.service import Observer
from planner_memory.ports.outlets import Outlet
from planner_memory.settings import Settings
from planner_memory.web.metrics import Metrics
from planner_memory.wiring.models import open_writer
from planner_memory.wiring.platform import Platform
from planner_memory.wiring.remote import open_memory
from planner_memory.wiring.workspace import open_workspace


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
        memory=await open_memory(platform, gateway),
        clock=platform.clock,
        default_client=platform.settings.client_id,
        writer=open_writer(platform, metrics),
        makes_when_due=platform.settings.reflection_trigger == "cron",
    )
    observer.register_jobs(platform.jobs)
    return observer
