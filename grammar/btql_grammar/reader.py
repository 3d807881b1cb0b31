# ruff: noqa: D102 - every method is named for the rule of the grammar whose parts it gets.
"""Parsed BTQL to the syntax tree.

Each method of :class:`Reader` builds the node of one rule in ``btql.lark``, from
the parts that rule keeps: tokens, and nodes already built. Expressions are read
by the base class; here are the clauses. ``query`` comes last and puts them together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from typing import Literal as Choice

from btql_grammar import build, tree
from btql_grammar.diagnostic import BtqlError, Label
from btql_grammar.lalr import Builders
from btql_grammar.lexer import Token
from btql_grammar.reader_expressions import ExpressionReader, Parts, text_of
from btql_grammar.span import Span


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of the query: its name, the place of its head, and its body."""

    name: str
    head: Span
    body: Any
    span: Span
    distinct: bool = False


class _Counted(NamedTuple):
    """A parameter that stands for a number of rows, or for a cursor."""

    parameter: tree.Parameter


class StarChange(NamedTuple):
    """``replace (…)`` or ``exclude (…)`` behind a star."""

    kind: Choice["replace", "exclude"]
    entries: tuple[Any, ...]
    end: Span


class Reader(ExpressionReader):
    """Builds clauses and the query; see the module's docstring."""

    def query(self, clauses: list[Clause]) -> tree.Query:
        seen: dict[str, Clause] = {}
        for clause in clauses:
            if clause.name in seen:
                raise BtqlError.of(
                    "B0104",
                    f"clause `{clause.name}` is given twice",
                    clause.head,
                    "given again here",
                    secondary=(Label(seen[clause.name].head, "first given here"),),
                    help=_MERGE.get(clause.name, "keep one of them"),
                )
            seen[clause.name] = clause
        if not seen.keys() & {"select", "dimensions", "measures", "infer"}:
            raise BtqlError.of(
                "B0112",
                "the query selects nothing",
                clauses[0].head,
                "a query without select, dimensions, measures or infer",
                help="add `select: *`",
            )
        bodies = {name: clause.body for name, clause in seen.items()}
        if "from" in bodies:
            bodies["source"] = bodies.pop("from")
        counts = [(name, body) for name, body in bodies.items() if isinstance(body, _Counted)]
        for name, _ in counts:
            del bodies[name]
        if counts:
            bodies["counts"] = tuple((name, body.parameter) for name, body in counts)
        if "pivot" in bodies:
            bodies["pivot"] = tree.Pivot(bodies["pivot"], span=seen["pivot"].span)
        span = clauses[0].span.to(clauses[-1].span)
        distinct = "select" in seen and seen["select"].distinct
        return tree.Query(**bodies, distinct=distinct, span=span, language="btql")

    # Clauses.

    def select_clause(self, parts: Parts) -> Clause:
        head, *items = parts
        distinct = isinstance(items[0], Token)
        return _clause(head, tuple(items[distinct:]), items[-1].span, distinct=distinct)

    def list_clause(self, parts: Parts) -> Clause:
        head, *items = parts
        return _clause(head, tuple(items), items[-1].span)

    def single_clause(self, parts: Parts) -> Clause:
        head, body = parts
        return _clause(head, body, body.span)

    def count_clause(self, parts: Parts) -> Clause:
        head, token = parts
        if token.type == "PARAMETER":
            return _counted(head, token)
        return _clause(head, build.count(token.text, head.text.lower(), token.span), token.span)

    def preview_clause(self, parts: Parts) -> Clause:
        head, number = parts[0], parts[-1]
        length = build.count(number.text, "preview length", number.span)
        return _clause(head, build.preview_length(-length if len(parts) == 3 else length, number.span), number.span)

    def cursor_clause(self, parts: Parts) -> Clause:
        head, token = parts
        if token.type == "PARAMETER":
            return _counted(head, token)
        return _clause(head, text_of(token), token.span)

    def sample_clause(self, parts: Parts) -> Clause:
        head, size, *rest = parts
        span = size.span.to(parts[-1].span)
        seed = build.count(rest[-1].text, "seed", rest[-1].span) if rest else None
        if seed is not None and len(rest) == 3:  # The second part is the minus.
            seed = -seed
        if size.type == "PERCENT":
            rate = build.number(size.text, size.span).value
            assert isinstance(rate, float), "a percentage is a fraction"
            return _clause(head, build.sample(rate, None, seed, span), span)
        return _clause(head, build.sample(None, build.count(size.text, "sample", size.span), seed, span), span)

    # Their parts.

    def item(self, parts: Parts) -> tree.Item:
        expression = parts[0]
        if len(parts) == 1:
            return tree.Item(expression, span=expression.span)
        return tree.Item(expression, text_of(parts[1]), span=expression.span.to(parts[1].span))

    def select_star(self, parts: Parts) -> tree.Star:
        table = None if parts[0].type == "STAR" else text_of(parts[0])
        stars, *changes = parts if table is None else parts[1:]
        star = tree.Star(table=table, span=parts[0].span.to(stars.span))
        for change in changes:
            star = replace(star, **{change.kind: change.entries}, span=star.span.to(change.end))
        return star

    def replace(self, parts: Parts) -> StarChange:
        _, *entries, end = parts
        pairs = zip(entries[::2], entries[1::2], strict=True)
        return StarChange("replace", tuple((text_of(name), expression) for expression, name in pairs), end.span)

    def exclude(self, parts: Parts) -> StarChange:
        _, *names, end = parts
        return StarChange("exclude", tuple(map(text_of, names)), end.span)

    def unpivot_item(self, parts: Parts) -> tree.UnpivotItem:
        expression, *rest = parts
        names = tuple(text_of(token) for token in rest if token.type not in ("LPAR", "RPAR"))
        return tree.UnpivotItem(expression, names, span=expression.span.to(rest[-1].span))  # type: ignore[arg-type]

    def infer_item(self, parts: Parts) -> tree.Identifier | tree.Star:
        field = parts[0]
        if isinstance(field, Token):
            return tree.Identifier((text_of(field),), span=field.span)
        if not isinstance(field, tree.Identifier | tree.Star):
            raise BtqlError.of(
                "B0109", "infer takes fields", field.span, "not a field", help="write `infer: metadata` or `infer: *`"
            )
        return field

    def sort_item(self, parts: Parts) -> tree.SortItem:
        expression, *words = parts
        given = [word.type for word in words]
        descending = any(word.type == "DIRECTION" and word.text.lower() == "desc" for word in words)
        return tree.SortItem(
            expression,
            "desc" if descending else "asc",
            nulls="first" if "FIRST" in given else "last" if "LAST" in given else None,
            span=expression.span.to(parts[-1].span),
        )

    def source(self, parts: Parts) -> tree.From:
        kind: Token = parts[0]
        closing = next(i for i, part in enumerate(parts) if part.type == "RPAR")
        rest = parts[closing + 1 :]
        shape = rest.pop(0) if rest and rest[0].type == "SHAPE" else None
        return tree.From(
            kind.text.lower(),
            tuple(text_of(part) for part in parts[2:closing]),
            build.shape(shape.text, shape.span) if shape else "spans",
            span=kind.span.to(parts[-1].span),
            alias=text_of(rest[0]) if rest else None,
        )

    def table_source(self, parts: Parts) -> tree.Table:
        table: tree.Table = parts[0]
        rest = parts[1:]
        if rest and rest[0].type == "SHAPE":
            raise BtqlError.of(
                "B0109",
                "a bare name has no shape",
                rest[0].span,
                "a shape behind a bare name",
                help=f"write `project_logs('{table.path[-1]}') {rest[0].text}`",
            )
        return replace(table, alias=text_of(rest[0]), span=table.span.to(rest[0].span)) if rest else table

    def table(self, parts: Parts) -> tree.Table:
        return tree.Table(tuple(map(text_of, parts)), span=parts[0].span.to(parts[-1].span))


BUILDERS: Builders = {name: getattr(Reader(), name) for name in dir(Reader) if not name.startswith("_")}
"""The methods by the names the grammar uses."""

_MERGE = {
    **dict.fromkeys(("filter", "span_filter", "trace_filter", "final_filter"), "join the two conditions with `and`"),
    **dict.fromkeys(
        (
            "select", "dimensions", "measures", "final_dimensions", "final_measures", "pivot", "unpivot", "infer",
            "sort", "weighted_scores", "custom_columns",
        ),
        "put everything into one clause, separated by commas",
    ),
}  # fmt: skip


def _counted(head: Token, token: Token) -> Clause:
    if head.text.lower() == "inference_budget":
        raise BtqlError.of(
            "B0105", "`inference_budget` takes no parameter", token.span, "not a number", help="write the number itself"
        )
    return _clause(head, _Counted(build.parameter(token.text, token.span)), token.span)


def _clause(head: Token, body: object, end: Span, *, distinct: bool = False) -> Clause:
    return Clause(head.text.lower(), head.span, body, head.span.to(end), distinct)
