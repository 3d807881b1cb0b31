"""A disk that fails when it is told to."""

from __future__ import annotations

from errno import EIO, EMFILE
from os import strerror
from pathlib import Path

from btql_storage.errors import Unreachable, from_os_error
from btql_storage.stores.local import LocalStore


class FailingStore(LocalStore):
    """Counts the calls to the system and fails at one of them, or from there on."""

    def __init__(self, root: Path, fail_at: int = 0, error: int = EIO, *, for_good: bool = False) -> None:
        super().__init__(root)
        self.fail_at = fail_at
        self.error = error
        self.for_good = for_good
        self.steps: list[str] = []
        self.failed = False

    def step(self, action: str, path: Path) -> None:
        self.steps.append(action)
        count = len(self.steps)
        if self.fail_at and (count == self.fail_at or (self.for_good and count > self.fail_at)):
            self.failed = True
            raise OSError(self.error, strerror(self.error), str(path))


class ReadOnlyStore(LocalStore):
    """A disk that is mounted read-only."""

    def step(self, action: str, path: Path) -> None:
        if action not in ("open", "list", "read"):
            raise OSError(30, "Read-only file system", str(path))


class SilentStore(LocalStore):
    """Lists its files, and does not answer where one is asked for, as a bucket might."""

    def file(self, name: str) -> Path:
        raise Unreachable(f"cannot read `{name}`: no answer in time", "try again")

    folder = file


class CrowdedStore(LocalStore):
    """Lists its files, and opens none, as this process has too many open already."""

    def file(self, name: str) -> Path:
        raise from_os_error(OSError(EMFILE, strerror(EMFILE)), "read", name)

    folder = file
