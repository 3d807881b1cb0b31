"""Random questions in SQL over the data of the conformance cases, which has values of every kind on one path.

Left out is what only the order of additions, or the float64 nearest to a large number, would decide.
"""

from __future__ import annotations

from random import Random

PATHS = {
    "kinds": ("metadata.v", "metadata.n", "id", "created", "metadata.v[0]", "metadata.v.a", "is_root", "nowhere"),
    "calls": ("metadata.user", "metadata.model", "metrics.tokens", "scores.Quality", "id", "created", "scores"),
    "traces": (
        "metadata.user_id",
        "span_attributes.type",
        "metrics.tokens",
        "error",
        "is_root",
        "metrics.start",
        "input",
    ),
    "odd": ("metadata.model", "metadata.user", "input", "output", "id", "created", "metadata.models[0].name", "flag"),
}
"""By object: paths of its documents."""
LITERALS = ("1", "0", "-1", "2.5", "'abc'", "''", "'1'", "true", "false", "null", "'2026-11-01T00:10:00Z'", "'gpt-5'")
TEXT_FUNCTIONS = ("lower", "upper", "len", "to_string", "to_number", "to_boolean", "day", "initcap", "jsonb_typeof")
SUMMARY = ("metrics.total_tokens", "metrics.llm_calls", "metrics.errors", "scores.Quality", "metadata.user_id", "id")


class RandomSql:
    """A source of questions; equal seeds give equal ones."""

    def __init__(self, seed: int) -> None:
        self._dice = Random(seed)

    def question(self) -> str:
        """Return a question."""
        name = self._dice.choice(list(PATHS))
        shapes = (self._rows, self._groups, self._sorted, self._aggregates, self._join, self._window, self._set)
        others = (self._traces, self._summaries, self._correlated, self._membership, self._quantified, self._exists)
        more = (self._grouping_sets, self._unpivoted, self._members, self._common_table, self._frames)
        shape = self._dice.choice([*shapes, *others, *more])
        return shape(name)

    # Shapes of questions

    def _rows(self, name: str) -> str:
        return f"SELECT id, {self._value(name)} AS r FROM {_source(name)} WHERE {self._condition(name)}"

    def _groups(self, name: str) -> str:
        columns = f"{self._path(name)} AS k, count(1) AS n, {self._aggregate(name)} AS a"
        return f"SELECT {columns} FROM {_source(name)} WHERE {self._condition(name, 1)} GROUP BY 1"

    def _sorted(self, name: str) -> str:
        ending = self._dice.choice(["ASC", "DESC", "ASC NULLS FIRST", "DESC NULLS FIRST"])
        order = f"ORDER BY {self._path(name)} {ending} LIMIT {self._dice.randint(1, 8)}"
        return f"SELECT id FROM {_source(name)} WHERE {self._condition(name, 1)} {order}"

    def _aggregates(self, name: str) -> str:
        one, other = self._aggregate(name), self._aggregate(name)
        return f"SELECT {one} AS a, {other} AS b FROM {_source(name)} WHERE {self._condition(name)}"

    def _join(self, name: str) -> str:
        other = self._dice.choice(list(PATHS))
        kind = self._dice.choice(["JOIN", "LEFT JOIN", "FULL JOIN"])
        symbol = self._dice.choice(["=", "<=>", "<"])
        on = f"{self._path(name, 'a.')} {symbol} {self._path(other, 'b.')} AND {self._condition(name, 1, 'a.')}"
        return f"SELECT a.id AS x, b.id AS y FROM {_source(name)} AS a {kind} {_source(other)} AS b ON {on}"

    def _window(self, name: str) -> str:
        function = self._dice.choice(["row_number", "rank", "dense_rank"])
        over = f"PARTITION BY {self._path(name)} ORDER BY {self._path(name)}, id"
        counted = f"count({self._value(name, 1)}) OVER (ORDER BY id)"
        return f"SELECT id, {function}() OVER ({over}) AS w, {counted} AS n FROM {_source(name)}"

    def _set(self, name: str) -> str:
        other = self._dice.choice(list(PATHS))
        operation = self._dice.choice(["UNION", "UNION ALL", "INTERSECT", "EXCEPT"])
        one = f"SELECT {self._path(name)} AS x FROM {_source(name)}"
        return f"{one} {operation} SELECT {self._path(other)} FROM {_source(other)}"

    def _traces(self, _: str) -> str:
        end = self._dice.choice(["", " ORDER BY id", " LIMIT 2", " ORDER BY metrics.tokens DESC, id LIMIT 2"])
        return f"SELECT id FROM {_source('traces', 'traces')} WHERE {self._span_condition()}{end}"

    def _summaries(self, _: str) -> str:
        columns = f"root_span_id AS r, {self._dice.choice(SUMMARY)} AS v"
        return f"SELECT {columns} FROM {_source('traces', 'summary')} WHERE {self._span_condition()}"

    def _correlated(self, name: str) -> str:
        inner = self._dice.choice(["count(*)", "max(b.id)"])
        on = f"{self._path('calls', 'b.')} {self._dice.choice(['=', '<', '!='])} {self._path(name, 'a.')}"
        query = f"SELECT {inner} FROM {_source('calls')} AS b WHERE {on}"
        return f"SELECT a.id AS x, ({query}) AS n FROM {_source(name)} AS a WHERE {self._condition(name, 1, 'a.')}"

    def _membership(self, name: str) -> str:
        word = self._dice.choice(["IN", "NOT IN"])
        query = f"SELECT {self._path('calls')} FROM {_source('calls')} WHERE {self._condition('calls', 1)}"
        return f"SELECT id FROM {_source(name)} WHERE id {word} ({query})"

    def _quantified(self, name: str) -> str:
        symbol, word = self._dice.choice(["=", ">", "<", "!="]), self._dice.choice(["ANY", "ALL"])
        query = f"SELECT {self._path('calls')} FROM {_source('calls')} WHERE {self._condition('calls', 1)}"
        return f"SELECT id FROM {_source(name)} WHERE {self._path(name)} {symbol} {word} ({query})"

    def _exists(self, name: str) -> str:
        on = f"{self._path('calls', 'b.')} = {self._path(name, 'a.')} AND {self._condition('calls', 1, 'b.')}"
        word = self._dice.choice(["", "NOT "])
        return (
            f"SELECT id FROM {_source(name)} AS a WHERE {word}EXISTS (SELECT 1 FROM {_source('calls')} AS b WHERE {on})"
        )

    def _grouping_sets(self, name: str) -> str:
        first, second = self._path(name), self._path(name)
        spelled = f"CUBE ({first}, 2)"
        sets = self._dice.choice(["ROLLUP (1, 2)", "CUBE (1, 2)", "GROUPING SETS ((1), (2), ())", spelled])
        columns = f"{first} AS a, {second} AS b, count(*) AS n"
        return f"SELECT {columns} FROM {_source(name)} WHERE {self._condition(name, 1)} GROUP BY {sets}"

    def _unpivoted(self, name: str) -> str:
        fields = self._dice.choice(["metadata", "scores", "metrics"])
        condition = f"{self._condition(name, 1)} AND v {self._dice.choice(['=', '>', '!='])} {self._literal()}"
        return f"SELECT id, k, v FROM {_source(name)} UNPIVOT (v FOR k IN ({fields})) WHERE {condition}"

    def _members(self, name: str) -> str:
        function = self._dice.choice(["jsonb_array_elements", "jsonb_each"])
        rows = f"CROSS JOIN LATERAL {function}({self._path(name, 'o.')}) AS e"
        return f"SELECT o.id, e.value AS v FROM {_source(name)} AS o {rows} WHERE {self._condition(name, 1, 'o.')}"

    def _common_table(self, name: str) -> str:
        columns = f"{self._path(name)} AS x, {self._path(name)} AS y, id"
        table = f"WITH q AS (SELECT {columns} FROM {_source(name)} WHERE {self._condition(name, 1)})"
        return f"{table} SELECT a.id AS i, b.id AS j FROM q AS a JOIN q AS b ON a.x = b.y"

    def _frames(self, name: str) -> str:
        function = self._dice.choice(["first_value", "last_value", "lag", "lead", "count"])
        start = self._dice.choice(["UNBOUNDED PRECEDING", "2 PRECEDING", "CURRENT ROW"])
        end = self._dice.choice(["CURRENT ROW", "1 FOLLOWING", "UNBOUNDED FOLLOWING"])
        frame = "" if function in ("lag", "lead") else f" ROWS BETWEEN {start} AND {end}"
        over = f"PARTITION BY {self._path(name)} ORDER BY id{frame}"
        return f"SELECT id, {function}({self._path(name)}) OVER ({over}) AS w FROM {_source(name)}"

    # Pieces of questions

    def _path(self, name: str, alias: str = "") -> str:
        return alias + self._dice.choice(PATHS[name])

    def _literal(self) -> str:
        return self._dice.choice(LITERALS)

    def _value(self, name: str, depth: int = 2, alias: str = "") -> str:
        if depth <= 0 or self._dice.random() < 0.35:
            return self._path(name, alias) if self._dice.random() < 0.7 else self._literal()
        one, other = self._value(name, depth - 1, alias), self._value(name, depth - 1, alias)
        function = self._dice.choice(TEXT_FUNCTIONS)
        return self._dice.choice(
            [
                f"({one} {self._dice.choice('+-')} {self._literal()})",
                f"coalesce({one}, {other})",
                f"CASE WHEN {self._condition(name, depth - 1, alias)} THEN {one} ELSE {other} END",
                f"{function}({self._path(name, alias)})",
                f"nullif({one}, {other})",
                f"({self._condition(name, depth - 1, alias)})",
                f"substring({self._path(name, alias)}, {self._dice.randint(-1, 3)}, {self._dice.randint(0, 4)})",
            ]
        )

    def _condition(self, name: str, depth: int = 2, alias: str = "") -> str:
        one, other = self._value(name, depth - 1, alias), self._value(name, depth - 1, alias)
        symbol = self._dice.choice(["=", "!=", "<", "<=", ">", ">=", "<=>", "<!=>"])
        comparison = f"{one} {symbol} {other}"
        if depth <= 0:
            return comparison
        left, right = self._condition(name, depth - 1, alias), self._condition(name, depth - 1, alias)
        pattern = self._dice.choice(["%a%", "a%", "_bc"])
        items = ", ".join(self._literal() for _ in range(self._dice.randint(1, 4)))
        return self._dice.choice(
            [
                comparison,
                f"{one} IS {self._dice.choice(['', 'NOT '])}NULL",
                f"({left} {self._dice.choice(['AND', 'OR'])} {right})",
                f"NOT ({left})",
                f"{self._path(name, alias)} {self._dice.choice(['', 'NOT '])}IN ({items})",
                f"{self._path(name, alias)} {self._dice.choice(['LIKE', 'ILIKE', 'NOT LIKE'])} '{pattern}'",
                f"{self._path(name, alias)} BETWEEN {self._literal()} AND {self._literal()}",
                f"({comparison}) IS NULL",
            ]
        )

    def _span_condition(self) -> str:
        one, other = self._condition("traces", 1), self._condition("traces", 1)
        return self._dice.choice(
            [
                one,
                f"any_span({one})",
                f"any_span({one}) AND any_span({other})",
                f"NOT any_span({one})",
                f"{one} AND filter_spans({other})",
                f"(any_span({one}) OR {other})",
            ]
        )

    def _aggregate(self, name: str) -> str:
        path = self._path(name)
        return self._dice.choice(
            [
                f"{self._dice.choice(['count', 'sum', 'avg', 'min', 'max', 'count_distinct'])}({path})",
                f"count_if({self._condition(name, 1)})",
                f"percentile({path}, {self._dice.choice(['0', '1'])})",
                f"string_agg({path}, ',' ORDER BY id)",
            ]
        )


def _source(name: str, shape: str = "") -> str:
    return f"project_logs('{name}'{f', shape => {shape!r}' if shape else ''})"
