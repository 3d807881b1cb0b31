"""How two values of any kinds compare: the one place that knows.

1. Numbers compare by size, whole and fractional alike; texts by code point;
   times by instant; booleans false before true; lists and JSON by content.
2. A text that spells a number compares with a number numerically; a text that
   spells a time compares with a time as one.
3. Any other two kinds are different: ``=`` is false, ``!=`` is true, and an
   order between them is null.
4. Null on either side gives null, except for ``<=>`` and ``<!=>``.

Each comparison is a list of *terms*, one for each pair of kinds that can meet.
Because at most one kind of a value is not null, at most one term is not null.
A condition that only decides whether a row is kept (``exact=False``) may treat
null and false alike and is then a plain OR of terms, which the engine can push
into a scan.
"""

from __future__ import annotations

from btql_planner import sql_text
from btql_planner.types import Kind
from btql_planner.value import Value, absent, present, rank

_NUMERIC = (Kind.INTEGER, Kind.FLOAT)


def equal(left: Value, right: Value, *, exact: bool) -> str:
    """Return ``left = right``."""
    terms = _terms("=", left, right)
    if not exact:
        return sql_text.any_of(terms)
    if _alike(left, right):
        return terms[0]
    return f"CASE WHEN {present(left)} AND {present(right)} THEN {_surely(terms)} END"


def not_equal(left: Value, right: Value, *, exact: bool) -> str:
    """Return ``left != right``."""
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
    both_null = sql_text.all_of([absent(left), absent(right)])
    return sql_text.any_of([both_null, _surely(_terms("=", left, right))])


def ordered(operator: str, left: Value, right: Value, *, exact: bool) -> str:
    """Return ``left < right`` and its kin, null for kinds that have no order between them."""
    terms = _terms(operator, left, right)
    if not terms:
        return sql_text.null(Kind.BOOLEAN)
    if not exact or len(terms) == 1:
        return sql_text.any_of(terms)
    return f"coalesce({', '.join(terms)})"


def precedes(operator: str, left: Value, right: Value) -> str:
    """Return whether ``left`` sorts before ``right`` (``<``) or after it (``>``), kinds in the order of a sort."""
    ranks = [rank(value) for value in (left, right)]
    within = ordered(operator, left, right, exact=True)
    return f"({ranks[0]} {operator} {ranks[1]} OR ({ranks[0]} = {ranks[1]} AND coalesce({within}, FALSE)))"


def as_time(sql: str) -> str:
    """Return a text as an instant in UTC, null where it does not spell one."""
    return f"TRY_CAST({sql} AS TIMESTAMP)"


def _alike(left: Value, right: Value) -> bool:
    """Whether one term says it all: the same single kind on both sides and nothing hidden."""
    if left.marker or right.marker or len(left.parts) != 1 or len(right.parts) != 1:
        return False
    (one,), (other,) = left.parts, right.parts
    return one == other or (one in _NUMERIC and other in _NUMERIC) or Kind.TIME in (one, other)


def _surely(terms: list[str]) -> str:
    return sql_text.any_of([f"coalesce({term}, FALSE)" for term in terms])


def _terms(operator: str, left: Value, right: Value) -> list[str]:
    terms: list[str] = []
    for one, left_sql in left.parts.items():
        for other, right_sql in right.parts.items():
            pair = _pair(one, left_sql, other, right_sql)
            if pair is not None and (operator in ("=", "<>") or one not in (Kind.LIST, Kind.JSON)):
                terms.append(f"({pair[0]} {operator} {pair[1]})")
    return terms


def _pair(one: Kind, left: str, other: Kind, right: str) -> tuple[str, str] | None:
    """Return both sides ready to be compared, or None where the kinds never meet."""
    if one == other or (one in _NUMERIC and other in _NUMERIC):
        return left, right
    if one is Kind.TEXT and other in _NUMERIC:
        return f"TRY_CAST({left} AS DOUBLE)", right
    if other is Kind.TEXT and one in _NUMERIC:
        return left, f"TRY_CAST({right} AS DOUBLE)"
    if one is Kind.TEXT and other is Kind.TIME:
        return as_time(left), right
    if other is Kind.TEXT and one is Kind.TIME:
        return left, as_time(right)
    return None
