"""What storage holds, as metrics: by kind of object, so that their number does not grow with the database."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from btql_storage.errors import StorageError
from btql_storage.status import ObjectStatus, Status
from btql_storage.store import Storage

_KEPT_S = 5.0
"""Whoever asks more often gets the same numbers again: collecting them reads the whole catalog."""
_KEPT_TIMES = 20
"""They are also kept for so many times as long as it took to collect them."""
_BY_KIND: dict[str, tuple[str, Callable[[ObjectStatus], int]]] = {
    "objects": ("Objects.", lambda _: 1),
    "segments": ("Segments.", lambda one: one.segments),
    "parts": ("Live parts.", lambda one: one.parts),
    "rows": ("Current rows in parts.", lambda one: one.rows),
    "json_bytes": ("JSON of the documents in parts, before compression.", lambda one: one.json_bytes),
    "file_bytes": ("Files of parts.", lambda one: sum(one.file_bytes.values())),
    "replaced_bytes": (
        "Files of parts that a merge has replaced, before they are removed.",
        lambda one: one.replaced_bytes,
    ),
    "tail_events": ("Events that wait for compaction.", lambda one: one.pending_events),
    "tail_bytes": ("JSON of the events that wait for compaction.", lambda one: one.pending_bytes),
}


class StorageCollector(Collector):
    """Looks at a database when metrics are asked for."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        self._families: list[Metric] = []
        self._until = 0.0

    def collect(self) -> Iterable[Metric]:
        """Return all families; what cannot be read now is left out, and said to be so."""
        with self._lock:
            began = time.monotonic()
            if began >= self._until:
                try:
                    self._families = [*_families(self._storage), _gauge("readable", "1 if storage can be read.", 1)]
                except StorageError:
                    self._families = [_gauge("readable", "1 if storage can be read.", 0)]
                now = time.monotonic()
                self._until = now + max(_KEPT_S, _KEPT_TIMES * (now - began))
            return self._families


def _families(storage: Storage) -> Iterable[Metric]:
    status = storage.status()
    for name, (help_text, value) in _BY_KIND.items():
        yield _by_kind(name, help_text, status, value)
    since_s = storage.waiting().since_s
    age_s = 0.0 if since_s is None else max(0.0, time.time() - since_s)
    yield _gauge("tail_seconds", "Age of the oldest event that waits for compaction; 0 where none does.", age_s)
    yield _gauge("wal_files", "Files of the write-ahead log, also of what only waits to be removed.", status.wal_files)
    yield _gauge("wal_bytes", "Bytes of these files.", status.wal_bytes)


def _by_kind(name: str, help_text: str, status: Status, value: Callable[[ObjectStatus], int]) -> Metric:
    totals: Counter[str] = Counter()
    for one in status.objects:
        totals[one.object.kind] += value(one)
    family = GaugeMetricFamily(f"btql_storage_{name}", help_text, labels=("kind",))
    for kind, total in sorted(totals.items()):
        family.add_metric((kind,), total)
    return family


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"btql_storage_{name}", help_text, value=value)
