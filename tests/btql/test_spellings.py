"""One tree, two spellings, one answer: what is printed as BTQL and as SQL gives the same rows.

Trees are drawn over the fields of a small database whose values are of mixed kinds. Where the
planner refuses a tree, it has to refuse both spellings with the same code.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import btql
from btql_grammar import tree
from btql_grammar.printing.printer import print_btql, print_sql

SPANS = Path(__file__).resolve().parents[2] / "docs" / "examples" / "support.ndjson"
PATHS = [
    ("id",),
    ("created",),
    ("tags",),
    ("is_root",),
    ("error",),
    ("output",),
    ("metadata", "version"),
    ("metadata", "user"),
    ("metadata", "plan"),
    ("metrics", "start"),
    ("metrics", "prompt_tokens"),
    ("scores", "Factuality"),
    ("scores", "Answer non-empty"),
    ("span_attributes", "type"),
    ("output", "lines", 0, "amount"),
    ("tags", -1),
    ("metadata", "nowhere"),
]
UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
LITERALS = [None, True, False, 0, 1, 2, 0.4, 1650, "2", "ada", "pro", "web", "", "2026-01-01T10:00:00Z", "重置密码"]
COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge", "nseq", "nsne"]
FUNCTIONS = {"lower": 1, "len": 1, "coalesce": 2, "concat": 2, "hour": 1, "round": 1, "to_string": 1, "to_number": 1}
AGGREGATES = ["count", "sum", "avg", "min", "max", "count_distinct"]


@st.composite
def expressions(draw, depth=3):
    """Draw any expression: most are sensible, the others have to be refused alike."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        if draw(st.booleans()):
            return tree.Identifier(draw(st.sampled_from(PATHS)))
        return tree.Literal(draw(st.sampled_from(LITERALS)))

    def inner():
        return draw(expressions(depth - 1))

    def call():
        name = draw(st.sampled_from(sorted(FUNCTIONS)))
        return tree.Call(name, tuple(inner() for _ in range(FUNCTIONS[name])))

    text = tree.Literal(draw(st.sampled_from(["%a%", "pro", "time_ut", "密码", "%"])))
    makers = [
        lambda: tree.Comparison(draw(st.sampled_from(COMPARISONS)), inner(), inner()),
        lambda: tree.Comparison(draw(st.sampled_from(["like", "ilike", "match"])), inner(), text),
        lambda: tree.Comparison("in", inner(), tree.Array((inner(), inner()))),
        lambda: tree.Boolean(draw(st.sampled_from(["and", "or"])), (inner(), inner())),
        lambda: tree.Not(inner()),
        lambda: tree.IsNull(inner(), negated=draw(st.booleans())),
        lambda: tree.Arithmetic(draw(st.sampled_from(["add", "sub", "mul", "div", "mod"])), inner(), inner()),
        lambda: tree.If(((inner(), inner()),), inner()),
        call,
    ]
    return draw(st.sampled_from(makers))()


def is_no_position(expression):
    """Whether a grouping key is not a bare number, which counts columns."""
    return not isinstance(expression, tree.Literal) or not isinstance(expression.value, int | float)


@st.composite
def queries(draw):
    """Draw a query that both languages can say."""
    shape = draw(st.sampled_from(["spans", "spans", "traces"]))
    source = tree.From("project_logs", ("support",), shape)
    condition = draw(st.none() | expressions())
    if draw(st.booleans()):
        items = tuple(tree.Item(draw(expressions()), f"c{n}") for n in range(draw(st.integers(1, 3))))
        sort = tuple(
            tree.SortItem(draw(expressions(1)), draw(st.sampled_from(["asc", "desc"])))
            for _ in range(draw(st.integers(0, 2)))
        )
        limit = draw(st.none() | st.integers(0, 6))
        return tree.Query(select=items, source=source, filter=condition, sort=sort, limit=limit)
    keys = tuple(
        tree.Item(draw(expressions(2).filter(is_no_position)), f"k{n}") for n in range(draw(st.integers(0, 2)))
    )
    measures = tuple(
        tree.Item(tree.Call(draw(st.sampled_from(AGGREGATES)), (draw(expressions(1)),)), f"m{n}") for n in range(2)
    )
    sort = tuple(tree.SortItem(tree.Identifier((f"k{n}",))) for n in range(len(keys)))
    return tree.Query(dimensions=keys, measures=measures, source=source, filter=condition, sort=sort)


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    """Return a database of which half is compacted."""
    lines = SPANS.read_bytes().splitlines()
    with btql.connect(tmp_path_factory.mktemp("spellings") / "db") as connection:
        connection.ingest("project_logs:support", lines[:6])
        connection.compact()
        connection.ingest("project_logs:support", lines[6:])
        yield connection


@settings(
    max_examples=120,
    suppress_health_check=UNHURRIED,
)
@given(query=queries())
def test_both_languages_give_the_same_rows(connection, query):
    assert answer(connection, print_btql(query)) == answer(connection, print_sql(query))


def answer(connection, text):
    """Return the rows with their types, or the code of the error."""
    try:
        return [[(name, repr(value)) for name, value in row.items()] for row in connection.query(text).rows()]
    except btql.QueryError as error:
        return error.code
