"""What single costs of a schedule may be set to: once for a person, in the profile, or for one request."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Cost = Annotated[int, Field(ge=0, le=1_000_000)]
ByPriority = dict[Literal["1", "2", "3", "4"], Cost]


class WeightsIn(BaseModel):
    """Costs that replace others; by priority where they are objects. What is not named stays."""

    model_config = ConfigDict(extra="forbid")

    left_out: ByPriority | None = None
    late: ByPriority | None = None
    hour: ByPriority | None = None
    left_out_per_minute: Cost | None = None
    outside_band: Cost | None = None
    extra_chunk: Cost | None = None
    moved: Cost | None = None
