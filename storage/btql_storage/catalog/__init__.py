"""The catalog: what is known about objects, segments and parts, in an SQLite file or in PostgreSQL.

Invariants, which every transaction here keeps:

1. A WAL file is *processed* exactly if its number is at most ``processed_upto``
   of the catalog: files appear and are processed in the order of their numbers.
2. Of a processed file, the events that are not in a part yet are exactly
   those of its *assignments*. A file without assignments is *done*.
3. The current rows of an object are: the rows of its live parts that are not
   superseded, with the events of its assignments and of files not yet
   processed applied on top, in order.
4. A part is live from the transaction that names it until the one that
   replaces it; its files go only long after that.
5. A live part that has an ``until`` is *history* (:mod:`btql_storage.history`): none of its
   rows is current, each was until another transaction. Together with the current ones they
   are all that the object's rows ever were, since ``compacted_upto``.

6. Whatever changes assignments or live parts of an object also counts up ``changed`` of it in the same
   transaction: views are kept in memory by that number.
7. Of an object that was deleted, events up to ``deleted_upto`` are in no live part and in no assignment, and those of
   files not yet processed do not count (:mod:`.deleted`). Rows also stop being current without an event, by a policy.

Every change of what a query sees is one transaction here, so a crash leaves
the state before it or after it. Readers of other processes see whole
transactions only. The statements are in :mod:`.catalog`, what is kept in memory in :mod:`.views`,
the tables in :mod:`.schema`; the databases they run on are in :mod:`btql_storage.databases`.
"""

from btql_storage.catalog.catalog import Catalog
from btql_storage.catalog.shapes import (
    Assignment,
    HistoryPart,
    LivePart,
    NewPart,
    ObjectInfo,
    PartInfo,
    PartSize,
    Pending,
    RowNumbers,
    SegmentInfo,
    Swap,
    View,
)

__all__ = [
    "Assignment",
    "Catalog",
    "HistoryPart",
    "LivePart",
    "NewPart",
    "ObjectInfo",
    "PartInfo",
    "PartSize",
    "Pending",
    "RowNumbers",
    "SegmentInfo",
    "Swap",
    "View",
]
