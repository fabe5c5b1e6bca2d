"""The mem0 platform as the second memory, by its HTTP API and without its SDK, which holds 97 MB and reports its use to others.

Texts are stored as they are (`infer: false`): what was remembered is already in words, and a copy has to be found again by its id.
"""

import asyncio
import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import NotConnected, Unavailable, UpstreamInvalid
from planner_memory.core.quoting import quoted
from planner_memory.core.waiting import retry_after
from planner_memory.ports.second_memory import Copy, Echo

_ID, _CONTENT = "planner_memory_id", "planner_content_sha256"
_PAGE = 100
_IDS_PER_LOOKUP = 25
_MOST_UNSETTLED = 10_000
_POLLS_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0)


class Mem0SecondMemory:
    """Fulfils SecondMemory. `user_id` there is the client's id here; our memory's id is in the metadata.

    mem0 takes memories in after it has answered, so `keep` follows the event that it names. A crash between the answer and the end of the event
    can leave two copies of one memory; `ask` shows one of them, and the next `keep` or `forget` of that memory removes what is too many.
    """

    name = "mem0"

    def __init__(
        self,
        api_key: str,
        base_url: str = "https://api.mem0.ai",
        *,
        limit_seconds: float = 10,
        concurrency: int = 4,
        clock: Clock = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`limit_seconds` holds for one request. No request is repeated here: the caller keeps what is still to be done."""
        self._key = api_key
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._sleep = sleep
        self._places = asyncio.Semaphore(concurrency)
        self._unsettled: OrderedDict[UUID, str] = OrderedDict()  # memory → event that is still taking it in
        self._http = httpx.AsyncClient(base_url=base_url.rstrip("/"), headers={"Authorization": f"Token {api_key}"}, timeout=limit_seconds)

    async def keep(self, copy: Copy) -> None:
        """See SecondMemory. Raises Unavailable while mem0 is still taking the copy in; the same call later then waits for it again."""
        await self._settle(copy.memory_id)
        digest = hashlib.sha256(copy.content.encode()).hexdigest()
        there = await self._copies(copy.client_id, [copy.memory_id])
        same = [record for record in there if record["metadata"].get(_CONTENT) == digest]
        if not same:
            answer = await self._call(
                "POST",
                "/v3/memories/add/",
                {
                    "messages": [{"role": "user", "content": copy.content}],
                    "user_id": copy.client_id,
                    "metadata": {_ID: str(copy.memory_id), _CONTENT: digest, "memory_type": copy.memory_type},
                    "timestamp": math.floor(copy.occurred_at.timestamp()),
                    "infer": False,
                },
            )
            event = answer.get("event_id") if isinstance(answer, dict) else None
            if isinstance(event, str):
                self._unsettled[copy.memory_id] = event
                while len(self._unsettled) > _MOST_UNSETTLED:
                    self._unsettled.popitem(last=False)
                await self._settle(copy.memory_id)
        await self._remove([record for record in there if record not in same[:1]])

    async def ask(self, query: str, *, client_id: str, k: int = 10) -> list[Echo]:
        """See SecondMemory. What others wrote for the same user there is left out."""
        if not query.strip() or k < 1:
            return []
        body = {"query": query, "filters": {"AND": [{"user_id": client_id}]}, "top_k": k, "threshold": 0.0}
        best: dict[UUID, Echo] = {}
        for record in _records(await self._call("POST", "/v3/memories/search/", body)):
            found, score = _our_id(record), record.get("score")
            if found is not None and isinstance(score, int | float) and (found not in best or best[found].score < score):
                best[found] = Echo(found, str(record.get("memory", "")), min(1.0, max(0.0, float(score))))
        return sorted(best.values(), key=lambda echo: -echo.score)[:k]

    async def forget(self, client_id: str, memory_ids: Sequence[UUID]) -> int:
        """See SecondMemory. Raises Unavailable while mem0 is still taking one of them in."""
        ids = list(dict.fromkeys(memory_ids))
        for memory_id in ids:
            await self._settle(memory_id)
        removed: set[UUID | None] = set()
        for start in range(0, len(ids), _IDS_PER_LOOKUP):
            there = await self._copies(client_id, ids[start : start + _IDS_PER_LOOKUP])
            await self._remove(there)
            removed |= {_our_id(record) for record in there}
        return len(removed)

    async def check(self) -> None:
        await self._call("GET", "/v1/ping/")

    async def close(self) -> None:
        """Closes the connections. Safe to call twice; every other method raises Unavailable afterwards."""
        await self._http.aclose()

    async def _settle(self, memory_id: UUID) -> None:
        """Waits, some seconds at most, until mem0 has done what it accepted for this memory."""
        event = self._unsettled.get(memory_id)
        if event is None:
            return
        for wait in (0.0, *_POLLS_SECONDS):
            await self._sleep(wait)
            answer = await self._call("GET", f"/v1/event/{quote(event, safe='')}/")
            status = answer.get("status") if isinstance(answer, dict) else None
            if status == "SUCCEEDED":
                self._unsettled.pop(memory_id, None)
                return
            if status == "FAILED":
                self._unsettled.pop(memory_id, None)
                raise Unavailable("mem0 accepted a memory and then failed to store it. It is tried again later; see the events in mem0's dashboard.")
        raise Unavailable("mem0 is still taking a memory in. It is looked at again later; nothing has to be done.")

    async def _copies(self, client_id: str, memory_ids: Sequence[UUID]) -> list[dict[str, Any]]:
        """The records that carry one of these ids, found by metadata and then looked at once more on this side."""
        either = [{"metadata": {_ID: str(memory_id)}} for memory_id in memory_ids]
        filters = {"AND": [{"user_id": client_id}, either[0] if len(either) == 1 else {"OR": either}]}
        found: dict[str, dict[str, Any]] = {}
        page, more = 1, True
        while more:
            answer = await self._call("POST", f"/v3/memories/?page={page}&page_size={_PAGE}", {"filters": filters})
            records = _records(answer)
            found |= {record["id"]: record for record in records if _our_id(record) in memory_ids and isinstance(record.get("id"), str)}
            page, more = page + 1, bool(records) and bool(answer.get("next"))
        return list(found.values())

    async def _remove(self, records: Iterable[Mapping[str, Any]]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for record in records:
                    group.create_task(self._call("DELETE", f"/v1/memories/{quote(record['id'], safe='')}/", gone_is_done=True))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, gone_is_done: bool = False) -> Any:
        if self._http.is_closed:
            raise Unavailable("The connection to mem0 is closed, because this process is stopping. Ask again when it has started.")
        try:
            async with self._places, asyncio.timeout(self._limit_seconds):
                response = await self._http.request(method, path, json=body)
        except (TimeoutError, httpx.TimeoutException):
            raise Unavailable(f"mem0 did not answer within {self._limit_seconds:.0f} s. Try again in a moment.") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = quoted(str(error) or type(error).__name__, secret=self._key)
            raise Unavailable(f"mem0 cannot be reached: {reason}. Check the network and MEM0_BASE_URL.") from None
        if response.status_code == 404 and gone_is_done:
            return None
        try:
            content = response.json() if response.content else {}
        except (json.JSONDecodeError, UnicodeDecodeError):
            content = None
        if not response.is_success:
            raise self._refusal(response, content)
        if content is None:
            raise UpstreamInvalid("mem0's answer is not JSON. Try again; if it stays, check MEM0_BASE_URL.")
        return content

    def _refusal(self, response: httpx.Response, content: Any) -> Exception:
        message = next((content[key] for key in ("detail", "error", "message") if content.get(key)), None) if isinstance(content, dict) else None
        said = f" ({quoted(message if isinstance(message, str) else json.dumps(message), secret=self._key)})" if message else ""
        status = response.status_code
        if status in (401, 403):
            return NotConnected(f"mem0 does not accept the API key{said}. Set MEM0_API_KEY to a valid key.")
        if status == 402:
            return NotConnected(f"The mem0 plan is used up{said}. Raise the plan or wait for its reset.")
        if status in (408, 429) or status >= 500:
            after = retry_after(response.headers.get("retry-after"), self._clock())
            extra = {"retry_after": round(after)} if after is not None else {}
            return Unavailable(f"mem0 cannot answer now: error {status}{said}. It is tried again later.", **extra)
        return UpstreamInvalid(f"mem0 refused the request with {status}{said}. Check MEM0_BASE_URL.")


def _records(answer: Any) -> list[dict[str, Any]]:
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list):
        raise UpstreamInvalid("mem0 answered without a list of results. Try again; if it stays, check MEM0_BASE_URL.")
    return [record for record in results if isinstance(record, dict)]


def _our_id(record: Mapping[str, Any]) -> UUID | None:
    metadata = record.get("metadata")
    try:
        return UUID(metadata[_ID]) if isinstance(metadata, dict) else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
