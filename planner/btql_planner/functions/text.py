"""Functions of text."""

from __future__ import annotations

from btql_planner.functions.registry import Any, Integer, Text, scalar
from btql_planner.spelling import as_text
from btql_planner.types import Kind
from btql_planner.value import Value


@scalar
def lower(value: Text) -> Text:
    """Return ``value`` in lower case.

    >>> lower('ÀB')
    'àb'
    """
    return f"lower({value})"


@scalar
def upper(value: Text) -> Text:
    """Return ``value`` in upper case.

    >>> upper('àb')
    'ÀB'
    """
    return f"upper({value})"


@scalar
def trim(value: Text) -> Text:
    """Return ``value`` without white space at its ends.

    >>> trim('  ab ')
    'ab'
    """
    return f"trim({value})"


@scalar
def length(value: Text) -> Integer:
    """Return the number of characters in ``value``.

    >>> length('naïve')
    5
    """
    return f"CAST(character_length({value}) AS BIGINT)"


@scalar
def substring(value: Text, start: Integer, count: Integer = "") -> Text:
    """Return ``count`` characters of ``value`` from number ``start``, counted from 1.

    >>> substring('abcdef', 2, 3)
    'bcd'
    """
    return f"substr({value}, {start}{', ' + count if count else ''})"


@scalar
def replace(value: Text, old: Text, new: Text) -> Text:
    """Return ``value`` with every ``old`` replaced by ``new``.

    >>> replace('a-b-c', '-', '+')
    'a+b+c'
    """
    return f"replace({value}, {old}, {new})"


@scalar
def concat(*items: Any) -> Text:
    """Return the items as texts, one after the other; nulls are left out.

    >>> concat('a', 1, null, true)
    'a1true'
    """
    parts = [as_text(item) for item in items]
    return f"concat({', '.join(parts)})"


@scalar(name="len")
def len_(value: Any) -> Integer:
    """Return the number of elements of an array or object, or of characters of a text.

    >>> len('naïve')
    5
    """
    return _length(value)


def _length(value: Value) -> str:
    counted = {
        Kind.TEXT: "CAST(character_length({}) AS BIGINT)",
        Kind.LIST: "CAST(coalesce(array_length({0}), CASE WHEN {0} IS NOT NULL THEN 0 END) AS BIGINT)",
        Kind.JSON: "btql_json_length({})",
    }
    terms = [counted[kind].format(sql) for kind, sql in value.parts.items() if kind in counted]
    return f"coalesce({', '.join([*terms, 'CAST(NULL AS BIGINT)'])})"
