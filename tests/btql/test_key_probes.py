"""Conditions on paths that have no columns: the text index says which documents have the keys, and misses none."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import btql
from btql.database import Database
from btql.execution import fetch
from btql.explain import explain
from btql_storage.part import stats
from btql_storage.store import Storage

KEYS = [
    "plain", "Plain", "two words", "two_words", "a.b", "404", "1.5", "東京", "emoji 🚀", "🚀", "", "-", 'say "hi"',
    "back\\slash", "tab\there", "İstanbul", "x" * 300, "deep", "null", "true",
]  # fmt: skip
VALUES = [
    "text",
    "404",
    404,
    1.5,
    10**20,
    True,
    False,
    None,
    [],
    {},
    [1, "text", {"plain": 1}],
    {"plain": "deep", "deep": 2},
]
LOOKED_UP = ["metadata", "output", "input"]


def a_value(rnd: random.Random, depth: int = 0) -> object:
    if depth < 2 and rnd.random() < 0.4:
        return {rnd.choice(KEYS): a_value(rnd, depth + 1) for _ in range(rnd.randint(0, 4))}
    return rnd.choice(VALUES)


def a_document(rnd: random.Random, number: int) -> dict[str, object]:
    metadata = {rnd.choice(KEYS): a_value(rnd) for _ in range(rnd.randint(0, 4))}
    return {"id": f"row{number}", "metadata": metadata, "output": a_value(rnd), "input": a_value(rnd)}


def a_path(rnd: random.Random) -> str:
    pieces = [rnd.choice(KEYS) for _ in range(rnd.randint(1, 3))]
    written = "".join(f'."{piece.replace(chr(34), chr(34) * 2)}"' for piece in pieces)
    return rnd.choice(LOOKED_UP) + written + ("[0]" if rnd.random() < 0.1 else "")


def a_condition(rnd: random.Random, depth: int = 0) -> str:
    path = a_path(rnd)
    literal = rnd.choice(["'text'", "404", "1.5", "true", "'404'", "100000000000000000000"])
    match rnd.randint(0, 10 if depth < 2 else 6):
        case 0 | 1:
            return f"{path} is {rnd.choice(['', 'not '])}null"
        case 2 | 3:
            return f"{path} {rnd.choice(['=', '!=', '<', '>=', '<=>'])} {literal}"
        case 4:
            return f"{literal} {rnd.choice(['=', '<'])} {path}"
        case 5:
            return f"{path} {rnd.choice(['in', 'not in'])} ({literal}, 'deep')"
        case 6:
            return f"{path} {rnd.choice(['like', 'ilike', 'match', 'includes'])} 'text'"
        case 7:
            return f"not ({a_condition(rnd, depth + 1)})"
        case 8:
            return f"({a_condition(rnd, depth + 1)} and {a_condition(rnd, depth + 1)})"
        case _:
            return f"({a_condition(rnd, depth + 1)} or {a_condition(rnd, depth + 1)})"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Parts in which few paths have columns, and not all are known; and a tail."""
    rnd = random.Random(11)
    path = tmp_path_factory.mktemp("keys") / "db"
    with pytest.MonkeyPatch.context() as patch, btql.connect(path) as conn:
        patch.setattr(stats, "COLUMNS_MAX", 12)
        patch.setattr(stats, "PATHS_MAX", 20)
        for start in (0, 150):
            conn.ingest("project_logs:p", [a_document(rnd, number) for number in range(start, start + 150)])
            conn.compact()
        conn.ingest("project_logs:p", [a_document(rnd, number) for number in range(280, 330)])
    with Storage.open(path) as storage:
        yield Database(storage)


def ids(database: Database, condition: str, disabled: list[str]) -> list[object]:
    text = f"select: id | from: project_logs('p') | filter: {condition} | sort: id"
    return [row["id"] for row in database.query(text, disabled).rows()]


@pytest.mark.parametrize("seed", range(4))
def test_no_row_is_left_out(database: Database, seed: int) -> None:
    rnd = random.Random(seed)
    found = 0
    for _ in range(40):
        condition = a_condition(rnd)
        expected = ids(database, condition, ["probe_keys", "probe_alternatives"])
        assert ids(database, condition, []) == expected, condition
        found += bool(expected)
    assert found > 8, "the questions find something"


QUESTIONS = [
    "select: id, {path} as v | from: project_logs('p') | sort: id",
    "select: id, {path} as v, {other} as w | from: project_logs('p') | sort: id",
    "dimensions: {path} as v | measures: count(1) as n | from: project_logs('p') | sort: n, v",
    "measures: count({path}) as n, max({path}) as most | from: project_logs('p')",
    "select: id | from: project_logs('p') | filter: {path} is null or {other} = 404 | sort: id",
    """
    SELECT a.id, b.id AS other, b.{path} AS v
    FROM project_logs('p') a LEFT JOIN project_logs('p') b ON a.id = b.id AND b.id > 'row2' ORDER BY a.id
    """,
]


@pytest.mark.parametrize("seed", range(3))
def test_documents_without_any_key_are_those_with_nothing(
    database: Database, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rnd = random.Random(seed)
    for _ in range(5):
        path, other = a_path(rnd), a_path(rnd)
        for question in QUESTIONS:
            text = question.format(path=path, other=other)
            expected = database.query(text).rows()
            with monkeypatch.context() as patch:
                patch.setattr(fetch, "LOOKED_UP_MIN", 0)
                patch.setattr(fetch, "LOOKED_UP_SHARE", 1.0)
                assert database.query(text).rows() == expected, text


def test_only_documents_with_a_key_are_read(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "LOOKED_UP_MIN", 0)
    text = "select: metadata.deep.plain | from: project_logs('p')"
    explained = explain(database, text, analyze=True)

    read = re.search(r"([0-9]+) documents with the keys", explained)
    assert read is not None
    assert 0 < int(read[1]) < 200
    assert "documents with the keys" not in explain(
        database, "select: metadata | from: project_logs('p')", analyze=True
    )


def test_where_most_documents_have_the_keys_all_are_read_and_none_is_told_from_others(tmp_path: Path) -> None:
    with btql.connect(tmp_path / "db") as conn:
        events = [{"id": str(n), "metadata": {"often": [n]} if n % 5 < 3 else {}} for n in range(300)]
        conn.ingest("project_logs:p", events)
        conn.compact()
        explained = conn.explain("select: metadata.often | from: project_logs('p')", analyze=True)

    assert "of rows.arrow" in explained
    assert "with the keys" not in explained


@pytest.mark.parametrize(
    ("condition", "probe"),
    [
        ("metadata.nobody = 1", "probe=(metadata MATCH 'nobody')"),
        ("metadata.deep.nobody is not null", "probe=(metadata MATCH 'deep' and metadata MATCH 'nobody')"),
        ("metadata.\"no body\" = 1 or output.nobody like 'a%'", "metadata MATCH 'no body' or output MATCH 'nobody'"),
    ],
)
def test_documents_without_the_key_are_not_read(database: Database, condition: str, probe: str) -> None:
    explained = explain(database, f"select: id | from: project_logs('p') | filter: {condition}", analyze=True)

    assert probe in explained
    assert "2 by text" in explained
    assert "rows.arrow" not in explained


@pytest.mark.parametrize(
    "condition", ["metadata.nobody is null", "not metadata.nobody > 1", 'metadata."🚀" = 1', "context.k = 1"]
)
def test_what_no_key_tells_is_not_asked(database: Database, condition: str) -> None:
    assert "probe=" not in explain(database, f"select: id | from: project_logs('p') | filter: {condition}")


def test_columns_that_are_there_are_read(tmp_path: object) -> None:
    with btql.connect(f"{tmp_path}/db") as conn:
        conn.ingest("project_logs:p", [{"id": str(n), "metadata": {"k": n}} for n in range(20)])
        conn.compact()
        assert "probe=" not in conn.explain("select: id | from: project_logs('p') | filter: metadata.k > 3")
