"""Grouping: what an aggregate query may say above its groups, and where aggregates may stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.expression_traversal import transform, walk
from btql_planner.expressions import (
    AggregateCall,
    Apply,
    Column,
    Constant,
    Expression,
    Match,
    PathValue,
    Reference,
    SortKey,
    engine_name,
)
from btql_planner.functions import functions
from btql_planner.plan import Aggregate, Named, Plan
from btql_planner.tree_calls import calls
from btql_planner.types import BOOLEAN, INTEGER, Kind


class Grouping:
    """The keys of an aggregate query, and the aggregates found above them so far."""

    def __init__(
        self,
        keys: Sequence[Expression],
        source: str,
        written: Callable[[Span], str],
        sets: Sequence[Sequence[int]] | None = None,
        *,
        positions: Sequence[int | None] = (),
        distinct: bool = False,
    ) -> None:
        self._source = source
        self._written = written
        """Returns what the query says at a place."""
        self._distinct = distinct
        different: list[Expression] = []
        first: dict[Expression, int] = {}
        by_position: dict[int, int] = {}
        self._places: list[int] = []
        for number, key in enumerate(keys):
            place = first.setdefault(key, len(different))
            position = positions[number] if positions else None
            # In sets, each column of the answer is a key of its own, whatever is in it, and so is each constant.
            if sets is not None and position is not None:
                place = by_position.setdefault(position, len(different))
            elif sets is not None and isinstance(key, Constant):
                place = len(different)
            if place == len(different):
                different.append(key)
            self._places.append(place)
        places = self._places
        self._sets = None if sets is None else tuple(tuple(sorted({places[n] for n in each})) for each in sets)
        self.keys = tuple(Named(self._name("key", number), key) for number, key in enumerate(different))
        self.measures: list[Named] = []
        self._known = {key.expression: key for key in reversed(self.keys)}
        """What expressions above may stand for: keys, and the measures found so far."""
        self._own = {key.name for key in self.keys}

    def _name(self, word: str, number: int) -> str:
        return engine_name(self._source, f"{word}_{number}")

    @staticmethod
    def reference(named: Named) -> Reference:
        """Return what stands for a key or an aggregate above the groups."""
        return Reference(named.name, named.expression.type, span=named.expression.span)

    def at(self, place: int) -> Reference:
        """Return what stands for key number ``place``, from 0, of those that the query lists."""
        return self.reference(self.keys[self._places[place]])

    def over(self, rows: Plan) -> Aggregate:
        """Return the node with all keys and aggregates that were asked for.

        Where nothing was, as of constants alone, one makes it a grouping: one row, however many there are.
        """
        if not self.keys and not self.measures and self._sets is None:
            count = functions()["count"]
            counted = AggregateCall(count, (Constant(1, Kind.INTEGER),), count.returns([INTEGER]))
            self.measures.append(Named(self._name("measure", 0), counted))
        return Aggregate(rows, self.keys, tuple(self.measures), self._sets)

    def ties(self) -> list[SortKey]:
        """Return the order of groups that are equal in what a query sorts by."""
        return [SortKey(self.reference(key)) for key in self.keys]

    def above(self, expression: Expression) -> Expression:
        """Return the expression in terms of the Aggregate node's columns."""
        changed = transform(expression, self._replacement)
        for node in walk(changed):
            if isinstance(node, PathValue | Column) or (isinstance(node, Reference) and node.name not in self._own):
                name = self._written(node.span)
                if self._distinct:
                    raise BtqlError.of(
                        errors.NOT_GROUPED, f"`{name}` is not among the columns that are DISTINCT", node.span,
                        "of which of the rows?", help="select it, too, or order by what is selected",
                    )  # fmt: skip
                way_out = f"add it to `dimensions:` (GROUP BY), or take one with `any_value({name})`"
                raise BtqlError.of(
                    errors.NOT_GROUPED, f"`{name}` is neither grouped nor aggregated", node.span,
                    "which of the group's values?",
                    help="name the columns that are grouped by" if name.endswith("*") else way_out,
                )  # fmt: skip
        return changed

    def _replacement(self, node: Expression) -> Expression | None:
        if isinstance(node, Constant):
            return None
        if (known := self._known.get(node)) is not None:
            return self.reference(known)
        if isinstance(node, Match):
            return self._match(node)
        if isinstance(node, Apply) and node.function.name == "grouping":
            self._check_keys(node)
            if self._sets is None:
                return Constant(0, Kind.INTEGER, span=node.span)
        elif not isinstance(node, AggregateCall):
            return None
        measure = self._known[node] = Named(self._name("measure", len(self.measures)), node)
        self._own.add(measure.name)
        self.measures.append(measure)
        return self.reference(measure)

    def _match(self, node: Match) -> Expression | None:
        """Return MATCH on a key, where no text index is asked any more; None on anything else."""
        key = self._known.get(node.operand)
        if key is None:
            return None
        phrase = Constant(" ".join(node.tokens), Kind.TEXT, span=node.span)
        return Apply(functions()["match"], (self.reference(key), phrase), BOOLEAN, span=node.span)

    def _check_keys(self, call: Apply) -> None:
        for argument in call.arguments:
            if all(argument != key.expression for key in self.keys):
                raise BtqlError.of(
                    errors.NOT_GROUPED, "`grouping` takes keys of the query", argument.span, "not a key",
                    help="name it in GROUP BY, too",
                )  # fmt: skip


def has_aggregate(node: tree.Expression | None) -> bool:
    """Whether an aggregate, or what tells of the groups, is called anywhere in an expression."""
    for call in calls(node):
        function = functions().get(call.name)
        if function is not None and (function.aggregate or call.name == "grouping") and call.window is None:
            return True
    return False


def refuse_aggregates_as_keys(expression: Expression, written: Callable[[Span], str]) -> None:
    """Raise where an aggregate, or what tells of the groups, is what the rows are to be grouped by."""
    for node in walk(expression):
        match node:
            case AggregateCall(function=function):
                what = f"the aggregate `{function.name}`"
            case Apply(function=function) if function.name == "grouping":
                what = "what `grouping` tells"
            case _:
                continue
        again = f"`GROUP BY n` over `FROM (SELECT {written(node.span)} AS n FROM … GROUP BY …)`"
        raise BtqlError.of(
            errors.MISPLACED, f"{what} cannot be grouped by", node.span,
            "one value for each group, which it would have to tell apart",
            help="move it from `dimensions:` to `measures:`, in SQL out of GROUP BY; to group by it, group twice: "
            f"{again}, in BTQL with `final_dimensions: n`",
        )  # fmt: skip


def refuse_aggregates(expression: Expression) -> None:
    """Raise where an aggregate stands that has no groups to work on."""
    for node in walk(expression):
        if isinstance(node, AggregateCall):
            raise BtqlError.of(
                errors.MISPLACED, f"the aggregate `{node.function.name}` cannot stand here", node.span,
                "no groups exist here yet", help="filter groups with `final_filter:`, in SQL with `HAVING`",
            )  # fmt: skip
