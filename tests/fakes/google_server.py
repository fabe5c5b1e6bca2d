"""Google on loopback: OAuth 2 and Calendar v3, by the discovery document, with failures on command.

Whoever asks needs a token with a scope that the method takes; `calendar.app.created` reaches only calendars that the app made itself.
"""

import asyncio
import email.parser
import email.policy
import itertools
import json
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self
from urllib.parse import parse_qs, unquote

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from tests.fakes.google_oauth import GoogleOAuth
from tests.fakes.google_store import GoogleStore, Refused, StoredCalendar, _bound, rendered
from tests.fakes.loopback import Loopback
from tests.fakes.scripted import Failure, answering

SCOPE = "https://www.googleapis.com/auth/calendar"
FREE_BUSY, APP_CREATED, CALENDAR_LIST = f"{SCOPE}.freebusy", f"{SCOPE}.app.created", f"{SCOPE}.calendarlist.readonly"
EVENTS_READ, EVENTS_OWNED = f"{SCOPE}.events.readonly", f"{SCOPE}.events.owned"
_WRITES = {SCOPE, f"{SCOPE}.events", EVENTS_OWNED}
_READS = {*_WRITES, EVENTS_READ, f"{SCOPE}.events.owned.readonly", f"{SCOPE}.readonly"}
Honest = Callable[[Request, dict[str, Any], frozenset[str]], Any]


def limited(status: int = 403, reason: str = "rateLimitExceeded", **headers: str) -> Failure:
    """Google asks to slow down."""
    return refusing(Refused(status, reason, "Rate Limit Exceeded", domain="usageLimits", **headers))


def refusing(refusal: Refused) -> Failure:
    return answering(refusal.status, refusal.body, refusal.headers)


def broken(status: int = 503) -> Failure:
    return refusing(Refused(status, "backendError", "Backend Error"))


def cut() -> Failure:
    """The work is done, and the connection ends before its answer."""

    async def respond(work: Callable[[], Any]) -> Response:
        work()
        return Response(b"{", media_type="application/json", headers={"Content-Length": "1000"})

    return respond


class GoogleServer:
    """Routes are named as Google's methods are: calendarList.list, events.insert, freebusy.query … `asked` holds their queries and bodies, in order.

    `clock` may be moved on with `pass_time`.
    """

    def __init__(self) -> None:
        self._skipped = 0.0
        self.oauth = GoogleOAuth(self.now)
        self.store = GoogleStore()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.batches = 0
        self._failures: dict[str, deque[Failure | None]] = defaultdict(deque)
        self._resources = itertools.count(1)
        self._app = FastAPI()
        self._loopback = Loopback(self._app)
        self.url = self._loopback.url
        self._serve_all()

    def now(self) -> float:
        return time.time() + self._skipped

    def pass_time(self, seconds: float) -> None:
        self._skipped += seconds

    def __enter__(self) -> Self:
        self._loopback.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._loopback.__exit__()

    def reset(self) -> None:
        self._skipped = 0.0
        self.oauth.reset()
        self.store.reset()
        self.asked.clear()
        self.batches = 0
        self._failures.clear()

    def fail_next(self, method: str, *failures: Failure | None) -> None:
        """The next requests to that method are answered by these, one each; None stands for an honest answer."""
        self._failures[method].extend(failures)

    def count(self, method: str) -> int:
        return sum(1 for name, _ in self.asked if name == method)

    def notice(self, channel_id: str, state: str = "exists") -> tuple[str, dict[str, str]]:
        """Address and headers of what Google would send to a channel; there is no body."""
        channel = self.store.channels[channel_id]
        headers = {
            "X-Goog-Channel-ID": channel_id,
            "X-Goog-Channel-Token": channel.get("token", ""),
            "X-Goog-Resource-ID": channel["resourceId"],
            "X-Goog-Resource-URI": channel["resourceUri"],
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": "1",
        }
        return channel["address"], headers

    # --- the addresses

    def _serve_all(self) -> None:
        self._app.add_api_route("/o/oauth2/v2/auth", self._authorize, methods=["GET"])
        self._app.add_api_route("/token", self._token, methods=["POST"])
        self._app.add_api_route("/revoke", self._revoke, methods=["POST"])
        self._app.add_api_route("/batch/calendar/v3", self._batch, methods=["POST"])
        lists, events, calendars = "/users/me/calendarList", "/calendars/{calendar_id}/events", "/calendars/{calendar_id}"
        read_lists = {SCOPE, f"{SCOPE}.calendarlist", CALENDAR_LIST, f"{SCOPE}.readonly"}
        manage = {SCOPE, f"{SCOPE}.calendars"}
        self._serve("GET", lists, "calendarList.list", self._calendar_list, read_lists)
        self._serve("GET", lists + "/{calendar_id}", "calendarList.get", self._calendar_entry, read_lists | {APP_CREATED})
        self._serve("POST", "/calendars", "calendars.insert", self._insert_calendar, manage | {APP_CREATED})
        self._serve("GET", calendars, "calendars.get", self._get_calendar, manage | {f"{SCOPE}.calendars.readonly", APP_CREATED})
        self._serve("DELETE", calendars, "calendars.delete", self._delete_calendar, manage | {APP_CREATED})
        self._serve("GET", events, "events.list", self._list, _READS | {APP_CREATED})
        self._serve("POST", events, "events.insert", self._insert, _WRITES | {APP_CREATED})
        self._serve("POST", events + "/watch", "events.watch", self._watch, _READS | {APP_CREATED})
        self._serve("GET", events + "/{event_id}", "events.get", self._get, _READS | {APP_CREATED})
        self._serve("PUT", events + "/{event_id}", "events.update", self._update, _WRITES | {APP_CREATED})
        self._serve("PATCH", events + "/{event_id}", "events.patch", self._patch, _WRITES | {APP_CREATED})
        self._serve("DELETE", events + "/{event_id}", "events.delete", self._delete, _WRITES | {APP_CREATED})
        self._serve("POST", "/channels/stop", "channels.stop", self._stop, _READS | {APP_CREATED})
        self._serve("POST", "/freeBusy", "freebusy.query", self._free_busy, {SCOPE, FREE_BUSY, f"{SCOPE}.events.freebusy", f"{SCOPE}.readonly"})

    def _serve(self, method: str, path: str, name: str, honest: Honest, scopes: set[str]) -> None:
        async def endpoint(request: Request) -> Response:
            raw = await request.body()
            body = json.loads(raw) if raw else {}
            self.asked.append((name, {"query": dict(request.query_params), "body": body, "if_match": request.headers.get("if-match")}))
            try:
                granted = self.oauth.scopes_of(request.headers.get("authorization"))
                if granted is None:
                    raise Refused(
                        401,
                        "authError",
                        "Invalid Credentials",
                        location="Authorization",
                        WWW_Authenticate='Bearer realm="https://accounts.google.com/"',
                    )
                if not granted & scopes:
                    raise Refused(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
            except Refused as refusal:
                return JSONResponse(refusal.body, refusal.status, refusal.headers)
            failure = self._failures[name].popleft() if self._failures[name] else None

            def work() -> Response:
                try:
                    answer = honest(request, body, granted)
                    fields = request.query_params.get("fields")
                    if answer is None:
                        return Response(status_code=204)
                    return JSONResponse(_picked(answer, fields) if fields else answer)
                except Refused as refusal:
                    return JSONResponse(refusal.body, refusal.status, refusal.headers)

            return await failure(work) if failure is not None else work()

        self._app.add_api_route("/calendar/v3" + path, endpoint, methods=[method])

    async def _authorize(self, request: Request) -> Response:
        return self.oauth.authorize(request)

    async def _token(self, request: Request) -> Response:
        return await self._perhaps("oauth.token", lambda: self.oauth.token(request))

    async def _revoke(self, request: Request) -> Response:
        return await self._perhaps("oauth.revoke", lambda: self.oauth.revoke(request))

    async def _perhaps(self, name: str, work: Callable[[], Awaitable[Response]]) -> Response:
        self.asked.append((name, {}))
        failure = self._failures[name].popleft() if self._failures[name] else None
        return await failure(dict) if failure else await work()

    # --- calendars

    def _calendar_list(self, request: Request, _: object, __: object) -> Any:
        calendars = list(self.store.calendars.values())
        size, first = int(request.query_params.get("maxResults", 100)), int(request.query_params.get("pageToken") or 0)
        page = [c.entry() for c in calendars[first : first + size]]
        answer = {"kind": "calendar#calendarList", "etag": '"p1"', "items": page}
        return answer | ({"nextPageToken": str(first + size)} if first + size < len(calendars) else {"nextSyncToken": "lists"})

    def _calendar_entry(self, request: Request, _: object, __: object) -> Any:
        return self._calendar(request).entry()

    def _insert_calendar(self, _: Request, body: dict[str, Any], __: object) -> Any:
        return self._described(self.store.make_calendar(body))

    def _get_calendar(self, request: Request, _: object, granted: frozenset[str]) -> Any:
        return self._described(self._reachable(request, granted, {SCOPE, f"{SCOPE}.calendars", f"{SCOPE}.calendars.readonly"}))

    def _delete_calendar(self, request: Request, _: object, granted: frozenset[str]) -> None:
        calendar = self._reachable(request, granted, {SCOPE, f"{SCOPE}.calendars"})
        if calendar.is_primary:
            raise Refused(403, "cannotDeletePrimaryCalendar", "Primary calendar cannot be deleted.")
        del self.store.calendars[calendar.calendar_id]

    def _described(self, calendar: StoredCalendar) -> Any:
        made = {"kind": "calendar#calendar", "id": calendar.calendar_id, "summary": calendar.summary, "timeZone": calendar.zone.key}
        return made | ({"description": calendar.description} if calendar.description else {})

    def _calendar(self, request: Request) -> StoredCalendar:
        return self.store.calendar(unquote(request.path_params["calendar_id"]))

    def _reachable(self, request: Request, granted: frozenset[str], wide: set[str]) -> StoredCalendar:
        """The calendar, when a wide scope was granted or the app made it."""
        calendar = self._calendar(request)
        if not granted & wide and not calendar.is_of_app:
            raise Refused(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
        return calendar

    def _writable(self, request: Request, granted: frozenset[str]) -> StoredCalendar:
        calendar = self._reachable(request, granted, _WRITES)
        if calendar.role not in ("owner", "writer"):
            raise Refused(403, "requiredAccessLevel", "You need to have writer access to this calendar.")
        return calendar

    # --- events

    def _list(self, request: Request, _: object, granted: frozenset[str]) -> Any:
        query = parse_qs(request.url.query, keep_blank_values=True)
        return self.store.listed(self._reachable(request, granted, _READS), query)

    def _insert(self, request: Request, body: dict[str, Any], granted: frozenset[str]) -> Any:
        calendar = self._writable(request, granted)
        return rendered(self.store.insert(calendar, body), calendar)

    def _get(self, request: Request, _: object, granted: frozenset[str]) -> Any:
        calendar = self._reachable(request, granted, _READS)
        return rendered(self.store.event(calendar, request.path_params["event_id"]), calendar)

    def _update(self, request: Request, body: dict[str, Any], granted: frozenset[str]) -> Any:
        calendar = self._writable(request, granted)
        return rendered(self.store.update(calendar, request.path_params["event_id"], body, request.headers.get("if-match")), calendar)

    def _patch(self, request: Request, body: dict[str, Any], granted: frozenset[str]) -> Any:
        calendar = self._writable(request, granted)
        return rendered(self.store.patch(calendar, request.path_params["event_id"], body, request.headers.get("if-match")), calendar)

    def _delete(self, request: Request, _: object, granted: frozenset[str]) -> None:
        calendar = self._writable(request, granted)
        self.store.delete(calendar, request.path_params["event_id"], request.headers.get("if-match"))

    def _free_busy(self, _: Request, body: dict[str, Any], __: object) -> Any:
        since, until = _bound(body.get("timeMin"), "timeMin"), _bound(body.get("timeMax"), "timeMax")
        if since is None or until is None:
            raise Refused(400, "required", "Missing time range.")
        if len(body.get("items", [])) > 50:
            raise Refused(400, "tooManyCalendarsRequested", "Too many calendars requested.")
        answer: dict[str, Any] = {}
        for item in body.get("items", []):
            try:
                answer[item["id"]] = {"busy": self.store.busy(self.store.calendar(item["id"]), since, until)}
            except Refused:
                answer[item["id"]] = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
        return {"kind": "calendar#freeBusy", "timeMin": body["timeMin"], "timeMax": body["timeMax"], "calendars": answer}

    # --- push channels

    def _watch(self, request: Request, body: dict[str, Any], granted: frozenset[str]) -> Any:
        calendar = self._reachable(request, granted, _READS)
        if body.get("type") != "web_hook" or not 1 <= len(body.get("id", "")) <= 64:
            raise Refused(400, "required", "Required parameter: id")
        if not str(body.get("address", "")).startswith("https://"):
            raise Refused(400, "push.webhookUrlNotHttps", f"WebHook callback must be HTTPS: {body.get('address')}")
        if body["id"] in self.store.channels:
            raise Refused(400, "channelIdNotUnique", f"Channel id {body['id']} not unique")
        if calendar.calendar_id.endswith("#holiday@group.v.calendar.google.com"):
            raise Refused(400, "pushNotSupportedForRequestedResource", "Push notifications are not supported by this resource.")
        made = {
            "kind": "api#channel",
            "id": body["id"],
            "resourceId": f"resource-{next(self._resources)}",
            "resourceUri": f"https://www.googleapis.com/calendar/v3/calendars/{calendar.calendar_id}/events?alt=json",
            "expiration": str(int((self.now() + 7 * 86400) * 1000)),
        }
        if "token" in body:
            made["token"] = body["token"]
        self.store.channels[body["id"]] = made | {"address": body["address"]}
        return made

    def _stop(self, _: Request, body: dict[str, Any], __: object) -> None:
        found = self.store.channels.get(body.get("id", ""))
        if found is None or found["resourceId"] != body.get("resourceId"):
            raise Refused(404, "notFound", f"Channel '{body.get('id')}' not found for project 'loopback'")
        del self.store.channels[body["id"]]

    # --- batches

    async def _batch(self, request: Request) -> Response:
        """Each part is a request of its own; the answers come in the same order, under the ids with `response-` before them."""
        self.batches += 1
        failure = self._failures["batch"].popleft() if self._failures["batch"] else None
        if failure:
            return await failure(dict)
        raw = b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n" + await request.body()
        parts = list(email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(raw).iter_parts())
        if not parts or len(parts) > 1000:
            return JSONResponse(Refused(400, "badRequest", "Failed to parse batch request").body, 400)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://batch") as inside:
            answers = await asyncio.gather(*(self._part(inside, part.get_content(), request.headers) for part in parts))
        boundary = "batch_loopback"
        out = b""
        for part, answer in zip(parts, answers, strict=True):
            content_id = str(part["Content-ID"] or "").strip().strip("<>")
            out += f"--{boundary}\r\nContent-Type: application/http\r\nContent-ID: <response-{content_id}>\r\n\r\n".encode() + answer + b"\r\n"
        return Response(out + f"--{boundary}--".encode(), media_type=f"multipart/mixed; boundary={boundary}")

    async def _part(self, inside: httpx.AsyncClient, content: Any, outer: Mapping[str, str]) -> bytes:
        text = content if isinstance(content, bytes) else str(content).encode()
        head, _, body = text.partition(b"\r\n\r\n" if b"\r\n\r\n" in text else b"\n\n")
        first, *lines = head.decode().splitlines()
        method, address, *_ = first.split(" ")
        headers = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        headers = {k: v for k, v in headers.items() if k.lower() not in ("content-length", "host")}
        headers.setdefault("authorization", outer.get("authorization", ""))
        answer = await inside.request(method, address, headers=headers, content=body.strip() or None)
        kept = [f"{name.title()}: {value}" for name, value in answer.headers.items() if name in ("content-type", "etag", "retry-after")]
        return f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}\r\n".encode() + "\r\n".join(kept).encode() + b"\r\n\r\n" + answer.content


def _picked(answer: Any, fields: str) -> Any:
    """Google's partial answers: names with commas, and sub-fields in round brackets or after a slash."""
    wanted = _fields(fields)

    def take(value: Any, want: dict[str, Any]) -> Any:
        if not want or "*" in want:
            return value
        if isinstance(value, list):
            return [take(each, want) for each in value]
        return {key: take(each, want[key]) for key, each in value.items() if key in want} if isinstance(value, dict) else value

    return take(answer, wanted)


def _fields(text: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    depth, start, parts = 0, 0, []
    for i, char in enumerate(text + ","):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    if depth != 0:
        raise Refused(400, "invalidParameter", "Invalid field selection", location="fields")
    for part in parts:
        if "(" in part:
            name, inner = part.split("(", 1)
            out[name] = _fields(inner[:-1])
        elif "/" in part:
            name, inner = part.split("/", 1)
            out.setdefault(name, {}).update(_fields(inner))
        else:
            out[part] = {}
    return out
