"""The formatter: layout, comments, and that it changes nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import trees
from support.golden import check_cases, read_cases

from btql_grammar import lalr, reader, tables, tree
from btql_grammar.detect import detect
from btql_grammar.diagnostic import BtqlError
from btql_grammar.fmt.formatter import WIDTH, format_text
from btql_grammar.parser import parse
from btql_grammar.printing.printer import print_btql, print_sql
from btql_grammar.sql.tokens import cut

ROOT = Path(__file__).resolve().parents[2]

GOLDEN = Path(__file__).with_name("fmt.test")


def test_layout(update: bool) -> None:
    check_cases(GOLDEN, lambda query: format_text(query).rstrip("\n"), update=update)


def test_layout_changes_nothing() -> None:
    for case in read_cases(GOLDEN):
        assert format_text(case.expected) == f"{case.expected}\n"
        assert parse(case.expected) == parse(case.query)


def test_lines_fit() -> None:
    conditions = " and ".join(f"metadata.field_{i} = {i}" for i in range(30))
    text = f"select: {', '.join(f'metadata.field_{i}' for i in range(30))} filter: f({conditions}) or g({conditions})"

    assert max(map(len, format_text(text).splitlines())) <= WIDTH
    assert len(format_text(text).splitlines()) > 60


def test_a_mistake_is_an_error() -> None:
    with pytest.raises(BtqlError):
        format_text("select: a ==")


def queries_in_docs() -> list[str]:
    found: list[str] = []
    for page in [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]:
        found += re.findall(r"```(?:btql|sql)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return found


def is_query(text: str) -> bool:
    try:
        parse(text)
    except BtqlError:
        return False
    return True


def test_queries_of_the_documentation() -> None:
    queries = [text for text in queries_in_docs() if is_query(text)]
    assert len(queries) > 10

    for text in queries:
        made = format_text(text)
        assert parse(made) == parse(text)
        assert format_text(made) == made


GAPS = st.sampled_from(
    [" ", "\n", "  \n\n ", " /* {} */ ", " -- {}\n", "\n-- {}\n", "\n/* {}\n * more */\n", " /* {} */\n"]
)


def with_gaps(text: str, gaps: st.DataObject) -> tuple[str, int]:
    """Return the text with other space and with numbered comments between its tokens, and how many those are."""
    if detect(text) == "btql":
        tokens = lalr.tokens(text, "query", tables.load(), reader.BUILDERS)
        places = [(token.start, token.end) for token in tokens]
    else:
        places = [(token.start, token.end) for token in cut(text)]
    made, end, count = "", 0, 0
    for start, stop in places:
        between = text[end:start]
        # Other space only where there is some: `25%` and `f(` may not be parted just anywhere.
        if between.isspace() or between == ": ":
            gap = gaps.draw(GAPS)
            between = (":" if between == ": " else "") + gap.format(f"c{count}")
            count += "{}" in gap
        made += between + text[start:stop]
        end = stop
    return made + text[end:], count


def check(text: str, gaps: st.DataObject) -> None:
    wild, count = with_gaps(text, gaps)
    statement = parse(wild)
    assert statement == parse(text)

    made = format_text(wild)

    assert parse(made) == statement
    assert format_text(made) == made
    assert re.findall(r"(?:--|/\*) (c\d+)(?: \*/|\n)", made) == [f"c{i}" for i in range(count)]
    assert made.count("\n\n") == 0 or "\n\n" in text


@settings(max_examples=60, deadline=None)
@given(trees.queries("btql"), st.data())
def test_btql_comes_back(query: tree.Query, gaps: st.DataObject) -> None:
    check(print_btql(query), gaps)


@settings(max_examples=60, deadline=None)
@given(trees.queries("sql"), st.data())
def test_sql_comes_back(query: tree.Query, gaps: st.DataObject) -> None:
    check(print_sql(query), gaps)
