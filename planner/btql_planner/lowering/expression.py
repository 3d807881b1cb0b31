"""Lower expressions: to the engine's SQL, kind by kind, over the columns of one SELECT.

1. What an expression becomes is a :class:`~btql_planner.value.Value`: an SQL expression for each kind it may have.
2. Columns and paths ask the SELECT that they stand in (:mod:`btql_planner.columns`) what they are called there; a
   path may thereby make it read another column, or a document.
3. Functions and operators lower themselves, by their declarations.
4. What is wanted of a condition that only decides about rows is less than of a value: null may stand for false
   (``exact``), which saves a test for each operand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import assert_never

from btql_planner import errors, sql_text, types, value
from btql_planner.columns import engine_column
from btql_planner.engine_plan import ProbeSpec
from btql_planner.expression_traversal import conjuncts, walk
from btql_planner.expressions import (
    AggregateCall,
    Apply,
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
    Subquery,
    engine_name,
)
from btql_planner.functions.call import PLAIN, ArgumentError, Call
from btql_planner.relations import sources_of
from btql_planner.select import Columns, Path, Select
from btql_planner.types import Kind
from btql_planner.value import Value
from btql_storage.kinds import Kind as StoredKind
from btql_storage.kinds import column_name
from btql_storage.text.probe import Phrase

STORED = (Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT, Kind.TEXT)
"""The kinds that have columns of their own in a part."""
_EQUATING = frozenset({"eq", "ne", "in"})
_NOT_IN_NAMES = re.compile(r"[()]|\b(?:TRY_)?CAST\b| AS [A-Z]+")
"""What the engine leaves out of the names of expressions."""


@dataclass
class ExpressionLowering:
    """Lowers the expressions of one statement."""

    numbers: Iterator[int] = field(default_factory=count)
    """For names that are to be unique."""
    noted: dict[str, tuple[bool, int]] = field(default_factory=dict[str, tuple[bool, int]])
    """What is known of the numbers of computed columns: see ``apart`` and ``bits`` of Value."""

    window_keys: dict[str, str] = field(default_factory=dict[str, str])
    """The columns that computed keys of windows have become, by their SQL."""

    filled: bool = False
    """Whether an outer join has been lowered.

    The engine takes what is one value in all rows of a side for one value in all pairs, too, where some have nulls
    there, and would not sort by it.
    """

    hidden: set[str] = field(default_factory=set[str])
    """Computed columns that depend on a constant which the engine does not know to be one."""

    called: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Expressions that the engine has one name for, by that name."""

    def note(self, name: str, *values: Value) -> None:
        """Remember what is known of the values of a computed column."""
        apart = all(each.apart for each in values if Kind.FLOAT in each.parts)
        bits = max((each.bits for each in values if Kind.INTEGER in each.parts), default=value.BITS)
        self.noted[name] = (apart, bits)

    def united(self, values: Sequence[Value]) -> list[Value]:
        """Return values that will be in one column, so that equal numbers, and equal arrays, are of one kind."""
        kinds = {kind for each in values for kind in each.parts}
        if kinds >= types.CONTENTS:
            values = list(map(value.lists_as_json, values))
        mixed = kinds >= {Kind.INTEGER, Kind.FLOAT}
        if mixed and not all(each.apart for each in values if Kind.FLOAT in each.parts):
            values = list(map(value.as_float, values))
        return list(values)

    def condition(self, expression: Expression, columns: Columns) -> str:
        """Return a condition that decides whether a row is kept.

        Of two columns that are equal in all rows, or of one with a hidden constant, the engine loses track what it has
        sorted by, and refuses its own plan. It is not told of them.
        """
        terms: list[str] = []
        for part in conjuncts(expression):
            sql = value.condition(self.expression(part, columns, exact=False))
            # What compares two relations may be what joins them.
            of_one = len(sources_of(part)) == 1
            terms.append(f"({sql} IS TRUE)" if of_one and (self._is_hidden(part) or _compares_columns(part)) else sql)
        return sql_text.all_of(terms)

    def _is_hidden(self, expression: Expression) -> bool:
        return any(isinstance(node, Reference) and node.name in self.hidden for node in walk(expression))

    def hide(self, name: str, *values: Expression) -> None:
        """Remember whether a computed column depends on a constant."""
        if any(not sources_of(each) or self._is_hidden(each) for each in values):
            self.hidden.add(name)

    def order(self, keys: Sequence[SortKey], columns: Columns) -> list[sql_text.OrderTerm]:
        """Return the terms of an ORDER BY."""
        # What is sorted by already decides nothing more, and the engine may trip over it.
        order: dict[str, sql_text.OrderTerm] = {}
        for key in keys:
            if isinstance(key.expression, Constant):
                # It orders nothing, and the engine would take a number for the place of a column.
                continue
            for sql in value.sort_keys(self.expression(key.expression, columns)):
                order.setdefault(sql, sql_text.OrderTerm(self._apart(sql), key.descending, key.nulls))
        return list(order.values())

    def expression(self, expression: Expression, columns: Columns, *, exact: bool = True) -> Value:
        """Return the SQL of an expression over ``columns``.

        Without ``exact`` it only decides whether a row is kept: null may stand for false.
        """
        match expression:
            case Constant():
                return _constant(expression)
            case Column():
                return value.of(expression.kind, columns.column(engine_name(expression.source, expression.name)))
            case PathValue():
                return _path(expression, columns)
            case Reference():
                kinds = columns.kinds_of(expression.name)
                parts = {kind: columns.column(f"{expression.name}#{kind}") for kind in kinds}
                apart, bits = self.noted.get(expression.name, (False, value.BITS))
                return Value(parts, apart=apart, bits=bits)
            case Match():
                return self._match(expression, columns, exact=exact)
            case Apply():
                loose = not exact and expression.function.name in ("and", "or", "if_present")
                arguments = [self.expression(each, columns, exact=not loose) for each in expression.arguments]
                return applied(expression, arguments, PLAIN, exact=exact)
            case AggregateCall():
                return self.aggregate(expression, columns)
            case Over():
                from btql_planner.lowering.windows import over  # Few queries have any.

                return over(self, expression, columns)
            case Parameter() | Ranking() | Subquery():
                message = f"{type(expression).__name__} is left in the plan"
                raise AssertionError(message)
            case _:
                assert_never(expression)

    def aggregate(self, aggregate: AggregateCall, columns: Columns, over: str | None = None) -> Value:
        """Return the SQL of an aggregate, over the rows of a group or of the window ``over``."""
        arguments = [self.named_apart(self.expression(each, columns)) for each in aggregate.arguments]
        if aggregate.distinct or not (isinstance(columns, Select) and columns.is_rowwise):
            order = self.order(aggregate.order, columns)
        else:
            order = self.order_below(aggregate.order, columns)
        condition = None if aggregate.filter is None else self._apart(self.condition(aggregate.filter, columns))
        return applied(aggregate, arguments, Call(aggregate.distinct, tuple(order), condition, over), exact=True)

    def named_apart(self, known: Value) -> Value:
        """Return a value that what it is grouped by, or an aggregate of it, is not mistaken for another's.

        The engine names these by their text without parentheses and casts, and refuses two of one name, as those of
        ``a - (b - c)`` and ``(a - b) - c`` are.
        """
        parts = {kind: self._apart(sql) for kind, sql in known.parts.items()}
        return replace(known, parts=parts, marker=None if known.marker is None else self._apart(known.marker))

    def _apart(self, sql: str) -> str:
        same = self.called.setdefault(_NOT_IN_NAMES.sub("", sql), [])
        if sql not in same:
            same.append(sql)
        # The function of one argument is gone before the engine computes anything, but not from the name.
        times = same.index(sql)
        return "coalesce(" * times + sql + ")" * times

    def order_below(self, keys: Sequence[SortKey], columns: Columns) -> list[sql_text.OrderTerm]:
        """Return the terms of an order of rows, of which each key is a column of the statement below."""
        terms = self.order(keys, columns.source if isinstance(columns, Select) else columns)
        return [replace(term, sql=self.window_key(term.sql, columns)) for term in terms]

    def window_key(self, sql: str, columns: Columns) -> str:
        """Return a key of a window as a column of the statement below.

        The engine takes computed keys apart to find what they have in common, and then does not
        know its own order again.
        """
        if not isinstance(columns, Select):
            return sql
        if sql_text.is_name(sql) and not self.filled:
            column = sql_text.unquoted(sql)
        else:
            column = self.window_keys.setdefault(sql, f"_key_{len(self.window_keys)}")
        columns.outputs.setdefault(column, self.key(sql))
        return sql_text.name(column)

    def key(self, sql: str) -> str:
        """Return a key of an order as a column of its own."""
        return sql_text.varying(sql) if self.filled else sql

    def _match(self, match: Match, columns: Columns, *, exact: bool) -> Value:
        probe = ProbeSpec(f"probe_{next(self.numbers)}", Phrase(match.column, match.tokens), required=False)
        source = match.operand.source
        columns.scan(source).probes.append(probe)
        hit = columns.column(engine_name(source, probe.name))
        if not exact:
            return value.boolean(hit)
        operand = self.expression(match.operand, columns)
        return value.boolean(f"CASE WHEN {value.present(operand)} THEN {hit} END")


def _compares_columns(condition: Expression) -> bool:
    """Whether a condition says of columns that they are equal, or not."""
    comparisons = (node for node in walk(condition) if isinstance(node, Apply) and node.function.name in _EQUATING)
    return any(sum(bool(sources_of(each)) for each in node.arguments) > 1 for node in comparisons)


def applied(call: Apply | AggregateCall, arguments: Sequence[Value], around: Call, *, exact: bool) -> Value:
    """Return the SQL of a call; ``around`` is what stands around its arguments."""
    try:
        return call.function.lower(arguments, exact=exact, call=around)
    except ArgumentError as error:
        raise errors.wrong_argument(error, call) from None


def _path(expression: PathValue, columns: Columns) -> Value:
    path, known, source = expression.path, expression.availability, expression.source

    def column(name: str) -> str:
        return columns.column(engine_name(source, name))

    if columns.fetched(source, path):
        kinds = (*STORED, Kind.JSON, Kind.BIG) if Kind.BIG in known.type else (*STORED, Kind.JSON)
        return Value(
            {kind: column(engine_column(path, kind)) for kind in kinds},
            bits=value.BITS if known.cut else known.bits,
            apart=True,
        )
    assert not expression.needs_document, f"{path} was not fetched"
    parts = {kind: column(engine_column(path, kind)) for kind in STORED if kind in known.kinds}
    marker = column(column_name(_keys(path), StoredKind.MARKER)) if known.marked else None
    return Value(parts, marker, known.bits, apart=True)


def _keys(path: Path) -> tuple[str, ...]:
    return tuple(piece for piece in path if isinstance(piece, str))


def _constant(constant: Constant) -> Value:
    kind, known = constant.kind, constant.value
    match kind:
        case None:
            return Value()
        case Kind.BOOLEAN:
            return value.of(kind, "TRUE" if known else "FALSE")
        case Kind.INTEGER | Kind.FLOAT:
            assert isinstance(known, int | float)
            bits = known.bit_length() if isinstance(known, int) else value.BITS
            return Value({kind: sql_text.number(known)}, bits=bits, apart=True)
        case Kind.TEXT:
            return value.of(kind, sql_text.text(str(known)))
        case Kind.TIME:
            return value.of(kind, sql_text.time(known))  # type: ignore[arg-type]
        case Kind.INTERVAL:
            return value.of(kind, f"INTERVAL '{known}'")
        case Kind.LIST:
            assert isinstance(known, tuple)
            items = f"make_array({', '.join(sql_text.text(str(item)) for item in known)})"
            return value.of(kind, items if known else f"arrow_cast({items}, 'List(Utf8)')")
        case Kind.JSON:
            return value.of(kind, sql_text.text(str(known)))
        case Kind.BIG:
            return value.of(kind, sql_text.text(str(known)))
        case Kind.RAW:
            message = "no literal has this kind"
            raise AssertionError(message)
        case _:
            assert_never(kind)
