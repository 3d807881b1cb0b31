"""Random syntax trees, for the tests that print and read them again.

Only trees that text can express are drawn: flattened, folded, and without names
that mean something else where they stand (see ``printer.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from btql_grammar import build, tree
from btql_grammar.lexer import RESERVED

_SQL_WORDS = {"select", "from", "where", "having", "limit", "offset", "distinct", "cast", "try_cast", "match"}
_WORDS = (  # noqa: SIM905 - a list of words
    "a b x1 _y z$ é 日本 Field filter sort interval distinct match includes end spans count asc n group order "
    "limit desc isnull contains nulls first İ select from and null"
).split()
_FREE = [word for word in _WORDS if word.lower() not in RESERVED | _SQL_WORDS]
_ODD = ["it's", 'say "hi"', "50\\% off", "a\\", "\\'", "''", '""', "-- no", "/*", "\n", "\\n", "\\u0041", "", "\0"]

words = st.sampled_from(_WORDS)
texts = st.sampled_from(_ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
pieces = words | texts | st.integers(-(2**40), 2**40)
numbers = st.integers(-3, 3) | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
aliases = st.none() | words | texts
functions = st.sampled_from([word.lower() for word in _FREE if word != "İ"])

Draw = Callable[[st.SearchStrategy[Any]], Any]


def _leaf(draw: Draw) -> tree.Expression:
    kind = draw(st.integers(0, 6))
    if kind == 0:
        return tree.Literal(draw(st.sampled_from([None, True, False])))
    if kind == 1:
        return tree.Literal(draw(numbers))
    if kind == 2:
        return tree.Literal(draw(texts), double_quoted=draw(st.booleans()))
    if kind == 3:
        return tree.Interval(draw(st.integers(-9, 2**21)), draw(st.sampled_from(sorted(build.UNITS.values()))))
    if kind == 4:
        return tree.Identifier((draw(texts), draw(pieces)))
    return tree.Identifier((draw(st.sampled_from(_FREE)), *draw(st.lists(pieces, max_size=2))))


def _is_number(node: tree.Expression) -> bool:
    return isinstance(node, tree.Literal) and type(node.value) in (int, float)


def _expression(draw: Draw, language: tree.Language, depth: int) -> tree.Expression:
    def inner() -> tree.Expression:
        return _expression(draw, language, depth - 1)

    def some(least: int, most: int = 3) -> tuple[tree.Expression, ...]:
        return tuple(inner() for _ in range(draw(st.integers(least, most))))

    if depth <= 0 or draw(st.integers(0, 4)) == 0:
        return _leaf(draw)
    if language == "btql" and draw(st.integers(0, 5)) == 0:
        return _conversion(draw, inner)
    match draw(st.integers(0, 13)):
        case 0:
            return tree.Array(some(0))
        case 1:
            return tree.Object(tuple((draw(words | texts), value) for value in some(0)))
        case 2:
            return tree.Call(draw(functions), draw(st.sampled_from([some(0), (tree.Star(),)])))
        case 3:
            return tree.Call(draw(functions), some(1), distinct=True)
        case 4 | 5:
            ops = ["eq", "ne", "lt", "le", "gt", "ge", "like", "ilike", "match", "nseq", "nsne"]
            return tree.Comparison(draw(st.sampled_from(ops)), inner(), inner())
        case 6:
            right = inner()
            is_null = isinstance(right, tree.Literal) and right.value is None
            if is_null:
                return tree.IsNull(inner(), negated=draw(st.booleans()))
            return tree.Comparison("is", inner(), right)
        case 7:
            right = inner() if draw(st.booleans()) else tree.Array(some(0))
            atoms = tree.Array | tree.Identifier | tree.Call | tree.Object | tree.Interval
            if language == "btql":
                atoms |= tree.Literal | tree.Cast | tree.Subscript | tree.If | tree.Arithmetic | tree.Negative
            return tree.Comparison("in", inner(), right if isinstance(right, atoms) else tree.Array((right,)))
        case 8 | 9:
            return build.connect(draw(st.sampled_from(["and", "or"])), some(2), tree.Star().span)
        case 10:
            return tree.Not(inner())
        case 11:
            operand = inner()
            return operand if _is_number(operand) else tree.Negative(operand)
        case 12:
            return tree.Arithmetic(draw(st.sampled_from(["add", "sub", "mul", "div", "mod"])), inner(), inner())
        case _:
            if language == "btql" and draw(st.booleans()):
                return tree.Includes(inner(), inner())
            branches = tuple((inner(), inner()) for _ in range(draw(st.integers(1, 2))))
            return build.if_(branches, inner(), tree.Star().span)


def _conversion(draw: Draw, inner: Callable[[], tree.Expression]) -> tree.Expression:
    """Return a cast, a subscript, or a call whose name the language uses for an operator."""
    match draw(st.integers(0, 2)):
        case 0:
            suffix = draw(st.sampled_from(["", "(3)", "(10,2)", "[]", "[][]"]))
            return tree.Cast(inner(), draw(st.sampled_from(sorted(build.TYPES))) + suffix)
        case 1:
            names = draw(words | texts)
            index = draw(st.sampled_from([tree.Literal(names), tree.Literal(draw(st.integers(-9, 9))), inner()]))
            value = index.value if isinstance(index, tree.Literal) else 0
            if type(value) not in (int, str) or (isinstance(value, int) and abs(value) > build.INTEGER_MAX):
                index = tree.Identifier(("i",))
            return build.subscript(inner(), index, tree.Star().span)
        case _:
            name = draw(st.sampled_from([*build.WORD_OPERATORS, "like", "in", "not", "cast", "it's", "a b"]))
            return tree.Call(name, tuple(inner() for _ in range(draw(st.integers(0, 2)))))


@st.composite
def expressions(draw: Draw, language: tree.Language, depth: int = 4) -> tree.Expression:
    """Return a tree of an expression that the language can express."""
    return _expression(draw, language, depth)


@st.composite
def queries(draw: Draw, language: tree.Language) -> tree.Query:
    """Return a tree of a query that the language can express."""

    def expression() -> tree.Expression:
        return _expression(draw, language, 2)

    def item(*, named: bool = True) -> tree.Item:
        return tree.Item(expression(), draw(aliases) if named else None)

    def select_item() -> tree.Item | tree.Star:
        return tree.Star() if draw(st.integers(0, 3)) == 0 else item()

    def some(make: Callable[[], Any], least: int = 0) -> tuple[Any, ...]:
        return tuple(make() for _ in range(draw(st.integers(least, 2))))

    def maybe(make: Callable[[], Any]) -> Any:
        return make() if draw(st.booleans()) else None

    def source() -> tree.From:
        kind = draw(functions.filter(lambda word: word != "spans"))
        return tree.From(kind, some(lambda: draw(texts)), draw(st.sampled_from(["spans", "traces"])))

    def sort_item() -> tree.SortItem:
        nulls = draw(st.sampled_from([None, "first", "last"]))
        return tree.SortItem(expression(), draw(st.sampled_from(["asc", "desc"])), nulls=nulls)

    counts = st.none() | st.integers(0, 2**63 - 1)
    btql = language == "btql"
    query = tree.Query(
        select=some(select_item, 1),
        dimensions=some(lambda: item(named=btql)),
        measures=some(item) if btql else (),
        source=maybe(source),
        filter=maybe(expression),
        final_filter=maybe(expression),
        sort=some(sort_item),
        limit=draw(counts),
        offset=draw(counts),
        distinct=draw(st.booleans()),
    )
    return replace(query, **_btql_clauses(draw, expression, item)) if btql else query


def _btql_clauses(
    draw: Draw, expression: Callable[[], tree.Expression], item: Callable[[], tree.Item]
) -> dict[str, Any]:
    """Return some of the clauses that only BTQL spells as such."""

    def some(make: Callable[[], Any]) -> tuple[Any, ...]:
        return tuple(make() for _ in range(draw(st.integers(1, 2))))

    def name() -> str:
        return draw(words | texts)

    def star() -> tree.Star:
        table = draw(st.none() | st.sampled_from(_FREE))
        replaced = tuple((name(), expression()) for _ in range(draw(st.integers(0, 2))))
        return tree.Star(table=table, replace=replaced, exclude=tuple(name() for _ in range(draw(st.integers(0, 2)))))

    def unpivot() -> tree.UnpivotItem:
        return tree.UnpivotItem(expression(), draw(st.sampled_from([(name(),), (name(), name())])))

    def infer() -> tree.Identifier | tree.Star:
        path = (name(), *draw(st.lists(pieces, max_size=2)))
        return draw(st.sampled_from([tree.Star(), tree.Identifier(path)]))

    def sample() -> tree.Sample:
        seed = draw(st.none() | st.integers(-9, 2**40))
        if draw(st.booleans()):
            return tree.Sample(draw(st.floats(0, 1)), None, seed)
        return tree.Sample(None, draw(st.integers(1, 2**40)), seed)

    def table() -> tree.Table:
        first = draw(st.sampled_from([word for word in _FREE if word.lower() != "spans"]))
        return tree.Table((first, *(name() for _ in range(draw(st.integers(0, 1))))), alias=draw(aliases))

    makers: dict[str, Callable[[], Any]] = {
        "select": lambda: (star(), item()),
        "source": table,
        **dict.fromkeys(("span_filter", "trace_filter", "comparison_key"), expression),
        **dict.fromkeys(
            ("final_dimensions", "final_measures", "weighted_scores", "custom_columns"), lambda: some(item)
        ),
        "pivot": lambda: tree.Pivot(some(item)),
        "unpivot": lambda: some(unpivot),
        "infer": lambda: some(infer),
        "sample": sample,
        "cursor": lambda: draw(texts),
        "preview_length": lambda: draw(st.integers(-1, 2**40)),
        "inference_budget": lambda: draw(st.integers(0, 2**40)),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(makers)), max_size=3, unique=True))
    return {key: makers[key]() for key in chosen}
