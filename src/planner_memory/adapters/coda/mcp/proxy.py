"""The dialect {method, path, params, data}: a server that hands REST calls on to Coda and answers {success, data}."""

from collections.abc import Mapping
from typing import Any

import httpx

from planner_memory.adapters.coda.mcp.transport import Envelope, asked


class ProxyTransport(Envelope):
    """Headers are not handed on, so the latest version of a doc cannot be asked for: reads may be some seconds behind."""

    def body(self, request: httpx.Request) -> Mapping[str, Any]:
        path, params, data = asked(request)
        return {"method": request.method, "path": path, "params": params, "data": data or {}}


class ToolTransport(Envelope):
    """The dialect {tool, params}, for requests to `/TOOL` with the parameters as their body."""

    def body(self, request: httpx.Request) -> Mapping[str, Any]:
        path, _, params = asked(request)
        return {"tool": path.removeprefix("/"), "params": params or {}}
