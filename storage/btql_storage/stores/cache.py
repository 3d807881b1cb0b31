"""Copies of a bucket's files on this machine's disk, bounded in bytes and shared by all of its processes.

Files of a database never change, so a copy is good for ever; which one goes when room is needed is a matter of use:
the one whose last use is longest ago. There is no process that looks after the folder. All that matters is in the
file system, so that any process may be killed at any time::

    files/<key>          the copies; a key that ends in .folder is a folder that comes and goes as a whole
    files/…/.new-<name>  a copy that is being made, or .old- one that is being removed
    locks/<number>       held by whoever makes a copy; which one, follows from the key
    lock, used           the bytes of all copies, counted under the lock

Guarantees:

1. A copy is complete or not there: it is made under another name, synced and renamed. Many may ask for it at once,
   it is made once.
2. Of a folder that somebody *holds*, nothing is removed to make room. To hold one is to have a shared lock on it
   (``flock``), which ends with the process at the latest.
3. All copies together are at most ``bytes_max``, except where more than that is held: whoever reads needs its files.
4. What a killed process left is removed when room is made.
"""

from __future__ import annotations

import fcntl
import os
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from btql_storage.errors import explained, from_os_error
from btql_storage.stores.cache_files import exclusive, is_at, remove, size_of, sync
from btql_storage.stores.cache_room import FOLDER, TO_COME, Room
from btql_storage.stores.interface import UNFINISHED

_ATTEMPTS = 10
_FILES_MAX = 1 << 16

Expect: TypeAlias = Callable[[int], None]
Fetch: TypeAlias = Callable[[Path, Expect], None]
"""Makes a copy at a path; before it does it says how many bytes it expects, so that there is room for them."""


class DiskCache:
    """A bounded folder of copies; safe from several threads and processes."""

    def __init__(self, root: Path, bytes_max: int) -> None:
        allow_files()
        self.root = root
        self.bytes_max = bytes_max
        self._files = root / "files"
        self._room = Room(root, bytes_max)

    def path(self, key: str) -> Path:
        """Return where the copy of a key is, if there is one."""
        return self._files / key

    def get(self, key: str, fetch: Fetch) -> Path:
        """Return the copy of a key, made by ``fetch`` where it is missing.

        It may be removed again at once unless its folder is held; who does not hold it opens it and, should it be
        gone by then, asks again.
        """
        path = self._files / key
        if not self.touch(key):
            with explained("keep a copy at", path), self._room.making(key):
                # Another thread or process may have been first.
                if not self.touch(key):
                    self._make(path, fetch)
        return path

    def touch(self, key: str) -> bool:
        """Note that the copy of a key is used; False where there is none."""
        try:
            os.utime(f"{self._files}/{key}")
        except OSError:
            # Whatever else is wrong shows when it is made.
            return False
        return True

    def has(self, key: str) -> bool:
        """Return whether there is a copy."""
        return (self._files / key).exists()

    def add(self, key: str, content: bytes) -> None:
        """Keep a copy of what was just stored. It is a convenience, so a disk that fails is no error."""

        def write(path: Path, expect: Expect) -> None:
            expect(len(content))
            path.write_bytes(content)

        with suppress(OSError), self._room.making(key):
            if not self.path(key).exists():
                self._make(self.path(key), write)

    def adopt(self, key: str, source: Path) -> None:
        """Take a file or folder as the copy of a key: it is moved. A disk that fails is no error."""

        def move(path: Path, expect: Expect) -> None:
            expect(size_of(source))
            source.rename(path)

        with suppress(OSError), self._room.making(key):
            if not self.path(key).exists():
                self._make(self.path(key), move)

    @property
    def is_full(self) -> bool:
        """Whether there is little room left, so that what is open and not needed should be closed."""
        return self._room.is_full

    def remove(self, key: str, *, held: bool = False) -> bool:
        """Remove the copies whose keys are this one or below it; False where they stay, as somebody holds them."""
        path = self._files / key
        with explained("keep a copy at", path):
            if not path.exists():
                return True
            with self._room.counting(), exclusive(path if path.is_dir() else path.parent) as mine:
                if not mine and not held:
                    return False
                size = size_of(path)
                remove(path)
                self._room.count(-size)
                return True

    def hold(self, key: str) -> int:
        """Hold a folder, made where it is missing, and return what :meth:`let_go` wants."""
        # As plain text: a query over a thousand parts holds each of them.
        path = f"{self._files}/{key}"
        while True:
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                self._make_folder(path)
                continue
            except OSError as error:
                raise from_os_error(error, "keep a copy at", path) from error
            # Whoever removes has it for a moment only.
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if is_at(descriptor, path):
                return descriptor
            os.close(descriptor)

    def _make_folder(self, path: str) -> None:
        with explained("keep a copy at", Path(path)):
            self._room.prepare()
            Path(path).mkdir(parents=True, exist_ok=True)

    def let_go(self, descriptor: int) -> None:
        """Let a folder go."""
        os.close(descriptor)
        self._room.let_some_go()

    def is_due(self, key: str, every_s: float) -> bool:
        """Whether something is to be done again that one process of this machine does: then it is for this one."""
        path = self._files / key
        try:
            if time.time() < path.stat().st_mtime + every_s:
                return False
            os.utime(path)
        except FileNotFoundError:
            with suppress(OSError):
                path.touch()
        return True

    def entries(self, key: str) -> list[str]:
        """Return the names right below a key."""
        try:
            names = [path.name for path in (self._files / key).iterdir()]
        except FileNotFoundError:
            return []
        return [name.removesuffix(FOLDER) for name in names if not name.startswith(".")]

    def used(self) -> int:
        """Return the bytes that all copies are counted with."""
        return self._room.used()

    def sweep(self) -> None:
        """Count what is there, and remove what killed processes left and what is too much."""
        with explained("keep a copy at", self.root):
            self._room.sweep()

    def _make(self, path: Path, fetch: Fetch) -> None:
        """Make a copy; what makes copies of this key is locked."""
        expected = 0
        unfinished = path.with_name(f"{UNFINISHED}{path.name}")
        to_come = path.with_name(f"{unfinished.name}{TO_COME}")
        for attempt in range(_ATTEMPTS):

            def expect(size: int) -> None:
                nonlocal expected
                # Whoever counts anew sees the bytes that are to come, of which some are there.
                with self._room.counting(), to_come.open("wb") as file:
                    self._room.count(size)
                    expected += size
                    file.truncate(size)

            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                remove(unfinished)
                fetch(unfinished, expect)
                sync(unfinished)
                with self._room.counting():
                    unfinished.rename(path)
                    to_come.unlink(missing_ok=True)
            except BaseException as error:
                with suppress(OSError):
                    remove(unfinished)
                    with self._room.counting():
                        remove(to_come)
                        self._room.count(-expected)
                # Nobody holds the folder, and as it was empty it was removed meanwhile.
                if not isinstance(error, FileNotFoundError) or attempt == _ATTEMPTS - 1:
                    raise
                expected = 0
            else:
                return


def allow_files() -> None:
    """Let this process have more files open, where the system allows: each part that is read has several."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_MAX if hard == resource.RLIM_INFINITY else min(_FILES_MAX, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
