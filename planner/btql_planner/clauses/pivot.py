"""Pivot: a query that gives its rows in the long form, and what makes columns of them.

BTQL names measures, and spreads the last dimension. SQL says the column behind
FOR and brings measures of its own; its GROUP BY, without that column, are the
keys. Either way the query is grouped by the keys and the column, with the
measures behind; the answer is then spread (:mod:`btql.execution.pivot`), since
only its rows know which columns it has.

Rows come in the order of ``sort:``, which may name keys, else in that of the
keys. LIMIT and OFFSET count the rows that come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.binding.grouping import has_aggregate
from btql_planner.finish import Pivot
from btql_planner.names import implicit_alias


def without_pivot(query: tree.Query) -> tuple[tree.Query, Pivot | None]:
    """Return the query in the long form, and how to spread its answer; a query without a pivot as it is."""
    if query.pivot is None:
        return query, None
    spelled = _Spelled(query, query.pivot)
    keys, spread, measures = spelled.keys(), spelled.spread, spelled.measures()
    spelled.check_select(keys, measures)
    long = replace(
        query,
        select=(),
        dimensions=(*keys, spread),
        measures=measures,
        pivot=None,
        sort=spelled.sort(keys),
        limit=None,
        offset=None,
    )
    return long, Pivot(len(keys), query.limit, query.offset or 0, query.pivot.span)


class _Spelled:
    """What the clauses of a pivoted query say about each other."""

    def __init__(self, query: tree.Query, pivot: tree.Pivot) -> None:
        self.query = query
        self.pivot = pivot
        self.listed = [item for item in query.select if isinstance(item, tree.Item)]
        shown = self.listed or list(query.dimensions)
        self.columns = [*shown, *query.measures]
        """What positions count."""
        self.dimensions = [self._named(self._at(item)) for item in query.dimensions]
        if pivot.column is None and not self.dimensions:
            self._refuse("there is no dimension to spread", pivot.span, "add `dimensions:`, the last one is spread")
        self.spread = self.dimensions[-1] if pivot.column is None else self._item(pivot.column)

    def keys(self) -> tuple[tree.Item, ...]:
        """Return the dimensions that stay rows."""
        if self.pivot.column is None:
            # By its place: another dimension may be the same expression.
            return tuple(self.dimensions[:-1])
        return tuple(item for item in self.dimensions if item.expression != self.spread.expression)

    def measures(self) -> tuple[tree.Item, ...]:
        """Return the measures of the pivot; any other measure has no place in the answer."""
        found = tuple(self._measure(item) for item in self.pivot.measures)
        for other in self.query.measures:
            if all(other.expression != each.expression for each in found):
                self._refuse("this measure is not in the pivot", other.span, "name it in `pivot:`, or leave it out")
        return found

    def check_select(self, keys: Sequence[tree.Item], measures: Sequence[tree.Item]) -> None:
        """Refuse columns of the select list that are neither keys nor parts of the pivot."""
        known = [each.expression for each in (*keys, self.spread, *measures)]
        names = {_name(each) for each in (*keys, self.spread, *measures)} - {None}
        for item in self.listed:
            if item.expression not in known and _name(item) not in names and not has_aggregate(item.expression):
                self._refuse("this column is neither grouped nor pivoted", item.span, "add it to GROUP BY")

    def sort(self, keys: Sequence[tree.Item]) -> tuple[tree.SortItem, ...]:
        """Return the order of the rows in the long form."""
        expressions = [item.expression for item in keys]
        items: list[tree.SortItem] = []
        for each in self.query.sort:
            if not keys:
                message = "a pivot without another dimension is one row, there is nothing to sort"
                self._refuse(message, each.span, "leave the order out, or add a dimension that stays")
            expression = self._at(tree.Item(each.expression, span=each.span)).expression
            named = next((key.expression for key in keys if _is_named(expression, key)), expression)
            if named not in expressions:
                self._refuse("a pivoted answer is sorted by its keys", each.span, "sort by a dimension that stays")
            items.append(replace(each, expression=named))
        return tuple(items) or tuple(tree.SortItem(expression) for expression in expressions)

    def _measure(self, item: tree.Item) -> tree.Item:
        named = next((each for each in self.columns if _is_named(item.expression, each)), None)
        if named is not None and has_aggregate(named.expression):
            return replace(named, alias=item.alias or _name(named))
        if not has_aggregate(item.expression):
            self._refuse(
                "a pivot shows measures", item.span, "name a measure of the query, such as `count(1) as calls`"
            )
        return item

    def _item(self, column: tree.Expression) -> tree.Item:
        """Return the item of the query that a column is, by its name or its expression; else one of its own."""
        for item in (*self.dimensions, *self.listed):
            if item.expression == column or _is_named(column, item):
                return self._named(item)
        return tree.Item(column, span=column.span)

    def _at(self, item: tree.Item) -> tree.Item:
        """Return the column that a position stands for."""
        node = item.expression
        if not isinstance(node, tree.Literal) or isinstance(node.value, bool) or not isinstance(node.value, int):
            return item
        if not 1 <= node.value <= len(self.columns):
            raise BtqlError.of(
                errors.BAD_POSITION, f"there is no column number {node.value}", node.span, "this position",
                help=f"positions go from 1 to {len(self.columns)}",
            )  # fmt: skip
        return self.columns[node.value - 1]

    def _named(self, item: tree.Item) -> tree.Item:
        """Return a dimension with the name that the select list gives it."""
        named = (each for each in self.listed if each.alias and each.expression == item.expression)
        by_alias = (each for each in self.listed if _is_named(item.expression, each))
        return item if item.alias else next(named, None) or next(by_alias, item)

    def _refuse(self, message: str, span: Span, help_: str) -> None:
        raise BtqlError.of(errors.BAD_PIVOT, message, span, "in this pivot", help=help_)


def _name(item: tree.Item) -> str | None:
    if item.alias is not None:
        return item.alias
    return implicit_alias(item.expression.path) if isinstance(item.expression, tree.Identifier) else None


def _is_named(expression: tree.Expression, item: tree.Item) -> bool:
    """Whether an expression is nothing but the name of an item."""
    if isinstance(expression, tree.Literal) and expression.double_quoted:
        return expression.value == _name(item)
    return isinstance(expression, tree.Identifier) and expression.path == (_name(item),)
