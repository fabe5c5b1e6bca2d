"""What has changed in a calendar since a token (RFC 6578), over any CalDAV server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from caldav.lib import error as dav

from planner_memory.core.errors import Unavailable

_ROUNDS = 1000  # answers that a server may cut one change set into
_EXPIRED = (400, 403, 409, 410, 412, 507)  # RFC 6578, 3.2: servers differ in how they say that a token is not valid any more


class TokenExpired(Exception):
    """The server does not know the token any more; ask without one."""


@dataclass(frozen=True, slots=True)
class Changed:
    """`changed` are triples of address, etag and, when asked for, text; `gone` are addresses."""

    token: str
    changed: Sequence[tuple[str, str | None, str | None]]
    gone: Sequence[str]


async def changed_since(client: Any, url: str, token: str | None, *, with_text: bool) -> Changed:
    """Every object written or removed since the token; without one, all.

    Raises:
        TokenExpired: the token is not valid any more.
        Unavailable: the server cannot tell.
    """
    changed: list[tuple[str, str | None, str | None]] = []
    gone: list[str] = []
    for _ in range(_ROUNDS):
        try:
            response = await client.sync_collection(url, token, props=None if with_text else ["getetag"])
        except dav.DAVError as error:
            if token is not None and getattr(error, "status", None) != 401:  # a 403 with a token says "start again", not "forbidden"
                raise TokenExpired from error
            raise
        if token is not None and response.status in _EXPIRED:
            raise TokenExpired
        if response.status not in (200, 207):
            raise Unavailable(f"The calendar server does not tell what has changed (status {response.status}).")
        answer = response.parse_sync_collection()
        changed += [(r.href, r.etag, r.calendar_data) for r in answer.changed if r.href.rstrip("/") != url.rstrip("/")]
        gone += list(answer.deleted)
        if not answer.truncated or not answer.sync_token or answer.sync_token == token:
            return Changed(str(answer.sync_token or ""), changed, gone)
        token = str(answer.sync_token)
    raise Unavailable("The calendar server does not come to an end with its changes. Try again in a moment.")
