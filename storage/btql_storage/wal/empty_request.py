"""A request without events: what it makes durable is a number.

All that was acknowledged before has a smaller one, all that comes later a larger one. So it says when something
happened that is no event, as the deletion of an object; and it takes the place of the newest log file, which is
always kept, so that the one before can go.
"""

from __future__ import annotations

import pyarrow as pa

from btql_storage.arrow import nulls
from btql_storage.wal.writer import Columns

_KINDS = {
    "id": pa.utf8(),
    "root_span_id": pa.utf8(),
    "span_id": pa.utf8(),
    "created_us": pa.int64(),
    "row_number": pa.int32(),
    "flags": pa.int32(),
    "object": pa.int32(),
    "event": pa.utf8(),
}


def nothing() -> Columns:
    """Return the columns of a request without events."""
    return Columns({name: nulls(0, kind) for name, kind in _KINDS.items()}, 0, [], [], 0, frozenset())
