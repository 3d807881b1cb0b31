"""Reading WAL files (:mod:`btql_storage.wal.format`).

To map a file takes as long as to read some events, and many files have no more than that. So small ones are read
as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
from pyarrow import ipc

from btql_storage.arrow import Array, from_numpy, to_list, to_numpy, to_views
from btql_storage.checksums import is_file_sealed
from btql_storage.errors import Damaged, NewerFormat, from_os_error
from btql_storage.fields import OTHER
from btql_storage.later import np
from btql_storage.members import members
from btql_storage.wal.control import Control
from btql_storage.wal.event import NO_FIELDS, WalEvent
from btql_storage.wal.format import (
    CONTROL,
    EVENT,
    FORMAT_VERSION,
    HEAD,
    OBJECT,
    SEAL,
    ObjectName,
    Rows,
    is_whole,
    left_out,
    rows_by_object,
    version_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_SMALL_BYTES = 16 << 10
"""Files of up to this size are read instead of mapped."""
_MAGIC_BYTES = 8
# Made here, by one thread: msgspec learns what a Struct is when it is first decoded, and two at once would crash.
_objects = msgspec.json.Decoder(list[ObjectName]).decode
_control = msgspec.json.Decoder(Control).decode


class WalFile:
    """A WAL file opened for reading; immutable, so it may be kept and shared."""

    def __init__(self, path: Path, xact_id: int, locate: Callable[[], Path] | None = None) -> None:
        self._path = path
        self._locate = locate
        """Says where the file is at the moment, if it is a copy that others may remove."""
        self.xact_id = xact_id
        self._schema = self._read_schema()
        metadata = self._schema.metadata or {}
        version = version_of(metadata)
        if version > FORMAT_VERSION:
            raise NewerFormat(
                f"`{path}` has format {version}, this btql reads up to {FORMAT_VERSION}", "install a newer btql"
            )
        self.json_bytes = int(metadata.get(b"json_bytes", b"0"))
        self.rows = int(metadata.get(b"rows", b"0"))
        """How many events the file has, of all objects."""
        self.objects = _objects(metadata.get(b"objects", b"[]"))
        self._not_stored = NO_FIELDS | left_out(metadata)
        # Files that were written before there were checksums have none.
        self._unchecked = metadata.get(SEAL)
        self.has_checksum = SEAL in metadata

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path if self._locate is None else self._locate()

    def rows_of(self, object_id: int) -> Rows:
        """Return the row numbers of an object's events, in order."""
        if len(self.objects) == 1:
            return np.arange(self.rows if self.objects[0].id == object_id else 0, dtype=np.int64)
        objects = to_numpy(self._batch([OBJECT]).column(0))
        return np.flatnonzero(objects == object_id).astype(np.int64)

    def rows_by_object(self) -> dict[int, int]:
        """Return how many events of each object there are."""
        return rows_by_object(self.objects, self.rows, lambda: self._batch([OBJECT]).column(0))

    def ids(self, rows: Rows) -> tuple[list[str], list[str]]:
        """Return ids and root span ids of rows, without touching payloads."""
        batch = self._batch(["id", "root_span_id"]).take(from_numpy(rows))
        return _list_of_text(batch, "id"), _list_of_text(batch, "root_span_id")

    def events(self, rows: Rows, *, in_place: bool = False) -> Iterator[WalEvent]:
        """Read the events of some rows, in the order asked for.

        Lines that are left ``in_place`` are parts of the mapped file, for who is done with them soon.
        """
        batch = self._batch(None)
        if len(rows) < batch.num_rows:
            batch = batch.take(from_numpy(rows))
        count = batch.num_rows
        texts = [to_list(batch.column(name)) for name in ("id", "span_id", "root_span_id")]
        numbers = [to_list(batch.column(name)) for name in ("created_us", "xact_id", "row_number", "flags")]
        controls: list[Control | None] = [None] * count
        if CONTROL in batch.schema.names:
            for place, raw in _present(batch.column(CONTROL)):
                controls[place] = _control(raw)
        lines = _lines_of(batch, in_place=in_place)
        yield from map(WalEvent, *texts, *numbers, controls, lines, _given(batch), repeat(self._not_stored, count))

    def check(self) -> None:
        """Raise Damaged where the file is not what was written; a file is looked at once."""
        if self._unchecked is None:
            return
        try:
            whole = is_file_sealed(self.path, self._unchecked)
        except FileNotFoundError as error:
            raise self._damaged() from error
        except OSError as error:
            raise from_os_error(error, "read", self.path) from error
        if not whole:
            raise self._damaged("its checksum does not hold")
        self._unchecked = None

    def _read_schema(self) -> pa.Schema:
        """Return the schema, of whose two places the first one will do: who is not in the file need not care."""
        try:
            schema = self._open(None).schema
        except Damaged:
            if not self.path.exists():
                raise
        else:
            if is_whole(schema.metadata):
                return schema
        try:
            schema = ipc.read_schema(pa.py_buffer(self.path.read_bytes()[_MAGIC_BYTES:]))
        except (pa.ArrowException, OSError) as error:
            raise self._damaged() from error
        if HEAD not in (schema.metadata or {}) or not is_whole(schema.metadata):
            raise self._damaged()
        return schema

    def _batch(self, names: Sequence[str] | None) -> pa.RecordBatch:
        self.check()
        included = None if names is None else [self._schema.get_field_index(name) for name in names]
        try:
            return self._open(included).get_batch(0)
        except (pa.ArrowException, OSError) as error:
            raise self._damaged() from error

    def _open(self, included: list[int] | None) -> ipc.RecordBatchFileReader:
        try:
            try:
                return self._opened(included)
            except FileNotFoundError:
                if self._locate is None:
                    raise
                # Others have removed the copy since it was located; it is made anew.
                return self._opened(included)
        except FileNotFoundError as error:
            raise self._damaged() from error
        except OSError as error:
            # Without a number it is Arrow that cannot make sense of what it read.
            if error.errno is None:
                raise self._damaged() from error
            raise from_os_error(error, "read", self.path) from error
        except pa.ArrowException as error:
            raise self._damaged() from error

    def _opened(self, included: list[int] | None) -> ipc.RecordBatchFileReader:
        content = self._read_small()
        # Handing small buffers over to other threads takes longer than to decompress them.
        options = ipc.IpcReadOptions(included_fields=included, use_threads=content is None)
        if content is not None:
            return ipc.open_file(pa.py_buffer(content), options=options)
        return ipc.open_file(pa.memory_map(str(self.path)), options=options)

    def _read_small(self) -> bytes | None:
        """Return the file's bytes where it is small."""
        with self.path.open("rb", buffering=0) as file:
            return file.readall() if os.fstat(file.fileno()).st_size <= _SMALL_BYTES else None

    def _damaged(self, reason: str | None = None) -> Damaged:
        said = f"damaged: {reason}" if reason else "missing or damaged"
        return Damaged(f"the WAL file `{self.path}` is {said}", "`btql repair` says what can be done")


def _list_of_text(batch: pa.RecordBatch, name: str) -> list[str]:
    return to_list(batch.column(name))


def _lines_of(batch: pa.RecordBatch, *, in_place: bool) -> Sequence[bytes | memoryview | None]:
    """Return the line of each event, None where there is none."""
    lines: list[bytes | None] = [None] * batch.num_rows
    if EVENT in batch.schema.names:
        column = batch.column(EVENT)
        if not column.null_count:
            return to_views(column) if in_place else to_list(column.cast(pa.binary()))
        for place, line in _present(column):
            lines[place] = line
    return lines


def _given(batch: pa.RecordBatch) -> list[dict[str, bytes] | None]:
    """Return the fields of events that have columns, None for an event without any."""
    given: list[dict[str, bytes] | None] = [None] * batch.num_rows
    for name in batch.schema.names:
        if name.startswith(":"):
            for place, raw in _present(batch.column(name)):
                mine = given[place] = given[place] or {}
                mine[name[1:]] = raw
    if f":{OTHER}" in batch.schema.names:
        for each in given:
            if each is not None and OTHER in each:
                each.update((key, bytes(raw)) for key, raw in members(each.pop(OTHER)).items())
    return given


def _present(column: Array) -> Iterator[tuple[int, bytes]]:
    """Yield the texts of a column with their places."""
    places = np.flatnonzero(to_numpy(column.is_valid()))
    return zip(places.tolist(), to_list(column.drop_null().cast(pa.binary())), strict=True)
