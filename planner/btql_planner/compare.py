"""How two values of any kinds compare: the one place that knows.

1. Numbers compare by size, whole and fractional alike; texts by code point;
   times by instant; intervals by length; booleans false before true; lists and
   JSON by content.
2. A text that spells a number compares with a number numerically; a text that
   spells a time or an interval compares with one as such.
3. Any other two kinds are different: ``=`` is false, ``!=`` is true, and an
   order between them is null.
4. Null on either side gives null, except for ``<=>`` and ``<!=>``.
5. Two whole numbers are equal when all their digits are, however many. A whole
   number beyond 64 bits has the place of its nearest float in an order, and
   equals a fraction or a text where that float does.

Each comparison is a list of *terms*, one for each pair of kinds that can meet.
Because at most one kind of a value is not null, at most one term is not null.
A condition that only decides whether a row is kept (``exact=False``) may treat
null and false alike and is then a plain OR of terms, which the engine can push
into a scan.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from btql_planner import sql_text
from btql_planner.types import Kind
from btql_planner.value import Value, absent, present, rank, single, structure, without_minus_zero

_NUMERIC = (Kind.INTEGER, Kind.FLOAT)
_UNORDERED = (Kind.LIST, Kind.JSON)
_PLAIN = {Kind.BOOLEAN, Kind.INTEGER, Kind.TEXT, Kind.TIME}
"""Two values of one of these kinds are the same where the engine says so."""
_LITERAL_TEXT = re.compile(rf"TRY_CAST\(({sql_text.TEXT}) AS DOUBLE\)")
_WITHOUT_SECONDS = r"'^([0-9]{4}-[0-9]{2}-[0-9]{2}[ Tt][0-9]{2}:[0-9]{2})($|[^:].*$)'"
_ZEROS = ("CAST(0.0 AS DOUBLE)", "CAST((-0.0) AS DOUBLE)")
"""To the engine's IN they are two numbers."""


def equal(left: Value, right: Value, *, exact: bool) -> str:
    """Return ``left = right``."""
    left, right = _constant_last(left, right)
    terms = _terms("=", left, right)
    if not exact:
        return sql_text.any_of(terms)
    if _alike(left, right):
        return terms[0]
    if not left.everything or not right.everything:
        return sql_text.null(Kind.BOOLEAN)
    return f"CASE WHEN {present(left)} AND {present(right)} THEN {_surely(terms)} END"


def _constant_last(left: Value, right: Value) -> tuple[Value, Value]:
    """Return both sides, a constant on the right.

    On the left, where the engine has to compute it first, it takes two equalities of a value with this and with what is
    the same for two that nothing has at once.
    """
    return (left, right) if any(map(sql_text.has_names, left.parts.values())) else (right, left)


def among(left: Value, items: Sequence[Value], *, exact: bool) -> str:
    """Return whether ``left`` equals one of ``items``, as SQL's own IN, which the engine looks up in a hash table.

    All items are literals of one kind, never null.
    """
    sides: dict[tuple[Kind, str], list[str]] = {}
    for item in items:
        (other,) = item.parts
        for one, sql in left.parts.items():
            pair = None if _never_equal(left, one, item, other) else _pair(one, sql, other, single(item), equality=True)
            if pair is not None:
                zeros = _ZEROS if _is_zero(pair[1]) and _as_floats(one, other) else ()
                sides.setdefault((one, pair[0]), []).extend(zeros or pair[1:])
    terms = [f"({sql} IN ({', '.join(others)}))" for (_, sql), others in sides.items()]
    if not exact or _alike(left, items[0]):
        return sql_text.any_of(terms)
    if not left.everything:
        return sql_text.null(Kind.BOOLEAN)
    return f"CASE WHEN {present(left)} THEN {_surely(terms)} END"


def _as_floats(one: Kind, other: Kind) -> bool:
    """Whether two kinds of numbers, and texts that spell some, meet as floats."""
    return {one, other} <= {*_NUMERIC, Kind.TEXT} and (one != other or one is Kind.FLOAT)


def _is_zero(literal: str) -> bool:
    spelled = _LITERAL_TEXT.search(literal)
    digits = sql_text.unquoted(spelled[1]) if spelled else sql_text.numeral(literal)
    try:
        return digits is not None and float(digits) == 0
    except ValueError:
        return False


def not_equal(left: Value, right: Value, *, exact: bool) -> str:
    """Return ``left != right``."""
    left, right = _constant_last(left, right)
    if _alike(left, right):
        return _terms("<>", left, right)[0]
    if not left.everything or not right.everything:
        return sql_text.null(Kind.BOOLEAN)
    different = f"NOT {_surely(_terms('=', left, right))}"
    if not exact:
        return sql_text.all_of([present(left), present(right), different])
    return f"CASE WHEN {present(left)} AND {present(right)} THEN {different} END"


def same(left: Value, right: Value) -> str:
    """Return ``left <=> right``: true where both are null, never null itself."""
    if _alike(left, right) and left.type == right.type and left.type <= _PLAIN:
        return f"({single(left)} IS NOT DISTINCT FROM {single(right)})"
    both_null = sql_text.all_of([absent(left), absent(right)])
    return sql_text.any_of([both_null, _surely(_terms("=", left, right))])


def alike(left: Value, right: Value, *, exact: bool) -> str:
    """Return whether two values are equal without any text being read as a number or a time; null never is."""
    terms = [
        term
        for one, left_sql in left.parts.items()
        for other, right_sql in right.parts.items()
        if (one is Kind.TEXT) is (other is Kind.TEXT)
        for term in _terms("=", Value({one: left_sql}, apart=left.apart), Value({other: right_sql}, apart=right.apart))
    ]
    return _surely(terms) if exact else sql_text.any_of(terms)


def ordered(operator: str, left: Value, right: Value, *, exact: bool) -> str:
    """Return ``left < right`` and its kin, null for kinds that have no order between them."""
    terms = _terms(operator, left, right)
    if not terms:
        return sql_text.null(Kind.BOOLEAN)
    if not exact or len(terms) == 1:
        return sql_text.any_of(terms)
    return f"coalesce({', '.join(terms)})"


def meeting_key(value: Value) -> str | None:
    """Return a text that is the same for any two values that are equal, None where there is no such text.

    Values that are not equal may have the same key, too: it finds candidates.
    """
    if not value.parts or value.marker or value.type & {Kind.TIME, Kind.INTERVAL, Kind.LIST}:
        return None
    terms: list[str] = []
    for kind, sql in value.parts.items():
        match kind:
            case Kind.INTEGER | Kind.FLOAT | Kind.BIG:
                terms.append(_number_key(f"CAST({sql} AS DOUBLE)"))
            case Kind.TEXT:
                number = as_number(sql)
                terms.append(f"CASE WHEN {number} IS NULL THEN 't' || {sql} ELSE {_number_key(number)} END")
            case _:
                terms.append(f"'{kind}' || CAST({sql} AS VARCHAR)")
    return f"coalesce({', '.join(terms)})"


def _number_key(sql: str) -> str:
    return f"'n' || CAST({without_minus_zero(sql)} AS VARCHAR)"


def precedes(operator: str, left: Value, right: Value) -> str:
    """Return whether ``left`` sorts before ``right`` (``<``) or after it (``>``), kinds in the order of a sort."""
    ranks = [rank(value) for value in (left, right)]
    within = _terms(operator, left, right)
    contents = structure(left), structure(right)
    if None not in contents:
        within.append(f"({contents[0]} {operator} {contents[1]})")
    decided = f"coalesce({', '.join([*within, 'FALSE'])})"
    return f"({ranks[0]} {operator} {ranks[1]} OR ({ranks[0]} = {ranks[1]} AND {decided}))"


def as_number(sql: str) -> str:
    """Return a text as a float, null where it spells no finite number: JSON has no other, but the engine reads them."""
    return sql_text.finite(f"TRY_CAST({sql} AS DOUBLE)")


def as_time(sql: str) -> str:
    """Return a text as an instant in UTC, null where it does not spell one."""
    # Without seconds it is ISO 8601, too, which the engine does not know.
    with_seconds = f"regexp_replace({sql}, {_WITHOUT_SECONDS}, '\\1:00\\2')"
    read, read_then = (f"arrow_try_cast({each}, {sql_text.INSTANT})" for each in (sql, with_seconds))
    return f"coalesce({read}, {read_then})"


def as_interval(sql: str) -> str:
    """Return a text as an interval, null where it does not spell one.

    Not by the engine's own cast, which knows no clocks, and takes ``5`` for five months.
    """
    return f"btql_interval_of({sql})"


def difference(later: str, earlier: str) -> str:
    """Return the interval between two times, null where it has more nanoseconds than 64 bits."""
    length = f"abs(arrow_cast({later}, 'Int64') - arrow_cast({earlier}, 'Int64'))"
    known = f"CASE WHEN {length} < 9200000000000000 THEN {later} - {earlier} END"
    return f"arrow_cast({known}, 'Interval(MonthDayNano)')"


def _alike(left: Value, right: Value) -> bool:
    """Whether one term says it all: the same single kind on both sides and nothing hidden."""
    if left.marker or right.marker or len(left.parts) != 1 or len(right.parts) != 1:
        return False
    (one,), (other,) = left.parts, right.parts
    return one == other or ({one, other} == set(_NUMERIC) and not _never_equal(left, one, right, other))


def _never_equal(left: Value, one: Kind, right: Value, other: Kind) -> bool:
    """Whether a whole number meets floats none of which is whole and fits 64 bits."""
    return {one, other} == set(_NUMERIC) and (left if one is Kind.FLOAT else right).apart


def _surely(terms: list[str]) -> str:
    return sql_text.any_of([f"coalesce({term}, FALSE)" for term in terms])


def _terms(operator: str, left: Value, right: Value) -> list[str]:
    terms: list[str] = []
    equality = operator in ("=", "<>")
    for one, left_sql in left.parts.items():
        for other, right_sql in right.parts.items():
            if equality and _never_equal(left, one, right, other):
                continue
            pair = _pair(one, left_sql, other, right_sql, equality=equality)
            if pair is not None:
                terms.append(f"({pair[0]} {operator} {pair[1]})")
    return terms


def _pair(one: Kind, left: str, other: Kind, right: str, *, equality: bool) -> tuple[str, str] | None:
    """Return both sides ready to be compared, or None where the kinds never meet."""
    if one in _UNORDERED or other in _UNORDERED:
        return _contents(one, left, other, right) if equality else None
    kinds = {one, other}
    if kinds in ({Kind.INTERVAL}, {Kind.INTERVAL, Kind.TEXT}):
        return _seconds(one, left), _seconds(other, right)
    if Kind.BIG in kinds:
        # Equal digits are equal numbers, and no number beyond 64 bits equals one within.
        if equality and one == other:
            return left, right
        if equality and Kind.INTEGER in kinds:
            return None
        comparable = all(kind in (*_NUMERIC, Kind.BIG, Kind.TEXT) for kind in kinds)
        return (_float(one, left), _float(other, right)) if comparable else None
    if one == other or kinds == set(_NUMERIC):
        return left, right
    if kinds <= {Kind.TEXT, *_NUMERIC}:
        return _float(one, left) if one is Kind.TEXT else left, _float(other, right) if other is Kind.TEXT else right
    if kinds == {Kind.TEXT, Kind.TIME}:
        return as_time(left) if one is Kind.TEXT else left, as_time(right) if other is Kind.TEXT else right
    return None


def _contents(one: Kind, left: str, other: Kind, right: str) -> tuple[str, str] | None:
    if one == other:
        return left, right
    if {one, other} != set(_UNORDERED):
        return None
    spelled = [f"btql_json_list({sql})" if kind is Kind.LIST else sql for kind, sql in ((one, left), (other, right))]
    return spelled[0], spelled[1]


def _float(kind: Kind, sql: str) -> str:
    match kind:
        case Kind.TEXT:
            return as_number(sql)
        case Kind.BIG:
            return f"CAST({sql} AS DOUBLE)"
        case _:
            return sql


def _seconds(kind: Kind, sql: str) -> str:
    return f"date_part('epoch', {as_interval(sql) if kind is Kind.TEXT else sql})"
