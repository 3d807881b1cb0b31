"""Which kind a value of JSON is, and as what the engine keeps it.

It is what storage does when it makes columns of documents: a number without a fraction is an integer, however it is
spelled, and one that is too long for the engine is a text of digits.
"""

from __future__ import annotations

from btql_planner.types import Kind
from btql_storage import json_text
from btql_storage.kinds import INTEGER_MAX, INTEGER_MIN


def kept_as(value: object) -> tuple[Kind, bool | int | float | str | bytes]:
    """Return the kind of a value that is not null, and what stands for it in a column of that kind.

    JSON is in UTF-8, as Arrow has it.
    """
    match value:
        case bool():
            return Kind.BOOLEAN, value
        case int():
            return (Kind.INTEGER, value) if INTEGER_MIN <= value <= INTEGER_MAX else (Kind.BIG, str(value))
        case float():
            whole = value.is_integer() and INTEGER_MIN <= value <= INTEGER_MAX
            return (Kind.INTEGER, int(value)) if whole else (Kind.FLOAT, value)
        case str():
            return Kind.TEXT, value
        case _:
            return Kind.JSON, json_text.canonical_bytes(value)
