"""The mem0 platform's protocol on loopback: add, list, search, delete, events and ping, with failures on command.

Texts are kept as they come, as the platform does with `infer: false`; scores are shares of the question's words. An added memory appears when its
event has been asked for `polls_until_done` times.
"""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from tests.fakes.scripted import Failure, ScriptedServer, answering

KEY = "m0-loopback-0123456789"
_ENTITIES = ("user_id", "agent_id", "app_id", "run_id")


def refused(status: int, message: str = "", headers: Mapping[str, str] | None = None) -> Failure:
    return answering(status, {"detail": message or f"scripted {status}"}, headers)


class Mem0Server(ScriptedServer):
    """Routes are named ping, add, event, list, search, get, delete and delete_all."""

    def __init__(self, key: str = KEY) -> None:
        super().__init__(f"Token {key}", _refusal(401, "Invalid API key."))
        self.polls_until_done = 0
        self.event_end = "SUCCEEDED"
        self.memories: dict[str, dict[str, Any]] = {}
        self._events: dict[str, dict[str, Any]] = {}
        self._serve("GET", "/v1/ping/", "ping", self._ping)
        self._serve("POST", "/v3/memories/add/", "add", self._add)
        self._serve("GET", "/v1/event/{event_id}/", "event", self._event)
        self._serve("POST", "/v3/memories/", "list", self._list)
        self._serve("POST", "/v3/memories/search/", "search", self._search)
        self._serve("GET", "/v1/memories/{memory_id}/", "get", self._get)
        self._serve("DELETE", "/v1/memories/{memory_id}/", "delete", self._delete)
        self._serve("DELETE", "/v1/memories/", "delete_all", self._delete_all)

    def reset(self) -> None:
        super().reset()
        self.memories.clear()
        self._events.clear()
        self.polls_until_done, self.event_end = 0, "SUCCEEDED"

    def _ping(self, *_: object) -> Any:
        return {"status": "ok", "org_id": "org_loopback", "project_id": "proj_loopback", "user_email": None}

    def _add(self, _: Request, body: dict[str, Any]) -> Any:
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) and m.get("content") for m in messages):
            return _refusal(400, "messages must be a non-empty list of role and content")
        scope = {key: body[key] for key in _ENTITIES if body.get(key)} | {
            key: value for key, value in (body.get("filters") or {}).items() if key in _ENTITIES
        }
        if not scope:
            return _refusal(400, "At least one of user_id, agent_id, app_id, run_id is required")
        now = datetime.now(UTC).isoformat()
        made = [
            {"id": str(uuid.uuid4()), "memory": message["content"], "metadata": body.get("metadata"), "categories": [], "created_at": now}
            | {"updated_at": now}
            | scope
            for message in messages
            if message.get("role") == "user"
        ]
        event_id = str(uuid.uuid4())
        self._events[event_id] = {"status": "PENDING", "polls": 0, "made": made}
        if self.polls_until_done == 0:
            self._finish(event_id)
        return {"message": "Memory processing has been queued for background execution", "status": "PENDING", "event_id": event_id}

    def _event(self, request: Request, _: object) -> Any:
        event = self._events.get(request.path_params["event_id"])
        if event is None:
            return _refusal(404, "Event not found.")
        event["polls"] += 1
        if event["status"] == "PENDING" and event["polls"] >= self.polls_until_done:
            self._finish(request.path_params["event_id"])
        return {"id": request.path_params["event_id"], "event_type": "ADD", "status": event["status"], "results": []}

    def _finish(self, event_id: str) -> None:
        event = self._events[event_id]
        event["status"] = self.event_end
        if self.event_end == "SUCCEEDED":
            self.memories |= {each["id"]: each for each in event["made"]}

    def _list(self, request: Request, body: dict[str, Any]) -> Any:
        found = self._matching(body)
        if isinstance(found, Response):
            return found
        page, size = int(request.query_params.get("page", 1)), int(request.query_params.get("page_size", 100))
        more = page * size < len(found)
        url = f"{self.url}/v3/memories/?page={page + 1}&page_size={size}"
        return {"count": len(found), "next": url if more else None, "previous": None, "results": found[(page - 1) * size : page * size]}

    def _search(self, _: Request, body: dict[str, Any]) -> Any:
        if not str(body.get("query") or "").strip():
            return _refusal(400, "query must not be empty")
        top_k = body.get("top_k", 10)
        if not 1 <= top_k <= 1000:
            return _refusal(400, "top_k must lie between 1 and 1000")
        found = self._matching(body)
        if isinstance(found, Response):
            return found
        asked = _words(body["query"])
        scored = [record | {"score": len(asked & _words(record["memory"])) / len(asked)} for record in found]
        kept = [record for record in scored if record["score"] >= body.get("threshold", 0.1)]
        return {"results": sorted(kept, key=lambda record: -record["score"])[:top_k]}

    def _get(self, request: Request, _: object) -> Any:
        return self.memories.get(request.path_params["memory_id"]) or _refusal(404, "Memory not found!")

    def _delete(self, request: Request, _: object) -> Any:
        gone = self.memories.pop(request.path_params["memory_id"], None)
        return {"message": "Memory deleted successfully!"} if gone else _refusal(404, "Memory not found!")

    def _delete_all(self, request: Request, _: object) -> Any:
        scope = {key: value for key, value in request.query_params.items() if key in _ENTITIES}
        if not scope:
            return _refusal(400, "At least one of user_id, agent_id, app_id, run_id is required")
        gone = [each["id"] for each in self.memories.values() if all(each.get(key) == value for key, value in scope.items())]
        for memory_id in gone:
            del self.memories[memory_id]
        return {"message": "Memories deleted successfully!"}

    def _matching(self, body: dict[str, Any]) -> list[dict[str, Any]] | Response:
        if any(key in body for key in _ENTITIES):
            return _refusal(400, "Entity IDs must be passed inside filters")
        filters = body.get("filters")
        if not isinstance(filters, dict) or not any(f'"{key}"' in _flat(filters) for key in _ENTITIES):
            return _refusal(400, "filters must contain at least one entity ID")
        try:
            return [record for record in self.memories.values() if _holds(filters, record)]
        except ValueError as error:
            return _refusal(400, str(error))


def _holds(condition: Any, record: dict[str, Any]) -> bool:
    """All keys of a condition must hold. An operator that this server does not know is refused, never guessed."""
    for key, value in condition.items():
        if key == "AND":
            held = all(_holds(each, record) for each in value)
        elif key == "OR":
            held = any(_holds(each, record) for each in value)
        elif key in _ENTITIES:
            held = record.get(key) is not None if value == "*" else record.get(key) == value
        elif key == "metadata":
            held = all((record.get("metadata") or {}).get(name) == wanted for name, wanted in value.items())
        else:
            raise ValueError(f"unknown filter {key}")
        if not held:
            return False
    return True


def _flat(filters: dict[str, Any]) -> str:
    return str(filters).replace("'", '"')


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _refusal(status: int, message: str) -> Response:
    return JSONResponse({"detail": message}, status_code=status)
