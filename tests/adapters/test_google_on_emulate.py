"""The Google adapter on an emulator of Google by other hands (vercel-labs' emulate), as far as that goes.

It has consent with PKCE, tokens, revocation, the list of calendars, list, insert and delete of events, free and busy. It takes no ids of ours, and
has neither conditions nor sync tokens, which is why the rest is tested on a Google of our own.
"""

import json
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from tests.fakes import google_client
from tests.fakes.google_oauth import CLIENT_ID, CLIENT_SECRET
from tests.servers import ROOT, free_port

from planner_memory.adapters.google.account import GoogleAccount
from planner_memory.core.errors import InvalidInput, NotConnected
from planner_memory.core.intervals import Interval
from planner_memory.ports.calendar import NewEvent

BERLIN = "Europe/Berlin"
PERSON = "maria@example.org"
MODULES = ROOT / "tests" / "peers" / "emulate" / "node_modules"
START = datetime(2027, 3, 15, 9, tzinfo=UTC)
MARCH = Interval(datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC))
SEED = {
    "google": {
        "users": [{"email": PERSON, "name": "Maria"}],
        "oauth_clients": [{"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": [google_client.REDIRECT]}],
        "calendars": [{"id": "primary", "user_email": PERSON, "summary": PERSON, "primary": True, "selected": True, "time_zone": BERLIN}],
        "calendar_events": [
            {
                "id": "evt_kickoff",
                "user_email": PERSON,
                "calendar_id": "primary",
                "summary": "Kick-off",
                "start_date_time": "2027-03-16T09:00:00.000Z",
                "end_date_time": "2027-03-16T09:30:00.000Z",
            }
        ],
    }
}


def _node() -> str:
    """The Node.js that came with the emulator, else one of the machine that is new enough."""
    for own in MODULES.glob("node-*/bin/node"):
        return str(own)
    found = shutil.which("node")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout if found else ""
    if found is None or int((re.findall(r"\d+", version) or ["0"])[0]) < 24:
        pytest.skip("emulate needs Node.js 24: the adapter was NOT checked on a second Google")
    return found


@pytest.fixture(scope="module")
def emulate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not (MODULES / ".installed").exists():
        pytest.skip("emulate is not installed (`make peer-emulate`): the adapter was NOT checked on a second Google")
    folder, port = tmp_path_factory.mktemp("emulate"), free_port()
    (folder / "seed.json").write_text(json.dumps(SEED))
    command = [_node(), str(MODULES / "emulate" / "dist" / "index.js"), "start", "-p", str(port), "-s", "google", "--seed", str(folder / "seed.json")]
    with (folder / "log").open("w") as log:
        child = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env={"HOME": str(folder), "PATH": "/usr/bin:/bin"})
    url = f"http://127.0.0.1:{port}"
    try:
        ends = time.monotonic() + 60
        while True:
            assert child.poll() is None, (folder / "log").read_text()
            try:
                httpx.get(url, timeout=1)
                break
            except httpx.TransportError:
                assert time.monotonic() < ends, (folder / "log").read_text()
                time.sleep(0.1)
        yield url
    finally:
        child.terminate()
        child.wait(20)


def client_of(url: str, folder: Path, **more: Any) -> google_client.Client:
    made = google_client.client_of(SimpleNamespace(url=url), folder, write_to="primary", **more)  # type: ignore[arg-type]
    made.account._token_url = f"{url}/oauth2/token"
    return made


async def consent(account: GoogleAccount, url: str) -> dict[str, str]:
    """The person chooses her account on the page, whose form carries everything on."""
    address = await account.begin(None)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    async with httpx.AsyncClient() as browser:
        page = await browser.get(address)
        assert page.status_code == 200, page.text
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        assert (form["state"], form["code_challenge"]) == (asked["state"], asked["code_challenge"])
        back = await browser.post(f"{url}/o/oauth2/v2/auth/callback", data=form | {"scope": asked["scope"]})
    assert back.status_code == 302, back.text
    return dict(parse_qsl(urlsplit(back.headers["location"]).query))


@pytest.fixture
async def client(emulate: str, tmp_path: Path) -> AsyncIterator[google_client.Client]:
    made = client_of(emulate, tmp_path)
    await made.account.finish(await consent(made.account, emulate))
    yield made
    await made.close()


async def test_consent_with_pkce(emulate: str, tmp_path: Path) -> None:
    made = client_of(emulate, tmp_path)
    first, second = await consent(made.account, emulate), await consent(made.account, emulate)
    with pytest.raises(InvalidInput):  # a code with another request's verifier
        await made.account.finish({**second, "code": first["code"]})
    answer = await consent(made.account, emulate)
    assert (await made.account.finish(answer)).state == "connected"
    again = await consent(made.account, emulate)
    with pytest.raises(InvalidInput):  # a code for the second time
        await made.account.finish({**again, "code": answer["code"]})
    await made.close()


async def test_renewal_and_revocation(client: google_client.Client, emulate: str, tmp_path: Path) -> None:
    first = await client.account.access_token()
    second = await client.account.access_token(instead_of=first)
    assert second != first
    kept = await client.account._tokens.read()
    assert kept is not None
    other = client_of(emulate, tmp_path / "other")
    await other.account._tokens.write({**kept, "after_refusal": False})
    assert await client.account.disconnect() is True
    with pytest.raises(NotConnected, match="/oauth/authorize"):
        await other.account.access_token(instead_of=second)
    assert (await other.account.state()).state == "reconnect needed"
    await other.close()


async def test_calendars_and_events(client: google_client.Client) -> None:
    (primary,) = await client.calendar.calendars()
    assert (primary.calendar_id, primary.is_primary, primary.is_own) == ("primary", True, True)
    written = await client.calendar.put(NewEvent("pm001", "Draft", START, START + timedelta(hours=1), BERLIN, "Words", {"run_id": "r"}))
    found = await client.calendar.events(MARCH, BERLIN)
    assert [(e.title, e.start, e.is_busy) for e in found] == [("Draft", START, True), ("Kick-off", START + timedelta(days=1), True)]
    assert found[0].description == "Words"
    later = Interval(START + timedelta(hours=2), MARCH.end)
    assert [e.title for e in await client.calendar.events(later, BERLIN)] == ["Kick-off"]
    assert await client.calendar.delete(written.event_id) is True
    assert await client.calendar.delete(written.event_id) is False
    assert [e.title for e in await client.calendar.events(MARCH, BERLIN)] == ["Kick-off"]


async def test_free_and_busy(client: google_client.Client) -> None:
    (span,) = await client.calendar._busy(["primary"], MARCH)
    assert (span.start, span.end, span.is_busy) == (START + timedelta(days=1), START + timedelta(days=1, minutes=30), True)
