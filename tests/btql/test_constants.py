"""Values that stand in an INSERT are written as they are, and as the engine would have handed them back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import btql
from btql import constants
from btql_grammar import tree
from btql_grammar.parameters import with_values
from btql_grammar.parser import parse
from btql_grammar.tree_statements import Insert

VALUES = [
    *(None, True, False, 0, -1, 10**40, 1.0, -0.0, 1e300, "", "x", "it's", "null", "\n\u2028é"),
    *([], ["a"], [1, None, ["b"]], {}, {"k": None, "n": {"deep": [1.5]}}, [[]], {"": 1}),
    *(datetime(2026, 1, 2, 3, 4, 5, 678, UTC), datetime(1, 1, 1, tzinfo=UTC), ["2026-01-02", {"a": "b"}]),
]


def _values(text, values=()):
    statement = with_values(parse(text), list(values))
    assert isinstance(statement, Insert)
    assert isinstance(statement.source, tree.Values)
    return statement.source


def test_constants_are_what_the_engine_gives(tmp_path, monkeypatch):
    insert = "INSERT INTO project_logs('{}') (id, number, metadata.value, output) VALUES (?, ?, ?, ?)"
    rows = [[f"r{number:02}", number, value, value] for number, value in enumerate(VALUES)]
    assert constants.constant_rows(_values(insert.format("x"), rows[1]))
    with btql.connect(tmp_path / "db") as connection:
        connection.cursor().executemany(insert.format("constant"), rows)
        monkeypatch.setattr("btql.write_statements.constant_rows", lambda _: None)
        connection.cursor().executemany(insert.format("computed"), rows)
        query = "SELECT id, number, metadata, output FROM project_logs('{}') ORDER BY id"
        constant, computed = (connection.query(query.format(name)).rows() for name in ("constant", "computed"))

    assert len(constant) == len(VALUES)
    assert constant == computed


@pytest.mark.parametrize(
    "values",
    ["(now())", "(1 + 1)", '("x")', "({'a': 1, 'a': 2})", "(CAST('2026-01-02' AS timestamp))", "(:n)"],
)
def test_anything_else_is_for_the_engine(values):
    statement = parse(f"INSERT INTO project_logs('demo') (id) VALUES {values}")
    assert isinstance(statement, Insert)
    assert isinstance(statement.source, tree.Values)

    assert constants.constant_rows(statement.source) is None
