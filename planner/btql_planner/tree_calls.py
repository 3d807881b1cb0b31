"""The calls in an expression of the tree, found through the fields of its nodes."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

from btql_grammar import tree
from btql_grammar.span import Span

_BELOW: dict[type, tuple[str, ...]] = {
    **dict.fromkeys((tree.Literal, tree.Identifier, tree.Interval, tree.Star, Span), ()),
    # A query inside an expression keeps its calls to itself.
    **dict.fromkeys((tree.Query, tree.SetOperation, tree.Values), ()),
}
"""The fields of each class of nodes that may hold further nodes, as they are met."""
_PLAIN = ("span", "name", "name_span", "op", "direction", "nulls", "negated", "distinct", "type_name", "kind", "unit")


def calls(node: object) -> list[tree.Call]:
    """Return every call in an expression, parents first; queries inside it keep theirs."""
    found: list[tree.Call] = []
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, tuple):
            waiting.extend(reversed(each))  # pyright: ignore[reportUnknownArgumentType]
            continue
        kind = type(each)
        below = _BELOW.get(kind)
        if below is None:
            below = _BELOW[kind] = _fields(kind)
        if kind is tree.Call:
            assert isinstance(each, tree.Call)
            found.append(each)
        waiting.extend(getattr(each, name) for name in reversed(below))
    return found


def _fields(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.name not in _PLAIN) if is_dataclass(kind) else ()
