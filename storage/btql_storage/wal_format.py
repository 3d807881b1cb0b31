"""WAL files: what durability means here, and their format.

One transaction, of one request or of several that came at the same time
(:mod:`btql_storage.group_commit`), is one immutable file ``wal/<xact_id>.arrow``, written with
put-if-absent (:mod:`btql_storage.stores.local`), so it is there whole or not at
all. It is an Arrow IPC file of one batch with these columns:

``id, root_span_id, span_id``   text
``created_us, xact_id``         int64
``row_number, flags, object``   int32; ``object`` is the catalog's object id
``control``                     JSON of :class:`~btql_storage.control.Control`, where any event has some
one per top-level field         JSON text; only fields that occur

Buffers are compressed one by one, so ids are read without touching payloads.
The schema's metadata has the format version, the objects (id, kind, name), the
number of rows, the bytes of JSON and the checksum (:mod:`btql_storage.checksums`), which is looked at before the
first event is read. The version of a file is the first one that
can read it: 2 has audit entries and comments, which 1 would pass over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias
from zlib import crc32

import msgspec

from btql_storage.arrow import Array, to_numpy
from btql_storage.later import np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

FORMAT_VERSION = 2
WITHOUT_AUDIT = 1
Rows: TypeAlias = "NDArray[np.int64]"

SEAL = b"btql.seal"
HEAD = b"btql.head"
_TOLD = (b"btql.format", b"objects", b"rows", b"json_bytes")
CONTROL = "control"
OBJECT = "object"
ROW_NUMBER = "row_number"


class ObjectName(msgspec.Struct, frozen=True):
    """An object as a WAL file names it, for whoever must rebuild a catalog."""

    id: int
    kind: str
    name: str


def metadata_of(version: int, objects: Sequence[ObjectName], rows: int, json_bytes: int) -> dict[bytes, bytes]:
    """Return what a file says of itself."""
    told = {
        b"btql.format": b"%d" % version,
        b"objects": msgspec.json.encode(objects),
        b"rows": b"%d" % rows,
        b"json_bytes": b"%d" % json_bytes,
    }
    return told | {HEAD: _head_checksum(told)}


def is_whole(metadata: Mapping[bytes, bytes] | None) -> bool:
    """Return whether a file says of itself what was written; files from before there were checksums cannot tell."""
    told = metadata or {}
    if HEAD not in told:
        return SEAL not in told
    return SEAL in told and told[HEAD] == _head_checksum(told)


def _head_checksum(told: Mapping[bytes, bytes]) -> bytes:
    return b"%08x" % crc32(b"\0".join([told.get(name, b"") for name in _TOLD]))


def rows_by_object(objects: Sequence[ObjectName], rows: int, of_rows: Callable[[], Array]) -> dict[int, int]:
    """Return how many events of each object there are; ``of_rows`` says whose each row is."""
    if len(objects) == 1:
        return {objects[0].id: rows} if rows else {}
    found, counts = np.unique(to_numpy(of_rows()), return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))
