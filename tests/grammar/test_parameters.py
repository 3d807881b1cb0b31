"""Parameters in both languages: read, numbered, printed, and replaced by values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.fmt.formatter import format_text
from btql_grammar.json_form.form import to_json
from btql_grammar.parameters import parameters_of, with_values
from btql_grammar.parser import parse
from btql_grammar.printing.printer import print_btql, print_sql
from btql_grammar.span import Source

FROM = "from: project_logs('x')"


def keys(text):
    return list(parameters_of(parse(text)).values())


def filled(text, values):
    statement = with_values(parse(text), values)
    return print_btql(statement) if text.startswith(("select:", "dimensions:")) else print_sql(statement)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"select: ?, a ? ? : ? | {FROM} | limit: ?", [1, 2, 3, 4]),
        (f"select: $2, $1, $2 | {FROM}", [2, 1, 2]),
        (f"select: {{a: :x, b: :y}} | {FROM} | filter: c = :x | cursor: :z", ["x", "y", "x", "z"]),
        ("SELECT a ? ?, b -> ? FROM project_logs('x') LIMIT ? OFFSET ?", [1, 2, 3, 4]),
        ("SELECT $1::int, arr[$2] UNION SELECT 1 FETCH FIRST $3 ROWS ONLY", [1, 2, 3]),
        ("SELECT (SELECT :a LIMIT :b) FROM project_logs('x') WHERE created > :c::timestamp", ["a", "b", "c"]),
        ("INSERT INTO project_logs('x') (id, input) VALUES (?, ?)", [1, 2]),
        ("SELECT a ? 'k', b ?| ARRAY['k'], ':x', \"$1\" FROM project_logs('x') -- ? $1 :x", []),
        (f"select: a ? b : c | {FROM}", []),
        (f"select: a ?b :c | {FROM}", []),
    ],
)
def test_parameters_are_found_in_the_order_of_the_text(text, expected):
    assert keys(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"select: :a, {{k: :b}}\n{FROM}\nlimit: :c\noffset: :d",
        f"select: $1 ? $2 : $3\n{FROM}\ncursor: $4",
        "SELECT a ? ?\nFROM project_logs('x')\nLIMIT ?\nOFFSET ?",
        "SELECT 1\nUNION\n(SELECT 2 LIMIT $1)\nLIMIT $2",
    ],
)
def test_printing_and_formatting_keep_parameters(text):
    statement = parse(text)
    printed = print_btql(statement) if text.startswith("select:") else print_sql(statement)
    assert parse(printed) == statement
    assert parse(format_text(text)) == statement


def test_values_are_values_whatever_they_hold():
    text = f"select: id | {FROM} | filter: a = ? and b in ? and c = ?"
    hostile = "'; DELETE FROM x -- ? :a $1 \\ \" | limit: 0"
    statement = with_values(parse(text), [hostile, [hostile], {hostile: hostile}])
    assert print_btql(statement).count("DELETE") == 4
    assert parse(print_btql(statement)) == statement
    assert isinstance(statement, tree.Query)
    assert statement.limit is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "NULL"),
        (True, "TRUE"),
        (2**80, str(2**80)),
        (-1.5, "-1.5"),
        (Decimal("3.00"), "3"),
        (Decimal("0.5"), "0.5"),
        (float("inf"), "'inf'::double precision"),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), "'2026-01-01T12:00:00+00:00'::timestamp"),
        (datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))), "'2026-01-01T10:00:00+00:00'::timestamp"),
        (datetime(2026, 1, 1, 12), "'2026-01-01T12:00:00+00:00'::timestamp"),  # noqa: DTZ001  it means UTC
        (date(2026, 1, 1), "'2026-01-01'::date"),
        (timedelta(seconds=1), "INTERVAL 1000000 MICROSECOND"),
        (UUID(int=1), "'00000000-0000-0000-0000-000000000001'"),
        ((1, "a", [None]), "[1, 'a', [NULL]]"),
        ({"a": {"b": 1}}, "{a: {b: 1}}"),
    ],
)
def test_each_type_of_value(value, expected):
    (line,) = filled("SELECT ?", [value]).splitlines()
    assert line.upper() == f"SELECT {expected}".upper()


@pytest.mark.parametrize(
    ("text", "values", "words"),
    [
        (f"select: ?, $1 | {FROM}", [1], "cannot stand in one statement"),
        (f"select: :a, ? | {FROM}", {"a": 1}, "cannot stand in one statement"),
        (f"select: ?, ? | {FROM}", [1], "2 values are needed, 1 are given"),
        (f"select: ? | {FROM}", [1, 2], "1 values are needed, 2 are given"),
        ("SELECT 1", [1], "0 values are needed, 1 are given"),
        (f"select: :a | {FROM}", [1], "is a name"),
        (f"select: :a | {FROM}", {"b": 1}, "`:a` has no value"),
        (f"select: ? | {FROM}", {"b": 1}, "have no"),
        (f"select: ? | {FROM}", [b"x"], "`bytes` cannot be"),
        (f"select: a | {FROM} | limit: ?", [-1], "not negative"),
        (f"select: a | {FROM} | limit: ?", ["1"], "not negative"),
        (f"select: a | {FROM} | limit: ?", [True], "not negative"),
        (f"select: a | {FROM} | limit: ?", [2**63], "not negative"),
        (f"select: a | {FROM} | limit: ?", [Decimal("1.5")], "not negative"),
        (f"select: a | {FROM} | limit: ?", [Decimal("NaN")], "not negative"),
        (f"select: a | {FROM} | cursor: ?", [1], "a cursor is a text"),
    ],
)
def test_values_that_do_not_fit(text, values, words):
    with pytest.raises(BtqlError) as caught:
        with_values(parse(text), values)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "B0115"
    assert words in diagnostic.message
    caught.value.source = Source(text)
    assert "^" in caught.value.render() or text == "SELECT 1"


class Model(str, Enum):  # noqa: UP042 - the text of a member of a StrEnum is its value already
    SMALL = "small"


class Tokens(int, Enum):
    FEW = 7


class Share(float, Enum):
    HALF = 0.5


def test_members_of_enumerations_are_their_values():
    given = [Model.SMALL, Tokens.FEW, Share.HALF, {Model.SMALL: [Tokens.FEW]}]

    statement = with_values(parse(f"select: ?, ?, ?, ? | {FROM}"), given)

    assert print_btql(statement) == print_btql(parse(f"select: 'small', 7, 0.5, {{small: [7]}} | {FROM}"))


@pytest.mark.parametrize("count", [2, Decimal(2), Decimal("2.00")])
def test_a_count_is_a_whole_number_however_it_is_given(count: object):
    statement = with_values(parse(f"select: a | {FROM} | limit: ?"), [count])

    assert isinstance(statement, tree.Query)
    assert type(statement.limit) is int
    assert statement.limit == 2


@pytest.mark.parametrize(
    "text", ["select: $0", "SELECT $0", "SELECT $99999999", f"select: ? | inference_budget: ? | {FROM}"]
)
def test_what_is_no_parameter(text):
    with pytest.raises(BtqlError) as caught:
        parse(text)
    assert caught.value.diagnostics[0].code == "B0105"


def test_an_offset_of_sql_may_be_a_cursor():
    assert filled("SELECT id FROM project_logs('x') LIMIT ? OFFSET ?", [5, "aQJI"]).endswith("OFFSET 'aQJI'")
    assert filled("SELECT id FROM project_logs('x') LIMIT ? OFFSET ?", [None, 5]).endswith("OFFSET 5")


def test_parameters_have_no_json_form():
    for text in (f"select: ? as a | {FROM}", f"select: a | {FROM} | limit: ?"):
        statement = parse(text)
        assert isinstance(statement, tree.Query)
        with pytest.raises(BtqlError) as caught:
            to_json(statement)
        assert caught.value.diagnostics[0].code == "B0113"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_any_value_is_printed_and_read_back(value):
    text = f"select: ? as v | {FROM}"
    try:
        statement = with_values(parse(text), [value])
        printed = print_btql(statement)
    except BtqlError as error:
        assert error.diagnostics[0].code in ("B0105", "B0113")  # noqa: PT017
        return
    again = parse(printed)
    assert print_btql(again) == printed


def test_a_number_of_rows_may_be_cast_to_a_number():
    query = parse("SELECT id FROM x LIMIT $1::INTEGER OFFSET $2::bigint")

    assert isinstance(query, tree.Query)
    assert [clause for clause, _ in query.counts] == ["limit", "offset"]
    with pytest.raises(BtqlError, match="number of rows"):
        parse("SELECT id FROM x LIMIT 3::text")
