"""Tree to SQL text."""

from __future__ import annotations

from collections.abc import Iterable

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.lexer import RESERVED
from btql_grammar.print_expressions import ATOM, ExpressionPrinter, Leveled, name, single_quoted


class SqlPrinter(ExpressionPrinter):
    """Prints statements and expressions as SQL."""

    reserved = RESERVED | {"select", "from", "where", "having", "limit", "offset", "distinct"}

    def statement(self, statement: tree.Statement) -> str:
        """Return a whole statement."""
        if not isinstance(statement, tree.Query):
            raise unprintable(type(statement).__name__)
        return self.query(statement)

    def query(self, query: tree.Query) -> str:
        """Return a SELECT."""
        select, groups = query.select, self.list(item.expression for item in query.dimensions)
        if not select:
            select = query.dimensions
            groups = ", ".join(str(i + 1) for i in range(len(select)))
        clauses = (
            ("SELECT", self._items((*select, *query.measures), distinct=query.distinct)),
            ("FROM", self._source(query.source)),
            ("WHERE", self._optional(query.filter)),
            ("GROUP BY", groups),
            ("HAVING", self._optional(query.final_filter)),
            ("ORDER BY", self._sort(query.sort)),
            ("LIMIT", _number(query.limit)),
            ("OFFSET", _number(query.offset)),
        )
        return "\n".join(f"{word} {body}" for word, body in clauses if body)

    def word(self, word: str) -> str:
        """Return a keyword: SQL has them in upper case."""
        return word.upper()

    def special(self, node: tree.Expression) -> Leveled:
        """Return the text of a node that SQL spells its own way."""
        match node:
            case tree.Star():
                return "*", ATOM
            case tree.Call():
                distinct = "DISTINCT " if node.distinct and node.arguments else ""
                return f"{node.name}({distinct}{self.list(node.arguments)})", ATOM
            case tree.Includes():
                return f"includes({self.expression(node.haystack)}, {self.expression(node.needle)})", ATOM
            case tree.If():
                branches = (f"WHEN {self.expression(c)} THEN {self.expression(t)}" for c, t in node.branches)
                return f"CASE {' '.join(branches)} ELSE {self.expression(node.otherwise)} END", ATOM
            case tree.Cast():
                return f"CAST({self.expression(node.expression)} AS {node.type_name})", ATOM
            case _:
                raise unprintable(type(node).__name__)

    def _items(self, items: Iterable[tree.Item | tree.Star], *, distinct: bool = False) -> str:
        texts = [self._item(item) for item in items]
        return f"{'DISTINCT ' if distinct and texts else ''}{', '.join(texts)}"

    def _item(self, item: tree.Item | tree.Star) -> str:
        if isinstance(item, tree.Star):
            return "*"
        text = self.expression(item.expression)
        return text if item.alias is None else f"{text} AS {name(item.alias)}"

    def _source(self, source: tree.Relation | None) -> str:
        match source:
            case None:
                return ""
            case tree.From():
                arguments = [single_quoted(argument) for argument in source.arguments]
                if source.shape != "spans":
                    arguments.append(f"shape => '{source.shape}'")
                text = f"{name(source.kind)}({', '.join(arguments)})" if arguments else name(source.kind)
                return text if source.alias is None else f"{text} AS {name(source.alias)}"
            case tree.Table():
                text = ".".join(map(name, source.path))
                return text if source.alias is None else f"{text} AS {name(source.alias)}"
            case _:
                raise unprintable(type(source).__name__)

    def _sort(self, items: Iterable[tree.SortItem]) -> str:
        texts: list[str] = []
        for item in items:
            text = self.expression(item.expression)
            if item.direction == "desc":
                text += " DESC"
            if item.nulls is not None:
                text += f" NULLS {item.nulls.upper()}"
            texts.append(text)
        return ", ".join(texts)

    def _optional(self, expression: tree.Expression | None) -> str:
        return "" if expression is None else self.expression(expression)


def unprintable(what: str) -> BtqlError:
    """Return the error for what SQL cannot say."""
    return BtqlError.of("B0113", f"SQL text cannot say this: {what}", help="use BTQL or the JSON form")


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
