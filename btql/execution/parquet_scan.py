"""One native Parquet scan over an explicit list of files.

The engine's own way to name files is a folder, which would read every part in
it, or one scan for each file, which costs milliseconds apiece to plan. But its
logical plans can be serialised, and the message of a listing scan has a
*repeated* field of paths. So: plan a scan of the first file, add the other
paths to the message, and read the plan back.

The message is protocol buffers; two of its field numbers are all we need, so
it is put together by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from btql.execution.engine import DataFrame, SessionContext
from btql.wire import bytes_field, contents

_LISTING_SCAN = 1
"""The field of LogicalPlanNode."""
_PATHS = 2
"""The field of ListingTableScanNode, repeated."""


def scan_files(context: SessionContext, paths: Sequence[str], schema: pa.Schema) -> DataFrame:
    """Return a scan of all files that reads the columns of ``schema``, null where a file lacks one."""
    first, *others = paths
    frame = context.read_parquet(first, schema)
    if not others:
        return frame
    message = frame.logical_plan().to_bytes(None)
    scan = b"".join(contents(memoryview(message), _LISTING_SCAN))
    assert bytes_field(_LISTING_SCAN, scan) == message, "the plan of a Parquet file is one listing scan"
    paths_more = (bytes_field(_PATHS, Path(path).resolve().as_uri().encode()) for path in others)
    return context.from_plan(bytes_field(_LISTING_SCAN, b"".join([scan, *paths_more])))
