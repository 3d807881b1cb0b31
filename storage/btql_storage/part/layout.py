"""How the files of a part are made: for quick answers, or for little room.

======  =============  ==============  =========  ======================================================
name    a block        level of zstd   positions  of spans of 50 KB, all files beside the JSON
======  =============  ==============  =========  ======================================================
fast    256 KiB        3               yes        28 % (docs/adr/0033)
small   2 MiB          9               no         14 % (docs/adr/0030)
======  =============  ==============  =========  ======================================================

Rows, columns and answers are the same, and an object may have parts of both. Without positions the text index
tells which rows have all words of a phrase, and those are read to see in which the words follow each other. A
larger block takes longer to fetch one row from.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from btql_storage.errors import BadSetting

VARIABLE = "BTQL_LAYOUT"
"""The environment variable with the name of the layout for parts that are written."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is decided when a part is written; readers find it in the files."""

    block_bytes: int
    """About how much JSON a block of documents has: to fetch a row is to decompress its block."""
    compression_level: int
    """Of zstd, for documents and columns. Reading costs the same at any."""
    has_positions: bool
    """Whether the text index knows where in a text each word stands."""


FAST = Layout(256 << 10, 3, has_positions=True)
"""Level 3 takes a seventh off long documents beside level 1, Arrow's own, for a few per cent of a compaction's work."""
SMALL = Layout(2 << 20, 9, has_positions=False)
_NAMED = {"fast": FAST, "small": SMALL}


def layout_named(name: str, where: str) -> Layout:
    """Return a layout; ``where`` is what names it, for the error."""
    if name not in _NAMED:
        raise BadSetting(f"{where} is `{name}`, which is no layout", f"write {' or '.join(_NAMED)}")
    return _NAMED[name]


def layout_of(configured: str | None = None, environment: Mapping[str, str] = os.environ) -> Layout:
    """Return the layout of parts to be written: of the environment, else as configured, else the fast one."""
    said = environment.get(VARIABLE)
    if said:
        return layout_named(said, VARIABLE)
    return FAST if configured is None else layout_named(configured, "`layout`")
