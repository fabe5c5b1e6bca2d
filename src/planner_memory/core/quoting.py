"""What somebody else's server said, as an error may repeat it."""

_LONGEST = 300


def quoted(said: str, *, secret: str) -> str:
    """On one line, short, without the full stop at its end and without the secret, which servers like to repeat."""
    hidden = said.replace(secret, "…") if secret else said
    return " ".join(hidden.split())[:_LONGEST].rstrip(".")
