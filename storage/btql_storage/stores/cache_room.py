"""The room that a cache of copies has: the bytes in it are counted, and copies go where there are too many.

:mod:`btql_storage.stores.cache` says what is in the folder, and what holds of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from btql_storage.stores.cache_files import REMOVED, exclusive, locked, remove, size_of
from btql_storage.stores.interface import UNFINISHED

FOLDER = ".folder"
"""Ends the keys of folders."""
TO_COME = ".size"
"""Ends the names of files that stand for the bytes of a folder that is being made."""
_LOCKS = 256
_RESERVE = 10
"""Where room is made, one part in so many is made beyond what is needed, so that it need not be made each time."""
_PAUSE_S = 1.0
"""Where everything is held there is no room to be made, and no use in trying all the time."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """What is in the folder under one key."""

    used_ns: int
    """When it was used last."""
    size: int
    path: Path


class Room:
    """The folder, and how much of it is used."""

    def __init__(self, root: Path, bytes_max: int) -> None:
        self.root = root
        self.bytes_max = bytes_max
        self._files = root / "files"
        self._ready = False
        self._full_until = 0.0
        self._over = False

    @property
    def is_full(self) -> bool:
        """Whether there is little room left."""
        return self.used() > self.bytes_max - 2 * self.bytes_max // _RESERVE

    def used(self) -> int:
        """Return the bytes that all copies are counted with."""
        return self._read_used() or 0

    def let_some_go(self) -> None:
        """Make room again where what was held was more than there is room for, as some of it may go now."""
        if self._over:
            with suppress(OSError), self.counting():
                self._full_until = 0.0
                self.count(0)

    def sweep(self) -> None:
        """Count what is there, and remove what killed processes left and what is too much."""
        with self.counting():
            self._make_room(0)

    @contextmanager
    def making(self, key: str) -> Generator[None]:
        """Lock what makes copies of a key."""
        self.prepare()
        with locked(self.root / "locks" / str(crc32(key.encode()) % _LOCKS)):
            yield

    @contextmanager
    def counting(self) -> Generator[None]:
        """Lock the count."""
        self.prepare()
        with locked(self.root / "lock"):
            yield

    def prepare(self) -> None:
        """Make the folder."""
        if not self._ready:
            # What people wrote to a model is nobody else's business.
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in ("files", "locks"):
                (self.root / name).mkdir(exist_ok=True)
            self._ready = True

    def count(self, added: int) -> None:
        """Count bytes that come or go, and make room where they are too many; counting is locked."""
        used = self._read_used()
        if used is None or (used + added > self.bytes_max and time.monotonic() >= self._full_until):
            used = self._make_room(max(added, 0))
        self._over = used + added > self.bytes_max
        self._write_used(max(used + added, 0))

    def _read_used(self) -> int | None:
        with suppress(OSError, ValueError):
            return int((self.root / "used").read_text())
        return None

    def _write_used(self, used: int) -> None:
        # One write in place, so a killed process leaves the old or the new number.
        descriptor = os.open(self.root / "used", os.O_WRONLY | os.O_CREAT, 0o666)
        try:
            os.pwrite(descriptor, b"%020d" % used, 0)
        finally:
            os.close(descriptor)

    def _make_room(self, needed: int) -> int:
        """Remove copies until there is room, longest unused first; return the bytes of those that stay."""
        copies = sorted(self._copies(self._files), key=lambda copy: copy.used_ns)
        used = sum(copy.size for copy in copies)
        if used + needed > self.bytes_max:
            aim = max(self.bytes_max - needed - self.bytes_max // _RESERVE, 0)
            for copy in copies:
                if used <= aim:
                    break
                with exclusive(copy.path.parent) as mine:
                    if mine:
                        remove(copy.path)
                        used -= copy.size
                        with suppress(OSError):
                            # It goes, too, where it is empty.
                            copy.path.parent.rmdir()
            if used + needed > self.bytes_max:
                self._full_until = time.monotonic() + _PAUSE_S
        self._write_used(used)
        return used

    def _copies(self, folder: Path) -> Iterator[_Copy]:
        """Yield all copies below a folder, and remove leftovers on the way."""
        folder.mkdir(exist_ok=True)
        with os.scandir(folder) as entries:
            for entry in entries:
                path = Path(entry.path)
                if entry.name.startswith((UNFINISHED, REMOVED)):
                    yield from self._leftover(path)
                elif entry.is_dir() and not entry.name.endswith(FOLDER):
                    # Others may remove it meanwhile.
                    with suppress(FileNotFoundError):
                        yield from self._copies(path)
                else:
                    with suppress(FileNotFoundError):
                        yield _Copy(entry.stat().st_mtime_ns, size_of(path), path)

    def _leftover(self, path: Path) -> Iterator[_Copy]:
        """Remove what nobody makes any more; what is being made counts, and is not to be removed."""
        if path.name.startswith(REMOVED):
            # Whoever removes something counts, and counting is locked.
            remove(path)
            return
        finished = path.with_name(path.name.removeprefix(UNFINISHED).removesuffix(TO_COME))
        key = finished.relative_to(self._files).as_posix()
        with locked(self.root / "locks" / str(crc32(key.encode()) % _LOCKS), wait=False) as mine:
            if mine:
                remove(path)
                return
        with suppress(FileNotFoundError):
            yield _Copy(1 << 63, path.stat().st_size if path.name.endswith(TO_COME) else 0, path)
