"""What a process keeps in memory because it may be needed again, within one number of bytes.

Caches tell what they keep, and how large it is about; where all of it together is too much, what was used longest ago
goes, of whichever cache it is. The last that was used stays, however large: whoever uses it has it in memory anyway.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock


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

    def gone(self, cache: str, key: Hashable) -> None:
        """Note that something is not kept any more."""
        with self._lock:
            if (cache, key) in self._kept:
                self._forget((cache, key))

    def _forget(self, place: tuple[str, Hashable]) -> _Kept:
        kept = self._kept.pop(place, None) or _Kept(0, lambda: None)
        self.sizes[place[0]] -= kept.size
        return kept
