"""``keys.arrow``: from an id to the rows of a part that may have it.

For each of ``id``, ``span_id`` and ``root_span_id`` the file holds the sorted
64-bit fingerprints of the part's values and, beside them, row numbers. Looking
up a value is a binary search in a memory-mapped array. Two values may share a
fingerprint, so the rows found are candidates: the caller compares ids. As most
parts do not have the id one asks for, this is the part's filter, too.

A part holds the rows of a trace together, so for ``root_span_id`` a run of rows
is one entry with its first row and length; where there are no lengths, each entry
is one row. Where a file says nothing about ``span_id``, each row has the same as
``id``, and where it says nothing about ``root_span_id``, the same as ``span_id``.
Files of format 1 have all lengths and all roots.

The entry ``block`` is the directory of ``rows.arrow``: the first row of each
block and its bytes of JSON, without fingerprints. Older files do not have the bytes.
The entry ``delta`` has the rows whose input is a delta (:mod:`btql_storage.part.deltas`)
and, in place of lengths, the base of each and, in place of fingerprints, its bytes of
JSON, which may be many times those of others in its block; it is there where there are any.

File: Arrow IPC, not compressed, one batch with one row per entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pyarrow as pa

from btql_storage.arrow import from_numpy, list_array, to_numpy
from btql_storage.later import np
from btql_storage.part.deltas import DeltaBases
from btql_storage.part.files import FORMAT_METADATA, cannot_read, check_format, read_errors
from btql_storage.row_numbers import ranges

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from btql_storage.arrow import Array
    from btql_storage.row import Row

KeyKind: TypeAlias = Literal["id", "span_id", "root_span_id"]
Fingerprints: TypeAlias = "NDArray[np.uint64]"

_BLOCK = "block"
_DELTA = "delta"
_SCHEMA = pa.schema(
    {
        "entry": pa.utf8(),
        "fingerprints": pa.list_(pa.field("item", pa.uint64(), nullable=False)),
        "rows": pa.list_(pa.field("item", pa.uint32(), nullable=False)),
        "lengths": pa.list_(pa.field("item", pa.uint32(), nullable=False)),
    },
    metadata=FORMAT_METADATA,
)


def fingerprints(values: Iterable[str]) -> Fingerprints:
    """Return the 64-bit fingerprints of some ids."""
    from hashlib import blake2b

    digests = b"".join([blake2b(value.encode(), digest_size=8).digest() for value in values])
    return np.frombuffer(digests, "<u8")


class KeysWriter:
    """Collects the keys of a new part; rows come in order."""

    def __init__(self) -> None:
        self._ids: list[Fingerprints] = []
        self._span_ids: list[Fingerprints] = []
        self._spans_are_ids = True
        self._roots_are_spans = True
        self._roots: list[str] = []
        self._run_starts: list[int] = []
        self._row_count = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Take in the keys of the next rows."""
        ids = fingerprints([row.id for row in rows])
        same = all(row.span_id == row.id for row in rows)
        self._ids.append(ids)
        self._span_ids.append(ids if same else fingerprints([row.span_id for row in rows]))
        self._spans_are_ids &= same
        self._roots_are_spans = self._roots_are_spans and all(row.root_span_id == row.span_id for row in rows)
        for number, row in enumerate(rows, self._row_count):
            if not self._roots or self._roots[-1] != row.root_span_id:
                self._roots.append(row.root_span_id)
                self._run_starts.append(number)
        self._row_count += len(rows)

    def finish(
        self,
        path: Path,
        block_starts: Sequence[int],
        block_bytes: Sequence[int] = (),
        bases: DeltaBases | None = None,
        delta_bytes: Sequence[int] = (),
    ) -> None:
        """Write the file. It is complete then, but not yet durable."""
        rows = np.arange(self._row_count, dtype=np.uint32)
        entries = [
            _Entry.sorted("id", _joined(self._ids), rows),
            _Entry(_BLOCK, _joined([]), np.array(block_starts, np.uint32), np.array(block_bytes, np.uint32)),
        ]
        if not self._spans_are_ids:
            entries.append(_Entry.sorted("span_id", _joined(self._span_ids), rows))
        if not self._roots_are_spans:
            runs = np.array(self._run_starts, np.uint32)
            lengths = np.diff(runs, append=np.uint32(self._row_count))
            entries.append(_Entry.sorted("root_span_id", fingerprints(self._roots), runs, lengths))
        if bases:
            entries.append(_Entry(_DELTA, np.array(delta_bytes, np.uint64), bases.rows, bases.bases))
        names = pa.array([entry.name for entry in entries])
        columns = [_lists([getattr(entry, name) for entry in entries]) for name in _SCHEMA.names[1:]]
        with pa.ipc.new_file(str(path), _SCHEMA) as file:
            file.write_batch(pa.record_batch([names, *columns], schema=_SCHEMA))


class Keys:
    """The keys of a part, memory-mapped; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with read_errors(path):
            file = pa.ipc.open_file(pa.memory_map(str(path)))
            check_format(path, file.schema.metadata)
            self._batch: pa.RecordBatch = file.get_batch(0)

    @cached_property
    def _entries(self) -> dict[str, _Entry]:
        names: list[str] = self._batch.column("entry").to_pylist()
        lists = [_arrays(self._batch.column(name)) for name in _SCHEMA.names[1:]]
        entries = {name: _Entry(name, *(arrays[i] for arrays in lists)) for i, name in enumerate(names)}
        entries.setdefault("span_id", entries["id"])
        entries.setdefault("root_span_id", entries["span_id"])
        return entries

    @property
    def block_starts(self) -> NDArray[np.uint32]:
        """The first row of each block of ``rows.arrow``."""
        return self._entries[_BLOCK].rows

    @property
    def has_deltas(self) -> bool:
        """Whether any row has a base; to say so takes none of the arrays, and not NumPy."""
        return _DELTA in self._batch.column("entry").to_pylist()

    @cached_property
    def bases(self) -> DeltaBases:
        """The base of each row that has one."""
        entry = self._entries.get(_DELTA)
        if entry is None:
            return DeltaBases.of([])
        found = DeltaBases(entry.rows, entry.lengths)
        if not found.are_of(self._row_count):
            # Who went from base to base might come to no end.
            raise cannot_read(self._path, "rows go on from others that do not come before them")
        return found

    def ids(self) -> tuple[Fingerprints, NDArray[np.uint32]]:
        """Return the fingerprints of all ids, sorted, and the row of each."""
        entry = self._entries["id"]
        return entry.fingerprints, entry.rows

    def json_bytes(self, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Return about how much JSON each of some rows has; None where the file does not tell."""
        block, (deltas, bytes_of_deltas) = self._entries[_BLOCK], self._delta_bytes
        if len(block.lengths) != len(block.rows):
            return None
        found = self._others_bytes[np.searchsorted(block.rows, rows, "right") - 1]
        if not len(deltas):
            return found
        places = np.minimum(np.searchsorted(deltas, rows), len(deltas) - 1)
        return np.where(deltas[places] == rows, bytes_of_deltas[places], found)

    @cached_property
    def _others_bytes(self) -> NDArray[np.int64]:
        """How much JSON each row of a block has that is no delta, by block."""
        block, (deltas, bytes_of_deltas) = self._entries[_BLOCK], self._delta_bytes
        starts = block.rows.astype(np.int64)
        blocks = np.searchsorted(starts, deltas, "right") - 1
        rows = np.diff(starts, append=self._row_count) - np.bincount(blocks, minlength=len(starts))
        sizes = block.lengths.astype(np.int64) - np.bincount(blocks, bytes_of_deltas, len(starts)).astype(np.int64)
        each: NDArray[np.int64] = -(-sizes // np.maximum(rows, 1))
        return each

    @cached_property
    def _delta_bytes(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Rows that are deltas, and how much JSON each of them has; none of a file that does not tell."""
        entry = self._entries.get(_DELTA)
        if entry is None or not len(entry.fingerprints):
            return np.empty(0, np.uint32), np.empty(0, np.int64)
        return entry.rows, entry.fingerprints.astype(np.int64)

    @property
    def _row_count(self) -> int:
        return len(self._entries["id"].rows)

    def lookup(self, kind: KeyKind, values: Sequence[str] | Fingerprints) -> NDArray[np.int64]:
        """Return the rows that may have one of the values, in order and each once."""
        sought = values if isinstance(values, np.ndarray) else fingerprints(values)
        entry = self._entries[kind]
        first = entry.fingerprints.searchsorted(sought)
        after = entry.fingerprints.searchsorted(sought, "right")
        if (first == after).all():
            # So it is in most parts.
            return np.empty(0, np.int64)
        found = ranges(first, after - first)
        rows = entry.rows[found].astype(np.int64)
        return np.unique(ranges(rows, entry.lengths[found].astype(np.int64)) if len(entry.lengths) else rows)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the file has under one name."""

    name: str
    fingerprints: Fingerprints
    rows: NDArray[np.uint32]
    lengths: NDArray[np.uint32]

    @classmethod
    def sorted(
        cls, name: str, values: Fingerprints, rows: NDArray[np.uint32], lengths: NDArray[np.uint32] | None = None
    ) -> _Entry:
        order = np.argsort(values, kind="stable")
        return cls(name, values[order], rows[order], np.empty(0, np.uint32) if lengths is None else lengths[order])


def _joined(chunks: list[Fingerprints]) -> Fingerprints:
    return np.concatenate([np.empty(0, np.uint64), *chunks])


def _lists(arrays: list[NDArray[np.unsignedinteger[Any]]]) -> Array:
    """Return an Arrow array with one list per array."""
    offsets = [0, *accumulate(map(len, arrays))]
    return list_array(offsets, from_numpy(np.concatenate(arrays)))


def _arrays(lists: pa.ListArray) -> list[NDArray[np.unsignedinteger]]:
    """Return the arrays of :func:`_lists`, without copying."""
    offsets = to_numpy(lists.offsets)
    values = to_numpy(lists.values)
    return [values[start:end] for start, end in pairwise(offsets)]
