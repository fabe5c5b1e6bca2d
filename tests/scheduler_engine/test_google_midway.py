"""Google slows down, or the tokens end, in the middle of a run: it is finished, or taken back as a whole once the account is connected again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response
from tests.fakes import google_client
from tests.fakes.google_server import GoogleServer, limited
from tests.scheduler_engine.stands import Stand, across_clients, on_google

from planner_memory.adapters.postgres.database import Database
from planner_memory.core.errors import NotConnected, PlannerMemoryError
from planner_memory.scheduler_engine.schemas import ScheduleIn

TEN = ScheduleIn.model_validate({"tasks": [{"task_id": f"t{n}", "title": f"Task {n}", "estimated_minutes": 60} for n in range(10)]})


def google_of(stand: Stand) -> GoogleServer:
    found = stand.server
    assert isinstance(found, GoogleServer)
    return found


@pytest.mark.parametrize("nth", [1, 5, 10])
@across_clients
async def test_a_limit_in_the_middle_is_waited_out(database: Database, tmp_path: Path, nth: int) -> None:
    async with on_google(database, tmp_path) as stand:
        google_of(stand).fail_next("events.insert", *[None] * (nth - 1), limited(429 if nth == 5 else 403))
        run = await (await stand.fresh()).schedule(TEN, client="me", clients=None)
        assert run.status == "applied"
        assert len(await stand.agrees()) == 10


@across_clients
async def test_a_limit_that_does_not_end_takes_the_run_back_and_names_the_tasks(database: Database, tmp_path: Path) -> None:
    async with on_google(database, tmp_path) as stand:
        google_of(stand).fail_next("events.insert", None, None, None, *[limited() for _ in range(200)])
        with pytest.raises(PlannerMemoryError) as failed:
            await (await stand.fresh()).schedule(TEN, client="me", clients=None)
        assert failed.value.status == 502
        assert failed.value.extra["failed_tasks"]
        assert set(failed.value.extra["failed_tasks"]) <= {f"t{n}" for n in range(10)}
        assert await stand.agrees() == {}


@across_clients
async def test_an_access_token_that_ends_in_the_middle_is_refreshed(database: Database, tmp_path: Path) -> None:
    async with on_google(database, tmp_path) as stand:
        google = google_of(stand)

        async def ends(work: Callable[[], Any]) -> Response:
            google.oauth.kill_access_tokens()
            done: Response = work()
            return done

        google.fail_next("events.insert", None, None, ends)
        assert (await (await stand.fresh()).schedule(TEN, client="me", clients=None)).status == "applied"
        assert len(await stand.agrees()) == 10


@across_clients
async def test_access_that_is_revoked_in_the_middle_asks_to_connect_and_the_run_is_taken_back_then(database: Database, tmp_path: Path) -> None:
    async with on_google(database, tmp_path) as stand:
        google = google_of(stand)

        async def revoked(work: Callable[[], Any]) -> Response:
            done: Response = work()
            google.oauth.revoke_all()
            google.oauth.kill_access_tokens()
            return done

        google.fail_next("events.insert", None, None, revoked)
        scheduler = await stand.fresh()
        with pytest.raises(NotConnected):
            await scheduler.schedule(TEN, client="me", clients=None)
        assert await (await stand.fresh()).recover() == 0  # still not connected
        await google_client.connect(google_client.account_of(google, tmp_path))
        assert await (await stand.fresh()).recover() == 1
        assert await stand.agrees() == {}
        (run,) = await scheduler.schedules(plan_id=None, clients=None, limit=10)
        assert run.status == "failed"
        assert (await (await stand.fresh()).schedule(TEN, client="me", clients=None)).status == "applied"
        assert len(await stand.agrees()) == 10
