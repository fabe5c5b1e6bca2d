"""Services that another process may run, reached over HTTP; in the all-in-one by a transport within the process."""

import httpx

from planner_memory.adapters.gateway_http.memory import GatewayMemory
from planner_memory.http_client import service_client
from planner_memory.wiring.platform import Platform


async def open_memory(platform: Platform, transport: httpx.AsyncBaseTransport | None) -> GatewayMemory:
    client = await platform.stack.enter_async_context(service_client(platform.settings.memory_gateway_url, platform.api_key, transport=transport))
    return GatewayMemory(client)
