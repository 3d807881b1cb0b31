"""A database folder: how it is recognised, made and locked.

::

    btql.json        the marker (:mod:`btql_storage.opening.marker`), written first when a database is made
    catalog.sqlite   what is known (:mod:`btql_storage.catalog`)
    wal/             one file per transaction (:mod:`btql_storage.wal.format`)
    parts/           one folder per part (:mod:`btql_storage.part.format`)
    locks/           write.lock, compact.lock and the transaction counter

Everything but the marker is made when it is first needed, so a crash while a
database is being made leaves either no database or a whole one.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

from btql_storage.errors import Locked, NotADatabase, OtherDatabase, from_os_error
from btql_storage.opening.marker import MARKER, Marker, check_catalog, check_restored, read_marker
from btql_storage.stores.interface import UNFINISHED, AlreadyThere
from btql_storage.stores.local import LocalStore

WAL = "wal"
PARTS = "parts"
LOCKS = "locks"
CATALOG = "catalog.sqlite"
SET_ASIDE = "set-aside"
"""The folder for files that a repair takes out of use, and the ending of such a catalog."""

_WAL_SUFFIX = ".arrow"
_POLL_S = 0.002
"""How often a lock that another process has is asked for."""
_FOLDERS = (WAL, PARTS, LOCKS)


def open_folder(store: LocalStore, *, create: bool, read_only: bool) -> Marker:
    """Return the marker of a folder that is a database by itself; make one where that is asked for."""
    marker = find_marker(store)
    if marker is None:
        check_restored(store)
        if read_only or not create:
            raise no_database(store.root)
        begin_folder(store.root)
        with suppress(AlreadyThere):
            store.put(MARKER, Marker.new("folder").content)
        marker = _read_marker(store.root)
    check_catalog(marker, "folder", str(store.root))
    if not read_only:
        make_folders(store)
    return marker


def find_marker(store: LocalStore) -> Marker | None:
    """Return the marker of a folder; None where it is no database."""
    try:
        store.step("open", store.path(MARKER))
        found = store.path(MARKER).is_file()
    except OSError as error:
        raise from_os_error(error, "open", store.root) from error
    return _read_marker(store.root) if found else None


def make_folders(store: LocalStore) -> None:
    """Make the folders that a database has."""
    for folder in _FOLDERS:
        store.make_folder(folder)


def no_database(root: Path) -> NotADatabase:
    """Return the error for a folder that is no database."""
    if not root.exists():
        return NotADatabase(f"there is no database at `{root}`", "`btql ingest` makes one")
    if not root.is_dir():
        return NotADatabase(f"`{root}` is a file, not a btql database", "give the folder of a database")
    return NotADatabase(f"`{root}` is not a btql database: it has no `{MARKER}`", "give the folder of a database")


def begin_folder(root: Path) -> None:
    """Make the folder of a new database, or find it empty."""
    if root.exists() and not root.is_dir():
        raise no_database(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        strangers = [entry.name for entry in root.iterdir() if not entry.name.startswith(UNFINISHED)]
    except OSError as error:
        raise from_os_error(error, "make", root) from error
    # Another process may be making the same database right now.
    if strangers and MARKER not in strangers:
        raise NotADatabase(
            f"`{root}` is not a btql database and not empty (it has `{min(strangers)}`)",
            "give a new or an empty folder",
        )


def _read_marker(root: Path) -> Marker:
    path = root / MARKER
    try:
        content = path.read_bytes()
    except OSError as error:
        raise from_os_error(error, "read", path) from error
    return read_marker(content, path, str(root))


def wal_name(xact_id: int) -> str:
    """Return the name of a transaction's file, in the folder of all of them."""
    return f"{xact_id:019d}{_WAL_SUFFIX}"


def wal_numbers(names: Sequence[str]) -> list[int]:
    """Return the transactions among the names of a listing, in order."""
    found = (name.removesuffix(_WAL_SUFFIX) for name in names if name.endswith(_WAL_SUFFIX))
    return sorted(int(digits) for digits in found if digits.isdigit())


def part_name(part_id: int) -> str:
    """Return a part's folder, relative to the database."""
    return f"{PARTS}/{part_id}"


class FolderLock:
    """One lock of a database, held by one thread of one process at a time.

    The operating system drops it when a process dies, so nobody ever waits
    for the dead. The same thread may take it again while it has it.
    """

    def __init__(self, store: LocalStore, name: str, wait_s: float) -> None:
        self._store = store
        self._path = store.path(f"{LOCKS}/{name}.lock")
        self._name = name
        self._wait_s = wait_s
        # Threads queue here first: waiting for a thread needs no polling.
        self._threads = RLock()
        self._depth = 0
        self._descriptor = -1

    @contextmanager
    def held(self) -> Generator[None]:
        """Hold the lock; Locked where others keep it for longer than we wait."""
        if not self._threads.acquire(timeout=self._wait_s):
            raise self._locked()
        try:
            if self._depth == 0:
                self._acquire()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._release()
        finally:
            self._threads.release()

    def _acquire(self) -> None:
        try:
            self._store.step("lock", self._path)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                self._wait()
            except BaseException:
                os.close(self._descriptor)
                raise
        except FileNotFoundError as error:
            # The file is made where it is missing, so it is its folder that is not there.
            raise OtherDatabase(
                f"`{self._store.root}` was moved or removed while it was open", "open the database again"
            ) from error
        except OSError as error:
            raise from_os_error(error, "lock", self._path) from error

    def _wait(self) -> None:
        deadline = time.monotonic() + self._wait_s
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise self._locked() from None
                time.sleep(_POLL_S)
            else:
                return

    def _release(self) -> None:
        # Closing alone would not do where a forked child has the descriptor, too.
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        os.close(self._descriptor)

    def _locked(self) -> Locked:
        return Locked(
            f"another process has held the {self._name} lock of `{self._store.root}` for {self._wait_s:g} s",
            "wait for it to finish and try again",
        )
