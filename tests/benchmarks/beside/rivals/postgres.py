"""PostgreSQL: a server of its own for each run, over a folder that is kept, asked over its socket."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import LiteralString, cast

import psycopg
from benchmarks.beside.recipe import Recipe
from benchmarks.beside.rivals.paging import Row
from benchmarks.beside.rivals.worded import InTuples
from benchmarks.beside.system import THREADS, Inputs, Missing
from server_support.postgres_server import PROGRAMS, postgres

_SETTINGS = " ".join(
    f"-c {setting}"
    for setting in (
        "shared_buffers=2GB",
        "effective_cache_size=6GB",
        "work_mem=256MB",
        "maintenance_work_mem=1GB",
        "max_wal_size=8GB",
        # One process helps the one that answers: two threads.
        f"max_parallel_workers_per_gather={THREADS - 1}",
        f"max_parallel_maintenance_workers={THREADS - 1}",
        "min_parallel_table_scan_size=1MB",
        "random_page_cost=1.1",
        "default_toast_compression=lz4",
        "jit=off",
        "autovacuum=off",
        "timezone=UTC",
        "listen_addresses=127.0.0.1",
    )
)


def _alone(address: str, statement: str) -> None:
    """Run a statement in a session of its own."""
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute(cast("LiteralString", statement))


class Postgres(InTuples):
    """PostgreSQL."""

    name = "PostgreSQL"
    note = "a jsonb column for each field, GIN over metadata, GIN over tsvectors, B-trees on ids and time; vacuumed"

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        super().__init__(folder, recipe)
        self._conn: psycopg.Connection | None = None

    def version(self) -> str:
        """Return the version of the server's programs."""
        if not (PROGRAMS / "initdb").exists():
            raise Missing(f"there is no PostgreSQL in {PROGRAMS}; BTQL_POSTGRES names another folder")
        return PROGRAMS.parent.name

    @contextmanager
    def serving(self) -> Generator[str]:
        """Keep a server running."""
        with postgres(self.folder / "server", _SETTINGS) as (host, port):
            yield f"postgresql://postgres@{host}:{port}/postgres"

    def open(self, address: str) -> None:
        """Connect."""
        self._conn = psycopg.connect(address, autocommit=True)

    def load(self, inputs: Inputs, address: str) -> None:
        """Copy the documents into a table, and run the statements of the recipe."""
        self.open(address)
        conn = self._conn
        assert conn is not None
        conn.execute("CREATE UNLOGGED TABLE raw (doc text)")
        with conn.cursor() as cursor, cursor.copy("COPY raw FROM STDIN") as copy, inputs.documents.open("rb") as lines:
            for line in lines:
                # In its text format a backslash begins an escape; documents are one line each, without tabs.
                copy.write(line.replace(b"\\", b"\\\\"))
        statements = list(self._recipe.load)
        # With names of their own: two sessions may choose the same one for indexes that are made at the same time.
        indexes = [
            each.replace("CREATE INDEX ON", f"CREATE INDEX index_{place} ON")
            for place, each in enumerate(statements)
            if each.startswith("CREATE INDEX")
        ]
        for statement in statements:
            if not statement.startswith("CREATE INDEX"):
                self._run(statement)
        # One statement uses one core, and others load with two.
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(partial(_alone, address), reversed(indexes)))
        conn.execute("DROP TABLE raw")
        conn.execute("VACUUM (ANALYZE)")
        conn.execute("CHECKPOINT")
        self.close()

    def _run(self, text: str) -> psycopg.Cursor:
        assert self._conn is not None
        return self._conn.execute(cast("LiteralString", text))

    def _fetched(self, text: str) -> list[Row]:
        return cast("list[Row]", self._run(text).fetchall())

    def size(self, address: str) -> int:
        """Return what its tables and indexes take, without its log and catalogs."""
        with psycopg.connect(address) as conn:
            row = conn.execute(
                "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class "
                "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def close(self) -> None:
        """Disconnect."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None
