"""What text indexes have found, kept in memory: a part never changes, so what was found stays right.

Dashboards ask the same again and again, and whoever pages through hits asks for them
once a page. To have the index name 80,000 rows takes 20 ms, most of it to make
objects of them, and to count them takes as long where some rows of the part were
replaced. What was used longest ago goes once all rows together have more than
:data:`KEPT_BYTES_MAX`; 0 keeps none.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from btql_storage.text_probe import Found, TextProbe

KEPT_BYTES_MAX = 32 << 20
_ENTRY_BYTES = 1 << 10
"""About what an entry takes beside its rows."""


class KeptRows:
    """The rows of each index, by what it was asked. Safe from several threads."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes of all rows."""
        self._found: OrderedDict[tuple[Hashable, TextProbe], Found] = OrderedDict()
        self._lock = Lock()

    def get(self, index: Hashable, probe: TextProbe) -> Found | None:
        """Return what an index has found for a probe, None where that is not known."""
        with self._lock:
            found = self._found.get((index, probe))
            if found is not None:
                self._found.move_to_end((index, probe))
            return found

    def keep(self, index: Hashable, probe: TextProbe, found: Found) -> None:
        """Keep what an index has found. Several queries will read the rows, so nobody may change them."""
        assert found.rows is not None, "only an answer is kept"
        if len(found.rows):
            found.rows.flags.writeable = False
        with self._lock:
            if (index, probe) in self._found:
                return
            self._found[index, probe] = found
            self.size += _size(found)
            while self.size > KEPT_BYTES_MAX and self._found:
                self.size -= _size(self._found.popitem(last=False)[1])

    def forget(self, index: Hashable) -> None:
        """Let go of what an index has found."""
        with self._lock:
            for key in [key for key in self._found if key[0] is index]:
                self.size -= _size(self._found.pop(key))


def _size(found: Found) -> int:
    return _ENTRY_BYTES + (0 if found.rows is None or not len(found.rows) else found.rows.nbytes)
