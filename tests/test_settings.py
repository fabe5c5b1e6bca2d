"""Settings from the environment."""

import pytest
from pydantic import ValidationError

from planner_memory.settings import Settings


def test_empty_variables_mean_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_HOST", "")
    monkeypatch.setenv("PLANNER_PORT", "")
    assert Settings(_env_file=None).dsn is None  # type: ignore[call-arg]
    assert Settings(_env_file=None).port == 8090  # type: ignore[call-arg]


def test_the_dsn_from_its_parts_escapes_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_HOST", "db")
    monkeypatch.setenv("POSTGRES_PASSWORD", "p@ss/word:")
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    assert settings.dsn == "postgresql://n8n:p%40ss%2Fword%3A@db:5432/n8ndb"
    assert "p@ss" not in repr(settings)


def test_origins_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANNER_CORS_ORIGINS", "https://a.example, https://b.example")
    assert Settings(_env_file=None).cors_origins == ("https://a.example", "https://b.example")  # type: ignore[call-arg]


def test_an_unknown_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANNER_TIME_ZONE", "Mars/Olympus")
    with pytest.raises(ValidationError, match="Mars"):
        Settings(_env_file=None)  # type: ignore[call-arg]
