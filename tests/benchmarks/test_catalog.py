"""The catalog by itself: what a query pays before it reads its first part, with a thousand of them.

.venv/bin/pytest tests/benchmarks/test_catalog.py -p no:randomly -s -q
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from benchmarks.figures import tell

from btql.generate.stream import generate
from btql_storage.catalog import Catalog, NewPart, ObjectInfo, Swap
from btql_storage.folder import Folder
from btql_storage.snapshot import Snapshots
from btql_storage.store import Storage

PARTS = 1_000
OTHERS = 20
"""Objects beside it."""


@dataclass(frozen=True)
class Full:
    folder: Folder
    target: ObjectInfo
    swap: Callable[[list[NewPart]], None]
    new_part: Callable[[], NewPart]

    def opened(self) -> float:
        """Return the milliseconds until a snapshot is there, of a process that has taken one before."""
        return _milliseconds(lambda: self.snapshots.take(self.target).close())

    @property
    def snapshots(self) -> Snapshots:
        return Snapshots(self.folder, lambda _: None)


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


@pytest.fixture(params=["sqlite", "postgres"])
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Full]:
    """A database with an object of very many parts; they share the statistics of a real one."""
    with Storage.open(tmp_path, create=True) as storage:
        target = storage.create_object("project_logs", "many")
        storage.ingest(target, list(chain.from_iterable(generate("small", 2_000, 7))))
        storage.compact()
        folder = storage._folder
        (part,) = folder.catalog.view(target.id).parts
        if request.param == "postgres":
            url = request.getfixturevalue("postgres_url")
            folder.catalog.close()
            folder.catalog = Catalog.postgres(url, read_only=False, wait_s=30)
            upto = max(folder.wal.numbers())
            folder.catalog.commit_processed(0, upto, [])
        catalog = folder.catalog
        target = catalog.create_object("project_logs", "many")
        for number in range(OTHERS):
            catalog.create_object("project_logs", f"other {number}")
        segment = catalog.new_segment(target.id)

        def new_part() -> NewPart:
            return NewPart(catalog.next_part_id(), part.stats, part.file_bytes)

        def swap(parts: list[NewPart]) -> None:
            superseded = {one.id: np.arange(0, 2_000, 20) for one in catalog.view(target.id).parts[:3]}
            catalog.commit_swap(Swap(target.id, segment.id, parts, superseded, (), (), ()), 1)

        swap([new_part() for _ in range(PARTS)])
        with closing(catalog):
            yield Full(folder, target, swap, new_part)


def test_opening_a_snapshot_with_a_thousand_parts(full: Full, request: pytest.FixtureRequest):
    first = full.opened()
    again = statistics.median(full.opened() for _ in range(50))
    after_changes = []
    for _ in range(10):
        full.swap([full.new_part()])
        after_changes.append(full.opened())
    tell(
        f"snapshot of {PARTS} parts, {request.node.callspec.id}",
        "5 ms",
        first_ms=first,
        again_ms=again,
        after_a_compaction_ms=statistics.median(after_changes),
    )
    assert len(full.folder.catalog.view(full.target.id).parts) == PARTS + 10 + (request.node.callspec.id == "sqlite")
