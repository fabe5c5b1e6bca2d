"""Google's OAuth 2 on loopback: the consent page, the token address and revocation, with PKCE and with the ways in which a grant ends.

The person at the consent page is `consent`: she grants what is asked, or a part of it, or nothing.
"""

import base64
import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

CLIENT_ID = "loopback-client.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-loopback-secret-0123456789"
_ACCESS_SECONDS = 3599
_CODE_SECONDS = 600
_WEEK_SECONDS = 7 * 86400


@dataclass
class Consent:
    """What the person does. `only` are the scopes left ticked; None leaves them all."""

    denies: bool = False
    only: Sequence[str] | None = None


@dataclass
class _Code:
    scopes: frozenset[str]
    redirect_uri: str
    challenge: str
    is_offline: bool
    dies_at: float


@dataclass
class _Grant:
    scopes: frozenset[str]
    dies_at: float | None = None
    is_revoked: bool = False


@dataclass
class _Access:
    grant: _Grant
    dies_at: float


class GoogleOAuth:
    """`now` are seconds; `is_testing` makes refresh tokens die after seven days, as those of an app that was not published do."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._count = itertools.count(1)
        self.redirect_uris = {"http://127.0.0.1:8090/oauth/callback", "http://localhost:8090/oauth/callback"}
        self.reset()

    def reset(self) -> None:
        self.consent = Consent()
        self.is_testing = False
        self.rotates = False  # whether a refresh brings a new refresh token, which the real one does now and then
        self.refreshes = 0
        self.asked: list[dict[str, str]] = []  # what came to the consent page
        self._codes: dict[str, _Code] = {}
        self._refresh: dict[str, _Grant] = {}
        self._access: dict[str, _Access] = {}
        self._granted: set[str] = set()
        self.secrets: set[str] = {CLIENT_SECRET}  # everything that may stand nowhere

    # --- what the calendar asks

    def scopes_of(self, authorization: str | None) -> frozenset[str] | None:
        """The scopes of a bearer token, or None when it is none or has died."""
        scheme, _, token = (authorization or "").partition(" ")
        found = self._access.get(token) if scheme == "Bearer" else None
        if found is None or found.grant.is_revoked or self._now() >= found.dies_at:
            return None
        return found.grant.scopes

    def grant(self, *scopes: str) -> tuple[str, str]:
        """An access and a refresh token without the page, for tests of what comes after."""
        found = _Grant(frozenset(scopes), self._now() + _WEEK_SECONDS if self.is_testing else None)
        return self._new_access(found), self._new_refresh(found)

    def kill_access_tokens(self) -> None:
        self._access.clear()

    def revoke_all(self) -> None:
        """The person removes the app's access in her account."""
        for each in self._refresh.values():
            each.is_revoked = True
        self._granted.clear()

    # --- the addresses

    def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        if asked.get("client_id") != CLIENT_ID:
            return HTMLResponse("<h1>Error 401: invalid_client</h1>", 401)
        if asked.get("redirect_uri") not in self.redirect_uris:
            return HTMLResponse("<h1>Error 400: redirect_uri_mismatch</h1>", 400)
        scopes = asked.get("scope", "").split()
        if asked.get("response_type") != "code" or not scopes:
            return HTMLResponse("<h1>Error 400: invalid_request</h1>", 400)
        if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
            return HTMLResponse("<h1>Error 400: invalid_request: only S256 is taken here</h1>", 400)
        state = {"state": asked["state"]} if "state" in asked else {}
        if self.consent.denies:
            return _back(asked["redirect_uri"], {"error": "access_denied", **state})
        granted = set(scopes if self.consent.only is None else [s for s in scopes if s in self.consent.only])
        if asked.get("include_granted_scopes") == "true":
            granted |= self._granted
        if not granted:
            return _back(asked["redirect_uri"], {"error": "access_denied", **state})
        is_first = not self._granted
        self._granted |= granted
        code = self._secret("4/0A")
        self._codes[code] = _Code(
            scopes=frozenset(granted),
            redirect_uri=asked["redirect_uri"],
            challenge=asked.get("code_challenge", ""),
            is_offline=asked.get("access_type") == "offline" and (is_first or asked.get("prompt") == "consent"),
            dies_at=self._now() + _CODE_SECONDS,
        )
        return _back(asked["redirect_uri"], {**state, "code": code, "scope": " ".join(sorted(granted))})

    async def token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        client_id, secret = _client(request, form)
        if client_id != CLIENT_ID:
            return _refused(401, "invalid_client", "The OAuth client was not found.")
        if secret != CLIENT_SECRET:
            return _refused(401, "invalid_client", "The provided client secret is invalid.")
        if form.get("grant_type") == "authorization_code":
            return self._exchanged(form)
        if form.get("grant_type") == "refresh_token":
            return self._refreshed(form)
        return _refused(400, "unsupported_grant_type", "Invalid grant_type")

    def _exchanged(self, form: Mapping[str, str]) -> Response:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or self._now() >= code.dies_at:
            return _refused(400, "invalid_grant", "Malformed auth code.")
        if form.get("redirect_uri") != code.redirect_uri:
            return _refused(400, "redirect_uri_mismatch", "Bad Request")
        if code.challenge and _s256(form.get("code_verifier", "")) != code.challenge:
            return _refused(400, "invalid_grant", "Invalid code verifier." if form.get("code_verifier") else "Missing code verifier.")
        grant = _Grant(code.scopes, self._now() + _WEEK_SECONDS if self.is_testing else None)
        answer: dict[str, Any] = {"access_token": self._new_access(grant), "expires_in": _ACCESS_SECONDS, "token_type": "Bearer"}
        answer["scope"] = " ".join(sorted(code.scopes))
        if code.is_offline:
            answer["refresh_token"] = self._new_refresh(grant)
            if self.is_testing:
                answer["refresh_token_expires_in"] = _WEEK_SECONDS - 1
        return JSONResponse(answer)

    def _refreshed(self, form: Mapping[str, str]) -> Response:
        self.refreshes += 1
        grant = self._refresh.get(form.get("refresh_token", ""))
        if grant is None or grant.is_revoked or (grant.dies_at is not None and self._now() >= grant.dies_at):
            return _refused(400, "invalid_grant", "Token has been expired or revoked.")
        answer: dict[str, Any] = {"access_token": self._new_access(grant), "expires_in": _ACCESS_SECONDS, "token_type": "Bearer"}
        answer["scope"] = " ".join(sorted(grant.scopes))
        if self.rotates:
            del self._refresh[form["refresh_token"]]
            answer["refresh_token"] = self._new_refresh(grant)
        return JSONResponse(answer)

    async def revoke(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        token = form.get("token") or request.query_params.get("token", "")
        access = self._access.get(token)
        grant = self._refresh.get(token) or (access.grant if access else None)
        if grant is None or grant.is_revoked:
            return _refused(400, "invalid_token", "Token expired or revoked")
        grant.is_revoked = True
        self._granted.clear()
        return JSONResponse({})

    def _new_access(self, grant: _Grant) -> str:
        token = self._secret("ya29.a0")
        self._access[token] = _Access(grant, self._now() + _ACCESS_SECONDS)
        return token

    def _new_refresh(self, grant: _Grant) -> str:
        token = self._secret("1//0")
        self._refresh[token] = grant
        return token

    def _secret(self, start: str) -> str:
        made = start + hashlib.sha256(f"loopback {next(self._count)}".encode()).hexdigest()[:48]
        self.secrets.add(made)
        return made


def _s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _client(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        name, _, secret = base64.b64decode(value).decode().partition(":")
        return name, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def _back(address: str, answer: Mapping[str, str]) -> Response:
    return RedirectResponse(f"{address}?{urlencode(answer)}", 302)


def _refused(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status_code=status)
