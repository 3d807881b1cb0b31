"""One native Parquet scan over an explicit list of files.

The engine's own way to name files is a folder, which would read every part in
it, or one scan for each file, which costs milliseconds apiece to plan. But its
logical plans can be serialised, and the message of a listing scan has a
*repeated* field of paths. So: plan a scan of the first file, add the other
paths to the message, and read the plan back.

The message is protocol buffers; two of its field numbers are all we need, so
the few lines to append to it are here instead of a dependency.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from btql.execution.engine import DataFrame, SessionContext

_LISTING_SCAN_TAG = b"\x0a"
"""Field 1 of LogicalPlanNode, length-delimited."""
_PATHS_TAG = b"\x12"
"""Field 2 of ListingTableScanNode, length-delimited, repeated."""


def scan_files(context: SessionContext, paths: Sequence[str], schema: pa.Schema) -> DataFrame:
    """Return a scan of all files that reads the columns of ``schema``, null where a file lacks one."""
    first, *others = paths
    frame = context.read_parquet(first, schema)
    if not others:
        return frame
    scan = _listing_scan(frame.logical_plan().to_bytes(None))
    for path in others:
        uri = Path(path).resolve().as_uri().encode()
        scan += _PATHS_TAG + _varint(len(uri)) + uri
    message = _LISTING_SCAN_TAG + _varint(len(scan)) + scan
    return context.from_plan(message)


def _listing_scan(message: bytes) -> bytes:
    assert message[:1] == _LISTING_SCAN_TAG, "the plan of a Parquet file is a listing scan"
    length, shift, place = 0, 0, 1
    while True:
        byte = message[place]
        length |= (byte & 0x7F) << shift
        shift, place = shift + 7, place + 1
        if byte < 0x80:
            break
    assert place + length == len(message), "the listing scan is all of the plan"
    return message[place:]


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
