"""Checks one part: its files against the checksums, against each other, and against what the catalog knows of it.

1. Every file that the manifest names is there, of the size and with the checksum that it had.
2. The manifest and the catalog say the same of the part.
3. What is stored twice is the same: ids, times and transactions in ``rows.arrow`` and ``columns.parquet``, the
   fingerprints in ``keys.arrow``; the statistics hold for the columns.
4. Only where asked for, because it takes as long as compaction: the part is written anew from its documents, and its
   columns, keys and statistics must come out as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import orjson
import pyarrow as pa

from btql_storage.arrow import to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.care.blocks import SMALL_VALUES, directory, read_documents
from btql_storage.care.findings import Finding, Kind
from btql_storage.care.tables import Row as TableRow
from btql_storage.care.tables import row_numbers
from btql_storage.care.written_anew import Kept, PartColumns, agrees
from btql_storage.checksums import file_checksum
from btql_storage.errors import BadFile, Damaged, StorageError, from_os_error
from btql_storage.format import part_name
from btql_storage.keys import fingerprints
from btql_storage.kinds import Kind as ColumnKind
from btql_storage.kinds import column_name
from btql_storage.part.files import read_errors
from btql_storage.part.format import (
    COLUMNS_FILE,
    KEYS_FILE,
    ROW_BITS,
    ROWS_FILE,
    TEXT_FOLDER,
    PartStats,
    PathStats,
    has_text_index,
)
from btql_storage.part.manifest import MANIFEST_FILE, UNTIL_FILE, Manifest, Owner, read_manifest, read_until
from btql_storage.text.index import TextIndex

if TYPE_CHECKING:
    from btql_storage.part.format import StatsJson
    from btql_storage.stores.interface import Store

_FILES = (COLUMNS_FILE, ROWS_FILE, KEYS_FILE)
_SAME = {("_pagination_key" if name == "pagination_key" else name): name for name in SMALL_VALUES if name != "xact_id"}
"""Columns of ``columns.parquet`` and ``rows.arrow`` with the same values."""


@dataclass(slots=True)
class PartCheck:
    """What is looked at of one part, and what comes of it."""

    store: Store
    row: TableRow
    """As the catalog has it."""
    object: str
    has_manifest: bool
    """Whether it was written when parts had manifests already."""
    bytes: int = 0
    only_proved: bool = False
    """Whether a file that cannot be read just now is an error, and no finding; of copies it always is."""

    @property
    def part_id(self) -> int:
        """The number of the part."""
        return cast("int", self.row["id"])

    def run(self, *, deep: bool) -> Iterator[Finding]:
        """Yield what is wrong."""
        manifest, found = self._manifest()
        found += self._files(manifest)
        yield from found
        if manifest is not None:
            yield from self._against_catalog(manifest)
        # What files say is of no interest where they are known to be damaged.
        if not any(one.is_serious for one in found):
            # The catalog may be wrong about what there is; parts without a manifest have all files.
            is_indexed = manifest is None or has_text_index(manifest.file_bytes)
            yield from self._contents(is_indexed=is_indexed, deep=deep)

    def files_alone(self) -> Iterator[Finding]:
        """Yield what is wrong with the files, whatever the catalog says."""
        manifest, found = self._manifest()
        yield from found
        yield from self._files(manifest)

    def _manifest(self) -> tuple[Manifest | None, list[Finding]]:
        """Return the manifest, or what there is instead of one."""
        if not self.has_manifest:
            return None, [self._found(Kind.NO_CHECKSUM, "", "it was written before there were checksums")]
        try:
            return read_manifest(self._path(MANIFEST_FILE)), []
        except BadFile as error:
            self._raise_unless_of_file(error)
            return None, [self._found(Kind.DAMAGED, MANIFEST_FILE, error.message)]

    def _contents(self, *, is_indexed: bool, deep: bool) -> Iterator[Finding]:
        try:
            stats = PartStats.from_json(cast("StatsJson", orjson.loads(self.row["stats"])))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError) as error:
            yield self._wrong("", f"its statistics cannot be read: {error}")
            return
        try:
            yield from self._structure(stats)
            if is_indexed:
                yield from self._text(stats)
            if deep:
                yield from self._anew(stats)
        except BadFile as error:
            yield self._found(Kind.DAMAGED, "", error.message)
        except StorageError:
            raise
        except OSError as error:
            # A deep check writes to another folder, which may be full.
            told = from_os_error(error, "check", f"{self.store.label}/{part_name(self.part_id)}")
            if not isinstance(told, BadFile):
                raise told from error
            yield self._found(Kind.DAMAGED, "", f"it cannot be read: {error}")
        except Exception as error:  # noqa: BLE001  bytes that no checksum guards may make any reader stumble
            yield self._found(Kind.DAMAGED, "", f"it cannot be read: {error}")

    def _path(self, name: str) -> Path:
        return part_file(self.store, self.part_id, name)

    def _found(self, kind: Kind, name: str, message: str) -> Finding:
        subject = f"{part_name(self.part_id)}/{name}".rstrip("/")
        return Finding(kind, subject, message, self.object, self.part_id)

    def _wrong(self, name: str, message: str) -> Finding:
        return self._found(Kind.CATALOG, name, message)

    def _files(self, manifest: Manifest | None) -> Iterator[Finding]:
        """Hold the files against the checksums."""
        notes = manifest.files if manifest is not None else {}
        for name in dict.fromkeys((*_FILES, *notes)):
            note = notes.get(name)
            try:
                path = self._path(name)
                size = path.stat().st_size
                self.bytes += size
                if note is not None and size != note.bytes:
                    yield self._found(Kind.DAMAGED, name, f"it has {size:,} bytes and was written with {note.bytes:,}")
                elif note is not None and file_checksum(path) != note.sha256:
                    yield self._found(Kind.DAMAGED, name, "its checksum does not hold")
            except BadFile as error:
                self._raise_unless_of_file(error)
                yield self._found(Kind.MISSING, name, "it is not there")
            except (FileNotFoundError, NotADirectoryError):
                yield self._found(Kind.MISSING, name, "it is not there")
            except OSError as error:
                told = from_os_error(error, "read", f"{self.store.label}/{part_name(self.part_id)}/{name}")
                self._raise_unless_of_file(told)
                yield self._found(Kind.DAMAGED, name, f"it cannot be read: {error.strerror or error}")

    def _raise_unless_of_file(self, error: StorageError) -> None:
        """Raise what says nothing of the file itself: a bucket that fails just now, or the disk that has the copies."""
        if not isinstance(error, Damaged if self.only_proved or self.store.keeps_copies else BadFile):
            raise error

    def _against_catalog(self, manifest: Manifest) -> Iterator[Finding]:
        row = self.row
        known = (row["object_id"], row["segment_id"], row["until"] is not None)
        told = (manifest.owner.object_id, manifest.owner.segment_id, manifest.history)
        if manifest.part != self.part_id:
            yield self._found(Kind.DAMAGED, MANIFEST_FILE, f"it is the manifest of part {manifest.part}")
        if known != told:
            yield self._wrong(
                MANIFEST_FILE, f"object, segment and history are {told} by the manifest, {known} by the catalog"
            )
        for name, value in (("stats", manifest.stats), ("file_bytes", manifest.file_bytes)):
            try:
                same = orjson.loads(row[name]) == value
            except orjson.JSONDecodeError:
                same = False
            if not same:
                yield self._wrong(MANIFEST_FILE, f"`{name}` in the catalog is not what the manifest has")
        if manifest.history and row["until"] is not None:
            try:
                until = read_until(self._path(UNTIL_FILE))
                if until.tobytes() != row["until"]:
                    yield self._wrong(UNTIL_FILE, "the catalog does not have the same ends of the rows")
            except BadFile as error:
                yield self._found(Kind.DAMAGED, UNTIL_FILE, error.message)

    def _structure(self, stats: PartStats) -> Iterator[Finding]:
        """Hold what is stored twice against each other."""
        superseded = row_numbers(self.row["superseded"])
        if len(superseded) and not (superseded[0] >= 0 and superseded[-1] < stats.rows):
            yield self._wrong("", "rows are superseded that it does not have")
        if len(superseded) != len(np.unique(superseded)) or (np.diff(superseded) < 0).any():
            yield self._wrong("", "the superseded rows are not in order")
        documents = read_documents(self._path(ROWS_FILE))
        if len(documents) != stats.rows:
            yield self._found(Kind.DAMAGED, ROWS_FILE, f"it has {len(documents):,} rows, {stats.rows:,} are known")
            return
        yield from self._columns(documents, stats)
        yield from self._keys(documents)

    def _text(self, stats: PartStats) -> Iterator[Finding]:
        path = self.store.folder(f"{part_name(self.part_id)}/{TEXT_FOLDER}")
        indexed = TextIndex(path).open().searcher.num_docs
        if indexed > stats.rows:
            yield self._found(Kind.DAMAGED, TEXT_FOLDER, f"it has {indexed:,} documents of {stats.rows:,} rows")

    def _columns(self, documents: pa.Table, stats: PartStats) -> Iterator[Finding]:
        path = self._path(COLUMNS_FILE)
        with read_errors(path):
            columns = PartColumns(path)
        rows = to_numpy(columns.column("_row"))
        if not np.array_equal(rows, (self.part_id << ROW_BITS) + np.arange(stats.rows)):
            yield self._found(Kind.DAMAGED, COLUMNS_FILE, "its rows are not numbered as those of this part")
            return
        for name, other in _SAME.items():
            if not columns.column(name).equals(documents.column(other)):
                yield self._found(Kind.DAMAGED, COLUMNS_FILE, f"`{name}` is not what `{ROWS_FILE}` has")
        xacts = [f"{xact_id:019d}" for xact_id in documents.column("xact_id").to_pylist()]
        if columns.column("_xact_id").to_pylist() != xacts:
            yield self._found(Kind.DAMAGED, COLUMNS_FILE, f"`_xact_id` is not what `{ROWS_FILE}` has")
        bounds = [stats.xact_id_min, stats.xact_id_max] if stats.rows else []
        known = documents.column("xact_id").to_pylist()
        if bounds and bounds != [min(known), max(known)]:
            yield self._wrong("", "the statistics have other transactions than the rows")
        for field, about in stats.paths.items():
            for kind, count in about.counts.items():
                name = column_name(field, kind)
                if name in columns.names:
                    yield from self._column(columns.column(name), name, kind, count, about)
                elif not about.in_document:
                    yield self._found(Kind.DAMAGED, COLUMNS_FILE, f"the column `{name}` is missing")

    def _column(
        self, column: pa.ChunkedArray[Any], name: str, kind: ColumnKind, count: int, about: PathStats
    ) -> Iterator[Finding]:
        present = len(column) - column.null_count
        if present != count:
            yield self._wrong("", f"the statistics count {count:,} values of `{name}`, the column has {present:,}")
        known = {ColumnKind.INTEGER: about.integers, ColumnKind.FLOAT: about.floats}.get(kind)
        if known is not None and present:
            found = pc.min_max(column).as_py()
            if (found["min"], found["max"]) != tuple(known):
                yield self._wrong("", f"the statistics have other bounds of `{name}` than the column")

    def _keys(self, documents: pa.Table) -> Iterator[Finding]:
        from btql_storage.keys import Keys

        keys = Keys(self._path(KEYS_FILE))
        every = np.arange(len(documents))
        for kind in ("id", "root_span_id", "span_id"):
            values = documents.column(kind).to_pylist()
            # Each once: a trace of many rows would be looked up as often, and found as a whole each time.
            if not np.array_equal(keys.lookup(cast("Any", kind), np.unique(fingerprints(values))), every):
                yield self._found(Kind.DAMAGED, KEYS_FILE, f"not every `{kind}` of `{ROWS_FILE}` is found by it")
        starts, bases = directory(self._path(ROWS_FILE))
        if not np.array_equal(keys.block_starts, starts):
            yield self._found(Kind.DAMAGED, KEYS_FILE, f"it has other blocks than `{ROWS_FILE}`")
        if not (np.array_equal(keys.bases.rows, bases.rows) and np.array_equal(keys.bases.bases, bases.bases)):
            yield self._found(Kind.DAMAGED, KEYS_FILE, f"it has other bases of deltas than `{ROWS_FILE}`")
        elif (bases.bases >= bases.rows).any():
            yield self._found(Kind.DAMAGED, ROWS_FILE, "a delta goes on from a row that comes after it")

    def _anew(self, stats: PartStats) -> Iterator[Finding]:
        """Write the part from its documents, and compare."""
        owner = Owner(self.row["object_id"], "", "", self.row["segment_id"])
        kept = Kept(self._path(COLUMNS_FILE), stats)
        same_stats, same_columns = agrees(self.part_id, owner, self._path(ROWS_FILE), kept)
        if not same_stats:
            yield self._wrong("", "the statistics are not those of the documents")
        if not same_columns:
            yield self._found(Kind.DAMAGED, COLUMNS_FILE, "the columns are not those of the documents")


def has_manifest(store: Store, part_id: int) -> bool:
    """Return whether a part has a manifest."""
    return store.size(f"{part_name(part_id)}/{MANIFEST_FILE}") > 0


def part_file(store: Store, part_id: int, name: str) -> Path:
    """Return where a file of a part can be read; what is below a folder comes with the folder."""
    folder, _, inner = name.partition("/")
    if inner:
        return store.folder(f"{part_name(part_id)}/{folder}") / inner
    return store.file(f"{part_name(part_id)}/{name}")
