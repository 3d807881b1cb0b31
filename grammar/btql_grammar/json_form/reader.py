"""The JSON form to the syntax tree: clauses. Expressions are in :mod:`btql_grammar.json_form.expressions`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from btql_grammar import build, tree
from btql_grammar.depth import check_depth
from btql_grammar.diagnostic import BtqlError
from btql_grammar.json_form.expressions import read_expression, read_path, read_star
from btql_grammar.json_form.values import Node
from btql_grammar.span import Span

_SHAPES = ("spans", "traces", "summary")
_NOWHERE = Span(0, 0)


def read_query(document: object) -> tree.Query:
    """Return the tree of a document."""
    node = Node(document)
    node.refuse_others(tuple(_CLAUSES))
    bodies: dict[str, Any] = {}
    for key, read in _CLAUSES.items():
        body = node.maybe(key, read)
        if body is not None:
            bodies["source" if key == "from" else key] = body
    if not any(bodies.get(key) for key in ("select", "dimensions", "measures", "infer")):
        raise BtqlError.of(
            "B0112", "the query selects nothing", help='add `"select": [{"op": "star"}]`, or dimensions or measures'
        )
    query = tree.Query(**bodies, language="btql")
    check_depth(query)
    return query


# Lists of entries.


def _items(node: Node) -> tuple[tree.Item, ...]:
    return tuple(_item(entry) for entry in node.items())


def _item(node: Node) -> tree.Item:
    node.refuse_others(("expr", "alias"))
    return tree.Item(read_expression(node.required("expr")), node.required("alias").text())


def _dimensions(node: Node) -> tuple[tree.Item, ...]:
    return tuple(_position(item) or item for item in _items(node))


def _position(item: tree.Item) -> tree.Item | None:
    """Return ``dimensions: 1`` without the alias that the form demands of it."""
    value = item.expression.value if isinstance(item.expression, tree.Literal) else None
    return tree.Item(item.expression) if type(value) is int and item.alias == str(value) else None


def _select(node: Node) -> tuple[tree.Item | tree.Star, ...]:
    return tuple(read_star(entry) if entry.mapping().get("op") == "star" else _item(entry) for entry in node.items())


def _pivot(node: Node) -> tree.Pivot | None:
    items = _items(node)
    return tree.Pivot(items) if items else None


def _unpivot(node: Node) -> tuple[tree.UnpivotItem, ...]:
    return tuple(_unpivot_item(entry) for entry in node.items())


def _unpivot_item(node: Node) -> tree.UnpivotItem:
    node.refuse_others(("expr", "alias"))
    expression, alias = read_expression(node.required("expr")), node.required("alias")
    if isinstance(alias.value, str):
        return tree.UnpivotItem(expression, (alias.text(),))
    names = [name.text() for name in alias.items()]
    if len(names) != 2:
        alias.fail("must be a name, or a list of two names")
    return tree.UnpivotItem(expression, (names[0], names[1]))


def _infer(node: Node) -> tuple[tree.Identifier | tree.Star, ...]:
    return tuple(
        read_star(entry) if entry.mapping().get("op") == "star" else _identifier(entry) for entry in node.items()
    )


def _identifier(node: Node) -> tree.Identifier:
    node.chosen("op", "ident", "star")
    return tree.Identifier(read_path(node))


def _sort(node: Node) -> tuple[tree.SortItem, ...]:
    return tuple(_sort_item(entry) for entry in node.items())


def _sort_item(node: Node) -> tree.SortItem:
    node.refuse_others(("expr", "dir", "nulls"))
    expression = read_expression(node.required("expr"))
    direction = cast("tree.Direction", node.chosen("dir", "asc", "desc"))
    nulls = node.maybe("nulls", lambda found: found.choice("first", "last"))
    return tree.SortItem(expression, direction, nulls=cast("Any", nulls))


# Single values.


def _filter(node: Node) -> tree.Expression | None:
    if not isinstance(node.value, list | tuple):
        return read_expression(node)
    conditions = [read_expression(entry) for entry in node.items()]
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    return build.connect("and", conditions, _NOWHERE)


def _source(node: Node) -> tree.From | tree.Table:
    op = node.chosen("op", "function", "ident")
    alias = node.maybe("alias", Node.text)
    if op == "ident":
        path = read_path(node, "alias")
        if not all(isinstance(piece, str) for piece in path):
            node.fail("must name a table", 'write `"name": ["my_project"]`')
        return tree.Table(cast("tuple[str, ...]", path), alias=alias)
    node.refuse_others(("op", "name", "args", "shape", "alias", "duplicate_treatment"))
    if node.has("duplicate_treatment"):
        node.required("duplicate_treatment").fail("has no meaning in a source")
    kind = node.required("name")
    names = read_path(kind)
    if len(names) != 1:
        kind.fail("must be a single name", 'write `"name": ["project_logs"]`')
    arguments: list[str] = []
    shapes = [node.required("shape")] if node.has("shape") else []
    for argument in node.required("args").items():
        if "expr" in argument.mapping():
            shapes.append(_named_shape(argument))
        else:
            arguments.append(_literal_text(argument))
    if len(shapes) > 1:
        shapes[1].fail("gives the shape again")
    shape = cast("tree.Shape", shapes[0].choice(*_SHAPES)) if shapes else "spans"
    return tree.From(str(names[0]).lower(), tuple(arguments), shape, alias=alias)


def _named_shape(argument: Node) -> Node:
    argument.refuse_others(("expr", "alias"))
    argument.chosen("alias", "shape")
    expression = argument.required("expr")
    _literal_text(expression)
    return expression.required("value")


def _literal_text(node: Node) -> str:
    node.chosen("op", "literal")
    node.refuse_others(("op", "value"))
    return node.required("value").text()


def _sample(node: Node) -> tree.Sample:
    node.refuse_others(("method", "seed"))
    method, seed = node.required("method"), node.maybe("seed", Node.integer)
    method.refuse_others(("type", "value"))
    value = method.required("value")
    if method.chosen("type", "rate", "count") == "count":
        return tree.Sample(None, value.integer(least=1), seed)
    rate = float(value.number())
    if not 0 <= rate <= 1:
        value.fail("must be a rate from 0 to 1")
    return tree.Sample(rate, None, seed)


def _count(node: Node) -> int:
    return node.integer(least=0)


def _flag(node: Node) -> bool:
    if not isinstance(node.value, bool):
        node.fail("must be true or false")
    return node.value


_CLAUSES: dict[str, Callable[[Node], object]] = {
    "select": _select,
    "dimensions": _dimensions,
    "measures": _items,
    "from": _source,
    "filter": _filter,
    "sort": _sort,
    "limit": _count,
    "offset": _count,
    "cursor": Node.text,
    "sample": _sample,
    "pivot": _pivot,
    "unpivot": _unpivot,
    "infer": _infer,
    "span_filter": _filter,
    "trace_filter": _filter,
    "final_filter": _filter,
    "final_dimensions": _dimensions,
    "final_measures": _items,
    "comparison_key": read_expression,
    "weighted_scores": _items,
    "custom_columns": _items,
    "preview_length": lambda node: node.integer(least=-1),
    "inference_budget": _count,
    "distinct": _flag,
}
"""Every key of a query, and what reads it."""
