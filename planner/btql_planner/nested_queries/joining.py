"""Put joins in the place of queries inside expressions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from btql_grammar.span import Span
from btql_planner import errors, types
from btql_planner.conditions import all_of, apply, with_conditions
from btql_planner.expression_traversal import conjuncts, transform, walk
from btql_planner.expressions import (
    Apply,
    Column,
    Constant,
    Expression,
    Over,
    Parameter,
    Reference,
    Subquery,
    engine_name,
)
from btql_planner.nested_queries.peeling import Peeled, aggregate, count, has_parameters, peel, substitute
from btql_planner.plan import Aggregate, Filter, Limit, Named, Plan, Project, Sort
from btql_planner.plan_relations import Join, Lateral, Shared, Window
from btql_planner.plan_traversal import expressions, inputs, map_expressions, with_inputs
from btql_planner.plan_traversal import walk as walk_plan
from btql_planner.relations import sources, sources_of
from btql_planner.types import Kind

_NEVER_NULL = frozenset({"id", "_xact_id", "_pagination_key", "created", "span_id", "root_span_id"})
_ONE = Constant(1, Kind.INTEGER)
_ZERO = Constant(0, Kind.INTEGER)
_TRUE = Constant(True, Kind.BOOLEAN)  # noqa: FBT003
_FALSE = Constant(False, Kind.BOOLEAN)  # noqa: FBT003

Placed = dict[Subquery, Expression]


@dataclass
class Joins:
    """Puts joins into one plan."""

    made: int = field(default=0)
    inner: dict[int, tuple[Plan, Plan]] = field(default_factory=dict[int, tuple[Plan, Plan]])
    """Plans of subqueries and what they have become, by their identity, which is theirs as long as they are here."""

    def place(self, plan: Plan) -> tuple[Plan, Placed]:
        """Return the plan with joins for the queries in it, and the columns that they have become above it."""
        below = [self.place(each) for each in inputs(plan)]
        plan = with_inputs(plan, tuple(each for each, _ in below))
        placed = dict(below[0][1]) if len(below) == 1 else {}
        if not any(map(_nested, expressions(plan))):
            return plan, {} if isinstance(plan, Aggregate | Project) else placed
        match plan:
            case Filter():
                return self._filter(plan, placed)
            case Join(kind="inner", condition=condition) if condition is not None:
                return self.place(Filter(replace(plan, condition=None), condition))
            case Join(kind="left" | "right", condition=condition) if condition is not None:
                return self._outer_join(plan, condition), placed
            case Join() | Lateral():
                place = next(
                    part.span for each in expressions(plan) for part in walk(each) if isinstance(part, Subquery)
                )
                raise errors.not_supported("a subquery in the condition of an outer join", place, "put it into WHERE")
            case Project():
                return self._project(plan, placed), {}
            case _:
                (rows, *others) = inputs(plan)
                for each in expressions(plan):
                    rows = self._values(rows, each, placed)
                changed = map_expressions(with_inputs(plan, (rows, *others)), lambda each: _replaced(each, placed))
                return changed, {} if isinstance(plan, Aggregate) else placed

    def _inner(self, query: Subquery) -> Plan:
        """Return the plan of a subquery without queries in its expressions; it is asked for again by another way."""
        key = id(query.plan)
        if key not in self.inner:
            self.inner[key] = query.plan, self.place(query.plan)[0]
        return self.inner[key][1]

    def _outer_join(self, plan: Join, condition: Expression) -> Plan:
        """Return the join with the queries of its condition beside the rows of the side that may be left out."""
        rows = plan.right if plan.kind == "left" else plan.left
        there = sources(rows)
        for node in walk(condition):
            if isinstance(node, Subquery) and any(not sources_of(each) <= there for each in node.arguments):
                what = "a subquery that looks at the other side, in the condition of an outer join,"
                raise errors.not_supported(what, node.span, "join it before, or put it into WHERE")
        placed: Placed = {}
        rows = self._values(rows, condition, placed)
        plan = replace(plan, condition=_replaced(condition, placed))
        return replace(plan, right=rows) if plan.kind == "left" else replace(plan, left=rows)

    def _project(self, plan: Project, placed: Placed) -> Plan:
        """Return the columns, with the rows in their order again: a join has none."""
        rows = plan.input
        order = rows.input if isinstance(rows, Limit) else rows
        keys = order.keys if isinstance(order, Sort) else ()
        if isinstance(rows, Sort):
            rows = rows.input
        for item in plan.items:
            rows = self._values(rows, item.expression, placed)
        changed = map_expressions(plan, lambda each: _replaced(each, placed))
        return with_inputs(changed, (Sort(rows, keys) if keys else rows,))

    def _filter(self, plan: Filter, placed: Placed) -> tuple[Plan, Placed]:
        parts = conjuncts(plan.condition)
        rows = with_conditions(plan.input, [part for part in parts if not _nested(part)])
        rest: list[Expression] = []
        for part in filter(_nested, parts):
            joined = self._test(rows, part)
            if joined is None:
                rows = self._values(rows, part, placed)
                rest.append(_replaced(part, placed))
            else:
                rows = joined
        return with_conditions(rows, rest), placed

    def _test(self, rows: Plan, condition: Expression) -> Plan | None:
        """Return the rows that pass a condition which is nothing but a test, None where it is more than that."""
        negated = isinstance(condition, Apply) and condition.function.name == "not"
        query = condition.arguments[0] if negated and isinstance(condition, Apply) else condition
        if (
            not isinstance(query, Subquery)
            or query.column is not None
            or any(_nested(each) for each in query.arguments)
        ):
            return None
        inner = peel(self._inner(query))
        if inner is None:
            return None
        values: dict[str, Expression] = {
            parameter.name: argument for parameter, argument in zip(query.parameters, query.arguments, strict=True)
        }
        around = [substitute(each, values) for each in inner.conditions]
        test = None if query.test is None else substitute(query.test, {**values, **inner.columns})
        if test is None or not negated:
            conditions = [*around, *([] if test is None else [test])]
            return Join(rows, inner.rows, "anti" if negated else "semi", all_of(conditions))
        if not self._may_be_null(test, rows, inner.rows):
            return Join(rows, inner.rows, "anti", all_of([*around, test]))
        if any(isinstance(node, Parameter) for each in inner.conditions for node in walk(each)):
            return Join(rows, inner.rows, "anti", all_of([*around, apply("coalesce", test, _TRUE)]))
        return self._none_equal(rows, test, inner)

    def _none_equal(self, rows: Plan, test: Expression, inner: Peeled) -> Plan:
        """Return the rows for which the test is false in every row of a query that depends on nothing."""
        kept = with_conditions(inner.rows, list(inner.conditions))
        if not (isinstance(test, Apply) and test.function.name == "eq"):
            return Join(rows, kept, "anti", apply("coalesce", test, _TRUE))
        kept = self._read_twice(kept)
        needle, item = test.arguments
        counts, total, present = self._counts(kept, item)
        found = Join(Join(rows, kept, "anti", test), counts, "left")
        empty = apply("eq", total, _ZERO)
        complete = apply("and", apply("isnotnull", needle), apply("eq", total, present))
        return Filter(found, apply("or", empty, complete))

    def _read_twice(self, rows: Plan) -> Plan:
        """Return the rows for two places; those that are joined are computed once, as each level would double them."""
        return Shared(rows, f"shared_{self._name()}") if _is_joined(rows) else rows

    def _counts(self, rows: Plan, item: Expression) -> tuple[Plan, Reference, Reference]:
        """Return one row with the number of rows, and of rows in which the item is not null."""
        name = self._name()
        counts = [Named(engine_name(name, "rows"), count(_ONE)), Named(engine_name(name, "present"), count(item))]
        references = [Reference(each.name, types.INTEGER) for each in counts]
        return Aggregate(rows, (), tuple(counts)), references[0], references[1]

    def _name(self) -> str:
        self.made += 1
        return f"x{self.made}"

    @staticmethod
    def _may_be_null(test: Expression, rows: Plan, inner: Plan) -> bool:
        outer_joins = any(
            isinstance(node, Join) and node.kind in ("left", "right", "full")
            for plan in (rows, inner)
            for node in walk_plan(plan)
        )
        simple = isinstance(test, Apply) and all(
            isinstance(each, Column) and each.name in _NEVER_NULL for each in test.arguments
        )
        return outer_joins or not simple

    def _values(self, rows: Plan, expression: Expression, placed: Placed) -> Plan:
        """Return the rows with a column for each query in an expression."""
        for node in walk(expression):
            if not isinstance(node, Subquery) or node in placed:
                continue
            for argument in node.arguments:
                rows = self._values(rows, argument, placed)
            query = replace(node, arguments=tuple(_replaced(each, placed) for each in node.arguments))
            rows, placed[node] = self._value(rows, query)
        return rows

    def _value(self, rows: Plan, query: Subquery) -> tuple[Plan, Expression]:
        inner = self._inner(query)
        column: Expression
        if isinstance(query.test, Apply) and query.test.function.name == "eq" and _twice(inner, query):
            return self._member(rows, query, query.test, inner)
        if query.column is not None:
            inner, column = _one_row(inner, self._name(), query.span), query.column
        elif query.test is None:
            inner, column = self._exists(inner)
        else:
            inner, column = self._any(inner, query.test)
        return _beside(rows, inner, query), column

    def _member(self, rows: Plan, query: Subquery, test: Apply, inner: Plan) -> tuple[Plan, Expression]:
        """Return whether a value is among the rows of a query that depends on nothing: null where a null hides it."""
        inner = self._read_twice(inner)
        found, among = self._exists(Filter(inner, test))
        counts, total, present = self._counts(inner, test.arguments[1])
        rows = Join(_beside(rows, found, query), counts, "left")
        values = dict(zip((each.name for each in query.parameters), query.arguments, strict=True))
        needle = substitute(test.arguments[0], values)
        surely = apply("and", apply("isnotnull", needle), apply("eq", total, present))
        missing = apply("or", apply("eq", total, _ZERO), surely)
        return rows, apply("if", among, _TRUE, missing, _FALSE, Constant(None, None))

    def _exists(self, inner: Plan) -> tuple[Plan, Expression]:
        found = Named(engine_name(self._name(), "rows"), count(_ONE))
        column = apply("gt", Reference(found.name, types.INTEGER), _ZERO)
        return Aggregate(inner, (), (found,)), column

    def _any(self, inner: Plan, test: Expression) -> tuple[Plan, Expression]:
        """Return whether the test is true in any row: null where it is in none, but null in some."""
        name = self._name()
        true = Named(engine_name(name, "true"), aggregate("count_if", test))
        unknown = Named(engine_name(name, "unknown"), aggregate("count_if", apply("isnull", test)))
        some, open_ = (apply("gt", Reference(each.name, types.INTEGER), _ZERO) for each in (true, unknown))
        nothing = Constant(None, None)
        column = apply("if", some, _TRUE, open_, nothing, _FALSE)
        return Aggregate(inner, (), (true, unknown)), column


def _beside(rows: Plan, inner: Plan, query: Subquery) -> Plan:
    """Return the rows, each with the one row that the query is for it."""
    if not query.parameters:
        return Join(rows, inner, "left")
    return Lateral(rows, inner, "left", query.parameters, query.arguments)


def _twice(inner: Plan, query: Subquery) -> bool:
    """Whether a query may be asked both for one value and for its nulls.

    Not where it looks at the row around it, and not where it holds queries itself and one pass will do, as for a value
    that is the same in all rows.
    """
    return not has_parameters(inner) and (bool(query.parameters) or not _is_joined(inner))


def _is_joined(plan: Plan) -> bool:
    return any(isinstance(node, Join | Lateral) for node in walk_plan(plan))


def _one_row(plan: Plan, name: str, place: Span) -> Plan:
    """Return the plan, made to stop with an error where it has more than one row."""
    top = plan.input if isinstance(plan, Project) else plan
    while isinstance(top, Filter | Sort | Project):
        top = top.input
    if (isinstance(top, Aggregate) and not top.keys) or (
        isinstance(top, Limit) and top.count is not None and top.count < 2
    ):
        return plan
    rows = Named(engine_name(name, "rows"), Over(count(_ONE)))
    counted = Window(plan, (rows,))
    written = (Constant(offset, Kind.INTEGER) for offset in (place.start, place.end))
    return Filter(counted, apply("at_most_one", Reference(rows.name, types.INTEGER), *written))


def _nested(expression: Expression) -> bool:
    return any(isinstance(node, Subquery) for node in walk(expression))


def _replaced(expression: Expression, placed: Placed) -> Expression:
    return transform(expression, lambda node: placed.get(node) if isinstance(node, Subquery) else None)
