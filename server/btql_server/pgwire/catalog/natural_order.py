"""The order in which columns of tables are listed where a statement asks for none: that in which a table has them.

Postgres gives them so, as it stores them so, and clients count on it without saying so. The engine joins in any order.
"""

from __future__ import annotations

from sqlglot import exp

from btql_server.pgwire.catalog.relations import Relation
from btql_server.pgwire.catalog.sources import Meant, called, sources

_PLACES = {
    ("pg_catalog", "pg_attribute"): ("attrelid", "attnum"),
    ("information_schema", "columns"): ("table_schema", "table_name", "ordinal_position"),
}
"""What says where a column has its place."""
_AGGREGATES = frozenset({"bool_or", "bool_and", "every", "json_object_agg", "jsonb_object_agg", "jsonb_agg"})


def order_columns(tree: exp.Query, meant: Meant) -> None:
    """Have rows of columns come in the order of the columns, behind the order that is asked for."""
    if not isinstance(tree, exp.Select) or tree.args.get("distinct") or tree.args.get("group") or _is_one_row(tree):
        # Its rows are not those of a relation.
        return
    found = [(table, places) for table in sources(tree) if (places := _places(meant(table))) is not None]
    if len(found) != 1:
        # All pairs of two columns may be too many to put in order.
        return
    ((table, places),) = found
    name = called(table)
    tree.order_by(*(exp.Column(this=exp.to_identifier(each), table=name.copy()) for each in places), copy=False)


def _places(relation: Relation | None) -> tuple[str, ...] | None:
    return None if relation is None else _PLACES.get((relation.schema, relation.name))


def _is_one_row(select: exp.Select) -> bool:
    """Whether it aggregates."""
    found = (node for each in select.expressions for node in each.walk(prune=lambda node: isinstance(node, exp.Query)))
    return any(
        isinstance(node, exp.AggFunc) or (isinstance(node, exp.Anonymous) and node.name.lower() in _AGGREGATES)
        for node in found
    )
