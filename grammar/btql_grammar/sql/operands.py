"""The operands of our SQL dialect: literals, paths, CASE, and what follows an operand.

Paths have quoted pieces and indexes from 0. A lone text in double quotes stays
a text with a mark: the binder decides whether it names a field.
"""

from __future__ import annotations

import re
from abc import abstractmethod

from btql_grammar import build, quotes, tree
from btql_grammar.clocks import at_time_zone
from btql_grammar.diagnostic import BtqlError
from btql_grammar.intervals import interval_parts
from btql_grammar.lexer import is_interval, is_percent, number_meant
from btql_grammar.span import Span
from btql_grammar.sql.brackets import BracketParser
from btql_grammar.sql.cursor import SQL_RESERVED, unsupported
from btql_grammar.sql.texts import escaped_text
from btql_grammar.sql.tokens import NUMBER, Token

_NUMBER = re.compile(NUMBER)
_TYPE_WORDS = {"double": ("precision",), "character": ("varying",), "bit": ("varying",)}
_BY_CHARACTER = ("c", "posix", "ucs_basic", "default")
"""Collations by which texts compare character by character, as they do here."""
_BEFORE_BY = ("group", "order", "partition")


class OperandParser(BracketParser):
    """Reads one operand at a time."""

    @abstractmethod
    def read_unary(self) -> tree.Expression:
        """Return the operand that comes next with its sign and its casts."""

    @abstractmethod
    def read_call(self, name: Token, start: Span) -> tree.Expression:
        """Return the call of the function ``name``, whose parenthesis comes next; it began at ``start``."""

    def read_operand(self) -> tree.Expression:
        """Return the operand that comes next, without what may follow it."""
        token = self.token
        match token.kind:
            case "string":
                self.step()
                return tree.Literal(quotes.unquoted_single(self.text_of(token)), span=token.span)
            case "quoted":
                return self._path()
            case "number":
                return self._number()
            case "word":
                return self._word()
            case _:
                return self._bracketed()

    def _bracketed(self) -> tree.Expression:
        match self.word:
            case "(":
                return self.read_parenthesis()
            case "[":
                return self.read_array("]")
            case "{":
                return self.read_object()
            case _:
                return self.read_parameter() or self.fail("an expression")

    def _word(self) -> tree.Expression:
        token, word, after = self.token, self.word, self.ahead()
        if word in ("null", "true", "false"):
            self.step()
            return tree.Literal({"null": None, "true": True, "false": False}[word], span=token.span)
        if word == "case":
            return self._case()
        if word == "interval" and (after.kind == "string" or is_interval(self.sql, token.end)):
            return self._interval()
        if word in SQL_RESERVED or (after.word == "by" and word in _BEFORE_BY):
            self.fail("an expression")
        if after.word == "(":
            self.step()
            return self.read_call(token, token.span)
        if after.kind == "string" and after.start == token.end:
            return self._prefixed_text()
        if after.kind == "string" and (word in build.TYPES or word in build.OTHER_TYPES):
            self.step()
            return build.cast(self.read_operand(), word, self.since(token.span), token.span)
        if word == "timestamp" and after.word in ("with", "without") and self.ahead(4).kind == "string":
            name, span = self.read_type()
            return build.cast(self.read_operand(), name, self.since(token.span), span)
        if word == "array" and after.word == "[":
            self.step()
            return build.spanned(self.read_array("]"), self.since(token.span))
        return self._path()

    def _number(self) -> tree.Expression:
        token = self.step()
        found = _NUMBER.match(self.sql, token.start)
        if found is None or found.end() != token.end:
            raise BtqlError.of(
                "B0105", f"`{self.text_of(token)}` is not a number", token.span, "not a number",
                help=number_meant(self.text_of(token)),
            )  # fmt: skip
        end = token.end
        if self.at("%") and is_percent(self.sql, end):
            end = self.step().end
        return build.number(self.sql[token.start : end], Span(token.start, end))

    def _prefixed_text(self) -> tree.Expression:
        r"""``E'a\\n'``, the only letter before a text that means something."""
        prefix = self.step()
        span = self.since(prefix.span).to(self.here())
        if prefix.word != "e":
            raise unsupported(f"`{self.text_of(prefix)}` before a text", prefix.span, "write the text alone, in quotes")
        return tree.Literal(escaped_text(self.text_of(self.step()), span), span=span)

    def _path(self) -> tree.Expression:
        first = self.token
        path: list[str | int] = [self.read_name()]
        while self.accept("."):
            if self.at("*"):
                self.fail("a name", "`t.*` stands alone, in a select list or in `count(t.*)`")
            path.append(self.read_name())
        if self.at("(") and (path[0] == "pg_catalog" if len(path) == 2 else len(path) == 1):
            # A name in quotes, or with the schema that tools write before Postgres' own functions.
            return self.read_call(self.previous(), first.span)
        span = self.since(first.span)
        if len(path) == 1 and first.kind == "quoted" and not self.at("["):
            return tree.Literal(str(path[0]), span=span, double_quoted=True)
        return tree.Identifier(tuple(path), span=span)

    def follow(self, expression: tree.Expression, *, zones: bool = True) -> tree.Expression:
        """Return ``expression`` with the casts, subscripts and, with ``zones``, time zones that follow it."""
        while True:
            match self.word:
                case "::":
                    self.step()
                    name, type_span = self.read_type()
                    expression = build.cast(expression, name, self.since(expression.span), type_span)
                case "[":
                    expression = self._subscript(expression)
                case "." if self.is_name(self.ahead()):
                    self.step()
                    key = tree.Literal(self.read_name(), span=self.previous().span)
                    expression = build.subscript(expression, key, self.since(expression.span))
                case "at" if zones and self.accept("at", "time", "zone"):
                    place = self.previous().span
                    # A second zone is one of what the clock in the first one shows.
                    zone = self.follow(self.read_operand(), zones=False)
                    expression = at_time_zone(expression, zone, self.since(expression.span), place)
                case "collate":
                    self._collation()
                case _:
                    return expression

    def _collation(self) -> None:
        """Step over a COLLATE that says how texts compare here in any case."""
        place = self.step().span
        name = self.read_name()
        while self.accept("."):
            name = self.read_name()
        if name.lower() not in _BY_CHARACTER:
            raise unsupported(f"COLLATE {name}", self.since(place), "remove it: texts compare character by character")

    def _subscript(self, expression: tree.Expression) -> tree.Expression:
        opening = self.step().span
        if self.at(":", "]"):
            self._refuse_slice(opening)
        index = self.read_expression()
        if self.at(":"):
            self._refuse_slice(opening)
        self.require("]")
        return build.subscript(expression, index, self.since(expression.span))

    def _refuse_slice(self, opening: Span) -> None:
        if self.at("]"):
            self.fail("an index or a key", "write `tags[0]`, or `scores['a key']`")
        raise unsupported("a slice of an array", opening.to(self.here()), "take one element: `tags[0]`, `tags[-1]`")

    def read_type(self) -> tuple[str, Span]:
        """Return the type that comes next as written in lower case, and where it stands."""
        start = self.token.span
        if self.ahead().word == "." and self.text_of(self.token) in ("pg_catalog", '"pg_catalog"'):
            # Where Postgres has its types; drivers write it.
            self.step()
            self.step()
        first = self.token
        if first.kind == "quoted":
            name = self.read_name()
            return f"{name[1:]}[]" if name.startswith("_") else name, self.since(start)
        if first.kind != "word":
            self.fail("a type", "the types are text, integer, number, boolean, date, datetime, interval and json")
        self.step()
        self.accept(*_TYPE_WORDS.get(first.word, ("",)))
        pieces = [self.sql[first.start : self.previous().end]]
        if self.at("("):
            opening = self.step()
            while not self.at(")"):
                self.step()
            self.step()
            pieces.append(self.sql[opening.start : self.previous().end])
        if first.word in ("timestamp", "time") and self.at("with", "without"):
            zone = self.step().word
            self.require("time", "zone")
            pieces[0] = f"{first.word}tz" if zone == "with" else first.word
        while self.at("["):
            self.step()
            if self.token.kind == "number":
                self.step()
            self.require("]")
            pieces.append("[]")
        if self.accept("array"):
            pieces.append("[]")
        return "".join(pieces).lower(), self.since(start)

    def _interval(self) -> tree.Expression:
        start = self.step().span
        sign = -1 if self.accept("-") else 1
        amount = self.step()
        if amount.kind == "string":
            return self._interval_text(quotes.unquoted_single(self.text_of(amount)), start)
        text = self.text_of(amount)
        if not (text.isascii() and text.isdigit() and len(text) < 300):
            raise self._no_interval(self.since(start))
        if self.token.kind != "word":
            self.fail("a unit of time", "write `INTERVAL 7 DAY`")
        unit = self.step()
        return build.interval(sign * int(text), self.text_of(unit), self.since(start), unit.span)

    def _interval_text(self, text: str, start: Span) -> tree.Expression:
        parts = interval_parts(text)
        if parts is None and self.token.kind == "word":
            parts = interval_parts(f"{text} {self.word}")
            if parts is not None:
                self.step()
        span = self.since(start)
        if parts is None:
            raise self._no_interval(span)
        intervals = [build.interval(value, unit, span, span) for value, unit in parts]
        made: tree.Expression = intervals[0]
        for further in intervals[1:]:
            made = tree.Arithmetic("add", made, further, span=span)
        return made

    def _no_interval(self, span: Span) -> BtqlError:
        return BtqlError.of(
            "B0106", "an interval is a whole number and a unit", span, "not an interval",
            help="write `INTERVAL 7 DAY`, or `INTERVAL '1 day 2 hours'`",
        )  # fmt: skip

    def _case(self) -> tree.Expression:
        start = self.step().span
        subject = None if self.at("when") else self.read_expression()
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
        if not self.at("end"):
            self.fail("`WHEN`, `ELSE` or `END`" if otherwise is None else "`END`", "a CASE ends with END")
        self.step()
        span = self.since(start)
        return build.if_(branches, otherwise or tree.Literal(None, span=span), span)
