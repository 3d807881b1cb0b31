"""Calls of functions in our SQL dialect, and the forms of them that have words inside.

``EXTRACT(hour FROM x)``, ``TRIM(LEADING 'x' FROM y)`` and their like become plain
calls. What may follow a call - FILTER, WITHIN GROUP, OVER - belongs to the call.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from btql_grammar import build, quotes, tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_grammar.sql.cursor import unsupported
from btql_grammar.sql.operands import OperandParser
from btql_grammar.sql.tokens import Token

_CASTS = ("cast", "try_cast", "safe_cast")


@dataclass(slots=True)
class _Inside:
    """What stands between the parentheses of a call."""

    arguments: list[tree.Expression] = field(default_factory=list[tree.Expression])
    order: tuple[tree.SortItem, ...] = ()
    distinct: bool = False
    ignore_nulls: bool = False


def _is_text(node: tree.Expression) -> bool:
    return isinstance(node, tree.Literal) and isinstance(node.value, str)


class CallParser(OperandParser):
    """Reads a call from its opening parenthesis on."""

    @abstractmethod
    def read_sort(self) -> tuple[tree.SortItem, ...]:
        """Return the keys that come next, if ORDER BY does."""

    @abstractmethod
    def read_window(self) -> tree.Window:
        """Return what follows OVER."""

    @abstractmethod
    def read_factor(self) -> tree.Expression:
        """Return the operand that comes next with all operators that bind closer than comparisons."""

    def read_call(self, name: Token, start: Span) -> tree.Expression:
        """Return the call of the function ``name``, whose parenthesis comes next; it began at ``start``."""
        word = name.word
        if not word:
            # A name in quotes never has words inside its parentheses.
            quoted = quotes.unquoted_double(self.text_of(name), name.start).lower()
            return self._suffixes(quoted, name, start, self._inside(is_array=False))
        if word in _CASTS:
            return self._cast(start)
        if word == "exists" and self.is_query_in_parentheses():
            self.step()
            query = self.read_query()
            self.require(")")
            return tree.Exists(query, span=self.since(start))
        if word == "row":
            return self._row(start)
        special = self._keyword_form(word)
        if special is not None:
            called, arguments = special
            if called == "substring" and len(arguments) == 2 and _is_text(arguments[1]):
                # By a pattern: the first group, or the whole match.
                called, groups = "regexp_match", tree.Literal(0, span=arguments[1].span)
                found = tree.Call(called, tuple(arguments), span=self.since(start), name_span=name.span)
                return tree.Subscript(found, groups, span=found.span)
            return tree.Call(called, tuple(arguments), span=self.since(start), name_span=name.span)
        inside = self._inside(is_array=word == "array")
        if word == "match" and self.at("against"):
            return self._against(inside.arguments, start)
        return self._suffixes(word, name, start, inside)

    def _inside(self, *, is_array: bool) -> _Inside:
        self.require("(")
        made = _Inside()
        if is_array and self.is_query():
            place = self.here()
            query = self.read_query()
            made.arguments.append(tree.Subquery(query, span=self.since(place)))
            self.require(")")
            return made
        made.distinct = self.accept("distinct")
        if not made.distinct:
            self.skip_all()
        if self.at("*") and not made.distinct:
            made.arguments.append(tree.Star(span=self.step().span))
        elif self.is_name(self.token) and self.ahead().word == "." and self.ahead(2).word == "*":
            made.arguments.append(self.read_table_star())
        elif made.distinct and self.at(")"):
            self.fail("an expression", "write `count(DISTINCT id)`")
        elif not self.at(")") and not (self.at("order") and self.ahead().word == "by"):
            made.arguments = self._arguments(is_array=is_array)
        made.order = self.read_sort()
        made.ignore_nulls = self._nulls()
        self.require(")")
        return made

    def read_table_star(self) -> tree.Star:
        """Return the ``t.*`` that comes next."""
        start = self.here()
        table = self.read_name()
        self.require(".", "*")
        return tree.Star(table=table, span=self.since(start))

    def _arguments(self, *, is_array: bool) -> list[tree.Expression]:
        items = [self._argument()]
        first = items[0]
        if is_array and isinstance(first, tree.Subquery) and self.at("union", "intersect", "except"):
            query = self.continue_query(first.query, first.span)
            items[0] = tree.Subquery(query, span=self.since(first.span))
        while self.accept(","):
            if self.at("variadic") and self.ahead().word == "array":
                items += self._variadic()
                break
            items.append(self._argument())
        if self.word not in (")", "order", "ignore", "respect"):
            self.fail("`,` or `)`")
        return items

    def _variadic(self) -> Sequence[tree.Expression]:
        """Return the last arguments, which ``VARIADIC ARRAY[…]`` gives as one; generated SQL has it."""
        place = self.step().span
        written = self.read_expression()
        while isinstance(written, tree.Cast):
            written = written.expression
        if not isinstance(written, tree.Array):
            raise unsupported("VARIADIC of an array that is computed", place, "write the arguments one by one")
        return written.items

    def _argument(self) -> tree.Expression:
        if self.is_query():
            self.fail("an expression", "a query inside an expression needs its own parentheses: `f((SELECT ...))`")
        if self.token.kind == "word" and self.ahead().word in ("=>", ":="):
            raise unsupported("a named argument", self.here().to(self.ahead().span), "write the arguments in order")
        return self.read_expression()

    def _nulls(self) -> bool:
        if self.accept("ignore", "nulls"):
            return True
        self.accept("respect", "nulls")
        return False

    def _suffixes(self, word: str, name: Token, start: Span, inside: _Inside) -> tree.Expression:
        if self.at("within") and self.ahead().word == "group":
            place = self.here()
            self.require("within", "group", "(")
            if inside.order:
                raise BtqlError.of("B0109", "the call is ordered twice", place, "a second order", help="remove one")
            if not self.at("order"):
                self.fail("`ORDER BY`")
            inside.order = self.read_sort()
            self.require(")")
        condition: tree.Expression | None = None
        if self.at("filter") and self.ahead().word == "(":
            self.require("filter", "(", "where")
            condition = self.read_expression()
            self.require(")")
        ignore_nulls = self._nulls() or inside.ignore_nulls
        window = None
        if self.at("over") and (self.ahead().word == "(" or self.is_name(self.ahead())):
            self.step()
            window = self.read_window()
        return tree.Call(
            word, tuple(inside.arguments), distinct=inside.distinct, filter=condition, order=inside.order,
            window=window, ignore_nulls=ignore_nulls, span=self.since(start), name_span=name.span,
        )  # fmt: skip

    def _cast(self, start: Span) -> tree.Expression:
        self.require("(")
        expression = self.read_expression()
        if not self.accept("as"):
            self.fail("`AS` and a type", "write `CAST(x AS number)`")
        type_name, type_span = self.read_type()
        self.require(")")
        return build.cast(expression, type_name, self.since(start), type_span)

    def _row(self, start: Span) -> tree.Expression:
        self.require("(")
        items = [] if self.at(")") else self.read_list(")")
        self.require(")")
        return tree.Row(tuple(items), span=self.since(start))

    def _against(self, columns: list[tree.Expression], start: Span) -> tree.Expression:
        """``MATCH(a, b) AGAINST ('x')``: the older spelling of ``a MATCH 'x' OR b MATCH 'x'``."""
        self.step()
        self.require("(")
        query = self.read_expression()
        self.require(")")
        span = self.since(start)
        matches = [build.compare("match", column, query, span) for column in columns]
        if not matches:
            self.fail("fields before AGAINST", "write `MATCH(input) AGAINST ('x')`, or `input MATCH 'x'`")
        return matches[0] if len(matches) == 1 else build.connect("or", matches, span)

    def _keyword_form(self, word: str) -> tuple[str, list[tree.Expression]] | None:
        """Return name and arguments of a call with words inside, or None where it is a plain one."""
        match word:
            case "extract" if self.ahead().kind in ("word", "string") and self.ahead(2).word == "from":
                return self._extract()
            case "trim":
                return self._trim()
            case "substring":
                return self._substring()
            case "position":
                self.require("(")
                needle = self.read_factor()
                self.require("in")
                arguments = [self.read_factor(), needle]
                self.require(")")
                return "strpos", arguments
            case "overlay":
                return self._overlay()
            case _:
                return None

    def _extract(self) -> tuple[str, list[tree.Expression]]:
        self.require("(")
        part = self.step()
        text = self.text_of(part)
        field = text.lower() if part.kind == "word" else quotes.unquoted_single(text).lower()
        self.require("from")
        arguments = [tree.Literal(field, span=part.span), self.read_expression()]
        self.require(")")
        return "extract", arguments

    def _trim(self) -> tuple[str, list[tree.Expression]]:
        self.require("(")
        side = "trim"
        if self.at("leading", "trailing", "both") and self.ahead().word not in (",", ")", "."):
            side = {"leading": "ltrim", "trailing": "rtrim", "both": "trim"}[self.step().word]
        arguments: list[tree.Expression] = [] if self.at("from") else [self.read_expression()]
        if self.accept("from"):
            arguments.insert(0, self.read_expression())
        while self.accept(","):
            arguments.append(self.read_expression())
        self.require(")")
        return side, arguments

    def _substring(self) -> tuple[str, list[tree.Expression]]:
        self.require("(")
        arguments = [self.read_expression()]
        if self.accept("from"):
            arguments.append(self.read_expression())
            if self.accept("for"):
                arguments.append(self.read_expression())
        elif self.accept("for"):
            length = self.read_expression()
            arguments += [tree.Literal(1, span=length.span), length]
        while self.accept(","):
            arguments.append(self.read_expression())
        self.require(")")
        return "substring", arguments

    def _overlay(self) -> tuple[str, list[tree.Expression]]:
        self.require("(")
        arguments = [self.read_expression()]
        for word in ("placing", "from", "for"):
            if not self.accept(word):
                break
            arguments.append(self.read_expression())
        while self.accept(","):
            arguments.append(self.read_expression())
        self.require(")")
        return "overlay", arguments
