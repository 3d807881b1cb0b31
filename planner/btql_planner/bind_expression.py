"""Bind expressions: every node of the tree becomes a typed expression.

Here is decided what needs a decision before a plan can be made: what a name
means, whether a text in double quotes is a name, what a comparison with
``null`` means, which texts are times, and which conditions the text index
can answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import assert_never

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors, types
from btql_planner.expressions import (
    AggregateCall,
    Apply,
    Column,
    Constant,
    Expression,
    Match,
    Parameter,
    PathValue,
    Reference,
)
from btql_planner.functions import functions
from btql_planner.functions.registry import Function
from btql_planner.scope import Scope
from btql_planner.types import Kind, Type, describe
from btql_storage.fields import INDEXED_FIELDS
from btql_storage.kinds import TEXT_BYTES_MAX
from btql_storage.tokens import tokenize

SEARCHED = ("input", "output", "expected", "metadata", "span_attributes")
"""The fields that ``search(query)`` looks into."""
WITHOUT_PARENTHESES = frozenset({"current_date", "current_timestamp"})
"""Functions that SQL calls by their bare name."""


@dataclass
class ExpressionBinder:
    """Binds expressions over the names of one query."""

    names: Scope
    aggregates: bool = False
    """Whether aggregates may stand here."""

    def bind(self, node: tree.Expression) -> Expression:
        """Return the typed expression for a tree node."""
        match node:
            case tree.Literal():
                return self._literal(node)
            case tree.Identifier(path=(str(name),)) if name.lower() in WITHOUT_PARENTHESES:
                found = self.names.find((name,), node.span)
                return found or self._call(tree.Call(name.lower(), (), span=node.span, name_span=node.span))
            case tree.Identifier(path=path):
                return self.names.resolve(path, node.span)
            case tree.Call():
                return self._call(node)
            case tree.Comparison():
                return self._comparison(node)
            case tree.Includes():
                return self._apply("includes", (node.haystack, node.needle), node.span)
            case tree.Boolean():
                return self._apply(node.op, node.children, node.span)
            case tree.Not():
                return self._apply("not", (node.expression,), node.span)
            case tree.IsNull():
                return self._apply("isnotnull" if node.negated else "isnull", (node.expression,), node.span)
            case tree.Negative():
                return self._apply("neg", (node.expression,), node.span)
            case tree.Arithmetic():
                return self._apply(node.op, (node.left, node.right), node.span)
            case tree.If():
                parts = [part for branch in node.branches for part in branch]
                return self._apply("if", (*parts, node.otherwise), node.span)
            case tree.Interval():
                return Constant(f"{node.value} {node.unit}", Kind.INTERVAL, span=node.span)
            case tree.Array():
                return self._array(node)
            case tree.Object():
                raise errors.not_supported("an object literal", node.span)
            case tree.Cast() | tree.JsonOperator() | tree.Subscript() | tree.Row():
                raise errors.not_supported("this operator", node.span)
            case tree.Subquery() | tree.Exists() | tree.InQuery() | tree.Quantified():
                raise errors.not_supported("a subquery", node.span)
            case tree.Star():
                raise BtqlError.of(errors.MISPLACED, "`*` stands for no single value", node.span, "not here")
            case _:
                assert_never(node)

    def _literal(self, node: tree.Literal) -> Expression:
        value = node.value
        if node.double_quoted and isinstance(value, str):
            found = self.names.find((value,), node.span) if value else None
            if found is not None:
                return found
        return _constant(value, node.span)

    def _array(self, node: tree.Array) -> Expression:
        items: list[str] = []
        for item in node.items:
            if not isinstance(item, tree.Literal) or not isinstance(item.value, str):
                raise errors.not_supported("a list of anything but texts", item.span, "compare the elements one by one")
            items.append(item.value)
        return Constant(tuple(items), Kind.LIST, span=node.span)

    def _call(self, node: tree.Call) -> Expression:
        if node.name == "search":
            return self._search(node)
        name = node.name
        if node.distinct and name == "count":
            name = "count_distinct"
        elif node.distinct and name not in ("min", "max", "count_distinct"):
            raise errors.not_supported(f"`{name}` with DISTINCT", node.span)
        function = self._function(name, node)
        arguments = node.arguments
        if name == "count" and (not arguments or isinstance(arguments[0], tree.Star)):
            arguments = (tree.Literal(1, span=node.span),)
        if not function.accepts(len(arguments)):
            message = f"`{name}` does not take {len(arguments)} argument{'' if len(arguments) == 1 else 's'}"
            raise BtqlError.of(
                errors.WRONG_ARGUMENT_COUNT, message, node.span, "this call", help=f"write `{function.signature}`"
            )
        if not function.aggregate:
            return self._apply_function(function, arguments, node.span)
        return self._aggregate(function, arguments, node)

    def _function(self, name: str, node: tree.Call) -> Function:
        function = functions().get(name)
        if function is not None and not function.hidden:
            return function
        if name in ("contains", "includes"):
            return functions()["includes"]
        public = [each for each, known in functions().items() if not known.hidden]
        close = errors.close_to(name, [*public, "search"])
        message = f"unknown function `{name}`"
        place = node.name_span if node.name_span.end else node.span
        raise BtqlError.of(
            errors.UNKNOWN_FUNCTION, message, place, "no such function",
            help=f"did you mean `{close}`?" if close else "`docs/functions.md` lists all of them",
        )  # fmt: skip

    def _aggregate(self, function: Function, nodes: Sequence[tree.Expression], call: tree.Call) -> Expression:
        if not self.aggregates:
            raise BtqlError.of(
                errors.MISPLACED, f"the aggregate `{function.name}` cannot stand here", call.span,
                "no groups exist here yet", help="filter groups with `final_filter:`, in SQL with `HAVING`",
            )  # fmt: skip
        inner = replace(self, aggregates=False)
        arguments = tuple(inner.bind(node) for node in nodes)
        self._check(function, arguments)
        if function.scalar:
            arguments = tuple(_scalar(argument) for argument in arguments)
        type_ = function.returns([argument.type for argument in arguments])
        return AggregateCall(function, arguments, type_, span=call.span)

    def _search(self, node: tree.Call) -> Expression:
        if len(node.arguments) != 1:
            raise BtqlError.of(
                errors.WRONG_ARGUMENT_COUNT, "`search` takes one argument", node.span, "this call",
                help="write `search('some words')`",
            )  # fmt: skip
        phrase = node.arguments[0]
        parts = [
            tree.Comparison("match", tree.Identifier((name,), span=node.span), phrase, span=node.span)
            for name in SEARCHED
        ]
        return self._apply("or", parts, node.span)

    def _comparison(self, node: tree.Comparison) -> Expression:
        op, span = node.op, node.span
        if isinstance(node.right, tree.Literal) and node.right.value is None and op in ("eq", "ne", "is"):
            return self._apply("isnotnull" if op == "ne" else "isnull", (node.left,), span)
        if op == "is":
            return self._apply("nseq", (node.left, node.right), span)
        if op == "in":
            return self._in(node)
        if op == "match":
            return self._match(node)
        return self._apply(op, (node.left, node.right), span)

    def _in(self, node: tree.Comparison) -> Expression:
        if not isinstance(node.right, tree.Array):
            return self._apply("includes", (node.right, node.left), node.span)
        return self._apply("in", (node.left, *node.right.items), node.span)

    def _match(self, node: tree.Comparison) -> Expression:
        left, right = self.bind(node.left), self.bind(node.right)
        if not isinstance(right, Constant) or not isinstance(right.value, str):
            raise BtqlError.of(
                errors.WRONG_ARGUMENT, "MATCH looks for a text that is written in the query", node.right.span,
                "not a text", help="write the words in quotes: `input MATCH 'some words'`",
            )  # fmt: skip
        tokens = tuple(tokenize(right.value))
        name = left.path[0] if isinstance(left, PathValue) and len(left.path) == 1 else None
        if isinstance(left, Column):
            name = left.name
        if name in INDEXED_FIELDS and isinstance(left, PathValue | Column):
            return Match(str(name), tokens, _scalar(left), span=node.span)  # type: ignore[arg-type]
        phrase = Constant(" ".join(tokens), Kind.TEXT, span=right.span)
        return Apply(functions()["match"], (left, phrase), types.BOOLEAN, span=node.span)

    def _apply(self, name: str, nodes: Sequence[tree.Expression], span: Span) -> Expression:
        return self._apply_function(functions()[name], nodes, span)

    def _apply_function(self, function: Function, nodes: Sequence[tree.Expression], span: Span) -> Expression:
        arguments = tuple(self.bind(node) for node in nodes)
        if function.hidden:
            arguments = _as_operands(function.name, arguments, span)
        else:
            self._check(function, arguments)
            if function.name in ("least", "greatest", "nullif") and types.TIME in {each.type for each in arguments}:
                arguments = tuple(_as_time(argument) for argument in arguments)
        if function.scalar or _needs_no_document(function.name, arguments):
            arguments = tuple(_scalar(argument) for argument in arguments)
        type_ = function.returns([argument.type for argument in arguments])
        return Apply(function, arguments, type_, span=span)

    def _check(self, function: Function, arguments: Sequence[Expression]) -> None:
        for index, argument in enumerate(arguments):
            parameter = function.parameter(index)
            wanted = parameter.type
            fits = argument.type & (wanted | (types.TEXT if wanted == types.TIME else types.NULL))
            fits |= argument.type & types.BOOLEAN if wanted == types.NUMBER else types.NULL
            fits |= argument.type & types.INTEGER if wanted == types.FLOAT else types.NULL
            if _certain(argument) and argument.type and not fits:
                message = f"`{function.name}` takes a {describe(wanted)} as `{parameter.name}`"
                raise BtqlError.of(
                    errors.WRONG_TYPE, message, argument.span, f"this is a {describe(argument.type)}",
                    help=f"write `{function.signature}`",
                )  # fmt: skip


def _as_operands(name: str, arguments: tuple[Expression, ...], span: Span) -> tuple[Expression, ...]:
    """Return an operator's arguments, texts beside times read as times, after a check of their types."""
    if name in ("eq", "ne", "lt", "le", "gt", "ge", "nseq", "nsne", "in"):
        if any(argument.type == types.TIME for argument in arguments):
            arguments = tuple(_as_time(argument) for argument in arguments)
        _check_comparable(arguments, span)
    elif name in ("add", "sub", "mul", "mod", "div", "neg"):
        _check_arithmetic(name, arguments)
    elif name in ("like", "ilike"):
        _check_pattern(name, arguments[1])
    return arguments


def _check_comparable(arguments: tuple[Expression, ...], span: Span) -> None:
    first = arguments[0]
    for other in arguments[1:]:
        if not (_certain(first) and _certain(other) and first.type and other.type):
            continue
        if not _comparable(first.type, other.type):
            message = f"cannot compare {describe(first.type)} with {describe(other.type)}"
            error = BtqlError.of(errors.WRONG_TYPE, message, other.span, f"this is a {describe(other.type)}")
            raise error if other.span.end else BtqlError.of(errors.WRONG_TYPE, message, span, "this comparison")


def _comparable(one: Type, other: Type) -> bool:
    meeting = one & other
    numeric = types.NUMBER | types.TEXT
    if meeting or (one & numeric and other & numeric):
        return True
    return bool({Kind.LIST, Kind.TEXT} <= one | other or {Kind.TIME, Kind.TEXT} <= one | other)


def _check_arithmetic(name: str, arguments: tuple[Expression, ...]) -> None:
    interval = any(argument.type == types.INTERVAL for argument in arguments)
    for argument in arguments:
        if not _certain(argument) or not argument.type:
            continue
        usable = argument.type & (types.NUMBER | (types.TIME | types.INTERVAL | types.TEXT if interval else types.NULL))
        if not usable or (interval and name not in ("add", "sub")):
            raise BtqlError.of(
                errors.WRONG_TYPE, "arithmetic needs numbers, or a time and an interval", argument.span,
                f"this is a {describe(argument.type)}",
                help="times take `+` and `-` with an interval: `now() - interval 1 day`",
            )  # fmt: skip


def _check_pattern(name: str, pattern: Expression) -> None:
    if _certain(pattern) and pattern.type and Kind.TEXT not in pattern.type:
        raise BtqlError.of(
            errors.WRONG_TYPE, f"{name.upper()} compares with a pattern, which is a text", pattern.span,
            f"this is a {describe(pattern.type)}", help="write the pattern in quotes: `'%5%'`",
        )  # fmt: skip


def _as_time(argument: Expression) -> Expression:
    if not isinstance(argument, Constant) or not isinstance(argument.value, str) or argument.kind is not Kind.TEXT:
        return argument
    try:
        moment = datetime.fromisoformat(argument.value)
    except ValueError:
        raise BtqlError.of(
            errors.NOT_A_TIME, f"`{argument.value}` is not a time", argument.span, "compared with a time",
            help="write a date or time as ISO 8601: '2026-11-25' or '2026-11-25T10:30:00Z'",
        ) from None  # fmt: skip
    return Constant(moment if moment.tzinfo else moment.replace(tzinfo=UTC), Kind.TIME, span=argument.span)


def _needs_no_document(name: str, arguments: tuple[Expression, ...]) -> bool:
    """Whether the columns decide although some values are only in the documents.

    Arrays, objects and texts of more than 1 KiB differ from every short scalar
    and have no order with a number. IN is another matter: it looks into arrays.
    """
    others = [argument for argument in arguments if not isinstance(argument, PathValue)]
    if len(others) != len(arguments) - 1 or not all(isinstance(other, Constant) for other in others):
        return False
    values = [other.value for other in others if isinstance(other, Constant)]
    if name in ("eq", "ne", "nseq", "nsne"):
        return all(
            not isinstance(value, str | tuple) or (isinstance(value, str) and len(value.encode()) <= TEXT_BYTES_MAX)
            for value in values
        )
    return name in ("lt", "le", "gt", "ge") and all(isinstance(value, int | float) for value in values)


def _scalar(argument: Expression) -> Expression:
    return replace(argument, scalar=True) if isinstance(argument, PathValue) else argument


def _certain(argument: Expression) -> bool:
    """Whether the type comes from the query itself, not from what documents happen to hold."""
    match argument:
        case Constant() | Column() | Match():
            return True
        case Apply() | AggregateCall():
            return argument.function.certain or all(_certain(each) for each in argument.arguments)
        case PathValue() | Reference() | Parameter():
            return False
        case _:
            assert_never(argument)


def _constant(value: tree.Scalar, span: Span) -> Constant:
    kind: Kind | None
    match value:
        case None:
            kind = None
        case bool():
            kind = Kind.BOOLEAN
        case int():
            kind = Kind.INTEGER if -(2**63) <= value < 2**63 else Kind.FLOAT
        case float():
            kind = Kind.FLOAT
        case str():
            kind = Kind.TEXT
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return Constant(int(value), Kind.INTEGER, span=span)
    return Constant(value, kind, span=span)
