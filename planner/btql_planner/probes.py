"""Probes that follow from conditions: every row that passes the condition is a hit of the probe.

Only MATCH is decided by its probe; what follows from other conditions finds
rows that are to be checked. A probe is about a whole field, a condition mostly
about a path in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from btql_planner.expressions import Apply, Column, Constant, Expression, Match, PathValue
from btql_planner.needs import present
from btql_planner.pattern_words import pattern_probe
from btql_planner.types import BIG, NUMBER, TEXT, Kind
from btql_storage.fields import INDEXED_FIELDS
from btql_storage.text.probe import AllOf, AnyOf, Phrase, TextProbe

DOCUMENTS_SHARE = 0.5
"""A document takes longer to read than a row to look up, even where every second one is read in vain."""
COLUMNS_SHARE = 0.0005
"""Some thousand rows of a column are read in the time in which one row is looked up."""
_TOKENS_MAX = 8
"""Of a long text, this many tokens find it as well as all would."""
_ITEMS_MAX = 64
_SHORT_CHARS = 255
"""Up to here no token of a text can be so long that it is cut."""
_ASCII_TOKEN = re.compile("[a-z0-9]+")
_NUMBER_LIKE = re.compile("[0-9e]+|inf|infinity|nan")
"""What texts that spell a number consist of; such a text is equal to the number, too."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the text index is asked for a scan."""

    asked: TextProbe
    exact: bool = True
    """Every hit passes; else the conditions that it follows from are checked for each hit."""
    instead_of_documents: bool = False
    """Without it documents would be read, else only columns."""

    @property
    def share_max(self) -> float | None:
        """The share of a part's rows up to which it pays to look hits up, None where only hits will do."""
        if self.exact:
            return None
        return DOCUMENTS_SHARE if self.instead_of_documents else COLUMNS_SHARE


Leaf = Callable[[Expression], Probe | None]


def of_match(condition: Expression) -> Probe | None:
    """Return what MATCH on an indexed field asks."""
    return Probe(phrase(condition)) if isinstance(condition, Match) else None


def phrase(match: Match) -> Phrase:
    """Return the phrase that MATCH looks for."""
    return Phrase(match.column, match.tokens)


def of_pattern(condition: Expression) -> Probe | None:
    """Return what a text must have to fit a pattern that is written in the query."""
    written = _pattern(condition)
    if written is None:
        return None
    place, pattern, ignore_case, spelled = written
    field = _field(place)
    if field is None or not place.type:
        return None
    listed = isinstance(place, Column)
    # LIKE sees texts, and arrays and objects as JSON; functions of texts see anything as JSON.
    loose = listed or Kind.JSON in place.type or (spelled and place.type != TEXT)
    asked = pattern_probe(field, pattern, ignore_case=ignore_case, loose=loose, listed=listed)
    return None if asked is None else _checked(place, asked)


def of_value(condition: Expression) -> Probe | None:
    """Return what a field must have for one of its values to be a text that is written in the query."""
    if not isinstance(condition, Apply):
        return None
    match condition.function.name, condition.arguments:
        case (("eq" | "nseq" | "includes"), (place, Constant() as constant)):
            constants = [constant]
        case (("eq" | "nseq"), (Constant() as constant, place)):
            constants = [constant]
        case "in", (place, *items) if len(items) <= _ITEMS_MAX:
            constants = [item for item in items if isinstance(item, Constant)]
            if len(constants) < len(items):
                return None
        case "match", (place, Constant() as constant):
            return _of_phrase(place, str(constant.value).split())
        case _:
            return None
    field = _field(place)
    asked = [None if field is None else _value(field, place, constant) for constant in constants]
    found = tuple(dict.fromkeys(each for each in asked if each is not None))
    if not found or None in asked:
        return None
    return _checked(place, found[0] if len(found) == 1 else AnyOf(found))


def of_keys(condition: Expression) -> Probe | None:
    """Return the keys that a field must have for a value to be under a path that columns do not have."""
    place = present(condition)
    if place is None or not place.availability.cut:
        return None
    asked = of_path(place.path)
    return None if asked is None else _checked(place, asked)


def of_path(path: Sequence[str | int]) -> TextProbe | None:
    """Return the keys that a field must have for a value to be under a path; None where the index knows none."""
    field, *below = path
    if field not in INDEXED_FIELDS:
        return None
    keys = [_tokens(piece)[:_TOKENS_MAX] for piece in below if isinstance(piece, str)]
    asked = tuple(dict.fromkeys(Phrase(str(field), tuple(tokens)) for tokens in keys if tokens))
    if len(asked) < 2:
        return asked[0] if asked else None
    return AllOf(asked)


def of_paths(paths: Sequence[Sequence[str | int]]) -> TextProbe | None:
    """Return what fields must have for there to be a value under any of some paths."""
    asked = [of_path(path) for path in paths]
    found = tuple(dict.fromkeys(each for each in asked if each is not None))
    if not found or None in asked:
        return None
    return found[0] if len(found) == 1 else AnyOf(found)


def of_any(condition: Expression, leaves: tuple[Leaf, ...]) -> Probe | None:
    """Return what follows from a condition of ANDs and ORs, from what follows from its leaves."""
    name = condition.function.name if isinstance(condition, Apply) else ""
    if not isinstance(condition, Apply) or name not in ("and", "or"):
        return next((found for leaf in leaves if (found := leaf(condition)) is not None), None)
    known = [each for argument in condition.arguments if (each := of_any(argument, leaves)) is not None]
    complete = len(known) == len(condition.arguments)
    if not known or (name == "or" and not complete):
        return None
    asked = tuple(dict.fromkeys(each.asked for each in known))
    first, *others = asked
    joined: TextProbe = first if not others else AnyOf(asked) if name == "or" else AllOf(asked)
    exact = complete and all(each.exact for each in known)
    return Probe(joined, exact, instead_of_documents=any(each.instead_of_documents for each in known))


def _checked(place: Expression, asked: TextProbe) -> Probe:
    documents = isinstance(place, PathValue) and place.needs_document
    return Probe(asked, exact=False, instead_of_documents=documents)


def _field(place: Expression) -> str | None:
    """Return the indexed field that a value is in."""
    if isinstance(place, PathValue) and place.path and place.path[0] in INDEXED_FIELDS:
        return str(place.path[0])
    return place.name if isinstance(place, Column) and place.name in INDEXED_FIELDS else None


def _pattern(condition: Expression) -> tuple[Expression, str, bool, bool] | None:
    """Return the value, the pattern, whether case counts and whether anything is spelled as text."""
    if not isinstance(condition, Apply):
        return None
    match condition.function.name, condition.arguments:
        case ("like" | "ilike") as name, (place, Constant(value=str() as pattern)):
            return place, pattern, name == "ilike", False
        case "starts_with", (place, Constant(value=str() as text)):
            return place, f"{_escaped(text)}%", False, True
        case "ends_with", (place, Constant(value=str() as text)):
            return place, f"%{_escaped(text)}", False, True
        case _:
            return None


def _escaped(text: str) -> str:
    return re.sub(r"[%_\\]", r"\\\g<0>", text)


def _of_phrase(place: Expression, tokens: list[str]) -> Probe | None:
    """Return what MATCH on a path inside an indexed field asks."""
    field = _field(place)
    if field is None or not tokens or _may_be_number(place, tokens):
        return None
    return _checked(place, Phrase(field, tuple(tokens[:_TOKENS_MAX])))


def _value(field: str, place: Expression, constant: Constant) -> TextProbe | None:
    if constant.kind is not Kind.TEXT or not isinstance(constant.value, str):
        return None
    tokens = _tokens(constant.value)
    if not tokens or _may_be_number(place, tokens):
        return None
    return Phrase(field, tuple(tokens[:_TOKENS_MAX]))


def _tokens(text: str) -> list[str]:
    if text.isascii() and len(text) <= _SHORT_CHARS:
        return _ASCII_TOKEN.findall(text.lower())
    # The module of tokens takes long to load, and most values are short and of ASCII.
    from btql_storage.text.tokens import tokenize

    return tokenize(text)


def _may_be_number(place: Expression, tokens: list[str]) -> bool:
    """Whether a number may pass, too, which the index may have spelled otherwise."""
    numbers = bool(place.type & (NUMBER | BIG)) or Kind.JSON in place.type or isinstance(place, Column)
    return numbers and all(_NUMBER_LIKE.fullmatch(token) for token in tokens)
