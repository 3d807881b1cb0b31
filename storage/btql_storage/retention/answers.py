"""Answers of queries in the background, which a server keeps for a day in the folder of a database.

Each is a folder below ``background/`` (``btql_server.reading.jobs``); whoever runs the query holds the lock in it, and
stops when the file ``cancel`` appears. Any of them may have rows that were deleted since, so a purge stops
those that run, and removes all. A client that asks for one gets to know that it is gone, and asks the query again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from btql_storage.databases.sqlite import SqliteDatabase
from btql_storage.errors import Locked, from_os_error
from btql_storage.file_lock import taken
from btql_storage.folder import Folder
from btql_storage.stores.local import LocalStore

ANSWERS = "background"
LOCK = "lock"
CANCEL = "cancel"
_LOOK_EVERY_S = 0.01


def are_elsewhere(folder: Folder) -> bool:
    """Return whether servers keep their answers in other places than beside the data, each on its own disk."""
    store, database = folder.store, folder.catalog.database
    return not (
        isinstance(store, LocalStore) and isinstance(database, SqliteDatabase) and database.path.parent == store.root
    )


def stop_answers(folder: Folder) -> None:
    """Have the queries that run stop soon: they read what is about to go."""
    for path in _folders(folder):
        with _free(path) as free:
            if not free:
                _cancel(path)


def remove_answers(folder: Folder) -> Iterator[tuple[str, int]]:
    """Remove all answers; yield their folders, and the bytes of these. Queries that run are stopped and waited for."""
    deadline = time.monotonic() + folder.settings.lock_wait_s
    for path in list(_folders(folder)):
        name = f"{ANSWERS}/{path.name}"
        while True:
            with _free(path) as free:
                if free:
                    size = sum(folder.store.sizes(name).values())
                    folder.store.delete(name)
                    yield name, size
                    break
            _cancel(path)
            if time.monotonic() > deadline:
                raise Locked(
                    f"the query of `{path}` has not stopped for {folder.settings.lock_wait_s:g} s",
                    "purge again in some seconds",
                )
            time.sleep(_LOOK_EVERY_S)


def _folders(folder: Folder) -> Iterator[Path]:
    if isinstance(folder.store, LocalStore):
        root = folder.store.path(ANSWERS)
        yield from (root / name for name in folder.store.list(ANSWERS) if (root / name).is_dir())


def _cancel(path: Path) -> None:
    try:
        (path / CANCEL).touch()
    except FileNotFoundError:
        # The server was quicker, and has removed the answer.
        return
    except OSError as error:
        raise from_os_error(error, "write", path / CANCEL) from error


@contextmanager
def _free(path: Path) -> Generator[bool]:
    """Yield whether nobody runs the query, who then cannot begin to."""
    try:
        descriptor = os.open(path / LOCK, os.O_RDWR)
    except FileNotFoundError:
        yield True
        return
    except OSError as error:
        raise from_os_error(error, "lock", path / LOCK) from error
    with taken(descriptor) as free:
        yield free
