"""Public holidays by country: the one place that knows the library."""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

import holidays

from planner_memory.core.errors import InvalidInput


def public_holidays(country: str, years: Iterable[int]) -> frozenset[date]:
    """The public holidays of a country (DE) or a part of it (US-CA) in those years.

    Raises:
        InvalidInput: as `checked_country`.
    """
    return frozenset(day for year in set(years) for day in _of_year(country, year))


def checked_country(code: str) -> str:
    """The code of a country or of a part of it, in capitals.

    Raises:
        InvalidInput: no holidays are known for it.
    """
    country, _, part = code.strip().upper().partition("-")
    known = holidays.list_supported_countries(include_aliases=True)
    if country not in known:
        raise InvalidInput(f"There are no holidays known for {code!r}. Use an ISO 3166 code such as DE, GB or US-CA.", field="holidays_country")
    if part and part not in known[country]:
        listed = ", ".join(known[country][:20]) or "none"
        raise InvalidInput(f"{country} has no part {part!r} with holidays of its own. Known parts: {listed}.", field="holidays_country")
    return f"{country}-{part}" if part else country


@lru_cache(maxsize=64)
def _of_year(country: str, year: int) -> frozenset[date]:
    code, _, part = checked_country(country).partition("-")
    return frozenset(holidays.country_holidays(code, subdiv=part or None, years=year))
