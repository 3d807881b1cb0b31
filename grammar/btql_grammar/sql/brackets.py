"""Brackets of our SQL dialect: lists, objects, and parentheses, which may hold a query.

Where a query may stand, parentheses around it count as nothing: ``IN ((SELECT 1))`` is
``IN (SELECT 1)``, and ``((SELECT 1) UNION (SELECT 2))`` is one query.
"""

from __future__ import annotations

from abc import abstractmethod

from btql_grammar import build, quotes, tree
from btql_grammar.span import Span
from btql_grammar.sql.cursor import SQL_RESERVED, Cursor
from btql_grammar.sql.tokens import Token

_OPERAND_WORDS = ("null", "true", "false", "case", "not")
_NO_OPERANDS = SQL_RESERVED | {
    "order", "group", "window", "fetch", "settings", "into", "union", "intersect", "except", "filter", "over", "at",
    "isnull", "isnotnull", "notnull", "match", "includes", "contains", "similar", "ignore", "respect",
}  # fmt: skip


class BracketParser(Cursor):
    """Reads what stands in brackets."""

    @abstractmethod
    def read_expression(self) -> tree.Expression:
        """Return the expression that comes next, operators included."""

    @abstractmethod
    def read_query(self) -> tree.Statement:
        """Return the query that comes next."""

    @abstractmethod
    def continue_query(self, first: tree.Statement, start: Span) -> tree.Statement:
        """Return the query that begins with ``first``, in parentheses of its own: ``(SELECT 1) UNION …``."""

    def read_array(self, close: str) -> tree.Array:
        """Return the list in brackets that comes next."""
        start = self.step().span
        items = [] if self.word == close else self.read_list(close)
        self.require(close)
        return tree.Array(tuple(items), span=self.since(start))

    def read_list(self, close: str) -> list[tree.Expression]:
        """Return one or more expressions with commas between, up to ``close``."""
        items = [self.read_expression()]
        while self.accept(","):
            items.append(self.read_expression())
        if self.word != close:
            self.fail(f"`,` or `{close}`")
        return items

    def read_object(self) -> tree.Expression:
        """Return the ``{key: value}`` that comes next."""
        start = self.step().span
        items: list[tuple[str, tree.Expression]] = []
        while not self.at("}"):
            if items and not self.accept(","):
                self.fail("`,` or `}`")
            key = quotes.unquoted_single(self.text_of(self.step())) if self.token.kind == "string" else self.read_name()
            self.require(":")
            items.append((key, self.read_expression()))
        self.step()
        return tree.Object(tuple(items), span=self.since(start))

    def skip_all(self) -> None:
        """Step over ALL where it is the opposite of DISTINCT and not a field of that name."""
        after = self.ahead()
        if self.at("all") and (after.kind in ("string", "number", "quoted") or _is_operand(after)):
            self.step()

    def is_query_in_parentheses(self) -> bool:
        """Tell whether the parentheses that come next hold a query and nothing else."""
        count = 0
        while self.ahead(count).word == "(":
            count += 1
        return self.is_query(count)

    def is_query(self, count: int = 0) -> bool:
        """Tell whether a query begins at the token ``count`` behind the one that comes next."""
        token, after = self.ahead(count), self.ahead(count + 1)
        match token.word:
            case "select":
                return True
            case "values":
                return after.word == "("
            case "with":
                return (self.is_name(after) and self.ahead(count + 2).word in ("as", "(", "recursive")) or (
                    after.word == "recursive"
                )
            case _:
                return False

    def read_query_or_list(self) -> tree.Statement | list[tree.Expression]:
        """Return what the parentheses hold that have just been opened."""
        if self.is_query():
            return self.read_query()
        items = [] if self.at(")") else [self.read_expression()]
        first = items[0] if items else None
        if isinstance(first, tree.Subquery) and self.at("union", "intersect", "except", "order", "limit", ")"):
            return self.continue_query(first.query, first.span)
        while items and self.accept(","):
            items.append(self.read_expression())
        if not self.at(")"):
            self.fail("`,` or `)`")
        return items

    def read_parenthesis(self) -> tree.Expression:
        """Return what the parentheses hold that come next: an expression, a row of several, or a query."""
        start = self.step().span
        if self.is_query():
            query = self.read_query()
            self.require(")")
            return tree.Subquery(query, span=self.since(start))
        inner = self.read_expression()
        if isinstance(inner, tree.Subquery) and self.at("union", "intersect", "except", "order", "limit"):
            query = self.continue_query(inner.query, inner.span)
            self.require(")")
            return tree.Subquery(query, span=self.since(start))
        if self.at(","):
            items = [inner]
            while self.accept(","):
                items.append(self.read_expression())
            self.require(")")
            return tree.Row(tuple(items), span=self.since(start))
        self.require(")")
        return build.spanned(inner, self.since(start))


def _is_operand(token: Token) -> bool:
    """Tell whether the word ``token``, behind ALL, begins an operand."""
    return token.kind == "word" and (token.word in _OPERAND_WORDS or token.word not in _NO_OPERANDS)
