"""Groupings made otherwise than the plan has it, of numbers for texts or without the engine, beside plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import btql
from btql.execution import in_memory, piece_reader
from btql_storage.part import kept_columns

LOGS = "project_logs('demo')"
MODELS = ["small", "large", "it's", "", None, '"metadata.user#t" = ', "東京"]
ROWS = 60


def event(number: int, version: int = 0) -> dict[str, Any]:
    model = MODELS[(number + version) % len(MODELS)]
    return {
        "id": f"r{number:03}",
        "created": f"2026-11-01T{number % 24:02}:00:00Z",
        "metadata": {"model": model, "user": f"u{number % 5}", "mixed": number if number % 4 else f"m{number % 8}"},
        "metrics": {"tokens": number},
    }


@pytest.fixture
def rows() -> dict[str, dict[str, Any]]:
    return {}


@pytest.fixture
def conn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: dict[str, dict[str, Any]]) -> Iterator[btql.Connection]:
    monkeypatch.setattr(kept_columns, "WANTED_MIN", 1)
    monkeypatch.setattr(piece_reader, "CODED_MIN", 0)
    with btql.connect(tmp_path / "db", background=False) as connection:
        # Two parts, superseded rows in the first, and a tail with a model and a user of its own.
        for numbers, version in ((range(ROWS), 0), (range(10, 30), 1), (range(25, 35), 2)):
            events = [event(number, version) for number in numbers]
            if version == 2:
                events += [event(100) | {"metadata": {"model": "late", "user": "u100"}}]
            connection.ingest("project_logs:demo", events)
            rows |= {each["id"]: each for each in events}
            if version < 2:
                connection.compact()
        yield connection


def statements(conn: btql.Connection, question: str) -> list[str]:
    """Return the first words of each statement that was run."""
    text = str(conn.explain(question, analyze=True))
    return [line.partition(": SELECT")[0] for line in text.splitlines() if ": SELECT" in line]


def is_coded(conn: btql.Connection, question: str) -> bool:
    return "groups" in statements(conn, question)


def from_files(conn: btql.Connection, monkeypatch: pytest.MonkeyPatch, question: str) -> list[str]:
    """Return the rows that the engine finds in files, in any order."""
    monkeypatch.setattr(in_memory, "ROWS_MAX", -1)
    monkeypatch.setattr(kept_columns, "WANTED_MIN", 0)
    return sorted(map(str, conn.query(question).rows()))


def counted(rows: dict[str, dict[str, Any]], *names: str) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row["metadata"].get(name) for name in names) for row in rows.values())


def test_groups_of_texts(conn: btql.Connection, rows: dict[str, dict[str, Any]]) -> None:
    question = f"dimensions: metadata.model as m, metadata.user as u | measures: count(1) as n | from: {LOGS}"
    assert is_coded(conn, question)
    found = {(row["m"], row["u"]): row["n"] for row in conn.query(question).rows()}
    assert found == counted(rows, "model", "user")
    assert found["late", "u100"] == 1


def test_groups_in_order_and_those_that_count(conn: btql.Connection, rows: dict[str, dict[str, Any]]) -> None:
    question = (
        f"SELECT metadata.model AS m, count(*) AS n FROM {LOGS} GROUP BY m HAVING count(*) > 1 AND m <> 'small' "
        "ORDER BY n DESC, m LIMIT 3"
    )
    assert is_coded(conn, question)
    expected = sorted(
        ((-n, m) for (m,), n in counted(rows, "model").items() if n > 1 and m is not None and m != "small"),
        key=lambda each: (each[0], each[1].encode()),
    )
    assert [(row["n"], row["m"]) for row in conn.query(question).rows()] == [(-n, m) for n, m in expected[:3]]


@pytest.mark.parametrize("model", [each for each in MODELS if each is not None] + ["late", "nobody's"])
def test_comparisons_with_a_text(conn: btql.Connection, rows: dict[str, dict[str, Any]], model: str) -> None:
    quoted = "'" + model.replace("'", "''") + "'"
    models = [row["metadata"]["model"] for row in rows.values()]
    question = (
        f"SELECT count(*) FILTER (WHERE metadata.model = {quoted}) AS same, "
        f"count(*) FILTER (WHERE metadata.model <> {quoted}) AS other, "
        f"count(DISTINCT metadata.user) AS users FROM {LOGS} WHERE metadata.model = {quoted} OR metadata.user = 'u1' "
        f"OR metadata.model IS NULL"
    )
    chosen = [
        row["metadata"]
        for row in rows.values()
        if row["metadata"]["model"] in (model, None) or row["metadata"]["user"] == "u1"
    ]
    assert is_coded(conn, question)
    assert conn.query(question).rows() == [
        {
            "same": models.count(model),
            "other": sum(each["model"] not in (model, None) for each in chosen),
            "users": len({each["user"] for each in chosen}),
        }
    ]


@pytest.mark.parametrize("few", [10_000, 0, -1], ids=["texts", "numbers", "engine"])
def test_different_texts_are_counted(
    conn: btql.Connection, rows: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(in_memory, "ROWS_MAX", few)
    question = (
        "SELECT count(DISTINCT metadata.model) AS models, count(*) AS n, count(DISTINCT metadata.user) + 1 AS users "
        f"FROM {LOGS}"
    )
    conn.query(question).rows()
    found = [each["metadata"] for each in rows.values()]
    models, users = ({each[name] for each in found} - {None} for name in ("model", "user"))
    assert conn.query(question).rows() == [{"models": len(models), "n": len(found), "users": len(users) + 1}]
    text = str(conn.explain(question, analyze=True))
    assert (f"groups\n  done without the engine: {len(found)} rows in memory" in text) is (few >= 0)


@pytest.mark.parametrize(
    "asked",
    [
        "count(DISTINCT metadata.user) AS a, max(id) AS b FROM {}",
        "count(DISTINCT metadata.user) AS a FROM {} WHERE id > 'r030'",
        "count(DISTINCT metadata.user) AS a FROM {} GROUP BY metadata.model",
        "count(DISTINCT metrics.tokens) AS a FROM {}",
        "count(DISTINCT metadata.mixed) AS a FROM {}",
        "count(DISTINCT upper(metadata.user)) AS a FROM {}",
    ],
)
def test_other_counts_are_the_engines(conn: btql.Connection, monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    question = f"SELECT {asked.format(LOGS)}"
    found = conn.query(question).rows()
    assert "groups\n  done without" not in str(conn.explain(question, analyze=True))
    assert from_files(conn, monkeypatch, question) == sorted(map(str, found))


@pytest.mark.parametrize(
    ("rest", "rows_left"), [("HAVING count(*) > 1000", 0), ("HAVING count(*) > 10", 1), ("OFFSET 1", 0), ("LIMIT 0", 0)]
)
def test_what_is_asked_of_the_counts(conn: btql.Connection, rest: str, rows_left: int) -> None:
    found = conn.query(f"SELECT count(DISTINCT metadata.user) AS users FROM {LOGS} {rest}").rows()
    assert found == [{"users": 6}] * rows_left


def test_different_texts_of_no_rows(conn: btql.Connection) -> None:
    conn.ingest("project_logs:empty", [])
    question = "SELECT count(DISTINCT metadata.user) AS users FROM project_logs('empty')"
    assert conn.query(question).rows() == [{"users": 0}]


def test_no_group_is_left(conn: btql.Connection) -> None:
    question = (
        f"SELECT metadata.model AS m, count(*) AS n FROM {LOGS} WHERE metadata.model = 'nobody' GROUP BY m ORDER BY m"
    )
    assert is_coded(conn, question)
    assert conn.query(question).rows() == []


@pytest.mark.parametrize(
    "asked",
    [
        "lower(metadata.model) AS a, count(*) AS n FROM {} GROUP BY a",
        "max(metadata.model) AS a FROM {}",
        "count(*) AS n FROM {} WHERE metadata.model LIKE 's%'",
        "max(metadata.user) AS a FROM {} WHERE metadata.model < 't'",
        "count(*) AS n FROM {} WHERE metadata.model || 'x' = 'smallx'",
        "count(*) AS n FROM {} WHERE metadata.model = metadata.user",
        "metrics.tokens AS a, count(metadata.model) AS n FROM {} GROUP BY a",
        "id FROM {} WHERE metadata.model = 'small'",
        "a.id FROM {} AS a JOIN {} AS b ON a.metadata.model = b.metadata.model WHERE a.metadata.user = 'u1'",
    ],
)
def test_who_needs_the_texts_gets_them(conn: btql.Connection, monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    question = f"SELECT {asked.format(LOGS, LOGS)}"
    assert not is_coded(conn, question)
    found = conn.query(question).rows()
    assert from_files(conn, monkeypatch, question) == sorted(map(str, found)) != []


def test_one_column_keeps_its_texts_and_another_does_not(
    conn: btql.Connection, rows: dict[str, dict[str, Any]]
) -> None:
    question = f"SELECT metadata.user AS u, max(metadata.model) AS m FROM {LOGS} WHERE metadata.user <> 'u1' GROUP BY u"
    assert is_coded(conn, question)
    assert '"metadata.user#t" <> ' in str(conn.explain(question, analyze=True))
    for row in conn.query(question).rows():
        models = [each["metadata"]["model"] for each in rows.values() if each["metadata"]["user"] == row["u"]]
        assert row["m"] == max((each for each in models if each is not None), key=lambda each: each.encode())


def test_values_of_several_kinds(conn: btql.Connection, rows: dict[str, dict[str, Any]]) -> None:
    question = f"dimensions: metadata.mixed as m | measures: count(1) as n | from: {LOGS}"
    assert {(row["m"],): row["n"] for row in conn.query(question).rows()} == counted(rows, "mixed")


def test_few_rows_or_a_long_tail_keep_their_texts(conn: btql.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    question = f"dimensions: metadata.model as m | measures: count(1) as n | from: {LOGS}"
    assert is_coded(conn, question)
    with monkeypatch.context() as patch:
        patch.setattr(piece_reader, "OTHERS_MAX", 5)
        assert not is_coded(conn, question)
    with monkeypatch.context() as patch:
        patch.setattr(piece_reader, "CODED_MIN", 1_000)
        assert not is_coded(conn, question)
    assert is_coded(conn, question)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("count(*) AS n FROM {}", [{"n": ROWS + 1}]),
        ("count(*) AS n, count(1) AS m FROM {} HAVING count(*) > 5", [{"n": ROWS + 1, "m": ROWS + 1}]),
        ("count(*) AS n FROM {} HAVING count(*) < 5", []),
        ("count(*) AS n FROM {} HAVING false", []),
        ("count(*) + 1 AS n FROM {} ORDER BY n", [{"n": ROWS + 2}]),
        ("count(*) AS n FROM {} LIMIT 0", []),
        ("count(*) AS n FROM {} WHERE id MATCH 'r001'", [{"n": 1}]),
        ("count(*) AS n FROM {} WHERE id = 'nobody'", [{"n": 0}]),
    ],
)
def test_numbers_of_rows(conn: btql.Connection, asked: str, expected: list[dict[str, int]]) -> None:
    assert conn.query(f"SELECT {asked.format(LOGS)}").rows() == expected


def test_a_number_of_rows_that_is_known_needs_no_engine(conn: btql.Connection) -> None:
    text = str(conn.explain(f"SELECT count(*) AS n FROM {LOGS}", analyze=True))
    assert "answer\n  done without the engine: 1 row in memory" in text


def test_few_rows_are_counted_without_the_engine(conn: btql.Connection, rows: dict[str, dict[str, Any]]) -> None:
    question = f"SELECT count(*) AS n FROM {LOGS} WHERE metadata.user = 'u1' AND created >= '2026-11-01T05:00:00Z'"
    expected = sum(
        row["metadata"]["user"] == "u1" and row["created"] >= "2026-11-01T05:00:00Z" for row in rows.values()
    )
    assert conn.query(question).rows() == [{"n": expected}]
    text = str(conn.explain(f"{question} AND id IN ('r001', 'r006', 'r011', 'r016')", analyze=True))
    assert "groups\n  done without the engine: 4 rows in memory" in text
    assert "answer\n  done without the engine: 1 row in memory" in text


def test_rows_of_whole_parts_are_counted_without_the_engine_up_to_a_number(
    conn: btql.Connection, rows: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    question = f"SELECT count(*) AS n FROM {LOGS} WHERE metadata.model = 'small'"
    expected = [{"n": counted(rows, "model")["small",]}]
    for most, is_few in ((-1, False), (5, False), (len(rows) // 10 + 1, True)):
        monkeypatch.setattr(in_memory, "ROWS_MAX", most)
        text = str(conn.explain(question, analyze=True))
        assert ("groups\n  done without the engine" in text) == is_few
        assert conn.query(question).rows() == expected
