"""The Google account against a loopback Google: consent, tokens at rest, renewal, and the ways in which a connection ends."""

import asyncio
import json
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.fakes import google_client
from tests.fakes.google_client import account_of, connect, consent
from tests.fakes.google_oauth import CLIENT_ID, CLIENT_SECRET, Consent
from tests.fakes.google_server import APP_CREATED, CALENDAR_LIST, EVENTS_READ, GoogleServer, broken

from planner_memory.adapters.credential_files.store import EncryptedFile
from planner_memory.adapters.google.account import GoogleAccount
from planner_memory.core.errors import InvalidInput, NotAllowed, NotConnected, NotStarted, Unavailable


@pytest.fixture(scope="module")
def shared() -> Iterator[GoogleServer]:
    with GoogleServer() as server:
        yield server


@pytest.fixture
def server(shared: GoogleServer) -> GoogleServer:
    shared.reset()
    return shared


class At:
    """A clock that goes with the server's."""

    def __init__(self, server: GoogleServer) -> None:
        self._server = server

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self._server.now(), UTC)


@pytest.fixture
async def account(server: GoogleServer, tmp_path: Path) -> AsyncIterator[GoogleAccount]:
    made = account_of(server, tmp_path, clock=At(server))
    yield made
    await made.close()


async def test_the_consent_page_is_asked_as_it_has_to_be(account: GoogleAccount, server: GoogleServer) -> None:
    await connect(account)
    [asked] = server.oauth.asked
    assert asked["access_type"] == "offline"
    assert asked["prompt"] == "consent"
    assert asked["include_granted_scopes"] == "true"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 32
    assert set(asked["scope"].split()) == {APP_CREATED, CALENDAR_LIST, EVENTS_READ}
    found = await account.state()
    assert (found.state, list(found.missing), found.ends_at) == ("connected", [], None)


async def test_tokens_are_encrypted_at_rest_and_only_the_owners(account: GoogleAccount, server: GoogleServer, tmp_path: Path) -> None:
    await account.begin(await _link_of(account))
    await connect(account)
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        text = file.read_text()
        assert not [secret for secret in server.oauth.secrets if secret in text], file
    kept = json.loads((tmp_path / "gcal.json").read_text())
    assert sorted(kept) == ["cipher", "sealed", "version"]
    other = account_of(server, tmp_path, key="another key, with which nothing can be read")
    assert (await other.state()).state == "not connected"
    await other.close()


async def _link_of(account: GoogleAccount) -> str:
    invitation = await account.invite()
    address = urlsplit(invitation.address)
    assert (address.netloc, address.path) == ("127.0.0.1:8090", "/oauth/authorize")
    return parse_qs(address.query)["link"][0]


async def test_the_link_lies_beside_the_address_to_come_back_to(server: GoogleServer, tmp_path: Path) -> None:
    for redirect, begins in {
        "https://plan.example/oauth/callback": "https://plan.example/oauth/authorize?link=",
        "https://host.example/planner/oauth/callback": "https://host.example/planner/oauth/authorize?link=",
        "http://localhost:8090/back": "http://localhost:8090/oauth/authorize?link=",
    }.items():
        made = account_of(server, tmp_path)
        made._redirect_uri = redirect
        assert (await made.invite()).address.startswith(begins)
        await made.close()


async def test_a_link_opens_the_page_once_and_not_for_ever(account: GoogleAccount, server: GoogleServer) -> None:
    link = await _link_of(account)
    await account.begin(link)
    with pytest.raises(NotAllowed, match="calendar connect google"):
        await account.begin(link)
    late = await _link_of(account)
    server.pass_time(601)
    for each in (late, "guessed", ""):
        with pytest.raises(NotAllowed):
            await account.begin(each)


async def test_an_answer_is_taken_once_and_only_with_its_state(account: GoogleAccount, server: GoogleServer) -> None:
    answer = await consent(account)
    for forged in ({**answer, "state": "guessed"}, {"code": answer["code"]}, {}):
        with pytest.raises(InvalidInput, match="no request"):
            await account.finish(forged)
    await account.finish(answer)
    with pytest.raises(InvalidInput):
        await account.finish(answer)
    late = await consent(account)
    server.pass_time(601)
    with pytest.raises(InvalidInput):
        await account.finish(late)


async def test_a_code_of_another_request_is_refused(account: GoogleAccount) -> None:
    """PKCE: a stolen code is worth nothing in a request with another verifier."""
    first, second = await consent(account), await consent(account)
    with pytest.raises(InvalidInput, match="code"):
        await account.finish({**second, "code": first["code"]})
    assert (await account.state()).state == "not connected"


async def test_a_person_who_declines(account: GoogleAccount, server: GoogleServer) -> None:
    server.oauth.consent = Consent(denies=True)
    with pytest.raises(NotAllowed, match="declined"):
        await connect(account)
    with pytest.raises(NotConnected, match="/oauth/authorize"):
        await account.access_token()


async def test_a_permission_without_which_nothing_works_was_left_out(account: GoogleAccount, server: GoogleServer) -> None:
    for only in ([CALENDAR_LIST, EVENTS_READ], [APP_CREATED, CALENDAR_LIST]):
        server.oauth.consent = Consent(only=only)
        with pytest.raises(NotAllowed, match="left out"):
            await connect(account)
        assert (await account.state()).state == "not connected"
        server.oauth.revoke_all()


async def test_a_permission_that_can_be_done_without(account: GoogleAccount, server: GoogleServer) -> None:
    server.oauth.consent = Consent(only=[APP_CREATED, EVENTS_READ])
    await connect(account)
    found = await account.state()
    assert (found.state, list(found.missing)) == ("connected", ["see the list of your calendars"])


async def test_a_token_is_renewed_before_it_ends(account: GoogleAccount, server: GoogleServer) -> None:
    await connect(account)
    first = await account.access_token()
    server.pass_time(3000)
    assert await account.access_token() == first
    assert server.oauth.refreshes == 0
    server.pass_time(400)  # 3,400 of 3,599 seconds
    second = await account.access_token()
    assert second != first
    assert server.oauth.refreshes == 1


async def test_a_new_refresh_token_is_kept(account: GoogleAccount, server: GoogleServer) -> None:
    await connect(account)
    server.oauth.rotates = True
    tokens = set()
    for _ in range(3):
        server.pass_time(3600)
        tokens.add(await account.access_token())
    assert len(tokens) == 3


async def test_many_at_once_renew_it_once(account: GoogleAccount, server: GoogleServer, tmp_path: Path) -> None:
    await connect(account)
    server.oauth.rotates = True  # whoever came second with the old one would be refused
    server.pass_time(3600)
    other = account_of(server, tmp_path, clock=At(server))
    tokens = await asyncio.gather(*(each.access_token() for each in (account, other) * 10))
    assert len(set(tokens)) == 1
    assert server.oauth.refreshes == 1
    await other.close()


PROCESS = """
import asyncio, sys
from datetime import datetime, timedelta, UTC
from pathlib import Path
from planner_memory.adapters.credential_files.store import EncryptedFile
from planner_memory.adapters.google.account import GoogleAccount

async def main(url, folder, later, key, client_id, client_secret):
    files = [EncryptedFile(Path(folder) / name, key) for name in ("gcal.json", "gcal-pending.json")]
    account = GoogleAccount(
        *files, client_id=client_id, client_secret=client_secret, redirect_uri="http://127.0.0.1/oauth/callback", token_url=url + "/token",
        clock=lambda: datetime.now(UTC) + timedelta(seconds=float(later)),
    )
    print((await account.access_token())[-12:])
    await account.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_many_processes_renew_it_once(account: GoogleAccount, server: GoogleServer, tmp_path: Path) -> None:
    await connect(account)
    server.oauth.rotates = True
    server.pass_time(3600)
    command = [sys.executable, "-c", PROCESS, server.url, str(tmp_path), "3600", google_client.KEY, CLIENT_ID, CLIENT_SECRET]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    printed = [await asyncio.to_thread(each.communicate) for each in started]
    assert {err for _, err in printed} == {""}
    assert len({out for out, _ in printed}) == 1
    assert server.oauth.refreshes == 1


async def test_a_revoked_connection_asks_for_a_person_and_never_loops(account: GoogleAccount, server: GoogleServer) -> None:
    await connect(account)
    server.oauth.revoke_all()
    server.pass_time(3600)
    for _ in range(5):
        with pytest.raises(NotConnected, match="/oauth/authorize") as refused:
            await account.access_token()
        assert refused.value.extra == {"state": "reconnect needed"}
    assert server.oauth.refreshes == 1
    assert (await account.state()).state == "reconnect needed"
    await connect(account)
    assert await account.access_token()


async def test_a_connection_in_testing_ends_after_a_week(account: GoogleAccount, server: GoogleServer) -> None:
    server.oauth.is_testing = True
    await connect(account)
    found = await account.state()
    assert found.ends_at is not None
    assert timedelta(days=6) < found.ends_at - At(server)() <= timedelta(days=7)
    server.pass_time(8 * 86400)
    with pytest.raises(NotConnected):
        await account.access_token()


async def test_a_token_that_google_refuses_is_renewed_once(account: GoogleAccount, server: GoogleServer) -> None:
    await connect(account)
    first = await account.access_token()
    server.pass_time(120)
    second = await account.access_token(instead_of=first)
    assert second != first
    with pytest.raises(NotConnected):  # a new one that is refused at once would be refused again
        await account.access_token(instead_of=second)
    assert server.oauth.refreshes == 1


async def test_sign_in_being_down_is_not_an_end(account: GoogleAccount, server: GoogleServer) -> None:
    await connect(account)
    server.pass_time(3400)
    server.fail_next("oauth.token", broken())
    assert await account.access_token()  # it has some minutes left
    server.pass_time(300)
    server.fail_next("oauth.token", broken())
    with pytest.raises(Unavailable):
        await account.access_token()
    assert await account.access_token()


async def test_wrong_credentials_of_the_application(server: GoogleServer, tmp_path: Path) -> None:
    made = account_of(server, tmp_path)
    made._client["client_secret"] = "wrong"
    with pytest.raises(NotConnected, match="GOOGLE_CLIENT_SECRET"):
        await connect(made)
    await made.close()


async def test_disconnecting_forgets_and_revokes(account: GoogleAccount, server: GoogleServer, tmp_path: Path) -> None:
    await connect(account)
    token = await account.access_token()
    assert await account.disconnect() is True
    assert server.oauth.scopes_of(f"Bearer {token}") is None
    assert not (tmp_path / "gcal.json").exists()
    assert await account.disconnect() is False
    await connect(account)
    server.fail_next("oauth.revoke", broken())
    assert await account.disconnect() is True


async def test_a_second_process_sees_the_connection_at_once(account: GoogleAccount, server: GoogleServer, tmp_path: Path) -> None:
    other = account_of(server, tmp_path, clock=At(server))
    assert (await other.state()).state == "not connected"
    await connect(account)
    assert (await other.state()).state == "connected"
    assert await other.access_token() == await account.access_token()
    await account.disconnect()
    assert (await other.state()).state == "not connected"
    await other.close()


async def test_a_file_that_is_damaged_means_not_connected(account: GoogleAccount, tmp_path: Path) -> None:
    await connect(account)
    for text in ("", "{", "[]", '{"sealed": "gAAAA"}', '{"sealed": 3}'):
        (tmp_path / "gcal.json").write_text(text)
        assert (await account.state()).state == "not connected"


async def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = EncryptedFile(tmp_path / "file" / "gcal.json", "key")
    calls: list[Any] = [lambda: store.write({"a": 1}), store.read, store.delete]
    for call in calls:
        with pytest.raises(NotStarted, match="credentials"):
            await call()


async def test_the_own_calendars_id_outlives_a_reconnection(server: GoogleServer, tmp_path: Path) -> None:
    client = google_client.client_of(server, tmp_path, clock=At(server))
    await connect(client.account)
    await client.account.keep_calendar_id("c_1")
    server.oauth.revoke_all()
    await connect(client.account)
    assert await client.account.calendar_id() == "c_1"
    await client.close()
