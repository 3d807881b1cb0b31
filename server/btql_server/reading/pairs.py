"""The deprecated way to page through rows: below a pair of a transaction and a trace, latest first.

1. Rows come in the order of (``_xact_id``, ``root_span_id``), descending. A client goes on below the least pair that it
   was given, so a page has every row down to that pair: it ends between two pairs, never within one.
2. ``limit`` counts traces: a page ends where the next trace would begin. The rows that a trace has of earlier
   transactions, below those of other traces, are on a later page.
3. The ``cursor`` of such a page is the pair that the next one begins with, for clients that go by cursors alone.

Where a page ends is found by the newest rows, of which only the two columns are read, then by ever more of them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from btql_server.http.errors import invalid

Node = Mapping[str, object]
_SIGN = "below."
"""What cursors of this kind begin with; no other has a dot."""
_ROWS_FIRST = 1_000
_GROWTH = 8


class Pair(NamedTuple):
    """A place in the order of rows."""

    xact_id: str
    root_span_id: str

    @property
    def cursor(self) -> str:
        """The token that asks for the rows from here on."""
        text = f"{self.xact_id} {self.root_span_id}".encode()
        return _SIGN + base64.urlsafe_b64encode(text).decode().rstrip("=")

    @property
    def above(self) -> Node:
        """The condition for rows that come before this place."""
        return _beyond("gt", "gt", self)

    @property
    def here_or_below(self) -> Node:
        """The condition for rows from this place on."""
        return _beyond("lt", "le", self)


def pair_of(cursor: str) -> Pair | None:
    """Return the pair that a cursor stands for; None for a cursor of another kind."""
    if not cursor.startswith(_SIGN):
        return None
    token = cursor.removeprefix(_SIGN)
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        text = ""
    xact_id, space, root_span_id = text.partition(" ")
    if not space or not xact_id.isdecimal():
        raise invalid("expected a cursor that a page of these rows gave", ("cursor",))
    return Pair(xact_id, root_span_id)


def below(xact_id: str, root_span_id: str | None) -> Node:
    """Return the condition for rows below a pair, or of a transaction and of those before it."""
    if root_span_id is None:
        return _comparison("le", "_xact_id", xact_id)
    return _beyond("lt", "lt", Pair(xact_id, root_span_id))


def next_of(rows: Callable[[int], Iterable[Mapping[str, object]]], limit: int) -> Pair | None:
    """Return the pair that the page behind some traces begins with; None where these are all.

    ``rows`` gives so many of the first rows, in their order.
    """
    count = max(_ROWS_FIRST, 2 * limit)
    while True:
        found = [Pair(str(row["_xact_id"]), str(row["root_span_id"])) for row in rows(count)]
        traces: set[str] = set()
        for pair in found:
            traces.add(pair.root_span_id)
            if len(traces) > limit:
                return pair
        if len(found) < count:
            return None
        count *= _GROWTH


ORDER: list[Node] = [
    {"expr": {"op": "ident", "name": ["_xact_id"]}, "dir": "desc"},
    {"expr": {"op": "ident", "name": ["root_span_id"]}, "dir": "desc"},
]
"""How such rows are sorted, in the JSON form of a query."""


def _beyond(earlier: str, within: str, pair: Pair) -> Node:
    same = _comparison("eq", "_xact_id", pair.xact_id)
    traces = _comparison(within, "root_span_id", pair.root_span_id)
    others = _comparison(earlier, "_xact_id", pair.xact_id)
    return {"op": "or", "children": [others, {"op": "and", "children": [same, traces]}]}


def _comparison(op: str, name: str, value: str) -> Node:
    return {"op": op, "left": {"op": "ident", "name": [name]}, "right": {"op": "literal", "value": value}}
