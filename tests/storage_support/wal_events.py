"""Events as they come out of the WAL, for tests of what goes in."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from btql_storage.format import wal_name
from btql_storage.ingest.columns import Accepted
from btql_storage.transactions import PREFIX
from btql_storage.wal.event import WalEvent
from btql_storage.wal.format import ObjectName
from btql_storage.wal.reader import WalFile
from btql_storage.wal.writer import columns, encode

if TYPE_CHECKING:
    from btql_storage.wal.writer import Columns

XACT = PREFIX | 5 << 16
TARGET = ObjectName(3, "dataset", "d")


_scalars = st.sampled_from([None, True, 0, 7, 2.5, 1e300, 2**70, "", "short", "x" * 1_100, "\n" * 2_000, "é" * 600])
_nested = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "c.d"]), inner, max_size=2),
    max_leaves=5,
)
_objects = st.none() | st.dictionaries(st.sampled_from(["a", "b"]), _nested, max_size=2)
_numbers = st.none() | st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 9) | st.none(), max_size=2)
_tags = st.none() | st.lists(st.sampled_from(["x", "y"]), max_size=2)
documents = st.fixed_dictionaries(
    {"id": st.sampled_from(["1", "2", "3"])},
    optional={
        "created": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]),
        "root_span_id": st.sampled_from(["r", "s"]),
        "input": _nested,
        "error": _nested,
        "metadata": _objects,
        "scores": _numbers,
        "tags": _tags,
        "span_parents": _tags,
        "comments": st.none() | st.just([{"id": "c"}]),
        "odd": _nested,
        "project_id": st.just("p"),
        "_is_merge": st.booleans(),
        "_object_delete": st.sampled_from([False, False, True]),
        "_merge_paths": st.sampled_from([None, None, None, [["metadata"], ["odd"]]]),
    },
)
"""Events of three rows, with every kind of value and instruction."""


def events_of(accepted: Accepted) -> list[WalEvent]:
    """Return the events of a request, sent through a file."""
    return read_back(columns(accepted, [TARGET]))


def read_back(written: Columns) -> list[WalEvent]:
    """Return the events of some columns, sent through a file."""
    with TemporaryDirectory() as folder:
        path = Path(folder, wal_name(XACT))
        path.write_bytes(bytes(encode(written, XACT)))
        file = WalFile(path, XACT)
        return list(file.events(np.arange(file.rows)))
