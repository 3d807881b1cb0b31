"""Places in a query text.

A :class:`Span` holds two character offsets and nothing else, so that every
tree node can carry one cheaply. Lines and columns are worked out once, when
an error is drawn, by the :class:`Source` the span points into.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Span:
    """The characters ``start`` (included) to ``end`` (excluded) of a text."""

    start: int
    end: int

    def __post_init__(self) -> None:
        assert self.start >= 0, "a span starts inside its text"
        assert self.start <= self.end, "a span does not end before it starts"

    def to(self, other: Span) -> Span:
        """Return the smallest span that covers both."""
        return Span(min(self.start, other.start), max(self.end, other.end))


def span_field() -> Span:
    """Declare the span of a node, which takes no part in comparison."""
    return field(kw_only=True, compare=False, repr=False, default=Span(0, 0))


@dataclass(frozen=True)
class Source:
    """A query text with the name it has in drawings."""

    text: str
    name: str = "<query>"

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(i + 1 for i, char in enumerate(self.text) if char == "\n")]

    def line_column(self, offset: int) -> tuple[int, int]:
        """Return line and column of ``offset``, both counted from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """Return line number ``line`` (from 1) without its line break."""
        start = self._line_starts[line - 1]
        end = self._line_starts[line] - 1 if line < len(self._line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r")
