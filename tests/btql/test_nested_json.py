"""Functions and operators of JSON inside each other: the engine's statement does not grow with a power of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import btql

OUTPUT = '{"choices": [{"message": {"content": "hi", "parts": [1, 2]}}]}'
METADATA = {"a": [[{"b": [5, None, "x"]}]], "n": [5], "o": {"0": 5}}
STEP = "jsonb_set({}, ['k{}'], {})"


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path_factory.mktemp("nested") / "db") as connection:
        connection.ingest("project_logs:p", [{"id": "r", "output": OUTPUT, "metadata": METADATA}])
        yield connection


def nested(count: int) -> str:
    found = "metadata"
    for number in range(count):
        found = STEP.format(found, number, number)
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT output::jsonb -> 'choices' -> 0 -> 'message' ->> 'content' AS v FROM p", ["hi"]),
        ("SELECT output::jsonb -> 'choices' -> 0 -> 'message' -> 'parts' -> -1 AS v FROM p", [2]),
        ("SELECT output::jsonb -> ('ch' || 'oices') -> 0 -> ('mess' || 'age') -> 'nope' AS v FROM p", [None]),
        ("SELECT x AS v FROM p, jsonb_array_elements(metadata -> 'a' -> 0 -> 0 -> 'b') AS e(x)", [5, None, "x"]),
        (f"SELECT {nested(8)} - 0 IS NULL AS v FROM p", [True]),
        (f"SELECT jsonb_strip_nulls({nested(8)}) -> 'k7' AS v FROM p", [7]),
        ("""SELECT metadata @> '{"a": {"0": 5}}' OR metadata -> 'n' @> '{"0": 5}' AS v FROM p""", [False]),
        ("""SELECT metadata -> 'o' @> '{"0": 5}' AND metadata @> '{"o": {"0": 5}}' AS v FROM p""", [True]),
        ("SELECT jsonb_set('null'::jsonb, ['a'], 1) AS v FROM p", [None]),
        ("SELECT parse_json('null') || '[1]'::jsonb AS v FROM p", [None]),
    ],
)
def test_the_answer_comes(conn: btql.Connection, query: str, expected: list[object]) -> None:
    assert [row["v"] for row in conn.query(query).rows()] == expected
