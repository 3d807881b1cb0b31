"""The type objects of PEP 249, which compare with Arrow's types, and its constructors of values.

A column of ``Cursor.description`` has its Arrow type as type code, and ``description[0][1] == btql.NUMBER`` says
whether that is a number. Each Arrow type that a column can have is equal to one of the objects.
"""

# ruff: noqa: N802  the names of the functions are those of PEP 249

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time

import pyarrow as pa


class TypeObject:
    """A sort of column."""

    def __init__(self, name: str, *tests: Callable[[pa.DataType], bool]) -> None:
        self._name = name
        self._tests = tests

    def __eq__(self, other: object) -> bool:
        """Return whether a type of Arrow is of this sort."""
        if isinstance(other, pa.DataType):
            return any(test(other) for test in self._tests)
        return self is other

    def __hash__(self) -> int:
        """Return a hash, of the object itself: what is equal to it is of another class."""
        return id(self)

    def __repr__(self) -> str:
        """Return its name in the module."""
        return f"btql.{self._name}"


def _is_json(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.JsonType)


STRING = TypeObject("STRING", pa.types.is_string, pa.types.is_large_string, pa.types.is_null)
"""Text, and a column that has no values at all, of which nothing is known."""
BINARY = TypeObject("BINARY", pa.types.is_binary)
NUMBER = TypeObject("NUMBER", pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
DATETIME = TypeObject("DATETIME", pa.types.is_timestamp, pa.types.is_date)
ROWID = TypeObject("ROWID")
"""No column: rows are named by their field ``id``, a text."""
BOOLEAN = TypeObject("BOOLEAN", pa.types.is_boolean)
"""Beyond PEP 249, as the two below."""
JSON = TypeObject("JSON", _is_json)
LIST = TypeObject("LIST", pa.types.is_list)

Date = date
Time = time
Timestamp = datetime
Binary = bytes


def DateFromTicks(ticks: float) -> date:
    """Return the day, in UTC, of a number of seconds since 1970."""
    return TimestampFromTicks(ticks).date()


def TimeFromTicks(ticks: float) -> time:
    """Return the time of day, in UTC, of a number of seconds since 1970."""
    return TimestampFromTicks(ticks).time()


def TimestampFromTicks(ticks: float) -> datetime:
    """Return the instant of a number of seconds since 1970."""
    return datetime.fromtimestamp(ticks, UTC)
