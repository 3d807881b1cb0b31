"""What the cache of copies does with files: sizes, removal in one step, durable bytes, and locks."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from btql_storage.file_lock import taken
from btql_storage.stores.interface import UNFINISHED

REMOVED = ".old-"
"""Begins the name of what is being removed."""


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all that a folder has."""
    if path.is_dir():
        return sum(size_of(entry) for entry in path.iterdir())
    return path.stat().st_size


def remove(path: Path) -> None:
    """Remove a file, or a folder: nobody ever sees half of it."""
    if path.is_dir():
        removed = path
        if not path.name.startswith((UNFINISHED, REMOVED)):
            removed = path.rename(path.with_name(f"{REMOVED}{os.getpid()}-{path.name}"))
        rmtree(removed)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Make the bytes durable: after a power failure a copy has its bytes or is not there."""
    for each in path.iterdir() if path.is_dir() else (path,):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_at(descriptor: int, path: str) -> bool:
    """Return whether what is open is still what has the name."""
    try:
        named = os.stat(path)  # noqa: PTH116  a plain text takes half the time
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), named)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Generator[bool]:
    """Hold a lock file, which is never removed; yield False where it is taken and not to be waited for."""
    with _flocked(path, os.O_RDWR | os.O_CREAT, wait=wait) as mine:
        yield mine


@contextmanager
def exclusive(folder: Path) -> Generator[bool]:
    """Yield whether nobody holds a folder; nobody will while this lasts."""
    with _flocked(folder, os.O_RDONLY | os.O_DIRECTORY, wait=False) as mine:
        yield mine


@contextmanager
def _flocked(path: Path, flags: int, *, wait: bool) -> Generator[bool]:
    try:
        descriptor = os.open(path, flags, 0o666)
    except FileNotFoundError:
        if not wait:
            yield False
            return
        # Somebody has emptied the whole folder, as people do with caches.
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, flags, 0o666)
    with taken(descriptor, wait=wait) as mine:
        yield mine
