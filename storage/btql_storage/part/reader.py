"""Reads a part: documents and rows by number, phrases, and rows by id.

Files open when first needed and stay open, memory-mapped, until
:meth:`Part.close`; only the text index may close and open again in between.
Any number of threads may use one part.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from btql_storage.keys import Keys
from btql_storage.part.format import COLUMNS_FILE, KEYS_FILE, ROWS_FILE, TEXT_FOLDER, PartStats

# Documents and texts are imported when the first of them is read: many queries want none.
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from btql_storage.keys import Fingerprints, KeyKind
    from btql_storage.part.documents import DocumentsReader
    from btql_storage.row import Row
    from btql_storage.stores.interface import Store
    from btql_storage.text_index import TextIndex


class Part:
    """One part, for reading."""

    def __init__(self, store: Store, name: str, part_id: int, rows: int, stats: PartStats) -> None:
        self._store = store
        self._name = name
        self.part_id = part_id
        self.row_count = rows
        self.stats = stats

    @property
    def columns_path(self) -> Path:
        """The Parquet file with the columns; its format has been checked."""
        # All files of a part have one format, so opening one checks it.
        _ = self._keys
        return self._store.file(f"{self._name}/{COLUMNS_FILE}")

    def documents(self, rows: NDArray[np.int64], fields: Sequence[str]) -> pa.Table:
        """Return some columns of ``rows.arrow`` for some rows, both in the order asked for."""
        return self._documents.read(rows, fields)

    def rows(self, numbers: NDArray[np.int64]) -> list[Row]:
        """Return whole rows in the order asked for."""
        from btql_storage.part.documents import DOCUMENT_SCHEMA, to_rows

        return to_rows(self._documents.read(numbers, DOCUMENT_SCHEMA.names))

    def match(self, field: str, tokens: Sequence[str]) -> NDArray[np.int64]:
        """Return the rows whose field has the tokens as a phrase, in order."""
        return self._text.rows(field, tokens)

    def lookup(self, kind: KeyKind, values: Sequence[str] | Fingerprints) -> NDArray[np.int64]:
        """Return the rows that may have one of some ids, in order; compare the ids themselves."""
        return self._keys.lookup(kind, values)

    def close(self) -> None:
        """Let go of the files. A later call opens them again."""
        if (text := self.__dict__.pop("_text", None)) is not None:
            text.close()
        for name in ("_keys", "_documents"):
            self.__dict__.pop(name, None)

    @cached_property
    def _keys(self) -> Keys:
        return Keys(self._store.file(f"{self._name}/{KEYS_FILE}"))

    @cached_property
    def _documents(self) -> DocumentsReader:
        from btql_storage.part.documents import DocumentsReader

        return DocumentsReader(self._store.file(f"{self._name}/{ROWS_FILE}"), self._keys.block_starts)

    @cached_property
    def _text(self) -> TextIndex:
        from btql_storage.text_index import TextIndex

        return TextIndex(self._store.folder(f"{self._name}/{TEXT_FOLDER}"))
