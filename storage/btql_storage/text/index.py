"""The text index of a part: which rows have a phrase in a field, exactly.

A Tantivy index beside the columns, with one text field per indexed field of a
document and the row number as a fast field. It is fed what
:func:`btql_storage.text.tokens.index_texts` makes of a document and cuts that at
spaces, so that it finds precisely the rows for which
:func:`btql_storage.text.tokens.matches` is true. Positions are kept for phrases, unless the part is
laid out for little room (:mod:`btql_storage.part.layout`): then rows that have all words of a phrase are
read and searched. The texts themselves are not stored.
"""

from __future__ import annotations

import errno
import re
from array import array
from collections import OrderedDict
from functools import cache, reduce
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol, cast

import tantivy

from btql_storage.cache_budget import Cache, CacheBudget
from btql_storage.collector import collector_paused
from btql_storage.errors import Damaged, from_os_error
from btql_storage.later import np
from btql_storage.part.deltas import DELTA_FIELD
from btql_storage.row_numbers import are_among
from btql_storage.text.os_errors import os_error
from btql_storage.text.probe import AllOf, AnyOf, Found, Phrase, Without, asks_for_order, in_any_order
from btql_storage.text.query import ADDED, ROW, WORDS, Opened, asked_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from btql_storage.part.deltas import DeltaBases
    from btql_storage.text.probe import TextProbe

OPEN_MAX = 128
"""Indexes that stay open: opening takes 0.3 ms, and each has threads of Tantivy's, which take 0.02 % of a core."""
COUNTED_FROM = 10_000
NEAR_MAX = 200
"""Where other conditions leave so few rows, it is only asked whether these have a phrase."""
NEAR_SHARE = 400
"""To ask about one row takes as long as to be told so many."""
_NO_ROWS = cast("NDArray[np.int64]", array("q"))
"""What is most often found of a rare text. It has a length, and NumPy takes it, but need not be imported for it."""
_FOUND_BYTES = 1 << 10
"""About what an answer takes beside its rows."""
_META = "meta.json"
_POSITIONS = re.compile(rb'"record"\s*:\s*"position"')
"""How Tantivy writes down that a field has positions."""
_DELTAS = f'"{ADDED}"'.encode()
_RESTORE = "restore it from a backup"


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
        """``documents`` are looked into where the index has no positions."""
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
        return _opened(self).has_positions

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
        opened = _opened(self)
        if not asks_for_order(probe):
            found = self._find(opened, probe, rows_max)
        elif not opened.has_positions:
            if loosely:
                return self.find(in_any_order(probe), rows_max)
            found = self._in_order(self._find(opened, in_any_order(probe), rows_max), probe, check)
        elif opened.has_deltas and asks_for_order(probe, DELTA_FIELD):
            found = self._in_chains(opened, probe)
        else:
            found = self._find(opened, probe, rows_max)
        if found.rows is not None and len(found.rows):
            # Several queries will read them.
            found.rows.flags.writeable = False
        self._found.keep(probe, found, _FOUND_BYTES + (0 if found.rows is None else 8 * len(found.rows)))
        if found.rows is not None and not found.answers(rows_max):
            return Found(None, found.rows_max, len(found.rows))
        return found

    def _find(
        self, opened: Opened, probe: TextProbe, rows_max: int | None, near: NDArray[np.int64] | None = None
    ) -> Found:
        asked = asked_of(probe, opened)
        if asked is None:
            return Found(None, opened.searcher.num_docs)
        if near is not None and asked.rows_max > NEAR_SHARE * len(near):
            asked = asked.between(self._chains(near))
        hits_max = asked.rows_max
        if not asked.exact and hits_max > (COUNTED_FROM if rows_max is None else rows_max):
            # Room is made for all that may be found, so it is worth knowing how much that is.
            hits_max = asked.count(opened.searcher)
        if rows_max is not None and hits_max > rows_max:
            return Found(None, asked.rows_max, hits_max)
        if not hits_max:
            return Found(_NO_ROWS, asked.rows_max)
        query = tantivy.Query.const_score_query(asked.query, 1.0)
        with collector_paused():
            hits = opened.searcher.search(query, limit=hits_max, count=False).hits
            rows = opened.searcher.fast_field_values(ROW, [address for _, address in hits])
            return Found(np.sort(np.fromiter(rows, np.int64, len(rows))), asked.rows_max)

    def _in_chains(self, opened: Opened, probe: TextProbe) -> Found:
        """Return the rows for which a probe holds, where it asks for order in inputs that may be deltas."""
        # A phrase that most rows have, beside a word that few have, is not looked up in all of them.
        near = self._find(opened, in_any_order(probe), NEAR_MAX).rows if isinstance(probe, AllOf) else None
        if near is not None and not len(near):
            return Found(_NO_ROWS, 0)
        rows = self._with_dependents(opened, probe, near)
        if rows is None:
            return Found(None, opened.searcher.num_docs)
        rows = rows if near is None else _in_both(rows, near)
        return Found(rows, len(rows))

    def _with_dependents(
        self, opened: Opened, probe: TextProbe, near: NDArray[np.int64] | None
    ) -> NDArray[np.int64] | None:
        """Return the rows that say what is sought, and those that go on from them; None where it may be any.

        Where some are ``near``, it is only of these that it need be known.
        """
        if not asks_for_order(probe, DELTA_FIELD):
            return self._find(opened, probe, None).rows
        if isinstance(probe, Phrase):
            rows = np.asarray(self._find(opened, probe, None, near).rows)
            return rows if self._documents is None else self._documents.bases.with_dependents(rows)
        assert isinstance(probe, AllOf | AnyOf), "other probes are of one word, or beside others"
        ordered = [each for each in probe.probes if asks_for_order(each, DELTA_FIELD)]
        plain = [each for each in probe.probes if each not in ordered and not isinstance(each, Without)]
        asked = [each for each in ordered if not isinstance(each, Without)] + (
            [type(probe)(tuple(plain))] if plain else []
        )
        found = [self._with_dependents(opened, each, near) for each in asked]
        known = [rows for rows in found if rows is not None]
        if isinstance(probe, AnyOf):
            return reduce(np.union1d, known) if len(known) == len(found) else None
        if not known:
            return None
        rows = np.asarray(reduce(_in_both, known))
        for each in probe.probes:
            if isinstance(each, Without):
                rows = rows[~are_among(rows, np.asarray(self._with_dependents(opened, each.phrase, near)))]
        return rows

    def _chains(self, rows: NDArray[np.int64]) -> list[tuple[int, int]]:
        """Return from where to where the rows are that some rows go on from, with themselves."""
        if self._documents is None:
            return [(row, row) for row in rows.tolist()]
        bases = self._documents.bases
        return [(bases.first(row), row) for row in rows.tolist()]

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
        opened = _opened(self)
        is_told = opened.has_positions and not (opened.has_deltas and asks_for_order(probe, DELTA_FIELD))
        if asks_for_order(probe) and not is_told:
            found = self.find(probe, check=check).rows
            return None if found is None else len(found)
        asked = asked_of(probe, opened)
        return None if asked is None else asked.count(opened.searcher)

    def open(self) -> Opened:
        """Open the index."""
        try:
            searcher, meta = _open(self._folder), (self._folder / _META).read_bytes()
        except ValueError as error:
            raise Damaged(f"cannot open the text index `{self._folder}`: {error}", _RESTORE) from error
        except OSError as error:
            raise from_os_error(error, "read", self._folder) from error
        has_deltas = _DELTAS in meta and self._has_deltas(searcher)
        return Opened(searcher, bool(_POSITIONS.search(meta)), has_deltas)

    def _has_deltas(self, searcher: tantivy.Searcher) -> bool:
        if self._documents is not None:
            return self._documents.has_deltas
        return bool(searcher.terms_with_prefix(WORDS, ""))

    def close(self) -> None:
        """Let go of the files."""
        with _open_lock:
            _open_indexes.pop(self, None)
        self._found.clear()


def _in_both(some: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows that are among both, which are in order, and so is what is found."""
    fewer, more = sorted((np.asarray(some), np.asarray(others)), key=len)
    return fewer[are_among(fewer, more)]


_open_lock = Lock()
_open_indexes: OrderedDict[TextIndex, Opened] = OrderedDict()


def _opened(index: TextIndex) -> Opened:
    """Return an index opened; it stays so while it is among the last used."""
    with _open_lock:
        opened = _open_indexes.get(index) or index.open()
        _open_indexes[index] = opened
        _open_indexes.move_to_end(index)
        if len(_open_indexes) > OPEN_MAX:
            _open_indexes.popitem(last=False)
        return opened


def _open(folder: Path) -> tantivy.Searcher:
    try:
        return tantivy.Index.open(str(folder)).searcher()
    except ValueError as error:
        if os_error(error).errno not in {errno.EACCES, errno.EROFS}:
            raise
    from tempfile import TemporaryDirectory

    # Tantivy insists on a lock file, even to read what never changes. Where the
    # folder cannot be written, one of links can. All files are open after this.
    with TemporaryDirectory(prefix="btql-text-") as links:
        for path in folder.iterdir():
            if path.suffix != ".lock":
                Path(links, path.name).symlink_to(path.absolute())
        return tantivy.Index.open(links).searcher()
