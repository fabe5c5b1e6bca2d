"""How commands show their options: a flag by its name alone, any other option with a word for what goes in."""

from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

_OF_TYPES = {"int": "NUMBER", "float": "NUMBER", "Path": "FILE"}
_OF_NAMES = {  # where the option's own name says what it is for, not what goes in
    **dict.fromkeys(("start", "end", "date", "deadline", "since", "until", "off"), "DAY"),
    **dict.fromkeys(("at", "as_of", "started", "ended"), "TIME"),
    **dict.fromkeys(("notes", "note", "content"), "TEXT"),
    **dict.fromkeys(("metadata", "rules"), "JSON"),
    "busy": "SPAN",
    "holidays": "COUNTRY",
    "reuse": "PLAN",
    "revoke": "INSIGHT",
    "of": "ID",
}


class _Option(TyperOption):
    """--client CLIENT, --buffer NUMBER, --mode daily|weekly."""

    def display_type(self, ctx: Any) -> str:
        if self.is_flag:
            return ""
        if self.type_descriptor.is_choice:
            return super().display_type(ctx).strip("<>")
        of_type = _OF_TYPES.get("Path" if self.type_descriptor.is_path else self.bare_type())
        long = max(self.opts, key=len).lstrip("-").replace("-", "_")
        return self.metavar or of_type or _OF_NAMES.get(long) or long.rpartition("_")[2].upper()


class _Argument(TyperArgument):
    """Its name says what goes in."""

    @property
    def display_name_raw(self) -> str:
        return (self.metavar or self.name).upper()

    def display_type(self, ctx: Any) -> str:
        return super().display_type(ctx).strip("<>") if self.type_descriptor.is_choice else ""

    def get_usage_pieces(self, ctx: Any) -> list[str]:
        name = self.display_name_raw if self.required else f"[{self.display_name_raw}]"
        return [name if self.nargs == 1 else f"{name}..."]


_PLAIN: dict[Any, Any] = {TyperOption: _Option, TyperArgument: _Argument}


class _Plain:
    """Typer makes its parameters itself, and has no place to say of which class."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for each in params:
            each.__class__ = _PLAIN.get(type(each), type(each))
        return params


class _Command(_Plain, TyperCommand):
    pass


class _Group(_Plain, TyperGroup):
    pass


def plain(app: typer.Typer) -> typer.Typer:
    """The same application, with this help for all its commands and groups."""
    app.info.cls = _Group
    for command in app.registered_commands:
        command.cls = _Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            group.cls = _Group
            plain(group.typer_instance)
    return app
