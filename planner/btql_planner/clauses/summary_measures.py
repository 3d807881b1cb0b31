"""The measures of a summary: what its scores and metrics are, computed from the spans of each trace.

Each is one aggregate over spans, collected where a query first names it; what is made of measures, as ``duration`` is
of ``start`` and ``end``, is an expression over them. Which columns there are is in :mod:`btql_planner.clauses.summary`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

from btql_grammar import tree
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
from btql_planner.names import ObjectNames
from btql_planner.plan import Named
from btql_planner.types import Kind
from btql_storage import json_text
from btql_storage.kinds import Kind as StoredKind
from btql_storage.kinds import column_name

Keys: TypeAlias = tuple[str | int, ...]
"""What stands behind ``scores`` or ``metrics``."""
Binding: TypeAlias = Callable[[tree.Expression], Expression]

SUMS = ("prompt_tokens", "completion_tokens", "prompt_cached_tokens", "prompt_cache_creation_tokens")
METRICS = (
    *SUMS, "total_tokens", "estimated_cost", "llm_calls", "tool_calls", "errors", "llm_errors", "tool_errors",
    "start", "end", "duration", "llm_duration", "time_to_first_token",
)  # fmt: skip
"""The metrics that every summary has."""


class Measures:
    """The measures that a query needs of the spans of each trace."""

    def __init__(self, spans: ObjectNames, source: str, name: str) -> None:
        self.found: dict[str, Named] = {}
        self.bind_span: Binding
        """Binds an expression over spans; set by whoever binds the query."""
        self._spans = spans
        self._source = source
        self._name = name

    def score(self, keys: Keys) -> Expression:
        """Return the average of a score."""
        return self._measure(("scores", *keys), _aggregate("avg", self._path("scores", *keys)))

    def all_scores(self) -> Expression:
        """Return an object with the average of each score that spans have."""
        return self._measure(("scores",), _aggregate("object_avg", self._whole("scores")))

    def metric(self, keys: Keys) -> Expression:
        """Return a metric; where it has no meaning of its own, the sum of what spans have."""
        # Only a whole name means a metric of its own: `metrics.a.b` is one that spans have.
        name = str(keys[0]) if len(keys) == 1 else ""
        match name:
            case "total_tokens":
                return _total(self.metric(("prompt_tokens",)), self.metric(("completion_tokens",)))
            case "duration":
                return call("sub", self.metric(("end",)), self.metric(("start",)))
            case _:
                return self._measure(("metrics", *keys), self._measured(keys, name))

    def all_metrics(self) -> Expression:
        """Return an object with the sum of each metric that spans have."""
        return self._measure(("metrics",), _aggregate("object_sum", self._whole("metrics"), *self._own))

    def cached(self) -> Expression:
        """Return whether there was an LLM call, and all were cached."""
        hit = call("ne", self._path("metrics", "cached"), Constant(0, Kind.INTEGER))
        calls = self._measure(("llm spans",), _count(self._llm))
        hits = self._measure(("cached llm spans",), _count(self._llm, hit))
        return call("and", call("gt", calls, Constant(0, Kind.INTEGER)), call("eq", calls, hits))

    def has_error(self) -> Expression:
        """Return whether any span failed."""
        failed = self._measure(("failed spans",), _count(self._failed))
        return call("gt", failed, Constant(0, Kind.INTEGER))

    def _measured(self, keys: Keys, name: str) -> Expression:
        own = self._own
        match name:
            case "llm_calls" | "tool_calls":
                return _count(*own, self._llm if name == "llm_calls" else self._tool)
            case "errors":
                return _count(*own, self._failed, call("or", self._llm, self._tool))
            case "llm_errors" | "tool_errors":
                return _count(*own, self._failed, self._llm if name == "llm_errors" else self._tool)
            case "start" | "end":
                return _aggregate("min" if name == "start" else "max", self._path("metrics", name), *own)
            case "llm_duration":
                took = call("sub", self._path("metrics", "end"), self._path("metrics", "start"))
                return _aggregate("sum", took, *own, self._llm)
            case "time_to_first_token":
                return _aggregate("avg", self._path("metrics", name), *own, self._llm)
            case "estimated_cost":
                return _aggregate("sum", self._cost(), *own)
            case _:
                return _aggregate("sum", self._path("metrics", *keys), *own)

    def _cost(self) -> Expression:
        if "estimated_cost" in functions():
            return self.bind_span(tree.Call("estimated_cost", ()))
        return self._path("metrics", "estimated_cost")

    def _measure(self, path: Keys, expression: Expression) -> Reference:
        """Return what stands for a measure of the trace's spans."""
        name = column_name(tuple(map(str, path)), StoredKind.TEXT).rpartition("#")[0]
        named = self.found.setdefault(name, Named(f"{self._name}.{name}", expression))
        return Reference(engine_name(self._source, named.name), named.expression.type)

    def _path(self, *path: str | int) -> Expression:
        """Return a value of a span, of which scalars are enough."""
        found = self._spans.field(path, NO_SPAN)
        assert found is not None, "the fields of spans are known"
        return as_scalar(found)

    def _whole(self, name: str) -> Expression:
        found = self._spans.field((name,), NO_SPAN)
        assert found is not None, "the fields of spans are known"
        return found

    def _of_type(self, name: str) -> Expression:
        return call("eq", self._path("span_attributes", "type"), Constant(name, Kind.TEXT))

    @cached_property
    def _llm(self) -> Expression:
        return self._of_type("llm")

    @cached_property
    def _tool(self) -> Expression:
        return self._of_type("tool")

    @cached_property
    def _failed(self) -> Expression:
        return call("isnotnull", self._path("error"))

    @cached_property
    def _own(self) -> Sequence[Expression]:
        """The condition that a span is no scorer's; nothing where no span has a purpose."""
        purpose = self._path("span_attributes", "purpose")
        exists = isinstance(purpose, PathValue) and purpose.availability.exists
        return [call("nsne", purpose, Constant("scorer", Kind.TEXT))] if exists else []


def call(name: str, *arguments: Expression) -> Apply:
    """Return the call of a function."""
    function = functions()[name]
    return Apply(function, arguments, function.returns([argument.type for argument in arguments]))


def _aggregate(name: str, argument: Expression, *conditions: Expression) -> AggregateCall:
    function = functions()[name]
    condition = None if not conditions else conditions[0] if len(conditions) == 1 else call("and", *conditions)
    return AggregateCall(function, (argument,), function.returns([argument.type]), filter=condition)


def _count(*conditions: Expression) -> AggregateCall:
    return _aggregate("count", Constant(1, Kind.INTEGER), *conditions)


def _total(one: Expression, other: Expression) -> Expression:
    """Return the sum of two numbers of which one may be missing; null where both are."""
    zero = Constant(0, Kind.INTEGER)
    both = call("add", call("coalesce", one, zero), call("coalesce", other, zero))
    known = call("or", call("isnotnull", one), call("isnotnull", other))
    return call("if", known, both, Constant(None, None))


def object_of(values: Mapping[str, Expression]) -> Expression:
    """Return an object of the values that are not null, null where all are."""
    return call("compact_object", *_members(values)) if values else Constant(None, None)


def merged(whole: Expression, values: Mapping[str, Expression]) -> Expression:
    """Return an object with some keys set, and left out where they are null."""
    return call("object_with", whole, *_members(values)) if values else whole


def _members(values: Mapping[str, Expression]) -> list[Expression]:
    """Return keys and values in the order that objects have, the keys spelled as JSON."""
    return [part for key in sorted(values) for part in (Constant(f"{json_text.dumps(key)}:", Kind.TEXT), values[key])]
