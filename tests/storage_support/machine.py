"""Several opened databases over one folder, called in any order, with faults, against the model.

The state machine of Hypothesis finds short histories that fail. What one sees is compared after every step.
"""

from __future__ import annotations

import errno
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from btql_storage.clock import SYSTEM_CLOCK
from btql_storage.errors import StorageError
from btql_storage.folder import Folder, Settings
from btql_storage.snapshot import Snapshot
from btql_storage.store import ObjectInfo, Storage
from storage_support.disks import FailingStore
from storage_support.invariants import check_invariants
from storage_support.model import Document, Model, Rows
from storage_support.reading import documents_of, snapshot_rows, to_document

MEMORY = Path("/dev/shm")
SMALL = Settings(segment_events=12, job_events=5, part_rows_max=40)
DAY = "2026-01-02T00:00:00Z"
OBJECTS = ("dataset:d", "project_logs:p")

ids = st.sampled_from([f"id{number}" for number in range(6)])
traces = st.sampled_from(["t1", "t2", "t3"])
events = st.one_of(
    st.builds(
        lambda one, trace, value: {"id": one, "root_span_id": trace, "input": value}, ids, traces, st.integers(0, 9)
    ),
    st.builds(
        lambda one, key, value: {"id": one, "_is_merge": True, "metadata": {key: value}}, ids, ids, st.integers(0, 9)
    ),
    st.builds(lambda one, tag: {"id": one, "_is_merge": True, "tags": [tag], "_audit_source": "app"}, ids, ids),
    st.builds(lambda one: {"id": one, "_object_delete": True}, ids),
    st.builds(lambda one, other: {"id": f"c-{other}", "origin": {"id": one}, "comment": {"text": other}}, ids, ids),
)
requests = st.lists(st.tuples(st.sampled_from(OBJECTS), events), min_size=1, max_size=6)


class Processes(RuleBasedStateMachine):
    """What processes may do, one call after the other."""

    opened = Bundle("opened")
    snapshots = Bundle("snapshots")

    @initialize(target=opened)
    def make(self) -> Storage:
        self._folder = TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.path = Path(self._folder.name) / "db"
        self.models = {name: Model() for name in OBJECTS}
        self.versions: list[tuple[int, Rows]] = []
        self.alive: list[Storage] = []
        storage = self._open()
        self.targets: dict[str, ObjectInfo] = {name: storage.create_object(*name.split(":")) for name in OBJECTS}
        return storage

    @rule(target=opened)
    def open(self) -> Storage:
        return self._open()

    @rule(storage=opened, request=requests)
    def ingest(self, storage: Storage, request: list[tuple[str, Document]]) -> None:
        pairs = [(name, {"created": DAY, **event}) for name, event in request]
        xact_id = storage.ingest_all([self.targets[name] for name, _ in pairs], [event for _, event in pairs]).xact_id
        for name, model in self.models.items():
            model.apply([event for one, event in pairs if one == name], xact_id)

    @rule(storage=opened, limit=st.none() | st.integers(1, 2))
    def process(self, storage: Storage, limit: int | None) -> None:
        storage.process(limit)

    @rule(storage=opened)
    def compact_once(self, storage: Storage) -> None:
        storage.compact_once()

    @rule(storage=opened)
    def compact(self, storage: Storage) -> None:
        storage.compact()

    @rule(storage=opened, at=st.integers(1, 12), error=st.sampled_from([errno.ENOSPC, errno.EIO]), data=st.data())
    def fail(self, storage: Storage, at: int, error: int, data: st.DataObject) -> None:
        """Let one of the next calls to the system fail, in whatever is done."""
        store = storage._folder.store
        assert isinstance(store, FailingStore)
        store.steps.clear()
        store.fail_at, store.error = at, error
        doing = data.draw(st.sampled_from(["process", "compact_once", "compact"]))
        try:
            getattr(storage, doing)()
        except StorageError:
            assert store.failed
        finally:
            store.fail_at, store.failed = 0, False

    @rule(storage=opened, at=st.integers(1, 7), request=requests)
    def fail_to_ingest(self, storage: Storage, at: int, request: list[tuple[str, Document]]) -> None:
        """Let one call of a request fail: nothing of it is stored."""
        store = storage._folder.store
        assert isinstance(store, FailingStore)
        store.steps.clear()
        store.fail_at = at
        try:
            self.ingest(storage, request)
        except StorageError as raised:
            unsure = "may be stored" in str(raised)
            assert store.failed
            assert not unsure
        finally:
            store.fail_at, store.failed = 0, False

    @rule(storage=consumes(opened))
    def close(self, storage: Storage) -> None:
        self.alive.remove(storage)
        storage.close()

    @rule(target=snapshots, storage=opened, name=st.sampled_from(OBJECTS))
    def take(self, storage: Storage, name: str) -> tuple[Snapshot, Rows]:
        """Take a snapshot, which shows what it showed as long as it is open."""
        return storage.snapshot(self.targets[name]), self.models[name].copy().rows

    @rule(taken=consumes(snapshots))
    def look_again(self, taken: tuple[Snapshot, Rows]) -> None:
        snapshot, expected = taken
        with snapshot:
            if snapshot._folder in [storage._open_folder for storage in self.alive]:
                assert _shown(snapshot) == expected

    @rule(storage=opened)
    def note_version(self, storage: Storage) -> None:
        self.versions.append((storage.last_xact_id(), self.models[OBJECTS[0]].copy().rows))

    @precondition(lambda self: self.versions)
    @rule(storage=opened, data=st.data())
    def look_at_version(self, storage: Storage, data: st.DataObject) -> None:
        version, expected = data.draw(st.sampled_from(self.versions))
        with storage.snapshot(self.targets[OBJECTS[0]], version) as snapshot:
            assert _shown(snapshot) == expected

    @invariant()
    def everyone_sees_what_the_model_has(self) -> None:
        for storage in self.alive:
            for name, target in self.targets.items():
                assert documents_of(storage, target) == self.models[name].rows
        if self.alive:
            check_invariants(self.alive[0])

    def teardown(self) -> None:
        for storage in getattr(self, "alive", []):
            storage.close()
        if hasattr(self, "_folder"):
            self._folder.cleanup()

    def _open(self) -> Storage:
        store = FailingStore(self.path)
        storage = Storage(Folder.over(store, create=True, read_only=False, settings=SMALL, clock=SYSTEM_CLOCK))
        self.alive.append(storage)
        return storage


def _shown(snapshot: Snapshot) -> dict[str, Any]:
    return {row.id: to_document(row) for row in snapshot_rows(snapshot)}
