"""The answer to a whole statement: one clause after the other, each a function from rows to rows.

1. FROM, with joins; UNPIVOT; the filter, as the shape wants it; the sample.
2. Groups, where there are keys or aggregates; the filter on groups.
3. Windows, the select list, DISTINCT.
4. The order, the limit; PIVOT.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from btql_conformance.common_tables import with_tables
from btql_conformance.expressions import evaluate
from btql_conformance.grouping import Grouping
from btql_conformance.limits import Keyed, finished, keyed
from btql_conformance.operators import and_
from btql_conformance.ordering import sorted_by
from btql_conformance.relations import relation_rows
from btql_conformance.reshape import pivoted, unpivoted
from btql_conformance.scope import Context, EvaluationError, Scope, Table
from btql_conformance.select_list import SelectList
from btql_conformance.set_operations import set_operation
from btql_conformance.shapes import by_trace, is_special, returned, summary_rows, trace_holds
from btql_conformance.values import Value, identity
from btql_grammar import tree

NEWEST_FIRST = tree.SortItem(tree.Identifier(("_pagination_key",)), "desc")


def run(statement: tree.Statement, context: Context, outer: Scope | None = None) -> Table:
    """Return the answer to a statement inside a scope."""
    match statement:
        case tree.Query():
            return _Query(statement, context, outer).answer()
        case tree.SetOperation():
            return set_operation(statement, context, outer)
        case tree.Values(rows=rows):
            scope = Scope(context, outer=outer)
            found = [tuple(evaluate(value, scope) for value in row) for row in rows]
            return Table(tuple(f"column{number}" for number in range(1, len(rows[0]) + 1)), found, in_order=True)
        case _:
            raise EvaluationError("this gives no rows")


@dataclass
class _Query:
    query: tree.Query
    context: Context
    outer: Scope | None

    def __post_init__(self) -> None:
        self.context = with_tables(self.query.with_, self.context, self.outer)
        blank = Scope(self.context, outer=self.outer, windows=dict(self.query.windows))
        if self.query.infer:
            raise EvaluationError("what is inferred is not worked out here")
        self.rows = relation_rows(self.query.source, blank)
        self.select = SelectList(self.query, self.rows, self.context.text)
        self.template = replace(blank, aliases=self.select.aliases(), implicit=self.select.implicit())
        self.sort = [self.select.sort_item(item) for item in self.query.sort]
        self.grouping = Grouping(self.query, self.select, self.template)

    def answer(self) -> Table:
        query = self.query
        scopes = self._filtered(self.rows.scopes(self.template))
        if query.sample is not None:
            scopes = self._sampled(scopes)
        grouped = self.grouping.is_grouped()
        if grouped:
            scopes = self.grouping.groups(scopes)
        if query.final_filter is not None:
            scopes = [scope for scope in scopes if evaluate(query.final_filter, replace(scope, behind=True)) is True]
        scopes = [replace(scope, peers=scopes) for scope in scopes]
        if query.distinct_on:
            scopes = self._distinct_on(scopes)
        if self._shape() == "traces" and query.limit is not None and not grouped:
            scopes = self._limited_traces(scopes)
        return self._second_stage(self._projected(scopes, grouped=grouped))

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
        weighted = {self.select.short(item): evaluate(item.expression, plain) for item in query.weighted_scores}
        custom = {self.select.short(item): evaluate(item.expression, plain) for item in query.custom_columns}
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

    def _distinct_on(self, scopes: list[Scope]) -> list[Scope]:
        behind = [replace(scope, behind=True) for scope in scopes]
        ordered = sorted_by(zip(keyed(behind, self.sort), scopes, strict=True), self.sort)
        first: dict[tuple[object, ...], Scope] = {}
        for _, scope in ordered:
            first.setdefault(
                tuple(identity(evaluate(self.select.by_position(key), scope)) for key in self.query.distinct_on), scope
            )
        return list(first.values())

    def _projected(self, scopes: list[Scope], *, grouped: bool) -> Table:
        query = self.query
        rows: list[Keyed] = []
        sort = self.sort
        if not sort and self._newest_first(grouped=grouped):
            sort = [NEWEST_FIRST]
        elif sort and self._newest_first(grouped=grouped):
            sort = [*sort, NEWEST_FIRST]
        for scope in scopes:
            row = tuple(self._value(number, item, scope) for number, item in enumerate(self.select.items, 1))
            rows.append((tuple(evaluate(item.expression, replace(scope, behind=True)) for item in sort), row))
        if query.distinct:
            rows = list({tuple(map(identity, row[1])): row for row in reversed(rows)}.values())[::-1]
        if query.pivot is not None:
            return self._pivoted(scopes, [row for _, row in rows])
        traces = self._shape() == "traces" and not grouped
        return finished(
            self.select.columns, rows, sort, None if traces else query.limit, None if traces else query.offset
        )

    def _value(self, number: int, item: tree.Item, scope: Scope) -> Value:
        """Return column ``number`` of a row; one that is a key of the sets is that key, and no other one like it."""
        if scope.group is not None and self.query.grouping_sets is not None:
            keys = scope.group.keys
            for place, (_, value) in zip(self.grouping.places([key for key, _ in keys]), keys, strict=False):
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
            return pivoted(self.select.columns, rows, values, [self.select.short(item) for item in pivot.measures], {})
        names = {self.select.short(item): item.alias for item in pivot.measures}
        spread = len(self.query.dimensions) - 1
        measures = [cast("str", cast("tree.Identifier", item.expression).path[-1]) for item in pivot.measures]
        renamed = {measure: item.alias or measure for measure, item in zip(measures, pivot.measures, strict=True)}
        assert names
        keep = [at for at in range(len(self.select.columns)) if at != spread]
        return pivoted(
            [self.select.columns[at] for at in keep],
            [tuple(row[at] for at in keep) for row in rows],
            [row[spread] for row in rows],
            measures,
            renamed,
        )

    def _limited_traces(self, scopes: list[Scope]) -> list[Scope]:
        """Keep the traces whose best span comes first in the order of the query."""
        sort = [*self.sort, NEWEST_FIRST]
        behind = [replace(scope, behind=True) for scope in scopes]
        ordered = sorted_by(zip(keyed(behind, sort), scopes, strict=True), sort)
        traces = list(by_trace([scope for _, scope in ordered]))
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
