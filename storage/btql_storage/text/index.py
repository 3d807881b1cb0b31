"""The text index of a part: which rows have a phrase in a field, exactly.

A Tantivy index beside the columns, with one text field per indexed field of a
document and the row number as a fast field. It is fed what
:func:`btql_storage.text.tokens.index_texts` makes of a document and cuts that at
spaces, so that it finds precisely the rows for which
:func:`btql_storage.text.tokens.matches` is true. Positions are kept for phrases, unless the part is
laid out for little room (:mod:`btql_storage.part.layout`): then rows that have all words of a phrase are
read and searched. Of a row that goes on from another there is what it adds (:mod:`btql_storage.text.chains`). The
texts themselves are not stored.
"""

from __future__ import annotations

from array import array
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

import tantivy

from btql_storage.cache_budget import Cache, CacheBudget
from btql_storage.collector import collector_paused
from btql_storage.later import np
from btql_storage.part.deltas import DELTA_FIELD
from btql_storage.text.opened import let_go, open_index, opened
from btql_storage.text.probe import Found, Phrase, Word, asks_for_order, in_any_order, is_about
from btql_storage.text.query import ROW, asked_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from btql_storage.part.deltas import DeltaBases
    from btql_storage.text.chains import Ranges
    from btql_storage.text.opened import Opened
    from btql_storage.text.probe import TextProbe

COUNTED_FROM = 10_000
NEAR_SHARE = 400
"""To ask about one row takes as long as to be told so many."""
_NO_ROWS = cast("NDArray[np.int64]", array("q"))
"""What is most often found of a rare text. It has a length, and NumPy takes it, but need not be imported for it."""
_FOUND_BYTES = 1 << 10
"""About what an answer takes beside its rows."""


class Documents(Protocol):
    """The rows that an index is of; a :class:`~btql_storage.part.reader.Part` has them."""

    @property
    def has_deltas(self) -> bool:
        """Whether any of them goes on from another one."""
        ...

    @property
    def bases(self) -> DeltaBases:
        """Which rows go on from others."""
        ...

    def documents(self, rows: NDArray[np.int64], fields: Sequence[str]) -> pa.Table:
        """Return JSON texts of some fields of some rows."""
        ...

    def shares(self, numbers: NDArray[np.int64], blocks: int) -> list[NDArray[np.int64]]:
        """Return some rows in pieces that are in so many blocks each, at most."""
        ...


class TextIndex:
    """The index of a part, for reading; safe to use from several threads.

    What was found is kept, as the index never changes: dashboards ask the same again and again, and whoever pages
    through hits asks for them once a page. To have the index name 80,000 rows takes 20 ms, most of it to make objects
    of them, and to count them takes as long where some rows of the part were replaced.
    """

    def __init__(self, folder: Path, budget: CacheBudget | None = None, documents: Documents | None = None) -> None:
        """``documents`` tell which rows go on from others, and are looked into where the index has no positions."""
        self._folder = folder
        self._documents = documents
        self._found: Cache[TextProbe, Found] = Cache("found", budget or CacheBudget(0))

    def rows(self, field: str, tokens: Sequence[str]) -> NDArray[np.int64]:
        """Return the rows whose ``field`` has the phrase, in order. No tokens match nothing."""
        rows = self.find(Phrase(field, tuple(tokens))).rows
        assert rows is not None, "a phrase is always answered"
        return np.asarray(rows)

    @property
    def has_positions(self) -> bool:
        """Whether it knows by itself which rows have a phrase."""
        return opened(self).has_positions

    def find(
        self,
        probe: TextProbe,
        rows_max: int | None = None,
        *,
        loosely: bool = False,
        check: Callable[[], None] | None = None,
    ) -> Found:
        """Return the rows that a probe holds for; none where that may be more than ``rows_max``.

        Documents may have to be read, which takes long: ``check`` is called meanwhile, and may raise. Who checks the
        rows that are found asks ``loosely``: then they are those that the index has, which may be more.
        """
        kept = self._found.get(probe)
        if kept is not None and kept.answers(rows_max):
            return kept
        if kept is not None and kept.rows is not None:
            return Found(None, kept.rows_max, len(kept.rows))
        index = opened(self)
        if asks_for_order(probe) and not index.has_positions:
            if loosely:
                return self.find(in_any_order(probe), rows_max)
            found = self._in_order(self.find(in_any_order(probe), rows_max), probe, check)
        elif index.has_deltas and self._documents is not None and is_about(probe, DELTA_FIELD):
            found = self._in_chains(index, self._documents, probe, rows_max)
        else:
            found = self._find(index, probe, rows_max)
        if found.rows is not None and len(found.rows):
            # Several queries will read them.
            found.rows.flags.writeable = False
        self._found.keep(probe, found, _FOUND_BYTES + (0 if found.rows is None else 8 * len(found.rows)))
        if found.rows is not None and not found.answers(rows_max):
            return Found(None, found.rows_max, len(found.rows))
        return found

    def _find(self, index: Opened, probe: TextProbe, rows_max: int | None, ranges: Ranges | None = None) -> Found:
        asked = asked_of(probe, index)
        if asked is None:
            return Found(None, index.searcher.num_docs)
        if ranges is not None and asked.rows_max > NEAR_SHARE * len(ranges):
            asked = asked.between(ranges)
        hits_max = asked.rows_max
        if not asked.exact and hits_max > (COUNTED_FROM if rows_max is None else rows_max):
            # Room is made for all that may be found, so it is worth knowing how much that is.
            hits_max = asked.count(index.searcher)
        if rows_max is not None and hits_max > rows_max:
            return Found(None, asked.rows_max, hits_max)
        if not hits_max:
            return Found(_NO_ROWS, asked.rows_max)
        query = tantivy.Query.const_score_query(asked.query, 1.0)
        with collector_paused():
            hits = index.searcher.search(query, limit=hits_max, count=False).hits
            rows = index.searcher.fast_field_values(ROW, [address for _, address in hits])
            return Found(np.sort(np.fromiter(rows, np.int64, len(rows))), asked.rows_max)

    def _in_chains(self, index: Opened, documents: Documents, probe: TextProbe, rows_max: int | None) -> Found:
        """Return the rows for which a probe holds that is about inputs, some of which go on from others."""
        if isinstance(probe, Phrase | Word):
            # It is in no fewer rows than say it themselves.
            found = self._find(index, probe, rows_max)
            rows = None if found.rows is None else documents.bases.with_dependents(np.asarray(found.rows))
            return found if rows is None else Found(rows, len(rows))

        from btql_storage.text.chains import Chains

        def said(asked: TextProbe, ranges: Ranges | None) -> NDArray[np.int64] | None:
            return self._find(index, asked, None, ranges).rows

        def bound(asked: TextProbe) -> int:
            query = asked_of(asked, index)
            return index.searcher.num_docs if query is None else query.rows_max

        rows = Chains(documents.bases, said, bound).rows(probe)
        return Found(rows, index.searcher.num_docs if rows is None else len(rows))

    def _in_order(self, found: Found, probe: TextProbe, check: Callable[[], None] | None) -> Found:
        """Return the rows for which a probe holds of those that have its words."""
        from btql_storage.text.scan import TextScan

        if found.rows is None or not len(found.rows):
            return found
        documents = self._documents
        assert documents is not None, "who asks for phrases has the documents"
        kept: list[NDArray[np.int64]] = []
        # One block at a time: documents may be large, and whoever waits may have gone.
        for some in documents.shares(found.rows, 1):
            if check is not None:
                check()
            field = cache(lambda name, some=some: documents.documents(some, [name]).column(name))
            places = TextScan(len(some), field).find(probe).rows
            kept.append(some if places is None else some[places])
        return Found(np.concatenate(kept), found.rows_max)

    def count(self, probe: TextProbe, check: Callable[[], None] | None = None) -> int | None:
        """Return how many rows a probe holds for; None where only all rows bound them."""
        index = opened(self)
        is_told = index.has_positions or not asks_for_order(probe)
        if not is_told or (index.has_deltas and is_about(probe, DELTA_FIELD)):
            found = self.find(probe, check=check).rows
            return None if found is None else len(found)
        asked = asked_of(probe, index)
        return None if asked is None else asked.count(index.searcher)

    def open(self) -> Opened:
        """Open the index."""
        documents = self._documents
        return open_index(self._folder, lambda: documents is None or documents.has_deltas)

    def close(self) -> None:
        """Let go of the files."""
        let_go(self)
        self._found.clear()
