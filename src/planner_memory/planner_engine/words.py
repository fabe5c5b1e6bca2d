"""Words of an intent, reduced to light stems, for retrieval and for comparing intents."""

import re
from functools import lru_cache

_WORD = re.compile(r"[a-z0-9]+(?:['’][a-z]+)?")
_STOP = """
a an and are as at be been but by can could do does for from get give had has have help here how i if in into is it its just let like make me my
need needs of on onto or our out over please should so some than that the their them then there these they this those to up us want wants was we
were what when which who will with would you your all also any both each every its next new before until till due end week month today tomorrow
hour hours h day days prepare plan planning run hold organise organize set good great proper properly full complete whole"""
STOP_WORDS = frozenset(_STOP.split())
_ENDINGS = "isations izations isation ization ations ments ation ions ings ment ing ion ers ies ed es er s"
_SUFFIXES = tuple(_ENDINGS.split())
_ALIKE = {
    "organization": "organis",
    "site": "websit",
    "website": "websit",
    "websites": "websit",
    "sites": "websit",
    "homepage": "websit",
    "customer": "client",
    "customers": "client",
    "customer's": "client",
    "employee": "colleagu",
    "employees": "colleagu",
    "analyze": "analys",
    "programme": "program",
    "offsite": "offsit",
    "kickoff": "kickoff",
    "hire": "hir",
    "hiring": "hir",
    "hires": "hir",
    "e-mail": "email",
    "taxes": "tax",
}


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """A light stem: plural and verb endings are cut while four letters remain, then a final e or y."""
    word = word.replace("’", "'").removesuffix("'s")
    if word in _ALIKE:
        return _ALIKE[word]
    if word.endswith("ss"):
        return word
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            word = word[: -len(suffix)]
            break
    else:
        if word.endswith("s") and len(word) > 3:
            word = word[:-1]
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word[-1] in "ey" else word


def plain(text: str) -> str:
    """Lower case, hyphens between letters opened, so that post-mortem and post mortem are one."""
    return re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text.lower().replace("’", "'"))


def stems(text: str, *, keep_stop_words: bool = False) -> list[str]:
    return [stem(w) for w in _WORD.findall(plain(text)) if keep_stop_words or w not in STOP_WORDS]
