"""From a prompt's text and its inputs to messages. Inputs are data: they are escaped, so that none can close the fence it stands in."""

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from importlib import resources
from typing import Any

from planner_memory.core.errors import InvalidInput
from planner_memory.ports.language_model import Message
from planner_memory.prompting.inputs import INPUTS, PromptInput

_FIELD = re.compile(r"\{([a-z_]+)\}")
_FENCED = re.compile(r"^<([a-z]+)>[ \t]*$", re.MULTILINE)


@cache
def shipped(name: str) -> str:
    """The first version's text, as migrations seed it."""
    return resources.files(__package__).joinpath("texts", f"{name}.md").read_text(encoding="utf-8")


def as_data(text: str) -> str:
    """The text with &, < and > escaped as in XML, and without control characters: no tag of a prompt can be written in it."""
    shown = "".join(c if c in "\n\t" or c.isprintable() else " " for c in text.encode("utf-8", "replace").decode())
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def labelled(number: int, kind: str, source: str, text: str) -> str:
    """One line of a context: what it is, where it is from, and its text as a JSON string, which cannot leave its line."""
    return f"[{number}] {kind} ({as_data(source)}): {as_data(json.dumps(text, ensure_ascii=False))}"


def rendered(content: str, values: PromptInput) -> tuple[Message, ...]:
    """The prompt with its inputs put in, once: braces in an input stay as they are.

    What stands before the first fence is the system's message; data and what follows are the user's, so that they never pass for
    instructions of the system. A prompt without a fence is one message of the user.
    """
    given = {f.name: getattr(values, f.name) for f in fields(values)}

    def filled(text: str) -> str:
        return _FIELD.sub(lambda m: given.get(m[1], m[0]), text).strip()

    fence = _FENCED.search(content)
    if fence is None:
        return (Message("user", filled(content)),)
    head = content[: fence.start()]
    if _FIELD.search(head):
        return (Message("user", filled(content)),)
    return Message("system", head.strip()), Message("user", filled(content[fence.start() :]))


def check_content(name: str, content: str) -> None:
    """Refuses a text that the product could not fill in.

    Raises:
        InvalidInput: an input is missing, unknown, or stands outside its fence.
    """
    if not content.strip() or len(content) > 50_000:
        raise InvalidInput("A prompt has between 1 and 50,000 characters.", field="content")
    inputs = INPUTS.get(name)
    if inputs is None:
        return  # a prompt of somebody's own, which no service asks with
    wanted, found = inputs.names(), set(_FIELD.findall(content))
    if wanted - found:
        raise InvalidInput(f"The prompt {name} needs {_listed(wanted - found)}.", field="content")
    if found - wanted:
        raise InvalidInput(f"The prompt {name} has no input {_listed(found - wanted)}; it has {_listed(wanted)}.", field="content")
    for fence in inputs.fenced:
        if not re.search(rf"^<{fence}>\s*\{{{fence}\}}\s*</{fence}>[ \t]*$", content, re.MULTILINE):
            raise InvalidInput(f"Put {{{fence}}} alone between lines <{fence}> and </{fence}>, so that data stays data.", field="content")


def difference(before: str, after: str, names: Sequence[str]) -> str:
    """A unified diff; empty when both are the same."""
    return "\n".join(difflib.unified_diff(before.splitlines(), after.splitlines(), names[0], names[1], lineterm=""))


def _listed(names: set[str]) -> str:
    return ", ".join(f"{{{n}}}" for n in sorted(names))


def compact(value: Any) -> str:
    """JSON in as few characters as it needs, keys in their order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
