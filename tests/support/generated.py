"""Generated spans in a database, in each of the states that storage can be in, and the same as plain documents."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path

from oracle.model import Document, model_of

import btql
from btql.generate.stream import generate

SPANS = 800
SEED = 23
OBJECT = "project_logs:demo"
STATES = ("before compaction", "half-way", "compacted")


@cache
def lines() -> list[bytes]:
    """Return the events."""
    return list(chain.from_iterable(generate("small", SPANS, SEED)))


@cache
def documents() -> list[Document]:
    """Return what the events add up to, newest first."""
    return model_of(lines()).newest_first()


@contextmanager
def stored(path: Path, state: str) -> Generator[btql.Connection]:
    """Yield a database with the events, so much of them compacted."""
    compacted = {"before compaction": 0, "half-way": len(lines()) // 2, "compacted": len(lines())}[state]
    with btql.connect(path) as conn:
        for part in (lines()[:compacted], lines()[compacted:]):
            for start in range(0, len(part), 500):
                conn.ingest(OBJECT, part[start : start + 500])
            if part and part[-1] is lines()[compacted - 1]:
                conn.compact()
        yield conn
