"""What storage asks of a place where files are kept, a folder or a bucket.

Names are relative, with slashes. Files never change once they have their name, so a place may hand out
copies of them. Guarantees, cited by number elsewhere:

1. **Put-if-absent.** :meth:`Store.put` makes a file appear under its name complete or not at all, and never
   replaces one. When it returns, the bytes and the name survive a power failure.
2. **Publish.** :meth:`Store.publish` makes a prepared folder readable under its name. Only who has learned of it
   from the catalog looks for it, so its files may appear one by one.
3. **Nothing half-written is ever listed.** :meth:`Store.sweep` removes what a crash left.
4. **Copies are held.** What :meth:`Store.file` and :meth:`Store.folder` return of a published folder stays until
   :meth:`Store.release`. A file of the log may be gone again by the time it is opened: who finds that asks once more.
5. What is asked by name is current. A list may be older, by a bounded time
   (:data:`LISTS_LAG_S`): it may lack what was put since, and have what was removed.
   One of a folder of this machine is not.
6. Every failure is a :class:`~btql_storage.errors.StorageError` that names the file and the way out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from btql_storage.gathered import Gathered

LISTS_LAG_S = 10.0
"""How old a list may be: what was put before is in it, and what was removed before is not."""
UNFINISHED = ".new-"
"""Names of work in progress begin with this."""


class AlreadyThere(Exception):  # noqa: N818  it is no error where a name is made by whoever comes first
    """The name that should be new is taken."""


class Store(Protocol):
    """A place where files are kept; safe from several threads."""

    @property
    def label(self) -> str:
        """What to call the place in messages: a path or an address."""
        ...

    @property
    def calls(self) -> Mapping[str, int]:
        """How often each call to the system or the service was made."""
        ...

    @property
    def lookups(self) -> Mapping[tuple[str, bool], int]:
        """How often copies were looked up, and whether they were there."""
        ...

    @property
    def keeps_copies(self) -> bool:
        """Whether files are read from copies, so that it matters when nobody needs them."""
        ...

    @property
    def has_conditional_put(self) -> bool:
        """Whether guarantee 1 holds whoever else puts the same name at the same time; known after the first put."""
        ...

    def put(self, name: str, content: bytes | Gathered) -> int:
        """Write a new file durably (guarantee 1) and return its size; AlreadyThere where the name is taken."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return the content of a small file as it is in the store now; None where there is none."""
        ...

    def unfinished(self, name: str) -> Path:
        """Return the local folder in which to prepare what :meth:`publish` will call ``name``; it is not there yet.

        The same thread publishes it.
        """
        ...

    def publish(self, name: str) -> None:
        """Give the prepared folder its name, durably (guarantee 2)."""
        ...

    def file(self, name: str) -> Path:
        """Return where a file can be read on this machine; Damaged where there is none."""
        ...

    def folder(self, name: str) -> Path:
        """Return where a folder within a published one can be read on this machine."""
        ...

    def prefetch(self, names: Iterable[str], folders: Iterable[str] = ()) -> None:
        """Get copies of files and folders that will be read, several at a time."""
        ...

    def release(self, name: str) -> None:
        """Let the copies of a published folder go (guarantee 4)."""
        ...

    def drop_copies(self, name: str) -> None:
        """Remove the copies of a file or folder, whoever reads them: they are not what they should be."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether copies that nobody needs should be closed, as others need the room."""
        ...

    def size(self, name: str) -> int:
        """Return the bytes of a file; 0 where it is missing."""
        ...

    def sizes(self, name: str) -> Mapping[str, int]:
        """Return the bytes of each file of a folder."""
        ...

    def list(self, name: str, after: str = "") -> list[str]:
        """Return the finished entries of a folder, sorted, of those after a name if one is given."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file or folder; nothing happens where it is missing."""
        ...

    def delete_files(self, names: Sequence[str]) -> None:
        """Remove files; nothing happens where one is missing."""
        ...

    def make_folder(self, name: str) -> None:
        """Make a folder durably unless it is there."""
        ...

    def sync(self, name: str) -> None:
        """Make the names in a folder durable."""
        ...

    def sweep(self, name: str, upto: int | None = None) -> None:
        """Remove the unfinished work of a folder of the database; the caller knows that nobody is at it.

        Where names are numbers, of those up to one alone: what is later is perhaps another's by now.
        """
        ...

    def close(self) -> None:
        """Let go of connections and of copies that are no longer wanted."""
        ...
