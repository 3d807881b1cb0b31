"""A folder of this machine where a process prepares what it will store, gone when the process is.

Each process has a folder of its own below a common one and keeps it locked, so that whoever comes later can tell
the folders of the living from those that a killed process left.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from threading import Lock
from uuid import uuid4

from btql_storage.stores.cache_files import exclusive


class Workplace:
    """A folder for work in progress; it is made when it is first needed. Every method may raise OSError."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._mine: Path | None = None
        self._descriptor = -1
        self._guard = Lock()

    def path(self, name: str) -> Path:
        """Return where something is prepared."""
        with self._guard:
            if self._mine is None:
                self._mine, self._descriptor = self._made()
            return self._mine / name

    def fresh(self, name: str) -> Path:
        """Return where to prepare something: it is not there, the folder around it is."""
        path = self.path(name)
        if path.exists():
            rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def sweep(self) -> None:
        """Remove the folders of processes that are gone."""
        with suppress(FileNotFoundError):
            for entry in self._root.iterdir():
                with exclusive(entry) as left:
                    if left:
                        rmtree(entry)

    def close(self) -> None:
        """Remove this process's folder."""
        with self._guard:
            mine, self._mine = self._mine, None
            if mine is not None:
                rmtree(mine, ignore_errors=True)
                os.close(self._descriptor)

    def _made(self) -> tuple[Path, int]:
        while True:
            path = self._root / uuid4().hex
            path.mkdir(mode=0o700, parents=True)
            with suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Somebody may have taken it for a dead one's before it was locked.
                if path.exists():
                    return path, descriptor
                os.close(descriptor)
