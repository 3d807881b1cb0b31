"""Bodies of JSON that would take many times their size once they are decoded, refused before they are.

A value takes some 60 bytes of memory, however short its text is: two bytes are enough for one. Nearly all bodies have
fewer than one for each 16 bytes, and cost no more than to count what separates them. Of the others,

- those that have rows, which stay JSON text, are decoded to nothing but the number of these;
- the values of all others are counted, which a text full of commas has not.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import cache, reduce
from operator import or_
from types import GenericAlias
from typing import Any

import msgspec
from msgspec import inspect

from btql_server.http.errors import HttpError
from btql_storage.errors import TooManyEvents
from btql_storage.structure import outside_texts
from btql_storage.transactions import ROWS_MAX

SMALL_BYTES = 1 << 20
"""Bodies up to here take what they take."""
VALUES_MAX = 2_000_000
"""Values that are built of a body, which take some 200 MB."""
_VALUE_BYTES = 16
_SEPARATORS = (b",", b"[", b"{")
"""Each value has one before it, but those that have a key or a bracket."""
_COUNTED_MAX = 4 * ROWS_MAX
"""Rows and what they are in: each may be alone in an object, and that in another one."""


class _Counted(threading.local):
    """What the body has that a thread decodes."""

    rows = 0


_counted = _Counted()


class _Row(msgspec.Struct):
    """A row, of which nothing is kept, or what rows are in."""

    def __post_init__(self) -> None:
        """Count it, and stop where there are too many."""
        _counted.rows += 1
        if _counted.rows > _COUNTED_MAX:
            message = f"a request of more than {_COUNTED_MAX:,} events and objects that they are in"
            raise TooManyEvents(message, f"send at most {ROWS_MAX:,} events at a time")


def is_dense(text: bytes) -> bool:
    """Whether JSON may take many times its size."""
    return len(text) > SMALL_BYTES and sum(map(text.count, _SEPARATORS)) * _VALUE_BYTES > len(text)


def check_values(text: bytes) -> None:
    """Raise where JSON has too many values to build all of them."""
    count = sum(sum(map(piece.count, _SEPARATORS)) for piece in outside_texts(text)) if is_dense(text) else 0
    if count > VALUES_MAX:
        raise HttpError(413, f"the body has {count:,} values, and may have {VALUES_MAX:,}: send fewer at a time")


def begin_count() -> None:
    """Count from nothing, on this thread, what is decoded to a shape of :func:`rows_of`."""
    _counted.rows = 0


@cache
def rows_of(shape: type) -> type | None:
    """Return a shape that has nothing but the rows of another, which are counted; None where it has none.

    Rows are what stays JSON in lists, and structures that have such JSON.
    """
    found: type | None = _rows_of(inspect.type_info(shape), ())
    return found


def _rows_of(kind: inspect.Type, within: tuple[type, ...]) -> Any:  # noqa: ANN401  any type
    match kind:
        case inspect.RawType():
            return _Row
        case inspect.ListType(item_type=item):
            rows = _rows_of(item, within)
            return None if rows is None else GenericAlias(list, (rows,))
        case inspect.DictType(value_type=value):
            rows = _rows_of(value, within)
            return None if rows is None else GenericAlias(dict, (str, rows))
        case inspect.StructType(cls=cls, fields=fields) if cls not in within:
            return _struct_of(cls, fields, (*within, cls))
        case inspect.UnionType(types=types):
            found = [_rows_of(each, within) for each in types]
            if not any(found):
                return None
            # What rows may be replaced by is not looked at.
            others = [_Row for each in types if isinstance(each, inspect.StructType) and _rows_of(each, within) is None]
            return reduce(or_, [*filter(None, found), *others, None])
        case _:
            return None


def _struct_of(cls: type, fields: Iterable[inspect.Field], within: tuple[type, ...]) -> type | None:
    found = [(each.encode_name, _rows_of(each.type, within)) for each in fields if not _is_raw(each)]
    lists = [(name, rows, None) for name, rows in found if rows is not None]
    if lists:
        return msgspec.defstruct(cls.__name__, lists, bases=(_Row,))
    return _Row if any(map(_is_raw, fields)) else None


def _is_raw(field: inspect.Field) -> bool:
    return isinstance(field.type, inspect.RawType)
