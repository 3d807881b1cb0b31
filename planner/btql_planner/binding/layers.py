"""Layers of a query: what its clauses say above its rows, in terms of the node that computes it.

Groups come first, then windows, then DISTINCT. Each layer takes an expression
of the select list or of ORDER BY and returns what stands for it above.
"""

from __future__ import annotations

from collections.abc import Sequence

from btql_planner import types
from btql_planner.expression_traversal import transform
from btql_planner.expressions import Apply, Constant, Expression, Over, Ranking, Reference, SortKey, engine_name
from btql_planner.functions import functions
from btql_planner.plan import Filter, Named, Plan
from btql_planner.plan_relations import Window
from btql_planner.types import Kind


class Windows:
    """The functions over windows that a query calls; each becomes a column of one Window node."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._items: dict[Expression, Named] = {}

    def above(self, expression: Expression) -> Expression:
        """Return the expression in terms of the Window node's columns."""
        return transform(expression, self._replacement)

    def over(self, rows: Plan) -> Plan:
        """Return the rows with all columns that were asked for."""
        return Window(rows, tuple(self._items.values())) if self._items else rows

    def _replacement(self, node: Expression) -> Expression | None:
        if not isinstance(node, Over):
            return None
        name = engine_name(self._source, f"window_{len(self._items)}")
        item = self._items.setdefault(node, Named(name, node))
        return Reference(item.name, node.type, span=node.span)


def first_of_each(rows: Plan, keys: Sequence[Expression], order: Sequence[SortKey], source: str) -> Plan:
    """Return the first row, in an order, of those with the same keys: DISTINCT ON."""
    name = engine_name(source, "place")
    place = Named(name, Over(Ranking("row_number", (), types.INTEGER), tuple(keys), tuple(order)))
    first = (Reference(name, types.INTEGER), Constant(1, Kind.INTEGER))
    return Filter(Window(rows, (place,)), Apply(functions()["eq"], first, types.BOOLEAN))
