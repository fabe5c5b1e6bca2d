"""A proxy for the web is for other machines: what runs on this one, such as the calendar server of the all-in-one, is reached past it."""

import os

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_NAMES = ("no_proxy", "NO_PROXY")  # libraries read one or the other, and the small one first


def reach_this_machine_directly() -> None:
    """Adds this machine to the addresses that HTTP_PROXY, HTTPS_PROXY and ALL_PROXY do not hold for, in this process and what it starts."""
    said = next((os.environ[name] for name in _NAMES if os.environ.get(name)), "")
    listed = [each.strip() for each in said.split(",") if each.strip()]
    if "*" not in listed:
        os.environ.update(dict.fromkeys(_NAMES, ",".join([*listed, *(each for each in _THIS_MACHINE if each not in listed)])))
