"""Pattern performance: workflows and templates whose actual hours keep drifting from the raw estimate, or whose notes keep naming trouble.

The ratio is actual over RAW estimate. Over the corrected one it would settle at the wrong factor, because the correction feeds back.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Literal

from planner_memory.observer_agent.numbers import plain
from planner_memory.observer_agent.rhythm import percent
from planner_memory.ports.facts import FinishedRun

DRIFT_BEYOND = Decimal("0.30")
RUNS_AT_LEAST = 3
LOOK_BACK_DAYS = 90
_TROUBLE = re.compile(r"(?<!not )(?<!never )(?<!no longer )\b(blocked|delayed)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_THEMES = 3
_SAYS_NOTHING = frozenset(
    re.findall(
        r"\w+",
        "blocked delayed again because been before could from have into that their them then there they this until waited waiting were when with"
        " would after also about over only still done some more while which what",
    )
)

Kind = Literal["workflow", "template"]


@dataclass(frozen=True, slots=True)
class Drift:
    """One pattern. `drift_percent` is the size of the drift over all runs together, never negative.

    `typical_factor` is the median of actual over estimate.
    """

    kind: Kind
    name: str
    direction: Literal["over", "under"]
    drift_percent: float
    runs: int
    runs_beyond_threshold: int
    estimated_minutes: int
    actual_minutes: int
    typical_factor: float
    suggestion: str


@dataclass(frozen=True, slots=True)
class RepeatedTrouble:
    kind: Kind
    name: str
    word: Literal["blocked", "delayed"]
    runs: int
    themes: tuple[str, ...] = ()  # what two or more of those notes speak of, most often first


_KINDS: tuple[tuple[Kind, Callable[[FinishedRun], str | None]], ...] = (
    ("workflow", lambda run: run.workflow_id),
    ("template", lambda run: run.process_template_id),
)


def _groups(runs: Iterable[FinishedRun]) -> dict[tuple[Kind, str], list[FinishedRun]]:
    groups: dict[tuple[Kind, str], list[FinishedRun]] = defaultdict(list)
    for run in runs:
        for kind, key_of in _KINDS:
            if key := key_of(run):
                groups[kind, key].append(run)
    return groups


def _suggestion(direction: str, factor: float) -> str:
    if (direction == "over") != (factor > 1):
        return "Most runs go as estimated and a few carry the drift: look at what made those different."
    factor = round(factor, 1) if round(factor, 1) != 1 else factor
    if direction == "over":
        return f"Estimate it at {plain(factor)} times what you would say at first, or split it into smaller steps."
    return f"Estimate it at {plain(factor)} times what you would say at first; it leaves room for other work."


def drifts(runs: Iterable[FinishedRun], label: Callable[[str], str] = str) -> list[Drift]:
    """Patterns of three or more finished and estimated runs whose actual hours are more than 30 % off, the largest drift first."""
    found = []
    for (kind, key), group in _groups(runs).items():
        pairs = [(r.estimated_hours, r.whole_hours) for r in group if r.is_done and r.estimated_hours and r.whole_hours and r.estimated_hours > 0]
        estimated = sum((e for e, _ in pairs), Decimal(0))
        actual = sum((a for _, a in pairs), Decimal(0))
        if len(pairs) < RUNS_AT_LEAST or abs(actual - estimated) <= DRIFT_BEYOND * estimated:
            continue
        direction: Literal["over", "under"] = "over" if actual > estimated else "under"
        sign = 1 if direction == "over" else -1
        factor = round(float(median(a / e for e, a in pairs)), 2)
        found.append(
            Drift(
                kind=kind,
                name=label(key),
                direction=direction,
                drift_percent=percent(abs(actual - estimated), estimated) or 0.0,
                runs=len(pairs),
                runs_beyond_threshold=sum(sign * (a - e) > DRIFT_BEYOND * e for e, a in pairs),
                estimated_minutes=round(estimated * 60),
                actual_minutes=round(actual * 60),
                typical_factor=factor,
                suggestion=_suggestion(direction, factor),
            )
        )
    return sorted(found, key=lambda d: (-d.drift_percent, d.kind, d.name))


def says(note: str | None, word: Literal["blocked", "delayed"]) -> bool:
    """Whether a note says so. "Not blocked" and "unblocked" do not count."""
    return any(match.group(1).lower() == word for match in _TROUBLE.finditer(note or ""))


def repeated_trouble(runs: Iterable[FinishedRun], label: Callable[[str], str] = str) -> list[RepeatedTrouble]:
    """Patterns whose notes say "blocked", or "delayed", in three or more runs, with what those notes have in common."""
    found: list[RepeatedTrouble] = []
    words: tuple[Literal["blocked", "delayed"], ...] = ("blocked", "delayed")
    for (kind, key), group in _groups(runs).items():
        for word in words:
            notes = [run.outcome_notes or "" for run in group if says(run.outcome_notes, word)]
            if len(notes) >= RUNS_AT_LEAST:
                found.append(RepeatedTrouble(kind, label(key), word, len(notes), tuple(label(theme) for theme in themes(notes))))
    return sorted(found, key=lambda t: (-t.runs, t.kind, t.name, t.word))


def themes(notes: Sequence[str]) -> list[str]:
    """Up to three words, or pairs of neighbouring words, that two or more of the notes have in common; the most frequent first.

    A pair takes the place of its words when it is as frequent as they are.
    """
    counts: Counter[str] = Counter()
    for note in notes:
        words = [word.lower() for word in _WORD.findall(note)]
        kept = [word if len(word) > 3 and word not in _SAYS_NOTHING else "" for word in words]
        pairs = {f"{a} {b}" for a, b in pairwise(kept) if a and b}
        counts.update({word for word in kept if word} | pairs)
    common = {phrase: n for phrase, n in counts.items() if n >= 2}
    of_pairs = {word for phrase, n in common.items() if " " in phrase for word in phrase.split() if common[word] <= n}
    best = sorted((phrase for phrase in common if phrase not in of_pairs), key=lambda phrase: (-common[phrase], -len(phrase), phrase))
    return best[:_THEMES]
