"""The public holidays of a country."""

from collections.abc import Iterable
from datetime import date
from typing import Protocol


class PublicHolidays(Protocol):
    def __call__(self, country: str, years: Iterable[int]) -> frozenset[date]:
        """Those of a country (DE) or a part of it (US-CA) in those years. Knows without asking anybody.

        Raises:
            InvalidInput: the country is not known.
        """
        ...
