"""What ``*`` and ``t.*`` stand for in a select list."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_planner import errors
from btql_planner.binding.expression import ExpressionBinder
from btql_planner.binding.scope import Scope
from btql_planner.expressions import Expression

if TYPE_CHECKING:
    from btql_planner.binding.relation_names import RelationNames

Column = tuple[tree.Item, Expression]


def bind_star(star: tree.Star, binder: ExpressionBinder, taken: set[str]) -> list[Column]:
    """Return the columns, each with an item of the select list that would give it.

    Where several relations have a column of one name, the second is ``name_1``, and so on;
    ``taken`` are the names that other stars have given before.
    """
    scope = binder.names
    relations = scope.relations if star.table is None else [_relation(scope, star)]
    found: list[tuple[str, Expression]] = []
    if star.table is None:
        found += scope.merged.items()
    for relation in relations:
        for name in relation.star():
            if star.table is None and name in scope.merged:
                continue
            value = relation.field((name,), star.span)
            assert value is not None, f"{name} is among the columns of its relation"
            found.append((name, value))
    _check_names(star, [name for name, _ in found])
    instead = dict(star.replace)
    columns: list[Column] = []
    for name, value in found:
        if name in star.exclude:
            continue
        numbered = (f"{name}_{number}" for number in count(1))
        alias = name if name not in taken else next(each for each in numbered if each not in taken)
        taken.add(alias)
        node = instead.get(name)
        item = tree.Item(node or tree.Identifier((name,), span=star.span), alias, span=star.span)
        columns.append((item, value if node is None else binder.bind(node)))
    return columns


def _relation(scope: Scope, star: tree.Star) -> RelationNames:
    assert star.table is not None
    relation = scope.relation(star.table)
    if relation is None:
        known = [each.alias for each in scope.relations if each.alias]
        if any(star.table in each.top_level for each in scope.relations):
            raise BtqlError.of(
                errors.UNKNOWN_NAME, f"`{star.table}` is a field, it has no columns", star.span, "not a relation",
                help=f"write `{star.table}` for all of it, or its keys one by one: `{star.table}.…`",
            )  # fmt: skip
        close = errors.close_to(star.table, known)
        raise BtqlError.of(
            errors.UNKNOWN_NAME, f"there is no relation `{star.table}`", star.span, "not found",
            help=f"did you mean `{close}.*`?" if close else "write `*` for the columns of all relations",
        )  # fmt: skip
    return relation


def _check_names(star: tree.Star, known: Sequence[str]) -> None:
    for name in (*star.exclude, *(name for name, _ in star.replace)):
        if name not in known:
            close = errors.close_to(name, known)
            raise BtqlError.of(
                errors.UNKNOWN_NAME, f"`*` has no column `{name}`", star.span, "in this list",
                help=f"did you mean `{close}`?" if close else None,
            )  # fmt: skip
