"""The folder in which the processes of one server count together; made by their parent, gone with it.

A parent that was killed leaves its folder, and the next server on the machine removes it: whoever is there holds a lock
on the folder, which ends with the process at the latest.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir
from time import time

from btql_storage.stores.cache_files import exclusive

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names it; `prometheus_client` looks at it when it is imported."""
_PREFIX = "btql-counts-"
_YOUNG_S = 60
"""A folder that was just made may not be locked yet."""


@contextmanager
def counts_folder() -> Generator[dict[str, str]]:
    """Make a folder, and yield the environment by which child processes find it."""
    _sweep(Path(gettempdir()))
    with TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as folder, exclusive(Path(folder)):
        yield {FOLDER: folder}


def forget(environment: dict[str, str], process_id: int) -> None:
    """Leave out what a process that died was doing; what it has done stays counted."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(process_id, environment[FOLDER])  # type: ignore[no-untyped-call]  # it has no types


def _sweep(place: Path) -> None:
    """Remove the folders of servers of this user that are gone."""
    for folder in place.glob(f"{_PREFIX}*"):
        try:
            found = folder.lstat()
        except FileNotFoundError:
            continue
        if found.st_uid == os.getuid() and time() - found.st_mtime > _YOUNG_S:
            with exclusive(folder) as left:
                if left:
                    rmtree(folder, ignore_errors=True)
