"""Public holidays from the rules of the library `holidays`, which asks nobody."""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

import holidays

from planner_memory.core.errors import InvalidInput


def public_holidays(country: str, years: Iterable[int]) -> frozenset[date]:
    """Fulfils PublicHolidays."""
    return frozenset(day for year in set(years) for day in _of_year(country, year))


@lru_cache(maxsize=16)
def _of_year(country: str, year: int) -> frozenset[date]:
    code, _, part = country.upper().partition("-")
    try:
        return frozenset(holidays.country_holidays(code, subdiv=part or None, years=year))
    except (NotImplementedError, KeyError) as error:
        raise InvalidInput(f"No public holidays are known for {country!r}. Use an ISO 3166 code such as DE or US-CA.") from error
