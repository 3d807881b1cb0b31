"""A text beside a boolean is read as one, as Postgres does: drivers write ``'t'`` where they fill parameters in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import btql


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path / "db", background=False) as opened:
        opened.ingest(
            "project_logs:p", [{"id": "a", "metadata": {"ok": True}}, {"id": "b", "metadata": {"ok": "true"}}]
        )
        yield opened


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("is_root = 't'", True),
        ("is_root = ' FALSE '", False),
        ("'1' = is_root", True),
        ("is_root <> 'off'", True),
        ("is_root IN ('f', 'no')", False),
        ("(error IS NULL) IS NOT DISTINCT FROM 'yes'", True),
        ("(id = 'a' AND true) = 'n'", False),
        ("metadata.ok::boolean = 'on'", True),
    ],
)
def test_it_is_read(conn: btql.Connection, condition: str, expected: bool):
    assert conn.query(f"SELECT {condition} AS found FROM p WHERE id = 'a'").rows() == [{"found": expected}]


def test_documents_keep_both_apart(conn: btql.Connection):
    """Also while all that a path had was a boolean."""
    asked = "SELECT id FROM p WHERE metadata.ok = 'true'"
    assert conn.query(asked).rows() == [{"id": "b"}]
    conn.query("DELETE FROM p WHERE id = 'b'")
    assert conn.query(asked).rows() == []


def test_what_spells_none_is_refused(conn: btql.Connection):
    with pytest.raises(btql.Error, match="cannot compare boolean with text"):
        conn.query("SELECT id FROM p WHERE is_root = 'perhaps'")
