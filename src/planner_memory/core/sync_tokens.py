"""One token that stands for those of several calendars."""

import json
from collections.abc import Mapping


def tokens_in(token: str | None) -> dict[str, str]:
    """The servers' tokens by calendar. A token that cannot be read holds none."""
    try:
        found = json.loads(token) if token else {}
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def token_of(tokens: Mapping[str, str]) -> str:
    return json.dumps(tokens, sort_keys=True, separators=(",", ":"))
