"""``AT TIME ZONE``, which in Postgres goes both ways: from an instant to what a clock shows, and back.

There is one kind of time here. What is a ``timestamp`` without a time zone in Postgres is told from how it is written,
as dates are.
"""

from __future__ import annotations

from btql_grammar import tree
from btql_grammar.span import Span

_KEEPING = {
    "date_trunc": 1, "date_bin": 1, "second": 0, "minute": 0, "hour": 0, "day": 0, "week": 0, "month": 0, "year": 0,
    "min": 0, "max": 0, "coalesce": 0, "nullif": 0, "least": 0, "greatest": 0,
}  # fmt: skip
"""Functions that return what a clock shows where the argument at a place is it."""


def at_time_zone(value: tree.Expression, zone: tree.Expression, span: Span, place: Span) -> tree.Expression:
    """Return ``value AT TIME ZONE zone``, whose keywords end at ``place``."""
    name = "from_timezone" if shows_clock(value) else "timezone"
    return tree.Call(name, (zone, value), span=span, name_span=place)


def shows_clock(node: tree.Expression) -> bool:
    """Whether an expression would be a ``timestamp`` without a time zone in Postgres."""
    match node:
        case tree.Cast(type_name=name):
            return name.split("(")[0] == "timestamp"
        case tree.Call(name="timezone" | "make_timestamp"):
            return True
        case tree.Call(name=name, arguments=arguments):
            # With its zone as a third argument, `date_trunc` returns an instant.
            place = _KEEPING.get(name, len(arguments))
            return place < len(arguments) and shows_clock(arguments[place])
        case tree.Arithmetic(op="add", left=left, right=right):
            return shows_clock(left) or shows_clock(right)
        case tree.Arithmetic(op="sub", left=left, right=right):
            return shows_clock(left) and not shows_clock(right)
        case _:
            return False
