"""Reads a part: documents and rows by number, phrases, and rows by id.

Files open when first needed and stay open, memory-mapped, until
:meth:`Part.close`; only the text index may close and open again in between.
Any number of threads may use one part.
"""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from btql_storage.cache_budget import Cache, CacheBudget
from btql_storage.keys import Keys
from btql_storage.later import np
from btql_storage.part.format import COLUMNS_FILE, KEYS_FILE, ROWS_FILE, TEXT_FOLDER, PartStats, has_text_index

# Documents and texts are imported when the first of them is read: many queries want none.
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from btql_storage.keys import Fingerprints, KeyKind
    from btql_storage.part.deltas import DeltaBases, Pieces
    from btql_storage.part.documents import DocumentsReader
    from btql_storage.part.order import Numbers, Traces
    from btql_storage.row import Row
    from btql_storage.stores.interface import Store
    from btql_storage.text.index import TextIndex
    from btql_storage.text.scan import TextScan

INPUTS_MAX = 32
"""Of a part so many inputs are kept: for a few who read on in a few conversations each, and whoever reads all of it
leaves no more behind."""


def prefetch(parts: Sequence[Part], *names: str) -> None:
    """Get copies of the files of these names of some parts, several at a time, where parts are read from copies."""
    if not parts or not parts[0].store.keeps_copies:
        return
    files = [f"{part.name}/{name}" for part in parts for name in names if name != TEXT_FOLDER]
    folders: list[str] = []
    if TEXT_FOLDER in names:
        folders = [f"{part.name}/{TEXT_FOLDER}" for part in parts if part.has_text_index]
        files += [f"{part.name}/{ROWS_FILE}" for part in parts if not part.has_text_index]
    parts[0].store.prefetch(files, folders)


class Part:
    """One part, for reading."""

    def __init__(
        self,
        store: Store,
        name: str,
        part_id: int,
        stats: PartStats,
        file_bytes: Mapping[str, int] = MappingProxyType({}),
        budget: CacheBudget | None = None,
    ) -> None:
        self.store = store
        self.name = name
        """Of its folder."""
        self.part_id = part_id
        self.stats = stats
        self.file_bytes = file_bytes
        """Of each kind of file: columns, rows, keys and text; empty where the catalog was made anew without them."""
        self.has_text_index = has_text_index(file_bytes)
        """Parts of a few rows have none: their documents are searched."""
        self.quarantined: str | None = None
        """Why its files cannot be trusted, where they cannot."""
        self._is_size_known = False
        """Whether the file with the columns is as large as it was written, as of when the part was opened."""
        self._budget = budget or CacheBudget(0)
        self.order: Cache[str, Numbers | Traces] = Cache("order", self._budget)
        """What :mod:`btql_storage.part.order` keeps of it."""
        self.inputs: Cache[int, Pieces] = Cache("inputs", self._budget, INPUTS_MAX)
        """Inputs that rows to come go on from."""

    @property
    def columns_path(self) -> Path:
        """The Parquet file with the columns; its format and its size have been checked."""
        self._check()
        # All files of a part have one format, so opening one checks it.
        _ = self._keys
        path = self.store.file(f"{self.name}/{COLUMNS_FILE}")
        if not self._is_size_known:
            _check_size(path, self.file_bytes.get("columns"))
            self._is_size_known = True
        return path

    @property
    def has_deltas(self) -> bool:
        """Whether the input of any row is a delta."""
        return self._keys.has_deltas

    @property
    def bases(self) -> DeltaBases:
        """The base of each row whose input is a delta."""
        return self._keys.bases

    def documents(self, rows: NDArray[np.int64], fields: Sequence[str]) -> pa.Table:
        """Return some columns of ``rows.arrow`` for some rows, both in the order asked for."""
        self._check()
        return self._documents.read(rows, fields)

    def input_pieces(self, rows: NDArray[np.int64]) -> list[Pieces | None]:
        """Return the inputs of some rows in the order asked for; what they have in common are the same objects."""
        self._check()
        return self._documents.input_pieces(rows)

    def document_bytes(self, rows: NDArray[np.int64], fields: Sequence[str]) -> int:
        """Return how many bytes of its file :meth:`documents` reads for that."""
        return self._documents.bytes_read(rows, fields)

    def rows(self, numbers: NDArray[np.int64]) -> list[Row]:
        """Return whole rows in the order asked for."""
        from btql_storage.part.documents import DOCUMENT_SCHEMA, to_rows

        self._check()
        return to_rows(self._documents.read(numbers, DOCUMENT_SCHEMA.names))

    def blocks(self, numbers: NDArray[np.int64]) -> int:
        """Return how many blocks of documents have some rows, which are in order."""
        return len(self._firsts(numbers))

    def shares(self, numbers: NDArray[np.int64], blocks: int) -> list[NDArray[np.int64]]:
        """Return some rows, which are in order, in pieces that have so many blocks of documents each, at most."""
        return np.split(numbers, self._firsts(numbers)[blocks::blocks])

    def _firsts(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of the rows, which are in order, that are the first of their block among them."""
        places = np.searchsorted(self._keys.block_starts, numbers, "right")
        return np.flatnonzero(np.diff(places, prepend=-1))

    def json_bytes(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return about how much JSON each of some rows has, without reading them."""
        found = self._keys.json_bytes(numbers)
        return np.full(len(numbers), self.stats.json_bytes // max(self.stats.rows, 1)) if found is None else found

    @property
    def texts(self) -> TextIndex | TextScan:
        """What finds rows by the words in their texts."""
        self._check()
        return self._texts

    def lookup(self, kind: KeyKind, values: Sequence[str] | Fingerprints) -> NDArray[np.int64]:
        """Return the rows that may have one of some ids, in order; compare the ids themselves."""
        self._check()
        return self._keys.lookup(kind, values)

    def close(self) -> None:
        """Let go of the files. A later call opens them again."""
        if (texts := self.__dict__.pop("_texts", None)) is not None:
            texts.close()
        for name in ("_keys", "_documents"):
            self.__dict__.pop(name, None)
        self._is_size_known = False

    def forget(self) -> None:
        """Let go of the files, and of what was kept of them: nobody will ask for it any more."""
        self.close()
        self.order.clear()
        self.inputs.clear()

    def _check(self) -> None:
        if self.quarantined is not None:
            from btql_storage.errors import Quarantined

            raise Quarantined(
                f"`{self.name}` is needed and was found damaged: {self.quarantined}", "`btql repair` on the database"
            )

    @cached_property
    def _keys(self) -> Keys:
        return Keys(self.store.file(f"{self.name}/{KEYS_FILE}"))

    @cached_property
    def _documents(self) -> DocumentsReader:
        from btql_storage.part.documents import DocumentsReader

        path, keys = self.store.file(f"{self.name}/{ROWS_FILE}"), self._keys
        return DocumentsReader(path, keys.block_starts, keys.bases, self.inputs)

    @cached_property
    def _texts(self) -> TextIndex | TextScan:
        if not self.has_text_index:
            from btql_storage.text.scan import TextScan

            return TextScan(self.stats.rows, self._field, Cache("texts", self._budget))
        from btql_storage.text.index import TextIndex

        return TextIndex(self.store.folder(f"{self.name}/{TEXT_FOLDER}"), self._budget, self)

    def _field(self, name: str) -> pa.ChunkedArray:
        """Return the JSON texts of a field of all rows."""
        return self._documents.read(np.arange(self.stats.rows), [name]).column(name)


def _check_size(path: Path, size: int | None) -> None:
    """Raise where a file has another size than it was written with, or nothing where that is not known.

    The engine takes a file that is empty for one without rows, and does not always say what is wrong with others.
    """
    from btql_storage.errors import Damaged, from_os_error

    try:
        found = path.stat().st_size
    except OSError as error:
        raise from_os_error(error, "read", path) from error
    if not found or found != (size or found):
        known = "is empty" if size is None else f"has {found:,} bytes and was written with {size:,}"
        raise Damaged(f"`{path}` {known}", "`btql repair` says what can be done")
