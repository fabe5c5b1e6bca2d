"""Several requests in one: multipart/mixed with an HTTP request in each part, and the answers likewise."""

import email.parser
import email.policy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_BOUNDARY = "planner-memory-batch"
CONTENT_TYPE = f"multipart/mixed; boundary={_BOUNDARY}"
_PREFIX = "response-"


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is the path from the root, with its query."""

    method: str
    target: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is empty where the server sent none. `is_repeat`: an earlier attempt of the same request may have been carried out."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    is_repeat: bool = False

    @property
    def reason(self) -> str:
        """Google's word for what is wrong."""
        error = self.body.get("error")
        errors = error.get("errors") if isinstance(error, dict) else None
        return str(errors[0].get("reason", "")) if isinstance(errors, list) and errors and isinstance(errors[0], dict) else ""


def packed(requests: Sequence[Request]) -> bytes:
    parts = []
    for n, request in enumerate(requests):
        content = b"" if request.body is None else json.dumps(request.body).encode()
        headers = {**request.headers, **({"Content-Type": "application/json", "Content-Length": str(len(content))} if content else {})}
        head = "\r\n".join([f"{request.method} {request.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())])
        outer = f"--{_BOUNDARY}\r\nContent-Type: application/http\r\nContent-ID: <{n}>\r\n\r\n"
        parts.append(outer.encode() + head.encode() + b"\r\n\r\n" + content + b"\r\n")
    return b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()


def unpacked(content_type: str, content: bytes) -> dict[int, Answer]:
    """The answers by the place of their request; one that is missing or cannot be read is left out."""
    whole = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + content)
    out: dict[int, Answer] = {}
    if not whole.is_multipart():
        return out
    for part in whole.iter_parts():
        name = str(part.get("Content-ID", "")).strip().strip("<>").removeprefix(_PREFIX)
        payload = part.get_payload(decode=True)
        found = _answer(payload) if isinstance(payload, bytes) else None
        if name.isdigit() and found is not None:
            out[int(name)] = found
    return out


def _answer(raw: bytes) -> Answer | None:
    head, _, content = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        status = int(first.split(" ", 2)[1])
        body = json.loads(content) if content.strip() else {}
    except (IndexError, ValueError):
        return None
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(status, body if isinstance(body, dict) else {}, headers)
