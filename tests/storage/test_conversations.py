"""Random lives of databases with conversations, whose inputs parts have as deltas, compared with the model."""

from __future__ import annotations

import json
import random
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from storage_support.model import Model, Rows
from storage_support.reading import documents_of, snapshot_rows, to_document

from btql_storage.care.facade import check_database, restore_database
from btql_storage.errors import VersionGone
from btql_storage.folder import Settings
from btql_storage.part import deltas
from btql_storage.part.layout import Layout
from btql_storage.store import Storage

OBJECTS = ("project_logs:p", "dataset:d")
STEPS = 50


class Life:
    """A database and its model, side by side; all follows from the seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rnd = random.Random(seed)
        self.folder = folder
        # So small that a chain of deltas is in several blocks, and a conversation in several parts.
        self.layouts = [
            Layout(self.rnd.choice([150, 2_000]), 3, has_positions=with_them) for with_them in (True, False)
        ]
        self.models = {name: Model() for name in OBJECTS}
        self.versions: dict[str, list[tuple[int, Rows]]] = {name: [] for name in OBJECTS}
        self.said: dict[str, set[str]] = {name: set() for name in OBJECTS}
        """Words of which no two messages have the same."""
        self.open()
        self.targets = {name: self.storage.create_object(*name.split(":")) for name in OBJECTS}

    def open(self) -> None:
        job_events = self.rnd.choice([10, 40])
        settings = Settings(grace_s=0, wal_grace_s=0, job_events=job_events, layout=self.rnd.choice(self.layouts))
        self.storage = Storage.open(self.folder / "db", create=True, settings=settings)

    def message(self, name: str) -> dict[str, str]:
        word = f"word{name[0]}{len(self.said[name])}x"
        self.said[name].add(word)
        return {"role": "user", "content": f"{word} ],}}] and more"}

    def event(self, name: str, rows: Rows) -> dict[str, Any]:
        chance, row_id = self.rnd.random(), self.rnd.choice([*rows, "none"])
        before = rows.get(row_id, {}).get("input") or []
        event: dict[str, Any] = {"id": row_id, "created": f"2026-01-01T00:00:{self.rnd.randrange(60):02}Z"}
        if chance < 0.1:
            return {**event, "_object_delete": True}
        if chance < 0.2:
            return {**event, "_is_merge": True, "metadata": {"a": self.rnd.randrange(9)}}
        if chance < 0.3:
            return {**event, "_is_merge": True, "input": [*before, self.message(name)], "_merge_paths": [["input"]]}
        if chance < 0.4 and before:
            return {**event, "_is_merge": True, "_array_delete": [{"path": ["input"], "delete": before[:1]}]}
        trace = rows.get(row_id, {}).get("root_span_id", f"t{self.rnd.randrange(3)}")
        said = [*before, self.message(name)] if chance < 0.9 else before
        return {**event, "id": f"r{self.rnd.randrange(10_000)}", "root_span_id": trace, "input": said}

    def ingest(self) -> None:
        name = self.rnd.choice(OBJECTS)
        model = self.models[name]
        for _ in range(self.rnd.randint(1, 12)):
            event = json.loads(json.dumps(self.event(name, model.rows)))
            xact_id = self.storage.ingest(self.targets[name], [event]).xact_id
            model.apply([event], xact_id)
            self.versions[name].append((xact_id, deepcopy(model.rows)))

    def compact_once(self) -> None:
        self.storage.compact_once()

    def compact(self) -> None:
        self.storage.compact()

    def look(self) -> None:
        for name in OBJECTS:
            assert documents_of(self.storage, self.targets[name]) == self.models[name].rows

    def look_back(self) -> None:
        for name in OBJECTS:
            for version, expected in self.versions[name][-20::5]:
                try:
                    with self.storage.snapshot(self.targets[name], version) as snapshot:
                        assert {row.id: to_document(row) for row in snapshot_rows(snapshot)} == expected
                except VersionGone:
                    assert name == "project_logs:p"

    def purge(self) -> None:
        name = "project_logs:p"
        there = set(re.findall(r"wordp\d+x", json.dumps(self.models[name].rows)))
        report = self.storage.retention.purge(self.targets[name], sorted(self.said[name] - there)[:20])
        assert report.proof.holds, report.proof.found

    def check(self) -> None:
        assert self.storage.care.check(deep=True).findings == []

    def reopen(self) -> None:
        self.storage.close()
        self.open()

    def come_back(self) -> None:
        place = self.folder / f"restored-{self.storage.care.backup(self.folder / 'backups').name}"
        restore_database(self.folder / "backups", place)
        with Storage.open(place) as restored:
            for name in OBJECTS:
                assert documents_of(restored, restored.object(*name.split(":"))) == self.models[name].rows
        assert check_database(place, deep=True).is_sound


@pytest.mark.parametrize("seed", range(2))
def test_a_life_of_conversations(quick_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deltas, "CHAIN_MAX", 2 + 4 * seed)
    life = Life(quick_path, seed)
    doing = {life.ingest: 30, life.look: 6, life.look_back: 6, life.reopen: 3, life.purge: 3, life.check: 2}
    doing |= {life.come_back: 1, life.compact_once: 12, life.compact: 4}
    try:
        for _ in range(STEPS):
            (do,) = life.rnd.choices([*doing], [*doing.values()])
            do()
        for do in (life.compact, life.look, life.look_back, life.purge, life.check, life.come_back):
            do()
    finally:
        life.storage.close()
