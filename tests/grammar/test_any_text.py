"""Whatever the text, only a BtqlError comes out, it can be drawn, and it does not take long."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import trees

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.parser import parse, parse_expression
from btql_grammar.printing.printer import print_btql, print_sql
from btql_grammar.scan import PIECES_MAX, TEXT_CHARS_MAX

PIECES = (  # noqa: SIM905 - easier to read as one text
    "select: |from: |filter: |dimensions: |sort: |limit: |pivot: |nope: |SELECT |FROM |WHERE |GROUP BY |HAVING "
    "|ORDER BY |LIMIT |OFFSET |DISTINCT |JOIN |UNION |WITH |OVER (|project_logs('x')|a|b.c|tags[0]|1|0.5|50%|'x'"
    '|"y"|null|and |or |not |in |is |like |match |includes |between |case |when |then |else |end |interval |day '
    "|as |desc |nulls first|(|)|[|]|{|}|,|.|:|::|;|?|*|+|-|/|%|=|==|!=|<|>|<=>|=>|--|/*|*/|'|\"|\\|\n| |#|$|@|`|~|\0"
    "|\u00a0|é|日|😀|\ud800|1e999|\\ud800|count(*)|shape => |f(|{#|#}|n'|0x1|1_0"
).split("|")

soups = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def drawing(read: Callable[[], object]) -> str | None:
    """Return how the error is drawn, if there is one; any other exception is a failure of the test."""
    try:
        read()
    except BtqlError as error:
        return str(error)
    return None


def read_all_ways(text: str) -> None:
    for read in (
        lambda: parse(text),
        lambda: parse("SELECT " + text),
        lambda: parse("select: " + text),
        lambda: parse_expression(text),
        lambda: parse_expression(text, language="sql"),
    ):
        drawn = drawing(read)
        if drawn is not None:
            assert drawn.startswith("error[B01")
            assert "something else" not in drawn


@settings(max_examples=150, deadline=None)
@given(soups)
@example("")
@example("\ufeff")
@example(";")
@example("SELECT ;;")
@example("select 1; ; ")
@example("(")
@example("select a from b(")
@example("select: a ? ")
@example("x::")
@example("interval 1.5")
@example("٣")
@example("a = ²")
@example("1٣")
@example("a in null % b")
@example("interval ٣ day")
def test_pieces_of_queries(text: str) -> None:
    read_all_ways(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_any_characters(text: str) -> None:
    read_all_ways(text)


def spellings(query: tree.Query) -> list[str]:
    try:
        return [print_btql(query), print_sql(query)]
    except BtqlError as error:
        assert error.code == "B0113"  # noqa: PT017 - either is fine: SQL says it, or refuses to.
        return [print_btql(query)]


@settings(max_examples=100, deadline=None)
@given(st.data(), trees.queries("btql"), st.integers(0, 10**6), st.sampled_from(PIECES))
def test_damaged_queries(data: st.DataObject, query: tree.Query, place: int, piece: str) -> None:
    text = data.draw(st.sampled_from(spellings(query)))
    place %= len(text) + 1
    cut = data.draw(st.integers(0, 5))
    read_all_ways(text[:place] + piece + text[place + cut :])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("select: '" + "x" * TEXT_CHARS_MAX + "'", "B0107"),
        ("select: a" + ", a" * PIECES_MAX, "B0107"),
        ("SELECT a" + ", a" * PIECES_MAX, "B0107"),
        ("select: " + "(" * 201 + "a" + ")" * 201, "B0107"),
        ("select: " + "not " * 300 + "a", "B0107"),
        ("select: " + "- " * 300 + "a", "B0107"),
        ("select: a" + " + a" * 300, "B0107"),
        ("select: a" + "::text" * 300, "B0107"),
        ("SELECT " + "not " * 10_000 + "a", "B0107"),
        ("SELECT a" + " + a" * 10_000, "B0107"),
        ("SELECT " + "f(" * 201 + ")" * 201, "B0107"),
        ("SELECT " + "case when a then " * 5_000 + "b" + " end" * 5_000, "B0107"),
        ("select: a\0b", "B0105"),
        ("select: '\ud800'", "B0105"),
        ("select: " + "9" * 5000, "B0105"),
        ("SELECT " + "9" * 5000, "B0105"),
        ("select: 1e999", "B0105"),
        ("select: * limit: 99999999999999999999", "B0105"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else value,
)
def test_limits(text: str, code: str) -> None:
    with pytest.raises(BtqlError) as caught:
        parse(text)

    assert caught.value.code == code
    assert str(caught.value)


@pytest.mark.parametrize("language", ["btql", "sql"])
def test_long_chains_are_fine(language: tree.Language) -> None:
    # What is one node in the tree may be long: lists, conditions, choices.
    for text in (
        " or ".join(f"a = {i}" for i in range(5_000)),
        "a in (" + ", ".join(f"'{i}'" for i in range(19_000)) + ")",
        "a ? b : " * 2_000 + "c",
        "a" + ".b" * 5_000,
    ):
        parse_expression(text, language=language)


UNITS = (  # noqa: SIM905 - easier to read as one text
    "a or |a + |not |a ? b : |a ? |1%|1% |'x', |f(|.b|--\n|a |f(),|[|\"x\".|/**/| |\n|a:|filter: a |select: * |;|9|x|é"
    "|[0]|a as b,|'|''|\\|\\'|case when a then b else |- |::text|interval 1 day,|distinct |{a:1},|=1 |a\n.b\n|😀|~"
    "|(select 1),|union select 1 |exists |a->"
).split("|")


@pytest.mark.parametrize("language", ["btql", "sql"])
@pytest.mark.parametrize("unit", UNITS)
def test_long_texts_are_refused_or_read_at_once(unit: str, language: tree.Language) -> None:
    text = "select " if language == "sql" else "select: "
    text += unit * ((TEXT_CHARS_MAX // 4 - len(text)) // len(unit))
    started = time.thread_time()

    drawn = drawing(lambda: parse(text))

    # A twelfth of a second on an idle machine; quadratic work would take many.
    assert time.thread_time() - started < 1
    assert drawn is None or len(drawn) < 5_000


@pytest.mark.parametrize("language", ["btql", "sql"])
@pytest.mark.parametrize(
    "unit", ["a = 1 or ", "f(a) and ", "a ? b : ", "a in ('x') and ", "not a and ", "a.b::text = c or "]
)
def test_what_is_not_refused_is_read_within_a_second(unit: str, language: tree.Language) -> None:
    words = len(re.findall(r"\w+|\S", unit))
    text = unit * (PIECES_MAX // words - 1) + "a"
    started = time.thread_time()

    parse_expression(text, language=language)

    assert time.thread_time() - started < 3
