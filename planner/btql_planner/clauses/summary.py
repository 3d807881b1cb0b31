"""The shape ``summary``: one row for each trace, and what its columns are (reference 6.6).

A column is computed only where a query names it: ``scores.quality`` is one
average, ``scores`` an object of all of them.

- ``scores``: the average of each score over all spans of the trace, those of
  scorers too. A weighted score is computed from these and is one more.
- ``metrics``: tokens and cost are sums, ``total_tokens`` is prompt and
  completion together; ``llm_calls``, ``tool_calls`` and the kinds of ``errors``
  are counts; ``start`` is the earliest and ``end`` the latest, ``duration`` the
  time between them; ``llm_duration`` adds up the spans of LLM calls, and
  ``time_to_first_token`` is their mean. Any other metric is a sum. Spans with
  the purpose ``scorer`` do not count in any metric.
- ``span_type_info``: the root's ``span_attributes``, whether all LLM calls were
  ``cached`` (there was one, and ``metrics.cached`` of each is not 0), and
  whether any span ``has_error``.
- ``comparison_key``: the clause's expression, by default ``input``.
- Custom columns, by their names. Everything else is the root span's.

The spans of the trace are those that the query leaves: FILTER_SPANS and
``span_filter`` narrow them. Where the root is not among them the earliest span
stands for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from btql_grammar import tree
from btql_grammar.span import Span
from btql_planner.clauses.summary_measures import METRICS, Binding, Measures, call, merged, object_of
from btql_planner.expressions import Expression
from btql_planner.json_paths import json_get
from btql_planner.names import NESTED, ObjectNames
from btql_planner.plan import Plan, TraceSummary
from btql_planner.plan_traversal import rewrite
from btql_planner.types import Kind

TreePath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class SummaryClauses:
    """The clauses that add columns to a summary."""

    comparison_key: tree.Expression | None = None
    weighted_scores: Mapping[str, tree.Expression] = field(default_factory=dict[str, tree.Expression])
    custom_columns: Mapping[str, tree.Expression] = field(default_factory=dict[str, tree.Expression])


class SummaryNames:
    """The names of the rows of a summary; collects the measures that a query needs."""

    def __init__(self, spans: ObjectNames, roots: ObjectNames, name: str) -> None:
        self.spans = spans
        self.roots = roots
        self.name = name
        """What the names of measures begin with."""
        self.clauses = SummaryClauses()
        self.measures = Measures(spans, roots.source, name)
        self.bind_row: Binding
        """Binds an expression over rows of the summary, without what the clauses add; set as that of spans is."""

    def bare(self) -> SummaryNames:
        """Return the names without what clauses add; both collect the same measures."""
        names = SummaryNames(self.spans, self.roots, self.name)
        names.measures = self.measures
        return names

    @property
    def alias(self) -> str | None:
        """What the query calls the relation."""
        return self.roots.alias

    @property
    def schema(self) -> str | None:
        """The kind of the object, where it may stand before the alias."""
        return self.roots.schema

    @property
    def source(self) -> str:
        """What the plan calls the relation."""
        return self.roots.source

    @property
    def top_level(self) -> Collection[str]:
        """Every name that is a column of its own."""
        return {*self.roots.top_level, "span_type_info", "comparison_key", *self.clauses.custom_columns}

    @property
    def closed(self) -> bool:
        """Whether a name that is not known is a mistake."""
        return False

    def star(self) -> list[str]:
        """Return the columns that ``*`` stands for; the comparison key only where the query has the clause."""
        key = ["comparison_key"] if self.clauses.comparison_key is not None else []
        return list(dict.fromkeys([*self.roots.star(), "span_type_info", *key, *self.clauses.custom_columns]))

    def field(self, path: TreePath, span: Span) -> Expression | None:
        """Return the value of a path that begins with a column."""
        head, rest = str(path[0]), path[1:]
        if head in self.clauses.custom_columns:
            return _below(self.bind_row(self.clauses.custom_columns[head]), rest, span)
        match head:
            case "scores":
                found = self._score(rest) if rest else self._scores()
            case "metrics":
                found = self.measures.metric(rest) if rest else self._metrics()
            case "span_type_info":
                return self._info(rest, span)
            case "comparison_key":
                return _below(self._comparison_key(), rest, span)
            case _:
                return self.roots.field(path, span)
        return replace(found, span=span)

    def nested(self, path: TreePath, span: Span) -> Expression | None:
        """Return the value of a path that begins below one of the nested fields."""
        head = path[0]
        for outer in NESTED:
            known = outer in ("scores", "metrics") and head in self.added_keys(outer)
            if known or self.spans.catalog.availability((outer, str(head))).exists:
                return self.field((outer, *path), span)
        return None

    def nested_keys(self) -> Mapping[str, tuple[str, ...]]:
        """Return the keys that may begin such a path, each with the whole path."""
        added = {key: (outer, key) for outer in ("metrics", "scores") for key in self.added_keys(outer)}
        return {**added, **self.spans.nested_keys()}

    def added_keys(self, head: str) -> Collection[str]:
        """Return the scores or metrics that no span has to have."""
        return self.clauses.weighted_scores.keys() if head == "scores" else METRICS

    def _score(self, rest: TreePath) -> Expression:
        if rest[0] in self.clauses.weighted_scores and len(rest) == 1:
            return self.bind_row(self.clauses.weighted_scores[str(rest[0])])
        return self.measures.score(rest)

    def _scores(self) -> Expression:
        weighted = {name: self._score((name,)) for name in self.clauses.weighted_scores}
        keys = self._listed("scores")
        if keys is not None:
            return object_of({**{key: self._score((key,)) for key in keys}, **weighted})
        return merged(self.measures.all_scores(), weighted)

    def _metrics(self) -> Expression:
        metric = self.measures.metric
        fixed = {name: metric((name,)) for name in METRICS}
        keys = self._listed("metrics")
        if keys is not None:
            custom = [key for key in keys if key not in METRICS and not key.startswith("caller_")]
            return object_of({**fixed, **{key: metric((key,)) for key in custom}})
        return merged(self.measures.all_metrics(), fixed)

    def _listed(self, head: str) -> list[str] | None:
        """Return the keys below a field that may be numbers; None where only documents know all, or they are many."""
        keys = self.spans.listed_keys((head,))
        if keys is None:
            return None
        known = {key: self.spans.catalog.availability((head, key)) for key in keys}
        if any(each.cut for each in known.values()):
            return None
        return [key for key in keys if known[key].kinds - {Kind.TEXT}]

    def _info(self, rest: TreePath, span: Span) -> Expression | None:
        match rest:
            case ("cached",):
                return self.measures.cached()
            case ("has_error",):
                return self.measures.has_error()
            case ():
                root = self.roots.field(("span_attributes",), span)
                assert root is not None
                return merged(root, {"cached": self.measures.cached(), "has_error": self.measures.has_error()})
            case _:
                return self.roots.field(("span_attributes", *rest), span)

    def _comparison_key(self) -> Expression:
        key = self.clauses.comparison_key or tree.Identifier(("input",))
        # Not a bare field, or it would be cut as a preview, and keys would be alike that are not.
        return call("coalesce", self.bind_row(key))


def filled(plan: Plan, names: SummaryNames) -> Plan:
    """Return the plan with the measures that were collected while it was made."""

    def fill(node: Plan) -> Plan | None:
        if not isinstance(node, TraceSummary) or node.name != names.name:
            return None
        return replace(node, measures=tuple(names.measures.found.values()))

    return rewrite(plan, fill)


def _below(value: Expression, rest: TreePath, span: Span) -> Expression:
    """Return what is at a path below a computed value."""
    return json_get(value, rest, span) if rest else value
