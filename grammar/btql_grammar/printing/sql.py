"""Statements of a tree to SQL text.

A clause stands on a line of its own; queries inside others stand on one line.
What SQL has no words for (``infer``, ``span_filter``, the columns of a summary) is
refused with code B0113. Two things are printed as the nearest that means the same:
dimensions and measures as a select list with GROUP BY, ``trace_filter`` as FILTER_SPANS.
"""

from __future__ import annotations

from collections.abc import Iterable

from btql_grammar import build, tree
from btql_grammar.printing.expressions import OTHER, count
from btql_grammar.printing.sql_expressions import SqlExpressionPrinter, unsayable
from btql_grammar.quotes import double_quoted, name, single_quoted
from btql_grammar.sources import KINDS
from btql_grammar.sql.named import NOT_ALIASES, TABLE_FUNCTIONS
from btql_grammar.tree_statements import Delete, Explain, Insert, Update

_BTQL_CLAUSES = (
    "span_filter", "final_dimensions", "final_measures", "infer", "inference_budget", "comparison_key",
    "weighted_scores", "custom_columns",
)  # fmt: skip
_JOINS: dict[tree.JoinKind, str] = {
    "inner": "JOIN", "left": "LEFT JOIN", "right": "RIGHT JOIN", "full": "FULL JOIN", "cross": "CROSS JOIN",
}  # fmt: skip


class SqlPrinter(SqlExpressionPrinter):
    """Prints statements and expressions as SQL."""

    def statement(self, statement: tree.Statement) -> str:
        """Return a whole statement, a clause a line."""
        return "\n".join(self._lines(statement))

    def inner_query(self, statement: tree.Statement) -> str:
        """Return a query on one line, for a place in parentheses."""
        return " ".join(self._lines(statement))

    def _lines(self, statement: tree.Statement) -> list[str]:
        match statement:
            case tree.Query():
                return self._query(statement)
            case tree.SetOperation():
                return self._set_operation(statement)
            case tree.Values():
                return [f"VALUES {', '.join(f'({self.list(row)})' for row in statement.rows)}"]
            case Insert():
                return self._insert(statement)
            case Update():
                pairs = (
                    f"{self.path(field.path)} = {self.expression(value)}" for field, value in statement.assignments
                )
                lines = [f"UPDATE {self._relation(statement.target)}", f"SET {', '.join(pairs)}"]
                return lines + self._where(statement.filter)
            case Delete():
                head = ("DELETE FROM", self._relation(statement.target))
                return [" ".join(head), *self._where(statement.filter)]
            case Explain():
                words = ["ANALYZE"] * statement.analyze
                if statement.format != "text":
                    words = [f"({', '.join([*words, f'FORMAT {statement.format.upper()}'])})"]
                return [" ".join(["EXPLAIN", *words]), *self._explained(statement.query)]

    def _explained(self, statement: tree.Statement) -> list[str]:
        """Return the lines of what is explained, in the language that it was written in."""
        if isinstance(statement, tree.Query) and statement.language == "btql":
            from btql_grammar.printing.btql import BtqlPrinter

            return [BtqlPrinter().statement(statement)]
        return self._lines(statement)

    def _query(self, query: tree.Query) -> list[str]:
        for attribute in _BTQL_CLAUSES:
            if getattr(query, attribute) not in (None, ()):
                raise unsayable(f"`{attribute}`")
        select, groups = query.select, self._groups(query)
        if not select:
            select = query.dimensions
            groups = ", ".join(str(i + 1) for i in range(len(select))) if query.grouping_sets is None else groups
        pivot = self._pivot(query.pivot)
        clauses = (
            ("", self._with(query.with_)),
            (self._head(query), ", ".join(self._items((*select, *query.measures)))),
            ("FROM", self._source(query)),
            ("", " ".join(map(self._unpivot, query.unpivot))),
            ("", "" if groups else pivot),
            ("WHERE", self._filter(query)),
            ("GROUP BY", groups),
            ("", pivot if groups else ""),
            ("HAVING", self._optional(query.final_filter)),
            ("WINDOW", ", ".join(f"{name(key)} AS ({self.window(window)})" for key, window in query.windows)),
            ("TABLESAMPLE", _sample(query.sample)),
            *self._tail(query),
            ("OFFSET", self._cursor(query)),
            ("SETTINGS", self._settings(query)),
        )
        return [f"{word} {body}".strip() for word, body in clauses if body]

    def _head(self, query: tree.Query) -> str:
        if query.distinct_on:
            return f"SELECT DISTINCT ON ({self.list(query.distinct_on)})"
        return "SELECT DISTINCT" if query.distinct else "SELECT"

    def _tail(self, query: tree.Query | tree.SetOperation) -> tuple[tuple[str, str], ...]:
        return (
            ("ORDER BY", self.sort(query.sort)),
            ("LIMIT", count(query, "limit")),
            ("OFFSET", count(query, "offset")),
        )

    def _cursor(self, query: tree.Query) -> str:
        if query.cursor is not None and query.offset is not None:
            raise unsayable("a cursor and an offset in one query")
        return "" if query.cursor is None else single_quoted(query.cursor)

    def _settings(self, query: tree.Query) -> str:
        settings = query.settings
        if query.preview_length is not None:
            settings = (("preview_length", query.preview_length), *settings)
        return ", ".join(f"{name(key)} = {self.literal(tree.Literal(value))[0]}" for key, value in settings)

    def _filter(self, query: tree.Query) -> str:
        if query.trace_filter is None:
            return self._optional(query.filter)
        kept = tree.Call("filter_spans", (query.trace_filter,))
        return self.expression(kept if query.filter is None else build.connect("and", (query.filter, kept), query.span))

    def _groups(self, query: tree.Query) -> str:
        keys = [item.expression for item in query.dimensions]
        if query.grouping_sets is None:
            return self.list(keys)
        sets = (f"({self.list(keys[number] for number in numbers)})" for numbers in query.grouping_sets)
        return f"GROUPING SETS ({', '.join(sets)})"

    def _items(self, items: Iterable[tree.Item | tree.Star]) -> list[str]:
        texts: list[str] = []
        for item in items:
            text = self.star(item) if isinstance(item, tree.Star) else self.expression(item.expression)
            if not texts:
                text = self.after_word(text)
            alias = None if isinstance(item, tree.Star) else item.alias
            texts.append(text if alias is None else f"{text} AS {name(alias)}")
        return texts

    def _with(self, with_: tree.With | None) -> str:
        if with_ is None:
            return ""
        tables = (
            f"{name(table.name)}{_columns(table.columns)} AS ({self.inner_query(table.query)})"
            for table in with_.tables
        )
        return f"WITH {'RECURSIVE ' if with_.recursive else ''}{', '.join(tables)}"

    def _set_operation(self, node: tree.SetOperation) -> list[str]:
        lines = [self._with(node.with_)] if node.with_ is not None else []
        lines += self._operand(node.left, of=node, on_left=True)
        lines.append(f"{node.op.upper()} ALL" if node.all else node.op.upper())
        lines += self._operand(node.right, of=node, on_left=False)
        return lines + [f"{word} {body}" for word, body in self._tail(node) if body]

    def _operand(self, node: tree.Statement, *, of: tree.SetOperation, on_left: bool) -> list[str]:
        closed = False
        if isinstance(node, tree.Query | tree.SetOperation):
            closed = bool(node.sort or node.with_ or node.counts) or node.limit is not None or node.offset is not None
        if isinstance(node, tree.Query):
            closed = closed or bool(node.settings) or node.cursor is not None or node.preview_length is not None
        if isinstance(node, tree.SetOperation):
            stronger = node.op == "intersect" and of.op != "intersect"
            closed = closed or not (stronger or (on_left and (node.op == "intersect") == (of.op == "intersect")))
        return [f"({self.inner_query(node)})"] if closed else self._lines(node)

    # What stands behind FROM.

    def _source(self, query: tree.Query) -> str:
        source = query.source
        if source is None:
            return ""
        text = self._relation(source)
        shaped = query.unpivot or query.pivot is not None or query.sample is not None
        return f"({text})" if isinstance(source, tree.Join) and shaped else text

    def _relation(self, node: tree.Relation) -> str:
        match node:
            case tree.From():
                arguments = [single_quoted(argument) for argument in node.arguments]
                if node.shape != "spans":
                    arguments.append(f"shape => '{node.shape}'")
                return f"{_table_name(node.kind)}({', '.join(arguments)}){_alias(node.alias)}"
            case tree.Table():
                first, *rest = node.path
                text = ".".join([_table_name(first), *map(name, rest)])
                return f"{text}{_alias(node.alias, node.columns)}"
            case tree.Derived():
                lateral = "LATERAL " if node.lateral else ""
                return f"{lateral}({self.inner_query(node.query)}){_alias(node.alias, node.columns)}"
            case tree.TableCall():
                called = node.call.name
                hidden = called in KINDS or called not in TABLE_FUNCTIONS
                text = f"{'LATERAL ' if hidden else ''}{self.expression(node.call)}"
                ordinality = " WITH ORDINALITY" if node.ordinality else ""
                return f"{text}{ordinality}{_alias(node.alias, node.columns)}"
            case tree.Join():
                return self._join(node)

    def _join(self, node: tree.Join) -> str:
        left, right = self._relation(node.left), self._relation(node.right)
        if isinstance(node.right, tree.Join):
            right = f"({right})"
        text = f"{left} {'NATURAL ' if node.natural else ''}{_JOINS[node.kind]} {right}"
        if node.on is not None:
            return f"{text} ON {self.expression(node.on)}"
        return f"{text} USING{_columns(node.using)}" if node.using else text

    def _pivot(self, pivot: tree.Pivot | None) -> str:
        if pivot is None:
            return ""
        if pivot.column is None:
            raise unsayable("a pivot that does not name its column")
        column = self.expression(pivot.column, OTHER)
        return f"PIVOT ({', '.join(self._items(pivot.measures))} FOR {column} IN (ANY))"

    def _unpivot(self, item: tree.UnpivotItem) -> str:
        *keys, value = item.names
        key = "_" if not keys else double_quoted("_") if keys[0] == "_" else name(keys[0])
        return f"UNPIVOT ({name(value)} FOR {key} IN ({self.expression(item.expression)}))"

    # Statements that write.

    def _insert(self, node: Insert) -> list[str]:
        columns = f" ({', '.join(self.path(column) for column in node.columns)})" if node.columns else ""
        target = self._relation(node.target)
        if isinstance(node.target, tree.Table) and node.target.path[0].lower() in KINDS and len(node.target.path) == 1:
            # Behind the bare name of a kind, a parenthesis would hold names of objects.
            target = double_quoted(node.target.path[0]) + target[len(node.target.path[0]) :]
        lines = [f"INSERT INTO {target}{columns}", *self._lines(node.source)]
        if not node.merge:
            return lines
        conflict = "ON CONFLICT (id) DO UPDATE"
        if node.replaces:
            written = [self.path(column) for column in node.columns if column != ("id",)]
            conflict += f" SET {', '.join(f'{column} = EXCLUDED.{column}' for column in written)}"
        return [*lines, conflict]

    def _where(self, condition: tree.Expression | None) -> list[str]:
        return [] if condition is None else [f"WHERE {self.expression(condition)}"]

    def _optional(self, expression: tree.Expression | None) -> str:
        return "" if expression is None else self.expression(expression)


def _table_name(text: str) -> str:
    return double_quoted(text) if text.lower() in NOT_ALIASES else name(text)


def _columns(names: tuple[str, ...]) -> str:
    return f" ({', '.join(map(name, names))})" if names else ""


def _alias(alias: str | None, columns: tuple[str, ...] = ()) -> str:
    if alias is None and columns:
        raise unsayable("names of columns without a name of the table")
    return "" if alias is None else f" AS {name(alias)}{_columns(columns)}"


def _sample(sample: tree.Sample | None) -> str:
    if sample is None:
        return ""
    if sample.rate is None:
        size = f"{sample.count} ROWS"
    else:
        from decimal import Decimal  # Few queries have a sample.

        exact = Decimal(repr(sample.rate)).scaleb(2).normalize()
        size = f"{exact:f} PERCENT" if exact.adjusted() > -20 else f"{exact} PERCENT"
    return f"({size})" if sample.seed is None else f"({size}) REPEATABLE ({sample.seed})"
