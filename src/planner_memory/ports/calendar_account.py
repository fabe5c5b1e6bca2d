"""The person's account with a calendar vendor, connected by OAuth 2 in a browser."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class AccountState:
    """`scopes` is what the person granted; `missing` what would be needed for the whole of the product, in words.

    `ends_at` is set when the vendor has said that the connection ends by itself.
    """

    provider: str
    state: Literal["connected", "not connected", "reconnect needed"]
    scopes: Sequence[str] = ()
    missing: Sequence[str] = ()
    connected_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that opens the consent page once. `address` is complete."""

    address: str
    expires_at: datetime


class CalendarAccount(Protocol):
    """Raises Unavailable when the vendor does not answer. No error and no state holds a token, a code or an address of the person."""

    async def invite(self) -> Invitation:
        """A new link for the person's browser."""
        ...

    async def begin(self, link: str | None) -> str:
        """The address of the vendor's consent page. `link` is the secret of an invitation, used up by this; None: the caller has shown a key.

        Raises:
            NotAllowed: the link is not valid, was used or has expired.
        """
        ...

    async def finish(self, answer: Mapping[str, str]) -> AccountState:
        """Takes what the vendor sent the browser back with (state, code, error) and keeps the connection.

        Raises:
            NotAllowed: the person declined, or left out a permission without which nothing works.
            InvalidInput: the answer belongs to no request that is under way.
            NotConnected: the vendor refuses the product's own credentials.
        """
        ...

    async def state(self) -> AccountState:
        """What is known here; asks nobody."""
        ...

    async def disconnect(self) -> bool:
        """Forgets the tokens, and has the vendor revoke them. False when there were none. The vendor being down is no error."""
        ...
