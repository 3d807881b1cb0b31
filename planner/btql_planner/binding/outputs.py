"""The select list of a query: which columns it has, what they are called, and who means them.

1. Stars are opened up, and every item is bound.
2. A path is called by its end, unless two end alike; then each has its whole path for a name. No two columns may
   have one name.
3. Other clauses mean a column by its alias, by the end of its path, or, where a key of an order or of groups is
   expected, by its position.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError, Label
from btql_planner import errors
from btql_planner.binding.expression import ExpressionBinder
from btql_planner.binding.scope import Scope
from btql_planner.binding.star import bind_star
from btql_planner.expressions import Constant, Expression
from btql_planner.names import implicit_alias


@dataclass(frozen=True, slots=True)
class Output:
    """One column of the select list, bound."""

    name: str
    expression: Expression
    item: tree.Item


def bind_outputs(query: tree.Query, scope: Scope) -> list[Output]:
    """Return select, dimensions and measures as one list of columns."""
    binder = ExpressionBinder(scope, aggregates=True)
    items = _items(query, binder)
    short = [_short_name(item, scope) for item, _ in items]
    often = Counter(short)
    explicit = {item.alias for item, bound in items if bound is None}
    outputs: list[Output] = []
    for (item, bound), name in zip(items, short, strict=True):
        # Two paths that end alike keep their full names; one that ends like an alias is refused.
        is_short = often[name] == 1 or name in explicit
        full = item.alias or (name if is_short else scope.context.text(item.expression.span))
        outputs.append(Output(full, bound or binder.bind(item.expression), item))
    _refuse_duplicates(outputs)
    return outputs


def _items(query: tree.Query, binder: ExpressionBinder) -> list[tuple[tree.Item, Expression | None]]:
    """Return the items of the list; those of a star are bound."""
    items: list[tuple[tree.Item, Expression | None]] = []
    starred: set[str] = set()
    for item in query.select:
        if not isinstance(item, tree.Star):
            items.append((item, None))
        elif not binder.names.relations:
            raise BtqlError.of(errors.NO_SOURCE, "`*` needs rows from somewhere", item.span, "no source")
        else:
            items += bind_star(item, binder, starred)
    return items + [(item, None) for item in (*(() if query.select else query.dimensions), *query.measures)]


def _short_name(item: tree.Item, scope: Scope) -> str:
    if item.alias is not None:
        return item.alias
    if isinstance(item.expression, tree.Identifier):
        return implicit_alias(item.expression.path) or scope.context.text(item.expression.span)
    if isinstance(item.expression, tree.Literal) and item.expression.double_quoted:
        return str(item.expression.value)
    return scope.context.text(item.expression.span)


def _refuse_duplicates(outputs: Sequence[Output]) -> None:
    seen: dict[str, Output] = {}
    for output in outputs:
        if output.name in seen:
            message = f"two columns are called `{output.name}`"
            first = seen[output.name].item.expression.span
            raise BtqlError.of(
                errors.DUPLICATE_ALIAS, message, output.item.expression.span, "the second",
                help="give one of them another name with `as`", secondary=(Label(first, "the first"),),
            )  # fmt: skip
        seen[output.name] = output


def name_aliases(outputs: Sequence[Output], scope: Scope) -> None:
    """Let other clauses call the columns by their names."""
    scope.aliases = {output.name: output.expression for output in outputs if output.item.alias}
    implicit: dict[str, Expression | None] = {}
    for output in outputs:
        expression = output.item.expression
        if output.item.alias or not isinstance(expression, tree.Identifier):
            continue
        name = implicit_alias(expression.path)
        if name is not None:
            implicit[name] = None if name in implicit else output.expression
    scope.implicit = implicit


def by_position(node: tree.Expression, outputs: Sequence[Output]) -> Expression | None:
    """Return the column that a key calls by its number, None where it is no number."""
    number = _position(node)
    if number is None:
        return None
    if not 1 <= number <= len(outputs):
        message = f"there is no column number {number}"
        raise BtqlError.of(
            errors.BAD_POSITION, message, node.span, "this position",
            help=f"positions go from 1 to {len(outputs)}",
        )  # fmt: skip
    return outputs[number - 1].expression


def column_called(node: tree.Expression, bound: Expression, outputs: Sequence[Output]) -> int | None:
    """Return the number of the column that a key calls by its number or its name, from 1."""
    return _position(node) or _named(node, bound, outputs)


def column_that_is(key: Expression, outputs: Sequence[Output]) -> int | None:
    """Return the number of the first column that is a key, from 1; none is a constant."""
    if isinstance(key, Constant):
        return None
    return next((number for number, each in enumerate(outputs, 1) if each.expression == key), None)


def _position(node: tree.Expression) -> int | None:
    """Return the number of a column, where an expression is nothing but that."""
    if not isinstance(node, tree.Literal) or isinstance(node.value, bool) or not isinstance(node.value, int):
        return None
    return node.value


def _named(node: tree.Expression, bound: Expression, outputs: Sequence[Output]) -> int | None:
    if not isinstance(node, tree.Identifier) or len(node.path) != 1:
        return None
    called = (n for n, each in enumerate(outputs, 1) if each.name == node.path[0] and each.expression == bound)
    return next(called, None)
