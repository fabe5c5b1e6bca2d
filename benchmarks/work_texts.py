"""Made-up working lives: threads of short turns, as many as asked, the same for the same numbers."""

import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

_PEOPLE = ("Ada", "Bruno", "Chen", "Dana", "Emil", "Farah", "Gita", "Hugo", "Ines", "Jonas", "Kira", "Lena", "Mei", "Noor", "Omar", "Priya", "Rosa")
_FIRMS = ("Alder", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Grove", "Harbour", "Iris", "Juniper", "Krill", "Linden", "Marlin", "Nectar", "Sable")
_KINDS = ("Museum", "Foods", "Clinic", "Logistics", "Press", "Books", "Energy", "School", "Theatre", "Bakery")
_THINGS = (
    *("invoice", "contract", "offer", "website", "newsletter", "brochure", "import", "export", "warehouse", "calendar", "booking", "form"),
    *("archive", "logo", "photo shoot", "training", "workshop", "server", "backup", "certificate", "report", "budget", "dashboard", "survey"),
    *("prototype", "checklist", "handbook", "poster", "stand", "lease", "van", "scanner", "printer"),
)
_DOINGS = ("approved", "delayed", "rejected", "finished", "tested", "printed", "moved", "cancelled", "reviewed", "signed", "measured", "translated")
_REASONS = (
    "because the client changed the scope",
    "after the call with the printer",
    "since the old one was too slow",
    "as agreed in the last review",
    "because nobody had the password",
    "once the texts arrived",
    "while the designer was away",
)
_ASKING = (
    "Who looks after the {thing} of {firm}?",
    "When was the {thing} {doing}?",
    "How much is the {thing} for {firm}?",
    "Why was the {thing} {doing}?",
    "What is still open on the {thing}?",
)
_SAYING = (
    "The {thing} for {firm} was {doing} {reason}.",
    "{other} takes over the {thing}, reach them at extension {number}.",
    "It costs {number} euros, paid in {days} days.",
    "We need the {thing} {days} days earlier, {reason}.",
    "{firm} wants {number} copies of the {thing} by the {day}th of the month.",
    "The {thing} took {days} hours instead of two, {reason}.",
    "{other} from {firm} prefers calls after {hour} o'clock.",
)


def memories(count: int, clients: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """`count` bodies for POST /remember, of client-0 to client-<clients - 1> in turn, in threads of six turns a minute apart."""
    chance = random.Random(seed)
    started = datetime(2024, 1, 8, 9, tzinfo=UTC)
    for thread in itertools.count():
        client = f"client-{thread % clients}"
        firm, thing = _firm(chance), chance.choice(_THINGS)
        at = started + timedelta(hours=7 * (thread // clients))
        for turn in range(6):
            if count == 0:
                return
            count -= 1
            yield {
                "client_id": client,
                "content": _filled(chance, chance.choice(_ASKING if turn % 3 == 1 else _SAYING), firm, thing),
                "thread_id": f"{client}-{seed}-{thread}",
                "occurred_at": (at + timedelta(minutes=turn)).isoformat(),
                "metadata": {"speaker": chance.choice(_PEOPLE)},
            }


def questions(count: int, clients: int, seed: int = 11) -> Iterator[tuple[str, str]]:
    """(client, question), all different."""
    chance = random.Random(seed)
    for n in range(count):
        asked = _filled(chance, chance.choice(_ASKING), _firm(chance), chance.choice(_THINGS))
        yield f"client-{chance.randrange(clients)}", f"{chance.choice(_PEOPLE)} {n}: {asked}"


def _firm(chance: random.Random) -> str:
    return f"{chance.choice(_FIRMS)} {chance.choice(_KINDS)}"


def _filled(chance: random.Random, pattern: str, firm: str, thing: str) -> str:
    return pattern.format(
        firm=firm,
        thing=thing,
        doing=chance.choice(_DOINGS),
        reason=chance.choice(_REASONS),
        other=chance.choice(_PEOPLE),
        number=chance.randrange(100, 9_999),
        days=chance.randrange(2, 60),
        day=chance.randrange(4, 20),
        hour=chance.randrange(9, 17),
    )
