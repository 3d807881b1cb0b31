"""WAL files: what durability means here, and their format.

One transaction, of one request or of several that came at the same time
(:mod:`btql_storage.wal.group_commit`), is one immutable file ``wal/<xact_id>.arrow``, written with
put-if-absent (:mod:`btql_storage.stores.local`), so it is there whole or not at
all. It is an Arrow IPC file of one batch with these columns:

``id, root_span_id, span_id``   text
``created_us, xact_id``         int64
``row_number, flags, object``   int32; ``object`` is the catalog's object id
``event``                       the JSON of the event as it came; null for a comment, which is all in ``control``
``control``                     JSON of :class:`~btql_storage.wal.control.Control`, where any event has some
``:`` and a top-level field     its JSON text, where it is to be another than that of ``event``

Buffers are laid out, and where the store is remote compressed, one by one, so ids are read without touching payloads.
The schema's metadata has the format version, the objects (id, kind, name), the
number of rows, the bytes of JSON, the keys of events that are not stored, and the checksum
(:mod:`btql_storage.checksums`), which is looked at before the first event is read.

An event is written as it is because most of what is to be known of it can wait: to take it apart would cost the
writer, who waits, as much as all the rest. Files of version 1 and 2 have no ``event`` but a column for each
top-level field; 2 has audit entries and comments, which 1 would pass over. They are read for as long as any may wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntFlag
from typing import TYPE_CHECKING, TypeAlias
from zlib import crc32

import msgspec

from btql_storage.arrow import Array, to_numpy
from btql_storage.later import np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

FORMAT_VERSION = 3
_WITH_LINES = 3
Rows: TypeAlias = "NDArray[np.int64]"

SEAL = b"btql.seal"
HEAD = b"btql.head"
_TOLD = (b"btql.format", b"objects", b"rows", b"json_bytes")
_LEAVE_OUT = b"leave_out"
EVENT = "event"
CONTROL = "control"
OBJECT = "object"
ROW_NUMBER = "row_number"


class Flag(IntFlag):
    """What kind of event a WAL row is, and which of its values are ours."""

    MERGE = 1
    DELETE = 2
    ROOT_GIVEN_BY_US = 4
    SPAN_GIVEN_BY_US = 8
    CREATED_GIVEN_BY_US = 16


class ObjectName(msgspec.Struct, frozen=True):
    """An object as a WAL file names it, for whoever must rebuild a catalog."""

    id: int
    kind: str
    name: str


_keys = msgspec.json.Decoder(frozenset[str]).decode


def metadata_of(
    objects: Sequence[ObjectName], rows: int, json_bytes: int, leave_out: frozenset[str]
) -> dict[bytes, bytes]:
    """Return what a file says of itself."""
    told = {
        b"btql.format": b"%d" % FORMAT_VERSION,
        b"objects": msgspec.json.encode(objects),
        b"rows": b"%d" % rows,
        b"json_bytes": b"%d" % json_bytes,
        _LEAVE_OUT: msgspec.json.encode(sorted(leave_out)),
    }
    return told | {HEAD: _head_checksum(told)}


def version_of(told: Mapping[bytes, bytes]) -> int:
    """Return the format of a file; 0 where it does not say."""
    version = told.get(b"btql.format", b"")
    return int(version) if version.isdigit() else 0


def left_out(told: Mapping[bytes, bytes]) -> frozenset[str]:
    """Return the top-level keys of a file's events that are not stored."""
    return _keys(told.get(_LEAVE_OUT, b"[]"))


def is_whole(metadata: Mapping[bytes, bytes] | None) -> bool:
    """Return whether a file says of itself what was written; files from before there were checksums cannot tell."""
    told = metadata or {}
    if HEAD not in told:
        return SEAL not in told
    return SEAL in told and told[HEAD] == _head_checksum(told)


def _head_checksum(told: Mapping[bytes, bytes]) -> bytes:
    names = (*_TOLD, _LEAVE_OUT) if version_of(told) >= _WITH_LINES else _TOLD
    return b"%08x" % crc32(b"\0".join([told.get(name, b"") for name in names]))


def rows_by_object(objects: Sequence[ObjectName], rows: int, of_rows: Callable[[], Array]) -> dict[int, int]:
    """Return how many events of each object there are; ``of_rows`` says whose each row is."""
    if len(objects) == 1:
        return {objects[0].id: rows} if rows else {}
    found, counts = np.unique(to_numpy(of_rows()), return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))
