"""Durable files in one folder of a local filesystem.

How the guarantees of :mod:`~btql_storage.stores.interface` are kept: a file is written and synced under a name
that begins with ``.new-``, linked to its own name, which fails where that is taken, and the folder is synced.
A prepared folder, whose files are durable already, is renamed.

Every single call to the system is announced through :meth:`~LocalStore.step`,
so that a test can make the first, second, third ... of them fail.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import get_ident
from types import MappingProxyType

from btql_storage.errors import InputOutput, explained
from btql_storage.gathered import Gathered
from btql_storage.stores.interface import UNFINISHED, AlreadyThere


class LocalStore:
    """A folder of a local filesystem; names are relative, with slashes."""

    keeps_copies = False
    has_conditional_put = True
    is_full = False
    lookups: Mapping[tuple[str, bool], int] = MappingProxyType({})

    def __init__(self, root: Path) -> None:
        # Programs change their working directory, notebooks do so all the time.
        self.root = root.absolute()
        self.calls: Counter[str] = Counter()
        """How often each call to the system was made."""

    def step(self, action: str, path: Path) -> None:
        """Announce one call to the system; a test may raise OSError here."""
        del path
        self.calls[action] += 1

    @property
    def label(self) -> str:
        """The path of the folder."""
        return str(self.root)

    def path(self, name: str) -> Path:
        """Return where a name lives."""
        return self.root / name

    def file(self, name: str) -> Path:
        """Return where a file can be read."""
        return self.root / name

    def folder(self, name: str) -> Path:
        """Return where a folder can be read."""
        return self.root / name

    def prefetch(self, names: Iterable[str], folders: Iterable[str] = ()) -> None:
        """Do nothing: all files are here."""

    def release(self, name: str) -> None:
        """Do nothing: there are no copies."""

    def drop_copies(self, name: str) -> None:
        """Do nothing: there are no copies."""

    def read(self, name: str) -> bytes | None:
        """Return the content of a small file; None where there is none."""
        path = self.path(name)
        with explained("read", path):
            self.step("read", path)
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None

    def size(self, name: str) -> int:
        """Return the bytes of a file; 0 where it is missing."""
        try:
            return self.path(name).stat().st_size
        except OSError:
            return 0

    def sizes(self, name: str) -> dict[str, int]:
        """Return the bytes of each file of a folder."""
        return {found: size for found in self.list(name) if (size := self.size(f"{name}/{found}"))}

    def close(self) -> None:
        """Do nothing: no call leaves anything open."""

    def put(self, name: str, content: bytes | Gathered) -> int:
        """Write a new file durably (guarantee 1) and return its size; AlreadyThere where the name is taken.

        After an error the file is absent, except where the disk refuses even
        to remove it: then it stays, complete, and the error says so.
        """
        path = self.path(name)
        unfinished = self._unfinished(path)
        with explained("write", path):
            try:
                self._write(unfinished, content)
                self._link(unfinished, path)
                try:
                    self.sync_folder(path.parent)
                except OSError as error:
                    self._take_back(path, error)
                    raise
            finally:
                with suppress(OSError):
                    unfinished.unlink()
        return len(content)

    def unfinished(self, name: str) -> Path:
        """Return the folder in which to prepare what :meth:`publish` will call ``name``; it is not there yet.

        Other threads and processes that prepare the same have folders of their own; only this thread publishes it.
        """
        unfinished = self._unfinished(self.path(name))
        with explained("write", unfinished):
            self.step("prepare", unfinished)
            if unfinished.exists():
                from shutil import rmtree

                rmtree(unfinished)
        return unfinished

    def publish(self, name: str) -> None:
        """Give the prepared folder its name, durably (guarantee 2)."""
        path = self.path(name)
        unfinished = self._unfinished(path)
        with explained("write", path):
            self.step("rename", path)
            unfinished.rename(path)
            self.sync_folder(path.parent)

    def make_folder(self, name: str) -> None:
        """Make a folder durably unless it is there."""
        path = self.path(name)
        if path.is_dir():
            return
        with explained("make", path):
            self.step("make folder", path)
            path.mkdir(parents=True, exist_ok=True)
            self.sync_folder(path.parent)

    def list(self, name: str, after: str = "") -> list[str]:
        """Return the finished entries of a folder, sorted, of those after a name if one is given."""
        path = self.path(name)
        with explained("list", path):
            self.step("list", path)
            try:
                return sorted(name for name in _names(path) if name > after and not name.startswith(UNFINISHED))
            except FileNotFoundError:
                return []

    def delete(self, name: str) -> None:
        """Remove a file or folder; nothing happens where it is missing."""
        assert name, "the folder itself is never removed"
        path = self.path(name)
        with explained("remove", path):
            self.step("remove", path)
            with suppress(FileNotFoundError):
                if path.is_dir():
                    from shutil import rmtree

                    rmtree(path)
                else:
                    path.unlink()

    def delete_files(self, names: Sequence[str]) -> None:
        """Remove files; nothing happens where one is missing."""
        for name in names:
            self.delete(name)

    def sweep(self, name: str, upto: int | None = None) -> None:
        """Remove the unfinished work of a folder, where names have numbers that up to one alone."""
        assert name, "what is made beside the folders may be anybody's"
        path = self.path(name)
        with explained("clean", path):
            self.step("list", path)
            left = [name for name in _names(path) if name.startswith(UNFINISHED)]
        for entry in left:
            # What is being written has the process and the thread before its name.
            number = entry.removeprefix(UNFINISHED).rpartition("-")[2].partition(".")[0]
            if upto is None or not number.isdigit() or int(number) <= upto:
                self.delete(f"{name}/{entry}")

    def sync(self, name: str) -> None:
        """Make the names in a folder durable."""
        path = self.path(name)
        with explained("write", path):
            self.sync_folder(path)

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder durable; raises OSError."""
        self.step("sync folder", path)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _unfinished(self, path: Path) -> Path:
        return path.with_name(f"{UNFINISHED}{os.getpid()}-{get_ident()}-{path.name}")

    def _write(self, path: Path, content: bytes | Gathered) -> None:
        self.step("create", path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            self.step("write", path)
            Gathered.of(content).write_to(descriptor)
            self.step("sync", path)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _take_back(self, path: Path, cause: OSError) -> None:
        """Remove a file that is there but perhaps not for good."""
        try:
            self.step("remove", path)
            path.unlink()
        except OSError as error:
            raise InputOutput(
                f"cannot make `{path}` durable, nor remove it: {cause.strerror or cause}",
                "what it holds may be stored or not: look before repeating the call",
            ) from error

    def _link(self, unfinished: Path, path: Path) -> None:
        self.step("link", path)
        try:
            # A link fails where the name exists, which a rename does not.
            os.link(unfinished, path)
        except FileExistsError as error:
            raise AlreadyThere(str(path)) from error


def _names(path: Path) -> list[str]:
    return os.listdir(path)  # noqa: PTH208  a busy WAL has thousands of files, and a Path for each takes as long as the listing
