"""Files in a bucket of an object store, read through copies on this machine's disk.

How the guarantees of :mod:`~btql_storage.stores.interface` are kept: an object appears as a whole or not at all,
and is durable when the service has answered. A put of a name that must be new carries a condition
(:mod:`~btql_storage.stores.remote`). A part is prepared in a folder of this machine and uploaded file by file, its
text index as one object (:mod:`~btql_storage.stores.archive`); it lives once the catalog says so, so what a killed
upload left is found as what no catalog knows.

Reading is by way of :class:`~btql_storage.stores.cache.DiskCache`: the engine maps and opens files by their path.
The files of a part are held from the first time one of them is asked for until :meth:`BucketStore.release`. What this
process stores is copied as well, so it reads what it wrote without asking the service.

Copies of two databases never meet, nor those of a database that was removed and made again in the same place: what
the marker says, with the database's own id in it, is part of their keys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tarfile import TarError
from threading import Lock
from typing import Self
from uuid import uuid4

from btql_storage.errors import Damaged, explained
from btql_storage.format import WAL
from btql_storage.gathered import Gathered
from btql_storage.opening.marker import MARKER
from btql_storage.stores.archive import ARCHIVE, packed, unpack
from btql_storage.stores.cache import DiskCache, Expect, Fetch
from btql_storage.stores.cache_room import FOLDER
from btql_storage.stores.held_folders import HeldFolders
from btql_storage.stores.remote import PATIENCE, Patience, Remote
from btql_storage.stores.tidying import Tidying
from btql_storage.stores.workplace import Workplace

_TIDIED = ".tidied"
_TIDY_S = 60.0
_AT_ONCE = 8
"""Downloads of one prefetch, and uploads of one part."""


class BucketStore:
    """The files below one prefix of a bucket; safe from several threads."""

    keeps_copies = True

    def __init__(self, remote: Remote, cache: DiskCache) -> None:
        self._remote = remote
        self._cache = cache
        self.lookups: Counter[tuple[str, bool]] = Counter()
        self._work = Workplace(cache.root / "work")
        self._guard = Lock()
        self._space: str | None = None
        self._held = HeldFolders(cache)
        self._pool: ThreadPoolExecutor | None = None
        self._tidying = Tidying(self.tidy, _TIDY_S)

    @classmethod
    def open(
        cls, address: str, cache: DiskCache, *, endpoint: str | None = None, patience: Patience = PATIENCE
    ) -> Self:
        """Open ``s3://bucket/prefix``, ``gs://…`` or ``az://container/prefix``, without a call to it.

        Credentials come from the environment variables that each service has for them; ``endpoint`` is the address of
        a service other than the vendor's own. ``patience`` is how long a call may take.
        """
        return cls(Remote(address, endpoint=endpoint, patience=patience), cache)

    @property
    def label(self) -> str:
        """The address of the bucket."""
        return self._remote.address

    @property
    def calls(self) -> Mapping[str, int]:
        """How often each call to the service was made."""
        return self._remote.calls

    @property
    def has_conditional_put(self) -> bool:
        """Whether the service itself keeps names from being put twice; known after the first put."""
        return self._remote.has_conditional_put

    def put(self, name: str, content: bytes | Gathered) -> int:
        """Write a new file durably (guarantee 1) and return its size; AlreadyThere where the name is taken."""
        content = bytes(content)
        self._remote.put_new(name, content)
        if name == MARKER:
            self._space = None
        elif name.startswith(f"{WAL}/"):
            self._cache.add(self._key(name), content)
        return len(content)

    def read(self, name: str) -> bytes | None:
        """Return the content of a small file as it is in the store now; None where there is none."""
        content = self._remote.read(name)
        if name == MARKER and content is not None:
            # It never changes, so it need not be read again.
            self._know_marker(content)
        return content

    def unfinished(self, name: str) -> Path:
        """Return the local folder in which to prepare what :meth:`publish` will call ``name``; it is not there yet."""
        with explained("prepare", self._cache.root):
            return self._work.fresh(name)

    def publish(self, name: str) -> None:
        """Upload the prepared folder, durably (guarantee 2)."""
        with explained("read", self._cache.root):
            source = self._work.path(name)
            entries = sorted(source.iterdir())

        def upload(entry: Path) -> None:
            if entry.is_dir():
                self._remote.upload(f"{name}/{entry.name}{ARCHIVE}", packed(entry))
            else:
                self._remote.upload(f"{name}/{entry.name}", entry)

        with explained("read", source):
            list(self._threads().map(upload, entries))
        for entry in entries:
            key = self._key(f"{name}/{entry.name}")
            self._cache.adopt(key + FOLDER if entry.is_dir() else key, entry)
        rmtree(source, ignore_errors=True)

    def file(self, name: str) -> Path:
        """Return where a file can be read on this machine; Damaged where there is none."""

        def fetch(path: Path, expect: Expect) -> None:
            self._remote.download(name, path, expect)

        return self._copy(name, "", fetch)

    def folder(self, name: str) -> Path:
        """Return where a folder within a published one can be read on this machine."""

        def fetch(path: Path, expect: Expect) -> None:
            archive = name + ARCHIVE
            try:
                unpack(self._remote.chunks(archive, expect), path)
            except TarError as error:
                raise Damaged(
                    f"`{self._remote.where(archive)}` is not what it should be: {error}",
                    "restore the database from a backup",
                ) from error

        return self._copy(name, FOLDER, fetch)

    def prefetch(self, names: Iterable[str], folders: Iterable[str] = ()) -> None:
        """Get copies of files that will be read, several at a time."""
        missing = [(self.file, name) for name in names if not self._is_here(name, "")]
        missing += [(self.folder, name) for name in folders if not self._is_here(name, FOLDER)]
        if len(missing) > 1:
            list(self._threads().map(lambda each: each[0](each[1]), missing))

    def release(self, name: str) -> None:
        """Let the copies of a published folder go: nobody reads them just now."""
        self._held.let_go(name)

    def drop_copies(self, name: str) -> None:
        """Remove the copies of a file or folder, whoever reads them: they are not what they should be."""
        self.release(name)
        self._cache.remove(self._key(name), held=True)

    @property
    def is_full(self) -> bool:
        """Whether copies that nobody needs should be closed, as others need the room."""
        return self._cache.is_full

    def size(self, name: str) -> int:
        """Return the bytes of a file; 0 where it is missing."""
        return self._remote.size(name)

    def sizes(self, name: str) -> dict[str, int]:
        """Return the bytes of each file of a folder."""
        return dict(self._remote.objects(name))

    def list(self, name: str, after: str = "") -> list[str]:
        """Return the finished entries of a folder, sorted, of those after a name if one is given."""
        if not after:
            return self._remote.entries(name)
        return sorted({found.partition("/")[0] for found, _ in self._remote.objects(name, after)})

    def delete(self, name: str) -> None:
        """Remove a file or folder; nothing happens where it is missing."""
        assert name, "the database itself is never removed"
        self.release(name)
        self._remote.delete([f"{name}/{found}" for found, _ in self._remote.objects(name)] or [name])
        self._cache.remove(self._key(name))

    def delete_files(self, names: Sequence[str]) -> None:
        """Remove files, many with one call."""
        self._remote.delete(names)
        for name in names:
            self._cache.remove(self._key(name))

    def make_folder(self, name: str) -> None:
        """Do nothing: folders are parts of names."""

    def sync(self, name: str) -> None:
        """Do nothing: what the service has answered is durable."""

    def sweep(self, name: str, upto: int | None = None) -> None:
        """Remove what killed processes of this machine left; in the bucket there is nothing unfinished."""
        assert name, "what is made beside the folders may be anybody's"
        del upto
        with explained("clean", self._cache.root):
            self._work.sweep()

    def tidy(self) -> None:
        """Remove the copies of what is no longer in the bucket, whoever removed it; one process of a machine does so.

        What was purged is to be gone everywhere. What came since it was listed is fetched again when it is needed.
        """
        if self._cache.is_due(self._key(_TIDIED), _TIDY_S):
            for folder in self._cache.entries(self._key("")):
                there = set(self._remote.entries(folder))
                for name in self._cache.entries(self._key(folder)):
                    if name not in there:
                        self._cache.remove(self._key(f"{folder}/{name}"))

    def close(self) -> None:
        """Let all copies go, and remove work in progress."""
        self._tidying.stop()
        self._held.let_all_go()
        self._work.close()
        with self._guard:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def _copy(self, name: str, suffix: str, fetch: Fetch) -> Path:
        folder, _, leaf = name.rpartition("/")
        leaf += suffix
        key = self._key(name) + suffix
        was_there = True

        def noted(path: Path, expect: Expect) -> None:
            nonlocal was_there
            was_there = False
            fetch(path, expect)

        if "/" not in folder:
            # A file of the log: who opens it at once needs not hold it.
            path = self._cache.get(key, noted)
        else:
            paths = self._held.paths(folder, self._key(folder))
            known = paths.get(leaf)
            path = paths[leaf] = self._cache.get(key, noted) if known is None else known
        with self._guard:
            self.lookups["copies", was_there] += 1
        return path

    def _is_here(self, name: str, suffix: str) -> bool:
        folder, _, leaf = name.rpartition("/")
        if self._held.has(folder, leaf + suffix):
            return True
        return self._cache.touch(self._key(name) + suffix)

    def _key(self, name: str) -> str:
        if self._space is None:
            self._know_marker(self._remote.read(MARKER))
        return f"{self._space}/{name}"

    def _know_marker(self, content: bytes | None) -> None:
        """Tell the copies of this database from those of others."""
        # Without a marker nobody can say which database it is: such copies are of no use to others.
        known = uuid4().bytes if content is None else self.label.encode() + b"\n" + content
        self._space = sha256(known).hexdigest()[:32]
        self._tidying.start()

    def _threads(self) -> ThreadPoolExecutor:
        with self._guard:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="btql-bucket")
            return self._pool
