"""What a model may answer, read strictly, and everything that is wrong with an answer in words that it can act on."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

_MOST_FLAWS = 12
_BOUNDS = ("minLength", "maxLength", "minItems", "maxItems", "exclusiveMinimum", "minimum", "maximum")
_LEFT_OUT = frozenset({"title", "description", "default", *_BOUNDS})


def clean(value: Any) -> Any:
    """A text as PostgreSQL can keep it: no NUL, no other control characters, no halves of surrogate pairs."""
    if not isinstance(value, str):
        return value
    whole = value.encode("utf-8", "replace").decode()
    return "".join(c if c in "\n\t" or (ord(c) >= 32 and ord(c) != 127) else " " for c in whole).strip()


def one_line(value: Any) -> Any:
    cleaned = clean(value)
    return re.sub(r"\s+", " ", cleaned) if isinstance(cleaned, str) else cleaned


def no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("give a number, not true or false")
    return value


Title = Annotated[str, BeforeValidator(one_line), Field(min_length=1, max_length=300)]
Text = Annotated[str, BeforeValidator(clean), Field(max_length=5000)]
Number = Annotated[int, BeforeValidator(no_bool)]


class Reply(BaseModel):
    """The shape of one prompt's answer. A subclass says in `flaws` what no schema can."""

    model_config = ConfigDict(extra="ignore")  # servers without strict schemas let models add remarks

    def flaws(self) -> Sequence[str]:
        """Sentences; empty when the reply can be used."""
        return ()


class Unusable(ValueError):
    """An answer with flaws; `flaws` are sentences."""

    def __init__(self, flaws: Sequence[str]) -> None:
        super().__init__("; ".join(flaws))
        self.flaws = tuple(flaws)


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON Schema as strict modes take it: references resolved, all properties required, none beside them, no bounds.

    Bounds are checked on the answer, since not every vendor's strict mode knows them.
    """
    whole = model.model_json_schema()
    definitions = whole.pop("$defs", {})

    def strict(node: Any) -> Any:
        if isinstance(node, list):
            return [strict(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return strict(definitions[node["$ref"].rsplit("/", 1)[-1]])
        if node.get("type") == "object":
            properties = {name: strict(each) for name, each in node["properties"].items()}
            return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
        return {key: strict(each) for key, each in node.items() if key not in _LEFT_OUT}

    found: dict[str, Any] = strict(whole)
    return found


R = TypeVar("R", bound=Reply)


def read_reply(document: Any, kind: type[R]) -> R:
    """The document as a reply of that kind, without flaws.

    Raises:
        Unusable: with every flaw that was found, at most twelve.
    """
    if isinstance(document, list):  # the inner list alone, as models answer without a schema
        raise Unusable(["the answer must be a JSON object, not a list"])
    try:
        reply = kind.model_validate(document)
    except ValidationError as error:
        raise Unusable([_flaw(e["loc"], e["msg"]) for e in error.errors(include_url=False, include_input=False)[:_MOST_FLAWS]]) from None
    flaws = reply.flaws()
    if flaws:
        raise Unusable(flaws[:_MOST_FLAWS])
    return reply


def _flaw(location: tuple[int | str, ...], message: str) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    return f"{place or 'the answer'}: {message.removeprefix('Value error, ')}"
