"""Expressions of a tree to SQL text.

The text is canonical: casts are written ``x::type``, choices as CASE, and the forms
with words inside (``x ~ y``, ``TRIM(LEADING …)``) as the calls that the tree has.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.printing.expressions import ATOM, COMPARISON, OTHER, SIGNS, SUM, UNARY, ExpressionPrinter, Leveled
from btql_grammar.quotes import double_quoted, name
from btql_grammar.sql.cursor import SQL_RESERVED

_FORMS = ("cast", "try_cast", "safe_cast", "row", "exists", "position")
"""Names whose parentheses hold something else unless the name is in quotes."""
_OPTIONAL_FORMS = ("trim", "substring", "overlay")
"""Names whose parentheses may also hold plain arguments, but nothing may follow."""
_WITHIN_GROUP = ("percentile_cont", "percentile_disc", "mode")
_FRAME_WORDS = ("partition", "order", "rows", "range", "groups")
_WORD = re.compile(r"[^\W\d]\w*")
_BEGINS_WITH_ALL = re.compile(r"all\b(?!\.)", re.IGNORECASE)


class SqlExpressionPrinter(ExpressionPrinter):
    """Prints expressions as SQL."""

    reserved = SQL_RESERVED

    @abstractmethod
    def inner_query(self, statement: tree.Statement) -> str:
        """Return a query on one line, for a place in parentheses."""

    def word(self, word: str) -> str:
        """Return a keyword: SQL has them in upper case."""
        return word.upper()

    def path(self, path: tuple[str | int, ...]) -> str:
        """Return a path; ``array`` before a bracket would begin a list."""
        text = super().path(path)
        is_array = str(path[0]).lower() == "array" and any(isinstance(piece, int) for piece in path[1:2])
        return double_quoted(str(path[0])) + text[len("array") :] if is_array else text

    def special(self, node: tree.Expression) -> Leveled:
        """Return the text of a node that SQL spells its own way."""
        match node:
            case tree.Star():
                return self.star(node), ATOM
            case tree.Call():
                return self._call(node), ATOM
            case tree.Includes():
                return f"includes({self.expression(node.haystack)}, {self.expression(node.needle)})", ATOM
            case tree.If():
                branches = (f"WHEN {self.expression(c)} THEN {self.expression(t)}" for c, t in node.branches)
                return f"CASE {' '.join(branches)} ELSE {self.expression(node.otherwise)} END", ATOM
            case tree.Cast():
                level = UNARY if isinstance(node.expression, tree.Cast) else ATOM
                return f"{self.expression(node.expression, level)}::{node.type_name}", UNARY
            case tree.JsonOperator():
                return f"{self.expression(node.left, OTHER)} {node.op} {self.expression(node.right, SUM)}", OTHER
            case tree.Subscript():
                return self._subscript(node), ATOM
            case tree.Row():
                row = self.list(node.items)
                return f"({row})" if len(node.items) > 1 else f"ROW({row})", ATOM
            case tree.Subquery():
                return f"({self.inner_query(node.query)})", ATOM
            case tree.Exists():
                return f"EXISTS ({self.inner_query(node.query)})", ATOM
            case tree.InQuery():
                return self._in_query(node, "IN"), COMPARISON
            case tree.Quantified():
                return self._quantified(node), COMPARISON
            case _:
                raise unsayable(type(node).__name__)

    def negated(self, inner: tree.Expression) -> Leveled:
        """Return NOT ``inner``."""
        if isinstance(inner, tree.InQuery):
            return self._in_query(inner, "NOT IN"), COMPARISON
        return super().negated(inner)

    def comparison(self, left: tree.Expression, operator: str, right: tree.Expression) -> str:
        """Return ``left operator right``; behind IN, parentheses would make a list of the right side."""
        if not operator.endswith("in"):
            return super().comparison(left, operator, right)
        start = f"{self.expression(left, OTHER)} {operator.upper()}"
        match right:
            case tree.Array(items=(tree.Subquery(),)):
                # In parentheses this would be a query whose rows are searched.
                return f"{start} [{self.list(right.items)}]"
            case tree.Array():
                return f"{start} ({self.list(right.items)})"
            case tree.Cast():
                return f"{start} CAST({self.expression(right.expression)} AS {right.type_name})"
            case tree.Row():
                return f"{start} ROW({self.list(right.items)})"
            case tree.Subquery():
                raise unsayable("IN with a value of a query on its right side")
            case _:
                text, level = self.leveled(right)
                if level < ATOM or text.startswith("("):
                    raise unsayable("IN with a computed list on its right side")
                return f"{start} {text}"

    def star(self, star: tree.Star) -> str:
        """Return ``*`` with what it leaves out and replaces."""
        text = "*" if star.table is None else f"{self.path((star.table,))}.*"
        if star.exclude:
            text += f" EXCLUDE ({', '.join(map(name, star.exclude))})"
        if star.replace:
            pairs = (f"{self.expression(expression)} AS {name(key)}" for key, expression in star.replace)
            text += f" REPLACE ({', '.join(pairs)})"
        return text

    def sort(self, items: Iterable[tree.SortItem]) -> str:
        """Return the keys of ORDER BY."""
        texts: list[str] = []
        for item in items:
            text = self.expression(item.expression)
            if item.direction == "desc":
                text += " DESC"
            if item.nulls is not None:
                text += f" NULLS {item.nulls.upper()}"
            texts.append(text)
        return ", ".join(texts)

    def window(self, window: tree.Window) -> str:
        """Return what stands in the parentheses of OVER."""
        parts: list[str] = []
        if window.base is not None:
            parts.append(double_quoted(window.base) if window.base.lower() in _FRAME_WORDS else name(window.base))
        if window.partition:
            parts.append(f"PARTITION BY {self.list(window.partition)}")
        if window.order:
            parts.append(f"ORDER BY {self.sort(window.order)}")
        if window.frame is not None:
            start, end = self._bound(window.frame.start), self._bound(window.frame.end)
            parts.append(f"{window.frame.unit.upper()} BETWEEN {start} AND {end}")
        return " ".join(parts)

    def after_word(self, text: str) -> str:
        """Return ``text`` for a place behind SELECT or an opening parenthesis, where ALL would be a word."""
        return f"({text})" if _BEGINS_WITH_ALL.match(text) else text

    def _bound(self, bound: tree.Bound) -> str:
        distance = "" if bound.distance is None else f"{self.expression(bound.distance, OTHER)} "
        return distance + bound.kind.upper()

    def _call(self, call: tree.Call) -> str:
        text = self._called(call)
        if call.order and self._orders_behind(call):
            text += f" WITHIN GROUP (ORDER BY {self.sort(call.order)})"
        if call.filter is not None:
            text += f" FILTER (WHERE {self.expression(call.filter)})"
        if call.ignore_nulls:
            text += " IGNORE NULLS"
        if call.window is not None:
            bare = call.window.base is not None and call.window == tree.Window(call.window.base)
            text += f" OVER {name(call.window.base or '')}" if bare else f" OVER ({self.window(call.window)})"
        return text

    def _called(self, call: tree.Call) -> str:
        plain = not (call.distinct or call.order or call.filter or call.window or call.ignore_nulls)
        match call:
            case tree.Call(name="extract", arguments=(tree.Literal(value=str(part)), value)) if plain:
                if _WORD.fullmatch(part) and part == part.lower():
                    return f"EXTRACT({part} FROM {self.expression(value)})"
            case tree.Call(name="array", arguments=(tree.Subquery(query),)) if plain:
                return f"ARRAY({self.inner_query(query)})"
            case _:
                pass
        quoted = (
            call.name in _FORMS
            or call.name in self.reserved
            or (
                call.name in _OPTIONAL_FORMS
                and not (plain and call.arguments and not isinstance(call.arguments[0], tree.Star))
            )
        )
        arguments = self.list(call.arguments)
        inside = f"DISTINCT {arguments}" if call.distinct else self.after_word(arguments)
        if call.order and not self._orders_behind(call):
            inside = f"{inside} ORDER BY {self.sort(call.order)}"
        return f"{double_quoted(call.name) if quoted else name(call.name)}({inside})"

    def _orders_behind(self, call: tree.Call) -> bool:
        return call.name in _WITHIN_GROUP or not call.arguments

    def _subscript(self, node: tree.Subscript) -> str:
        base = self.expression(node.expression, ATOM)
        if isinstance(node.expression, tree.Literal | tree.Interval) and not base.startswith("("):
            base = f"({base})"
        index = node.index
        if isinstance(index, tree.Literal) and isinstance(index.value, str):
            return f"{base}.{name(index.value)}"
        return f"{base}[{self.expression(index)}]"

    def _in_query(self, node: tree.InQuery, word: str) -> str:
        return f"{self.expression(node.expression, OTHER)} {word} ({self.inner_query(node.query)})"

    def _quantified(self, node: tree.Quantified) -> str:
        right = node.right
        is_query = isinstance(right, tree.Query | tree.SetOperation | tree.Values)
        inside = self.inner_query(right) if is_query else self.expression(right)  # type: ignore[arg-type]
        left = self.expression(node.left, OTHER)
        return f"{left} {SIGNS[node.op].upper()} {node.quantifier.upper()} ({inside})"


def unsayable(what: str) -> BtqlError:
    """Return the error for what SQL cannot say."""
    return BtqlError.of("B0113", f"SQL has no words for {what}", help="print it as BTQL, or use the JSON form")
