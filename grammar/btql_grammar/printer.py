"""Tree to canonical text, in either language.

Reading the text again gives an equal tree; the tests hold the printer to that.
Parentheses are printed where the precedences need them and nowhere else. BTQL
gets lower-case words and one clause a line, SQL upper-case words.

A few trees have no text of their own, because only the public JSON form can
express them. They are printed as the nearest thing: a lone field whose name
needs quotes (in the text the binder decides whether quotes mean a field), and in
SQL the operator INCLUDES (printed as a call), and dimensions and measures
(printed as a select list with GROUP BY, which means the same).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import assert_never

from btql_grammar import build, tree
from btql_grammar.lexer import RESERVED, is_plain_after_distinct

_NAME = re.compile(r"[^\W\d][\w$]*")
_CHOICE, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _UNARY, _ATOM = range(9)
_SIGNS: dict[tree.ComparisonOp, str] = {
    "eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "nseq": "<=>", "nsne": "<!=>",
    "is": "is", "like": "like", "ilike": "ilike", "match": "match", "in": "in",
}  # fmt: skip
_ARITHMETIC = {op: sign for sign, op in build.ARITHMETIC.items()}
_SQL_RESERVED = RESERVED | {"select", "from", "where", "having", "limit", "offset", "distinct"}


def print_btql(query: tree.Query) -> str:
    """Return the query as BTQL text."""
    return _Printer("btql").btql(query)


def print_sql(query: tree.Query) -> str:
    """Return the query as SQL text."""
    return _Printer("sql").sql(query)


def print_expression(expression: tree.Expression, language: tree.Language = "btql") -> str:
    """Return the expression as it stands inside a query of the language."""
    return _Printer(language).expression(expression)


class _Printer:
    """Prints in one language."""

    def __init__(self, language: tree.Language) -> None:
        self._sql = language == "sql"

    # Queries.

    def btql(self, query: tree.Query) -> str:
        clauses = (
            ("select", self._items(query.select, distinct=query.distinct)),
            ("from", self._source(query.source)),
            ("filter", self._optional(query.filter)),
            ("dimensions", self._items(query.dimensions)),
            ("measures", self._items(query.measures)),
            ("final_filter", self._optional(query.final_filter)),
            ("sort", self._sort(query.sort)),
            ("limit", _number(query.limit)),
            ("offset", _number(query.offset)),
        )
        return "\n".join(f"{name}: {body}" for name, body in clauses if body)

    def sql(self, query: tree.Query) -> str:
        select, groups = query.select, self._list(item.expression for item in query.dimensions)
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
        return "\n".join(f"{name} {body}" for name, body in clauses if body)

    def _items(self, items: Iterable[tree.Item | tree.Star], *, distinct: bool = False) -> str:
        texts = [self._item(item, after_distinct=distinct and i == 0) for i, item in enumerate(items)]
        return f"{self._word('distinct ') if distinct and texts else ''}{', '.join(texts)}"

    def _item(self, item: tree.Item | tree.Star, *, after_distinct: bool) -> str:
        if isinstance(item, tree.Star):
            return "*"
        text = self._after_distinct(item.expression) if after_distinct else self.expression(item.expression)
        return text if item.alias is None else f"{text} {self._word('as')} {_name(item.alias)}"

    def _source(self, source: tree.From | None) -> str:
        if source is None:
            return ""
        arguments = [_text(argument) for argument in source.arguments]
        if self._sql and source.shape != "spans":
            arguments.append(f"shape => '{source.shape}'")
        text = _name(source.kind) if self._sql else source.kind
        if arguments:
            text += f"({', '.join(arguments)})"
        if not self._sql and source.shape != "spans":
            text += f" {source.shape}"
        return text if source.alias is None else f"{text} {self._word('as')} {_name(source.alias)}"

    def _sort(self, items: Iterable[tree.SortItem]) -> str:
        texts: list[str] = []
        for item in items:
            text = self.expression(item.expression)
            if item.direction == "desc":
                text += self._word(" desc")
            if item.nulls is not None:
                text += self._word(f" nulls {item.nulls}")
            texts.append(text)
        return ", ".join(texts)

    def _optional(self, expression: tree.Expression | None) -> str:
        return "" if expression is None else self.expression(expression)

    # Expressions.

    def expression(self, node: tree.Expression, level: int = _CHOICE) -> str:
        """Return ``node`` as text that may stand where ``level`` is expected."""
        text, own = self._leveled(node)
        return f"({text})" if own < level else text

    def _list(self, nodes: Iterable[tree.Expression]) -> str:
        return ", ".join(self.expression(node) for node in nodes)

    def _leveled(self, node: tree.Expression) -> tuple[str, int]:
        match node:
            case tree.Literal():
                return self._literal(node)
            case tree.Array():
                return f"[{self._list(node.items)}]", _ATOM
            case tree.Object():
                pairs = (f"{_name(key)}: {self.expression(value)}" for key, value in node.items)
                return f"{{{', '.join(pairs)}}}", _ATOM
            case tree.Interval():
                return self._word(f"interval {node.value} {node.unit}"), _ATOM
            case tree.Identifier():
                return self._path(node.path), _ATOM
            case tree.Star():
                return "*", _ATOM
            case tree.Call():
                if node.distinct and node.arguments:
                    first, *rest = node.arguments
                    texts = [f"{self._word('distinct')} {self._after_distinct(first)}", *map(self.expression, rest)]
                    return f"{node.name}({', '.join(texts)})", _ATOM
                return f"{node.name}({self._list(node.arguments)})", _ATOM
            case tree.Comparison():
                return self._comparison(node.left, _SIGNS[node.op], node.right), _COMPARISON
            case tree.Includes():
                if self._sql:
                    return f"includes({self.expression(node.haystack)}, {self.expression(node.needle)})", _ATOM
                return self._comparison(node.haystack, "includes", node.needle), _COMPARISON
            case tree.Boolean():
                own = _OR if node.op == "or" else _AND
                word = self._word(f" {node.op} ")
                return word.join(self.expression(child, own + 1) for child in node.children), own
            case tree.Not():
                return self._not(node.expression)
            case tree.IsNull():
                test = self._word("is not null" if node.negated else "is null")
                return f"{self.expression(node.expression, _SUM)} {test}", _COMPARISON
            case tree.Negative():
                text = self.expression(node.expression, _UNARY)
                # Two minus signs in a row would begin a comment.
                return f"-({text})" if text.startswith("-") else f"-{text}", _UNARY
            case tree.Arithmetic():
                own = _SUM if node.op in ("add", "sub") else _PRODUCT
                left, right = self.expression(node.left, own), self.expression(node.right, own + 1)
                return f"{left} {_ARITHMETIC[node.op]} {right}", own
            case tree.If():
                return self._if(node)
            case _:
                assert_never(node)

    def _comparison(self, left: tree.Expression, operator: str, right: tree.Expression) -> str:
        operator = self._word(operator)
        if operator.lower().endswith("in") and isinstance(right, tree.Array):
            return f"{self.expression(left, _SUM)} {operator} ({self._list(right.items)})"
        level = _ATOM if operator.lower().endswith("in") else _SUM
        return f"{self.expression(left, _SUM)} {operator} {self.expression(right, level)}"

    def _after_distinct(self, expression: tree.Expression) -> str:
        text = self.expression(expression)
        # Before some words BTQL takes `distinct` for a field; a parenthesis makes it clear.
        return text if self._sql or is_plain_after_distinct(text) else f"({text})"

    def _not(self, inner: tree.Expression) -> tuple[str, int]:
        match inner:
            case tree.Comparison(op="is"):
                return self._comparison(inner.left, "is not", inner.right), _COMPARISON
            case tree.Comparison(op="like" | "ilike" | "match" | "in"):
                return self._comparison(inner.left, f"not {inner.op}", inner.right), _COMPARISON
            case tree.Includes() if not self._sql:
                return self._comparison(inner.haystack, "not includes", inner.needle), _COMPARISON
            case _:
                return f"{self._word('not')} {self.expression(inner, _NOT)}", _NOT

    def _if(self, node: tree.If) -> tuple[str, int]:
        if self._sql:
            branches = (f"WHEN {self.expression(c)} THEN {self.expression(t)}" for c, t in node.branches)
            return f"CASE {' '.join(branches)} ELSE {self.expression(node.otherwise)} END", _ATOM
        parts = (f"{self.expression(c, _OR)} ? {self.expression(t)} : " for c, t in node.branches)
        return f"{''.join(parts)}{self.expression(node.otherwise, _OR)}", _CHOICE

    def _literal(self, node: tree.Literal) -> tuple[str, int]:
        value = node.value
        if value is None or isinstance(value, bool):
            return self._word("null" if value is None else str(value).lower()), _ATOM
        if isinstance(value, str):
            return (_double(value) if node.double_quoted else _text(value)), _ATOM
        text = repr(value)
        return text, _UNARY if text.startswith("-") else _ATOM

    def _path(self, path: tuple[str | int, ...]) -> str:
        first, *rest = path
        reserved = _SQL_RESERVED if self._sql else RESERVED
        text = _double(str(first)) if str(first).lower() in reserved else _name(str(first))
        return text + "".join(f"[{piece}]" if isinstance(piece, int) else f".{_name(piece)}" for piece in rest)

    def _word(self, word: str) -> str:
        return word.upper() if self._sql else word


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _name(name: str) -> str:
    """Return a name for a place where any word may stand: quoted only where it is no word."""
    return name if _NAME.fullmatch(name) else _double(name)


def _text(value: str) -> str:
    if "\0" in value:
        # Only a text in double quotes can spell this character.
        return _double(value)
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _double(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '""').replace("\0", "\\u0000")
    return f'"{escaped}"'
