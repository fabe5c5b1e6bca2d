"""What the gateway's paths have in common: the service behind them, and how a client is named in a query."""

from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import AfterValidator

from planner_memory.memory_gateway import schemas
from planner_memory.memory_gateway.service import Gateway


async def gateway_of(request: Request) -> Gateway:  # async, since FastAPI sends a plain function through its thread pool
    gateway: Gateway = request.app.state.gateway
    return gateway


Service = Annotated[Gateway, Depends(gateway_of)]
Client = Annotated[str | None, Query(min_length=1, max_length=255), AfterValidator(lambda v: v and schemas.no_nul(v))]
