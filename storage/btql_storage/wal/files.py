"""The files of the log of an open database: which there are, and what is known of each without opening it again.

A file is opened when its events are first needed, and kept open. Safe from several threads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from btql_storage.errors import Damaged
from btql_storage.format import WAL, wal_name, wal_numbers
from btql_storage.stores.interface import Store
from btql_storage.stores.lists import lag

# A query over what was compacted opens no WAL file.
if TYPE_CHECKING:
    from btql_storage.wal.reader import WalFile

_FILES_KEPT = 4_096
_SIZES_KEPT = 32_768


class WalSize(NamedTuple):
    """How much a WAL file holds."""

    events: Mapping[int, int]
    """Of each object that has any."""
    json_bytes: int


class WalFiles:
    """The log of one database; files go by the numbers of their transactions."""

    def __init__(self, store: Store, lookups: Counter[tuple[str, bool]]) -> None:
        self.processed_upto = 0
        """The last transaction that is known to be processed; it may be later by now."""
        self._store = store
        self._lookups = lookups
        self._guard = Lock()
        self._files: dict[int, WalFile] = {}
        self._sizes: dict[int, WalSize] = {}
        # Nothing is missing in a list of a folder, and what was there may be taken back.
        self._lists_lag = lag(store)
        self._there: dict[int, None] = {}
        """Files that are not known to be processed, and were there once: none of a bucket goes before."""

    def numbers(self) -> list[int]:
        """List the log: the transactions that have a file, in order."""
        return wal_numbers(self._store.list(WAL))

    def new_numbers(self, landed: Iterable[int] = ()) -> list[int]:
        """List the log without files that are known to be processed, which is cheaper where there are many.

        With those that this process wrote or saw before, and others that are known to be there: a list may lag.
        """
        known = self.processed_upto
        listed = wal_numbers(self._store.list(WAL, wal_name(known) if known else ""))
        landed = [number for number in landed if number > known]
        if not self._lists_lag:
            return sorted({*listed, *landed}) if landed else listed
        with self._guard:
            self._there |= dict.fromkeys((*listed, *landed))
            numbers = sorted(self._there)
            while len(self._there) > _SIZES_KEPT:
                _shorten(self._there, _SIZES_KEPT)
        return numbers

    def all_numbers(self, landed: Iterable[int]) -> list[int]:
        """List the whole log, with what :meth:`new_numbers` knows and the list may lack."""
        return sorted({*self.new_numbers(landed), *self.numbers()})

    def note_processed(self, xact_id: int) -> None:
        """Take note that transactions up to one are processed, as the catalog said."""
        with self._guard:
            if xact_id > self.processed_upto:
                self.processed_upto = xact_id
                self._there = {number: None for number in self._there if number > xact_id}
            # They were mostly noted in the order of their numbers.
            while self._sizes and (first := next(iter(self._sizes))) <= self.processed_upto:
                del self._sizes[first]

    def note_written(self, xact_id: int, size: WalSize) -> None:
        """Take note of what a file holds, so that nobody opens it to count what waits."""
        with self._guard:
            self._sizes[xact_id] = size
            if self._lists_lag:
                self._there[xact_id] = None
                _shorten(self._there, _SIZES_KEPT)
            _shorten(self._sizes, _SIZES_KEPT)

    def holds(self, xact_id: int) -> WalSize:
        """Return how much a file holds; it is opened where this was not noted yet."""
        size = self._sizes.get(xact_id)
        if size is None:
            file = self.file(xact_id)
            size = WalSize(file.rows_by_object(), file.json_bytes)
            self.note_written(xact_id, size)
        return size

    def size(self, xact_id: int) -> int:
        """Return the bytes of a file; 0 where it is gone."""
        return self._store.size(f"{WAL}/{wal_name(xact_id)}")

    def file(self, xact_id: int) -> WalFile:
        """Return a file; its header is read once."""
        with self._guard:
            file = self._files.get(xact_id)
            self._lookups["wal_files", file is not None] += 1
        if file is None:
            from btql_storage.wal.reader import WalFile

            name = f"{WAL}/{wal_name(xact_id)}"
            file = (
                self._checked_copy(name, xact_id)
                if self._store.keeps_copies
                else WalFile(self._store.file(name), xact_id)
            )
            with self._guard:
                self._files[xact_id] = file
                _shorten(self._files, _FILES_KEPT)
        return file

    def _checked_copy(self, name: str, xact_id: int) -> WalFile:
        """Return a file that is read from a copy; a damaged copy is made anew."""
        from btql_storage.wal.reader import WalFile

        locate = partial(self._store.file, name)
        try:
            file = WalFile(locate(), xact_id, locate)
            file.check()
        except Damaged:
            self._store.drop_copies(name)
            file = WalFile(locate(), xact_id, locate)
        return file

    def forget_numbers(self) -> None:
        """Believe lists alone: some file is gone that was there, as a repair has set it aside."""
        with self._guard:
            self._there.clear()

    def forget(self, xact_id: int) -> None:
        """Open a file anew when it is needed again: it was brought back."""
        with self._guard:
            self._files.pop(xact_id, None)


def _shorten(kept: dict[int, Any], most: int) -> None:
    """Let one go where there are too many: the first to come, which those who go through all in order are done with."""
    if len(kept) > most:
        del kept[next(iter(kept))]
