"""Data for the benchmarks: made once a session, by the generator, of the size in BTQL_BENCH_SPANS.

make bench                              500,000 small spans
BTQL_BENCH_SPANS=1000000 make bench     a million
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import btql
from btql.generate.writer import write

SPANS = int(os.environ.get("BTQL_BENCH_SPANS", "500000"))
SEED = 7


@pytest.fixture(scope="session")
def spans_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of small spans, as NDJSON."""
    path = tmp_path_factory.mktemp("spans") / "spans.ndjson"
    write("small", SPANS, SEED, path)
    return path


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory, spans_file: Path) -> Path:
    """A compacted database with all spans of the file."""
    path = tmp_path_factory.mktemp("database") / "db"
    batch: list[bytes] = []
    with btql.connect(path) as conn, spans_file.open("rb") as lines:
        for line in lines:
            batch.append(line)
            if len(batch) == 10_000:
                conn.ingest("project_logs:demo", batch)
                batch = []
        if batch:
            conn.ingest("project_logs:demo", batch)
        conn.compact()
    return path
