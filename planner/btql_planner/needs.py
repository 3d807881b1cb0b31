"""Needs: what a path must have, by kinds and bounds alone, for a condition to hold.

The statistics of a part say for each path which kinds of value it has and between
which bounds they are. A need is a condition in these terms, and holds for at least
every row for which the condition does: of ``metadata.model = 'x'`` it is a text from
``'x'`` to ``'x'`` under that path. So a part without any is left out unopened.

The rules of :mod:`btql_planner.compare` say which kinds may meet: a text that spells
a number compares with numbers, numbers compare by size whatever their kind, and
what is only in documents (a marker) may be a long text, an array, an object, or a
number beyond 64 bits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias

from btql_planner.expression_traversal import conjuncts
from btql_planner.expressions import MIRRORED, Apply, Constant, Expression, PathValue
from btql_planner.types import Kind

Path: TypeAlias = tuple[str, ...]

ANY_KIND = frozenset("biftx")
_NUMBERS = frozenset("if")
NULL_REJECTING = frozenset({"ne", "like", "ilike", "match", "in", "includes", *MIRRORED})
"""Null, or false, where the first argument is null."""
_PRESENT = NULL_REJECTING | {"isnotnull"}
"""The first argument has to be there."""
_NUMBER_LIKE = re.compile(r"[0-9]|inf|nan", re.IGNORECASE)
"""What is in any text that spells a number."""
_SHREDDED_BYTES_MAX = 1_024
"""Texts up to here are in columns."""


@dataclass(frozen=True, slots=True)
class Need:
    """A value under a path: of one of ``kinds``, or a number or a text between bounds. None is no bound."""

    path: Path
    kinds: frozenset[str] = frozenset()
    """By the letters of columns; x is what documents only have."""
    numbers: tuple[float | None, float | None] | None = None
    """Whole numbers and fractions between these will do; None where no number does but by its kind."""
    texts: tuple[str | None, str | None] | None = None


@dataclass(frozen=True, slots=True)
class AnyNeed:
    """One of several needs."""

    needs: tuple[Needed, ...]


Needed: TypeAlias = Need | AnyNeed


def needs_of(condition: Expression) -> list[Needed]:
    """Return what must be in a row for a condition to be true; nothing where statistics cannot tell."""
    return [found for part in conjuncts(condition) if (found := _need(part)) is not None]


def present(condition: Expression) -> PathValue | None:
    """Return the path under which there must be a value for a condition to be true."""
    if not isinstance(condition, Apply) or condition.function.name not in _PRESENT:
        return None
    left, *others = condition.arguments
    if isinstance(left, Constant) and condition.function.name in MIRRORED:
        left = others[0]
    return left if isinstance(left, PathValue) else None


def _need(condition: Expression) -> Needed | None:
    if not isinstance(condition, Apply):
        return None
    name, arguments = condition.function.name, condition.arguments
    if name == "or":
        each = [needs_of(argument) for argument in arguments]
        return _any(tuple(needs[0] for needs in each)) if all(each) else None
    left, *others = arguments
    if name in MIRRORED and isinstance(left, Constant):
        left, others, name = others[0], [left], MIRRORED[name]
    path = _plain_path(left)
    if path is None:
        return None
    if name in MIRRORED and isinstance(others[0], Constant):
        return _compared(path, name, others[0])
    if name == "in":
        items = [_item(path, item) for item in others]
        known = [item for item in items if item is not None]
        return _hull(path, known) if known and len(known) == len(items) else Need(path, ANY_KIND)
    return Need(path, ANY_KIND) if name in _PRESENT else None


def _any(needs: tuple[Needed, ...]) -> Needed:
    distinct = tuple(dict.fromkeys(needs))
    return distinct[0] if len(distinct) == 1 else AnyNeed(distinct)


def _hull(path: Path, items: Sequence[Need]) -> Need:
    """Return one need for any of the items: lists of them may be long."""
    kinds = frozenset[str]().union(*(item.kinds for item in items))
    numbers = [bound for item in items if item.numbers for bound in item.numbers if bound is not None]
    texts = [bound for item in items if item.texts for bound in item.texts if bound is not None]
    return Need(
        path, kinds, (min(numbers), max(numbers)) if numbers else None, (min(texts), max(texts)) if texts else None
    )


def _plain_path(expression: Expression) -> Path | None:
    if not isinstance(expression, PathValue) or any(isinstance(piece, int) for piece in expression.path):
        return None
    return tuple(map(str, expression.path))


def _item(path: Path, item: Expression) -> Need | None:
    """Return the need of an item of IN, which an array may have as an element, too."""
    if not isinstance(item, Constant):
        return None
    need = _compared(path, "eq", item)
    return Need(path, need.kinds | {"x"}, need.numbers, need.texts)


def _compared(path: Path, operator: str, constant: Constant) -> Need:
    value = constant.value
    low, high = operator in ("eq", "gt", "ge"), operator in ("eq", "lt", "le")
    match value:
        case bool():
            return Need(path, frozenset("b"))
        case int() | float() if constant.kind in (Kind.INTEGER, Kind.FLOAT):
            # The engine, too, compares whole numbers with fractions as floats. A text may spell a number.
            number = float(value)
            if isfinite(number):
                return Need(path, frozenset("tx"), (number if low else None, number if high else None))
        case str() if constant.kind is Kind.TEXT:
            kinds = _NUMBERS | {"x"} if _NUMBER_LIKE.search(value) else frozenset[str]()
            if operator != "eq" or len(value.encode(errors="replace")) > _SHREDDED_BYTES_MAX:
                kinds |= {"x"}
            return Need(path, kinds, texts=(value if low else None, value if high else None))
        case _:
            pass
    return Need(path, ANY_KIND)
