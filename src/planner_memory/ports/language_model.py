"""A language model that answers with a JSON document, and the ledger of what its answers cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `schema` is the JSON Schema of the answer in its strict form (every property required, none beside them).

    The rest says what the request is for; none of it is sent to the model.
    """

    messages: tuple[Message, ...]
    schema_name: str
    schema: Mapping[str, Any]
    purpose: str  # plan | revise | reflect …
    prompt_name: str
    prompt_version: str
    client_id: str | None = None
    person_id: str | None = None
    plan_id: UUID | None = None
    most_tokens: int = 8000  # of the answer


@dataclass(frozen=True, slots=True)
class Usage:
    """`model` is the one that answered. Tokens and US dollars are as the vendor says, None where it does not say."""

    model: str
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Completion:
    """`document` is the JSON value found in `text`. When none was found `flaw` says why, in words that a model understands."""

    text: str
    document: Any
    usage: Usage
    flaw: str | None = None
    call_id: UUID | None = None  # in the ledger, if there is one


class LanguageModel(Protocol):
    """`name` is the model as configured."""

    name: str

    async def complete(self, ask: Ask) -> Completion:
        """One answer. An answer without JSON is returned with its `flaw`: the caller knows how to ask again.

        Raises:
            Unavailable: too many requests or a failure of the vendor's own, after the retries.
            UpstreamTimeout: no answer within the limit.
            UpstreamInvalid: the vendor does not understand the request, or answers with no completion.
            Refused: the model or its provider declines to answer.
            NotConnected: the key is refused or has no credit.
            BudgetSpent: what may be spent this month is spent.
        """
        ...

    async def check(self) -> float | None:
        """The US dollars that the key may still spend, None where the vendor sets no limit; costs nothing. Raises as `complete` does."""
        ...


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One line of the ledger. `outcome` is "answered" or the title of the error. `answer` stays until somebody has settled it."""

    id: UUID
    purpose: str
    prompt_name: str
    prompt_version: str
    model: str
    outcome: str
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    seconds: float
    plan_id: UUID | None
    client_id: str | None
    person_id: str | None
    request_hash: str
    answer: str | None
    called_at: datetime


@dataclass(frozen=True, slots=True)
class Spend:
    """US dollars since some instant: all calls together, and the dearest one."""

    cost_usd: float
    dearest_usd: float


class ModelLedger(Protocol):
    """Raises Unavailable when the database does not answer."""

    async def spent(self, since: datetime) -> Spend: ...

    async def add(self, call: ModelCall) -> None: ...

    async def unsettled(self, request_hash: str, client_id: str | None, since: datetime) -> ModelCall | None:
        """The newest answer to that very request which nobody has used or rejected yet: its process ended before it could."""
        ...

    async def settle(self, call_id: UUID) -> None:
        """The answer was used or rejected; its text is forgotten. Safe to repeat."""
        ...
