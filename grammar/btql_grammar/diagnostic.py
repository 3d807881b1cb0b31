"""Errors that point into a query, and how they are drawn.

Whoever finds a mistake raises :class:`BtqlError` with what it knows; the text
is added once, at the door, by :meth:`BtqlError.render`. Codes are stable,
messages are not; every code has a page in ``docs/errors``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from unicodedata import combining, east_asian_width

from btql_grammar.span import Source, Span

_LINE_CHARS_MAX = 200
"""Longer lines are drawn in part."""
_WORDS_CHARS_MAX = 1000
_SHORT_CHARS_MAX = 40


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

    def render(self, source: Source | None) -> str:
        """Draw the mistake over the source lines it concerns; without a source there is only the text."""
        lines = [f"error[{self.code}]: {self.message}"]
        if self.primary is not None and source is not None:
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

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle it as what it was made from."""
        return BtqlError, (self.diagnostics, self.source)

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
        """Return an error with a single diagnostic; words taken from a huge query are cut short."""
        primary = None if span is None else Label(span, _bounded(label))
        help_ = None if help is None else _bounded(help)
        return cls((Diagnostic(code, _bounded(message), primary, secondary, help_),))

    @property
    def code(self) -> str:
        """The code of the first diagnostic."""
        return self.diagnostics[0].code

    def render(self) -> str:
        """Draw every diagnostic."""
        return "\n\n".join(d.render(self.source) for d in self.diagnostics)

    def __str__(self) -> str:
        return self.render()


def shorten(text: str) -> str:
    """Return ``text`` for a message: one line of bearable length."""
    line = text.split("\n", 1)[0]
    return line if line == text and len(line) <= _SHORT_CHARS_MAX else f"{line[: _SHORT_CHARS_MAX - 3]}..."


def _bounded(words: str) -> str:
    return words if len(words) <= _WORDS_CHARS_MAX else f"{words[: _WORDS_CHARS_MAX - 3]}..."


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
        # Of a line that fills the screen several times, each mark gets the part around it.
        groups = [marks[number]] if len(text) <= _LINE_CHARS_MAX else [[mark] for mark in marks[number]]
        for group in groups:
            cut = _cut(len(text), source.line_column(group[0][0].span.start)[1] - 1)
            drawn.append(f"{number:>{width}} | {_excerpt(text, cut)}")
            drawn += [f"{pad} | {_underline(source, text, cut, *mark)}".rstrip() for mark in group]
        previous = number
    drawn.append(f"{pad} |")
    return drawn


def _cut(length: int, column: int) -> slice:
    """Return which part of a line of that length is drawn for a mark at ``column``."""
    if length <= _LINE_CHARS_MAX:
        return slice(0, length)
    start = max(0, min(column - _LINE_CHARS_MAX // 2, length - _LINE_CHARS_MAX))
    return slice(start, start + _LINE_CHARS_MAX)


def _excerpt(text: str, cut: slice) -> str:
    before, after = "..." if cut.start else "", "..." if cut.stop < len(text) else ""
    return f"{before}{_expand(text[cut])}{after}"


def _underline(source: Source, text: str, cut: slice, label: Label, char: str) -> str:
    column = source.line_column(label.span.start)[1] - 1
    covered = text[column : min(column + label.span.end - label.span.start, cut.stop)]
    before = _cells(text[cut.start : column]) + (len("...") if cut.start else 0)
    return f"{' ' * before}{char * max(1, _cells(covered))} {label.text}"


def _expand(text: str) -> str:
    # What is drawn can be printed, even a query that is refused as it holds half of a character.
    return text.replace("\t", "    ").encode(errors="replace").decode()


def _cells(text: str) -> int:
    """Return how many terminal cells ``text`` takes: wide characters take two."""
    return sum(
        4 if char == "\t" else 0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )
