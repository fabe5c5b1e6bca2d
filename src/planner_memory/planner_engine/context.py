"""What a model is told beside the intent, within a budget of tokens, most important first, with a note of what went in and what did not."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from planner_memory.core.profile import Profile
from planner_memory.planner_engine.dates import Deadline
from planner_memory.planner_engine.patterns import Pattern
from planner_memory.planner_engine.preferences import Limit
from planner_memory.ports.memory import RecalledMemory
from planner_memory.ports.plans import Plan
from planner_memory.prompting.rendering import compact, labelled

DEFAULT_TOKENS = 3000
_BYTES_PER_TOKEN = 3.5  # of UTF-8: common tokenizers take 3.5 to 4.5 for English prose, so the budget errs to the safe side
_LONGEST_ITEM = 6000  # characters


@dataclass(frozen=True, slots=True)
class Item:
    """`kind` is its label; `source` says where it is from; `reference` names it in the plan's metadata."""

    kind: str
    source: str
    text: str
    reference: str


@dataclass(frozen=True, slots=True)
class Context:
    """`text` is ready for the fence. `used` and `left_out` are JSON-ready notes, `left_out` with the reason."""

    text: str
    used: Sequence[Mapping[str, Any]]
    left_out: Sequence[Mapping[str, Any]]
    budget_tokens: int
    used_tokens: int


def tokens_of(text: str) -> int:
    """An estimate of the tokens of a text, without any one model's tokenizer."""
    return math.ceil(len(text.encode("utf-8", "replace")) / _BYTES_PER_TOKEN)


def assembled(items: Iterable[Item], budget_tokens: int = DEFAULT_TOKENS) -> Context:
    """Items in the order given while they fit. One that does not fit is left out whole, and smaller ones after it may still go in."""
    lines: list[str] = []
    used: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    spent, seen = 0, set[str]()
    for item in items:
        note = {"kind": item.kind, "reference": item.reference}
        if item.text in seen:
            continue
        seen.add(item.text)
        line = labelled(len(lines) + 1, item.kind, item.source, item.text[:_LONGEST_ITEM])
        tokens = tokens_of(line) + 1
        if spent + tokens > budget_tokens:
            left_out.append({**note, "tokens": tokens, "why": f"{budget_tokens - spent} of {budget_tokens} tokens were left"})
            continue
        spent += tokens
        lines.append(line)
        used.append({**note, "tokens": tokens, **({"cut_to_characters": _LONGEST_ITEM} if len(item.text) > _LONGEST_ITEM else {})})
    return Context("\n".join(lines) or "(nothing is known)", used, left_out, budget_tokens, spent)


def items_of(
    *,
    now: datetime,
    profile: Profile,
    deadline: Deadline | None,
    limit: Limit | None,
    preferences: Sequence[RecalledMemory],
    workspace: Sequence[Item],
    extra: Mapping[str, Any],
    pattern: Pattern | None,
    example: Plan | None,
    past: Sequence[RecalledMemory],
    near: Sequence[RecalledMemory],
) -> list[Item]:
    """Everything that may go in. First what binds, then what was asked for, then what may help."""
    items = []
    if limit:
        words = f"No step above {limit.minutes} minutes."
        items.append(Item("binding limit", limit.source, words, "limit"))
    if deadline:
        items.append(Item("deadline", "read from the request", f"until the end of {deadline.day.isoformat()}", "deadline"))
    items.append(Item("today", f"time zone {profile.time_zone}", now.date().isoformat(), "today"))
    items.extend(_remembered("preference", m) for m in preferences)
    items.extend(workspace)
    if extra:
        items.append(Item("given with the request", "context", compact(dict(extra)), "context"))
    if example is not None:
        source = f"made {example.created_at.date().isoformat()}"
        items.append(Item("plan of the same kind, as the person changed it", source, _outline(example), f"plan:{example.id}"))
    elif pattern is not None:
        steps = [{"title": s.title, "raw_hours": s.raw_hours, **({"per": s.per} if s.per else {})} for s in pattern.steps]
        items.append(Item("usual procedure", "pattern library", compact({"name": pattern.name, "steps": steps}), f"pattern:{pattern.key}"))
    items.extend(_remembered("past plan", m) for m in past)
    items.extend(_remembered("memory", m) for m in near)
    return items


def _remembered(kind: str, memory: RecalledMemory) -> Item:
    return Item(kind, f"remembered {memory.occurred_at.date().isoformat()}", memory.content, f"memory:{memory.memory_id}")


def _outline(plan: Plan) -> str:
    """Its steps without the client's name: the person's own plans serve other clients as examples."""
    client = (plan.sop.get("metadata") or {}).get("client_name")

    def neutral(title: str) -> str:
        return re.sub(rf"\b{re.escape(client)}\b", "the client", title) if client else title

    return compact([{"title": neutral(s["title"]), "raw_hours": s["raw_hours"], "dependencies": s["dependencies"]} for s in plan.checklist])
