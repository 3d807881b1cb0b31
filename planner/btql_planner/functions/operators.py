"""Operators: comparison, logic, arithmetic and text patterns.

They are functions like any other, reached by symbol. The meaning of each
comparison is in ``compare.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from btql_planner import compare, membership, sql_text, types
from btql_planner.functions.call import written_interval
from btql_planner.functions.declare import coerce, has, number_type, operator, union_type
from btql_planner.intervals import spans_of
from btql_planner.types import Kind, Type
from btql_planner.value import (
    BITS,
    Value,
    absent,
    boolean,
    choose,
    condition,
    number,
    of,
    present,
    single,
    whole,
)

_FARTHEST = {"year": 20_000, "day": 20_000 * 366}
"""So much leads from any time to none, as years go from 1 to 9999; the engine itself counts to 262,000."""


def _reads_intervals(arguments: Sequence[Type]) -> bool:
    """Whether a text may meet an interval, and is read as one."""
    return any(Kind.INTERVAL in argument for argument in arguments) and any(Kind.TEXT in each for each in arguments)


@operator("eq", types.BOOLEAN, python=_reads_intervals)
def equal(values: Sequence[Value], *, exact: bool) -> Value:
    """``=``."""
    return boolean(compare.equal(values[0], values[1], exact=exact))


@operator("ne", types.BOOLEAN, python=_reads_intervals)
def not_equal(values: Sequence[Value], *, exact: bool) -> Value:
    """``!=``."""
    return boolean(compare.not_equal(values[0], values[1], exact=exact))


@operator("nseq", types.BOOLEAN, python=_reads_intervals)
def same(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """``<=>`` and IS."""
    return boolean(compare.same(values[0], values[1]))


@operator("nsne", types.BOOLEAN, python=_reads_intervals)
def not_same(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """``<!=>`` and IS NOT."""
    return boolean(f"(NOT {compare.same(values[0], values[1])})")


def _ordering(name: str, symbol: str) -> None:
    @operator(name, types.BOOLEAN, python=_reads_intervals)
    def lower(values: Sequence[Value], *, exact: bool) -> Value:  # pyright: ignore[reportUnusedFunction]
        return boolean(compare.ordered(symbol, values[0], values[1], exact=exact))


for _name, _symbol in {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items():
    _ordering(_name, _symbol)


@operator("in", types.BOOLEAN, python=lambda arguments: has(Kind.JSON)(arguments) or _reads_intervals(arguments))
def is_in(values: Sequence[Value], *, exact: bool) -> Value:
    """``IN``: equal to one of the items; for a list, one of its elements is."""
    return boolean(membership.is_in(values[0], values[1:], exact=exact))


@operator("includes", types.BOOLEAN, python=has(Kind.JSON))
def includes(values: Sequence[Value], *, exact: bool) -> Value:
    """``haystack INCLUDES needle``: an array has the element, an object the value."""
    haystack, needle = values
    terms = membership.terms(haystack, needle, "btql_json_includes")
    found = sql_text.any_of([f"coalesce({term}, FALSE)" for term in terms])
    if not exact:
        return boolean(found)
    return boolean(f"CASE WHEN {present(haystack)} AND {present(needle)} THEN {found} END")


@operator("and", types.BOOLEAN, scalars_only=True)
def conjunction(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """AND."""
    return boolean(sql_text.all_of([condition(value) for value in values]))


@operator("or", types.BOOLEAN, scalars_only=True)
def disjunction(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """OR."""
    return boolean(sql_text.any_of([condition(value) for value in values]))


@operator("not", types.BOOLEAN, scalars_only=True)
def negation(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """NOT."""
    return boolean(f"(NOT {condition(values[0])})")


@operator("isnull", types.BOOLEAN, scalars_only=True)
def is_null(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """IS NULL."""
    return boolean(f"({absent(values[0])})")


@operator("isnotnull", types.BOOLEAN, scalars_only=True)
def is_not_null(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """IS NOT NULL."""
    return boolean(f"({present(values[0])})")


def _pattern(name: str, symbol: str) -> None:
    @operator(name, types.BOOLEAN, python=lambda arguments: Kind.LIST in arguments[0])
    def lower(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001  # pyright: ignore[reportUnusedFunction]
        subject, pattern = values
        wanted = pattern.get(Kind.TEXT)
        terms = [
            f"({subject.parts[kind]} {symbol} {wanted})" for kind in (Kind.TEXT, Kind.JSON) if kind in subject.parts
        ]
        if Kind.LIST in subject.parts:
            terms.append(f"btql_list_{name}({subject.parts[Kind.LIST]}, {wanted})")
        return boolean(terms[0] if len(terms) == 1 else f"coalesce({', '.join([*terms, 'NULL'])})")


for _name, _symbol in {"like": "LIKE", "ilike": "ILIKE"}.items():
    _pattern(_name, _symbol)


@operator("match", types.BOOLEAN, python=True)
def match(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """MATCH on anything but an indexed field: the phrase is looked for in each value."""
    subject, phrase = values
    terms = [
        f"btql_match('{kind}', {_spelled(kind, sql)}, {phrase.get(Kind.TEXT)})" for kind, sql in subject.parts.items()
    ]
    return boolean(f"coalesce({', '.join([*terms, 'CAST(NULL AS BOOLEAN)'])})")


def _spelled(kind: Kind, sql: str) -> str:
    return f"array_to_string({sql}, chr(10))" if kind is Kind.LIST else f"CAST({sql} AS VARCHAR)"


def _bits(symbol: str, one: int, other: int) -> int:
    """Return how many bits a result may need: a bound, not the exact number."""
    match symbol:
        case "*":
            return one + other
        case "%":
            return min(other, BITS - 1)
        case _:
            return max(one, other) + 1


def _sum_type(arguments: Sequence[Type]) -> Type:
    times = sum(argument == types.TIME for argument in arguments)
    intervals = sum(Kind.INTERVAL in argument for argument in arguments)
    if times == 2 or intervals == 2 or (times and not intervals):
        # A text beside a time is one, too; a number there gives null.
        return types.INTERVAL
    # A text beside an interval is a time.
    return types.TIME if times or intervals else number_type(arguments)


def _with_time(symbol: str, left: Value, right: Value) -> Value | None:
    """Return a sum or a difference of times and intervals, None where there are only numbers."""
    if Kind.INTERVAL not in left.parts and Kind.INTERVAL not in right.parts:
        if Kind.TIME not in left.parts and Kind.TIME not in right.parts:
            return None
        if symbol == "+":
            return of(Kind.INTERVAL, sql_text.null(Kind.INTERVAL))
        return of(Kind.INTERVAL, compare.difference(*(single(coerce(value, types.TIME)) for value in (left, right))))
    if Kind.INTERVAL in left.parts and Kind.INTERVAL in right.parts:
        return of(Kind.INTERVAL, f"({left.parts[Kind.INTERVAL]} {symbol} {right.parts[Kind.INTERVAL]})")
    if symbol == "-" and Kind.INTERVAL in left.parts:
        return of(Kind.TIME, sql_text.null(Kind.TIME))
    for time, interval in ((left, right), (right, left)):
        if Kind.INTERVAL in interval.parts:
            moment = time.parts.get(Kind.TIME) or compare.as_time(time.get(Kind.TEXT))
            return of(Kind.TIME, _moved(moment, symbol, interval.parts[Kind.INTERVAL]))
    return None


def _moved(moment: str, symbol: str, interval: str) -> str:
    """Return a time some way before or after another, null where that is so far off that the engine would end."""
    moved = f"({moment} {symbol} {interval})"
    written = written_interval(interval)
    spans = None if written is None else spans_of(written)
    if spans is None:
        near = (f"abs(date_part('{unit}', {interval})) < {most}" for unit, most in _FARTHEST.items())
        return f"(CASE WHEN {' AND '.join(near)} THEN {moved} END)"
    is_near = abs(spans[0]) < 12 * _FARTHEST["year"] and abs(spans[1]) < _FARTHEST["day"]
    return moved if is_near else sql_text.null(Kind.TIME)


def _product_type(arguments: Sequence[Type]) -> Type:
    return types.INTERVAL if any(Kind.INTERVAL in argument for argument in arguments) else number_type(arguments)


def _quotient_type(arguments: Sequence[Type]) -> Type:
    return types.INTERVAL if Kind.INTERVAL in arguments[0] else types.FLOAT


def _scaled(function: str, left: Value, right: Value) -> Value | None:
    """Return an interval times or by a number, None where there are only numbers."""
    for interval, factor in ((left, right), (right, left)):
        if Kind.INTERVAL in interval.parts:
            scale = f"CAST({single(number(factor))} AS DOUBLE)"
            return of(Kind.INTERVAL, f"{function}({interval.parts[Kind.INTERVAL]}, {scale})")
    return None


_TYPES = {"+": _sum_type, "-": _sum_type, "*": _product_type, "%": number_type}


def _arithmetic(name: str, symbol: str) -> None:
    @operator(name, _TYPES[symbol], scalars_only=True, python=has(Kind.INTERVAL) if symbol == "*" else False)
    def lower(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001  # pyright: ignore[reportUnusedFunction]
        left, right = values
        moved = _with_time(symbol, left, right) if symbol in "+-" else None
        if moved is not None:
            return moved
        if symbol == "*" and (scaled := _scaled("btql_interval_times", left, right)) is not None:
            return scaled
        one, other = number(left), number(right)
        divisor = f"nullif({single(other)}, 0)" if symbol == "%" else single(other)
        sql = f"({single(one)} {symbol} {divisor})"
        if not one.type == other.type == types.INTEGER:
            return of(Kind.FLOAT, sql)
        as_float = f"(CAST({single(one)} AS DOUBLE) {symbol} CAST({divisor} AS DOUBLE))"
        return whole(sql, as_float, _bits(symbol, one.bits, other.bits))


for _name, _symbol in {"add": "+", "sub": "-", "mul": "*", "mod": "%"}.items():
    _arithmetic(_name, _symbol)


@operator("div", _quotient_type, scalars_only=True, python=has(Kind.INTERVAL))
def divide(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """``/``: always a fraction, or an interval; null where the divisor is zero."""
    if (scaled := _scaled("btql_interval_divided", *values)) is not None:
        return scaled
    left, right = (f"CAST({single(number(value))} AS DOUBLE)" for value in values)
    return of(Kind.FLOAT, f"({left} / nullif({right}, 0))")


@operator("neg", _product_type, scalars_only=True)
def negative(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """Unary minus."""
    if Kind.INTERVAL in values[0].parts:
        return of(Kind.INTERVAL, f"(- {values[0].parts[Kind.INTERVAL]})")
    value = number(values[0])
    if value.type == types.FLOAT:
        return of(Kind.FLOAT, f"(- {single(value)})")
    return whole(f"(- {single(value)})", f"(- CAST({single(value)} AS DOUBLE))", value.bits)


def _type_of_results(arguments: Sequence[Type]) -> Type:
    """Return every kind that a result may have; what stands before each is a condition."""
    return union_type([*arguments[1::2], arguments[-1]])


@operator("if", _type_of_results)
def if_(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """``a ? b : c`` and CASE: condition, result, condition, result, …, otherwise."""
    branches = [(condition(values[i]), values[i + 1]) for i in range(0, len(values) - 1, 2)]
    return choose(branches, values[-1])


@operator("at_most_one", types.BOOLEAN, python=True)
def at_most_one(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """Whether a number of rows, of a query at a place in the text, is at most one: stops the query where it is not."""
    return boolean(f"btql_at_most_one({', '.join(map(single, values))})")


@operator("grouping", types.INTEGER)
def grouping(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """Which of the keys a row of GROUPING SETS is not grouped by; an Aggregate node makes a column of it."""
    raise AssertionError(f"grouping of {len(values)} keys outside an Aggregate")
