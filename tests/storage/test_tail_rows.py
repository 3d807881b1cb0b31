"""Rows of the tail whose fields are made when they are asked for: the same ones as if they were made at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_support.shredding import shred
from storage_support.wal_events import documents, events_of

import btql
from btql_storage.block import Block
from btql_storage.catalog import RowNumbers
from btql_storage.fields import KNOWN_FIELDS, SYSTEM_COLUMNS
from btql_storage.folder import Settings
from btql_storage.ingest.accept import accept
from btql_storage.merge import SURVIVING_FIELDS, apply_all, needs_row
from btql_storage.part import stats as part_stats
from btql_storage.part.documents import DOCUMENT_SCHEMA, SYSTEM_SCHEMA, to_batch
from btql_storage.part.format import COLUMNS_MAX, PartStats
from btql_storage.part.reader import Part
from btql_storage.row import Row
from btql_storage.store import Storage
from btql_storage.stored_rows import StoredRow
from btql_storage.tail_chunk import TailChunk
from btql_storage.tail_rows import EventsRow, TailRow, TailRows, row_after
from btql_storage.transactions import PREFIX
from btql_storage.wal.event import EventFields, WalEvent
from btql_storage.wal.reader import WalFile

PART = 1 << 30


def by_id(lines: Sequence[bytes], leave_out: frozenset[str] = frozenset()) -> dict[str, list[WalEvent]]:
    found: dict[str, list[WalEvent]] = {}
    for each in events_of(accept(lines, leave_out=leave_out)):
        found.setdefault(each.id, []).append(each)
    return found


def both(
    events: dict[str, list[WalEvent]], before: dict[str, Row], stored: dict[str, Row] | None = None
) -> tuple[list[TailRow], list[Row]]:
    known = before if stored is None else stored
    later = [row for row_id, mine in events.items() if (row := row_after(known.get(row_id), mine)) is not None]
    whole = [row for row_id, mine in events.items() if (row := apply_all(before.get(row_id), mine)) is not None]
    return later, whole


class RowsAsPart:
    """Answers like a part that has some rows."""

    def __init__(self, rows: Sequence[Row], *, is_listed: bool) -> None:
        self.all = rows
        self.stats = PartStats(
            len(rows), 0, 0, 0, 0, 0, "", "", shred(rows, PART).stats if is_listed else {}, is_listed
        )

    def rows(self, numbers: RowNumbers) -> list[Row]:
        return [self.all[number] for number in numbers.tolist()]

    def documents(self, numbers: RowNumbers, fields: Sequence[str]) -> pa.Table:
        return pa.Table.from_batches([to_batch(Block.of(self.rows(numbers))).select(list(fields))])


def as_stored(before: dict[str, Row], events: dict[str, list[WalEvent]], *, is_listed: bool) -> dict[str, Row]:
    """Return rows without their fields, which a part has, where these may be read later."""
    part = cast("Part", RowsAsPart([*before.values()], is_listed=is_listed))
    stored = {
        row.id: StoredRow(*system(row), {}, part, number, row.json_bytes)
        for number, row in enumerate(before.values())
        if (mine := events.get(row.id)) and needs_row(mine) and all(event.control is None for event in mine)
    }
    return before | stored


def system(row: Row) -> tuple[str, str, str, int, int, str]:
    return row.id, row.span_id, row.root_span_id, row.created_us, row.xact_id, row.pagination_key


@given(
    st.lists(documents, min_size=1, max_size=6),
    st.lists(documents, max_size=3),
    st.booleans(),
    st.sampled_from([None, "listed", "unlisted"]),
)
def test_a_chunk_is_the_same_whatever_its_rows_are_made_of(
    written: list[dict[str, Any]], earlier: list[dict[str, Any]], are_left_out: bool, stored: str | None
):
    leave_out = frozenset({"project_id"}) if are_left_out else frozenset[str]()
    old = by_id([json.dumps(each).encode() for each in earlier], leave_out)
    before = {row_id: row for row_id, mine in old.items() if (row := apply_all(None, mine)) is not None}
    events = by_id([json.dumps(each).encode() for each in written], leave_out)
    bases = as_stored(before, events, is_listed=stored == "listed") if stored else None
    later, whole = both(events, before, bases)
    chunk, expected = TailChunk.of(later, PART), shred(whole, PART)

    assert chunk.stats.rows == len(whole)
    everything = np.arange(chunk.stats.rows, dtype=np.int64)
    if stored is None:
        assert chunk.rows(everything) == whole
    assert chunk.table(expected.table.schema).to_pydict() == expected.table.to_pydict()
    for path, stats in expected.stats.items():
        mine = chunk.stats.paths[path]
        if len(path) > 1:
            assert mine == stats
        # What the field itself may be is told from events: it may be more.
        assert mine.counts.keys() >= stats.counts.keys()
        assert_within(stats.integers, mine.integers)
        assert_within(stats.floats, mine.floats)
        assert not stats.texts or (
            mine.texts and mine.texts.min <= stats.texts.min <= stats.texts.max <= mine.texts.max
        )
    assert {name for name in chunk.stats.keys_below(()) if name not in KNOWN_FIELDS} >= {
        path[0] for path in expected.stats if path[0] not in KNOWN_FIELDS
    }
    if whole:
        assert chunk.documents(everything, DOCUMENT_SCHEMA.names).to_pylist() == to_batch(Block.of(whole)).to_pylist()
        assert chunk.rows(everything) == whole
        one = chunk.documents(everything[-1:], ["id", "input", "_other"]).to_pylist()
        assert one == to_batch(Block.of(whole[-1:])).select(["id", "input", "_other"]).to_pylist()


def assert_within(inner: tuple[float, float] | None, outer: tuple[float, float] | None) -> None:
    assert inner is None or (outer is not None and outer[0] <= inner[0] <= inner[1] <= outer[1])


def test_fields_are_shredded_only_where_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    read, asked = [], []
    init, texts = EventFields.__init__, TailRows.texts
    monkeypatch.setattr(EventFields, "__init__", lambda self, events: read.append(len(events)) or init(self, events))
    monkeypatch.setattr(TailRows, "texts", lambda self, name: asked.append(name) or texts(self, name))
    with btql.connect(tmp_path / "db", background=False) as conn:
        rows = [{"id": f"{number}", "metadata": {"k": number}, "input": "x", "odd": 1} for number in range(50)]
        conn.ingest("project_logs:x", rows)
        source = "from: project_logs('x')"

        assert conn.query(f"select: count(1) as n | {source}").rows() == [{"n": 50}]
        assert len(conn.query(f"select: id | {source} | limit: 3").rows()) == 3
        assert not read
        assert conn.query(f"select: id | {source} | filter: metadata.k = 7").rows() == [{"id": "7"}]
        assert conn.query(f"select: metadata | {source} | filter: id = '7'").rows() == [{"metadata": {"k": 7}}]
        assert read == [50]
        (row,) = conn.query(f"select: * | {source} | filter: id = '7'").rows()
        assert row["metadata"] == {"k": 7}
        # Neither what a whole field is, nor that no row has one, takes a look into it.
        assert asked == ["metadata"]


def test_of_what_rows_were_in_parts_only_that_is_read_which_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with btql.connect(tmp_path / "db", background=False) as conn:
        rows = [{"id": f"{n:02}", "metadata": {"k": n}, "input": f"x{n}", "odd": {"n": n}} for n in range(50)]
        for half in (rows[:25], rows[25:]):
            conn.ingest("project_logs:x", half)
            conn.compact()
        merges = [{"id": row["id"], "_is_merge": True, "scores": {"good": 1}, "metadata": {"l": 2}} for row in rows]
        # In another order than in the parts.
        conn.ingest("project_logs:x", merges[::-1])
        read: list[Sequence[str]] = []
        documents, whole = Part.documents, Part.rows
        small = [*SYSTEM_SCHEMA.names, *SURVIVING_FIELDS]
        monkeypatch.setattr(
            Part, "documents", lambda self, rows, names: read.append(names) or documents(self, rows, names)
        )
        monkeypatch.setattr(Part, "rows", lambda self, numbers: read.append(["*"]) or whole(self, numbers))
        source = "from: project_logs('x')"

        assert conn.query(f"select: count(1) as n | {source} | filter: scores.good = 1").rows() == [{"n": 50}]
        assert sorted(map(list, read)) == sorted([small, small, ["scores"], ["scores"]])
        read.clear()
        found = conn.query(f"select: id, metadata | {source} | filter: metadata.k > 40").rows()
        assert {str(row["id"]): row["metadata"] for row in found} == {str(n): {"k": n, "l": 2} for n in range(41, 50)}
        assert sorted(map(list, read)) == [["metadata"], ["metadata"]]
        assert conn.query(f"select: id | {source} | filter: odd.n = 3").rows() == [{"id": "03"}]
        (row,) = conn.query(f"select: * | {source} | filter: id = '07'").rows()
        assert (row["input"], row["odd"], row["scores"]) == ("x7", {"n": 7}, {"good": 1})
        read.clear()
        assert len(conn.query(f"select: * | {source} | limit: 3").rows()) == 3
        assert read == [["*"]]


def test_damage_of_what_a_row_was_is_named_where_a_plan_asks_for_it(tmp_path: Path):
    with btql.connect(tmp_path / "db", background=False) as conn:
        conn.ingest("project_logs:x", [{"id": "1", "metadata": {"k": "v" * 100}}])
        conn.compact()
        conn.ingest("project_logs:x", [{"id": "1", "_is_merge": True, "scores": {"good": 1}}])
        source = "from: project_logs('x')"
        assert conn.query(f"select: count(1) as n | {source}").rows() == [{"n": 1}]
        (path,) = (tmp_path / "db" / "parts").glob("*/rows.arrow")
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
        for told in ("`parts/1` is damaged", "`parts/1` is needed and was found damaged"):
            with pytest.raises(btql.Error, match=told):
                conn.query(f"select: metadata.k | {source}").rows()


def test_what_a_row_was_is_read_from_a_part_that_was_replaced_meanwhile(tmp_path: Path):
    with Storage.open(tmp_path / "db", create=True, settings=Settings(grace_s=0)) as storage:
        logs = storage.create_object("project_logs", "x")
        storage.ingest(logs, [{"id": "1", "input": "old", "output": 1}])
        storage.compact()
        storage.ingest(logs, [{"id": "1", "_is_merge": True, "output": 2}])
        with storage.snapshot(logs) as snapshot:
            storage.compact()
            storage.ingest(logs, [{"id": "1", "_is_merge": True, "output": 3}])
            storage.compact()
            (row,) = snapshot.tail[0].rows(np.array([0]))

    assert row.fields == {"input": b'"old"', "output": b"2"}


def test_each_field_of_a_chunk_has_limits_of_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(part_stats, "COLUMNS_MAX", 3)
    monkeypatch.setattr(part_stats, "PATHS_MAX", 5)
    keys = {f"k{number}": number for number in range(9)}
    lines = [json.dumps({"id": "1", "metadata": keys, "context": {"a": 1}}).encode(), b'{"id":"2","context":{"a":2}}']
    stats = TailChunk.of(both(by_id(lines), {})[0], PART).stats

    assert not stats.lists(("metadata", "k8"))
    assert sum(path[0] == "metadata" for path in stats.paths) == 5
    assert any(each.in_document for path, each in stats.paths.items() if path[0] == "metadata")
    assert stats.lists(("context", "b"))
    assert not stats.paths["context", "a"].in_document
    assert stats.keys_below(("context",)) == {"a"}


def test_what_a_field_is_itself_is_a_column_however_many_there_are_in_it(tmp_path: Path):
    wide = {f"k{number}": number for number in range(COLUMNS_MAX + 1)}
    rows = [{"id": "5", "input": 5}, {"id": "none"}, *({"id": f"w{number}", "input": wide} for number in range(3))]
    with btql.connect(tmp_path / "db", background=False) as conn:
        conn.ingest("project_logs:x", rows)
        source = "select: id | from: project_logs('x')"

        assert conn.query(f"{source} | filter: input = 5").rows() == [{"id": "5"}]
        assert conn.query(f"{source} | filter: input is null").rows() == [{"id": "none"}]


def test_a_row_that_begins_again_has_nothing_of_what_it_was():
    lines = [
        b'{"id":"1","input":1,"comments":[1]}',
        b'{"id":"1","_object_delete":true}',
        b'{"id":"1","_is_merge":true,"output":2}',
        b'{"id":"1","_is_merge":true,"output":3}',
    ]
    (later,), (whole,) = both(by_id(lines), {"1": Row("1", "1", "1", 0, 1, "p1", {"error": b"0"})})

    assert TailRows([later]).whole([0]) == [whole]
    assert whole.fields == {"output": b"3"}
    assert TailRows([later]).texts("comments") == TailRows([later]).texts("error") == [None]


def test_a_row_that_is_replaced_keeps_of_what_it_was_only_what_survives():
    before = Row("1", "1", "1", 0, 1, "p1", {"input": b"0", "comments": b"[1]"})
    lines = [b'{"id":"1","input":1}', b'{"id":"1","_is_merge":true,"output":2}']
    (later,), (whole,) = both(by_id(lines), {"1": before})

    assert isinstance(later, EventsRow)
    assert later.before == replace(before, fields={"comments": b"[1]"})
    assert TailRows([later]).whole([0]) == [whole]
    assert before.fields.keys() == {"input", "comments"}


def test_rows_are_as_large_together_as_each_of_them():
    old = WalFile(Path(__file__).parent / "old_files" / "wal-2.arrow", PREFIX | 5 << 16)
    events = by_id([b'{"id":"1"}', b'{"id":"2","_is_merge":true,"input":1}', b'{"id":"2","_is_merge":true}'])
    for event in old.events(np.arange(old.rows)):
        events.setdefault(event.id, []).append(event)
    rows = TailRows(both(events, {"1": Row("1", "1", "1", 0, 1, "p1", {"comments": b"[1]"})})[0])

    assert rows.json_bytes() == rows.sizes().sum()


def test_a_column_that_no_row_has_is_null():
    chunk = TailChunk.of(both(by_id([b'{"id":"1"}', b'{"id":"2"}']), {})[0], PART)
    table = chunk.table(pa.schema({"_row": SYSTEM_COLUMNS["_row"], "metadata.k#t": pa.utf8()}))

    assert table.to_pydict() == {"_row": [PART << 32, (PART << 32) + 1], "metadata.k#t": [None, None]}
