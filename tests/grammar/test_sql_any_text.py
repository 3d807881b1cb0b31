"""Whatever stands in an SQL text, only a BtqlError comes out, it can be drawn, and it does not take long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import sql_trees

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.parser import parse
from btql_grammar.printing.printer import print_sql
from btql_grammar.scan import TEXT_CHARS_MAX

STARTS = (
    "SELECT ",
    "SELECT * FROM ",
    "WITH ",
    "INSERT INTO ",
    "UPDATE t SET ",
    "DELETE FROM ",
    "VALUES ",
    "EXPLAIN ",
    "(",
)
PIECES = (  # noqa: SIM905 - easier to read as one text
    "SELECT ¦FROM ¦t ¦a ¦b ¦project_logs('x') ¦unnest(a) ¦JOIN ¦LEFT ¦RIGHT ¦FULL ¦OUTER ¦CROSS ¦NATURAL ¦ON "
    "¦USING ¦LATERAL ¦WHERE ¦GROUP BY ¦ROLLUP ¦CUBE ¦GROUPING SETS ¦HAVING ¦WINDOW ¦w ¦AS ¦OVER ¦PARTITION BY "
    "¦ROWS ¦RANGE ¦BETWEEN ¦UNBOUNDED PRECEDING ¦CURRENT ROW ¦FOLLOWING ¦FILTER (WHERE ¦WITHIN GROUP ("
    "¦ORDER BY ¦NULLS ¦FIRST ¦LIMIT ¦OFFSET ¦FETCH ¦ROWS ONLY ¦SETTINGS ¦UNION ¦ALL ¦INTERSECT ¦EXCEPT "
    "¦DISTINCT ¦WITH ¦RECURSIVE ¦VALUES ¦EXISTS ¦IN ¦ANY ¦NOT ¦AND ¦OR ¦CASE ¦WHEN ¦THEN ¦ELSE ¦END ¦CAST("
    "¦EXTRACT(¦TRIM(¦SUBSTRING(¦POSITION(¦OVERLAY(¦FOR ¦PLACING ¦LEADING ¦ESCAPE ¦SIMILAR TO ¦AT TIME ZONE "
    "¦COLLATE ¦INTERVAL ¦DATE ¦ARRAY¦TABLESAMPLE ¦PERCENT ¦PIVOT (¦UNPIVOT (¦EXCLUDE ¦REPLACE ¦IGNORE NULLS "
    "¦INTO ¦SET ¦ON CONFLICT ¦DO UPDATE ¦RETURNING ¦EXPLAIN ¦(¦)¦[¦]¦{¦}¦,¦.¦;¦:¦::¦?¦?|¦->¦->> ¦@>¦<@¦~¦!~*"
    "¦||¦+¦-¦*¦/¦%¦^¦=¦<>¦'x'¦'7 days'¦E'\\n'¦\"y\"¦1¦0.5¦tags[0]¦$1¦&&¦--¦/*"
).split("¦")

soups = st.lists(st.sampled_from(PIECES), max_size=16).map("".join)


def drawing(text: str) -> str | None:
    """Return how the error is drawn, if there is one; any other exception is a failure of the test."""
    try:
        parse(text)
    except BtqlError as error:
        return str(error)
    return None


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(STARTS), soups)
def test_pieces_of_statements(start: str, soup: str) -> None:
    drawn = drawing(start + soup)
    assert drawn is None or drawn.startswith("error[B01")


@settings(max_examples=60, deadline=None)
@given(sql_trees.statements(), st.integers(0, 10**6), st.integers(0, 5), st.sampled_from(PIECES))
def test_damaged_statements(statement: tree.Statement, place: int, cut: int, piece: str) -> None:
    text = print_sql(statement)
    place %= len(text) + 1
    drawn = drawing(text[:place] + piece + text[place + cut :])
    assert drawn is None or drawn.startswith("error[B01")


UNITS = (
    "a or ", "+", "a->", "not ", "- ", "::text", "[0]", ".b", "a ? ", "a ? b : ", "f(", "(select ", "union select 1 ",
    "join a ", "case when ", "'x', ", '"x"', "(1), ", "with a as (", "exists (", "--\n", "/**/", "\n", "interval ",
    "order by ", "over (", "a in (", ",", ";", "x'y'", "unpivot (a for b in (c)) ",
)  # fmt: skip


@pytest.mark.parametrize("start", ["select ", "select * from a ", "values "])
@pytest.mark.parametrize("unit", UNITS)
def test_a_megabyte_is_answered_at_once(start: str, unit: str) -> None:
    text = start + unit * ((TEXT_CHARS_MAX - len(start)) // len(unit))
    started = time.thread_time()

    drawing(text)

    # A third of a second at most on an idle machine.
    assert time.thread_time() - started < 3
