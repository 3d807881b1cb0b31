"""The JSON form to the syntax tree: expressions, one reader for each operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal as Choice
from typing import cast, get_args

from btql_grammar import build, parser, tree
from btql_grammar.depth import children
from btql_grammar.json_form.values import Node
from btql_grammar.span import Span

_NOWHERE = Span(0, 0)
_COMPARISONS: tuple[str, ...] = get_args(tree.ComparisonOp)
_ARITHMETIC: tuple[str, ...] = get_args(tree.ArithmeticOp)
SPAN_FILTERS = {"singlespanfilter": "any_span", "matchingspansfilter": "filter_spans"}
"""Operators of the JSON form that are calls in text."""


def read_expression(node: Node) -> tree.Expression:
    """Return the tree of an expression."""
    if "btql" in node.mapping():
        return _snippet(node)
    op = node.chosen("op", *_OPERATORS)
    return _OPERATORS[op](node, op)


def read_path(node: Node, *others: str) -> tuple[str | int, ...]:
    """Return the path of an ident, which may have keys with these other names."""
    node.chosen("op", "ident")
    node.refuse_others(("op", "name", "alias"))
    if node.has("alias") and "alias" not in others:
        node.required("alias").fail("has no meaning here", "give the entry of the list the alias")
    name = node.required("name")
    path = tuple(_step(piece) for piece in name.items())
    if not path or not isinstance(path[0], str):
        name.fail("must begin with the name of a field")
    return path


def read_star(node: Node) -> tree.Star:
    """Return the tree of ``*``, with what it replaces and leaves out."""
    node.refuse_others(("op", "replace", "exclude", "table"))
    replace = node.maybe("replace", lambda found: tuple((key, read_expression(e)) for key, e in found.entries()))
    exclude = node.maybe("exclude", lambda found: tuple(name.text() for name in found.items()))
    return tree.Star(replace=replace or (), exclude=exclude or (), table=node.maybe("table", Node.text))


def _step(piece: Node) -> str | int:
    return piece.text() if isinstance(piece.value, str) else piece.integer()


def _snippet(node: Node) -> tree.Expression:
    node.refuse_others(("btql", "op"))
    if node.has("op"):
        node.chosen("op", "btql")
    text = node.required("btql")
    made = parser.parse_expression(text.text(), name=text.path)
    level: list[tree.Expression] = [made]
    while level:
        node.budget.spend(len(level), text.path)
        level = [cast("tree.Expression", child) for parent in level for child in children(parent)]
    return made


# Values.


def _literal(node: Node, _: str) -> tree.Expression:
    node.refuse_others(("op", "value"))
    return _constant(node.required("value"))


def _constant(node: Node) -> tree.Expression:
    value = node.value
    if value is None or isinstance(value, bool):
        return tree.Literal(value)
    if isinstance(value, str):
        return tree.Literal(node.text())
    if isinstance(value, list | tuple):
        return tree.Array(tuple(_constant(item) for item in node.items()))
    if isinstance(value, Mapping):
        return tree.Object(tuple((key, _constant(item)) for key, item in node.entries()))
    return tree.Literal(node.number())


def _interval(node: Node, _: str) -> tree.Expression:
    node.refuse_others(("op", "value", "unit"))
    unit = node.chosen("unit", *build.UNITS)
    return tree.Interval(node.required("value").integer(), build.UNITS[unit])


def _ident(node: Node, _: str) -> tree.Expression:
    return tree.Identifier(read_path(node))


def _function(node: Node, _: str) -> tree.Expression:
    node.refuse_others(("op", "name", "args", "duplicate_treatment", "shape", "alias"))
    for key in ("shape", "alias"):
        if node.has(key):
            node.required(key).fail("has no meaning here", "only a source has it")
    name = node.required("name")
    path = read_path(name)
    if len(path) != 1:
        name.fail("must be the name of a function")
    treatment = node.maybe("duplicate_treatment", lambda found: found.choice("Distinct", "All"))
    arguments = tuple(_argument(argument) for argument in node.required("args").items())
    return tree.Call(str(path[0]).lower(), arguments, distinct=treatment == "Distinct")


def _argument(node: Node) -> tree.Expression:
    if "expr" in node.mapping() and "op" not in node.mapping():
        node.fail("is a named argument, which only a source takes", "give the expression alone")
    return read_star(node) if node.mapping().get("op") == "star" else read_expression(node)


# Operators.


def _comparison(node: Node, op: str) -> tree.Expression:
    left, right = _sides(node)
    if op == "is":
        return build.is_(left, right, _NOWHERE, negated=False)
    return tree.Comparison(cast("tree.ComparisonOp", op), left, right)


def _arithmetic(node: Node, op: str) -> tree.Expression:
    left, right = _sides(node)
    return tree.Arithmetic(cast("tree.ArithmeticOp", op), left, right)


def _sides(node: Node) -> tuple[tree.Expression, tree.Expression]:
    node.refuse_others(("op", "left", "right"))
    return read_expression(node.required("left")), read_expression(node.required("right"))


def _includes(node: Node, _: str) -> tree.Expression:
    node.refuse_others(("op", "haystack", "needle"))
    return tree.Includes(read_expression(node.required("haystack")), read_expression(node.required("needle")))


def _boolean(node: Node, op: str) -> tree.Expression:
    node.refuse_others(("op", "left", "right", "children"))
    if not node.has("children"):
        conditions = [read_expression(node.required("left")), read_expression(node.required("right"))]
    elif node.has("left") or node.has("right"):
        node.fail("has both `children` and sides", "keep either `children`, or `left` and `right`")
    else:
        conditions = [read_expression(child) for child in node.required("children").items()]
    if not conditions:
        node.required("children").fail("must hold at least one condition")
    if len(conditions) == 1:
        return conditions[0]
    return build.connect(cast('Choice["and", "or"]', op), conditions, _NOWHERE)


def _if(node: Node, _: str) -> tree.Expression:
    node.refuse_others(("op", "conds", "else"))
    branches: list[tuple[tree.Expression, tree.Expression]] = []
    for branch in node.required("conds").items():
        branch.refuse_others(("cond", "then"))
        branches.append((read_expression(branch.required("cond")), read_expression(branch.required("then"))))
    if not branches:
        node.required("conds").fail("must hold at least one condition")
    return build.if_(branches, read_expression(node.required("else")), _NOWHERE)


def _unary(node: Node, op: str) -> tree.Expression:
    node.refuse_others(("op", "expr"))
    inner = read_expression(node.required("expr"))
    match op:
        case "not":
            return tree.Not(inner)
        case "neg":
            return build.negative(inner, _NOWHERE)
        case "isnull" | "isnotnull":
            return tree.IsNull(inner, negated=op == "isnotnull")
        case _:
            return tree.Call(SPAN_FILTERS[op], (inner,))


_OPERATORS: dict[str, Callable[[Node, str], tree.Expression]] = {
    "literal": _literal,
    "interval": _interval,
    "ident": _ident,
    "function": _function,
    **dict.fromkeys(_COMPARISONS, _comparison),
    "includes": _includes,
    "and": _boolean,
    "or": _boolean,
    "if": _if,
    **dict.fromkeys(("not", "neg", "isnull", "isnotnull", *SPAN_FILTERS), _unary),
    **dict.fromkeys(_ARITHMETIC, _arithmetic),
}
"""Every operator of the JSON form, and what reads it."""
