"""Objects of a few rows under policies, deletes and purges, against a model in plain Python.

The model says which rows are there now, which at each version, and which texts are in no file any more: at once after a
purge, a week after a delete where nobody purges. Each text is written once, so that all files can be searched for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from btql_storage.errors import UnknownObject, VersionGone
from btql_storage.folder import Settings
from btql_storage.retention.policy import DAY_S, RetentionPolicy
from btql_storage.retention.search import Search
from btql_storage.store import Storage
from btql_storage.transactions import PREFIX
from storage_support.clocks import HandClock
from storage_support.invariants import check_invariants
from storage_support.reading import documents_of, snapshot_rows, to_document

NOTHING = RetentionPolicy()


@dataclass(slots=True)
class State:
    """What a row was from one transaction until another."""

    id: str
    begin: int
    trace: str
    created: int
    text: str
    output: str | None = None
    end: int | None = None
    deleted: bool = False
    gone: bool = False
    """Whether it is in no version any more."""

    @property
    def texts(self) -> set[str]:
        return {self.text} | ({self.output} if self.output else set())


@dataclass(slots=True)
class Modelled:
    """An object as it should be."""

    kind: str
    name: str
    states: list[State] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    gone_upto: int = 0
    exists: bool = False

    @property
    def has_versions(self) -> bool:
        return self.kind == "dataset"

    def current(self) -> dict[str, State]:
        return {one.id: one for one in self.states if one.end is None and not one.gone}

    def at(self, version: int) -> dict[str, str]:
        ends = ((one, one.end or version + 1) for one in self.states if not one.gone)
        return {one.id: one.text for one, end in ends if one.begin <= version < end}

    def deleted(self) -> list[State]:
        """Return the states up to the last delete of their row."""
        last = {one.id: one.end or 0 for one in self.states if one.deleted}
        return [one for one in self.states if one.end is not None and one.end <= last.get(one.id, 0)]

    def kept_texts(self) -> set[str]:
        stay = [one for one in self.states if not one.gone and (self.has_versions or one.end is None)]
        return set().union(*(one.texts for one in stay))

    def expire(self, policy: RetentionPolicy, now_s: int) -> None:
        """Let go of what a policy does not keep."""
        traces: dict[str, list[State]] = {}
        for one in self.current().values():
            traces.setdefault(one.trace, []).append(one)
        ids: set[str] = set()
        rows = 0
        for rank, mine in enumerate(sorted(traces.values(), key=lambda rows: -max(row.created for row in rows))):
            rows += len(mine)
            is_old = policy.age_s is not None and max(one.created for one in mine) < now_s - policy.age_s
            if is_old or (policy.rows is not None and rows > policy.rows and rank > 0):
                ids.update(one.id for one in mine)
        before = 0 if policy.history_s is None else PREFIX | (now_s - policy.history_s) << 16
        for one in self.states:
            if one.end is not None and one.end <= before and not one.gone and self.has_versions:
                self.gone_upto = max(self.gone_upto, one.end)
                one.gone = True
            one.gone |= one.id in ids


class Play:
    """What follows from a seed."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.dice = Random(seed)
        self._folder = folder
        self._clock = HandClock()
        choose = self.dice.choice
        self._settings = Settings(
            grace_s=0, wal_grace_s=0, segment_events=choose((6, 1000)), job_events=choose((3, 1000)),
            part_rows_max=choose((10, 1000)), purge_within_s=7 * DAY_S,
        )  # fmt: skip
        self._storages = [self._open(), self._open()]
        self._objects = [Modelled("project_logs", "a"), Modelled("dataset", "b"), Modelled("dataset", "c")]
        self._policies: dict[str, RetentionPolicy | None] = {}
        self._texts = 0
        self._dead: set[str] = set()

    def run(self, steps: int) -> None:
        """Do something, look, and so on."""
        jobs = [*[self._write] * 8, *[self._compact] * 4, *[self._apply] * 4, *[self._set_policy] * 2]
        jobs += [*[self._move_clock] * 2, self._delete_object, *[self._purge] * 2, self._wait_a_week, self._reopen]
        try:
            for _ in range(steps):
                self.dice.choice(jobs)(self.dice.choice(self._storages), self.dice.choice(self._objects))
                self._check(self.dice.choice(self._storages))
            check_invariants(self._storages[0])
        finally:
            for storage in self._storages:
                storage.close()

    def _open(self) -> Storage:
        return Storage.open(self._folder, create=True, settings=self._settings, clock=self._clock)

    def _text(self) -> str:
        self._texts += 1
        return f"needle{self._texts}x{self.dice.getrandbits(40)}"

    def _write(self, storage: Storage, one: Modelled) -> None:
        target = storage.create_object(one.kind, one.name)
        one.exists = True
        before = one.current()
        events: list[dict[str, Any]] = []
        after: list[State] = []
        for number in self.dice.sample(range(12), self.dice.randrange(1, 5)):
            row_id, text, what = f"r{number}", self._text(), self.dice.random()
            row = before.get(row_id)
            if what < 0.25:
                events.append({"id": row_id, "_object_delete": True})
            elif what < 0.45 and row is not None:
                events.append({"id": row_id, "_is_merge": True, "output": text})
                after.append(replace(row, output=text))
            else:
                # No two are of one second, so that it is plain which are the newest.
                created = self._clock.seconds - self.dice.randrange(60 * DAY_S) // 100_000 * 100_000 - self._texts
                trace = row_id if one.has_versions else row.trace if row else f"t{self.dice.randrange(6)}"
                event = {"id": row_id, "input": text, "created": datetime.fromtimestamp(created, UTC).isoformat()}
                events.append(event if one.has_versions else event | {"root_span_id": trace, "span_id": row_id})
                after.append(State(row_id, 0, trace, created, text))
        xact_id = storage.ingest(target, events).xact_id
        written = {state.id for state in after}
        for row in (before[event["id"]] for event in events if event["id"] in before):
            row.end, row.deleted = xact_id, row.id not in written
        one.states += [replace(state, begin=xact_id) for state in after]
        one.versions.append(xact_id)

    def _compact(self, storage: Storage, _: Modelled) -> None:
        self.dice.choice((storage.compact, storage.compact_once, storage.process))()

    def _apply(self, storage: Storage, _: Modelled) -> None:
        # A trace with events that wait would stay.
        storage.compact()
        for one in self._objects:
            policy = self._policies.get(f"{one.kind}:{one.name}") or self._policies.get(one.kind)
            if one.exists and policy is not None:
                one.expire(policy, self._clock.seconds)
        self.dice.choice((storage.retention.run, storage.retention.tend))()

    def _set_policy(self, storage: Storage, _: Modelled) -> None:
        scope = self.dice.choice(("project_logs", "dataset", "project_logs:a", "dataset:b", "dataset:c"))
        choose = self.dice.choice
        policy = RetentionPolicy(age_s=choose((None, 20 * DAY_S, 45 * DAY_S)), rows=choose((None, 3, 7)))
        if scope.startswith("dataset"):
            policy = replace(policy, history_s=choose((None, None, 2 * DAY_S, 10 * DAY_S)))
        self._policies[scope] = choose((policy, policy, None))
        storage.retention.set_policy(scope, self._policies[scope])

    def _move_clock(self, *_: object) -> None:
        self._clock.seconds += self.dice.choice((3_600, DAY_S, 3 * DAY_S, 8 * DAY_S, -3_600, -60))

    def _delete_object(self, storage: Storage, one: Modelled) -> None:
        if one.exists:
            storage.retention.delete_object(storage.object(one.kind, one.name))
            one.exists, one.gone_upto = False, storage.last_xact_id()
            for state in one.states:
                state.gone = True

    def _purge(self, storage: Storage, one: Modelled) -> None:
        try:
            target = storage.retention.find(one.kind, one.name)
        except UnknownObject:
            return
        assert storage.retention.purge(target).proof.holds
        for state in one.deleted():
            state.gone = True
        self._dead |= set().union(*(state.texts for state in one.states)) - one.kept_texts()
        self._search()

    def _wait_a_week(self, *_: object) -> None:
        for scope in self._policies:
            self._storages[0].retention.set_policy(scope, None)
        self._policies.clear()
        for one in self._objects:
            due = [state for state in one.states if state.gone] + ([] if one.has_versions else one.deleted())
            self._dead |= set().union(*(state.texts for state in due)) - one.kept_texts()
        for _half_a_day in range(15):
            self._clock.seconds += DAY_S // 2
            storage = self.dice.choice(self._storages)
            storage.compact()
            storage.retention.tend()
        found = self._storages[0].retention.status()
        assert [told for told in found if told.waiting_since is not None] == []
        assert all(told.purged_at is not None for told in found)
        self._search()

    def _reopen(self, storage: Storage, _: Modelled) -> None:
        storage.close()
        self._storages[self._storages.index(storage)] = self._open()

    def _search(self) -> None:
        assert not self._dead or Search(sorted(self._dead)).tree(self._folder) == []

    def _check(self, storage: Storage) -> None:
        names = {f"{target.kind}:{target.name}": target for target in storage.objects()}
        assert names.keys() == {f"{one.kind}:{one.name}" for one in self._objects if one.exists}
        for one in (one for one in self._objects if one.exists):
            target = names[f"{one.kind}:{one.name}"]
            rows = {row_id: (row["input"], row.get("output")) for row_id, row in documents_of(storage, target).items()}
            assert rows == {state.id: (state.text, state.output) for state in one.current().values()}, one.name
            for version in self.dice.sample(one.versions, min(2, len(one.versions))) if one.has_versions else ():
                try:
                    with storage.snapshot(target, version) as snapshot:
                        then = {row.id: to_document(row)["input"] for row in snapshot_rows(snapshot)}
                except VersionGone:
                    assert version < one.gone_upto
                else:
                    assert version >= one.gone_upto
                    assert then == one.at(version)
