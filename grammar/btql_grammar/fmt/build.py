"""Pieces of a text to a document: brackets, clauses, lists, conditions.

What belongs together becomes a group, which is broken only where it does not fit on
its line: a clause at its head, a list at its commas, a condition at AND and OR, a
bracket at both its ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from btql_grammar.fmt.layout import Comment, Document, Group, Hard, Indent, Line, Space, Text
from btql_grammar.fmt.pieces import COMMENTS, Piece, needs_space

_FILLED_LENGTH = 8
"""Lists of at least so many plain values fill their lines."""


@dataclass(frozen=True, slots=True)
class Nest:
    """A bracket with what is inside, or CASE … END."""

    opening: Piece
    inner: tuple[Element, ...]
    closing: Piece


Element = Piece | Nest


def build_document(pieces: list[Piece]) -> Document:
    """Return the document of a whole text."""
    return Group((*_clauses(_nested(pieces), Hard()), Hard()))


def _nested(pieces: Iterable[Piece]) -> list[Element]:
    """Put what is in brackets into nests; a bracket without its partner stays a piece."""
    levels: list[list[Element]] = [[]]
    opened: list[Piece] = []
    for piece in pieces:
        if piece.role in ("open", "call", "case"):
            opened.append(piece)
            levels.append([])
        elif piece.role in ("close", "end") and opened and (piece.role == "end") == (opened[-1].role == "case"):
            nest = Nest(opened.pop(), tuple(levels.pop()), piece)
            levels[-1].append(nest)
        else:
            levels[-1].append(piece)
    while opened:
        rest = levels.pop()
        levels[-1] += [opened.pop(), *rest]
    return levels[0]


# Clauses.


def _clauses(elements: list[Element], between: Document) -> list[Document]:
    made: list[Document] = []
    for clause in _split(elements, lambda element: _role(element) == "head"):
        body, comments = _without_last_comments(clause)
        if body:
            made += [between] if made else []
            made.append(_clause(body))
        for comment in comments:
            made += _comment(comment) if comment.role == "trailing" else [Hard(), Text(comment.text), Hard()]
    return made


def _without_last_comments(elements: list[Element]) -> tuple[list[Element], list[Piece]]:
    """Part the comments behind a clause from it: they do not belong to its layout."""
    count = len(elements)
    before_all = all(_role(element) in COMMENTS for element in elements)
    while count and (before_all or _role(elements[count - 1]) in ("own", "trailing")):
        count -= 1
    return elements[:count], [piece for piece in elements[count:] if isinstance(piece, Piece)]


def _clause(elements: list[Element]) -> Document:
    head, *body = elements
    if not isinstance(head, Piece) or head.role != "head":
        return Group((Indent(tuple(_list(elements))),))
    if not body:
        return Text(head.text)
    return Group((Text(head.text), Indent((Line(), *_list(body)))))


# Lists, conditions, choices.


def _list(elements: list[Element]) -> list[Document]:
    entries = _split_behind(elements)
    if len(entries) == 1:
        return _condition(entries[0])
    filled = len(entries) >= _FILLED_LENGTH and all(map(_is_plain, entries))
    made: list[Document] = [_entry(entries[0])]
    for entry in entries[1:]:
        made += [Group((Line(), _entry(entry)))] if filled else [Line(), _entry(entry)]
    return made


def _entry(elements: list[Element]) -> Document:
    return Group(tuple(_condition(elements, hanging=True)))


def _is_plain(entry: list[Element]) -> bool:
    """Tell whether an entry is one value, apart from its comma."""
    return len(entry) <= 2 and all(isinstance(e, Piece) and e.role in ("value", "comma") for e in entry)


def _condition(elements: list[Element], *, hanging: bool = False) -> list[Document]:
    """Return one entry; its later lines are indented where it hangs in a list."""
    choices = _split(elements, lambda element: _role(element) == "choice")
    if len(choices) == 1:
        return _conjunction(elements, hanging=hanging)
    made: list[Document] = [Group(tuple(_conjunction(choices[0], hanging=True)))]
    for choice in choices[1:]:
        line = (Line(), Group(tuple(_conjunction(choice, hanging=True))))
        made += [Indent(line)] if hanging else line
    return made


def _conjunction(elements: list[Element], *, hanging: bool) -> list[Document]:
    first, *others = _split(elements, lambda element: _role(element) == "and")
    made = _row(first)
    for part in others:
        line = (Line(), *_row(part))
        made += [Indent(line)] if hanging else line
    return made


def _row(elements: list[Element]) -> list[Document]:
    """Print elements side by side."""
    made: list[Document] = []
    before: Piece | None = None
    for element in elements:
        first = element.opening if isinstance(element, Nest) else element
        if before is not None and first.role not in ("own", "trailing") and needs_space(before, first):
            made.append(Space())
        if isinstance(element, Nest):
            made.append(_nest(element))
            before = element.closing
        else:
            made += _comment(element) if element.role in COMMENTS else [Text(element.text)]
            before = element
    return made


def _nest(nest: Nest) -> Document:
    opening, closing = Text(nest.opening.text), Text(nest.closing.text)
    inner = list(nest.inner)
    if nest.opening.role == "case":
        first, *parts = _split(inner, lambda element: _role(element) == "when")
        if _starts_with(first, "when"):
            first, parts = [], [first, *parts]
        subject = [Space(), *_row(first)] if first else []
        lines = [document for part in parts for document in (Line(), _entry(part))]
        return Group((opening, *subject, Indent(tuple(lines)), Line(), closing))
    if not inner:
        return Text(opening.text + closing.text)
    is_query = _starts_with([e for e in inner if _role(e) not in COMMENTS], "head")
    body = _clauses(inner, Line()) if is_query else _list(inner)
    return Group((opening, Indent((Line(""), *body)), Line(""), closing))


def _starts_with(elements: list[Element], role: str) -> bool:
    return bool(elements) and _role(elements[0]) == role


def _comment(piece: Piece) -> list[Document]:
    match piece.role:
        case "own":
            return [Hard(), Text(piece.text), Hard()]
        case "trailing":
            return [Comment(piece.text)]
        case _:
            return [Text(piece.text)]


# Splitting.


def _role(element: Element) -> str:
    return element.role if isinstance(element, Piece) else "nest"


def _split(elements: list[Element], begins: Callable[[Element], bool]) -> list[list[Element]]:
    """Part a list before each element that begins a part."""
    parts: list[list[Element]] = [[]]
    for element in elements:
        if begins(element) and parts[-1]:
            parts.append([])
        parts[-1].append(element)
    return parts


def _split_behind(elements: list[Element]) -> list[list[Element]]:
    """Part a list behind its commas, and behind the comments that belong to the line before."""
    parts: list[list[Element]] = [[]]
    for i, element in enumerate(elements):
        parts[-1].append(element)
        behind = _role(elements[i + 1]) if i + 1 < len(elements) else ""
        closes = _role(element) == "comma" or (_role(element) == "trailing" and _has_comma(parts[-1]))
        if closes and behind and behind != "trailing":
            parts.append([])
    return parts


def _has_comma(part: list[Element]) -> bool:
    return any(_role(element) == "comma" for element in part)
