"""Who is calling: an API key in `Authorization: Bearer …`, bound to clients or to all."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from planner_memory.core.errors import NotAllowed, NotAuthenticated
from planner_memory.core.tenancy import begin_with, narrow_to, widen_to
from planner_memory.ports.keys import ApiKey, KeyStore


def hash_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Caller:
    """The key behind a request, and which client it means when it names none."""

    key: ApiKey
    default_client: str

    @property
    def may_see_person(self) -> bool:
        """Whether the key reads the default client, under which the person's own preferences are kept."""
        return self.key.client_ids is None or self.default_client in self.key.client_ids

    def client(self, asked: str | int | None) -> str:
        """The client that the request is about: the one asked for, else the key's only one, else the installation's default.

        From here on the request sees that client's rows, and the default client's where the key may read them: the person's preferences.

        Raises:
            NotAllowed: the key is bound to other clients.
        """
        bound = self.key.client_ids
        chosen = str(asked) if asked is not None else bound[0] if bound and len(bound) == 1 else self.default_client
        if bound is not None and chosen not in bound:
            raise NotAllowed(f"This key is bound to other clients than {chosen!r}. Use a key of that client.")
        narrow_to((chosen, self.default_client) if self.may_see_person else (chosen,))
        return chosen

    def clients(self, asked: str | int | None) -> tuple[str, ...] | None:
        """As `client`, for lists: None means every client, when the key is bound to none and none was asked for."""
        if asked is None and (self.key.client_ids is None or len(self.key.client_ids) > 1):
            if self.key.client_ids is None:
                widen_to("all-clients key")
            else:
                narrow_to(self.key.client_ids)
            return self.key.client_ids
        return (self.client(asked),)


class Authenticator:
    """Checks the header of every request against the key store. A key that was found is believed for five seconds, so one revoked works that long."""

    def __init__(self, keys: KeyStore, default_client: str, *, believed_for_seconds: float = 5, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._default_client = default_client
        self._believed_for = believed_for_seconds
        self._clock = clock
        self._believed: dict[str, tuple[ApiKey, float]] = {}  # only keys that exist get in, so it stays as small as their table

    async def __call__(self, authorization: str | None) -> Caller:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NotAuthenticated("Send the header 'Authorization: Bearer <key>'. The first key is kept in the file api-key of the data directory.")
        return Caller(await self._key(hash_of(token.strip())), self._default_client)

    async def _key(self, key_hash: str) -> ApiKey:
        believed = self._believed.get(key_hash)
        if believed is not None and self._clock() < believed[1]:
            return believed[0]
        key = await self._keys.key_by_hash(key_hash)
        if key is None:
            self._believed.pop(key_hash, None)
            raise NotAuthenticated("This API key is unknown or revoked. The first key is kept in the file api-key of the data directory.")
        self._believed[key_hash] = (key, self._clock() + self._believed_for)
        return key


async def caller_of(request: Request) -> Caller:
    """Answers with the caller; the middleware of the face may have found it already."""
    found: Caller | None = getattr(request.state, "caller", None)
    if found is None:
        authenticate: Authenticator = request.app.state.authenticate
        found = request.state.caller = await authenticate(request.headers.get("authorization"))
    begin_with(found.key.client_ids)
    return found


Authenticated = Annotated[Caller, Depends(caller_of)]
