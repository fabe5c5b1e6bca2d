"""The data directory and the API key of this installation; light enough for every start of the command line."""

import secrets
from pathlib import Path

from planner_memory.adapters.in_process.data_dir import DataDirectory, default_data_dir, ensure_secret
from planner_memory.adapters.radicale.subscription import subscription
from planner_memory.settings import Settings


def data_directory(settings: Settings) -> DataDirectory:
    return DataDirectory(settings.data_dir or default_data_dir())


def api_key_of(settings: Settings, data: DataDirectory) -> str:
    """The configured key, else the one of the data directory, made on first use."""
    if settings.api_key is not None:
        return settings.api_key.get_secret_value()
    return ensure_secret(data.path / "api-key", lambda: f"pm_{secrets.token_urlsafe(32)}")


def credentials_directory(settings: Settings, data: DataDirectory) -> Path:
    """The folder of the calendars' encrypted credentials; it may not be there yet."""
    return settings.credentials_dir or data.path / "credentials"


def subscription_of(settings: Settings, data: DataDirectory) -> tuple[str, str, str] | None:
    """Address, user name and password of the embedded calendar; None when it is not in use here, or was never started."""
    if settings.calendar not in (None, "radicale") or (settings.calendar is None and settings.caldav_url):
        return None
    return subscription(data.path, settings.calendar_port)
