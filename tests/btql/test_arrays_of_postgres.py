"""Arrays as Postgres spells them in a text, wherever only a list can stand."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

import btql


@pytest.fixture
def conn(tmp_path: Path) -> Generator[btql.Connection]:
    with btql.connect(tmp_path / "db") as found:
        found.ingest(
            "project_logs:d",
            [{"id": "1", "tags": ["a", "b"], "metadata": {"k": {"n": 7}}}, {"id": "2", "tags": ["c"]}],
        )
        yield found


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("id = ANY('{1,3}')", ["1"]),
        ("id <> ALL('{1,3}')", ["2"]),
        ("id = ANY('{}')", []),
        ("tags @> '{a}'", ["1"]),
        ("tags @> '{}'", ["1", "2"]),
        ("""tags @> '["a"]'""", ["1"]),
        ("tags <@ '{a,b,e}'", ["1"]),
        ("'{c}' <@ tags", ["2"]),
        ("metadata ?| '{x,k}'", ["1"]),
        ("metadata ?& '{NULL,k}'", ["1"]),
        ("metadata #> '{k,n}' = 7", ["1"]),
        ("metadata #> '{k,NULL}' = 7", []),
    ],
)
def test_a_condition(conn: btql.Connection, condition: str, ids: list[str]) -> None:
    assert [row["id"] for row in conn.query(f"SELECT id FROM d WHERE {condition} ORDER BY id")] == ids


@pytest.mark.parametrize("text", ["x", "{a", "{a}}", "[a]"])
def test_any_other_text_is_no_list(conn: btql.Connection, text: str) -> None:
    with pytest.raises(btql.Error, match="this is no list of texts"):
        conn.query(f"SELECT id FROM d WHERE id = ANY('{text}')")


@pytest.mark.parametrize("text", ["{" + "a" * 5_000 + '"', "{" + " " * 5_000 + '"', "{" + "a," * 5_000])
def test_a_long_text_is_refused_at_once(conn: btql.Connection, text: str) -> None:
    """It was tried in more ways than there is time for."""
    with pytest.raises(btql.Error, match="this is no list of texts"):
        conn.query(f"SELECT '{text}'::text[] AS a")
