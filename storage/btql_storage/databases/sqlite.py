"""An SQLite file: opening, schema, transactions.

The schema has a version of its own (``user_version``) beside the folder's.
``synchronous=FULL`` makes every commit survive a power failure. Where nothing
may be written, the file is opened read-only; SQLite's WAL mode then needs the
side files of a writer, so without any the file is read as it stands. Where a
snapshot of a disk has the changes of a writer that were not yet in the file,
leaving these out would be wrong, so that is an error.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import cast
from urllib.parse import quote

from btql_storage.databases.interface import Row, Run, Schema, Statement
from btql_storage.databases.sqlite_errors import told
from btql_storage.errors import Locked, NewerFormat, OtherDatabase, ReadOnly, StorageError, from_os_error
from btql_storage.stores.local import LocalStore

_CACHE_KIB = 16 << 10
"""To read a row SQLite goes through its pages, and those of a thousand parts are more than its own 2 MB keep."""


class SqliteDatabase:
    """The tables of one schema in a file; its threads take turns."""

    now_ms = "cast((julianday('now') - 2440587.5) * 86400000 as integer)"

    def __init__(self, store: LocalStore, name: str, schema: Schema, *, read_only: bool, wait_s: float) -> None:
        self._store = store
        self.path = store.path(name)
        self._schema = schema
        self._lock = RLock()
        self._read_only = read_only
        self._wait_s = wait_s
        self._up_to_date = False
        self._has_lasting_name = False
        self._opened = self._open()

    @property
    def label(self) -> str:
        """The path of the file."""
        return str(self.path)

    beyond_scrubbing: Sequence[str] = ()

    def scrub(self, *, thorough: bool) -> None:
        """Leave nothing of rows that were removed in the file and its side files.

        What is removed is written over at once; the side file has it until it is emptied, for which all who read have
        to be done. ``thorough`` also writes the file anew, as older versions did not write over what they removed.
        """
        with self._lock, explained(self.path):
            self._store.step("scrub", self.path)
            connection = self._opened.connection
            if thorough:
                connection.execute("vacuum")
            ((busy, *_),) = connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        if busy and thorough:
            raise Locked(f"others have read `{self.path}` for too long", "try again when they are done")

    def close(self) -> None:
        """Close the file."""
        with self._lock, suppress(sqlite3.Error):
            self._opened.connection.close()

    @contextmanager
    def reading(self) -> Generator[Run]:
        """Begin a transaction that reads."""
        with self._lock, explained(self.path):
            if not self._opened.lasting:
                self.close()
                self._opened = self._open()
            self.check_place()
            connection = self._opened.connection
            connection.execute("begin")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def writing(self) -> Generator[Run]:
        """Begin a transaction that may write."""
        with self._lock, explained(self.path):
            if not self._has_lasting_name:
                self.check_place()
                # A file that was just made must still be there after a power failure. Who only reads need not wait.
                self._store.sync_folder(self.path.parent)
                self._has_lasting_name = True
            self._store.step("begin", self.path)
            self.check_place()
            connection = self._opened.connection
            connection.execute("begin immediate")
            try:
                yield connection
                self._store.step("commit", self.path)
                connection.execute("commit")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.rollback()
                raise

    def read(self, statements: Callable[[int], Sequence[Statement]]) -> list[list[Row]]:
        """Return the rows of statements that see the same state."""
        if self._up_to_date:
            listed = statements(self._schema.version)
            if len(listed) == 1:
                # By itself a statement sees one state.
                with self._lock, explained(self.path):
                    self.check_place()
                    return [self._opened.connection.execute(*listed[0]).fetchall()]
        with self.reading() as run:
            return [run.execute(*statement).fetchall() for statement in statements(self._version(run))]

    def check_place(self) -> None:
        """Raise where the file that is open is not the one at its path any more."""
        if self._opened.place is not None and _place_of(self.path) != self._opened.place:
            raise OtherDatabase(f"`{self.path}` was moved or replaced while it was open", "open the database again")

    def _version(self, run: Run) -> int:
        if self._up_to_date:
            return self._schema.version
        # An older file may become newer while it is open to read.
        version = schema_version(cast("sqlite3.Connection", run))
        self._up_to_date = self._opened.lasting and version == self._schema.version
        return version

    def _open(self) -> Opened:
        return connect(self._store, self.path, self._schema, read_only=self._read_only, wait_s=self._wait_s)


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file."""

    connection: sqlite3.Connection
    lasting: bool
    """False where it does not see what others write from now on: open it anew for every transaction."""
    place: tuple[int, int] | None = None
    """Which file it is, as long as it lasts; no other one is the same as long as it is open."""


def connect(store: LocalStore, path: Path, schema: Schema, *, read_only: bool, wait_s: float) -> Opened:
    """Open a file, make its tables where they are missing, and check its version."""
    lasting = True
    with explained(path):
        if read_only:
            connection, lasting = _connect_to_read(store, path, schema, wait_s)
        else:
            store.step("open", path)
            connection = _open(uri_of(path), wait_s)
            # SQLite makes the files beside it, which no read-only disk takes.
            store.step("make", path)
            _make_schema(connection, schema, wait_s)
        version = schema_version(connection)
        connection.execute(f"pragma cache_size = -{_CACHE_KIB}")
    if version > schema.version:
        connection.close()
        raise NewerFormat(
            f"`{path}` has version {version}, this btql reads up to {schema.version}", "install a newer btql"
        )
    return Opened(connection, lasting, _place_of(path) if lasting else None)


def _place_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def uri_of(path: Path, *parameters: str) -> str:
    """Return how SQLite is told of a file."""
    # Of a path with two slashes in front the first name would be taken for a machine.
    scheme = "file://" if path.is_absolute() else "file:"
    return f"{scheme}{quote(str(path))}?{'&'.join(parameters)}"


class _Connection(sqlite3.Connection):
    """A connection that closes itself once nobody holds it; from Python 3.13 on, SQLite's own warns of that."""

    def __del__(self) -> None:
        # One that could not be opened is none that could be closed.
        with suppress(sqlite3.ProgrammingError):
            self.close()


def _open(uri: str, wait_s: float) -> sqlite3.Connection:
    # Transactions are begun and ended by hand; threads take turns through its lock.
    return sqlite3.connect(
        uri, uri=True, timeout=wait_s, isolation_level=None, check_same_thread=False, factory=_Connection
    )


def _connect_to_read(store: LocalStore, path: Path, schema: Schema, wait_s: float) -> tuple[sqlite3.Connection, bool]:
    store.step("open", path)
    if not path.is_file():
        return _empty(schema), False
    connection = _open(uri_of(path, "mode=ro"), wait_s)
    try:
        version = schema_version(connection)
    except sqlite3.OperationalError:
        connection.close()
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            if os.access(path.parent, os.W_OK) or not os.access(log, os.R_OK):
                raise
            raise ReadOnly(
                f"`{log}` has changes of the catalog, and is not read where `{path.name}-shm` cannot be made beside it",
                "copy the folder to where it can be written; a database that nobody has open needs neither file",
            ) from None
        # No writer is there, and none of its side files can be made: just now nobody changes the file.
        return _open(uri_of(path, "mode=ro", "immutable=1"), wait_s), False
    if version == 0:
        connection.close()
        return _empty(schema), False
    return connection, True


def _empty(schema: Schema) -> sqlite3.Connection:
    """Stand in for the file of a database that is only being made."""
    connection = _open(":memory:", 0)
    _make_schema(connection, schema, 0)
    return connection


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the version of an open file; older than ours only where it is opened to read."""
    with closing(connection.execute("pragma user_version")) as cursor:
        version: int = cursor.fetchone()[0]
        return version


def _use_wal(connection: sqlite3.Connection, wait_s: float) -> None:
    """Switch to SQLite's WAL. Where others have the file open, SQLite itself does not wait to do this."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            busy = (error.sqlite_errorcode & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _make_schema(connection: sqlite3.Connection, schema: Schema, wait_s: float) -> None:
    _use_wal(connection, wait_s)
    connection.execute("pragma synchronous = full")
    connection.execute("pragma secure_delete = on")
    if schema_version(connection) >= schema.version:
        return
    connection.execute("begin immediate")
    try:
        # Another process may have been first.
        version = schema_version(connection)
        if version < schema.version:
            for statement in schema.since(version):
                connection.execute(statement)
            connection.execute(f"pragma user_version = {schema.version}")
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Turn what SQLite says into one clear line."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise from_os_error(error, "write", path) from error
    except sqlite3.Error as error:
        raise told(error, path) from error


def content_of(path: Path) -> bytes:
    """Return a file as of one moment, whoever writes to it."""
    # With a dozen more modules in its train, which a query has no use for.
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="btql-copy-") as folder:
        copy = Path(folder, path.name)
        with explained(path):
            read = sqlite3.connect(uri_of(path, "mode=ro"), uri=True)
            with closing(read) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            return copy.read_bytes()
