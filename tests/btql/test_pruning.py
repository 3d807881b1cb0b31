"""Parts are left out by what their statistics say of paths, and no answer changes by it.

Each value has a part of its own, so that whether the part is read decides about the row.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from btql.database import Database
from btql.running import run
from btql_storage.folder import Settings
from btql_storage.store import Storage

VALUES: list[object] = [
    1, 1.5, -(2**63), 9_007_199_254_740_993, 12_345_678_901_234_567_890_123, 1e300, "1", "1e0", "x", "gpt-5", "", "é",
    "İ", "nan", "inf", "a" * 64, "a" * 64 + "b", "x" * 2_000, "0" * 1_100 + "1", True, False, None, [1, "x"],
    {"a": 1}, [],
]  # fmt: skip
CONSTANTS = [
    "1", "1.5", "-9223372036854775808", "9007199254740992", "9007199254740992.0", "12345678901234567890123", "1e300",
    "'1'", "'x'", "'gpt-5'", "''", "'é'", "'nan'", "'inf'", f"'{'a' * 64}'", f"'{'a' * 64}b'", f"'{'x' * 2_000}'",
    "true",
]  # fmt: skip
OTHERS = [
    "val in (1, 'x')", "val in ('1', 'é', true)", "val in ('nope', 7)", "val is not null", "val like 'x%'",
    "val ilike 'X%'", "val = wid", "val = 'x' or val = 1", "val = 'x' or wid = 2", "val = 'nope' or not (val = 'x')",
    "val is null", "absent = 1", "absent is null", "val.a = 1", "val.a is not null", "val.a.b > 1", "not (val > 1)",
    "val > 1 and val < 2", "wid >= 2 and val is not null", "val match 'gpt'", "val includes 'x'", "val[0] = 1",
    "val is null or val = 1", "val != 'x'", "1 != val", "1 < val", "'x' <= val", "val in (null, 1)",
]  # fmt: skip
SOURCE = "project_logs('p')"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    settings = Settings(job_events=1, part_rows_max=1)
    with Storage.open(tmp_path_factory.mktemp("pruning") / "db", create=True, settings=settings) as storage:
        target = storage.create_object("project_logs", "p")
        rows = [{"id": f"{place:02}", "metadata": {"val": value, "wid": 2}} for place, value in enumerate(VALUES)]
        # What was replaced is in the statistics of its part, and what replaces it in those of another, or of the tail.
        storage.ingest(
            target, [{"id": "changed", "metadata": {"val": "before"}}, {"id": "late", "metadata": {"val": 3}}]
        )
        storage.ingest(target, [*rows, {"id": "changed", "metadata": {"val": "after"}}])
        storage.compact(target)
        storage.ingest(target, [{"id": "late", "metadata": {"val": "x"}}, {"id": "new", "metadata": {"val": 1}}])
        yield Database(storage)


def left_out(database: Database, text: str) -> dict[str, int]:
    compiled = database.compile(text)
    runner = database.runner(compiled)
    list(run(runner, compiled.sources))
    found: dict[str, int] = {}
    for scan in runner.report.scans.values():
        found |= {str(means): parts for means, parts in scan.left_out.items()}
    return found


def same(database: Database, condition: str) -> None:
    for name in ("val", "wid", "absent"):
        condition = condition.replace(name, f"metadata.{name}")
    text = f"select: id | from: {SOURCE} | filter: {condition}"
    pruned = sorted(str(row["id"]) for row in database.query(text).rows())
    assert pruned == sorted(str(row["id"]) for row in database.query(text, {"prune_by_paths"}).rows())


@pytest.mark.parametrize("constant", CONSTANTS)
def test_comparisons_find_what_they_find_unpruned(database: Database, constant: str) -> None:
    for operator in ("=", "<"):
        same(database, f"val {operator} {constant}")


@pytest.mark.parametrize("condition", OTHERS)
def test_conditions_find_what_they_find_unpruned(database: Database, condition: str) -> None:
    same(database, condition)


def test_parts_are_left_out_by_kind_and_by_value(database: Database) -> None:
    found = left_out(database, f"select: id | from: {SOURCE} | filter: metadata.val = 'x'")
    texts = [value for value in VALUES if isinstance(value, str) and len(value) < 2_000 and value != "x"]

    assert found["value"] >= len(texts) - 1
    assert found["kind"] >= len([value for value in VALUES if not isinstance(value, str)])


def test_parts_without_a_path_are_left_out(database: Database) -> None:
    found = left_out(database, f"select: id | from: {SOURCE} | filter: metadata.nowhere is not null")

    assert set(found) == {"kind"}
    assert found["kind"] > len(VALUES)
