"""What compaction makes of events that wait, and how fast."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.beside.ingest.writers import events
from benchmarks.beside.rivals.btql import OBJECT

import btql


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction took, and what it made."""

    seconds: float
    cpu_seconds: float
    events: int
    json_bytes: int
    """Of the events."""
    row_bytes: int
    """Of JSON in the rows that came out of them."""
    files: Mapping[str, int]
    """Bytes on disk by kind."""


def compacted(folder: Path, profile: str, spans: int, seed: int) -> Compacted:
    """Ingest events into a new database and compact them."""
    batches = events(profile, spans, seed)
    with btql.connect(folder / "db", background=False) as conn:
        for batch in batches:
            conn.ingest(OBJECT, batch)
        cpu, began = time.process_time(), time.perf_counter()
        conn.compact()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        status = conn.status()
    size = sum(len(line) for batch in batches for line in batch)
    return Compacted(seconds, cpu, sum(map(len, batches)), size, status.json_bytes, dict(status.file_bytes))
