"""Questions that are asked again while rows are written, replaced and compacted: from memory as from files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import btql
from btql.execution import candidates
from btql.execution.kept_parts import shares
from btql_planner import probes
from btql_storage.part import kept_columns
from btql_storage.part.kept_columns import WANTED_MIN

LOGS = "project_logs('demo')"
QUESTIONS = [
    f"dimensions: metadata.kind as k | measures: count(1) as n, avg(metadata.n) as a | from: {LOGS} | sort: k",
    f"measures: count(distinct metadata.n) as n | from: {LOGS}",
    f"select: id, metadata.n | from: {LOGS} | filter: is_root | sort: _pagination_key desc | limit: 30",
    f"select: id, _xact_id | from: {LOGS} | filter: metadata.n >= 100 | sort: created desc | limit: 5",
    f"SELECT a.id FROM {LOGS} a JOIN {LOGS} b ON a.metadata.n = b.metadata.n AND a.id < b.id ORDER BY 1",
    f"select: id, input | from: {LOGS} | filter: metadata.kind = 'odd' | sort: created desc | limit: 7",
    f"dimensions: tag | measures: count(1) as n | from: {LOGS} | unpivot: tags as tag | sort: tag",
]


def event(number: int, version: int) -> dict[str, object]:
    return {
        "id": f"r{number:03}",
        "created": f"2026-11-01T00:00:{number // 10 % 60:02}.{number % 10:03}Z",
        "input": f"text {number} of {version}",
        "tags": ["a", "b"][: number % 3],
        "metadata": {"kind": "odd" if (number + version) % 2 else "even", "n": number * version % 120},
    }


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path / "db", background=False) as conn:
        yield conn


def answers(conn: btql.Connection) -> list[list[dict[str, object]]]:
    return [conn.query(question).rows() for question in QUESTIONS]


def from_files(conn: btql.Connection) -> list[list[dict[str, object]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_columns, "WANTED_MIN", 0)
        return answers(conn)


def write(conn: btql.Connection, numbers: Sequence[int], version: int) -> None:
    if numbers:
        conn.ingest("project_logs:demo", [event(number, version) for number in numbers])


def test_rows_that_are_replaced_meanwhile_are_those_of_the_files(
    conn: btql.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A large guess would read small parts whole, and few rows of them from documents.
    monkeypatch.setattr("btql.execution.kept_parts.SCATTERED_BLOCKS_MAX", 0)
    steps = [range(100), range(100, 200), range(0, 200, 9), range(50, 120), [], range(200), range(190, 230)]
    for version, numbers in enumerate(steps, 1):
        write(conn, numbers, version)
        if not numbers:
            conn.ingest("project_logs:demo", [{"id": name, "_object_delete": True} for name in ("r005", "r150")])
        for then in (lambda: None, conn.compact):
            then()
            expected = from_files(conn)
            assert [answers(conn) for _ in range(3)] == [expected] * 3
    assert conn._database.storage.cache.sizes["columns"] > 0


def test_an_older_snapshot_has_the_rows_of_its_time(conn: btql.Connection) -> None:
    write(conn, range(50), 1)
    conn.compact()
    question = f"SELECT id, metadata.n AS n FROM {LOGS} WHERE metadata.n >= 0 ORDER BY id"
    first = next(iter([conn.query(question).rows() for _ in range(3)]))
    # Its snapshot is taken now, and it is read later.
    before = conn.query(question)
    write(conn, range(0, 50, 2), 2)
    after = [conn.query(question).rows() for _ in range(3)]
    assert before.rows() == first
    assert [row["n"] for row in after[0]] == [n * (1 if n % 2 else 2) for n in range(50)]
    assert after == [after[0]] * 3


@pytest.mark.parametrize(("batches", "sizes"), [(0, []), (1, [1]), (2, [1, 1]), (5, [3, 2])])
def test_neighbours_are_in_one_share(batches: int, sizes: list[int]) -> None:
    made = list(range(batches))
    found = shares(made, 2)  # type: ignore[arg-type, var-annotated]
    assert ([len(each) for each in found], [each for share in found for each in share]) == (sizes, made)


def test_columns_by_which_few_rows_are_found_are_kept_once_they_were_asked_often(
    conn: btql.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "GAIN_MIN", 0)
    monkeypatch.setattr(probes, "COLUMNS_SHARE", 1.0)
    write(conn, range(100), 1)
    conn.compact()
    by_kind = f"measures: count(1) as n | from: {LOGS} | filter: metadata.kind = 'odd'"
    by_id = f"select: id, metadata.n | from: {LOGS} | filter: id = 'r007'"

    for question in (by_kind, by_id):
        first = conn.query(question).rows()
        assert "kept columns" not in str(conn.explain(question, analyze=True))
        assert all(conn.query(question).rows() == first for _ in range(WANTED_MIN))

    assert "kept columns" in str(conn.explain(by_kind, analyze=True))
    assert "kept columns" not in str(conn.explain(by_id, analyze=True))


def test_how_large_a_scan_is_follows_from_the_parts_that_it_reads(
    conn: btql.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for start in range(0, 300, 100):
        write(conn, range(start, start + 100), 1)
        conn.compact()
    # A share of it is enough for three numbers of the 100 rows of a part, not for two of all rows.
    monkeypatch.setattr(conn._database.storage.cache, "bytes_max", 4_000 * kept_columns.SHARE)
    counted = f"measures: count(1) as n, avg(metadata.n) as a | from: {LOGS}"
    newest = f"{counted} | filter: created >= '2026-11-01T00:00:20Z'"

    answered = [[conn.query(question).rows() for _ in range(3)] for question in (counted, newest)]

    assert all(rows == some[0] for some in answered for rows in some)
    assert "kept columns" in str(conn.explain(newest, analyze=True))
    assert "kept columns" not in str(conn.explain(counted, analyze=True))
