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

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from btql_grammar import tree
from btql_grammar.span import Span
from btql_planner.catalog import Path
from btql_planner.expressions import (
    NO_SPAN,
    AggregateCall,
    Apply,
    Constant,
    Expression,
    PathValue,
    Reference,
    as_scalar,
    engine_name,
)
from btql_planner.functions import functions
from btql_planner.json_paths import json_get
from btql_planner.names import NESTED, ObjectNames
from btql_planner.plan import Named, Plan, TraceSummary
from btql_planner.plan_traversal import rewrite
from btql_planner.types import Kind
from btql_storage import json_text
from btql_storage.kinds import Kind as StoredKind
from btql_storage.kinds import column_name

TreePath = tuple[str | int, ...]

SUMS = ("prompt_tokens", "completion_tokens", "prompt_cached_tokens", "prompt_cache_creation_tokens")
METRICS = (
    *SUMS, "total_tokens", "estimated_cost", "llm_calls", "tool_calls", "errors", "llm_errors", "tool_errors",
    "start", "end", "duration", "llm_duration", "time_to_first_token",
)  # fmt: skip
"""The metrics that every summary has."""
LISTED_KEYS_MAX = 200
"""Up to this many scores or metrics are added up one by one where the whole object is asked for."""

Binding = Callable[[tree.Expression], Expression]


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
        self.measures: dict[str, Named] = {}
        self.bind_span: Binding
        """Binds an expression over spans; set by whoever binds the query, as the next one is."""
        self.bind_row: Binding
        """Binds an expression over rows of the summary, without what the clauses add."""

    def bare(self) -> SummaryNames:
        """Return the names without what clauses add; both collect the same measures."""
        names = SummaryNames(self.spans, self.roots, self.name)
        names.measures, names.bind_span = self.measures, self.bind_span
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
                found = self._metric(rest) if rest else self._metrics()
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

    def added_keys(self, head: str) -> Collection[str]:
        """Return the scores or metrics that no span has to have."""
        return self.clauses.weighted_scores.keys() if head == "scores" else METRICS

    # Scores.

    def _score(self, rest: TreePath) -> Expression:
        if rest[0] in self.clauses.weighted_scores and len(rest) == 1:
            return self.bind_row(self.clauses.weighted_scores[str(rest[0])])
        value = self._path("scores", *rest)
        return self._measure(("scores", *rest), _aggregate("avg", value))

    def _scores(self) -> Expression:
        weighted = {name: self._score((name,)) for name in self.clauses.weighted_scores}
        keys = _listed(self.spans, ("scores",))
        if keys is not None:
            return _object({**{key: self._score((key,)) for key in keys}, **weighted})
        average = self._measure(("scores",), _aggregate("object_avg", self._whole("scores")))
        return _merged(average, weighted)

    # Metrics.

    def _metric(self, rest: TreePath) -> Expression:
        # Only a whole name means a metric of its own: `metrics.a.b` is one that spans have.
        name = str(rest[0]) if len(rest) == 1 else ""
        match name:
            case "total_tokens":
                return _total(self._metric(("prompt_tokens",)), self._metric(("completion_tokens",)))
            case "duration":
                return _call("sub", self._metric(("end",)), self._metric(("start",)))
            case _:
                return self._measure(("metrics", *rest), self._measured(rest, name))

    def _measured(self, rest: TreePath, name: str) -> Expression:
        own = self._own
        match name:
            case "llm_calls" | "tool_calls":
                return _count(*own, self._llm if name == "llm_calls" else self._tool)
            case "errors":
                return _count(*own, self._failed, _call("or", self._llm, self._tool))
            case "llm_errors" | "tool_errors":
                return _count(*own, self._failed, self._llm if name == "llm_errors" else self._tool)
            case "start" | "end":
                return _aggregate("min" if name == "start" else "max", self._path("metrics", name), *own)
            case "llm_duration":
                took = _call("sub", self._path("metrics", "end"), self._path("metrics", "start"))
                return _aggregate("sum", took, *own, self._llm)
            case "time_to_first_token":
                return _aggregate("avg", self._path("metrics", name), *own, self._llm)
            case "estimated_cost":
                return _aggregate("sum", self._cost(), *own)
            case _:
                return _aggregate("sum", self._path("metrics", *rest), *own)

    def _cost(self) -> Expression:
        if "estimated_cost" in functions():
            return self.bind_span(tree.Call("estimated_cost", ()))
        return self._path("metrics", "estimated_cost")

    def _metrics(self) -> Expression:
        fixed = {name: self._metric((name,)) for name in METRICS}
        keys = _listed(self.spans, ("metrics",))
        if keys is not None:
            custom = [key for key in keys if key not in METRICS and not key.startswith("caller_")]
            return _object({**fixed, **{key: self._metric((key,)) for key in custom}})
        total = self._measure(("metrics",), _aggregate("object_sum", self._whole("metrics"), *self._own))
        return _merged(total, fixed)

    # The other columns.

    def _info(self, rest: TreePath, span: Span) -> Expression | None:
        match rest:
            case ("cached",):
                return self._cached()
            case ("has_error",):
                return self._has_error()
            case ():
                root = self.roots.field(("span_attributes",), span)
                assert root is not None
                return _merged(root, {"cached": self._cached(), "has_error": self._has_error()})
            case _:
                return self.roots.field(("span_attributes", *rest), span)

    def _cached(self) -> Expression:
        hit = _call("ne", self._path("metrics", "cached"), Constant(0, Kind.INTEGER))
        calls = self._measure(("llm spans",), _count(self._llm))
        hits = self._measure(("cached llm spans",), _count(self._llm, hit))
        return _call("and", _call("gt", calls, Constant(0, Kind.INTEGER)), _call("eq", calls, hits))

    def _has_error(self) -> Expression:
        failed = self._measure(("failed spans",), _count(self._failed))
        return _call("gt", failed, Constant(0, Kind.INTEGER))

    def _comparison_key(self) -> Expression:
        key = self.clauses.comparison_key or tree.Identifier(("input",))
        # Not a bare field, or it would be cut as a preview, and keys would be alike that are not.
        return _call("coalesce", self.bind_row(key))

    # Pieces.

    def _measure(self, path: TreePath, expression: Expression) -> Reference:
        """Return what stands for a measure of the trace's spans."""
        name = column_name(tuple(map(str, path)), StoredKind.TEXT).rpartition("#")[0]
        named = self.measures.setdefault(name, Named(f"{self.name}.{name}", expression))
        return Reference(engine_name(self.source, named.name), named.expression.type)

    def _path(self, *path: str | int) -> Expression:
        """Return a value of a span, of which scalars are enough."""
        found = self.spans.field(path, NO_SPAN)
        assert found is not None, "the fields of spans are known"
        return as_scalar(found)

    def _whole(self, name: str) -> Expression:
        found = self.spans.field((name,), NO_SPAN)
        assert found is not None, "the fields of spans are known"
        return found

    def _of_type(self, name: str) -> Expression:
        return _call("eq", self._path("span_attributes", "type"), Constant(name, Kind.TEXT))

    @cached_property
    def _llm(self) -> Expression:
        return self._of_type("llm")

    @cached_property
    def _tool(self) -> Expression:
        return self._of_type("tool")

    @cached_property
    def _failed(self) -> Expression:
        return _call("isnotnull", self._path("error"))

    @cached_property
    def _own(self) -> Sequence[Expression]:
        """The condition that a span is no scorer's; nothing where no span has a purpose."""
        purpose = self._path("span_attributes", "purpose")
        exists = isinstance(purpose, PathValue) and purpose.availability.exists
        return [_call("nsne", purpose, Constant("scorer", Kind.TEXT))] if exists else []


def filled(plan: Plan, names: SummaryNames) -> Plan:
    """Return the plan with the measures that were collected while it was made."""

    def fill(node: Plan) -> Plan | None:
        if not isinstance(node, TraceSummary) or node.name != names.name:
            return None
        return replace(node, measures=tuple(names.measures.values()))

    return rewrite(plan, fill)


def _listed(names: ObjectNames, above: Path) -> list[str] | None:
    """Return the keys below a field that may be numbers, None where only documents know them all, or they are many."""
    keys = listed_keys(names, above)
    if keys is None or len(keys) > LISTED_KEYS_MAX:
        return None
    found = [key for key in keys if names.catalog.availability((*above, key)).kinds - {Kind.TEXT}]
    return found if all(not names.catalog.availability((*above, key)).cut for key in keys) else None


def listed_keys(names: ObjectNames, above: Path) -> list[str] | None:
    """Return every key that any row has directly below a path, sorted; None where statistics do not know them all."""
    if names.catalog.availability(above).cut or names.catalog.availability((*above, "\0")).cut:
        return None
    return sorted(names.catalog.keys_below(above))


def _below(value: Expression, rest: TreePath, span: Span) -> Expression:
    """Return what is at a path below a computed value."""
    return json_get(value, rest, span) if rest else value


def _call(name: str, *arguments: Expression) -> Apply:
    function = functions()[name]
    return Apply(function, arguments, function.returns([argument.type for argument in arguments]))


def _aggregate(name: str, argument: Expression, *conditions: Expression) -> AggregateCall:
    function = functions()[name]
    condition = None if not conditions else conditions[0] if len(conditions) == 1 else _call("and", *conditions)
    return AggregateCall(function, (argument,), function.returns([argument.type]), filter=condition)


def _count(*conditions: Expression) -> AggregateCall:
    return _aggregate("count", Constant(1, Kind.INTEGER), *conditions)


def _total(one: Expression, other: Expression) -> Expression:
    """Return the sum of two numbers of which one may be missing; null where both are."""
    zero = Constant(0, Kind.INTEGER)
    both = _call("add", _call("coalesce", one, zero), _call("coalesce", other, zero))
    known = _call("or", _call("isnotnull", one), _call("isnotnull", other))
    return _call("if", known, both, Constant(None, None))


def _object(values: Mapping[str, Expression]) -> Expression:
    """Return an object of the values that are not null, null where all are."""
    return _call("compact_object", *_members(values)) if values else Constant(None, None)


def _merged(whole: Expression, values: Mapping[str, Expression]) -> Expression:
    """Return an object with some keys set, and left out where they are null."""
    return _call("object_with", whole, *_members(values)) if values else whole


def _members(values: Mapping[str, Expression]) -> list[Expression]:
    """Return keys and values in the order that objects have, the keys spelled as JSON."""
    return [part for key in sorted(values) for part in (Constant(f"{json_text.dumps(key)}:", Kind.TEXT), values[key])]
