"""`Idempotency-Key` on every POST: the same body again gets the same answer, another body 409, one still running 409 with Retry-After."""

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from planner_memory.core.errors import Conflict, InvalidInput, PlannerMemoryError
from planner_memory.ports.keys import AnswerStore, StoredAnswer
from planner_memory.web.auth import Authenticator
from planner_memory.web.problems import problem_of


class Idempotent:
    """Answers of 5xx and 429 are not kept: nothing was decided, so the same key may try again."""

    def __init__(self, app: ASGIApp, *, answers: AnswerStore, authenticate: Authenticator) -> None:
        self._app = app
        self._answers = answers
        self._authenticate = authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = Headers(scope=scope).get("idempotency-key") if scope["type"] == "http" and scope["method"] == "POST" else None
        if key is None:
            await self._app(scope, receive, send)
            return
        try:
            await self._once(key, scope, receive, send)
        except PlannerMemoryError as error:
            await problem_of(error)(scope, receive, send)

    async def _once(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        if not 1 <= len(key) <= 255:
            raise InvalidInput("An Idempotency-Key has 1 to 255 characters.", field="Idempotency-Key")
        caller = await self._authenticate(Headers(scope=scope).get("authorization"))
        scope.setdefault("state", {})["caller"] = caller
        body = await _body(receive)
        query = scope.get("query_string", b"")
        hashed = hashlib.sha256(query + b"\0" + body).hexdigest()
        who, path = str(caller.key.id), scope["path"]
        stored = await self._answers.claim(who, path, key, hashed)
        if stored is not None:
            await _replay(stored, hashed, send)
            return
        status, headers, chunks, done = 500, dict[str, str](), list[bytes](), False

        async def replayed_body() -> Message:
            nonlocal done
            if done:
                return await receive()
            done = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def recorded(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {k: v for k, v in MutableHeaders(scope=message).items() if k in ("content-type", "location")}
            elif message["type"] == "http.response.body":
                chunks.append(message.get("body", b""))
                if not message.get("more_body") and status < 500 and status != 429:
                    await self._answers.keep(who, path, key, StoredAnswer(hashed, status, headers, b"".join(chunks)))
            await send(message)

        try:
            await self._app(scope, replayed_body, recorded)
        finally:
            if status >= 500 or status == 429:
                await self._answers.release(who, path, key)


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return b"".join(parts)


async def _replay(stored: StoredAnswer, hashed: str, send: Send) -> None:
    if stored.body_hash != hashed:
        raise Conflict("This Idempotency-Key was used with another body. Use a new key for a new request.")
    if stored.status is None:
        raise Conflict("The first request with this Idempotency-Key is still running. Ask again in a moment.", retry_after=1)
    headers = [(k.encode(), v.encode()) for k, v in stored.headers.items()] + [(b"idempotent-replayed", b"true")]
    await send({"type": "http.response.start", "status": stored.status, "headers": headers})
    await send({"type": "http.response.body", "body": stored.body})
