"""Values that stand in a statement as they are: what the engine would only hand back.

An INSERT of many rows is mostly such values. Planning and running them takes a millisecond for each row, while they are
known from the tree. Anything that has to be computed or looked up is no constant, however simple.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from btql_grammar import tree


class _NotConstantError(Exception):
    pass


def constant_rows(values: tree.Values) -> tuple[list[str], list[Mapping[str, object]]] | None:
    """Return the columns and the rows of VALUES; None where the engine is needed, be it to say what is wrong."""
    width = len(values.rows[0])
    names = [f"column{number + 1}" for number in range(width)]
    rows: list[Mapping[str, object]] = []
    for row in values.rows:
        if len(row) != width:
            return None
        try:
            rows.append(dict(zip(names, map(_constant, row), strict=True)))
        except _NotConstantError:
            return None
    return names, rows


def _constant(node: tree.Expression) -> object:
    match node:
        case tree.Literal() if not node.double_quoted:
            # A text in double quotes may be a name.
            return node.value
        case tree.Array():
            return [_constant(each) for each in node.items]
        case tree.Object() if len({key for key, _ in node.items}) == len(node.items):
            return {key: _constant(each) for key, each in node.items}
        case tree.Cast(tree.Literal(str() as text), "timestamp"):
            return _instant(text)
        case _:
            raise _NotConstantError


def _instant(text: str) -> datetime:
    """Return an instant as values of parameters have it; other spellings are the engine's to read."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _NotConstantError from None
    if found.tzinfo is None:
        raise _NotConstantError
    return found.astimezone(UTC)
