"""The answer to a whole statement: one clause after the other, each a function from rows to rows.

1. FROM, with joins; UNPIVOT; the filter, as the shape wants it; the sample.
2. Groups, where there are keys or aggregates; the filter on groups.
3. Windows, the select list, DISTINCT.
4. The order, the limit; PIVOT.

An order that leaves open which of two different rows comes first is no order, and a limit that cuts there is refused:
the answer must not depend on luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import pairwise
from typing import cast

from btql_conformance.aggregates import AGGREGATES
from btql_conformance.expressions import evaluate
from btql_conformance.operators import and_
from btql_conformance.ordering import Keys, by_keys, sorted_by
from btql_conformance.relations import relation_rows
from btql_conformance.reshape import pivoted, unpivoted
from btql_conformance.scope import Context, EvaluationError, Fields, Group, Scope, Table
from btql_conformance.shapes import by_trace, is_special, returned, summary_rows, trace_holds
from btql_conformance.values import Value, identity
from btql_grammar import tree
from btql_grammar.span import Span

NEWEST_FIRST = tree.SortItem(tree.Identifier(("_pagination_key",)), "desc")


def run(statement: tree.Statement, context: Context, outer: Scope | None = None) -> Table:
    """Return the answer to a statement inside a scope."""
    match statement:
        case tree.Query():
            return _Query(statement, context, outer).answer()
        case tree.SetOperation():
            return _set_operation(statement, context, outer)
        case tree.Values(rows=rows):
            scope = Scope(context, outer=outer)
            found = [tuple(evaluate(value, scope) for value in row) for row in rows]
            return Table(tuple(f"column{number}" for number in range(1, len(rows[0]) + 1)), found, in_order=True)
        case _:
            raise EvaluationError("this gives no rows")


# WITH


def _with(clause: tree.With | None, context: Context, outer: Scope | None) -> Context:
    if clause is None:
        return context
    for table in clause.tables:
        found = _recursive(table, context, outer) if clause.recursive else None
        answer = found or run(table.query, context, outer)
        columns = (*table.columns, *answer.columns[len(table.columns) :])
        named = replace(answer, columns=columns)
        context = replace(context, tables={**context.tables, table.name: named})
    return context


def _recursive(table: tree.CommonTable, context: Context, outer: Scope | None) -> Table | None:
    """Return the rows of a table that is defined by itself, None where it is not."""
    union = table.query
    if not isinstance(union, tree.SetOperation) or union.op != "union" or not _mentions(union.right, table.name):
        return None
    anchor = run(union.left, context, outer)
    columns = (*table.columns, *anchor.columns[len(table.columns) :])
    rows, fresh = list(anchor.rows), list(anchor.rows)
    while fresh:
        inner = replace(context, tables={**context.tables, table.name: Table(columns, fresh)})
        fresh = run(union.right, inner, outer).rows
        if not union.all:
            known = {tuple(map(identity, row)) for row in rows}
            fresh = [row for row in _distinct(fresh) if tuple(map(identity, row)) not in known]
        rows += fresh
        if len(rows) > 10_000:
            raise EvaluationError("the recursion does not end")
    return Table(columns, rows)


def _mentions(node: object, name: str) -> bool:
    if isinstance(node, tree.Table):
        return node.path == (name,)
    if isinstance(node, tuple):
        return any(_mentions(part, name) for part in cast("tuple[object, ...]", node))
    return (
        is_dataclass(node)
        and not isinstance(node, type)
        and any(_mentions(getattr(node, f.name), name) for f in fields(node))
    )


# Set operations


def _set_operation(node: tree.SetOperation, context: Context, outer: Scope | None) -> Table:
    context = _with(node.with_, context, outer)
    left, right = run(node.left, context, outer), run(node.right, context, outer)
    if len(left.columns) != len(right.columns):
        raise EvaluationError("the two sides have different numbers of columns")
    rows = _combined(node, left.rows, right.rows)
    names = Fields(None, left.columns)
    scopes = [Scope(context, ((names, dict(zip(left.columns, row, strict=True))),), outer) for row in rows]
    keyed = _keyed(scopes, [_position(item, left.columns) for item in node.sort])
    return _finished(
        left.columns, [(keys, rows[at]) for at, keys in enumerate(keyed)], node.sort, node.limit, node.offset
    )


def _position(item: tree.SortItem, columns: Sequence[str]) -> tree.SortItem:
    if isinstance(item.expression, tree.Literal) and isinstance(item.expression.value, int):
        return replace(item, expression=tree.Identifier((columns[item.expression.value - 1],)))
    return item


def _combined(
    node: tree.SetOperation, left: list[tuple[Value, ...]], right: list[tuple[Value, ...]]
) -> list[tuple[Value, ...]]:
    if node.op == "union":
        return [*left, *right] if node.all else _distinct([*left, *right])
    spare = [tuple(map(identity, row)) for row in right]
    rows: list[tuple[Value, ...]] = []
    for row in left if node.all else _distinct(left):
        key = tuple(map(identity, row))
        found = key in spare
        if found and node.all:
            spare.remove(key)
        if found == (node.op == "intersect"):
            rows.append(row)
    return rows


def _distinct(rows: Sequence[tuple[Value, ...]]) -> list[tuple[Value, ...]]:
    return list({tuple(map(identity, row)): row for row in reversed(rows)}.values())[::-1]


# Order and limit, for rows that bring the values of their sort keys


Keyed = tuple[Keys, tuple[Value, ...]]
"""The values of the sort keys, and the row."""


def _keyed(scopes: Sequence[Scope], sort: Sequence[tree.SortItem]) -> list[tuple[Value, ...]]:
    return [tuple(evaluate(item.expression, scope) for item in sort) for scope in scopes]


def _finished(
    columns: Sequence[str], rows: list[Keyed], sort: Sequence[tree.SortItem], limit: int | None, offset: int | None
) -> Table:
    rows = sorted_by(rows, sort)
    begin = offset or 0
    end = len(rows) if limit is None else begin + limit
    for edge in {begin, end}:
        if 0 < edge < len(rows) and _undecided(rows[edge - 1], rows[edge], sort):
            raise EvaluationError("which rows the limit leaves is open: sort by more")
    kept = rows[begin:end]
    decided = not any(_undecided(one, other, sort) for one, other in pairwise(kept))
    return Table(tuple(columns), [row for _, row in kept], in_order=bool(sort) and decided)


def _undecided(one: Keyed, other: Keyed, sort: Sequence[tree.SortItem]) -> bool:
    different = [identity(value) for value in one[1]] != [identity(value) for value in other[1]]
    return different and by_keys(one[0], other[0], sort) == 0


# One query


@dataclass
class _Query:
    query: tree.Query
    context: Context
    outer: Scope | None

    def __post_init__(self) -> None:
        self.context = _with(self.query.with_, self.context, self.outer)
        blank = Scope(self.context, outer=self.outer, windows=dict(self.query.windows))
        if self.query.infer:
            raise EvaluationError("what is inferred is not worked out here")
        self.rows = relation_rows(self.query.source, blank)
        self.items = self._items()
        self.columns = self._names()
        self.template = replace(blank, aliases=self._aliases(), implicit=self._implicit())
        self.sort = [self._sort_item(item) for item in self.query.sort]

    def answer(self) -> Table:
        query = self.query
        scopes = self._filtered(self.rows.scopes(self.template))
        if query.sample is not None:
            scopes = self._sampled(scopes)
        grouped = self._is_grouped()
        if grouped:
            scopes = self._grouped(scopes)
        if query.final_filter is not None:
            scopes = [scope for scope in scopes if evaluate(query.final_filter, replace(scope, behind=True)) is True]
        scopes = [replace(scope, peers=scopes) for scope in scopes]
        if query.distinct_on:
            scopes = self._distinct_on(scopes)
        if self._shape() == "traces" and query.limit is not None and not grouped:
            scopes = self._limited_traces(scopes)
        return self._second_stage(self._projected(scopes, grouped=grouped))

    # The select list

    def _items(self) -> list[tree.Item]:
        query = self.query
        items: list[tree.Item] = []
        for item in query.select:
            items += self._expanded(item) if isinstance(item, tree.Star) else [item]
        if not query.select:
            items += query.dimensions
        items += query.measures
        if query.pivot is not None and query.pivot.column is not None:
            named = {item.expression: item for item in items if item.alias is not None}
            return [*(named.get(item.expression, item) for item in query.dimensions), *query.pivot.measures]
        return items

    def _expanded(self, star: tree.Star) -> list[tree.Item]:
        replaced = dict(star.replace)
        items: list[tree.Item] = []
        for names in self.rows.fields:
            if star.table is not None and names.alias != star.table:
                continue
            for name in names.columns:
                if name in star.exclude or (star.table is None and name in names.covered):
                    continue
                path = (name,) if names.alias is None else (names.alias, name)
                alone = len(self.rows.fields) == 1
                expression = replaced.get(name, tree.Identifier((name,) if alone else path))
                items.append(tree.Item(expression, name))
        return items

    def _names(self) -> list[str]:
        short = [self._short(item) for item in self.items]
        stars = any(isinstance(item, tree.Star) for item in self.query.select)
        written = set[str | None]() if stars else {item.alias for item in self.items}
        names = [
            item.alias
            or (name if short.count(name) == 1 or name in written else self._source_text(item.expression.span))
            for item, name in zip(self.items, short, strict=True)
        ]
        if len(set(names)) < len(names):
            if not stars:
                raise EvaluationError(f"two columns have the same name: {names}")
            names = _numbered(names)
        return names

    def _short(self, item: tree.Item) -> str:
        if item.alias is not None:
            return item.alias
        expression = item.expression
        if isinstance(expression, tree.Identifier) and isinstance(expression.path[-1], str):
            return expression.path[-1]
        if isinstance(expression, tree.Literal) and expression.double_quoted:
            return str(expression.value)
        return self._source_text(expression.span)

    def _source_text(self, span: Span) -> str:
        return " ".join(self.context.text[span.start : span.end].split())

    def _aliases(self) -> dict[str, tree.Expression]:
        return {item.alias: item.expression for item in self._own_items() if item.alias is not None}

    def _implicit(self) -> dict[str, tree.Expression | None]:
        found: dict[str, tree.Expression | None] = {}
        for item in self._own_items():
            expression = item.expression
            if item.alias is None and isinstance(expression, tree.Identifier) and isinstance(expression.path[-1], str):
                name = expression.path[-1]
                found[name] = None if name in found and found[name] != expression else expression
        return found

    def _own_items(self) -> list[tree.Item]:
        """Return the items that are written in the query, not those a star stands for."""
        query = self.query
        written = [item for item in query.select if isinstance(item, tree.Item)]
        pivot = query.pivot.measures if query.pivot is not None and query.pivot.column is not None else ()
        dimensions = () if query.select else query.dimensions
        return [*written, *dimensions, *query.measures, *pivot]

    def _sort_item(self, item: tree.SortItem) -> tree.SortItem:
        return replace(item, expression=self._by_position(item.expression))

    def _by_position(self, node: tree.Expression) -> tree.Expression:
        if isinstance(node, tree.Literal) and isinstance(node.value, int) and not isinstance(node.value, bool):
            if not 1 <= node.value <= len(self.items):
                raise EvaluationError(f"there is no column {node.value}")
            return self.items[node.value - 1].expression
        return node

    # Rows

    def _shape(self) -> tree.Shape:
        return self.query.source.shape if isinstance(self.query.source, tree.From) else "spans"

    def _unpivoted(self, scopes: list[Scope]) -> list[Scope]:
        for item in self.query.unpivot:
            scopes = [row for scope in scopes for row in unpivoted(item, scope)]
        return scopes

    def _filtered(self, scopes: list[Scope]) -> list[Scope]:
        query = self.query
        if self._shape() != "spans":
            return self._unpivoted(self._chosen(scopes))
        scopes = self._unpivoted(scopes)
        for condition in (query.span_filter, query.filter, query.trace_filter):
            if condition is not None:
                scopes = _with_traces(scopes) if is_special(condition) else scopes
                scopes = [scope for scope in scopes if evaluate(condition, scope) is True]
        return scopes

    def _chosen(self, scopes: list[Scope]) -> list[Scope]:
        """Return the spans of the traces that the filter chooses, or their summaries."""
        query = self.query
        source = cast("tree.From", query.source)
        summary = source.shape == "summary"
        spans = (
            relation_rows(replace(source, shape="spans"), self.template).scopes(self.template) if summary else scopes
        )
        if query.span_filter is not None:
            spans = [span for span in spans if evaluate(query.span_filter, span) is True]
        narrow = returned(query.filter) + ([query.trace_filter] if query.trace_filter is not None else [])
        kept: list[Scope] = []
        for members in by_trace(spans).values():
            if query.filter is not None and trace_holds(query.filter, members, evaluate) is not True:
                continue
            kept += [span for span in members if and_(*(evaluate(each, span) for each in narrow)) is True]
        if not summary:
            return self._in_order_of(scopes, kept)
        rows = summary_rows([dict(span.relations[0][1]) for span in self._in_order_of(spans, kept)])
        return [self._with_extras(replace(self.template, relations=((self.rows.fields[0], row),))) for row in rows]

    def _with_extras(self, scope: Scope) -> Scope:
        """Add to a summary what the query wants it to have: the comparison key, weighted scores, custom columns."""
        query = self.query
        ((names, row),) = scope.relations
        plain = scope.plain()
        key = query.comparison_key if query.comparison_key is not None else tree.Identifier(("input",))
        weighted = {self._short(item): evaluate(item.expression, plain) for item in query.weighted_scores}
        custom = {self._short(item): evaluate(item.expression, plain) for item in query.custom_columns}
        scores = {**cast("dict[str, Value]", row.get("scores") or {}), **weighted}
        full = {**row, "comparison_key": evaluate(key, plain), "scores": scores or None, **custom}
        columns = tuple(dict.fromkeys([*names.columns, "comparison_key", *custom]))
        return replace(scope, relations=((replace(names, columns=columns), full),))

    @staticmethod
    def _in_order_of(scopes: list[Scope], kept: list[Scope]) -> list[Scope]:
        wanted = {id(scope) for scope in kept}
        return [scope for scope in scopes if id(scope) in wanted]

    def _sampled(self, scopes: list[Scope]) -> list[Scope]:
        sample = self.query.sample
        assert sample is not None
        if sample.rate == 1 or (sample.count is not None and sample.count >= len(scopes)):
            return scopes
        if sample.rate == 0:
            return []
        raise EvaluationError("a sample is random")

    # Groups

    def _is_grouped(self) -> bool:
        query = self.query
        if query.dimensions or query.measures or query.grouping_sets is not None:
            return True
        nodes = [item.expression for item in self.items] + [item.expression for item in query.sort]
        return any(has_aggregate(node) for node in (*nodes, query.final_filter))

    def _grouped(self, scopes: list[Scope]) -> list[Scope]:
        keys = [self._key(item.expression, scopes) for item in self.query.dimensions]
        if self.query.pivot is not None and self.query.pivot.column is not None:
            keys.append(self.query.pivot.column)
        sets = self._sets(keys)
        groups: list[Scope] = []
        for chosen in sets:
            groups += self._groups_of(scopes, keys, frozenset(chosen))
        return groups

    def _sets(self, keys: Sequence[tree.Expression]) -> Sequence[Sequence[int]]:
        """Return the sets of keys; those that are one column of the answer are in the same sets."""
        sets = self.query.grouping_sets
        if sets is None:
            return (tuple(range(len(keys))),)
        places = self._places(keys)
        return [[n for n, place in enumerate(places) if place in {places[m] for m in chosen}] for chosen in sets]

    def _places(self, keys: Sequence[tree.Expression]) -> list[object]:
        """Return which column of the answer each key is: the one that its position names, or the first that says it."""
        columns = [item.expression for item in self.items]
        return [
            dimension.expression.value
            if isinstance(dimension.expression, tree.Literal)
            else (columns.index(key) + 1 if key in columns else (number, "no column"))
            for number, (dimension, key) in enumerate(zip(self.query.dimensions, keys, strict=False))
        ]

    def _key(self, node: tree.Expression, scopes: Sequence[Scope]) -> tree.Expression:
        node = self._by_position(node)
        if isinstance(node, tree.Identifier) and scopes:
            return scopes[0].alias(node.path) or node
        return node

    def _groups_of(self, scopes: Sequence[Scope], keys: list[tree.Expression], chosen: frozenset[int]) -> list[Scope]:
        found: dict[tuple[object, ...], tuple[list[Value], list[Scope]]] = {}
        if not chosen:
            found[()] = ([None] * len(keys), [])
        for scope in scopes:
            plain = scope.plain()
            values = [evaluate(key, plain) if number in chosen else None for number, key in enumerate(keys)]
            same = tuple(identity(value) for number, value in enumerate(values) if number in chosen)
            found.setdefault(same, (values, []))[1].append(plain)
        return [
            replace(self.template, group=Group(members, list(zip(keys, values, strict=True)), chosen))
            for values, members in found.values()
        ]

    def _distinct_on(self, scopes: list[Scope]) -> list[Scope]:
        behind = [replace(scope, behind=True) for scope in scopes]
        keyed = sorted_by(zip(_keyed(behind, self.sort), scopes, strict=True), self.sort)
        first: dict[tuple[object, ...], Scope] = {}
        for _, scope in keyed:
            first.setdefault(
                tuple(identity(evaluate(self._by_position(key), scope)) for key in self.query.distinct_on), scope
            )
        return list(first.values())

    # The end

    def _projected(self, scopes: list[Scope], *, grouped: bool) -> Table:
        query = self.query
        rows: list[Keyed] = []
        sort = self.sort
        if not sort and self._newest_first(grouped=grouped):
            sort = [NEWEST_FIRST]
        elif sort and self._newest_first(grouped=grouped):
            sort = [*sort, NEWEST_FIRST]
        for scope in scopes:
            row = tuple(self._value(number, item, scope) for number, item in enumerate(self.items, 1))
            rows.append((tuple(evaluate(item.expression, replace(scope, behind=True)) for item in sort), row))
        if query.distinct:
            rows = list({tuple(map(identity, row[1])): row for row in reversed(rows)}.values())[::-1]
        if query.pivot is not None:
            return self._pivoted(scopes, [row for _, row in rows])
        traces = self._shape() == "traces" and not grouped
        return _finished(self.columns, rows, sort, None if traces else query.limit, None if traces else query.offset)

    def _value(self, number: int, item: tree.Item, scope: Scope) -> Value:
        """Return column ``number`` of a row; one that is a key of the sets is that key, and no other one like it."""
        if scope.group is not None and self.query.grouping_sets is not None:
            keys = scope.group.keys
            for place, (_, value) in zip(self._places([key for key, _ in keys]), keys, strict=False):
                if place == number:
                    return value
        return evaluate(item.expression, scope.plain())

    def _newest_first(self, *, grouped: bool) -> bool:
        query = self.query
        plain = isinstance(query.source, tree.From | tree.Table) and self.rows.fields[0].open
        return plain and not grouped and not query.unpivot and not query.distinct and not query.distinct_on

    def _pivoted(self, scopes: list[Scope], rows: list[tuple[Value, ...]]) -> Table:
        pivot = self.query.pivot
        assert pivot is not None
        if self.query.sort or self.query.limit is not None:
            raise EvaluationError("the order of a pivot is not worked out here")
        if pivot.column is not None:
            values = [evaluate(pivot.column, scope) for scope in scopes]
            return pivoted(self.columns, rows, values, [self._short(item) for item in pivot.measures], {})
        names = {self._short(item): item.alias for item in pivot.measures}
        spread = len(self.query.dimensions) - 1
        measures = [cast("str", cast("tree.Identifier", item.expression).path[-1]) for item in pivot.measures]
        renamed = {measure: item.alias or measure for measure, item in zip(measures, pivot.measures, strict=True)}
        assert names
        keep = [at for at in range(len(self.columns)) if at != spread]
        return pivoted(
            [self.columns[at] for at in keep],
            [tuple(row[at] for at in keep) for row in rows],
            [row[spread] for row in rows],
            measures,
            renamed,
        )

    def _limited_traces(self, scopes: list[Scope]) -> list[Scope]:
        """Keep the traces whose best span comes first in the order of the query."""
        sort = [*self.sort, NEWEST_FIRST]
        behind = [replace(scope, behind=True) for scope in scopes]
        keyed = sorted_by(zip(_keyed(behind, sort), scopes, strict=True), sort)
        traces = list(by_trace([scope for _, scope in keyed]))
        begin = self.query.offset or 0
        wanted = traces[begin : begin + cast("int", self.query.limit)]
        return [scope for scope in scopes if scope.relations[0][1]["root_span_id"] in wanted]

    def _second_stage(self, table: Table) -> Table:
        query = self.query
        if not query.final_dimensions and not query.final_measures:
            return table
        inner = tree.Query(
            dimensions=query.final_dimensions,
            measures=query.final_measures,
            source=tree.Table(("final stage",)),
            language=query.language,
        )
        return run(inner, replace(self.context, tables={**self.context.tables, "final stage": table}))


def _with_traces(scopes: Sequence[Scope]) -> list[Scope]:
    """Let each span know the spans of its trace."""
    traces = by_trace(scopes)
    return [replace(scope, trace=traces[scope.relations[0][1].get("root_span_id")]) for scope in scopes]


def _numbered(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    numbered: list[str] = []
    for name in names:
        count = seen.get(name, 0)
        seen[name] = count + 1
        numbered.append(f"{name}_{count}" if count else name)
    return numbered


def has_aggregate(node: object) -> bool:
    """Whether an expression has an aggregate in it that is not a window's, nor a subquery's."""
    if isinstance(node, tree.Call):
        if node.name in AGGREGATES and node.window is None:
            return True
        return any(has_aggregate(part) for part in (node.arguments, node.window))
    if isinstance(node, tree.Subquery | tree.Exists | tree.InQuery):
        return isinstance(node, tree.InQuery) and has_aggregate(node.expression)
    if isinstance(node, tuple):
        return any(has_aggregate(part) for part in cast("tuple[object, ...]", node))
    if not is_dataclass(node) or isinstance(node, Span | type):
        return False
    return any(has_aggregate(getattr(node, each.name)) for each in fields(node))
