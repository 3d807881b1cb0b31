"""Tree to BTQL text.

BTQL has no place for much of what SQL adds to the tree: joins, subqueries, window
functions. Whatever it cannot say is refused with code B0113, never left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from btql_grammar import build, tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.lexer import RESERVED, is_plain_after_distinct
from btql_grammar.printing.expressions import ATOM, CHOICE, COMPARISON, OR, ExpressionPrinter, Leveled, count
from btql_grammar.quotes import double_quoted, name, single_quoted

_QUOTED_CALLS = RESERVED | build.WORD_OPERATORS.keys()
_SQL_CLAUSES = {
    "with_": "WITH",
    "windows": "WINDOW",
    "distinct_on": "DISTINCT ON",
    "grouping_sets": "GROUPING SETS",
    "settings": "SETTINGS",
}


class BtqlPrinter(ExpressionPrinter):
    """Prints queries and expressions as BTQL."""

    reserved = RESERVED

    def statement(self, statement: tree.Statement) -> str:
        """Return a whole query, one clause a line."""
        if not isinstance(statement, tree.Query):
            word = statement.op if isinstance(statement, tree.SetOperation) else type(statement).__name__
            raise unsayable(word.upper())
        return "\n".join(f"{head}: {body}" for head, body in self.clauses(statement) if body)

    def clauses(self, query: tree.Query) -> list[tuple[str, str]]:
        """Return the clauses in canonical order with their bodies; empty where the query has none."""
        for attribute, clause in _SQL_CLAUSES.items():
            if getattr(query, attribute):
                raise unsayable(clause)
        distinct = "distinct " if query.distinct and query.select else ""
        return [
            ("select", distinct + self._items(query.select, after_distinct=query.distinct)),
            ("infer", ", ".join("*" if isinstance(f, tree.Star) else self.path(f.path) for f in query.infer)),
            ("from", self._source(query.source)),
            ("unpivot", ", ".join(map(self._unpivot_item, query.unpivot))),
            ("filter", self._optional(query.filter)),
            ("span_filter", self._optional(query.span_filter)),
            ("trace_filter", self._optional(query.trace_filter)),
            ("dimensions", self._items(query.dimensions)),
            ("measures", self._items(query.measures)),
            ("pivot", self._pivot(query.pivot)),
            ("final_filter", self._optional(query.final_filter)),
            ("final_dimensions", self._items(query.final_dimensions)),
            ("final_measures", self._items(query.final_measures)),
            ("comparison_key", self._optional(query.comparison_key)),
            ("weighted_scores", self._items(query.weighted_scores)),
            ("custom_columns", self._items(query.custom_columns)),
            ("sample", _sample(query.sample)),
            ("sort", ", ".join(map(self._sort_item, query.sort))),
            ("limit", count(query, "limit")),
            ("offset", count(query, "offset")),
            ("cursor", count(query, "cursor") if query.cursor is None else single_quoted(query.cursor)),
            ("preview_length", _number(query.preview_length)),
            ("inference_budget", _number(query.inference_budget)),
        ]

    # Parts of clauses.

    def _items(self, items: Iterable[tree.Item | tree.Star], *, after_distinct: bool = False) -> str:
        return ", ".join(self._item(item, after_distinct and i == 0) for i, item in enumerate(items))

    def _item(self, item: tree.Item | tree.Star, after_distinct: bool) -> str:  # noqa: FBT001 - private
        if isinstance(item, tree.Star):
            text = self._star(item)
            # Before some words `distinct` is taken for a field; quotes make it clear.
            quoted = after_distinct and item.table is not None and not is_plain_after_distinct(text)
            return double_quoted(item.table or "") + text[len(item.table or "") :] if quoted else text
        text = self._after_distinct(item.expression) if after_distinct else self.expression(item.expression)
        return text if item.alias is None else f"{text} as {name(item.alias)}"

    def _star(self, star: tree.Star) -> str:
        text = "*" if star.table is None else f"{self.path((star.table,))}.*"
        if star.exclude:
            text += f" exclude ({', '.join(map(name, star.exclude))})"
        if star.replace:
            pairs = (f"{self.expression(expression)} as {name(key)}" for key, expression in star.replace)
            text += f" replace ({', '.join(pairs)})"
        return text

    def _source(self, source: tree.Relation | None) -> str:
        match source:
            case None:
                return ""
            case tree.From():
                text = f"{source.kind}({', '.join(map(single_quoted, source.arguments))})"
                if source.shape != "spans":
                    text += f" {source.shape}"
            case tree.Table(columns=()):
                first, *rest = source.path
                text = ".".join([self.path((first,)), *map(name, rest)])
            case _:
                raise unsayable(_RELATIONS.get(type(source), "a list of column names behind a source"))
        return text if source.alias is None else f"{text} as {name(source.alias)}"

    def _unpivot_item(self, item: tree.UnpivotItem) -> str:
        return f"{self.expression(item.expression)} as ({', '.join(map(name, item.names))})"

    def _pivot(self, pivot: tree.Pivot | None) -> str:
        if pivot is None:
            return ""
        if pivot.column is not None:
            raise unsayable("a pivot that names its column")
        return self._items(pivot.measures)

    def _sort_item(self, item: tree.SortItem) -> str:
        text = self.expression(item.expression)
        if item.direction == "desc":
            text += " desc"
        return text if item.nulls is None else f"{text} nulls {item.nulls}"

    def _optional(self, expression: tree.Expression | None) -> str:
        return "" if expression is None else self.expression(expression)

    def _after_distinct(self, expression: tree.Expression) -> str:
        text = self.expression(expression)
        # Before some words `distinct` is taken for a field; a parenthesis makes it clear.
        return text if is_plain_after_distinct(text) else f"({text})"

    # Expressions.

    def word(self, word: str) -> str:
        """Return a keyword: BTQL has them in lower case."""
        return word

    def special(self, node: tree.Expression) -> Leveled:
        """Return the text of a node that BTQL spells its own way."""
        match node:
            case tree.Call():
                return self._call(node), ATOM
            case tree.Includes():
                return self.comparison(node.haystack, "includes", node.needle), COMPARISON
            case tree.If():
                parts = (f"{self.expression(c, OR)} ? {self.expression(t)} : " for c, t in node.branches)
                return f"{''.join(parts)}{self.expression(node.otherwise, OR)}", CHOICE
            case tree.Cast():
                return f"{self.expression(node.expression, ATOM)}::{node.type_name}", ATOM
            case tree.Subscript():
                return self._subscript(node), ATOM
            case tree.Star():
                raise unsayable("`*` inside an expression")
            case _:
                raise unsayable(_EXPRESSIONS.get(type(node), type(node).__name__))

    def negated(self, inner: tree.Expression) -> Leveled:
        """Return NOT ``inner``."""
        if isinstance(inner, tree.Includes):
            return self.comparison(inner.haystack, "not includes", inner.needle), COMPARISON
        return super().negated(inner)

    def comparison(self, left: tree.Expression, operator: str, right: tree.Expression) -> str:
        """Return ``left operator right``; behind IN, parentheses would make a list of the right side."""
        if operator.endswith("in") and not isinstance(right, tree.Array):
            return f"{self.expression(left, COMPARISON + 1)} {operator} {self._member(right)}"
        return super().comparison(left, operator, right)

    def _member(self, node: tree.Expression) -> str:
        """Return an expression as one operand without parentheses around it."""
        match node:
            case tree.Cast():
                return f"cast({self.expression(node.expression)} as {node.type_name})"
            case tree.If():
                branches = (f"when {self.expression(c)} then {self.expression(t)}" for c, t in node.branches)
                return f"case {' '.join(branches)} else {self.expression(node.otherwise)} end"
            case tree.Arithmetic():
                return f"{node.op}({self.expression(node.left)}, {self.expression(node.right)})"
            case tree.Negative():
                return f"neg({self.expression(node.expression)})"
            case tree.Subscript():
                inner = node.expression
                base = self._member(inner) if isinstance(inner, tree.Cast | tree.Subscript) else None
                return self._subscript(node, base)
            case tree.Literal() if node.value is not True and isinstance(node.value, int | float) and node.value < 0:
                return f"neg({self.expression(tree.Literal(-node.value))})"
            case _:
                text, level = self.leveled(node)
                if level < ATOM:
                    raise unsayable("IN with a condition on its right side")
                return text

    def _subscript(self, node: tree.Subscript, base: str | None = None) -> str:
        value = node.expression
        if base is None:
            base = self.expression(value, ATOM)
        scalar = isinstance(value, tree.Literal | tree.Interval)
        single = isinstance(value, tree.Literal) and base.startswith("'")
        return (f"({base})" if scalar and not single else base) + self._piece(node.index)

    def _piece(self, index: tree.Expression) -> str:
        if isinstance(index, tree.Literal):
            if isinstance(index.value, str):
                return f".{name(index.value)}"
            if type(index.value) is not int:
                raise unsayable("an index that is neither a whole number nor a text")
        return f"[{self.expression(index)}]"

    def _call(self, call: tree.Call) -> str:
        if call.window is not None:
            raise unsayable("a window function")
        if call.filter is not None or call.order or call.ignore_nulls:
            raise unsayable("FILTER, ORDER BY or IGNORE NULLS of an aggregate")
        called = double_quoted(call.name) if call.name in _QUOTED_CALLS else name(call.name)
        match call.arguments:
            case (tree.Star(table=None, replace=(), exclude=()),) if not call.distinct:
                return f"{called}(*)"
            case (first, *rest) if call.distinct:
                return (
                    f"{called}({', '.join([f'distinct {self._after_distinct(first)}', *map(self.expression, rest)])})"
                )
            case arguments:
                return f"{called}({self.list(arguments)})"


def unsayable(what: str) -> BtqlError:
    """Return the error for what BTQL cannot say."""
    return BtqlError.of("B0113", f"BTQL has no words for {what}", help="print it as SQL")


_RELATIONS: dict[type, str] = {
    tree.Derived: "a subquery",
    tree.TableCall: "a function that gives rows",
    tree.Join: "a join",
}
_EXPRESSIONS: dict[type, str] = {
    tree.JsonOperator: "the JSON operators of Postgres",
    tree.Row: "a row of values",
    tree.Subquery: "a subquery",
    tree.Exists: "a subquery",
    tree.InQuery: "a subquery",
    tree.Quantified: "ANY and ALL",
}


def _sample(sample: tree.Sample | None) -> str:
    if sample is None:
        return ""
    if sample.rate is None:
        text = str(sample.count)
    else:
        from decimal import Decimal  # Few queries have a sample.

        exact = Decimal(repr(sample.rate)).scaleb(2).normalize()
        text = f"{exact:f}%" if exact.adjusted() > -20 else f"{exact}%"
    return text if sample.seed is None else f"{text} seed {sample.seed}"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
