"""Instructions that rules understand without a model: drop, resize, add, rename, move, split, and what depends on what.

Only what can be carried out exactly is accepted; anything else is refused with the list of what is understood.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from planner_memory.core.errors import InvalidInput
from planner_memory.planner_engine.revising import Draftboard
from planner_memory.planner_engine.sizes import NUMBER, NUMBER_WORDS, number
from planner_memory.planner_engine.words import stems

UNDERSTOOD = (
    "drop step 3",
    "make step 2 half as long",
    "make step 2 take 3 hours",
    "add a step Call Maria (2 hours) after 4",
    "rename step 2 to Sign the contract",
    "move step 5 before 2",
    "split step 3 in two",
    "step 5 depends on 2",
)
ASSUMED_HOURS = 1.0
_WORDS = "|".join(sorted((w for w, n in NUMBER_WORDS.items() if n <= 20), key=len, reverse=True))
_N = rf"(?:\d{{1,3}}|{_WORDS}|last)\b"
_STEPS = rf"(?:the\s+)?steps?\s+(?:no\.?\s+|number\s+)?(?P<steps>{_N}(?:\s*(?:,|and|&|to|-|through)\s*{_N})*)"
_AMOUNT = rf"(?P<n>{NUMBER}|half\s+an?|an?)\s*-?\s*(?P<unit>hours?|hrs?|h|minutes?|mins?|m)\b"
_FACTORS = {
    "half": 0.5,
    "twice": 2.0,
    "double": 2.0,
    "three times": 3.0,
    "a third": 1 / 3,
    "a quarter": 0.25,
}
_FACTOR = "|".join(_FACTORS)
_VERBS = r"drop|remove|delete|skip|leave|take\s+out|make|set|let|give|add|insert|put|rename|call|move|split|halve|double|step"
_CLAUSES = re.compile(rf"\s*(?:[;\n]|\.(?:\s+|$)|,?\s+(?:and\s+then|then|and)\s+(?=(?:{_VERBS})\b))\s*", re.IGNORECASE)
_END = r"\s*[.!]?$"
Rule = tuple[re.Pattern[str], Callable[[Draftboard, re.Match[str]], str]]


def carried_out(board: Draftboard, instruction: str) -> None:
    """Every clause, in order; numbers are those of the plan as it was read. `board.done` says what was done.

    Raises:
        InvalidInput: a clause is not understood or impossible.
    """
    last = board.steps[-1].key
    clauses = [c.strip() for c in _CLAUSES.split(re.sub(r"[ \t]+", " ", instruction)) if c and c.strip()]
    if not clauses:
        raise InvalidInput("Say what should change.", field="instruction")
    for clause in clauses:
        text = re.sub(r"^(?:please|kindly|can you|could you)\s+", "", clause, flags=re.IGNORECASE)
        text = re.sub(r"\bthe last step\b", f"step {last}", text, flags=re.IGNORECASE)
        found = next(((rule, m) for form, rule in _RULES if (m := form.fullmatch(text))), None)
        if found is None:
            examples = "; ".join(f"'{e}'" for e in UNDERSTOOD)
            raise InvalidInput(
                f"Without a language model {clause[:200]!r} is not understood. Understood are, for example: {examples}. "
                "Or edit the checklist with PATCH.",
                field="instruction",
            )
        board.done.append(found[0](board, found[1]))


def _numbers(text: str, board: Draftboard) -> list[int]:
    out: list[int] = []
    words = re.split(r"\s*(?:,|and|&)\s*", text.lower())
    for word in filter(None, words):
        ends = [_number(w, board) for w in re.split(r"\s*(?:to|-|through)\s*", word)]
        out.extend(range(ends[0], ends[-1] + 1) if len(ends) > 1 else ends)
    for each in out:
        board.step(each)
    return list(dict.fromkeys(out))


def _number(word: str, board: Draftboard) -> int:
    return max(s.key for s in board.steps) if word == "last" else round(number(word))


def _hours(m: re.Match[str]) -> float:
    given = m["n"].lower()
    value = 0.5 if given.startswith("half") else 1.0 if given in ("a", "an") else number(given)
    return value if m["unit"].lower().startswith("h") else value / 60


def _listed(keys: Sequence[int]) -> str:
    return f"step {keys[0]}" if len(keys) == 1 else "steps " + ", ".join(map(str, keys))


def _drop(board: Draftboard, m: re.Match[str]) -> str:
    keys = _numbers(m["steps"], board)
    for key in keys:
        board.remove(key)
    return f"Dropped {_listed(keys)}."


def _drop_titled(board: Draftboard, m: re.Match[str]) -> str:
    wanted = set(stems(m["title"], keep_stop_words=False))
    found = [s for s in board.steps if wanted and wanted <= set(stems(s.title))]
    if len(found) != 1:
        many = f"{len(found)} steps have" if found else "No step has"
        raise InvalidInput(f"{many} {m['title']!r} in the title. Name the step by its number.", field="instruction")
    board.remove(found[0].key)
    return f"Dropped '{found[0].title}'."


def _scale(board: Draftboard, m: re.Match[str]) -> str:
    keys, factor = _numbers(m["steps"], board), _FACTORS[re.sub(r"\s+", " ", m["factor"].lower())]
    for key in keys:
        board.scale(key, factor)
    return f"Made {_listed(keys)} {m['factor'].lower()} as long."


def _halve(board: Draftboard, m: re.Match[str]) -> str:
    keys, factor = _numbers(m["steps"], board), 0.5 if m["verb"].lower() == "halve" else 2.0
    for key in keys:
        board.scale(key, factor)
    return f"Made {_listed(keys)} {'half' if factor < 1 else 'twice'} as long."


def _percent(board: Draftboard, m: re.Match[str]) -> str:
    keys, share = _numbers(m["steps"], board), float(m["percent"]) / 100
    for key in keys:
        board.scale(key, 1 + share if m["way"].lower() == "longer" else 1 - share)
    return f"Made {_listed(keys)} {m['percent']} % {m['way'].lower()}."


def _set_hours(board: Draftboard, m: re.Match[str]) -> str:
    keys, hours = _numbers(m["steps"], board), _hours(m)
    for key in keys:
        board.set_hours(key, hours)
    return f"Set {_listed(keys)} to {hours:g} hours."


def _add(board: Draftboard, m: re.Match[str]) -> str:
    title = m["title"].strip().strip("'\"“”‘’").strip()
    if not title:
        raise InvalidInput("Say what the new step is.", field="instruction")
    hours = _hours(m) if m["n"] else ASSUMED_HOURS
    if not 0 < hours <= 200:
        raise InvalidInput("A step has more than 0 and at most 200 hours.", field="instruction")
    where = (m["where"] or m["whole"] or "at the end").lower()
    if where in ("after", "before"):
        anchor = board.step(_number(m["anchor"].lower(), board))
        place = board.steps.index(anchor)
        if where == "after":
            made = board.insert(place + 1, title, hours, [anchor.key])
            for step in board.steps:
                if step is not made:
                    step.needs = [made.key if n == anchor.key else n for n in step.needs]
        else:
            made = board.insert(place, title, hours, list(anchor.needs))
            anchor.needs.append(made.key)
        said = f"{where} step {anchor.key}"
    elif "end" in where:
        board.insert(len(board.steps), title, hours, [board.steps[-1].key])
        said = "at the end"
    else:
        board.insert(0, title, hours, [])
        said = "at the beginning"
    return f"Added '{title}' {said}{'' if m['n'] else f', taking it for {ASSUMED_HOURS:g} hour, since no size was given'}."


def _rename(board: Draftboard, m: re.Match[str]) -> str:
    step = board.step(_number(m["step"].lower(), board))
    step.values["title"] = m["title"].strip().strip("'\"“”‘’").strip()[:300] or step.title
    return f"Renamed step {step.key} to '{step.title}'."


def _move(board: Draftboard, m: re.Match[str]) -> str:
    step, anchor = board.step(_number(m["step"].lower(), board)), board.step(_number(m["anchor"].lower(), board))
    if step is anchor:
        raise InvalidInput("A step cannot be moved beside itself.", field="instruction")
    board.steps.remove(step)
    board.steps.insert(board.steps.index(anchor) + (m["where"].lower() == "after"), step)
    places = {s.key: i for i, s in enumerate(board.steps)}
    wrong = next(((s, n) for s in board.steps for n in s.needs if places[n] > places[s.key]), None)
    if wrong:
        said = f"Step {wrong[0].key} depends on step {wrong[1]}, so it cannot come before it. Change the dependency first."
        raise InvalidInput(said, field="instruction")
    return f"Moved step {step.key} {m['where'].lower()} step {anchor.key}."


def _split(board: Draftboard, m: re.Match[str]) -> str:
    step = board.step(_number(m["step"].lower(), board))
    count = 2 if m["count"].lower().startswith("hal") else round(number(m["count"].lower()))
    if not 2 <= count <= 50:
        raise InvalidInput("A step is split into 2 to 50 parts.", field="instruction")
    place, title, hours, before = board.steps.index(step), step.title, step.raw_hours / count, step.key
    step.values["title"], step.raw_hours = f"{title} (part 1 of {count})"[:300], hours
    for part in range(2, count + 1):
        made = board.insert(place + part - 1, f"{title} (part {part} of {count})", hours, [before])
        made.values = {**step.values, "title": made.title}
        before = made.key
    ids = {s.key for s in board.steps[place + 1 : place + count]}
    for other in board.steps:
        if other.key not in ids and step.key in other.needs:
            other.needs = [before if n == step.key else n for n in other.needs]
    return f"Split step {step.key} into {count} parts."


def _depends(board: Draftboard, m: re.Match[str]) -> str:
    step, anchor = board.step(_number(m["step"].lower(), board)), board.step(_number(m["anchor"].lower(), board))
    if m["no"]:
        step.needs = [n for n in step.needs if n != anchor.key]
        return f"Step {step.key} no longer depends on step {anchor.key}."
    if anchor.key not in step.needs:
        step.needs.append(anchor.key)
    return f"Step {step.key} depends on step {anchor.key} now."


def _rules(forms: Mapping[str, Callable[[Draftboard, re.Match[str]], str]]) -> tuple[Rule, ...]:
    return tuple((re.compile(form + _END, re.IGNORECASE), rule) for form, rule in forms.items())


_STEP = rf"(?:the\s+)?(?:step\s+)?(?P<step>{_N})"
_ANCHOR = rf"(?:the\s+)?(?:step\s+)?(?P<anchor>{_N})"
_SIZE = rf"(?:\s*[,(]?\s*(?:of|taking|takes|with|lasting)?\s*{_AMOUNT}\s*\)?)?"
_AS_LONG = r"(?:as\s+(?:long|large|big)|the\s+(?:time|size|length|hours))"
_RULES = _rules(
    {
        rf"(?:drop|remove|delete|skip|take\s+out|leave\s+out)\s+{_STEPS}": _drop,
        rf"leave\s+{_STEPS}\s+out": _drop,
        r"(?:drop|remove|delete|skip|leave\s+out)\s+(?:the\s+step\s+)?['\"“‘](?P<title>[^'\"”’]+)['\"”’]": _drop_titled,
        rf"(?:make|set|let)\s+{_STEPS}\s+(?:be\s+|take\s+)?(?P<factor>{_FACTOR})\s+{_AS_LONG}": _scale,
        rf"(?P<verb>halve|double)\s+{_STEPS}": _halve,
        rf"make\s+{_STEPS}\s+(?:by\s+)?(?P<percent>\d{{1,3}}(?:\.\d+)?)\s*(?:%|percent)\s+(?P<way>longer|shorter)": _percent,
        rf"(?:make|set|let|give)\s+{_STEPS}\s+(?:to\s+|take\s+|last\s+|be\s+|at\s+)?{_AMOUNT}(?:\s+long)?": _set_hours,
        rf"{_STEPS}\s+(?:should\s+take|takes?|needs?|lasts?|is|will\s+take)\s+{_AMOUNT}(?:\s+long)?": _set_hours,
        rf"(?:add|insert|put)\s+(?:in\s+)?(?:an?\s+|one\s+)?(?:new\s+|another\s+)?step\s*:?\s+(?P<title>.+?){_SIZE}"
        rf"(?:\s+(?:(?P<where>after|before)\s+{_ANCHOR}|(?P<whole>at\s+the\s+(?:end|beginning|start))))?": _add,
        rf"(?:rename|call|retitle)\s+(?:the\s+)?step\s+(?P<step>{_N})\s+(?:to\s+|as\s+)?(?P<title>.+?)": _rename,
        rf"move\s+{_STEP}\s+(?:to\s+)?(?P<where>before|after)\s+{_ANCHOR}": _move,
        rf"split\s+{_STEP}\s+(?:in|into)\s+(?P<count>halves|half|{NUMBER})(?:\s+(?:parts|steps|halves))?": _split,
        rf"step\s+(?P<step>{_N})\s+(?P<no>(?:does\s+not|doesn't|no\s+longer)\s+)?depends?\s+on\s+{_ANCHOR}": _depends,
    }
)
