"""What /health answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from planner_memory.core.errors import NotConnected, PlannerMemoryError

State = Literal["up", "down", "unauthorized", "off"]


@dataclass(frozen=True, slots=True)
class HealthReport:
    """`essential` names the dependencies without which the service cannot do its job: one of them down is 503, any other is `degraded`."""

    dependencies: Mapping[str, State]
    essential: frozenset[str] = frozenset()
    extra: Mapping[str, Any] = field(default_factory=dict)  # further members of the answer, JSON-ready

    @property
    def status(self) -> Literal["healthy", "degraded", "unhealthy"]:
        bad = {name for name, state in self.dependencies.items() if state in ("down", "unauthorized")}
        return "unhealthy" if bad & self.essential else "degraded" if bad else "healthy"


HealthCheck = Callable[[], Awaitable[HealthReport]]


async def state_of(check: Callable[[], Awaitable[object]]) -> State:
    """Runs a port's `check` and says what its outcome means."""
    try:
        await check()
    except NotConnected:
        return "unauthorized"
    except PlannerMemoryError:
        return "down"
    return "up"
