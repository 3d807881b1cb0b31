"""Texts that spell a number, and texts that nearly do: a field and the element of an array are compared alike."""

from __future__ import annotations

import pytest

import btql

NUMBERS = ["12", " 12 ", "12\n", "\f12", "+12", "12.", "1.2e1", "012", "0.12E+2"]
OTHERS = [
    "1_2",
    "\u0661\u0662",
    "\u00a012",
    "\u200312",
    "\x0b12",
    "\x1c12",
    "12 x",
    "0xc",
    "1e",
    "1e400",
    "inf",
    "nan",
    ".",
]


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    with btql.connect(tmp_path_factory.mktemp("numerals") / "db") as connection:
        rows = [{"id": text, "metadata": {"x": text, "l": [text]}} for text in NUMBERS + OTHERS]
        connection.ingest("project_logs:p", rows)
        yield connection


@pytest.mark.parametrize(
    "condition",
    [
        "metadata.x = 12",
        "includes(metadata.l, 12)",
        "metadata.x IN (12)",
        "metadata.l IN (12)",
        "12 = ANY (metadata.l)",
    ],
)
def test_what_spells_a_number(connection, condition):
    found = connection.query(f"SELECT id FROM project_logs('p') WHERE {condition}")

    assert {row["id"] for row in found} == set(NUMBERS)


@pytest.mark.parametrize("condition", ["includes(metadata.l, 1e300)", "1e308 < ANY (metadata.l)"])
def test_no_element_is_beyond_all_numbers(connection, condition):
    assert list(connection.query(f"SELECT id FROM project_logs('p') WHERE {condition}")) == []
