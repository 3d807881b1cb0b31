"""The operands of our SQL dialect: literals, paths, calls, CAST, CASE, and brackets.

Paths have quoted pieces and indexes from 0. A lone text in double quotes stays
a text with a mark: the binder decides whether it names a field.
"""

from __future__ import annotations

import re
from abc import abstractmethod

from sqlglot.tokenizer_core import Token, TokenType

from btql_grammar import build, tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.lexer import is_interval, is_percent
from btql_grammar.span import Span
from btql_grammar.sql_cursor import SQL_RESERVED, WORD, Cursor, span_of

_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TYPES = "the types are text, integer, number, boolean, date, datetime and interval"


class OperandParser(Cursor):
    """Reads one operand at a time."""

    @abstractmethod
    def read_expression(self) -> tree.Expression:
        """Return the expression that comes next, operators included."""

    def read_operand(self) -> tree.Expression:
        """Return the operand that comes next."""
        token, word, start = self._curr, self.word(), self.here()
        match token.token_type:
            case TokenType.STRING:
                self.step()
                return tree.Literal(build.single_quoted(self.text_of(token)), span=start)
            case TokenType.IDENTIFIER:
                return self._path()
            case TokenType.NUMBER | TokenType.DOT:
                return self._number()
            case TokenType.L_PAREN:
                self.step()
                inner = self.read_expression()
                return build.spanned(inner, start.to(span_of(self.require(")"))))
            case TokenType.L_BRACKET:
                return self._array("]")
            case TokenType.L_BRACE:
                return self._object()
            case _:
                pass
        if word in ("null", "true", "false"):
            self.step()
            return tree.Literal({"null": None, "true": True, "false": False}[word], span=start)
        if word == "case":
            return self._case()
        if word == "interval" and is_interval(self.sql, token.end + 1):
            return self._interval()
        if not WORD.fullmatch(self.text_of(token)) or word in SQL_RESERVED:
            self.fail("an expression")
        return self._call() if self._next.token_type == TokenType.L_PAREN else self._path()

    def _number(self) -> tree.Expression:
        start = self._curr.start
        found = _NUMBER.match(self.sql, start)
        if found is None:
            self.fail("an expression")
        end = found.end() + 1 if is_percent(self.sql, found.end()) else found.end()
        while self._curr and self._curr.start < end:
            self.step()
        if self._prev.end >= end or (self._curr and self._curr.start == found.end() and WORD.match(self._curr.text)):
            written = Span(start, max(self._prev.end, self._curr.end if self._curr else 0) + 1)
            raise BtqlError.of(
                "B0105", f"`{self.sql[written.start : written.end]}` is not a number", written, "not a number",
                help="texts and ids are written in quotes",
            )  # fmt: skip
        return build.number(self.sql[start:end], Span(start, end))

    def _path(self) -> tree.Expression:
        first = self._curr
        path: list[str | int] = [self.read_name()]
        while True:
            if self.accept("."):
                path.append(self.read_name())
            elif self.accept("["):
                path.append(self._subscript())
                self.require("]")
            else:
                break
        span = Span(first.start, self._prev.end + 1)
        if len(path) == 1 and first.token_type == TokenType.IDENTIFIER:
            return tree.Literal(str(path[0]), span=span, double_quoted=True)
        return tree.Identifier(tuple(path), span=span)

    def _subscript(self) -> str | int:
        if self._curr.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            self.step()
            return build.unquote(self.text_of(self._prev), self._prev.start)
        negative = self.accept("-")
        if self._curr.token_type != TokenType.NUMBER or not self._curr.text.isdigit():
            self.fail("an index or a key", "write `tags[0]`, or `scores['a key']`")
        self.step()
        index = build.count(self._prev.text, "index", span_of(self._prev))
        return -index if negative else index

    def _call(self) -> tree.Expression:
        name = self._curr
        self.step()
        if name.text.lower() in ("cast", "try_cast"):
            return self._cast(name)
        self.step()
        distinct = self.accept("distinct")
        arguments: list[tree.Expression] = []
        if self.word() == "*" and self._next.token_type == TokenType.R_PAREN and not distinct:
            arguments.append(tree.Star(span=self.here()))
            self.step()
        elif self.word() != ")" or distinct:
            arguments = self._listed(")")
        end = span_of(self.require(")"))
        span = span_of(name).to(end)
        if name.text.lower() == "match" and self.word() == "against":
            return self._against(arguments, span)
        return tree.Call(name.text.lower(), tuple(arguments), distinct=distinct, span=span, name_span=span_of(name))

    def _cast(self, name: Token) -> tree.Expression:
        self.require("(")
        expression = self.read_expression()
        if not self.accept("as"):
            self.fail("`AS` and a type", "write `CAST(x AS number)`")
        type_token, type_span = self._curr, self.here()
        if not WORD.fullmatch(self.word()):
            self.fail("a type", _TYPES)
        self.step()
        span = span_of(name).to(span_of(self.require(")")))
        return build.cast(expression, type_token.text, span, type_span)

    def _against(self, columns: list[tree.Expression], span: Span) -> tree.Expression:
        """``MATCH(a, b) AGAINST ('x')``: the older spelling of ``a MATCH 'x' OR b MATCH 'x'``."""
        self.step()
        self.require("(")
        query = self.read_expression()
        span = span.to(span_of(self.require(")")))
        matches = [build.compare("match", column, query, span) for column in columns]
        return matches[0] if len(matches) == 1 else build.connect("or", matches, span)

    def _array(self, close: str) -> tree.Expression:
        start = self.here()
        self.step()
        items = [] if self.word() == close else self._listed(close)
        return tree.Array(tuple(items), span=start.to(span_of(self.require(close))))

    def _listed(self, close: str) -> list[tree.Expression]:
        """Return one or more expressions with commas between."""
        items = [self.read_expression()]
        while self.accept(","):
            items.append(self.read_expression())
        if self.word() != close:
            self.fail(f"`,` or `{close}`")
        return items

    def _object(self) -> tree.Expression:
        start = self.here()
        self.step()
        items: list[tuple[str, tree.Expression]] = []
        while self.word() != "}":
            if items and not self.accept(","):
                self.fail("`,` or `}`")
            if self._curr.token_type == TokenType.STRING:
                key = build.single_quoted(self.text_of(self._curr))
                self.step()
            else:
                key = self.read_name()
            self.require(":")
            items.append((key, self.read_expression()))
        return tree.Object(tuple(items), span=start.to(span_of(self.require("}"))))

    def _interval(self) -> tree.Expression:
        start = self.here()
        self.step()
        negative = self.accept("-")
        amount = self._curr
        self.step()
        if amount.token_type == TokenType.STRING:
            text = build.single_quoted(self.text_of(amount))
            known = build.interval_text(text)
            unit_span, end = span_of(amount), span_of(amount)
            if known is None and build.interval_text(f"{text} day") and WORD.fullmatch(self.word()):
                known, unit_span, end = build.interval_text(f"{text} {self.word()}"), self.here(), self.here()
                self.step()
        else:
            known = (int(amount.text), self.word()) if amount.text.isdigit() and len(amount.text) < 300 else None
            unit_span = end = self.here()
            if known is not None and not WORD.fullmatch(known[1]):
                self.fail("a unit of time", "write `INTERVAL 7 DAY`")
            self.step()
        if known is None:
            raise BtqlError.of(
                "B0106", "an interval is a whole number and a unit", start.to(span_of(self._prev)), "not an interval",
                help="write `INTERVAL 7 DAY`",
            )  # fmt: skip
        return build.interval(-known[0] if negative else known[0], known[1], start.to(end), unit_span)

    def _case(self) -> tree.Expression:
        start = self.here()
        self.step()
        subject = None if self.word() == "when" else self.read_expression()
        branches: list[tuple[tree.Expression, tree.Expression]] = []
        while self.accept("when"):
            condition = self.read_expression()
            if subject is not None:
                condition = build.compare("=", subject, condition, condition.span)
            self.require("then")
            branches.append((condition, self.read_expression()))
        if not branches:
            self.fail("`WHEN`")
        otherwise = self.read_expression() if self.accept("else") else None
        if self.word() != "end":
            self.fail("`WHEN`, `ELSE` or `END`" if otherwise is None else "`END`", "a CASE ends with END")
        span = start.to(self.here())
        self.step()
        return build.if_(branches, otherwise or tree.Literal(None, span=span), span)

    def _converted(self, expression: tree.Expression) -> tree.Expression:
        while self.accept("::"):
            if not WORD.fullmatch(self.word()):
                self.fail("a type", _TYPES)
            type_span = self.here()
            name = self._curr.text
            self.step()
            expression = build.cast(expression, name, expression.span.to(type_span), type_span)
        return expression
