"""The parts of an open database that are open, and those that snapshots still read.

A part's files are opened when they are first needed, and kept open. A part that was replaced, by whichever process, is
let go of once no snapshot of this one reads it. Safe from several threads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from threading import Lock

from btql_storage.cache_budget import CacheBudget
from btql_storage.catalog import PartInfo
from btql_storage.format import part_name
from btql_storage.part.kept_columns import KeptColumns
from btql_storage.part.reader import Part
from btql_storage.stores.interface import Store


class OpenParts:
    """The parts of one database that this process has to do with."""

    def __init__(self, store: Store, cache: CacheBudget, lookups: Counter[tuple[str, bool]]) -> None:
        self.kept_columns = KeptColumns(cache)
        self.keys_checked: set[int] = set()
        """Parts whose keys were held against their checksum."""
        self._store = store
        self._cache = cache
        self._lookups = lookups
        self._guard = Lock()
        self._parts: dict[int, Part] = {}
        self._pins: Counter[int] = Counter()
        self._replaced: set[int] = set()
        """Parts that were replaced while snapshots read them."""
        self._at_work = 0

    def close(self) -> None:
        """Close all files."""
        with self._guard:
            for part in self._parts.values():
                part.forget()
            self._parts.clear()

    def get(self, info: PartInfo) -> Part:
        """Return a part; its files are opened when they are first needed, and kept open."""
        (part,) = self.get_all([info])
        return part

    def get_all(self, infos: Sequence[PartInfo]) -> list[Part]:
        """Return parts, as :meth:`get` does."""
        found: list[Part] = []
        new = 0
        with self._guard:
            for info in infos:
                part = self._parts.get(info.id)
                if part is None:
                    new += 1
                    part = Part(self._store, part_name(info.id), info.id, info.stats, info.file_bytes, self._cache)
                    self._parts[info.id] = part
                part.quarantined = info.quarantined
                found.append(part)
            self._lookups["parts", False] += new
            self._lookups["parts", True] += len(found) - new
        return found

    def pin(self, part_ids: Iterable[int]) -> None:
        """Keep the files of parts for a snapshot."""
        with self._guard:
            self._pins.update(part_ids)

    def unpin(self, part_ids: Iterable[int]) -> None:
        """Give up what :meth:`pin` kept."""
        with self._guard:
            given_up = list(part_ids)
            for part_id in given_up:
                if self._pins[part_id] > 1:
                    self._pins[part_id] -= 1
                else:
                    del self._pins[part_id]
            self._release(given_up)
            idle = [part_id for part_id in given_up if part_id in self._replaced and part_id not in self._pins]
            self._replaced.difference_update(idle)
        for part_id in idle:
            self.drop(part_id)

    def pinned(self) -> set[int]:
        """Return the parts that snapshots of this process use."""
        with self._guard:
            return set(self._pins)

    @contextmanager
    def working(self) -> Generator[None]:
        """Keep the copies of all parts that are read until the work is done, though no snapshot pins them."""
        with self._guard:
            self._at_work += 1
        try:
            yield
        finally:
            with self._guard:
                self._at_work -= 1
                self._release(self._parts)

    def drop(self, part_id: int) -> None:
        """Let go of a part that is about to be removed."""
        with self._guard:
            part = self._parts.pop(part_id, None)
            self.keys_checked.discard(part_id)
        self.kept_columns.forget(part_name(part_id))
        if part is not None:
            part.forget()

    def let_go_of(self, part_ids: Collection[int]) -> None:
        """Let go of parts that were replaced, by whichever process, once no snapshot reads them.

        What is mapped of a removed file keeps its room on the disk.
        """
        with self._guard:
            idle = [part_id for part_id in part_ids if part_id not in self._pins]
            self._replaced.update(part_id for part_id in part_ids if part_id in self._pins)
        for part_id in idle:
            self.drop(part_id)

    def close_unused(self, part_ids: Collection[int]) -> None:
        """Close parts of an object that was not asked for in a long time; a snapshot that reads one goes on."""
        with self._guard:
            parts = [self._parts.pop(one, None) for one in part_ids if one in self._parts]
            idle = [part for part in parts if part is not None and part.part_id not in self._pins]
        for part in idle:
            part.forget()

    def _release(self, part_ids: Iterable[int]) -> None:
        """Let the copies of parts go that nobody uses; the guard is held."""
        if self._store.keeps_copies and not self._at_work:
            # Files that stay open take up their room though they are removed.
            full = self._store.is_full
            for part_id in self._parts if full else part_ids:
                if part_id not in self._pins:
                    self._store.release(part_name(part_id))
                    if full and part_id in self._parts:
                        self._parts[part_id].close()
