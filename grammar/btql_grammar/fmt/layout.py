"""Documents to lines: each group is printed on one line where it fits, and broken where not.

The method is the one of Oppen and Wadler: a group decides for all its own breaks at
once, from the outside in, and looks no further ahead than the line is wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as Choice

INDENT = 2


@dataclass(frozen=True, slots=True)
class Text:
    """What is printed as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment behind code, of no account for the width of the line; the line ends with it."""

    text: str


@dataclass(frozen=True, slots=True)
class Space:
    """A space, except at the beginning of a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line break where its group is broken, else ``flat``."""

    flat: Choice["", " "] = " "


@dataclass(frozen=True, slots=True)
class Hard:
    """A line break in any case; groups around it are broken."""


@dataclass(frozen=True, slots=True)
class Group:
    """Parts that are printed on one line, if possible."""

    parts: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Indent:
    """Parts whose lines begin further to the right."""

    parts: tuple[Document, ...]


Document = Text | Comment | Space | Line | Hard | Group | Indent


@dataclass(frozen=True, slots=True)
class _Step:
    document: Document
    indent: int
    flat: bool


class _Page:
    """Lines being written."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._parts: list[str] = []
        self._indent = 0
        self.column = 0

    @property
    def at_start(self) -> bool:
        """Whether nothing stands on the line yet."""
        return not self._parts

    def write(self, text: str) -> None:
        """Add ``text`` to the line."""
        if self.at_start:
            self.column = self._indent
        self._parts.append(text)
        self.column += len(text)

    def end_line(self, indent: int) -> None:
        """Go on in the next line; an empty line is not left behind."""
        if self._parts:
            self._lines.append(" " * self._indent + "".join(self._parts).rstrip())
            self._parts.clear()
        self._indent = self.column = indent

    def text(self) -> str:
        """Return all lines."""
        self.end_line(0)
        return "".join(f"{line}\n" for line in self._lines)


def lay_out(document: Document, width: int) -> str:
    """Return the document as text."""
    page = _Page()
    steps = [_Step(document, 0, flat=False)]
    while steps:
        step = steps.pop()
        match step.document:
            case Text(text):
                page.write(text)
            case Comment(text):
                page.write(text if page.at_start else f"  {text}")
                page.end_line(step.indent)
            case Space():
                if not page.at_start:
                    page.write(" ")
            case Line(flat):
                if not step.flat:
                    page.end_line(step.indent)
                elif flat and not page.at_start:
                    page.write(flat)
            case Hard():
                page.end_line(step.indent)
            case Group(parts):
                fits = step.flat or _fits(step, steps, width - page.column)
                steps += [_Step(part, step.indent, fits) for part in reversed(parts)]
            case Indent(parts):
                steps += [_Step(part, step.indent + INDENT, step.flat) for part in reversed(parts)]
    return page.text()


def _fits(group: _Step, rest: list[_Step], room: int) -> bool:
    """Tell whether the group and what follows it up to the next break fit into ``room`` columns."""
    inner = [_Step(group.document, 0, flat=True)]
    behind = len(rest)
    while room >= 0:
        if not inner:
            if not behind:
                return True
            behind -= 1
            inner.append(rest[behind])
        step = inner.pop()
        match step.document:
            case Text(text):
                room -= len(text)
            case Space():
                room -= 1
            case Line(flat):
                if not step.flat:
                    return True
                room -= len(flat)
            case Comment() | Hard():
                return not step.flat
            case Group(parts) | Indent(parts):
                inner += [_Step(part, 0, step.flat) for part in reversed(parts)]
    return False
