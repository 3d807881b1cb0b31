"""Whole queries in our SQL dialect: WITH, set operations, VALUES, and what stands behind them all.

ORDER BY, LIMIT, OFFSET and SETTINGS belong to the query before them, be it a SELECT or
a UNION. Where that is a query in parentheses with such clauses of its own, it becomes a
subquery, or, where both say the same thing twice, an error.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal as Choice

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_grammar.sql.cursor import unsupported
from btql_grammar.sql.tails import Tail, TailParser

_WRITES = ("insert", "update", "delete", "merge")


class QueryParser(TailParser):
    """Reads a query of any form."""

    def read_query(self) -> tree.Statement:
        """Return the query that comes next."""
        start = self.here()
        return self.read_query_behind(self.read_with(), start)

    def read_query_behind(self, with_: tree.With | None, start: Span) -> tree.Statement:
        """Return the query that comes next, behind its WITH, which began at ``start``."""
        if with_ is not None and self.at(*_WRITES):
            raise unsupported(f"WITH before {self.word.upper()}", self.here(), "put the query into the statement")
        made = self._unions()
        return self._finished(made, self.read_tail(), with_, start)

    def with_before(self, query: tree.Statement, with_: tree.With | None) -> tree.Statement:
        """Return ``query`` with ``with_`` before it."""
        return self._finished(query, Tail(), with_, query.span)

    def continue_query(self, first: tree.Statement, start: Span) -> tree.Statement:
        """Return the query that begins with ``first``, in parentheses of its own: ``(SELECT 1) UNION …``."""
        return self._finished(self._unions(replace(first, span=start)), self.read_tail(), None, start)

    def read_with(self) -> tree.With | None:
        """Return the WITH that comes next, if it does."""
        if not self.at("with"):
            return None
        start = self.step().span
        recursive = self.accept("recursive")
        tables = [self._common_table()]
        while self.accept(","):
            tables.append(self._common_table())
        for i, table in enumerate(tables):
            if any(table.name == other.name for other in tables[:i]):
                raise BtqlError.of(
                    "B0109", f"two queries are called `{table.name}`", table.span, "called so again",
                    help="give it another name",
                )  # fmt: skip
        return tree.With(tuple(tables), recursive, span=self.since(start))

    def _common_table(self) -> tree.CommonTable:
        start = self.here()
        name = self.read_name()
        forgotten = self.is_query(1) and self.ahead(2).word not in (",", ")")
        columns = self.read_names() if self.at("(") and not forgotten else ()
        span = self.since(start)
        if not self.accept("as"):
            self.fail("`AS`", f"write `WITH {name} AS (SELECT ...)`")
        self.accept("not")
        self.accept("materialized")
        self.require("(")
        if self.at(*_WRITES):
            raise unsupported(f"{self.word.upper()} inside WITH", self.here(), "send the statements one by one")
        query = self.read_query()
        self.require(")")
        if self.at("search", "cycle"):
            raise unsupported(f"{self.word.upper()} behind WITH", self.here(), "compute the order in the query")
        return tree.CommonTable(name, query, columns, span=span)

    def _unions(self, first: tree.Statement | None = None) -> tree.Statement:
        left = self._intersections(first)
        while self.at("union", "except"):
            left = self._combined(left)
        return left

    def _intersections(self, first: tree.Statement | None = None) -> tree.Statement:
        left = self._term() if first is None else first
        while self.at("intersect"):
            left = self._combined(left)
        return left

    def _combined(self, left: tree.Statement) -> tree.Statement:
        op: Choice["union", "intersect", "except"] = self.step().word  # type: ignore[assignment]
        all_ = self.accept("all")
        if not all_:
            self.accept("distinct")
        if (self.at("by") and self.ahead().word == "name") or self.at("corresponding"):
            raise unsupported(f"{op.upper()} by name", self.here(), "list the columns of both queries in one order")
        right = self._term() if op == "intersect" else self._intersections()
        return tree.SetOperation(op, left, right, all_, span=left.span.to(right.span))

    def _term(self) -> tree.Statement:
        start = self.here()
        if self.at("("):
            self.step()
            query = self.read_query()
            self.require(")")
            return replace(query, span=self.since(start))
        if self.at("values"):
            return self.read_values()
        if not self.at("select"):
            self.fail("SELECT, VALUES or a query in parentheses")
        return self.read_select()

    def read_values(self) -> tree.Values:
        """Return the VALUES that come next."""
        start = self.require("values").span
        rows: list[tuple[tree.Expression, ...]] = []
        while not rows or self.accept(","):
            place = self.require("(").span
            rows.append(self._value_row())
            if len(rows[-1]) != len(rows[0]):
                raise BtqlError.of(
                    "B0404", f"the first row has {len(rows[0])} values, this one has {len(rows[-1])}",
                    self.since(place), "another length", help="give every row the same number of values",
                )  # fmt: skip
        return tree.Values(tuple(rows), span=self.since(start))

    def _value_row(self) -> tuple[tree.Expression, ...]:
        items: list[tree.Expression] = []
        while not items or self.accept(","):
            if self.at("default") and self.ahead().word in (",", ")"):
                raise unsupported("DEFAULT among the values", self.here(), "leave the column out, or write NULL")
            items.append(self.read_expression())
        if not self.at(")"):
            self.fail("`,` or `)`")
        self.step()
        return tuple(items)

    def _finished(self, made: tree.Statement, tail: Tail, with_: tree.With | None, start: Span) -> tree.Statement:
        """Return ``made`` with what stands behind and before it."""
        if with_ is None and tail.empty():
            return made
        span = self.since(start)
        if not isinstance(made, tree.Query | tree.SetOperation) or self._is_own(made, tail, with_):
            made = _around(made)
        if isinstance(made, tree.SetOperation):
            if tail.cursor is not None or tail.settings_span is not None:
                what = "SETTINGS" if tail.cursor is None else "OFFSET with a cursor"
                place = tail.settings_span or made.span
                raise unsupported(f"{what} behind {made.op.upper()}", place, "put the query around it")
            return replace(
                made, sort=tail.sort or made.sort, limit=tail.limit if made.limit is None else made.limit,
                offset=tail.offset if made.offset is None else made.offset, with_=with_ or made.with_, span=span,
                counts=(*made.counts, *tail.counts.items()),
            )  # fmt: skip
        assert isinstance(made, tree.Query), "anything else has become a query"
        return replace(
            made, sort=tail.sort or made.sort, limit=tail.limit if made.limit is None else made.limit,
            offset=tail.offset if made.offset is None else made.offset,
            cursor=tail.cursor if made.cursor is None else made.cursor,
            preview_length=made.preview_length if tail.preview_length is None else tail.preview_length,
            settings=tail.settings or made.settings, with_=with_ or made.with_, span=span,
            counts=(*made.counts, *tail.counts.items()),
        )  # fmt: skip

    def _is_own(self, made: tree.Query | tree.SetOperation, tail: Tail, with_: tree.With | None) -> bool:
        """Tell whether ``made``, from parentheses, has clauses that those behind it must leave alone."""
        cursor = made.cursor if isinstance(made, tree.Query) else None
        cuts = made.limit is not None or made.offset is not None or cursor is not None or bool(made.counts)
        if (tail.sort and made.sort and not cuts) or (tail.cuts() and cuts and not tail.sort):
            what = "ORDER BY" if tail.sort else "LIMIT or OFFSET"
            raise BtqlError.of(
                "B0104", f"the query in parentheses has {what} already", made.span, "this query",
                help="remove one of them",
            )  # fmt: skip
        settings = isinstance(made, tree.Query) and (made.settings or made.preview_length is not None)
        return (
            (cuts and bool(tail.sort))
            or (with_ is not None and made.with_ is not None)
            or (tail.settings_span is not None and bool(settings))
        )


def _around(made: tree.Statement) -> tree.Query:
    """Return ``SELECT * FROM (made)``."""
    return tree.Query(
        select=(tree.Star(span=made.span),), source=tree.Derived(made, span=made.span), span=made.span, language="sql"
    )
