"""Random plain SQL gives the rows that DuckDB gives on the same data.

The data have one kind per column, as SQL wants it; what documents add to that is
tested elsewhere. Queries are drawn as text, so that a failure is a query one can run.
What the two databases mean differently is not drawn: division, order between kinds,
sums beyond 64 bits.
"""

import math
import random
from dataclasses import dataclass

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import btql

ROWS = 60
UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
COLUMNS = {"id": "text", "a": "int", "b": "int", "f": "float", "t": "text", "u": "text", "ok": "bool"}
WORDS = ["", "a", "b", "ab", "Ab", "é", "日本", "a b", "zz", "%"]


def records():
    """Return the rows: some nulls, many equal values."""
    dice = random.Random(11)

    def maybe(value):
        return None if dice.random() < 0.15 else value

    return [
        {
            "id": f"r{number:02}",
            "a": maybe(dice.randint(-3, 3)),
            "b": maybe(dice.randint(0, 1000)),
            "f": maybe(dice.choice([0.25, 0.5, 1.75, -2.125, 1e6 + 0.5])),
            "t": maybe(dice.choice(WORDS)),
            "u": maybe(dice.choice(WORDS)),
            "ok": maybe(dice.random() < 0.5),
        }
        for number in range(ROWS)
    ]


@pytest.fixture(scope="module")
def databases(tmp_path_factory):
    """Return both databases with the same rows."""
    rows = records()
    folder = tmp_path_factory.mktemp("agreement") / "db"
    with btql.connect(folder) as connection, duckdb.connect() as duck:
        events = [{"id": row["id"], "metadata": {k: v for k, v in row.items() if k != "id"}} for row in rows]
        connection.ingest("project_logs:samples", events[: ROWS // 2])
        connection.compact()
        connection.ingest("project_logs:samples", events[ROWS // 2 :])
        duck.execute("CREATE TABLE samples (id TEXT, a BIGINT, b BIGINT, f DOUBLE, t TEXT, u TEXT, ok BOOLEAN)")
        duck.executemany("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?)", [list(row.values()) for row in rows])
        yield connection, duck


@dataclass
class Drawer:
    """Draws SQL text; ``names`` are the columns in scope, by type."""

    draw: st.DrawFn
    names: dict[str, list[str]]

    def pick(self, *choices):
        return self.draw(st.sampled_from(choices))

    def expression(self, kind, depth=2):
        leaf = depth == 0 or self.draw(st.integers(0, 2)) == 0
        return (self.leaf if leaf else self.inner)(kind, depth - 1)

    def leaf(self, kind, _depth):
        if self.names.get(kind) and self.draw(st.integers(0, 3)):
            return self.pick(*self.names[kind])
        return {
            "int": lambda: str(self.draw(st.integers(-5, 20))),
            "float": lambda: self.pick("0.5", "1.25", "-2.0e0 - 0.5", "100.75").join("()"),
            "text": lambda: "'" + self.pick(*WORDS) + "'",
            "bool": lambda: self.pick("true", "false"),
        }[kind]()

    def inner(self, kind, depth):
        def e(of):
            return self.expression(of, depth)

        makers = {
            "int": [
                lambda: f"({e('int')} {self.pick('+', '-', '*')} {e('int')})",
                lambda: f"abs({e('int')})",
                lambda: f"length({e('text')})",
                lambda: f"coalesce({e('int')}, {e('int')})",
                lambda: f"CASE WHEN {e('bool')} THEN {e('int')} ELSE {e('int')} END",
                lambda: f"nullif({e('int')}, {e('int')})",
                lambda: f"greatest({e('int')}, {e('int')})",
            ],
            "float": [
                lambda: f"({e('float')} {self.pick('+', '-', '*')} {e('float')})",
                lambda: f"abs({e('float')})",
                lambda: f"coalesce({e('float')}, {e('float')})",
                lambda: f"least({e('float')}, {e('float')})",
                lambda: f"CAST({e('int')} AS double)",
            ],
            "text": [
                lambda: f"{self.pick('upper', 'lower', 'reverse', 'trim')}({e('text')})",
                lambda: f"({e('text')} || {e('text')})",
                lambda: f"substr({e('text')}, {self.pick('1', '2')}, {self.pick('1', '2')})",
                lambda: f"replace({e('text')}, 'a', {e('text')})",
                lambda: f"coalesce({e('text')}, {e('text')})",
                lambda: f"CASE WHEN {e('bool')} THEN {e('text')} END",
                lambda: f"CAST({e('int')} AS text)",
            ],
            "bool": [
                lambda: self.comparison(depth),
                lambda: f"({e('bool')} {self.pick('AND', 'OR')} {e('bool')})",
                lambda: f"(NOT {e('bool')})",
                lambda: f"({e(self.pick('int', 'text', 'float', 'bool'))} IS {self.pick('', 'NOT ')}NULL)",
                lambda: f"({e('text')} LIKE {self.pick(repr('%a%'), repr('a%'), repr('_b'), repr('%'))})",
                lambda: f"({e('int')} {self.pick('', 'NOT ')}IN (1, 2, {e('int')}))",
                lambda: f"({e('int')} BETWEEN {e('int')} AND {e('int')})",
                lambda: f"starts_with({e('text')}, {e('text')})",
            ],
        }
        return self.draw(st.sampled_from(makers[kind]))()

    def comparison(self, depth):
        kind = self.pick("int", "float", "text")
        operator = self.pick("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")
        return f"({self.expression(kind, depth)} {operator} {self.expression(kind, depth)})"

    def aggregate(self):
        kind = self.pick("int", "float", "text")
        makers = [
            lambda: "count(*)",
            lambda: f"count({self.expression(kind)})",
            lambda: f"count(DISTINCT {self.expression(kind)})",
            lambda: f"sum({self.expression('int')})",
            lambda: f"avg({self.expression('int')})",
            lambda: f"{self.pick('min', 'max')}({self.expression(kind)})",
            lambda: f"count(*) FILTER (WHERE {self.expression('bool')})",
            lambda: f"bool_and({self.expression('bool')})",
        ]
        return self.draw(st.sampled_from(makers))()


def scope(alias=None):
    """Return the columns of the table by type, under an alias."""
    names = {}
    for name, kind in COLUMNS.items():
        names.setdefault(kind, []).append(f"{alias}.{name}" if alias else name)
    return names


def both(one, other):
    return {kind: one[kind] + other[kind] for kind in one}


@st.composite
def selects(draw, columns=None):
    """Draw a SELECT with ``columns`` types, any where None."""
    d = Drawer(draw, scope())
    kinds = columns or draw(st.lists(st.sampled_from(["int", "float", "text", "bool"]), min_size=1, max_size=3))
    items = ", ".join(f"{d.expression(kind)} AS c{n}" for n, kind in enumerate(kinds))
    distinct = draw(st.sampled_from(["", "", "DISTINCT "]))
    where = f" WHERE {d.expression('bool')}" if draw(st.booleans()) else ""
    return f"SELECT {distinct}{items} FROM samples{where}"


@st.composite
def groupings(draw):
    """Draw a SELECT with groups."""
    d = Drawer(draw, scope())
    keys = [d.expression(draw(st.sampled_from(["int", "text", "bool"])), 1) for _ in range(draw(st.integers(1, 2)))]
    items = [f"{key} AS k{n}" for n, key in enumerate(keys)]
    items += [f"{d.aggregate()} AS m{n}" for n in range(draw(st.integers(1, 3)))]
    where = f" WHERE {d.expression('bool')}" if draw(st.booleans()) else ""
    having = f" HAVING {d.aggregate()} IS NOT NULL" if draw(st.booleans()) else ""
    positions = ", ".join(str(n + 1) for n in range(len(keys)))
    group = f"ROLLUP ({positions})" if draw(st.integers(0, 4)) == 0 else positions
    return f"SELECT {', '.join(items)} FROM samples{where} GROUP BY {group}{having}"


@st.composite
def joins(draw):
    """Draw a join of two sides."""
    d = Drawer(draw, both(scope("x"), scope("y")))
    kind = draw(st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]))
    on = draw(st.sampled_from(["x.a = y.a", "x.t = y.u", "x.a = y.a AND x.t = y.t", "x.id = y.id AND x.b > 500"]))
    where = f" WHERE {d.expression('bool', 1)}" if draw(st.booleans()) else ""
    items = f"x.id AS one, y.id AS other, {d.expression('int', 1)} AS n, {d.expression('text', 1)} AS s"
    return f"SELECT {items} FROM samples AS x {kind} samples AS y ON {on}{where}"


@st.composite
def nested(draw):
    """Draw a query with a query inside."""
    d = Drawer(draw, scope("x"))
    inner = Drawer(draw, scope("y")).expression("bool", 1)
    condition = d.expression("bool", 1)
    forms = [
        f"SELECT x.id FROM samples AS x WHERE x.a IN (SELECT y.a FROM samples AS y WHERE {inner})",
        (
            f"SELECT x.id FROM samples AS x WHERE {condition} AND EXISTS "
            f"(SELECT 1 FROM samples AS y WHERE y.t = x.u AND {inner})"
        ),
        f"SELECT x.id FROM samples AS x WHERE NOT EXISTS (SELECT 1 FROM samples AS y WHERE y.a = x.a AND {inner})",
        f"SELECT x.id, (SELECT max(y.b) FROM samples AS y WHERE y.a = x.a) AS most FROM samples AS x WHERE {condition}",
        f"SELECT x.id FROM samples AS x WHERE x.b > (SELECT avg(y.b) FROM samples AS y WHERE {inner})",
        (
            f"WITH q AS (SELECT y.t AS t, count(*) AS n FROM samples AS y WHERE {inner} GROUP BY y.t) "
            f"SELECT x.id, q.n FROM samples AS x LEFT JOIN q ON q.t = x.t WHERE {condition}"
        ),
        (
            f"SELECT q.k, q.n FROM (SELECT y.a AS k, count(*) AS n FROM samples AS y WHERE {inner} GROUP BY y.a) AS q "
            "WHERE q.n > 1"
        ),
    ]
    return draw(st.sampled_from(forms))


@st.composite
def windows(draw):
    """Draw a query with window functions over a total order."""
    d = Drawer(draw, scope())
    over = "OVER (PARTITION BY {} ORDER BY {}{}, id)"
    partition = d.expression(draw(st.sampled_from(["int", "text", "bool"])), 1)
    order = d.expression(draw(st.sampled_from(["int", "text"])), 1)
    over = over.format(partition, order, draw(st.sampled_from([" DESC NULLS LAST", " ASC NULLS LAST"])))
    function = draw(
        st.sampled_from(
            ["row_number()", "rank()", "lag(b)", "lead(t, 2)", "sum(b)", "first_value(id)", "count(*)", "max(f)"]
        )
    )
    where = f" WHERE {d.expression('bool')}" if draw(st.booleans()) else ""
    return f"SELECT id, {function} {over} AS w FROM samples{where}"


@st.composite
def operations(draw):
    """Draw two SELECTs under a set operation."""
    kinds = draw(st.lists(st.sampled_from(["int", "text", "bool"]), min_size=1, max_size=2))
    operation = draw(st.sampled_from(["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]))
    return f"{draw(selects(kinds))} {operation} {draw(selects(kinds))}"


@pytest.mark.parametrize("queries", [selects, groupings, joins, nested, windows, operations])
def test_the_rows_are_those_of_duckdb(databases, queries):
    connection, duck = databases

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=UNHURRIED,
    )
    @given(queries())
    def agree(query):
        expected = [tuple(map(plain, row)) for row in duck.execute(query).fetchall()]
        found = [tuple(map(plain, row.values())) for row in connection.query(query).rows()]
        assert sorted(found, key=order) == sorted(expected, key=order)

    agree()


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("nulls", ["", " NULLS FIRST", " NULLS LAST"])
@pytest.mark.parametrize("key", ["a", "t", "f", "ok"])
def test_the_order_is_that_of_duckdb(databases, key, direction, nulls):
    connection, duck = databases
    query = (
        f"SELECT id, {key} AS k FROM samples ORDER BY {key} {direction}{nulls or ' NULLS LAST'}, id LIMIT 20 OFFSET 3"
    )
    assert [tuple(row.values()) for row in connection.query(query).rows()] == duck.execute(query).fetchall()


def plain(value):
    """Return a number as a float of 12 digits: a sum is whole here and a decimal there. Minus zero is zero."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    number = float(value)
    return float(f"{number:.12g}") + 0.0 if math.isfinite(number) else number


def order(row):
    return [(value is not None, isinstance(value, str), repr(value)) for value in row]
