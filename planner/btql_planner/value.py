"""Values in the engine: one SQL expression for each kind a value may have.

The engine below is statically typed, documents are not. So an expression whose
type has several kinds becomes several SQL expressions, of which at most one is
not null in any row. A path that holds numbers and texts is the pair of its
number column and its text column; ``coalesce`` and CASE work kind by kind; a
comparison becomes one term for each pair of kinds that can be compared.

Everything a function needs to know about such values is in this module, in
``compare.py`` (which values are equal, which come first) and in ``spelling.py``
(values as text and as JSON).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from btql_planner import sql_text
from btql_planner.types import CONTENTS, NUMBER, NUMERIC, ORDER, Kind, Type

BITS = 64
"""Of the engine's whole numbers."""
ROW_BITS = 40
"""More rows than two to this power are never counted or added up."""
SIZE_BITS = 32
"""No text and no array has more characters, bytes or elements than two to this power."""
SAFE_MAX = "9223372036854774784"
"""The largest float below two to the 63rd."""
_FAR = "4611686018427387904"
"""Two to the 62nd: a float is nearer to the whole number that it stands for, and farther from one that wrapped."""


@dataclass(frozen=True, slots=True)
class Value:
    """The SQL expressions of a value by kind; none at all is null."""

    parts: Mapping[Kind, str] = field(default_factory=dict[Kind, str])
    marker: str | None = None
    """SQL that is not null where there is a value that ``parts`` does not show."""
    bits: int = BITS
    """Whole numbers among the values are below two to this power; 64 when nothing is known."""
    apart: bool = False
    """No float among the values is a whole number that an integer could be."""

    @property
    def type(self) -> Type:
        """The kinds this value may have."""
        return frozenset(self.parts)

    def get(self, kind: Kind) -> str:
        """Return the SQL of one kind, a typed null where the value never has it."""
        return self.parts.get(kind, sql_text.null(kind))

    @property
    def everything(self) -> list[str]:
        """Every SQL expression of which one is not null when the value is not."""
        return [*self.parts.values(), *([self.marker] if self.marker else [])]


def of(kind: Kind, sql: str) -> Value:
    """Return a value of a single kind."""
    return Value({kind: sql})


def boolean(sql: str) -> Value:
    """Return a condition."""
    return of(Kind.BOOLEAN, sql)


def condition(value: Value) -> str:
    """Return the value as a condition; anything that is not a boolean is null."""
    return value.get(Kind.BOOLEAN)


def present(value: Value) -> str:
    """Return the condition that the value is not null."""
    return sql_text.any_of([f"{sql} IS NOT NULL" for sql in value.everything])


def absent(value: Value) -> str:
    """Return the condition that the value is null."""
    return sql_text.all_of([f"{sql} IS NULL" for sql in value.everything])


def number(value: Value, *, booleans: bool = False) -> Value:
    """Return the value as one number: INTEGER if it only has whole ones of 64 bits, else FLOAT.

    What is not a number is null; with ``booleans`` true is 1 and false is 0.
    """
    terms = {kind: value.parts[kind] for kind in (Kind.INTEGER, Kind.FLOAT, Kind.BIG) if kind in value.parts}
    if booleans and Kind.BOOLEAN in value.parts:
        one = f"CAST({value.parts[Kind.BOOLEAN]} AS BIGINT)"
        whole = terms.get(Kind.INTEGER)
        terms[Kind.INTEGER] = f"coalesce({whole}, {one})" if whole else one
    if not terms:
        return of(Kind.FLOAT, sql_text.null(Kind.FLOAT))
    if len(terms) == 1 and Kind.BIG not in terms:
        return Value(terms, bits=value.bits)
    floats = [sql if kind is Kind.FLOAT else f"CAST({sql} AS DOUBLE)" for kind, sql in terms.items()]
    return of(Kind.FLOAT, floats[0] if len(floats) == 1 else f"coalesce({', '.join(floats)})")


def whole(sql: str, as_float: str, bits: int) -> Value:
    """Return a computed whole number, as the nearest float where it is too large for one.

    ``bits`` bounds the result. Where it cannot be too large the check is left
    out, and the value stays an integer and nothing else.
    """
    if bits < BITS:
        return Value({Kind.INTEGER: sql}, bits=bits)
    # One that wrapped is two to the 64th, or a multiple of it, from the number that it should be.
    fits = f"abs({as_float} - CAST({sql} AS DOUBLE)) < {_FAR}"
    parts = {
        Kind.INTEGER: f"CASE WHEN {fits} THEN {sql} END",
        Kind.FLOAT: f"CASE WHEN NOT {fits} THEN {as_float} END",
    }
    return Value(parts, apart=True)


def single(value: Value) -> str:
    """Return the SQL of a value that has exactly one kind."""
    (sql,) = value.parts.values()
    return sql


def choose(branches: Sequence[tuple[str, Value]], otherwise: Value) -> Value:
    """Return CASE WHEN over values of any kinds."""
    branches = [(when, _plain(value)) for when, value in branches]
    otherwise = _plain(otherwise)
    values = [otherwise, *(value for _, value in branches)]
    kinds = {kind for value in values for kind in value.parts}
    apart = all(value.apart for value in values if Kind.FLOAT in value.parts)
    if {Kind.INTEGER, Kind.FLOAT} <= kinds and not apart:
        # Whole and fractional numbers become one column, or 1 and a computed 1.0 would be two groups.
        kinds.discard(Kind.INTEGER)
        branches = [(when, as_float(value)) for when, value in branches]
        otherwise = as_float(otherwise)
    if kinds >= CONTENTS:
        # So do arrays, or a list of texts and a computed array of the same texts would be two groups.
        kinds.discard(Kind.LIST)
        branches = [(when, lists_as_json(value)) for when, value in branches]
        otherwise = lists_as_json(otherwise)
    bits = max((value.bits for value in values if Kind.INTEGER in value.parts), default=BITS)
    return Value({kind: _case(branches, otherwise, kind) for kind in sorted(kinds)}, bits=bits, apart=apart)


def coalesce(values: Sequence[Value]) -> Value:
    """Return the first value that is not null."""
    if len(values) == 1:
        return values[0]
    kinds = frozenset[Kind]().union(*(value.type for value in values))
    if len(kinds) == 1 and not any(value.marker for value in values):
        (kind,) = kinds
        parts = {kind: f"coalesce({', '.join(value.get(kind) for value in values)})"}
        known = [value for value in values if value.parts]
        return Value(parts, bits=max(value.bits for value in known), apart=all(value.apart for value in known))
    return choose([(present(value), value) for value in values[:-1]], values[-1])


def key(value: Value) -> str:
    """Return one SQL expression that is equal exactly where two values are the same."""
    value = comparable(value)
    if len(value.parts) == 1:
        return single(value)
    tagged = [f"'{kind}' || CAST({sql} AS VARCHAR)" for kind, sql in value.parts.items() if kind is not Kind.LIST]
    if Kind.LIST in value.parts:
        tagged.append(f"'j' || btql_json_list({value.parts[Kind.LIST]})")
    return f"coalesce({', '.join(tagged)})" if tagged else sql_text.null(Kind.TEXT)


def comparable(value: Value) -> Value:
    """Return the value with zero for minus zero: the engine sorts and counts floats by their bits."""
    # What is stored has no zero among its floats: a whole number is in the other column.
    if value.apart or Kind.FLOAT not in value.parts:
        return value
    return replace(value, parts={**value.parts, Kind.FLOAT: without_minus_zero(value.parts[Kind.FLOAT])})


def without_minus_zero(sql: str) -> str:
    """Return a float, zero for minus zero."""
    return f"({sql} + CAST(0 AS DOUBLE))"


def sort_keys(value: Value) -> list[str]:
    """Return the SQL expressions to sort by: the kind's rank first where kinds mix.

    Nulls of the rank come last in both directions, and that carries over to the
    value, so that a key that is null for the kind at hand never decides.
    """
    value = comparable(value)
    ordered = [kind for kind in ORDER if kind in value.parts]
    numbers = NUMERIC & set(ordered)
    others = [_sortable(kind, value.parts[kind]) for kind in ordered if kind not in numbers | CONTENTS]
    contents = structure(value)
    keys = [*([single(number(value))] if numbers else []), *others, *([contents] if contents else [])]
    return keys if len(keys) <= 1 else [rank(value), *keys]


def _sortable(kind: Kind, sql: str) -> str:
    return f"date_part('epoch', {sql})" if kind is Kind.INTERVAL else sql


def structure(value: Value) -> str | None:
    """Return the JSON text of arrays and objects, by which they are sorted; None where the value is never one."""
    terms = [f"btql_json_list({value.parts[Kind.LIST]})"] if Kind.LIST in value.parts else []
    terms += [value.parts[Kind.JSON]] if Kind.JSON in value.parts else []
    return (terms[0] if len(terms) == 1 else f"coalesce({', '.join(terms)})") if terms else None


def rank(value: Value) -> str:
    """Return the place of the value's kind in the order of kinds, as SQL; null for null."""
    ranks = " ".join(f"WHEN {sql} IS NOT NULL THEN {_rank(kind)}" for kind, sql in value.parts.items() if kind in ORDER)
    return f"CASE {ranks} END" if ranks else sql_text.null(Kind.INTEGER)


def _rank(kind: Kind) -> int:
    return ORDER.index(Kind.INTEGER if kind in NUMERIC else Kind.JSON if kind in CONTENTS else kind)


def _plain(value: Value) -> Value:
    if Kind.RAW not in value.parts:
        return value
    return Value({kind: sql for kind, sql in value.parts.items() if kind is not Kind.RAW})


def as_float(value: Value) -> Value:
    """Return the value with its whole numbers as floats."""
    if Kind.INTEGER not in value.parts:
        return value
    parts: dict[Kind, str] = {kind: sql for kind, sql in value.parts.items() if kind not in NUMBER}
    whole_and_not = Value({kind: value.parts[kind] for kind in (Kind.INTEGER, Kind.FLOAT) if kind in value.parts})
    return Value({**parts, Kind.FLOAT: f"CAST({single(number(whole_and_not))} AS DOUBLE)"})


def lists_as_json(value: Value) -> Value:
    """Return the value with a list of texts as JSON, as any other array is."""
    contents = structure(value)
    if contents is None or Kind.LIST not in value.parts:
        return value
    others = {kind: sql for kind, sql in value.parts.items() if kind not in CONTENTS}
    return replace(value, parts={**others, Kind.JSON: contents})


def _case(branches: Sequence[tuple[str, Value]], otherwise: Value, kind: Kind) -> str:
    whens = " ".join(f"WHEN {when} THEN {value.get(kind)}" for when, value in branches)
    return f"CASE {whens} ELSE {otherwise.get(kind)} END"
