"""The JSON document inside a model's text, whether it stands alone, in a fence, or among prose."""

import json
import re
from typing import Any

_FENCE = re.compile(r"```[ \t]*(?:json|JSON)?[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)
_MOST_STARTS = 50  # brackets from which a document is tried, so that a hostile text costs little


class NotJson(ValueError):
    """Says what the text is instead."""


def document_in(text: str) -> Any:
    """The JSON object or array that the text holds: all of it, else the largest that a fence or the prose contains.

    Raises:
        NotJson: there is none.
    """
    stripped = text.strip().lstrip("\ufeff")
    if not stripped:
        raise NotJson("the answer is empty")
    whole = _read(stripped)
    if whole is not None:
        return whole
    for fenced in _FENCE.findall(stripped):
        found = _read(fenced.strip())
        if found is not None:
            return found
    best = _largest(stripped)
    if best is None:
        raise NotJson("the answer holds no complete JSON object" if "{" in stripped else "the answer is prose without a JSON object")
    return best


def _read(text: str) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def _largest(text: str) -> Any:
    """The longest object that can be read from an opening brace; objects inside one that was read are not tried."""
    decoder, best, longest, place = json.JSONDecoder(), None, 0, text.find("{")
    for _ in range(_MOST_STARTS):
        if place < 0:
            break
        try:
            found, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            place = text.find("{", place + 1)
            continue
        if end - place > longest:
            best, longest = found, end - place
        place = text.find("{", end)
    return best
