"""The clauses of a query that are about its source: its shape, its filters, unpivots, samples, columns of a summary.

Rows are filtered, then unpivoted (a condition on a column that an unpivot makes
is checked behind it), then sampled.
"""

from __future__ import annotations

from collections.abc import Sequence

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_planner import errors
from btql_planner.binding.bound_relation import BoundRelation
from btql_planner.binding.expression import ExpressionBinder
from btql_planner.binding.grouping import refuse_aggregates
from btql_planner.binding.scope import Scope
from btql_planner.binding.window import refuse_windows
from btql_planner.clauses.rows import SourceRows
from btql_planner.clauses.sample import sampled
from btql_planner.clauses.shapes import in_shape, scan_of
from btql_planner.clauses.summary import SummaryClauses, SummaryNames, filled
from btql_planner.clauses.summary_measures import METRICS
from btql_planner.clauses.trace_filter import has_span_calls, refuse_span_calls
from btql_planner.clauses.unpivot import bind_unpivots, named_paths
from btql_planner.expressions import Expression, SortKey
from btql_planner.finish import SUMMARY_PREVIEW
from btql_planner.names import ObjectNames, implicit_alias
from btql_planner.options import QueryOptions
from btql_planner.plan import Alias, Filter, Plan, Project

SORTED_ROWS_MAX = 100_000
"""With more rows, SQL that asks for all of them and for no order gets none."""


class SourceClauses:
    """Makes the rows of a query; what it adds to the scope is there as soon as this is made."""

    def __init__(self, query: tree.Query, relation: BoundRelation, scope: Scope) -> None:
        self.query = query
        self.relation = relation
        self.scope = scope
        objects = relation.objects
        self.shape: tree.Shape | None = None if objects is None else objects.shape
        """The shape of the source; None where the relation is anything but one source."""
        self.summaries = [names for names in relation.names if isinstance(names, SummaryNames)]
        self.source = ""
        """What the columns of the source are called by."""
        if self.shape is not None:
            (names,) = relation.names
            assert isinstance(names, ObjectNames | SummaryNames)
            self.source = names.source
            self.span_scope = Scope(scope.around, [names.spans]) if isinstance(names, SummaryNames) else scope
        self._refuse_clauses_of_other_shapes()
        self._prepare_summaries()
        self._warn_of_measures()
        self.unpivots = bind_unpivots(query.unpivot, scope)

    def rows(self) -> Plan:
        """Return the rows that the query is about."""
        below, above = self._parted()
        rows = self._relation_rows(below) if self.shape is None else self._source_rows(self.shape, below)
        if self.unpivots is not None:
            rows = self.unpivots.apply(rows)
        if above is not None:
            rows = Filter(rows, self._condition(above))
        return rows

    def ties(self) -> Sequence[SortKey]:
        """Return what tells rows apart that unpivots have made of one."""
        return () if self.unpivots is None else self.unpivots.ties()

    @property
    def steady(self) -> bool:
        """Whether each row of the source is at most one row of the answer, and the same ones every time."""
        return self.unpivots is None and self.query.sample is None

    def come_as_they_lie(self, options: QueryOptions) -> bool:
        """Whether rows need no order: SQL promises none, and to sort a million takes longer than to read them."""
        query, names = self.query, self.relation.names
        if query.language != "sql" or self.shape != "spans" or not isinstance(names[0], ObjectNames):
            return False
        if query.sort or query.distinct_on or query.limit is not None or query.offset or options.cursor:
            return False
        return names[0].catalog.rows() > SORTED_ROWS_MAX

    def preview_length(self, options: QueryOptions) -> int | None:
        """Return the length of previews, None where fields are shown whole."""
        length = options.preview_length
        if length is None:
            return SUMMARY_PREVIEW if self.shape == "summary" else None
        return None if length < 0 else length

    def filled(self, project: Project) -> Project:
        """Return the plan with the measures of its summaries, which are known now."""
        plan: Plan = project
        for names in self.summaries:
            plan = filled(plan, names)
        assert isinstance(plan, Project)
        return plan

    def _parted(self) -> tuple[tree.Expression | None, tree.Expression | None]:
        """Return what of the filter is checked below and above the unpivots."""
        condition = self.query.filter
        if condition is None or self.unpivots is None:
            return condition, None
        parts = condition.children if isinstance(condition, tree.Boolean) and condition.op == "and" else (condition,)
        below = [part for part in parts if not self.unpivots.concerns(part)]
        above = [part for part in parts if self.unpivots.concerns(part)]
        return _joined(below, condition), _joined(above, condition)

    def _relation_rows(self, condition: tree.Expression | None) -> Plan:
        rows = self.relation.plan
        return rows if condition is None else Filter(rows, self._condition(condition))

    def _source_rows(self, shape: tree.Shape, condition: tree.Expression | None) -> Plan:
        query, rows = self.query, self.relation.plan
        plain = query.span_filter is None and query.trace_filter is None
        if shape == "spans" and plain and (condition is None or not has_span_calls(condition)):
            # Such a filter may look at queries around it, and goes above the Alias.
            rows = self._relation_rows(condition)
            return self._sampled(rows, shape, self.source)
        scan = scan_of(rows)
        rows = SourceRows(query, condition, shape, scan, self.source, self.span_scope).bind()
        rows = self._sampled(rows, shape, "")
        rows = in_shape(rows, scan, shape, self.summaries[0].name if self.summaries else "")
        return Alias(rows, self.source) if self.source else rows

    def _sampled(self, rows: Plan, shape: tree.Shape, source: str) -> Plan:
        sample = self.query.sample
        if sample is None:
            return rows
        if sample.seed is None:
            # One is drawn for each query.
            self.scope.around.context.repeats = False
        return sampled(rows, sample, shape, source)

    def _condition(self, node: tree.Expression) -> Expression:
        refuse_span_calls(node)
        condition = ExpressionBinder(self.scope).bind(node)
        refuse_aggregates(condition)
        refuse_windows(condition)
        return condition

    def _prepare_summaries(self) -> None:
        query = self.query
        for names in self.summaries:
            names.measures.bind_span = ExpressionBinder(Scope(self.scope.around, [names.spans])).bind
            names.bind_row = ExpressionBinder(Scope(self.scope.around, [names.bare()])).bind
            if self.shape is not None:
                names.clauses = SummaryClauses(
                    query.comparison_key, self._named(query.weighted_scores), self._named(query.custom_columns)
                )

    def _warn_of_measures(self) -> None:
        """Say that a filter looks at spans where it names a metric that only summaries have."""
        if not self.summaries or self.shape is None or self.query.filter is None:
            return
        named = {path[1] for path in named_paths(self.query.filter) if len(path) == 2 and path[0] == "metrics"}
        for names in self.summaries:
            for name in (each for each in METRICS if each in named):
                if not names.spans.catalog.availability(("metrics", name)).exists:
                    self.scope.context.warn(
                        f"the filter looks at spans, and no span has `metrics.{name}`: "
                        "filter summaries with `final_filter:`, in SQL with HAVING"
                    )

    def _named(self, items: Sequence[tree.Item]) -> dict[str, tree.Expression]:
        named: dict[str, tree.Expression] = {}
        for item in items:
            node = item.expression
            implicit = implicit_alias(node.path) if isinstance(node, tree.Identifier) else None
            name = item.alias or implicit or self.scope.context.text(node.span)
            if name in named:
                raise BtqlError.of(
                    errors.DUPLICATE_ALIAS, f"two columns are called `{name}`", item.span, "the second",
                    help="give one of them another name with `as`",
                )  # fmt: skip
            named[name] = node
        return named

    def _refuse_clauses_of_other_shapes(self) -> None:
        query = self.query
        if self.shape is None:
            for name, node in (("span_filter", query.span_filter), ("trace_filter", query.trace_filter)):
                if node is not None:
                    raise _wrong_shape(name, node, "a source", "put it into the query that reads the source")
            if query.sample is not None:
                raise errors.not_supported("a sample of anything but a source", query.sample.span)
        if self.shape != "summary":
            columns = (*query.weighted_scores, *query.custom_columns)
            clause = "weighted_scores" if query.weighted_scores else "custom_columns"
            node = columns[0].expression if columns else query.comparison_key
            if node is not None:
                name = clause if columns else "comparison_key"
                raise _wrong_shape(name, node, "the shape `summary`", "write `summary` behind the source")


def _joined(parts: Sequence[tree.Expression], whole: tree.Expression) -> tree.Expression | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return tree.Boolean("and", tuple(parts), span=whole.span)


def _wrong_shape(clause: str, node: tree.Expression, wanted: str, help_: str) -> BtqlError:
    return BtqlError.of(errors.WRONG_SHAPE, f"`{clause}` belongs to {wanted}", node.span, "not here", help=help_)
