"""Errors that point into a query, and how they are drawn.

Whoever finds a mistake raises :class:`BtqlError` with what it knows; the text
is added once, at the door, by :meth:`BtqlError.render`. Codes are stable,
messages are not; every code has a page in ``docs/errors``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from unicodedata import combining, east_asian_width

from btql_grammar.span import Source, Span


@dataclass(frozen=True, slots=True)
class Label:
    """A short remark about one place in the text."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake: what is wrong, where, and the way out."""

    code: str
    message: str
    primary: Label | None = None
    secondary: tuple[Label, ...] = ()
    help: str | None = None

    def render(self, source: Source) -> str:
        """Draw the mistake over the source lines it concerns."""
        lines = [f"error[{self.code}]: {self.message}"]
        if self.primary is not None:
            lines += _draw(source, self.primary, self.secondary)
        if self.help is not None:
            gutter = " " * (len(lines[1]) - len(lines[1].lstrip())) if len(lines) > 1 else " "
            lines.append(f"{gutter} = help: {self.help}")
        return "\n".join(lines)


@dataclass
class BtqlError(Exception):
    """A query that cannot be run as written; holds up to ten diagnostics."""

    diagnostics: tuple[Diagnostic, ...]
    source: Source | None = field(default=None)

    def __post_init__(self) -> None:
        super().__init__(self.diagnostics[0].message)

    @classmethod
    def of(
        cls,
        code: str,
        message: str,
        span: Span | None = None,
        label: str = "",
        *,
        help: str | None = None,  # noqa: A002 - the word users read in the drawing
        secondary: tuple[Label, ...] = (),
    ) -> BtqlError:
        """Return an error with a single diagnostic."""
        primary = None if span is None else Label(span, label)
        return cls((Diagnostic(code, message, primary, secondary, help),))

    @property
    def code(self) -> str:
        """The code of the first diagnostic."""
        return self.diagnostics[0].code

    def render(self) -> str:
        """Draw every diagnostic; without a source only the messages are given."""
        if self.source is None:
            return "\n\n".join(f"error[{d.code}]: {d.message}" for d in self.diagnostics)
        return "\n\n".join(d.render(self.source) for d in self.diagnostics)

    def __str__(self) -> str:
        return self.render()


def _draw(source: Source, primary: Label, secondary: tuple[Label, ...]) -> list[str]:
    line, column = source.line_column(primary.span.start)
    marks: dict[int, list[tuple[Label, str]]] = {}
    for label, char in [(primary, "^"), *((other, "-") for other in secondary)]:
        marks.setdefault(source.line_column(label.span.start)[0], []).append((label, char))
    width = len(str(max(marks)))
    pad = " " * width
    drawn = [f"{pad}--> {source.name}:{line}:{column}", f"{pad} |"]
    previous: int | None = None
    for number in sorted(marks):
        if previous is not None and number > previous + 1:
            drawn.append(f"{pad}...")
        text = source.line_text(number)
        drawn.append(f"{number:>{width}} | {_expand(text)}")
        drawn += [f"{pad} | {_underline(source, text, *mark)}".rstrip() for mark in marks[number]]
        previous = number
    drawn.append(f"{pad} |")
    return drawn


def _underline(source: Source, text: str, label: Label, char: str) -> str:
    column = source.line_column(label.span.start)[1] - 1
    covered = text[column : column + label.span.end - label.span.start]
    marker = char * max(1, _cells(covered))
    return f"{' ' * _cells(text[:column])}{marker} {label.text}"


def _expand(text: str) -> str:
    return text.replace("\t", "    ")


def _cells(text: str) -> int:
    """Return how many terminal cells ``text`` takes: wide characters take two."""
    return sum(
        4 if char == "\t" else 0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )
