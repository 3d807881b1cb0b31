"""Pieces of SQL text for the engine: quoted names, literals, typed nulls."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zlib import crc32

from btql_planner.types import SQL_TYPES, Kind

NAME, TEXT = r'"(?:[^"]|"")+"', r"'(?:[^']|'')*'"
"""Patterns of a quoted name and of a text literal."""
_NAME, _TEXT = re.compile(NAME), re.compile(TEXT)
_NUMBER = re.compile(r"\(?(-?\d+)\)?|CAST\(\(?(-?\d[\d.e+-]*)\)? AS DOUBLE\)")


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One term of an ORDER BY."""

    sql: str
    descending: bool = False
    nulls: Literal["first", "last"] = "last"

    @property
    def how(self) -> str:
        """What stands behind the expression."""
        return f"{'DESC' if self.descending else 'ASC'} NULLS {self.nulls.upper()}"

    def __str__(self) -> str:
        """Return the term as it is written."""
        return f"{self.sql} {self.how}"


def name(text: str) -> str:
    """Return an identifier, quoted so that it is taken to the letter."""
    return '"' + text.replace('"', '""') + '"'


def is_name(sql: str) -> bool:
    """Whether an expression is the name of a column and nothing else."""
    return _NAME.fullmatch(sql) is not None


def is_text(sql: str) -> bool:
    """Whether an expression is a text literal and nothing else."""
    return _TEXT.fullmatch(sql) is not None


def text(value: str) -> str:
    """Return a text literal."""
    return "'" + value.replace("'", "''") + "'"


def has_names(sql: str) -> bool:
    """Whether an expression reads any column."""
    return '"' in _TEXT.sub("", sql)


def unquoted(sql: str) -> str:
    """Return what a quoted name or a text literal says."""
    quote = sql[0]
    return sql[1:-1].replace(quote * 2, quote)


def number(value: float) -> str:
    """Return a number literal that keeps every digit of ``value``."""
    if isinstance(value, int):
        return str(value) if value >= 0 else f"({value})"
    if math.isinf(value) or math.isnan(value):
        return f"CAST('{value}' AS DOUBLE)"
    return f"CAST({value!r} AS DOUBLE)" if value >= 0 else f"CAST(({value!r}) AS DOUBLE)"


def numeral(sql: str) -> str | None:
    """Return the digits of what :func:`number` made of a finite number, None for any other expression."""
    found = _NUMBER.fullmatch(sql)
    return None if found is None else found[1] or found[2]


INSTANT = "'Timestamp(Microsecond, Some(\"UTC\"))'"
"""The engine's type of every time."""


def time(value: datetime) -> str:
    """Return an instant as a literal in UTC, microseconds kept."""
    return f"arrow_cast('{value.astimezone(UTC).isoformat(timespec='microseconds')}', {INSTANT})"


def null(kind: Kind) -> str:
    """Return a null of the engine type that ``kind`` has."""
    if kind is Kind.TIME:
        return f"arrow_cast(NULL, {INSTANT})"
    if kind is Kind.LIST:
        return "arrow_cast(NULL, 'List(Utf8)')"
    return f"CAST(NULL AS {SQL_TYPES[kind]})"


def typed(kind: Kind, sql: str) -> str:
    """Return SQL with the one engine type that all values of a kind have where several sources of them meet."""
    if kind is Kind.TIME:
        return f"arrow_cast({sql}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
    return f"CAST({sql} AS {SQL_TYPES[kind]})" if kind in (Kind.INTEGER, Kind.FLOAT) else sql


def finite(sql: str) -> str:
    """Return a float, null where it is infinite or no number."""
    return f"nullif(nullif(nanvl({sql}, CAST(NULL AS DOUBLE)), CAST('inf' AS DOUBLE)), CAST('-inf' AS DOUBLE))"


def varying(sql: str) -> str:
    """Return SQL whose value the engine cannot know before it runs.

    Where rows of two queries meet, it would take what is constant in each for constant in all. And where ``a = 'x'``
    and ``a = b``, of a ``b`` that is ``'x'`` everywhere it would make ``'x' = a``, and hold that for another equality
    that nothing can have beside the first.
    """
    return f"CASE WHEN {holding(sql)} THEN {sql} END"


def holding(sql: str) -> str:
    """Return a condition that always holds, which the engine does not know, and of which each SQL has its own.

    With one condition for two columns, it would take these for equal wherever it takes what they are made of for equal.
    """
    return f"random() < {2 + crc32(sql.encode())}"


def any_of(conditions: list[str]) -> str:
    """Return the conditions joined by OR; none at all is false."""
    return _joined(conditions, " OR ", "FALSE")


def all_of(conditions: list[str]) -> str:
    """Return the conditions joined by AND; none at all is true."""
    return _joined(conditions, " AND ", "TRUE")


def _joined(conditions: list[str], word: str, empty: str) -> str:
    if len(conditions) < 2:
        return conditions[0] if conditions else empty
    return "(" + word.join(conditions) + ")"
