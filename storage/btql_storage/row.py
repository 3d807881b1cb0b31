"""A row: the current state of a document after all its events.

The system values are typed; every other top-level field stays the JSON text
it was written as, so that what a query or a merge does not touch is never
decoded.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Row:
    """One row of an object. In logs and experiments a row is a span."""

    id: str
    span_id: str
    root_span_id: str
    created_us: int
    """Microseconds since 1970 in UTC."""
    xact_id: int
    """The transaction of the row's latest event."""
    pagination_key: str
    """``p`` and 20 digits; given by the row's first event and kept."""
    fields: dict[str, bytes]
    """Top-level field to JSON text in UTF-8; never ``b"null"``."""

    @property
    def json_bytes(self) -> int:
        """How much JSON it has."""
        return sum(map(len, self.fields.values()))
