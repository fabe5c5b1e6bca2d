"""Versions of prompts side by side: which one counts for a client, listing, comparing, editing and rolling back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import Conflict, InvalidInput, NotFound
from planner_memory.ports.prompts import PromptChoice, PromptStore, PromptTemplate, PromptTransaction
from planner_memory.prompting.rendering import check_content, difference

FIRST = "v1"
_NUMBERED = re.compile(r"v(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The version that counts, and by whose choice: the client's, everyone's or the setting's."""

    template: PromptTemplate
    by: str
    warnings: Sequence[str] = ()


class Prompts:
    """`default_version` counts where nobody has chosen; where a prompt has no such version, its first one."""

    def __init__(self, store: PromptStore, *, default_version: str = FIRST, clock: Clock = utc_now) -> None:
        self._store = store
        self._default = default_version
        self._clock = clock

    async def chosen(self, name: str, client_id: str | None) -> Chosen:
        """Raises NotFound when the prompt is not there at all."""
        async with self._store.begin() as tx:
            return await self._chosen(tx, name, client_id)

    async def listed(self, client_id: str | None) -> dict[str, Any]:
        """Every prompt with its versions and the one that counts, for the client or for everyone."""
        async with self._store.begin() as tx:
            templates = await tx.templates()
            names = list(dict.fromkeys(t.template_name for t in templates))
            chosen = {name: await self._chosen(tx, name, client_id) for name in names}
            choices = await tx.choices()
        return {
            "prompts": [
                {
                    "name": name,
                    "version": chosen[name].template.version,
                    "chosen_by": chosen[name].by,
                    "versions": [_line(t) for t in templates if t.template_name == name],
                    "clients": _by_client(choices, name),
                }
                for name in names
            ]
        }

    async def shown(self, name: str, version: str | None, client_id: str | None) -> dict[str, Any]:
        async with self._store.begin() as tx:
            template = await self._meant(tx, name, version, client_id)
        return {**_line(template), "name": name, "content": template.content}

    async def compared(self, name: str, before: str, after: str | None, client_id: str | None) -> dict[str, Any]:
        """A unified diff between two versions; `after` None is the one that counts."""
        async with self._store.begin() as tx:
            old, new = await self._meant(tx, name, before, client_id), await self._meant(tx, name, after, client_id)
        names = (f"{name} {old.version}", f"{name} {new.version}")
        return {"name": name, "before": old.version, "after": new.version, "diff": difference(old.content, new.content, names)}

    async def edited(self, name: str, content: str, *, client_id: str | None, note: str | None, use: bool) -> dict[str, Any]:
        """Stores a new version, with `use` as the one that counts for the client or for everyone. Old versions are never changed.

        Raises:
            NotFound: there is no such prompt.
            InvalidInput: the text lacks an input, or has one that the product does not know.
            Conflict: the text is that of the newest version.
        """
        check_content(name, content)
        now = self._clock()
        async with self._store.begin() as tx:
            await tx.lock(name)
            versions = await tx.templates(name)
            if not versions:
                raise await _unknown(tx, name)
            same = next((t for t in versions if t.content == content), None)
            if same is not None:
                raise Conflict(f"That is the text of {name} {same.version}, word for word. Choose that version instead.")
            template = PromptTemplate(name, _next_version(versions), content, versions[-1].template_type, {"note": note} if note else {}, now)
            await tx.add_template(template)
            if use:
                await tx.choose(PromptChoice(name, client_id, template.version, now))
        return {**_line(template), "name": name, "in_use_for": (client_id or "everyone") if use else None}

    async def used(self, name: str, version: str | None, client_id: str | None) -> dict[str, Any]:
        """That version counts from now on, for the client or for everyone; None takes the choice back."""
        async with self._store.begin() as tx:
            await tx.lock(name)
            if version is not None:
                await self._meant(tx, name, version, client_id)
            await tx.choose(PromptChoice(name, client_id, version, self._clock()))
            chosen = await self._chosen(tx, name, client_id)
        return _counts(name, chosen, client_id)

    async def rolled_back(self, name: str, client_id: str | None) -> dict[str, Any]:
        """What counted before the newest choice counts again; rolling back again goes one further.

        Raises:
            Conflict: there is no choice to take back.
        """
        async with self._store.begin() as tx:
            await tx.lock(name)
            made = [c.version for c in reversed(await tx.choices(name)) if c.client_id == client_id]
            standing = _standing(made)
            if not standing:
                who = f"client {client_id}" if client_id else "everyone"
                raise Conflict(f"Nothing was chosen of {name} for {who}, so there is nothing to roll back.")
            before = standing[-2] if len(standing) > 1 else None
            await tx.choose(PromptChoice(name, client_id, before, self._clock()))
            chosen = await self._chosen(tx, name, client_id)
        return _counts(name, chosen, client_id)

    async def _chosen(self, tx: PromptTransaction, name: str, client_id: str | None) -> Chosen:
        asked: list[tuple[str, str | None]] = [("client", client_id)] if client_id is not None else []
        for by, whose in (*asked, ("everyone", None)):
            choice = await tx.choice(name, whose)
            if choice is not None and choice.version is not None:
                template = await tx.template(name, choice.version)
                if template is not None:
                    return Chosen(template, by)
        template = await tx.template(name, self._default)
        if template is not None:
            return Chosen(template, "setting")
        first = await tx.template(name, FIRST)
        if first is None:
            raise await _unknown(tx, name)
        return Chosen(first, "default", (f"The prompt {name} has no version {self._default}; {FIRST} was used.",))

    async def _meant(self, tx: PromptTransaction, name: str, version: str | None, client_id: str | None) -> PromptTemplate:
        if version is None:
            return (await self._chosen(tx, name, client_id)).template
        template = await tx.template(name, version)
        if template is None:
            known = ", ".join(t.version for t in await tx.templates(name))
            if not known:
                raise await _unknown(tx, name)
            raise NotFound(f"The prompt {name} has no version {version}. There are: {known}.")
        return template


async def _unknown(tx: PromptTransaction, name: str) -> NotFound:
    known = ", ".join(dict.fromkeys(t.template_name for t in await tx.templates()))
    return NotFound(f"There is no prompt {name}. There are: {known}.")


def _standing(versions: Sequence[str | None]) -> list[str]:
    """The choices that stand, oldest first, when going back to the one before takes the newest away."""
    out: list[str] = []
    for version in versions:
        if version is None:
            out.clear()
        elif len(out) > 1 and out[-2] == version:
            out.pop()
        elif not out or out[-1] != version:
            out.append(version)
    return out


def _next_version(versions: Sequence[PromptTemplate]) -> str:
    numbers = [int(m[1]) for t in versions if (m := _NUMBERED.fullmatch(t.version))]
    if max(numbers, default=0) >= 999_999:
        raise InvalidInput("This prompt has too many versions.", field="content")
    return f"v{max(numbers, default=0) + 1}"


def _by_client(choices: Sequence[PromptChoice], name: str) -> dict[str, str]:
    newest: dict[str, str | None] = {}
    for choice in choices:
        if choice.template_name == name and choice.client_id is not None:
            newest.setdefault(choice.client_id, choice.version)
    return {client: version for client, version in newest.items() if version is not None}


def _line(template: PromptTemplate) -> dict[str, Any]:
    return {
        "version": template.version,
        "type": template.template_type,
        "characters": len(template.content),
        "note": template.metadata.get("note"),
        "created_at": template.created_at.isoformat(),
    }


def _counts(name: str, chosen: Chosen, client_id: str | None) -> dict[str, Any]:
    return {"name": name, "version": chosen.template.version, "chosen_by": chosen.by, "in_use_for": client_id or "everyone"}
