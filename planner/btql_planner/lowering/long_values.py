"""Compute long values once: what functions make of them would have their SQL several times.

A value of all kinds is six pieces of SQL, and a comparison of two has each in several places. Nested, they would be a
text that grows by a power of the depth, and the engine multiplies it once more: its coalesce is a CASE that has each
argument twice, and nothing ends its planning. So an argument whose SQL is long becomes columns of a statement below,
and what stands around it reads these.

1. Arguments are lowered innermost first, where they stand; what is longer than ``LONG`` gets a name, and a Reference
   takes its place. What stands around is not looked at before there is a statement above.
2. The statement is wrapped, and so on until no argument is long.

The columns are such that the engine does not know them to be what they are: it would move conditions to below them,
and for that put the SQL into every place of the name.

Not applied to AND, OR and NOT, which have each argument once, so that conditions stay what a scan can check; nor to
what is no value of one row (aggregates, windows), is another one each time (``random``), may be computed only where
it is wanted (``at_most_one``), or asks the text index when it is lowered (``MATCH``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from btql_planner import sql_text
from btql_planner.expression_traversal import children, transform, walk
from btql_planner.expressions import AggregateCall, Apply, Column, Constant, Expression, PathValue, Reference
from btql_planner.functions.call import PLAIN
from btql_planner.lowering.expression import ExpressionLowering, applied
from btql_planner.select import Select
from btql_planner.types import NUMBER
from btql_planner.value import Value

LONG = 500
"""Characters of an argument that is written out; a path of all kinds has about a hundred."""
LONG_AROUND = 5_000
"""Characters of an argument of an aggregate, which has it several times at most, and of what is not lowered here."""
_SHORT = 100
_TWICE = "coalesce("
"""What the engine writes twice."""
_ONCE = frozenset({"and", "or", "not"})
_EXTREMES = frozenset({"greatest", "least"})


def over_long_values(
    lowering: ExpressionLowering, select: Select, expressions: Sequence[Expression]
) -> tuple[Select, list[Expression]]:
    """Return a statement over the rows of one, with columns for the long values, and the expressions that read them."""
    changed = [transform(each, _in_pairs) for each in expressions]
    while any(map(_is_nested, changed)):
        search = _Search(lowering, select)
        for each in filter(_is_nested, changed):
            search.look(each)
        if not search.found:
            break
        select = _with_columns(lowering, select, search.found)
        changed = [transform(each, search.found.get) for each in changed]
    return select, changed


def _in_pairs(expression: Expression) -> Expression | None:
    """Return the largest or the smallest of many as that of two, one inside the other; None for anything else."""
    if not isinstance(expression, Apply) or expression.function.name not in _EXTREMES or expression.type <= NUMBER:
        return None
    best, *items = (transform(each, _in_pairs) for each in expression.arguments)
    for item in items:
        best = Apply(expression.function, (best, item), best.type | item.type, span=expression.span)
    return best if items else None


def _is_nested(expression: Expression) -> bool:
    """Whether any function gets what another one gives: most expressions have no such thing."""
    return any(
        isinstance(inner, Apply) and isinstance(outer, Apply | AggregateCall) and outer.function.name not in _ONCE
        for outer in walk(expression)
        for inner in children(outer)
    )


@dataclass
class _Search:
    """Finds the innermost long arguments of expressions over one statement; each node is lowered once."""

    lowering: ExpressionLowering
    select: Select
    found: dict[Expression, Reference] = field(default_factory=dict[Expression, Reference])

    def look(self, node: Expression) -> tuple[bool, Value | None]:
        """Return whether there are any in a node, and what it becomes if there are none and it can be moved."""
        operands = children(node)
        below = [self.look(each) for each in operands]
        if any(is_found for is_found, _ in below):
            return True, None
        values = [value for _, value in below if value is not None]
        around = self._lowered(node, values) if len(values) == len(operands) else None
        if not isinstance(node, Apply | AggregateCall) or node.function.name in _ONCE:
            return False, around
        names = [
            self._name(each)
            for each, (_, value) in zip(operands, below, strict=True)
            if isinstance(each, Apply) and value is not None and _is_written_apart(value, around)
        ]
        return (True, None) if names else (False, around)

    def _lowered(self, node: Expression, values: Sequence[Value]) -> Value | None:
        if isinstance(node, Apply) and node.function.name != "at_most_one" and not node.function.volatile:
            return applied(node, values, PLAIN, exact=True)
        if isinstance(node, PathValue | Column | Constant | Reference):
            return self.lowering.expression(node, self.select.source)
        return None

    def _name(self, node: Expression) -> Reference:
        name = f"_long_{next(self.lowering.numbers)}"
        return self.found.setdefault(node, Reference(name, node.type, span=node.span))


def _is_written_apart(value: Value, around: Value | None) -> bool:
    """Whether a value is long, and what it is made into has its SQL several times, or will have for the engine."""
    length = sum(map(len, value.everything))
    if around is None or length <= LONG:
        return length > LONG_AROUND
    text = " ".join(around.everything)
    times = max((text.count(each) for each in value.everything if len(each) > _SHORT), default=0)
    return times > 1 or text.count(_TWICE) > max(each.count(_TWICE) for each in value.everything)


def _with_columns(lowering: ExpressionLowering, select: Select, found: Mapping[Expression, Reference]) -> Select:
    """Return a statement over one that has columns for some values."""
    for expression, reference in found.items():
        computed = lowering.expression(expression, select.source)
        lowering.note(reference.name, computed)
        lowering.hide(reference.name, expression)
        select.kinds[reference.name] = tuple(computed.parts)
        parts = {kind: sql if sql_text.is_name(sql) else sql_text.varying(sql) for kind, sql in computed.parts.items()}
        select.outputs.update({f"{reference.name}#{kind}": sql for kind, sql in parts.items()})
    above = select.wrap()
    # The order of rows is said last; it is one of columns.
    above.order = [replace(term, sql=select.column(sql_text.unquoted(term.sql))) for term in select.order]
    above.limit, above.offset = select.limit, select.offset
    select.order, select.limit, select.offset = [], None, 0
    # Each row still comes from one row, so that those of a stage need not be held.
    above.source_name = select.source_name if select.is_rowwise else ""
    return above
