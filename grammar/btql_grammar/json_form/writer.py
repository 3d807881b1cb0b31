"""The syntax tree to its JSON form; the choices are explained in :mod:`btql_grammar.json_form.form`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.json_form.aliases import with_aliases
from btql_grammar.json_form.expressions import SPAN_FILTERS
from btql_grammar.parameters import parameters_of
from btql_grammar.printing.btql import BtqlPrinter

Json = dict[str, Any]
_FILTERS_OF_SPANS = {name: op for op, name in SPAN_FILTERS.items()}


def write_query(query: tree.Query) -> Json:
    """Return the document of a query."""
    BtqlPrinter().clauses(query)  # Raises for what BTQL, and so this form, cannot say.
    if parameters_of(query):
        message = "the JSON form has no words for parameters"
        raise BtqlError.of("B0113", message, help="put the values into the query")
    query = with_aliases(query)
    clauses: Json = {
        "select": [_star(item) if isinstance(item, tree.Star) else _item(item) for item in query.select],
        "dimensions": _items(query.dimensions),
        "measures": _items(query.measures),
        "from": None if query.source is None else _source(query.source),
        "filter": _optional(query.filter),
        "sort": [_sort_item(item) for item in query.sort],
        "limit": query.limit,
        "offset": query.offset,
        "cursor": query.cursor,
        "sample": None if query.sample is None else _sample(query.sample),
        "pivot": _items(query.pivot.measures) if query.pivot else [],
        "unpivot": [_unpivot_item(item) for item in query.unpivot],
        "infer": [_star(item) if isinstance(item, tree.Star) else write_expression(item) for item in query.infer],
        "span_filter": _optional(query.span_filter),
        "trace_filter": _optional(query.trace_filter),
        "final_filter": _optional(query.final_filter),
        "final_dimensions": _items(query.final_dimensions),
        "final_measures": _items(query.final_measures),
        "comparison_key": _optional(query.comparison_key),
        "weighted_scores": _items(query.weighted_scores),
        "custom_columns": _items(query.custom_columns),
        "preview_length": query.preview_length,
        "inference_budget": query.inference_budget,
        "distinct": query.distinct or None,
    }
    return {key: body for key, body in clauses.items() if body is not None and body != []}


def write_expression(node: tree.Expression) -> Json:
    """Return the document of an expression."""
    match node:
        case tree.Literal() | tree.Array() | tree.Object():
            return {"op": "literal", "value": _constant(node)} if _is_constant(node) else _snippet(node)
        case tree.Interval():
            return {"op": "interval", "value": node.value, "unit": node.unit}
        case tree.Identifier():
            return {"op": "ident", "name": list(node.path)}
        case tree.Call():
            return _call(node)
        case tree.Comparison() | tree.Arithmetic():
            return {"op": node.op, "left": write_expression(node.left), "right": write_expression(node.right)}
        case tree.Includes():
            return {
                "op": "includes",
                "haystack": write_expression(node.haystack),
                "needle": write_expression(node.needle),
            }
        case tree.Boolean():
            return {"op": node.op, "children": [write_expression(child) for child in node.children]}
        case tree.If():
            branches = [{"cond": write_expression(c), "then": write_expression(t)} for c, t in node.branches]
            return {"op": "if", "conds": branches, "else": write_expression(node.otherwise)}
        case tree.Not():
            return {"op": "not", "expr": write_expression(node.expression)}
        case tree.Negative():
            return {"op": "neg", "expr": write_expression(node.expression)}
        case tree.IsNull():
            return {"op": "isnotnull" if node.negated else "isnull", "expr": write_expression(node.expression)}
        case _:
            return _snippet(node)


def _call(call: tree.Call) -> Json:
    op = _FILTERS_OF_SPANS.get(call.name)
    if op is not None and len(call.arguments) == 1 and not call.distinct:
        return {"op": op, "expr": write_expression(call.arguments[0])}
    arguments = [_star(a) if isinstance(a, tree.Star) else write_expression(a) for a in call.arguments]
    made: Json = {"op": "function", "name": {"op": "ident", "name": [call.name]}, "args": arguments}
    return {**made, "duplicate_treatment": "Distinct"} if call.distinct else made


def _snippet(node: tree.Expression) -> Json:
    return {"btql": BtqlPrinter().expression(node)}


def _is_constant(node: tree.Expression) -> bool:
    match node:
        case tree.Literal():
            return not node.double_quoted
        case tree.Array():
            return all(_is_constant(item) for item in node.items)
        case tree.Object():
            keys = {key for key, _ in node.items}
            return len(keys) == len(node.items) and all(_is_constant(value) for _, value in node.items)
        case _:
            return False


def _constant(node: tree.Expression) -> object:
    match node:
        case tree.Literal():
            return node.value
        case tree.Array():
            return [_constant(item) for item in node.items]
        case tree.Object():
            return {key: _constant(value) for key, value in node.items}
        case _:
            raise AssertionError("only constants are asked for")


# Parts of clauses.


def _items(items: Iterable[tree.Item]) -> list[Json]:
    return [_item(item) for item in items]


def _item(item: tree.Item) -> Json:
    alias = item.alias
    if alias is None:
        # Only a position has no alias by now, and the form demands one.
        alias = BtqlPrinter().expression(item.expression)
    return {"expr": write_expression(item.expression), "alias": alias}


def _star(star: tree.Star) -> Json:
    made: Json = {"op": "star"}
    if star.table is not None:
        made["table"] = star.table
    if star.exclude:
        made["exclude"] = list(star.exclude)
    if len({key for key, _ in star.replace}) < len(star.replace):
        raise BtqlError.of("B0113", "the JSON form cannot replace one column twice", help="remove one of the two")
    if star.replace:
        made["replace"] = {key: write_expression(expression) for key, expression in star.replace}
    return made


def _source(source: tree.Relation) -> Json:
    assert isinstance(source, tree.From | tree.Table), "BTQL has no others"
    alias = {} if source.alias is None else {"alias": source.alias}
    if isinstance(source, tree.Table):
        return {"op": "ident", "name": list(source.path), **alias}
    arguments = [{"op": "literal", "value": argument} for argument in source.arguments]
    made: Json = {"op": "function", "name": {"op": "ident", "name": [source.kind]}, "args": arguments, **alias}
    return made if source.shape == "spans" else {**made, "shape": source.shape}


def _unpivot_item(item: tree.UnpivotItem) -> Json:
    alias = item.names[0] if len(item.names) == 1 else list(item.names)
    return {"expr": write_expression(item.expression), "alias": alias}


def _sort_item(item: tree.SortItem) -> Json:
    made: Json = {"expr": write_expression(item.expression), "dir": item.direction}
    return made if item.nulls is None else {**made, "nulls": item.nulls}


def _sample(sample: tree.Sample) -> Json:
    by_rate = sample.rate is not None
    method = {"type": "rate" if by_rate else "count", "value": sample.rate if by_rate else sample.count}
    return {"method": method} if sample.seed is None else {"method": method, "seed": sample.seed}


def _optional(expression: tree.Expression | None) -> Json | None:
    return None if expression is None else write_expression(expression)
