"""A question in BTQL and in SQL, and the function that answers it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from oracle.expressions import get
from oracle.model import Document
from oracle.rows import Difference, Row, difference

OBJECT = "project_logs:demo"
"""What the queries call ``project_logs('demo')``."""


@dataclass
class Corpus:
    """All documents, newest first, and some values of theirs that queries mention."""

    documents: Sequence[Document]
    _answers: dict[str, list[Row]] = field(default_factory=dict[str, "list[Row]"], init=False, repr=False)

    @cached_property
    def mentioned(self) -> dict[str, str]:
        """Values for the ``{placeholders}`` in the texts of queries."""
        traces = Counter(document["root_span_id"] for document in self.documents)
        trace = next(trace for trace, spans in traces.items() if 8 <= spans <= 40)
        large = next(number for number in self.values("metadata", "big_id") if 2**53 < cast("int", number) < 2**60)
        names = [cast("str", document["id"]) for document in self.documents]
        return {
            "trace": str(trace),
            "first": names[0],
            "middle": names[len(names) // 2],
            "last": names[-1],
            "large": str(large),
        }

    def answer(self, pair: Pair) -> list[Row]:
        """Return the right answer, worked out once."""
        if pair.name not in self._answers:
            self._answers[pair.name] = pair.answer(self)
        return self._answers[pair.name]

    def values(self, *path: str | int) -> list[object]:
        """Return the values at the path that are not null."""
        found = (get(document, *path) for document in self.documents)
        return [value for value in found if value is not None]

    def fill(self, text: str) -> str:
        """Put values for the placeholders."""
        for name, value in self.mentioned.items():
            text = text.replace("{" + name + "}", value)
        return text


@dataclass(frozen=True)
class Pair:
    """One question."""

    name: str
    btql: str
    sql: str
    answer: Callable[[Corpus], list[Row]]
    in_order: bool = False
    """Whether the order of the rows is part of the answer."""
    check: Callable[[Corpus, Sequence[Row]], Difference | None] | None = field(default=None)
    """For an answer that leaves a choice, or that holds more than is known here."""

    def compare(self, corpus: Corpus, found: Sequence[Row]) -> Difference | None:
        """Return where the rows found differ from the answer."""
        if self.check is not None:
            return self.check(corpus, found)
        expected = corpus.answer(self)
        return difference(found, expected, in_order=self.in_order)
