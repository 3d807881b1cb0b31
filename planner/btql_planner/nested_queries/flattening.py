"""Put joins in the place of a Lateral."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from btql_planner import errors, types
from btql_planner.conditions import all_of, apply, with_conditions
from btql_planner.expression_traversal import transform, walk
from btql_planner.expressions import (
    AggregateCall,
    Column,
    Constant,
    Expression,
    Match,
    Over,
    Parameter,
    PathValue,
    Ranking,
    Reference,
    SortKey,
    engine_name,
)
from btql_planner.nested_queries.peeling import count, peel, substitute
from btql_planner.plan import Aggregate, Filter, Limit, Named, Nothing, Plan, Project, Sort, Unnest
from btql_planner.plan_relations import Join, Lateral, Numbered, Series, SetOperation, Shared, Window
from btql_planner.plan_traversal import expressions, map_expressions
from btql_planner.plan_traversal import walk as walk_plan
from btql_planner.types import Kind

Env = Mapping[str, Reference]
"""What stands for each parameter, and for the number of the arguments under the empty name."""


def flattened(node: Lateral) -> Plan:
    """Return joins that give the same rows."""
    return _simple(node) or _Flattening(node).join()


def _values(node: Lateral) -> dict[str, Expression]:
    return {parameter.name: argument for parameter, argument in zip(node.parameters, node.arguments, strict=True)}


def _simple(node: Lateral) -> Plan | None:
    """Return the plan for a right side that is elements, or conditions on rows that depend on nothing."""
    values, right = _values(node), node.right
    if isinstance(right, Unnest | Series) and isinstance(right.input, Nothing) and node.kind == "inner":
        unnested = map_expressions(replace(right, input=node.left), lambda each: substitute(each, values))
        return unnested if node.condition is None else Filter(unnested, node.condition)
    if not isinstance(right, Project) or (peeled := peel(right)) is None:
        return None
    if any(_has_parameter(item.expression) for item in right.items):
        return None
    plain = [each for each in peeled.conditions if not _has_parameter(each)]
    bound = [each for each in peeled.conditions if each not in plain]
    if any(isinstance(part, Match) for each in bound for part in walk(each)):
        return None
    shown = list(right.items)

    def outside(part: Expression) -> Expression | None:
        """Make a column of what a condition looks at inside."""
        if isinstance(part, Parameter):
            return values.get(part.name, part)
        if not isinstance(part, Column | PathValue | Reference):
            return None
        item = next((each for each in shown if each.expression == part), None)
        if item is None:
            item = Named(f"#{len(shown)}", part)
            shown.append(item)
        return right.reference(item)

    conditions = [transform(each, outside) for each in bound]
    if node.condition is not None:
        conditions.append(node.condition)
    rows = replace(right, input=with_conditions(peeled.rows, plain), items=tuple(shown))
    return Join(node.left, rows, node.kind, all_of(conditions))


def _has_parameter(expression: Expression) -> bool:
    return any(isinstance(part, Parameter) for part in walk(expression))


@dataclass
class _Flattening:
    node: Lateral
    made: int = field(default=0)

    def __post_init__(self) -> None:
        self.name = f"d_{self.node.parameters[0].name}"
        self.number = Reference(engine_name(self.name, "number"), types.INTEGER)
        self.left = Shared(Numbered(self.node.left, self.node.arguments, self.number.name), f"shared_{self.name}")
        self.names = frozenset(parameter.name for parameter in self.node.parameters)

    def join(self) -> Plan:
        """Return the join of the left side with what the right side is for all of its rows."""
        right, env = self.push(self.node.right)
        condition = apply("eq", self.number, env[""])
        if self.node.condition is not None:
            condition = apply("and", condition, self.node.condition)
        return Join(self.left, right, self.node.kind, condition)

    def _arguments(self) -> tuple[Plan, Env]:
        """Return the relation of all different arguments, under names of its own."""
        named = self._named({"": self.number, **_values(self.node)})
        return Aggregate(self.left, tuple(named.values()), ()), _references(named)

    def _named(self, values: Mapping[str, Expression]) -> dict[str, Named]:
        source = self._fresh()
        return {name: Named(engine_name(source, name or "number"), each) for name, each in values.items()}

    def _fresh(self) -> str:
        self.made += 1
        return f"{self.name}_{self.made}"

    def _depends(self, plan: Plan) -> bool:
        return any(
            isinstance(part, Parameter) and part.name in self.names
            for node in walk_plan(plan)
            for each in expressions(node)
            for part in walk(each)
        )

    def push(self, plan: Plan) -> tuple[Plan, Env]:
        """Return the plan for all arguments at once, and the columns in which they are above it."""
        if not self._depends(plan):
            arguments, env = self._arguments()
            return (arguments if isinstance(plan, Nothing) else Join(arguments, plan)), env
        match plan:
            case Filter() | Unnest() | Series():
                below, env = self.push(plan.input)
                return map_expressions(replace(plan, input=below), lambda each: substitute(each, env)), env
            case Sort():
                return self.push(plan.input)
            case Limit():
                return self._limit(plan)
            case Project():
                return self._project(plan)
            case Aggregate():
                return self._aggregate(plan)
            case Window():
                return self._window(plan)
            case Join():
                return self._join(plan)
            case Lateral():
                return self._lateral(plan)
            case SetOperation():
                return self._set_operation(plan)
            case _:
                what = f"a query with {type(plan).__name__} that looks at the rows around it"
                raise errors.not_supported(what, self.node.parameters[0].span)

    def _project(self, plan: Project) -> tuple[Plan, Env]:
        below, env = self.push(plan.input)
        carried = {name: Named(f"#{name or 'number'}", each) for name, each in env.items()}
        items = tuple(replace(item, expression=substitute(item.expression, env)) for item in plan.items)
        plan = replace(plan, input=below, items=(*items, *carried.values()))
        return plan, {name: plan.reference(item) for name, item in carried.items()}

    def _aggregate(self, plan: Aggregate) -> tuple[Plan, Env]:
        if not plan.keys or () in (plan.sets or ()):
            return self._aggregate_all(plan)
        below, env = self.push(plan.input)
        carried = self._named(env)
        changed = map_expressions(replace(plan, input=below), lambda each: substitute(each, env))
        assert isinstance(changed, Aggregate)
        keys = (*changed.keys, *carried.values())
        more = tuple(range(len(changed.keys), len(keys)))
        sets = None if plan.sets is None else tuple((*each, *more) for each in plan.sets)
        return replace(changed, keys=keys, sets=sets), _references(carried)

    def _aggregate_all(self, plan: Aggregate) -> tuple[Plan, Env]:
        """Return the groups for each of the arguments, with the one of all rows also where there are none."""
        below, inner = self.push(plan.input)
        arguments, env = self._arguments()
        found = apply("isnotnull", inner[""])

        def measure(named: Named) -> Named:
            call = substitute(named.expression, env)
            if not isinstance(call, AggregateCall):
                return replace(named, expression=call)
            condition = found if call.filter is None else apply("and", found, call.filter)
            return replace(named, expression=replace(call, filter=condition))

        joined = Join(arguments, below, "left", apply("eq", env[""], inner[""]))
        carried = self._named(env)
        keys = tuple(replace(key, expression=substitute(key.expression, env)) for key in plan.keys)
        grouped = Aggregate(joined, (*keys, *carried.values()), tuple(map(measure, plan.measures)))
        if plan.sets is None:
            return grouped, _references(carried)
        more = tuple(range(len(keys), len(grouped.keys)))
        grouped = replace(grouped, sets=tuple((*each, *more) for each in plan.sets))
        return (self._without_empty(grouped, keys, found) if keys else grouped), _references(carried)

    def _without_empty(self, plan: Aggregate, keys: Sequence[Named], found: Expression) -> Plan:
        """Return the groups that have rows, and those of all rows."""
        name = self._fresh()
        rows = Named(engine_name(name, "rows"), replace(count(Constant(1, Kind.INTEGER)), filter=found))
        left_out = Named(engine_name(name, "left_out"), apply("grouping", *(key.expression for key in keys)))
        plan = replace(plan, measures=(*plan.measures, rows, left_out))
        has_rows, are_all = (
            apply(op, Reference(each.name, types.INTEGER), Constant(number, Kind.INTEGER))
            for op, each, number in (("gt", rows, 0), ("eq", left_out, 2 ** len(keys) - 1))
        )
        return Filter(plan, apply("or", has_rows, are_all))

    def _limit(self, plan: Limit) -> tuple[Plan, Env]:
        order: tuple[SortKey, ...] = ()
        rows = plan.input
        if isinstance(rows, Sort):
            order, rows = rows.keys, rows.input
        below, env = self.push(rows)
        keys = tuple(replace(key, expression=substitute(key.expression, env)) for key in order)
        place = Named(
            engine_name(self._fresh(), "place"), Over(Ranking("row_number", (), types.INTEGER), (env[""],), keys)
        )
        reference = Reference(place.name, types.INTEGER)
        conditions: list[Expression] = []
        if plan.offset:
            conditions.append(apply("gt", reference, Constant(plan.offset, Kind.INTEGER)))
        if plan.count is not None:
            conditions.append(apply("le", reference, Constant(plan.offset + plan.count, Kind.INTEGER)))
        condition = all_of(conditions)
        numbered = Window(below, (place,))
        return (numbered if condition is None else Filter(numbered, condition)), env

    def _window(self, plan: Window) -> tuple[Plan, Env]:
        below, env = self.push(plan.input)

        def item(named: Named) -> Named:
            over = substitute(named.expression, env)
            assert isinstance(over, Over)
            return replace(named, expression=replace(over, partition=(*over.partition, env[""])))

        return Window(below, tuple(map(item, plan.items))), env

    def _join(self, plan: Join) -> tuple[Plan, Env]:
        on_left, on_right = self._depends(plan.left), self._depends(plan.right)
        if not on_right and plan.kind in ("inner", "left", "semi", "anti"):
            left, env = self.push(plan.left)
            return self._joined(replace(plan, left=left), env), env
        if not on_left and plan.kind in ("inner", "right"):
            right, env = self.push(plan.right)
            return self._joined(replace(plan, right=right), env), env
        if plan.kind == "full":
            raise errors.not_supported("a full join that looks at the rows around it", self.node.parameters[0].span)
        left, env = self.push(plan.left)
        right, other = self.push(plan.right)
        same = apply("eq", env[""], other[""])
        joined = self._joined(replace(plan, left=left, right=right), env)
        condition = same if joined.condition is None else apply("and", same, joined.condition)
        return replace(joined, condition=condition), other if plan.kind == "right" else env

    @staticmethod
    def _joined(plan: Join, env: Env) -> Join:
        return plan if plan.condition is None else replace(plan, condition=substitute(plan.condition, env))

    def _lateral(self, plan: Lateral) -> tuple[Plan, Env]:
        """Return the inner Lateral over a left side that has the arguments; its own turn comes later."""
        if self._depends(plan.right):
            raise AssertionError("a query looks at the one around it, and through that at any further out")
        left, env = self.push(plan.left)
        return map_expressions(replace(plan, left=left), lambda each: substitute(each, env)), env

    def _set_operation(self, plan: SetOperation) -> tuple[Plan, Env]:
        left, one = self.push(plan.left)
        right, other = self.push(plan.right)
        carried = {name: each.name for name, each in self._named(one).items()}
        pairs = tuple((one[name], other[name]) for name in carried)
        changed = replace(
            plan, left=left, right=right, columns=(*plan.columns, *pairs), names=(*plan.names, *carried.values())
        )
        return changed, {name: Reference(each, one[name].type) for name, each in carried.items()}


def _references(named: Mapping[str, Named]) -> Env:
    return {name: Reference(each.name, each.expression.type) for name, each in named.items()}
