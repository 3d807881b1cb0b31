"""Rows for the tests of the part side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from btql_storage.row import Row

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_US = 1_700_000_000_000_000
FIRST_XACT = (0x0DE1 << 48) | (1_700_000_000 << 16)


def make_row(number: int, document: Mapping[str, object], trace: int | None = None) -> Row:
    """Return row ``number`` with the fields of a document; nulls are left out."""
    return Row(
        id=f"row-{number}",
        span_id=f"span-{number}",
        root_span_id=f"trace-{number if trace is None else trace}",
        created_us=FIRST_US + number,
        xact_id=FIRST_XACT + number,
        pagination_key=f"p{number:020d}",
        fields={name: orjson.dumps(value) for name, value in document.items() if value is not None},
    )
