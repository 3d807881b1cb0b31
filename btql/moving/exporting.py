"""An object, whole: every row as of one moment, with all that it holds, in the order in which rows were written.

Rows come a window at a time, so an export needs little memory however large the object and its documents are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.moving.lines import EXPORT_SCHEMA, json_texts
from btql_storage.arrow_functions import compute as pc
from btql_storage.closing import Closing
from btql_storage.fields import ARRAY_FIELDS
from btql_storage.json_text import parse_all
from btql_storage.ordered import Ordered

if TYPE_CHECKING:
    from btql_storage.snapshot import Snapshot

_STORED = {"_xact_id": "xact_id", "_pagination_key": "pagination_key"}


class Export(Closing):
    """The rows of one object; read it once, and close it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._ordered = Ordered(snapshot)
        self.rows = len(self._ordered)
        """How many rows there are."""
        self.schema = EXPORT_SCHEMA

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as Arrow: ids and times with types of their own, any other field as JSON."""
        for table in self._ordered.tables():
            yield from _exported(table).to_batches()

    def lines(self) -> Iterator[pa.Array]:
        """Yield the rows as JSON texts, many in an array at a time, each on one line and without its end."""
        for batch in self.batches():
            yield json_texts(batch)

    def close(self) -> None:
        """Let the files go that were kept."""
        self._snapshot.close()


def _exported(table: pa.Table) -> pa.Table:
    """Return stored documents with the columns of an export."""
    columns = [_column(table.column(_STORED.get(field.name, field.name)), field) for field in EXPORT_SCHEMA]
    return pa.table(columns, schema=EXPORT_SCHEMA)


def _column(stored: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    if field.name == "_xact_id":
        return pc.utf8_lpad(stored.cast(pa.utf8()), 19, "0")
    if field.name in ARRAY_FIELDS:
        texts = parse_all(stored.cast(pa.binary()).to_pylist())
        return pa.chunked_array([pa.array(texts, field.type)])
    return stored.cast(field.type)
