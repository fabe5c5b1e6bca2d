"""Public holidays by country, and what is said of a country that has none."""

from datetime import date

import pytest

from planner_memory.core.errors import InvalidInput
from planner_memory.core.public_holidays import checked_country, public_holidays


def test_of_a_country_and_of_a_part_of_it() -> None:
    assert date(2027, 10, 3) in public_holidays("DE", [2026, 2027])
    assert date(2027, 3, 31) in public_holidays("us-ca", [2027]) - public_holidays("US", [2027])  # Cesar Chavez Day


@pytest.mark.parametrize("country", ["XX", "Germany", "DE-XX", "-"])
def test_an_unknown_one_is_refused_in_the_same_words_wherever_it_is_met(country: str) -> None:
    refusals = []
    for ask in (lambda: checked_country(country), lambda: public_holidays(country, [2027])):
        with pytest.raises(InvalidInput) as refused:
            ask()
        refusals.append((refused.value.detail, refused.value.field))
    assert refusals[0] == refusals[1]
