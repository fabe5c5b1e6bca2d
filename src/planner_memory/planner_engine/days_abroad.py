"""Days in German, French, Spanish and Italian: `12. März`, `1er mars`, `5 de diciembre de 2027`, `in 3 Wochen`, after a word that asks for a day."""

import re
from datetime import date

from planner_memory.planner_engine.named_days import NamedDay, coming_day, day_ahead

_NAMES = """
januar jänner jan janvier janv enero ene gennaio gen
februar feber feb février févr febrero febbraio
märz maerz mär mrz mars marzo mar
april apr avril avr abril abr aprile
mai mayo may maggio mag
juni jun juin junio giugno giu
juli jul juillet juil julio luglio lug
august aug août agosto ago
september sept sep septembre septiembre setiembre settembre set
oktober okt octobre octubre oct ottobre ott
november nov novembre noviembre
dezember dez décembre déc diciembre dic dicembre
"""
_WITHOUT_ACCENTS = str.maketrans("äáàâéèêíìîóòôúùû", "aaaaeeeiiiooouuu")
MONTHS = {name: i for i, line in enumerate(_NAMES.translate(_WITHOUT_ACCENTS).strip().splitlines(), 1) for name in line.split()}
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_UNITS = {
    "days": r"(?:tage?n?|jours?|dias?|giorn[oi])",
    "weeks": r"(?:wochen?|semaines?|semanas?|settiman[ae])",
    "months": r"(?:monate?n?|mois|mes(?:es|[ei])?)",
}
_CUE = re.compile(
    r"\b(?:bis(?:\s+zum)?|vor\s+dem|spatestens(?:\s+am)?|avant(?:\s+le)?|d'ici(?:\s+(?:le|au))?|au\s+plus\s+tard\s+le|antes\s+del?"
    r"|para\s+el|hasta\s+el|entro(?:\s+il)?|(?P<english>by|until|till|before|due(?:\s+(?:on|by))?|no later than))\s+"
)
_DATE = re.compile(
    rf"(?:[a-z]+,?\s+)?(?:(?:den|dem|le|el|il)\s+)?(?P<d>\d{{1,2}})(?:er|\.|°|º)?\s*(?:d[ei]\s+)?(?P<month>{_MONTH})\b\.?(?:\s+(?:del?\s+)?(?P<y>\d{{4}})\b)?"
)
_NUMERIC = re.compile(r"(?P<d>\d{1,2})[./](?P<month>\d{1,2})(?:[./](?P<y>\d{4}))?(?!\w)")
_AHEAD = re.compile(rf"(?:(?:in|dans|en|tra|fra)\s+)?(?P<n>\d{{1,3}})\s+(?P<unit>{'|'.join(_UNITS.values())})\b")


def day_abroad(text: str, today: date) -> tuple[NamedDay, str] | None:
    """The first such day in a text in lower case, and the words that it was read from."""
    plain = text.translate(_WITHOUT_ACCENTS)
    for cue in _CUE.finditer(plain):
        is_english = cue["english"] is not None
        found: NamedDay | None = None
        said = _DATE.match(plain, cue.end())
        if said is not None and not (is_english and len(said["month"]) < 4):  # `by 2 set designers`
            found = coming_day(MONTHS[said["month"]], int(said["d"]), int(said["y"]) if said["y"] else None, today)
        elif not is_english and (said := _NUMERIC.match(plain, cue.end())) is not None:
            found = coming_day(int(said["month"]), int(said["d"]), int(said["y"]) if said["y"] else None, today)
        elif not is_english and (said := _AHEAD.match(plain, cue.end())) is not None:
            unit = next(unit for unit, form in _UNITS.items() if re.fullmatch(form, said["unit"]))
            found = day_ahead(int(said["n"]), unit, today)
        if found is not None and said is not None:
            return found, text[cue.start() : said.end()].strip()
    return None
