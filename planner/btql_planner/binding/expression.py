"""Bind expressions: every node of the tree becomes a typed expression.

Here is decided what a name means and whether a text in double quotes is one;
the rest is in modules beside this one: calls and their arguments in
:mod:`.call`, comparisons in :mod:`.comparison`, arrays and objects in :mod:`.json`, casts in
:mod:`.casts`, the operators of JSON in :mod:`.json_operators`, and what is known
while the query is planned in :mod:`.fold`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from btql_grammar import tree
from btql_grammar.dates import is_date
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.binding.arguments import (
    as_operands,
    check_arguments,
    needs_no_document,
    takes_keys,
    with_documents,
    with_times,
)
from btql_planner.binding.call import bind_call
from btql_planner.binding.comparison import bind_comparison, bind_quantified
from btql_planner.binding.fold import fold
from btql_planner.binding.json import bind_array, bind_object, json_in_quotes
from btql_planner.binding.scope import Scope
from btql_planner.binding.subquery import bind_subquery
from btql_planner.binding.window import bind_over
from btql_planner.expressions import Apply, Constant, Expression, as_scalar
from btql_planner.functions import functions
from btql_planner.functions.function import Function
from btql_planner.options import QueryOptions
from btql_planner.prices import Prices
from btql_planner.types import INTEGER, TEXT, Kind

WITHOUT_PARENTHESES = frozenset({"current_date", "current_timestamp"})
"""Functions that SQL calls by their bare name."""


@dataclass
class ExpressionBinder:
    """Binds expressions over the names of one query."""

    names: Scope
    aggregates: bool = False
    """Whether aggregates may stand here."""
    inside: str = ""
    """The aggregate whose arguments are bound."""

    @property
    def options(self) -> QueryOptions:
        """The options of the query."""
        return self.names.context.options

    def now(self) -> datetime:
        """Return the time at which the query is planned."""
        return self.names.context.now()

    def prices(self) -> Prices:
        """Return what models cost."""
        return self.names.context.prices()

    def _is_called_by_name(self, name: str) -> bool:
        session = self.options.session
        return name in WITHOUT_PARENTHESES or (session is not None and name in session.keywords)

    def within(self, aggregate: str) -> ExpressionBinder:
        """Return the binder of what stands inside an aggregate."""
        return replace(self, aggregates=False, inside=aggregate)

    def bind(self, node: tree.Expression) -> Expression:
        """Return the typed expression for a tree node."""
        match node:
            case tree.Literal():
                return self._literal(node)
            case tree.Parameter():
                if not self.options.describing:
                    from btql_grammar.parameters import without_value  # A query with all its values needs none of it.

                    raise without_value(node)
                return Constant(None, None, span=node.span)
            case tree.Identifier(path=(str(name),)) if self._is_called_by_name(name.lower()):
                found = self.names.find((name,), node.span)
                return found or bind_call(self, tree.Call(name.lower(), (), span=node.span, name_span=node.span))
            case tree.Identifier(path=path):
                return self.names.resolve(path, node.span)
            case tree.Call(window=tree.Window()):
                return bind_over(self, node)
            case tree.Call(name="grouping"):
                return self._grouping(node)
            case tree.Call():
                return bind_call(self, node)
            case tree.Comparison():
                return bind_comparison(self, node)
            case tree.Quantified() if not isinstance(node.right, tree.Query | tree.SetOperation | tree.Values):
                return bind_quantified(self, node)
            case tree.Subquery() | tree.Exists() | tree.InQuery() | tree.Quantified():
                return bind_subquery(self, node)
            case tree.Array():
                return bind_array(self, node)
            case tree.Object():
                return bind_object(self, node)
            case tree.Cast():
                from btql_planner.binding.casts import bind_cast

                return bind_cast(self, node)
            case tree.JsonOperator() | tree.Subscript():
                from btql_planner.binding.json_operators import bind_json_operator

                return bind_json_operator(self, node)
            case tree.Interval():
                return Constant(f"{node.value} {node.unit}", Kind.INTERVAL, span=node.span)
            case tree.Star() | tree.Row():
                raise _no_single_value(node)
            case _:
                return self._operator(node)

    def _operator(
        self,
        node: tree.Includes | tree.Boolean | tree.Not | tree.IsNull | tree.Negative | tree.Arithmetic | tree.If,
    ) -> Expression:
        match node:
            case tree.Includes():
                return self._includes(node)
            case tree.Boolean():
                return self.apply(node.op, node.children, node.span)
            case tree.Not():
                return self.apply("not", (node.expression,), node.span)
            case tree.IsNull():
                return self.apply("isnotnull" if node.negated else "isnull", (node.expression,), node.span)
            case tree.Negative():
                return self.apply("neg", (node.expression,), node.span)
            case tree.Arithmetic():
                operands = self._with_days(node)
                op = "jsonb_delete" if node.op == "sub" and takes_keys(*operands) else node.op
                return self.apply_to(functions()[op], operands, node.span)
            case tree.If():
                parts = [part for branch in node.branches for part in branch]
                return self.apply("if", (*parts, node.otherwise), node.span)
            case _:
                assert_never(node)

    def _with_days(self, node: tree.Arithmetic) -> list[Expression]:
        """Return the operands of arithmetic, whole numbers beside a date as so many days: ``current_date - $1``."""
        operands = [self.bind(node.left), self.bind(node.right)]
        # Days are taken from a date, and not a date from days.
        dates = {"add": (0, 1), "sub": (0,)}.get(node.op, ())
        for date in dates:
            other = 1 - date
            if operands[other].type == INTEGER and self._is_date((node.left, node.right)[date]):
                day = Constant("1 day", Kind.INTERVAL, span=operands[other].span)
                operands[other] = self.apply_to(functions()["mul"], (operands[other], day), operands[other].span)
        return operands

    def _is_date(self, node: tree.Expression) -> bool:
        """Whether an expression would be a date in Postgres, which one is that was moved by a number of days."""
        if isinstance(node, tree.Arithmetic) and node.op in ("add", "sub") and self._is_date(node.left):
            return is_date(node) or self.bind(node.right).type == INTEGER
        return is_date(node)

    def _includes(self, node: tree.Includes) -> Expression:
        haystack, needle = self.bind(node.haystack), self.bind(node.needle)
        if haystack.type == TEXT:
            written = self.names.context.text(node.haystack.span)
            self.names.context.warn(
                f"`{written}` is a text and has no elements, so it contains nothing; "
                f"for a part of it write `{written} LIKE '%…%'`, for words in it `MATCH`"
            )
        return self.apply_to(functions()["includes"], (haystack, needle), node.span)

    def field(self, *path: str, span: Span) -> Expression:
        """Return a field that the query does not name itself: where no row has it, no warning says so."""
        warnings = self.names.context.warnings
        said = len(warnings)
        found = self.names.resolve(path, span)
        del warnings[said:]
        return found

    def apply(self, name: str, nodes: Sequence[tree.Expression], span: Span) -> Expression:
        """Return a function or operator applied to arguments that are still to be bound."""
        return self.apply_to(functions()[name], [self.bind(node) for node in nodes], span)

    def apply_to(self, function: Function, arguments: Sequence[Expression], span: Span) -> Expression:
        """Return a scalar function or operator applied to bound arguments, after a check of their types."""
        bound = tuple(arguments)
        if function.hidden:
            bound = as_operands(function.name, bound, span)
        else:
            check_arguments(function, bound)
            if function.name in ("least", "greatest", "nullif", "coalesce"):
                bound = with_times(bound)
            elif function.name == "textcat":
                bound = with_documents(bound)
            elif function.name == "jsonb_set":
                bound = (*bound[:2], json_in_quotes(self, bound[2]))
        if function.scalars_only or needs_no_document(function.name, bound):
            bound = tuple(as_scalar(argument) for argument in bound)
        type_ = function.returns([argument.type for argument in bound])
        applied = Apply(function, bound, type_, span=span)
        return fold(applied) or applied

    def _grouping(self, node: tree.Call) -> Expression:
        if not self.aggregates:
            raise BtqlError.of(
                errors.MISPLACED, "`grouping` cannot stand here", node.span, "no groups exist here yet",
                help="select it, or ask for it in `HAVING`",
            )  # fmt: skip
        return self.apply("grouping", node.arguments, node.span)

    def _literal(self, node: tree.Literal) -> Expression:
        value = node.value
        if node.double_quoted and isinstance(value, str):
            found = self.names.find((value,), node.span) if value else None
            if found is not None:
                return found
        return constant(value, node.span)


def constant(value: tree.Scalar, span: Span) -> Constant:
    """Return the constant of a literal; a whole number is one however it is written."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        value = int(value)
    match value:
        case None:
            return Constant(None, None, span=span)
        case bool():
            return Constant(value, Kind.BOOLEAN, span=span)
        case int():
            return Constant(value, Kind.INTEGER if -(2**63) <= value < 2**63 else Kind.BIG, span=span)
        case float():
            return Constant(value, Kind.FLOAT, span=span)
        case str():
            return Constant(value, Kind.TEXT, span=span)


def _no_single_value(node: tree.Star | tree.Row) -> BtqlError:
    what, way_out = "`*`", None
    if isinstance(node, tree.Row):
        what, way_out = "a row of several values", "rows can be compared: `(a, b) = (1, 2)`"
    return BtqlError.of(errors.MISPLACED, f"{what} stands for no single value", node.span, "not here", help=way_out)
