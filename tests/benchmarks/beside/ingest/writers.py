"""Systems that take events in, batch by batch, each of them durable before the next one comes.

The others only keep what they are given, in one column for documents: no types, no paths, no words are looked at. btql
checks each event and keeps its fields apart, but it also leaves columns and the text index to the compaction.
"""

from __future__ import annotations

import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from statistics import quantiles
from typing import Any

import psycopg
from benchmarks.beside.rivals.btql import OBJECT
from benchmarks.beside.system import THREADS, Missing, library
from server_support.postgres_server import PROGRAMS, postgres

import btql
from btql.generate.stream import generate

BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Written:
    """What writing took."""

    seconds: float
    events: int
    size: int
    """Bytes of JSON."""
    batch_median: float
    batch_p99: float
    note: str

    @property
    def events_per_second(self) -> float:
        """Events in a second."""
        return self.events / self.seconds

    @property
    def megabytes_per_second(self) -> float:
        """Megabytes of JSON in a second."""
        return self.size / self.seconds / 1e6


class Writer(ABC):
    """One system, opened for writing in a new folder."""

    note: str = ""

    @abstractmethod
    def write(self, batch: Sequence[bytes]) -> None:
        """Return once a batch is durable."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""


class _Btql(Writer):
    note = "checked, and merged by id when it is read"

    def __init__(self, folder: Path) -> None:
        self._conn = btql.connect(folder / "db", background=False)

    def write(self, batch: Sequence[bytes]) -> None:
        self._conn.ingest(OBJECT, batch)

    def close(self) -> None:
        self._conn.close()


class _Chdb(Writer):
    note = "a JSON column; fsync after each insert, which is not its default"

    def __init__(self, folder: Path) -> None:
        self._conn: Any = library("chdb").connect(str(folder / "db"))
        self._conn.query(f"SET max_threads = {THREADS}, type_json_skip_duplicated_paths = 1")
        self._conn.query(
            "CREATE TABLE events (doc JSON) ENGINE = MergeTree ORDER BY tuple() "
            "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"
        )

    def write(self, batch: Sequence[bytes]) -> None:
        self._conn.query("INSERT INTO events FORMAT JSONAsObject " + b"\n".join(batch).decode())

    def close(self) -> None:
        self._conn.close()


class _Duckdb(Writer):
    note = "a JSON column"

    def __init__(self, folder: Path) -> None:
        self._conn: Any = library("duckdb").connect(str(folder / "events.duckdb"), config={"threads": THREADS})
        self._conn.execute("CREATE TABLE events (doc JSON)")

    def write(self, batch: Sequence[bytes]) -> None:
        self._conn.execute("INSERT INTO events SELECT unnest($1::VARCHAR[])", [[line.decode() for line in batch]])

    def close(self) -> None:
        self._conn.close()


class _Postgres(Writer):
    note = "a jsonb column without an index"

    def __init__(self, address: str) -> None:
        self._conn = psycopg.connect(address, autocommit=True)
        self._conn.execute("DROP TABLE IF EXISTS events")
        self._conn.execute("CREATE TABLE events (doc jsonb)")

    def write(self, batch: Sequence[bytes]) -> None:
        with self._conn.cursor() as cursor, cursor.copy("COPY events FROM STDIN") as copy:
            copy.write(b"\n".join(line.replace(b"\\", b"\\\\") for line in batch))

    def close(self) -> None:
        self._conn.close()


class _Sqlite(Writer):
    note = "a column of texts, synchronous = FULL"

    def __init__(self, folder: Path) -> None:
        self._conn = sqlite3.connect(folder / "events.sqlite", isolation_level=None)
        self._conn.execute("PRAGMA journal_mode = WAL")
        self._conn.execute("PRAGMA synchronous = FULL")
        self._conn.execute("CREATE TABLE events (doc TEXT)")

    def write(self, batch: Sequence[bytes]) -> None:
        self._conn.execute("BEGIN")
        self._conn.executemany("INSERT INTO events VALUES (?)", [(line.decode(),) for line in batch])
        self._conn.execute("COMMIT")

    def close(self) -> None:
        self._conn.close()


class _Plain(Writer):
    note = "a file: parsed, written, fsync; what cannot be done without"

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "events.ndjson").open("wb")

    def write(self, batch: Sequence[bytes]) -> None:
        import os

        import orjson

        for line in batch:
            orjson.loads(line)
        self._file.write(b"\n".join(batch))
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


_EMBEDDED: dict[str, type[_Btql | _Chdb | _Duckdb | _Sqlite | _Plain]] = {
    "btql": _Btql,
    "plain file": _Plain,
    "chDB": _Chdb,
    "DuckDB": _Duckdb,
    "SQLite": _Sqlite,
}
WRITERS = (*_EMBEDDED, "PostgreSQL")


@contextmanager
def writer(name: str, folder: Path) -> Generator[Writer]:
    """Open a system in an empty folder."""
    if name in _EMBEDDED:
        opened: Writer = _EMBEDDED[name](folder)
        try:
            yield opened
        finally:
            opened.close()
        return
    if not (PROGRAMS / "initdb").exists():
        raise Missing(f"there is no PostgreSQL in {PROGRAMS}; BTQL_POSTGRES names another folder")
    with postgres(folder / "server", "-c shared_buffers=1GB -c listen_addresses=127.0.0.1") as (host, port):
        opened = _Postgres(f"postgresql://postgres@{host}:{port}/postgres")
        try:
            yield opened
        finally:
            opened.close()


def events(profile: str, spans: int, seed: int) -> list[list[bytes]]:
    """Return events in batches."""
    made = chain.from_iterable(generate(profile, spans, seed))
    return list(iter(lambda: list(islice(made, BATCH)), []))


def written(name: str, folder: Path, profile: str, spans: int, seed: int) -> Written:
    """Write everything, and say what that took."""
    batches = events(profile, spans, seed)
    taken: list[float] = []
    with writer(name, folder) as system:
        for batch in batches:
            began = time.perf_counter()
            system.write(batch)
            taken.append(time.perf_counter() - began)
        note = system.note
    cuts = quantiles(taken, n=100, method="inclusive")
    size = sum(len(line) for batch in batches for line in batch)
    return Written(sum(taken), sum(map(len, batches)), size, cuts[49], cuts[98], note)
