"""Columns of parts that are kept in memory: when, without which rows, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from btql_storage.cache_budget import CacheBudget
from btql_storage.part import kept_columns
from btql_storage.part.code_book import CodeBook
from btql_storage.part.format import ROW_BITS
from btql_storage.part.kept_columns import ALL_ROWS, SOME_ROWS, KeptColumns, row_bytes_of
from btql_storage.part.reader import Part
from btql_storage.store import Storage

ROWS = 20
SCHEMA = pa.schema({"_row": pa.int64(), "id": pa.string(), "metadata.n#i": pa.int64(), "metadata.none#t": pa.string()})


@pytest.fixture
def part(tmp_path: Path) -> Iterator[Part]:
    with Storage.open(tmp_path / "db", create=True) as storage:
        logs = storage.create_object("project_logs", "demo")
        events: list[dict[str, object]] = [
            {
                "id": f"r{n:02}",
                "metadata": {"n": n, "long": f"{n}" * 100, "kind": f"k{n % 3}"},
                "tags": ["a", "é"][: n % 3],
            }
            for n in range(ROWS)
        ]
        storage.ingest(logs, events)
        storage.compact()
        with storage.snapshot(logs) as snapshot:
            (entry,) = snapshot.parts
            yield entry.part


@pytest.fixture
def kept() -> KeptColumns:
    return KeptColumns(CacheBudget(1 << 20))


def gone(*rows: int) -> np.ndarray:
    return np.array(rows, np.int64)


def numbers(found: kept_columns.PartColumns | None) -> list[int]:
    assert found is not None
    return found.table.column("metadata.n#i").to_pylist()


def warm(kept: KeptColumns, part: Part, *superseded: int) -> None:
    for _ in range(3):
        kept.get(part, gone(*superseded), SCHEMA, ALL_ROWS)


@pytest.mark.parametrize(("weight", "times"), [(ALL_ROWS, 2), (SOME_ROWS, 8)])
def test_they_are_kept_once_they_were_wanted_often_enough(
    kept: KeptColumns, part: Part, weight: int, times: int
) -> None:
    found = [kept.get(part, gone(), SCHEMA, weight) is not None for _ in range(times + 1)]
    assert found == [False] * (times - 1) + [True, True]


def test_who_comes_only_once_takes_what_is_there(kept: KeptColumns, part: Part) -> None:
    assert [kept.get(part, gone(), SCHEMA, 0) for _ in range(20)] == [None] * 20
    warm(kept, part)
    assert kept.get(part, gone(), SCHEMA, 0) is not None


def test_they_are_what_the_file_has(kept: KeptColumns, part: Part) -> None:
    warm(kept, part, 3, 5)
    found = kept.get(part, gone(3, 5), SCHEMA, ALL_ROWS)
    assert found is not None
    current = [row for row in range(ROWS) if row not in (3, 5)]
    assert numbers(found) == current
    assert found.table.column("id").to_pylist() == [f"r{row:02}" for row in current]
    assert found.table.column("_row").to_pylist() == [row + (part.part_id << ROW_BITS) for row in current]
    assert found.table.column("metadata.none#t").null_count == len(current)
    assert pa.Table.from_batches(found.batches(), SCHEMA) == found.table
    taken = found.take(gone(0, 4, 6, 19))
    assert taken.column("metadata.n#i").to_pylist() == [0, 4, 6, 19]


def test_every_column_is_that_of_the_file(kept: KeptColumns, part: Part) -> None:
    file = pq.read_table(part.columns_path)
    file = file.select([name for name in file.column_names if name != "metadata.long#t"])
    schema = pa.schema(list(file.schema))
    found = [kept.get(part, gone(), schema, ALL_ROWS) for _ in range(2)][1]
    assert found is not None
    assert {"tags", "created", "is_root", "_pagination_key"} <= set(schema.names)
    assert found.table.equals(file)


def test_rows_that_are_superseded_later_go_and_do_not_come_back(kept: KeptColumns, part: Part) -> None:
    warm(kept, part, 4)
    everything = set(range(ROWS))
    assert set(numbers(kept.get(part, gone(0, 4, 19), SCHEMA, ALL_ROWS))) == everything - {0, 4, 19}
    for earlier in (gone(), gone(4), gone(0, 5)):
        assert kept.get(part, earlier, SCHEMA, ALL_ROWS) is None
    assert set(numbers(kept.get(part, gone(0, 4, 19), SCHEMA, ALL_ROWS))) == everything - {0, 4, 19}
    assert numbers(kept.get(part, np.arange(ROWS), SCHEMA, ALL_ROWS)) == []


def test_a_column_that_comes_later_lacks_the_same_rows(kept: KeptColumns, part: Part) -> None:
    some = pa.schema([SCHEMA.field("id")])
    for _ in range(3):
        kept.get(part, gone(2), some, ALL_ROWS)
    warm(kept, part, 2, 7)
    found = kept.get(part, gone(2, 7), SCHEMA, ALL_ROWS)
    assert numbers(found) == [row for row in range(ROWS) if row not in (2, 7)]


def test_wide_values_are_not_kept(kept: KeptColumns, part: Part) -> None:
    wide = pa.schema({"id": pa.string(), "metadata.long#t": pa.string()})
    assert [kept.get(part, gone(), wide, ALL_ROWS) for _ in range(4)] == [None] * 4
    narrow = pa.schema([SCHEMA.field("id")])
    assert kept.get(part, gone(), narrow, ALL_ROWS) is not None


def test_they_make_room_for_other_caches(part: Part) -> None:
    budget = CacheBudget(1 << 20)
    kept = KeptColumns(budget)
    warm(kept, part)
    assert budget.sizes["columns"] > ROWS * 8
    budget.used("others", 1, budget.bytes_max, lambda: None)
    assert budget.sizes["columns"] == 0
    assert [kept.get(part, gone(), SCHEMA, ALL_ROWS) is None for _ in range(2)] == [True, False]


def test_columns_of_a_part_that_is_removed_are_let_go(tmp_path: Path) -> None:
    with Storage.open(tmp_path / "db", create=True) as storage:
        logs = storage.create_object("project_logs", "demo")
        storage.ingest(logs, [{"id": "a", "metadata": {"n": 1}}])
        storage.compact()
        with storage.snapshot(logs) as snapshot:
            warm(storage.kept_columns, snapshot.parts[0].part)
            part_id = snapshot.parts[0].part.part_id
        assert storage.cache.sizes["columns"] > 0
        storage._folder.parts.drop(part_id)
        assert storage.cache.sizes["columns"] == 0
        with storage.snapshot(logs) as snapshot:
            assert storage.kept_columns.get(snapshot.parts[0].part, gone(), SCHEMA, ALL_ROWS) is None


def test_scans_that_would_take_most_of_the_memory_are_read_from_files(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptColumns(CacheBudget(1 << 20))
    numbers = row_bytes_of(pa.schema([(f"n{place}", pa.int64()) for place in range(10)]))
    texts = row_bytes_of(pa.schema([(f"t{place}", pa.string()) for place in range(10)]))
    assert kept.fit(3_000, numbers)
    assert not kept.fit(3_000, texts)
    assert not kept.fit(100_000, numbers)
    monkeypatch.setattr(kept_columns, "WANTED_MIN", 0)
    assert not kept.fit(3_000, numbers)


def test_a_damaged_part_is_not_read_from_memory(kept: KeptColumns, part: Part) -> None:
    warm(kept, part)
    part.quarantined = "damaged"
    assert kept.get(part, gone(), SCHEMA, ALL_ROWS) is None


KIND = "metadata.kind#t"
KINDS = pa.schema({"id": pa.string(), KIND: pa.string()})


def kinds(kept: KeptColumns, part: Part, *superseded: int) -> kept_columns.PartColumns:
    found = [kept.get(part, gone(*superseded), KINDS, ALL_ROWS) for _ in range(2)][1]
    assert found is not None
    return found


def decoded(found: pa.Array | None, book: CodeBook) -> list[str | None]:
    assert found is not None
    return book.decode(found).to_pylist()


def test_numbers_stand_for_texts_that_repeat(kept: KeptColumns, part: Part) -> None:
    texts = kinds(kept, part, 4)
    book = kept.book(KIND)
    codes = kept.codes(texts, KIND, book)
    assert codes is not None
    assert codes.type == pa.int32()
    assert decoded(codes, book) == texts.table.column(KIND).to_pylist()
    assert texts.coded(KIND, codes).table.column(KIND).to_pylist() == codes.to_pylist()
    assert texts.coded(KIND, codes).table.column("id") == texts.table.column("id")
    assert kept.book(KIND) is book
    assert kept.codes(texts, KIND, book) is codes


def test_numbers_lack_the_rows_that_are_superseded_later(kept: KeptColumns, part: Part) -> None:
    book = kept.book(KIND)
    assert kept.codes(kinds(kept, part), KIND, book) is not None
    later = kinds(kept, part, 0, 5)
    codes = kept.codes(later, KIND, book)
    assert decoded(codes, book) == later.table.column(KIND).to_pylist()
    assert later.table.num_rows == ROWS - 2


def test_texts_that_hardly_repeat_get_no_numbers(kept: KeptColumns, part: Part) -> None:
    texts = kinds(kept, part)
    assert [kept.codes(texts, "id", kept.book("id")) for _ in range(2)] == [None, None]


def test_numbers_go_with_what_they_mean(part: Part) -> None:
    budget = CacheBudget(1 << 20)
    kept = KeptColumns(budget)
    texts = kinds(kept, part)
    alone = budget.sizes["columns"]
    old = kept.book(KIND)
    before = kept.codes(texts, KIND, old)
    assert budget.sizes["columns"] > alone
    budget.used("others", 1, budget.bytes_max, lambda: None)
    assert budget.sizes["columns"] == 0

    new = kept.book(KIND)
    assert new is not old
    new.encode(pa.array(["other"]).dictionary_encode())
    after = kept.codes(kinds(kept, part), KIND, new)
    # Who was at it when the numbers went still has the old ones, and what they mean.
    for codes, book in ((before, old), (after, new), (kept.codes(texts, KIND, old), old)):
        assert decoded(codes, book) == texts.table.column(KIND).to_pylist()
    assert before != after


def test_a_book_that_is_too_large_makes_room_for_a_new_one(part: Part) -> None:
    budget = CacheBudget(1 << 20)
    kept = KeptColumns(budget)
    texts = kinds(kept, part)
    book = kept.book(KIND)
    assert kept.codes(texts, KIND, book) is not None
    book.encode(pa.array([f"{number:0100}" for number in range(1_000)]).dictionary_encode())
    assert kept.codes(texts, KIND, book) is None
    budget.used("others", 1, budget.bytes_max - budget.sizes["columns"], lambda: None)
    kinds(kept, part)
    budget.used("others", 2, budget.sizes["columns"] // 2, lambda: None)
    assert kept.book(KIND) is not book
    assert kept.codes(texts, KIND, kept.book(KIND)) is not None
