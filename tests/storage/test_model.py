"""Random histories, compared with the model before, half-way through and after compaction."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage_support.model import Model
from storage_support.reading import documents_of, rows_of

from btql_storage.folder import Settings
from btql_storage.store import ObjectInfo, Storage

# So small that a short history has several segments, jobs that end inside a file, and merged parts.
SMALL = Settings(grace_s=0, segment_events=12, job_events=5)

MEMORY = Path("/dev/shm")
"""A disk in memory, where there is one: a history makes many small files durable."""

ids = st.sampled_from([f"id{number}" for number in range(8)])
traces = st.sampled_from(["t1", "t2", "t3"])
scalars = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from([0.5, "x", "y"])
objects = st.dictionaries(st.sampled_from("abc"), scalars | st.lists(scalars, max_size=3), max_size=3)
objects_of_objects = st.dictionaries(st.sampled_from("abc"), scalars | objects, max_size=3)
fields = st.fixed_dictionaries(
    {},
    optional={
        "root_span_id": traces,
        "span_parents": st.lists(ids, max_size=1),
        "input": objects_of_objects | scalars,
        "metadata": objects_of_objects | st.none(),
        "odd key": objects | scalars,
        "tags": st.lists(st.sampled_from("abc"), max_size=3) | st.none(),
        "comments": st.lists(st.sampled_from([{"id": "c1"}, 1]), max_size=2) | scalars,
        "audit_data": objects,
        "comment": st.just("a field like any other"),
    },
)
control = st.fixed_dictionaries(
    {},
    optional={
        "_is_merge": st.just(value=True),
        "_object_delete": st.integers(0, 3).map(lambda n: n == 0),
        "_merge_paths": st.lists(st.lists(st.sampled_from(["metadata", "input", "tags", "a"]), max_size=2), max_size=2),
        "_array_delete": st.lists(
            st.fixed_dictionaries(
                {
                    "path": st.sampled_from([["tags"], ["input", "a"], ["metadata", "b", "c"], ["odd key"]]),
                    "delete": st.lists(scalars, max_size=2),
                }
            ),
            max_size=2,
        ),
        "_audit_source": st.sampled_from(["app", "api", "external", None]),
        "_audit_metadata": objects | st.none(),
        "_skip_async_scoring": st.booleans(),
    },
)
days = st.integers(1, 9).map(lambda day: f"2026-01-0{day}T00:00:00Z")
rows = st.builds(
    lambda row_id, created, payload, extra: {"id": row_id, "created": created, **payload, **extra},
    ids,
    days,
    fields,
    control,
)
comments = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["c1", "c2", "id1"]),
        "created": days,
        "origin": st.fixed_dictionaries({"id": ids}),
        "comment": st.sampled_from([{"text": "x"}, "y"]),
    },
    optional={
        "_object_delete": st.booleans(),
        "_audit_source": st.just("external"),
        "_audit_metadata": objects,
        "user": st.just({"id": "u"}),
    },
)
requests = st.lists(st.one_of(rows, rows, comments), min_size=1, max_size=8)
actions = st.lists(
    st.one_of(requests, requests, st.sampled_from(["process", "job", "compact", "reopen", "look"])),
    min_size=1,
    max_size=14,
)


class History:
    """A database and its model, side by side."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = Model()
        self.keys: dict[str, str] = {}
        self.open()

    def open(self) -> None:
        self.storage = Storage.open(self.folder, create=True, settings=SMALL)
        self.target: ObjectInfo = self.storage.create_object("project_logs", "model")

    def ingest(self, batch: list[dict[str, Any]]) -> None:
        receipt = self.storage.ingest(self.target, [json.dumps(event).encode() for event in batch])
        self.model.apply(batch, receipt.xact_id)
        # A key is given by a row's first event, so a deleted row's is forgotten.
        self.keys = {row_id: key for row_id, key in self.keys.items() if row_id in self.model.rows}

    def do(self, action: str) -> None:
        match action:
            case "process":
                self.storage.process(limit=1)
            case "job":
                self.storage.compact_once()
            case "compact":
                self.storage.compact()
            case "reopen":
                self.storage.close()
                self.open()
            case _:
                self.check()

    def check(self) -> None:
        assert documents_of(self.storage, self.target) == self.model.rows

        keys = {row_id: row.pagination_key for row_id, row in rows_of(self.storage, self.target).items()}
        assert len(set(keys.values())) == len(keys)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(actions)
def test_any_history_shows_what_the_model_has(history: list[Any]):
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        db = History(Path(folder) / "db")
        try:
            for action in history:
                if isinstance(action, str):
                    db.do(action)
                else:
                    db.ingest(action)
            db.check()
            db.storage.process()
            db.check()
            db.storage.compact_once()
            db.check()
            db.storage.compact()
            db.check()
            with db.storage.snapshot(db.target) as snapshot:
                assert not snapshot.tail
        finally:
            db.storage.close()
