"""What a process keeps in memory because it may be needed again, within one number of bytes.

Caches tell what they keep, and how large it is about; where all of it together is too much, what was used longest ago
goes, of whichever cache it is. The last that was used stays, however large: whoever uses it has it in memory anyway.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Kept:
    size: int
    drop: Callable[[], object]


class CacheBudget:
    """The bytes that the caches of one database may have. Safe from several threads."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.sizes: Counter[str] = Counter()
        """Bytes by cache."""
        self.dropped: Counter[str] = Counter()
        """How often something of a cache went to make room."""
        self._kept: OrderedDict[tuple[str, Hashable], _Kept] = OrderedDict()
        self._lock = Lock()

    def used(self, cache: str, key: Hashable, size: int, drop: Callable[[], object]) -> None:
        """Note that something was used, which is kept; ``drop`` lets it go, and may be called by any thread."""
        dropped: list[_Kept] = []
        with self._lock:
            self._forget((cache, key))
            self._kept[cache, key] = _Kept(size, drop)
            self.sizes[cache] += size
            while len(self._kept) > 1 and sum(self.sizes.values()) > self.bytes_max:
                oldest = next(iter(self._kept))
                self.dropped[oldest[0]] += 1
                dropped.append(self._forget(oldest))
        for each in dropped:
            each.drop()

    def touched(self, cache: str, key: Hashable) -> None:
        """Note that something was used again, where it is still kept."""
        with self._lock:
            if (cache, key) in self._kept:
                self._kept.move_to_end((cache, key))

    def gone(self, cache: str, key: Hashable) -> None:
        """Note that something is not kept any more."""
        with self._lock:
            if (cache, key) in self._kept:
                self._forget((cache, key))

    def _forget(self, place: tuple[str, Hashable]) -> _Kept:
        kept = self._kept.pop(place, None) or _Kept(0, lambda: None)
        self.sizes[place[0]] -= kept.size
        return kept


class Cache(Generic[K, V]):
    """Values under keys, which the budget may let go of, and so may a number of entries. Safe from several threads."""

    def __init__(self, name: str, budget: CacheBudget, entries_max: int | None = None) -> None:
        self._name = name
        self._budget = budget
        self._entries_max = entries_max
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """Return what is kept under a key; None where nothing is."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
        self._budget.touched(self._name, (self, key))
        return found

    def keep(self, key: K, value: V, size: int) -> None:
        """Keep a value of about so many bytes, unless it has more than all of them together may have."""
        if size > self._budget.bytes_max:
            return
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            too_many = self._entries_max is not None and len(self._values) > self._entries_max
            oldest = [self._values.popitem(last=False)[0]] if too_many else []
        for each in oldest:
            self._budget.gone(self._name, (self, each))
        self._budget.used(self._name, (self, key), size, partial(self._drop, key))

    def clear(self) -> None:
        """Keep nothing of what there is."""
        with self._lock:
            keys = list(self._values)
            self._values.clear()
        for key in keys:
            self._budget.gone(self._name, (self, key))

    def _drop(self, key: K) -> None:
        with self._lock:
            self._values.pop(key, None)

    def __len__(self) -> int:
        """Return how many values are kept."""
        return len(self._values)
