"""Coda as the workspace: by its REST API, or by an MCP server in front of it in one of three dialects."""

import asyncio
import importlib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import yaml

from planner_memory.adapters.coda.calls import CodaCalls
from planner_memory.adapters.coda.doc import CodaDoc
from planner_memory.adapters.coda.limits import Limits, LimitsByToken
from planner_memory.adapters.coda.mcp.dialects import CodaMcpWorkspace, Dialect, dialect_of
from planner_memory.adapters.coda.mcp.proxy import ProxyTransport, ToolTransport
from planner_memory.adapters.coda.mcp.rows import READS_AND_WRITES, RowToolsTransport
from planner_memory.adapters.coda.mcp.tools import NEEDED, PREFIX, CodaToolsWorkspace
from planner_memory.adapters.coda.mcp.transport import ROOT
from planner_memory.adapters.coda.names import CodaNames
from planner_memory.adapters.coda.workspace import CodaWorkspace
from planner_memory.core.errors import NotConnected, NotStarted, PlannerMemoryError, UpstreamInvalid
from planner_memory.core.local_time import zone
from planner_memory.ports.workspace import Workspace
from planner_memory.settings import Settings

_limits = LimitsByToken()  # Coda counts by user, over all that one process does


def coda_names(said: str | None) -> CodaNames:
    """From JSON or YAML, or from a file of either. Raises NotStarted, saying what is wrong."""
    if not said or not said.strip():
        return CodaNames()
    try:
        text = said if said.lstrip().startswith("{") else Path(said).expanduser().read_text(encoding="utf-8")
        return CodaNames.read(yaml.safe_load(text))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise NotStarted(f"PLANNER_CODA_NAMES can be read neither as JSON nor as a file: {error}.") from None


def coda_workspace(settings: Settings) -> CodaWorkspace:
    """By the REST API. Raises NotStarted when the token or the doc is not named."""
    if settings.coda_api_token is None or not settings.coda_doc_id:
        raise NotStarted("The workspace in Coda needs CODA_API_TOKEN and CODA_DOC_ID: what follows _d in the doc's address.")
    token, names = settings.coda_api_token.get_secret_value(), coda_names(settings.coda_names)
    calls = CodaCalls(token, settings.coda_base_url, limits=_limits.of(token))
    return CodaWorkspace(CodaDoc(calls, settings.coda_doc_id, names), names, zone(settings.time_zone))


def coda_mcp_workspace(settings: Settings) -> CodaMcpWorkspace:
    """By an MCP server, which is first spoken to when something is asked of the workspace. Raises NotStarted without its address."""
    if settings.coda_mcp_url is None:
        raise NotStarted("PLANNER_WORKSPACE=coda-mcp needs CODA_MCP_URL, the address of an MCP server in front of Coda.")
    url, secret = settings.coda_mcp_url, settings.coda_mcp_token or settings.coda_api_token
    token = secret.get_secret_value() if secret else ""
    way = CodaMcp(url, token, settings.coda_doc_id, coda_names(settings.coda_names), zone(settings.time_zone), _limits.of(token))

    async def dialect() -> Dialect:
        return await dialect_of(url, token) if settings.coda_mcp_dialect == "auto" else settings.coda_mcp_dialect

    return CodaMcpWorkspace(dialect, way.workspace)


class CodaMcp:
    """The parts for one MCP server, put together for the dialect it speaks."""

    def __init__(self, url: str, token: str, doc_id: str | None, names: CodaNames, zone: ZoneInfo, limits: Limits) -> None:
        self._url, self._token, self._doc_id = url, token, doc_id
        self._names, self._zone, self._limits = names, zone, limits

    async def workspace(self, dialect: Dialect) -> Workspace:
        """
        Raises:
            NotConnected: the doc is not named, and nothing can be done without.
            UpstreamInvalid: the server has no tools that are known here.
        """
        if dialect == "mcp":
            return await self._by_sdk()
        doc = self._doc(ProxyTransport(self._url)) if self._doc_id else None
        if dialect == "tools":
            return self._by_tools(ToolTransport(self._url), PREFIX, doc)
        if doc is None:
            raise NotConnected("The MCP server hands on calls to Coda, and needs to know for which doc. Set CODA_DOC_ID.")
        return self._by_rows(doc)

    async def _by_sdk(self) -> Workspace:
        # importing it costs 60 MB, which nobody pays who does not ask for it, and a second or more, in which others go on being answered
        sdk: Any = await asyncio.to_thread(importlib.import_module, "planner_memory.adapters.coda.mcp.sdk")
        transport: httpx.AsyncBaseTransport = sdk.SdkTransport(self._url, self._token)
        try:
            return await self._by_sdks_tools(transport)
        except PlannerMemoryError:
            await transport.aclose()
            raise

    async def _by_sdks_tools(self, transport: httpx.AsyncBaseTransport) -> Workspace:
        told = await self._calls(transport).read("/")
        tools = {str(each.get("name")) for each in told.get("items", []) if isinstance(each, dict)}
        doc = self._doc(RowToolsTransport(transport), shows_ids=False) if self._doc_id and tools.issuperset(READS_AND_WRITES) else None
        for prefix in (PREFIX, "coda_", ""):
            if tools.issuperset(f"{prefix}{name}" for name in NEEDED):
                return self._by_tools(transport, prefix, doc)
        if doc is not None:
            return self._by_rows(doc)
        if tools.issuperset(READS_AND_WRITES):
            raise NotConnected("The MCP server reads and writes any doc of Coda's, and needs to know which one. Set CODA_DOC_ID.")
        raise UpstreamInvalid("The MCP server has none of the tools that are known for Coda: rows of tables, or blueprints and workflows.")

    def _calls(self, transport: httpx.AsyncBaseTransport) -> CodaCalls:
        return CodaCalls(
            self._token, ROOT, limits=self._limits, transport=transport, vendor="The MCP server", address="CODA_MCP_URL", key="CODA_MCP_TOKEN"
        )

    def _doc(self, transport: httpx.AsyncBaseTransport, *, shows_ids: bool = True) -> CodaDoc:
        return CodaDoc(self._calls(transport), self._doc_id or "", self._names, shows_ids=shows_ids)

    def _by_rows(self, doc: CodaDoc) -> CodaWorkspace:
        return CodaWorkspace(doc, self._names, self._zone, name="coda-mcp")

    def _by_tools(self, transport: httpx.AsyncBaseTransport, prefix: str, doc: CodaDoc | None) -> CodaToolsWorkspace:
        rest = self._by_rows(doc) if doc else None
        return CodaToolsWorkspace(self._calls(transport), self._names, prefix=prefix, rest=rest, doc=doc)
