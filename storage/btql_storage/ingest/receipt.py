"""What a writer is told of a request that is stored."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a request is durable."""

    xact_id: int
    """Its transaction, shared with requests that came at the same time; 0 for a request without events."""
    rows: int
    ids: tuple[str, ...] = ()
    """The id of each event, in their order; those that were not given were drawn."""
    json_bytes: int = 0
    """JSON of the events."""
