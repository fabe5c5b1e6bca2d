"""The connection to a CalDAV server: credentials, discovery of the calendars, making of our own, and our errors for caldav's."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit
from xml.sax.saxutils import escape

from caldav.async_davclient import AsyncDAVClient
from caldav.lib import error as dav

from planner_memory.core.errors import NotConnected, PlannerMemoryError, Unavailable

_SECONDS = 20
_MAKE = """<?xml version="1.0" encoding="utf-8"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:displayname>{name}</D:displayname>
<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>"""


@dataclass(frozen=True, slots=True)
class Found:
    url: str
    name: str

    @property
    def segment(self) -> str:
        return unquote(urlsplit(self.url).path.rstrip("/").rsplit("/", 1)[-1])


@dataclass(frozen=True, slots=True)
class Wanted:
    segment: str
    title: str

    def is_(self, found: Found) -> bool:
        return found.segment == self.segment


class Connection:
    """Opened by the first request. Addresses of calendars of our own are kept once they are known."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self._arguments: dict[str, Any] = {
            "url": url,
            "username": username,
            "password": password,
            "timeout": _SECONDS,
            "enable_rfc6764": False,
        }
        self._client: Any = None
        self._home: str | None = None
        self._known: dict[str, str] = {}  # addresses of the two calendars of our own, by wanted name
        self._making = asyncio.Lock()
        self._opening = asyncio.Lock()

    async def _calendars(self) -> list[Found]:
        async with self._asked() as client:
            found = await client.get_calendars()
            return [Found(str(c.url), str(await c.get_display_name() or "")) for c in found]  # known from the listing: no request

    async def _address(self, wanted: Wanted) -> str:
        """Where a calendar of our own is; it is made when it is missing."""
        if wanted.segment in self._known:
            return self._known[wanted.segment]
        async with self._making:
            found = next((c.url for c in await self._calendars() if wanted.is_(c)), None)
            if found is None:
                found = await self._make(wanted)
            self._known[wanted.segment] = found
            return found

    async def _make(self, wanted: Wanted) -> str:
        async with self._asked() as client:
            if self._home is None:
                principal = await client.get_principal()
                response = await client.propfind(str(principal.url), props=client.CALENDAR_HOME_SET_PROPS, depth=0)
                homes: Iterable[str] = client._calendar_home_urls(response, principal)  # noqa: SLF001 – the public way asks a server five times
                self._home = str(next(iter(homes)))
            url = urljoin(self._home.rstrip("/") + "/", quote(wanted.segment, safe="") + "/")
            response = await client.mkcalendar(url, _MAKE.format(name=escape(wanted.title)))
            if response.status not in (405, 409):  # it is there already: another process was quicker
                accept(response, 200, 201, 204)
            return url

    # --- the connection

    async def check(self) -> None:
        async with self._asked() as client:
            await client.get_principal()

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _connected(self) -> Any:
        async with self._opening:
            if self._client is None:
                # Basic at once: a server may make whoever comes without credentials wait. Digest and others are negotiated when it is refused.
                client = AsyncDAVClient(**self._arguments, auth_type="basic")
                try:
                    await client.get_principal()
                except dav.AuthorizationError:
                    await client.close()
                    client = AsyncDAVClient(**self._arguments)
                    await client.get_principal()
                self._client = client
            return self._client

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[Any]:
        """The client; what it raises becomes ours."""
        try:
            async with asyncio.timeout(_SECONDS + 5):
                yield await self._connected()
        except PlannerMemoryError:
            raise
        except dav.AuthorizationError as error:
            raise NotConnected("The calendar server refuses the credentials. Check CALDAV_USERNAME and CALDAV_PASSWORD.") from error
        except (dav.DAVError, OSError, SyntaxError, ValueError) as error:  # OSError: every transport error and time-out; SyntaxError: bad XML
            raise Unavailable("The calendar server does not answer. Check CALDAV_URL, and that the server runs.") from error


def accept(response: Any, *statuses: int) -> None:
    if response.status not in statuses:
        raise Unavailable(f"The calendar server answered with status {response.status}. Its log says why; try again in a moment.")
