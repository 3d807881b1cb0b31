"""What is searched for: five forms of a search, with words of three frequencies, each counted and fetched.

The search benchmark game ranks its hits; btql and most rivals put them in the order of their time, so that is what is
asked for here: how many, and the newest 10 and 100 with their texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from benchmarks.beside.question import Kind, Question
from benchmarks.beside.search.corpus import planted, vocabulary

Form = Literal["term", "intersection", "union", "phrase", "negated"]
_ABOUT: dict[Form, str] = {
    "term": "with `{0}`",
    "intersection": "with both `{0}` and `{1}`",
    "union": "with `{0}` or `{1}`",
    "phrase": "with the phrase `{0} {1}`",
    "negated": "with `{0}` and without `{1}`",
}
_NEWEST = (10, 100)


@dataclass(frozen=True, slots=True)
class Search:
    """One search, and what is wanted of it."""

    name: str
    form: Form
    words: tuple[str, ...]
    newest: int | None
    """How many of the hits; None where they are only counted."""

    @property
    def question(self) -> Question:
        """Return it as a question."""
        about = _ABOUT[self.form].format(*self.words)
        if self.newest is None:
            return Question(self.name, {"n": "number"}, about=f"how many documents {about}")
        columns: dict[str, Kind] = {"id": "text", "created": "time", "input": "json"}
        return Question(self.name, columns, "created", f"the newest {self.newest} documents {about}")


def _searches() -> Iterator[Search]:
    yield from _wanted_of("term", "of most", tuple(vocabulary()[1:2]))
    for form in _ABOUT:
        for phrase in planted():
            if phrase.name:
                yield from _wanted_of(form, phrase.name, phrase.words)


def _wanted_of(form: Form, rarity: str, words: tuple[str, ...]) -> Iterator[Search]:
    for newest in (None, *_NEWEST):
        wanted = "count" if newest is None else f"newest {newest}"
        yield Search(f"{form}, {rarity}: {wanted}", form, words, newest)


SEARCHES: Mapping[str, Search] = {search.name: search for search in _searches()}


def in_words(
    conditions: Mapping[Form, str], count: str, newest: str, last: Callable[[str], str] = str
) -> dict[str, str]:
    """Return all searches as statements.

    ``conditions`` have ``{0}`` and ``{1}`` for the words, ``count`` and ``newest`` have ``{where}``, and ``newest`` has
    ``{limit}``; ``last`` is applied to a condition before it goes there.
    """
    texts: dict[str, str] = {}
    for search in SEARCHES.values():
        where = last(conditions[search.form].format(*search.words))
        text = count if search.newest is None else newest.replace("{limit}", str(search.newest))
        texts[search.name] = text.replace("{where}", where)
    return texts
