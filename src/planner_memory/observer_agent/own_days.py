"""The day that a reflection of one day tells of: who says "Wednesday ended well" says that it was a Wednesday."""

import re
from collections.abc import Sequence

from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.scene import TOMORROW, Scene, is_day
from planner_memory.observer_agent.titles import titles
from planner_memory.observer_agent.verdicts import Verdict, Verdicts, verdict_of

_THIS = re.compile(r"\bthis\s+$", re.IGNORECASE)
_FIRST = re.compile(r"^\W*(?:on\s+|the\s+)?$", re.IGNORECASE)
_OF_IT = re.compile(r"\bon\s+$", re.IGNORECASE)
_WAS = re.compile(
    r",?\s+(?:(?:it|you|there|the\s+plan)\s+)?(?:was|were|ended|completed?|closed|finished|worked|went|had|took|logged|spent|got|did|brought|saw|ran|made|recorded|tracked|turned)\b",
    re.IGNORECASE,
)
_DID = re.compile(r"\b(?:was|were|got)\s+(?:completed|finished|done|closed|kept|worked|recorded|tracked)\b", re.IGNORECASE)
_ANOTHER = re.compile(
    r"\b(?:next|tomorrow|ahead|coming|will|upcoming|scheduled|slipped|moved|postponed|pushed|until|since|last|before|earlier|previous|due|deadline|starts?|begins?"
    r"|opens?|follows?|waits?|outlook|calendar|is|are|has|comes?|brings?|belongs?|should|could|week|days|set|new|from|by|between)\b",
    re.IGNORECASE,
)


def own_days(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """Of days in what tells of the day itself; of a week's reflection nothing."""
    last, first = scene.ledger.last_day, scene.ledger.first_day
    days = [n for n in numbers if n.kind in ("date", "weekday") and n.start not in so_far]
    if last is None or first != last or len(days) != 1 or TOMORROW.search(scene.text):
        return {}
    day = days[0]
    before, after = scene.sentence.before(day), scene.sentence.after(day)
    is_label = not before.strip("#*_>- \t") and (after.lstrip().startswith((":", "–", "|")) or not after.strip(" .*_\n#")) and scene.sentence.is_first
    is_told = (_FIRST.search(before) is not None and _WAS.match(after) is not None) or (
        _OF_IT.search(before) is not None and _DID.search(before) is not None
    )
    if not (_THIS.search(before) or is_label or (is_told and not _ANOTHER.search(scene.text) and not _is_of_another(scene))):
        return {}
    found: Verdict = verdict_of(day, "ends_on", "" if is_day(day, last) else f"This reflection is of {last:%A %d %B %Y}.")
    return {day.start: found}


def _is_of_another(scene: Scene) -> bool:
    """Whether a task stands there that has other days."""
    named = {name for title in titles(scene.sentence, scene.ledger.telling) for name in title.names}
    return any(record.name in named and record.group in ("upcoming", "slipped", "running", "due") for record in scene.records)
