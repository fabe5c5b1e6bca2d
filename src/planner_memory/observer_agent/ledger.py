"""The facts as all readers of a prose need them, made once for a document."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from planner_memory.observer_agent.claims import Claim, claims_of
from planner_memory.observer_agent.derived import derived_claims
from planner_memory.observer_agent.figures import Figures, figures_of, of_lists, suggestions_of
from planner_memory.observer_agent.records import Names, Record, Telling, records_of, telling
from planner_memory.observer_agent.weighing import rarities


@dataclass(frozen=True, slots=True)
class Ledger:
    """`told` is what the document says, `claims` that and what follows from it; `last_day` is the last one of the period, if it names one."""

    told: list[Claim]
    claims: list[Claim]
    by_path: Mapping[str, Claim]
    rarity: dict[str, float]
    records: list[Record]
    names: Names
    telling: Telling
    figures: Figures
    suggestions: Mapping[str, Decimal]
    last_day: date | None
    first_day: date | None = None

    @property
    def period(self) -> list[date]:
        """Its days; none where the document does not name both ends."""
        if self.first_day is None or self.last_day is None:
            return []
        return [self.first_day + timedelta(days=n) for n in range((self.last_day - self.first_day).days + 1)]


def ledger_of(document: Any) -> Ledger:
    told = claims_of(document)
    claims = [*told, *derived_claims(told)]
    records = records_of(told)
    ends = [claim.value for claim in own_dates(told) if claim.path.endswith(("ends_on", "starts_on")) and "sprint" not in claim.path]
    return Ledger(
        told,
        claims,
        {claim.path: claim for claim in claims},
        rarities(claims),
        records,
        Names(records),
        telling(list(dict.fromkeys(record.name for record in records))),
        Figures({**figures_of(told).known, **dict(of_lists(records))}),
        dict(suggestions_of(document)),
        max(ends, default=None),
        min(ends, default=None),
    )


def own_dates(claims: list[Claim]) -> list[Claim]:
    """Those that are of no record."""
    return [claim for claim in claims if claim.kind == "date" and not claim.names]
