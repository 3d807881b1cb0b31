"""The value of an expression in one row: every kind of node of the tree has its case here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from btql_conformance.aggregates import AGGREGATES
from btql_conformance.casts import cast_to, to_boolean
from btql_conformance.functions import to_integer
from btql_conformance.functions_all import FUNCTIONS
from btql_conformance.functions_time import by_pattern, truncated, truncated_there
from btql_conformance.intervals import interval
from btql_conformance.joining import ARRAYS_OF_TEXTS, joined
from btql_conformance.json_operators import json_operator
from btql_conformance.operators import (
    all_of,
    and_,
    any_of,
    arithmetic,
    compare,
    includes,
    is_in,
    match,
    negative,
    not_,
    or_,
)
from btql_conformance.ordering import sorted_by
from btql_conformance.scope import NOW, EvaluationError, Scope
from btql_conformance.shapes import flattened
from btql_conformance.values import Value, eq, get, identity, time_in
from btql_conformance.windows import windowed
from btql_grammar import tree

SEARCHED = ("input", "output", "expected", "metadata", "span_attributes")
NOW_NAMES = frozenset({"now", "current_timestamp", "localtimestamp", "transaction_timestamp", "statement_timestamp"})
TODAY_NAMES = frozenset({"current_date", "today"})


def evaluate(node: tree.Expression, scope: Scope) -> Value:
    """Return the value of an expression."""
    if scope.group is not None and not isinstance(node, tree.Literal):
        same = [number for number, (key, _) in enumerate(scope.group.keys) if node == key]
        if same:
            return next((scope.group.keys[at][1] for at in same if at in scope.group.grouped), None)
    match node:
        case tree.Parameter():
            raise AssertionError("the cases have no parameters")
        case tree.Literal():
            return _literal(node, scope)
        case tree.Identifier(path=path):
            return _identifier(path, scope)
        case tree.Array(items=items) | tree.Row(items=items):
            return [evaluate(item, scope) for item in items]
        case tree.Object(items=members):
            return {key: evaluate(item, scope) for key, item in members}
        case tree.Interval(value=count, unit=unit):
            return interval(count, unit)
        case tree.Call():
            return _call(node, scope)
        case tree.If(branches=branches, otherwise=otherwise):
            for condition, then in branches:
                if evaluate(condition, scope) is True:
                    return evaluate(then, scope)
            return evaluate(otherwise, scope)
        case tree.Subquery(query=query):
            return _single(_column(query, scope))
        case tree.Exists(query=query):
            return bool(scope.context.run(query, scope.context, scope).rows)
        case tree.InQuery(expression=inner, query=query):
            return _in_query(inner, query, scope)
        case tree.Quantified():
            return _quantified(node, scope)
        case tree.Star():
            raise EvaluationError("a star has no value")
        case _:
            return _operation(node, scope)


Operation = (
    tree.Comparison
    | tree.Includes
    | tree.Boolean
    | tree.Not
    | tree.IsNull
    | tree.Negative
    | tree.Arithmetic
    | tree.Cast
    | tree.JsonOperator
    | tree.Subscript
)


def _operation(node: Operation, scope: Scope) -> Value:
    """Return the value of what has operands, all of which are worked out."""
    match node:
        case tree.Comparison(op=op, left=left, right=right):
            return _comparison(op, left, right, scope)
        case tree.Includes(haystack=haystack, needle=needle):
            return includes(evaluate(haystack, scope), evaluate(needle, scope))
        case tree.Boolean(op=op, children=children):
            values = [evaluate(child, scope) for child in children]
            return and_(*values) if op == "and" else or_(*values)
        case tree.Not(expression=inner):
            return not_(evaluate(inner, scope))
        case tree.IsNull(expression=inner, negated=negated):
            return (evaluate(inner, scope) is None) != negated
        case tree.Negative(expression=inner):
            return negative(evaluate(inner, scope))
        case tree.Arithmetic(op=op, left=left, right=right):
            return arithmetic(op, evaluate(left, scope), evaluate(right, scope))
        case tree.Cast(expression=inner, type_name=type_name):
            return cast_to(evaluate(inner, scope), type_name, scope.context.options.tz_offset)
        case tree.JsonOperator(op=op, left=left, right=right):
            whole, part = (left, right) if op != "<@" else (right, left)
            if op in ("@>", "<@") and isinstance(part, tree.Literal) and isinstance(part.value, str):
                # A text that is written in the query is the text of a document.
                return json_operator("@>", evaluate(whole, scope), json.loads(part.value))
            return json_operator(op, evaluate(left, scope), evaluate(right, scope))
        case tree.Subscript(expression=inner, index=index):
            at = evaluate(index, scope)
            return get(evaluate(inner, scope), (at,)) if isinstance(at, str | int) else None


def _literal(node: tree.Literal, scope: Scope) -> Value:
    if node.double_quoted and isinstance(node.value, str) and node.value:
        name = (node.value,)
        if scope.alias(name) is not None or any(
            fields.offers(node.value) or node.value in fields.nested for fields, _ in scope.relations
        ):
            return _identifier(name, scope)
    return node.value


def _identifier(path: tuple[str | int, ...], scope: Scope) -> Value:
    aliased = scope.alias(path)
    if aliased is not None:
        return evaluate(aliased, scope.plain())
    name = str(path[0]).lower()
    if len(path) == 1 and name in NOW_NAMES | TODAY_NAMES and not any(f.offers(name) for f, _ in scope.relations):
        return _now(name)
    if scope.group is not None:
        return evaluate(tree.Identifier(path), scope.group.members[0]) if scope.group.members else None
    return scope.value(path)


def _now(name: str) -> Value:
    return NOW.replace(hour=0, minute=0, second=0, microsecond=0) if name in TODAY_NAMES else NOW


def _comparison(op: str, left: tree.Expression, right: tree.Expression, scope: Scope) -> Value:
    value = evaluate(left, scope)
    if isinstance(right, tree.Literal) and right.value is None and op in ("eq", "ne", "is"):
        return (value is None) == (op != "ne")
    if isinstance(left, tree.Row) and op in ("eq", "ne", "in"):
        return _rows(op, cast("list[Value]", value), evaluate(right, scope))
    if op in ("like", "ilike") and isinstance(left, tree.Identifier) and left.path[-1] in ARRAYS_OF_TEXTS:
        pattern = evaluate(right, scope)
        return None if value is None else any_of(compare(op, tag, pattern) for tag in cast("list[Value]", value))
    return compare(op, value, evaluate(right, scope))


def _rows(op: str, left: list[Value], right: Value) -> Value:
    listed = cast("list[list[Value]]", right if op == "in" else [right])
    found = or_(*(and_(*map(eq, left, other)) for other in listed))
    return not_(found) if op == "ne" else found


def _column(query: tree.Statement, scope: Scope) -> list[Value]:
    table = scope.context.run(query, scope.context, scope)
    if len(table.columns) != 1:
        raise EvaluationError("a subquery gives one column")
    return [row[0] for row in table.rows]


def _single(values: list[Value]) -> Value:
    if len(values) > 1:
        raise EvaluationError("a subquery as a value gives at most one row")
    return values[0] if values else None


def _in_query(inner: tree.Expression, query: tree.Statement, scope: Scope) -> Value:
    value = evaluate(inner, scope)
    if isinstance(inner, tree.Row):
        table = scope.context.run(query, scope.context, scope)
        rows = [list(row) for row in table.rows]
        return _rows("in", cast("list[Value]", value), cast("Value", rows)) if rows else False
    found = _column(query, scope)
    return is_in(value, found) if found else False


def _quantified(node: tree.Quantified, scope: Scope) -> Value:
    left = evaluate(node.left, scope)
    if isinstance(node.right, tree.Query | tree.SetOperation | tree.Values):
        items = _column(node.right, scope)
    else:
        listed = evaluate(cast("tree.Expression", node.right), scope)
        if not isinstance(listed, list):
            return None
        items = cast("list[Value]", listed)
    conditions = [compare(node.op, left, item) for item in items]
    return any_of(conditions) if node.quantifier == "any" else all_of(conditions)


# Calls


def _call(node: tree.Call, scope: Scope) -> Value:
    if node.window is not None:
        return windowed(node, scope, evaluate)
    if node.name in AGGREGATES and scope.group is not None:
        return aggregated(node, scope.group.members)
    if node.name in AGGREGATES and node.name not in FUNCTIONS:
        raise EvaluationError(f"{node.name} has no group here")
    match node.name:
        case "grouping":
            return _grouping(node, scope)
        case "any_span":
            inner = flattened(node.arguments[0])
            return any(evaluate(inner, span) is True for span in scope.trace or [scope])
        case "filter_spans":
            return evaluate(node.arguments[0], scope)
        case "search":
            phrase = evaluate(node.arguments[0], scope)
            return or_(*(match(scope.value((name,)), phrase) for name in SEARCHED))
        case "estimated_cost":
            return evaluate(tree.Identifier(("metrics", "estimated_cost")), scope)
        case name if name in NOW_NAMES | TODAY_NAMES:
            return _now(name)
        case "second" | "minute" | "hour" | "day" | "week" | "month" | "year":
            return _truncated(node.name, evaluate(node.arguments[0], scope), scope)
        case "date_trunc":
            unit, moment, *zone = (evaluate(argument, scope) for argument in node.arguments)
            return truncated_there(unit, moment, *zone) if zone else _truncated(unit, moment, scope)
        case "to_date" | "date":
            value, *pattern = (evaluate(argument, scope) for argument in node.arguments)
            if not pattern:
                return _truncated("day", value, scope)
            moment = by_pattern(value, pattern[0])
            return None if moment is None else truncated("day", moment, 0)
        case "textcat":
            return joined(node.arguments, [evaluate(each, scope) for each in node.arguments])
        case "to_integer":
            return to_integer(evaluate(node.arguments[0], scope))
        case "to_boolean":
            return to_boolean(evaluate(node.arguments[0], scope))
        case _:
            pass
    if node.name not in FUNCTIONS:
        raise EvaluationError(f"unknown function {node.name}")
    return FUNCTIONS[node.name]([evaluate(argument, scope) for argument in node.arguments])


def _truncated(unit: Value, value: Value, scope: Scope) -> Value:
    moment = time_in(value)
    return (
        None
        if moment is None or not isinstance(unit, str)
        else truncated(unit, moment, scope.context.options.tz_offset)
    )


def _grouping(node: tree.Call, scope: Scope) -> Value:
    assert scope.group is not None
    keys = [key for key, _ in scope.group.keys]
    bits = [int(keys.index(argument) not in scope.group.grouped) for argument in node.arguments]
    return int("".join(map(str, bits)), 2)


def aggregated(node: tree.Call, members: Sequence[Scope]) -> Value:
    """Return an aggregate over the rows of a group."""
    if node.filter is not None:
        members = [member for member in members if evaluate(node.filter, member) is True]
    arguments = node.arguments
    by_itself = (tree.SortItem(arguments[0]),) if node.name == "mode" and arguments else ()
    if order := node.order or by_itself:
        members = in_order(members, order)
    if not arguments or isinstance(arguments[0], tree.Star):
        arguments = (tree.Literal(1),)
    if node.name in ("percentile_cont", "percentile_disc", "mode", "median") and node.order:
        arguments = (node.order[0].expression, *node.arguments)
    rows = [tuple(evaluate(argument, member) for argument in arguments) for member in members]
    if node.distinct:
        rows = list({tuple(map(identity, row)): row for row in rows}.values())
    return AGGREGATES[node.name](rows)


def in_order(scopes: Sequence[Scope], keys: Sequence[tree.SortItem]) -> list[Scope]:
    """Return the rows sorted."""
    keyed = [([evaluate(key.expression, scope) for key in keys], scope) for scope in scopes]
    return [scope for _, scope in sorted_by(keyed, keys)]
