"""Where a sentence speaks of records of the facts: by a name as it stands, or by the words of it that tell it from others."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from planner_memory.observer_agent.records import EMPTY, Record, Telling, stem
from planner_memory.observer_agent.sentences import Sentence
from planner_memory.observer_agent.vocabulary import CONCEPTS_OF

_TOKEN = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*|[,;:.!?()|/–—\n]")
_BREAK = re.compile(r"[,;:.!?()|/–—\n]|(?:and|but|while|whereas|then|than|against|instead)$", re.IGNORECASE)
_DIGITS = re.compile(r"\d")
_IN_ORDER = 3  # words of a name
_GAP = 2  # words of another kind that may stand inside a name
_ALIKE = 0.8


@dataclass(frozen=True, slots=True)
class Title:
    """A place in the prose where records are spoken of. Several names where the words may mean more than one."""

    start: int
    end: int
    names: frozenset[str]
    is_exact: bool = False
    is_long: bool = False  # two words of it and more are said
    is_word_of_facts: bool = False  # the one word that is said may mean a measure, too: "rate", "meeting"

    @property
    def is_plain(self) -> bool:
        """Whether only one record can be meant."""
        return len(self.names) == 1 and (self.is_exact or self.is_long)

    def of(self, records: Sequence[Record], *groups: str) -> list[Record]:
        return [record for record in records if record.name in self.names and (not groups or record.group in groups)]


def titles(sentence: Sentence, told: Telling) -> list[Title]:
    """In order, none over another."""
    exact = [Title(word.start, word.end, frozenset({word.about[1:]}), True) for word in sentence.words if word.about.startswith(":")]
    known = told.own
    exact = [title for title in exact if title.names & known.keys()]
    busy = [(n.start, n.end) for n in sentence.numbers]
    in_order = [title for title in _in_order(sentence.text, sentence.start, known) if not _is_over(title, exact)]
    by_words = [title for title in _by_words(sentence.text, sentence.start, busy, told) if not _is_over(title, in_order)]
    return sorted([*exact, *in_order, *by_words], key=lambda title: title.start)


def titles_in(text: str, told: Telling) -> list[Title]:
    """Of a text that is no sentence with numbers."""
    return list(_by_words(text, 0, [], told))


def _is_over(title: Title, others: Sequence[Title]) -> bool:
    return any(other.start < title.end and title.start < other.end for other in others)


def _in_order(text: str, start: int, names: Iterable[str]) -> Iterator[Title]:
    """Where three words and more of a name stand as they do in the name, its digits aside."""
    plain = _DIGITS.sub(_blank, text.lower())
    for name in names:
        words = _DIGITS.sub(_blank, name.lower()).split()
        runs = ((a, a + size) for size in range(len(words), _IN_ORDER - 1, -1) for a in range(len(words) - size + 1))
        found = next(((said, at) for a, b in runs if (at := plain.find(said := " ".join(words[a:b]))) >= 0), None)
        if found is not None and any(word not in EMPTY and not set(word) <= {"x"} for word in found[0].split()):
            yield Title(start + found[1], start + found[1] + len(found[0]), frozenset({name}), is_long=True)


def _blank(match: re.Match[str]) -> str:
    return "x" * len(match.group())


def _by_words(text: str, start: int, numbers: Sequence[tuple[int, int]], told: Telling) -> Iterator[Title]:
    run: list[tuple[int, int, frozenset[str]]] = []
    missed = 0
    for token in _TOKEN.finditer(text):
        a, b = start + token.start(), start + token.end()
        stems = frozenset(stem(part) for part in (token.group(), *token.group().split("-"), token.group().replace("-", ""))) & told.words
        is_number = any(first < b and a < last for first, last in numbers)
        if run and (is_number or any(run[-1][1] <= first < a for first, _ in numbers) or _is_edge(token.group(), text, token.end(), told)):
            yield from _title(run, told, text, start)
            run, missed = [], 0
        if is_number:
            continue
        if stems and not token.group().lower().endswith("able"):  # "invoiceable" is no "Invoice run"
            run.append((a, b, stems))
            missed = 0
        elif run:
            missed += stem(token.group()) not in EMPTY
            if missed > _GAP:
                yield from _title(run, told, text, start)
                run, missed = [], 0
    yield from _title(run, told, text, start)


def _is_edge(token: str, text: str, at: int, told: Telling) -> bool:
    """A comma or an "and" that stands in a name is none: "Set goal, audience and budget"."""
    if _BREAK.fullmatch(token) is None:
        return False
    following = re.match(r"\s*([^\W\d_]+)", text[at:])
    is_inside = token in (",", "and") and following is not None and stem(following[1]) in told.inner
    return not is_inside


def _title(run: Sequence[tuple[int, int, frozenset[str]]], told: Telling, text: str, start: int) -> Iterator[Title]:
    if not run:
        return
    stems = frozenset().union(*(each for _, _, each in run))
    weights = told.weights(stems)
    best = max(weights.values(), default=0.0)
    names = frozenset(name for name, weight in weights.items() if weight >= _ALIKE * best)
    if names:
        yield Title(
            run[0][0], run[-1][1], names, is_long=len(run) > 1, is_word_of_facts=text[run[0][0] - start : run[-1][1] - start].lower() in CONCEPTS_OF
        )
