"""Statements in our SQL dialect: a query, EXPLAIN, and those that write.

Writes are few, and each means what the store does: INSERT replaces rows with the
same id, with ON CONFLICT (id) DO UPDATE it merges into them, UPDATE merges into the
rows that its condition selects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from btql_grammar import build, tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_grammar.sql.cursor import unsupported
from btql_grammar.sql.explain import read_options
from btql_grammar.sql.queries import QueryParser
from btql_grammar.statements import refuse
from btql_grammar.tree_statements import Delete, Explain, Insert, Update

_ORDER = "SELECT, FROM, WHERE, GROUP BY, HAVING, WINDOW, ORDER BY, LIMIT, OFFSET, SETTINGS"
_CLAUSES = frozenset(["from", "where", "having", "window", "limit", "offset", "settings", "fetch"])
_BTQL_CLAUSES = frozenset((
    "select", "from", "filter", "dimensions", "measures", "sort", "limit", "pivot", "unpivot", "sample", "cursor",
    "final_filter",
))  # fmt: skip
_MISPLACED = {"group": "GROUP BY", "order": "ORDER BY", "by": "ORDER BY"}


class StatementParser(QueryParser):
    """Reads a whole text."""

    def read_statement(self) -> tree.Statement:
        """Return the statement that is all of the text."""
        statement = self._explain() if self.at("explain") else self._statement()
        self.finish()
        return statement

    def finish(self) -> None:
        """Raise unless nothing but semicolons is left."""
        if self.at(";"):
            while self.at(";"):
                self.step()
            if self.token.kind != "end":
                raise BtqlError.of(
                    "B0111",
                    "a text can hold only one query",
                    self.here(),
                    "a second query",
                    help="send them one by one",
                )
        if self.token.kind != "end":
            self._fail_at_rest()

    def _fail_at_rest(self) -> None:
        before, word = self.previous(), self.word
        help_: str | None = None
        if word == ":" and before.word in _BTQL_CLAUSES:
            help_ = f"the text began as SQL; in BTQL every clause has a colon: `select: ... {before.word}: ...`"
        elif word in _CLAUSES or (word in _MISPLACED and self.ahead().word == "by"):
            help_ = f"the clauses stand in this order: {_ORDER}"
        elif word in _MISPLACED:
            help_ = f"write `{_MISPLACED[word]}`"
        elif word == "returning":
            raise unsupported("RETURNING", self.here(), "query the rows after the statement")
        operator = "an operator, " if help_ is None and before.word != "*" else ""
        self.fail(f"{operator}a clause or the end of the query", help_)

    def _explain(self) -> tree.Statement:
        start = self.step().span
        analyze, form = read_options(self)
        if self.at("explain"):
            self.fail("a statement to explain", "write EXPLAIN once")
        return Explain(self._statement(), analyze, form, span=self.since(start))

    def _statement(self) -> tree.Statement:  # noqa: RET503 - fail() never returns
        match self.word:
            case "insert":
                return self._insert()
            case "update":
                return self._update()
            case "delete":
                return self._delete()
            case "select" | "values" | "(":
                return self.read_query()
            case "with":
                return self._with_statement()
            case word:
                if self.token.kind == "word":
                    refuse(word, self.here())
                self.fail("SELECT, or another statement")

    def _with_statement(self) -> tree.Statement:
        start = self.here()
        with_ = self.read_with()
        if not self.at("insert"):
            return self.read_query_behind(with_, start)
        made = self._insert()
        return replace(made, source=self.with_before(made.source, with_), span=self.since(start))

    def _insert(self) -> Insert:
        start = self.step().span
        if self.at("or"):
            raise unsupported("INSERT OR …", self.here(), "write INSERT alone: it replaces rows that have the same id")
        if not self.accept("into"):
            self.fail("`INTO`", "write `INSERT INTO project_logs('name') (id, input) VALUES ('x', 'y')`")
        target = self.read_target()
        if self.at("as"):
            target = replace(target, alias=self.read_alias())
        columns = self._columns() if self.at("(") and not self.is_query_in_parentheses() else ()
        if self.at("default", "overriding"):
            raise unsupported(f"{self.word.upper()} {self.ahead().word.upper()}", self.here(), "write the values")
        if self.word not in ("values", "select", "with", "("):
            self.fail("VALUES or SELECT")
        source = self.read_query()
        self._check_width(columns, source)
        merge = self.at("on")
        replaces = merge and self._conflict(columns)
        return Insert(target, columns, source, span=self.since(start), merge=merge, replaces=replaces)

    def _columns(self) -> tuple[tuple[str | int, ...], ...]:
        self.require("(")
        columns: list[tuple[str | int, ...]] = []
        while not columns or self.accept(","):
            column = self._column()
            _refuse_overlap(column, columns)
            columns.append(column.path)
        self.require(")")
        return tuple(columns)

    def _column(self) -> tree.Identifier:
        """Return the path that comes next, of a field that is written."""
        start = self.here()
        column: tree.Expression = tree.Identifier((self.read_name(),), span=start)
        column = self.follow(column)
        if not isinstance(column, tree.Identifier):
            raise BtqlError.of(
                "B0109", "only a field can be written to", column.span, "not a field", help="write `metadata.key`"
            )
        return column

    def _check_width(self, columns: tuple[tuple[str | int, ...], ...], source: tree.Statement) -> None:
        if columns and isinstance(source, tree.Values) and len(source.rows[0]) != len(columns):
            raise BtqlError.of(
                "B0109", f"{len(columns)} columns are named, and a row has {len(source.rows[0])}", source.span,
                "another number of values", help="give one value for each column",
            )  # fmt: skip

    def _conflict(self, columns: tuple[tuple[str | int, ...], ...]) -> bool:
        """Step over what happens to rows with the same id; return whether SET says it."""
        start = self.here()
        self.require("on", "conflict")
        if self.at("("):
            place = self.here()
            if self.read_names() != ("id",):
                raise BtqlError.of(
                    "B0109", "rows are told apart by `id` alone", self.since(place), "not the id",
                    help="write `ON CONFLICT (id) DO UPDATE`",
                )  # fmt: skip
        self.require("do")
        if self.at("nothing"):
            way_out = "insert only what is missing: `INSERT ... SELECT ... WHERE id NOT IN (SELECT id FROM ...)`"
            raise unsupported("ON CONFLICT DO NOTHING", self.since(start).to(self.here()), way_out)
        self.require("update")
        if not self.accept("set"):
            return False
        self._check_excluded(columns, start)
        return True

    def _check_excluded(self, columns: tuple[tuple[str | int, ...], ...], start: Span) -> None:
        """``SET a = EXCLUDED.a`` for every column is what a merge can do; anything else cannot be done."""
        named: set[tuple[str | int, ...]] = set()
        fits = True
        while not named or self.accept(","):
            column = self._column()
            self.require("=")
            value = self.read_expression()
            named.add(column.path)
            path = value.path if isinstance(value, tree.Identifier) else ()
            fits = fits and str(path[:1]).lower() == "('excluded',)" and path[1:] == column.path
        if not fits or self.at("where") or not named <= set(columns) or set(columns) - named > {("id",)}:
            raise unsupported(
                "ON CONFLICT … DO UPDATE with other assignments", self.since(start),
                "write `ON CONFLICT (id) DO UPDATE`, which merges all columns, or a separate UPDATE",
            )  # fmt: skip

    def _update(self) -> tree.Statement:
        start = self.step().span
        target = self._aliased_target()
        if not self.accept("set"):
            self.fail("`SET`", "write `UPDATE project_logs('name') SET metadata.key = 1 WHERE id = 'x'`")
        assignments = self._assignments()
        while self.accept(","):
            assignments += self._assignments()
        for number, (column, _) in enumerate(assignments):
            _refuse_overlap(column, [other.path for other, _ in assignments[:number]])
        if self.at("from"):
            raise unsupported("UPDATE … FROM", self.here(), "take the values from a subquery: `SET a = (SELECT ...)`")
        condition = self.read_expression() if self.accept("where") else None
        return Update(target, tuple(assignments), condition, span=self.since(start))

    def _aliased_target(self) -> tree.From | tree.Table:
        target = self.read_target()
        if self.at("set", "where", "using"):
            return target
        return replace(target, alias=self.read_alias())

    def _assignments(self) -> list[tuple[tree.Identifier, tree.Expression]]:
        if not self.at("("):
            column = self._column()
            self.require("=")
            if self.at("default"):
                raise unsupported("DEFAULT", self.here(), "write NULL, or the value itself")
            return [(column, self.read_expression())]
        self.step()
        columns = [self._column()]
        while self.accept(","):
            columns.append(self._column())
        self.require(")", "=")
        value = self.read_expression()
        items = value.items if isinstance(value, tree.Row) else (value,)
        if len(items) != len(columns):
            raise BtqlError.of(
                "B0109", f"{len(columns)} fields are named, and {len(items)} given", value.span,
                "another number of values", help="write the assignments one by one: `SET a = 1, b = 2`",
            )  # fmt: skip
        return list(zip(columns, items, strict=True))

    def _delete(self) -> tree.Statement:
        start = self.step().span
        if not self.accept("from"):
            self.fail("`FROM`", "write `DELETE FROM project_logs('name') WHERE id = 'x'`")
        target = self._aliased_target()
        if self.at("using"):
            raise unsupported("DELETE … USING", self.here(), "select the rows: `WHERE id IN (SELECT id FROM ...)`")
        condition = self.read_expression() if self.accept("where") else None
        return Delete(target, condition, span=self.since(start))


def _refuse_overlap(column: tree.Identifier, others: Sequence[tuple[str | int, ...]]) -> None:
    """Raise where a field that is written is one of the others, or has one inside, or is inside one."""
    path = column.path
    if path in others:
        raise BtqlError.of("B0109", "the column stands twice", column.span, "again", help="remove one")
    if any(path[: len(other)] == other[: len(path)] for other in others):
        raise BtqlError.of(
            "B0109", "of two columns one is inside the other", column.span, "this one",
            help="write the outer one whole: `metadata = {a: 1, b: 2}`",
        )  # fmt: skip


def build_expression(parser: StatementParser) -> tree.Expression:
    """Return the expression that is all of the text."""
    expression = parser.read_expression()
    if parser.word == ";":
        raise BtqlError.of("B0101", "an expression has no `;`", parser.here(), "here", help="remove it")
    parser.finish()
    return build.spanned(expression, expression.span)
