"""The person's Google account: consent with PKCE, tokens encrypted at rest, refreshed under a lock that all processes share.

OAuth 2 is two POSTs here (RFC 6749, 7636, 7009), because what is hard about it is the lock and the file, which no client library brings.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import structlog

from planner_memory.adapters.google import scopes as scopes_of
from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import InvalidInput, NotAllowed, NotConnected, PlannerMemoryError, Unavailable
from planner_memory.ports.calendar_account import AccountState, Invitation
from planner_memory.ports.credentials import CredentialStore

log = structlog.get_logger()
_PENDING_FOR = timedelta(minutes=10)
_EARLY = timedelta(minutes=5)  # a token is renewed this long before it ends
_FRESH = timedelta(minutes=1)  # when one given in the place of a refused one is refused this soon, the next would be, too
_MOST_PENDING = 20
_CONNECT = "Run `planner-memory calendar connect google` and open the link to /oauth/authorize that it prints."
_AGAIN = f"Google has ended the connection to the calendar. {_CONNECT}"
_NEVER = f"No Google calendar is connected yet. {_CONNECT}"
_SECONDS = 20


class GoogleAccount:
    """Fulfils CalendarAccount. `tokens` keeps the connection, `pending` the links and requests under way; both may be shared by processes."""

    def __init__(
        self,
        tokens: CredentialStore,
        pending: CredentialStore,
        *,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        auth_url: str = "https://accounts.google.com/o/oauth2/v2/auth",
        token_url: str = "https://oauth2.googleapis.com/token",  # noqa: S107 – an address
        own_calendar: bool = True,
        titles: bool = True,
        clock: Clock = utc_now,
    ) -> None:
        """`own_calendar` and `titles` decide what is asked for: see scopes.py. Revocation is at `revoke`, beside `token_url`."""
        self._tokens = tokens
        self._pending = pending
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._redirect_uri = redirect_uri
        self._auth_url = auth_url
        self._token_url = token_url
        self._own_calendar = own_calendar
        self._titles = titles
        self._clock = clock
        self._http = httpx.AsyncClient(timeout=_SECONDS)

    # --- consent

    async def invite(self) -> Invitation:
        link = secrets.token_urlsafe(32)
        expires = self._clock() + _PENDING_FOR
        await self._keep_pending(f"link:{_hashed(link)}", {"expires": expires.timestamp()})
        there = urlsplit(self._redirect_uri)
        path = there.path.removesuffix("/callback") if there.path.endswith("/callback") else "/oauth"
        return Invitation(f"{there.scheme}://{there.netloc}{path}/authorize?{urlencode({'link': link})}", expires)

    async def begin(self, link: str | None) -> str:
        if link is not None and await self._take_pending(f"link:{_hashed(link)}") is None:
            raise NotAllowed(f"This link was used already or has expired. {_CONNECT}")
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
        expires = (self._clock() + _PENDING_FOR).timestamp()
        await self._keep_pending(f"state:{_hashed(state)}", {"expires": expires, "verifier": verifier})
        query = {
            "client_id": self._client["client_id"],
            "redirect_uri": self._redirect_uri,
            "response_type": "code",
            "scope": " ".join(scopes_of.asked(own_calendar=self._own_calendar, titles=self._titles)),
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "prompt": "consent",  # without it a second consent brings no refresh token
            "include_granted_scopes": "true",
        }
        return f"{self._auth_url}?{urlencode(query)}"

    async def finish(self, answer: Mapping[str, str]) -> AccountState:
        asked = await self._take_pending(f"state:{_hashed(answer.get('state', ''))}")
        if asked is None:
            raise InvalidInput(
                f"This answer belongs to no request that is under way: it was used already, or ten minutes are over. {_CONNECT}", field="state"
            )
        if answer.get("error") == "access_denied":
            raise NotAllowed(f"Access to the calendar was declined, so nothing was connected. {_CONNECT}")
        if "code" not in answer:
            raise InvalidInput(f"Google sent no code, so nothing was connected. {_CONNECT}", field="code")
        grant = await self._exchanged(answer["code"], asked["verifier"])
        granted = str(grant.get("scope", "")).split()
        lacking = scopes_of.missing(granted, own_calendar=self._own_calendar, titles=self._titles)
        can_read = scopes_of.may_read_events(granted) or scopes_of.may_read_busy(granted)
        if not scopes_of.may_write(granted, own_calendar=self._own_calendar) or not can_read:
            await self._revoked(str(grant.get("refresh_token") or grant.get("access_token")))
            raise NotAllowed(
                f"A permission was left out without which nothing can be placed: {', '.join(lacking)}. {_CONNECT} Leave all boxes ticked."
            )
        if not grant.get("refresh_token"):
            await self._revoked(str(grant.get("access_token")))
            raise NotAllowed(f"Google gave no lasting permission. Remove planner-memory's access in your Google account. {_CONNECT}")
        async with self._tokens.locked():
            before = await self._tokens.read() or {}
            now = self._clock()
            ends = grant.get("refresh_token_expires_in")
            kept = {
                "state": "connected",
                "connected_at": now.timestamp(),
                "ends_at": None if ends is None else (now + timedelta(seconds=float(ends))).timestamp(),
                "scopes": granted,
                "calendar_id": before.get("calendar_id"),
                "refresh_token": grant["refresh_token"],
                **self._access(grant),
            }
            await self._tokens.write(kept)
        log.info("calendar connected", provider="google", missing=lacking)
        return _state_of(kept, lacking)

    async def _exchanged(self, code: str, verifier: str) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "redirect_uri": self._redirect_uri}
        status, answer = await self._post(form)
        if status == 200 and answer.get("access_token"):
            return answer
        error = answer.get("error")
        if error == "invalid_grant":
            raise InvalidInput(f"Google does not take the code: it was used already or is too old. {_CONNECT}", field="code")
        raise self._misconfigured(error)

    # --- the connection

    async def state(self) -> AccountState:
        kept = await self._tokens.read()
        if kept is None:
            return AccountState("google", "not connected")
        return _state_of(kept, scopes_of.missing(kept.get("scopes", ()), own_calendar=self._own_calendar, titles=self._titles))

    async def disconnect(self) -> bool:
        async with self._tokens.locked():
            kept = await self._tokens.read()
            there = await self._tokens.delete()
        token = (kept or {}).get("refresh_token")
        if token:
            await self._revoked(token)
        await self._pending.delete()
        return there

    async def granted(self) -> Sequence[str]:
        """Raises NotConnected when nothing is connected."""
        return list((await self._connected()).get("scopes", ()))

    async def access_token(self, *, instead_of: str | None = None) -> str:
        """A token that is good for some minutes. `instead_of` is one that Google has just refused.

        Raises:
            NotConnected: nothing is connected, or the person has to connect again; nobody was asked then.
            Unavailable: Google does not answer.
        """
        if (token := self._usable(await self._connected(), instead_of)) is not None:
            return token
        async with self._tokens.locked():  # whoever comes second finds the new token in the file
            kept = await self._connected()
            if (token := self._usable(kept, instead_of)) is not None:
                return token
            return await self._refreshed(kept, instead_of)

    async def _connected(self) -> dict[str, Any]:
        kept = await self._tokens.read()
        if kept is None:
            raise NotConnected(_NEVER, state="not connected")
        if kept.get("state") != "connected":
            raise NotConnected(_AGAIN, state="reconnect needed")
        return kept

    def _usable(self, kept: Mapping[str, Any], refused: str | None) -> str | None:
        token = str(kept["access_token"])
        if token == refused:
            if kept.get("after_refusal") and self._clock().timestamp() - kept["given_at"] < _FRESH.total_seconds():
                raise NotConnected(f"Google refuses a permission that it has just given. {_CONNECT}", state="refused")
            return None
        return token if self._clock().timestamp() < kept["expires_at"] - _EARLY.total_seconds() else None

    async def _refreshed(self, kept: dict[str, Any], refused: str | None) -> str:
        try:
            status, answer = await self._post({"grant_type": "refresh_token", "refresh_token": kept["refresh_token"]})
        except Unavailable:
            if kept["access_token"] != refused and self._clock().timestamp() < kept["expires_at"]:
                return str(kept["access_token"])  # it has some minutes left
            raise
        if status == 200 and answer.get("access_token"):
            kept |= {**self._access(answer), "after_refusal": refused is not None}
            if answer.get("refresh_token"):
                kept["refresh_token"] = answer["refresh_token"]
            await self._tokens.write(kept)
            return str(kept["access_token"])
        if answer.get("error") == "invalid_grant":
            await self._tokens.write({"state": "reconnect needed", "connected_at": kept["connected_at"], "calendar_id": kept.get("calendar_id")})
            log.warning("calendar has to be connected again", provider="google")
            raise NotConnected(_AGAIN, state="reconnect needed")
        raise self._misconfigured(answer.get("error"))

    def _access(self, grant: Mapping[str, Any]) -> dict[str, Any]:
        now = self._clock()
        expires = now + timedelta(seconds=float(grant.get("expires_in", 3600)))
        return {"access_token": grant["access_token"], "given_at": now.timestamp(), "expires_at": expires.timestamp()}

    # --- the calendar of the product's own

    async def calendar_id(self) -> str | None:
        return (await self._connected()).get("calendar_id")

    async def keep_calendar_id(self, calendar_id: str | None) -> None:
        async with self._tokens.locked():
            await self._tokens.write({**await self._connected(), "calendar_id": calendar_id})

    def making(self) -> AbstractAsyncContextManager[None]:
        """The lock under which one process makes the calendar; another than that of the tokens, which may have to be renewed meanwhile."""
        return self._pending.locked()

    # --- the line

    async def _post(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        try:
            response = await self._http.post(self._token_url, data={**self._client, **form})
        except (httpx.HTTPError, httpx.InvalidURL):
            # not chained: a library's error may hold the request, and with it the secret
            raise Unavailable("Google's sign-in does not answer. Check the network and GOOGLE_TOKEN_URL.") from None
        if response.status_code == 429 or response.status_code >= 500:
            raise Unavailable("Google's sign-in does not answer right now. Try again in a moment.", retry_after=30)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Unavailable("Google's sign-in gave an answer that cannot be read. Check GOOGLE_TOKEN_URL.")
        return response.status_code, answer

    async def _revoked(self, token: str) -> None:
        try:
            await self._http.post(self._token_url.rsplit("/", 1)[0] + "/revoke", data={"token": token})
        except httpx.HTTPError:
            log.warning("Google was not told that the connection has ended", provider="google")

    def _misconfigured(self, error: object) -> PlannerMemoryError:
        if error in ("invalid_client", "unauthorized_client"):
            return NotConnected(
                "Google does not accept the application's own credentials. Check GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET.", state="refused"
            )
        if error == "redirect_uri_mismatch":
            return NotConnected(
                "Google does not know the address to come back to. Register GOOGLE_REDIRECT_URI with the OAuth client.", state="refused"
            )
        return Unavailable("Google's sign-in refused the request. Try again; if it stays, connect the calendar again.")

    async def close(self) -> None:
        await self._http.aclose()

    # --- requests under way

    async def _keep_pending(self, name: str, content: Mapping[str, Any]) -> None:
        async with self._pending.locked():
            there = self._live(await self._pending.read())
            newest = sorted(there.items(), key=lambda item: item[1]["expires"])[-(_MOST_PENDING - 1) :]
            await self._pending.write({**dict(newest), name: dict(content)})

    async def _take_pending(self, name: str) -> dict[str, Any] | None:
        async with self._pending.locked():
            there = self._live(await self._pending.read())
            found: dict[str, Any] | None = there.pop(name, None)
            if found is not None:
                await self._pending.write(there)
            return found

    def _live(self, content: Mapping[str, Any] | None) -> dict[str, Any]:
        now = self._clock().timestamp()
        return {name: each for name, each in (content or {}).items() if each["expires"] > now}


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _state_of(kept: Mapping[str, Any], missing: Sequence[str]) -> AccountState:
    def at(name: str) -> datetime | None:
        return datetime.fromtimestamp(kept[name], UTC) if kept.get(name) else None

    if kept.get("state") != "connected":
        return AccountState("google", "reconnect needed", connected_at=at("connected_at"))
    return AccountState("google", "connected", tuple(kept["scopes"]), tuple(missing), at("connected_at"), at("ends_at"))
