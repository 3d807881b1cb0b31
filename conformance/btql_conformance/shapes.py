"""Traces and summaries: which traces a filter chooses, and what a trace adds up to (reference 1.5, 6.5, 6.6).

A filter is evaluated one span at a time. For the shapes ``traces`` and ``summary`` all its plain
conditions must hold on the same span of a trace, while each ANY_SPAN may be satisfied by another one.
FILTER_SPANS chooses like ANY_SPAN, and only the spans it accepts are returned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import cast

from btql_conformance.documents import PLACE, Document
from btql_conformance.operators import and_, not_, or_
from btql_conformance.scope import EvaluationError, Scope
from btql_conformance.values import Condition, Number, Value, get
from btql_grammar import tree

Evaluate = Callable[[tree.Expression, Scope], Value]
SPECIAL = ("any_span", "filter_spans")
SUMS = (
    *("prompt_tokens", "completion_tokens", "prompt_cached_tokens", "prompt_cache_creation_tokens"),
    "estimated_cost",
)


def is_special(node: tree.Expression) -> bool:
    """Whether an expression speaks of traces anywhere: has ANY_SPAN or FILTER_SPANS in it."""
    match node:
        case tree.Call(name=name) if name in SPECIAL:
            return True
        case tree.Boolean(children=children):
            return any(is_special(child) for child in children)
        case tree.Not(expression=inner):
            return is_special(inner)
        case _:
            return False


def flattened(node: tree.Expression) -> tree.Expression:
    """Return what is inside of ANY_SPAN with one inner ANY_SPAN taken as its content."""
    match node:
        case tree.Call(name=name, arguments=(inner,)) if name in SPECIAL:
            return flattened(inner)
        case tree.Boolean(op=op, children=children):
            return tree.Boolean(op, tuple(flattened(child) for child in children))
        case tree.Not(expression=inner):
            return tree.Not(flattened(inner))
        case _:
            return node


def trace_holds(node: tree.Expression, spans: Sequence[Scope], evaluate: Evaluate) -> Condition:
    """Whether a trace satisfies a filter."""
    match node:
        case tree.Call(name=name, arguments=(inner,)) if name in SPECIAL:
            return _some(flattened(inner), spans, evaluate)
        case _ if not is_special(node):
            return _some(node, spans, evaluate)
        case tree.Boolean(op="and", children=children):
            plain = tuple(child for child in children if not is_special(child))
            conditions = [trace_holds(child, spans, evaluate) for child in children if is_special(child)]
            if plain:
                conditions.append(_some(plain[0] if len(plain) == 1 else tree.Boolean("and", plain), spans, evaluate))
            return and_(*conditions)
        case tree.Boolean(children=children):
            return or_(*(trace_holds(child, spans, evaluate) for child in children))
        case tree.Not(expression=inner):
            return not_(trace_holds(inner, spans, evaluate))
        case _:
            raise EvaluationError("ANY_SPAN stands where no condition can")


def _some(node: tree.Expression, spans: Sequence[Scope], evaluate: Evaluate) -> bool:
    return any(evaluate(node, span) is True for span in spans)


def returned(node: tree.Expression | None) -> list[tree.Expression]:
    """Return the conditions of every FILTER_SPANS that is ANDed into a filter."""
    match node:
        case tree.Call(name="filter_spans", arguments=(inner,)):
            return [flattened(inner)]
        case tree.Boolean(op="and", children=children):
            return [condition for child in children for condition in returned(child)]
        case _:
            return []


def by_trace(scopes: Sequence[Scope]) -> dict[Value, list[Scope]]:
    """Return the spans of each trace, traces in the order of their first span."""
    traces: dict[Value, list[Scope]] = {}
    for scope in scopes:
        traces.setdefault(scope.relations[0][1].get("root_span_id"), []).append(scope)
    return traces


# Summaries


def summary_rows(documents: Sequence[Document]) -> list[Document]:
    """Return a row for each trace."""
    traces: dict[Value, list[Document]] = {}
    for document in documents:
        traces.setdefault(document["root_span_id"], []).append(document)
    rows = [_summary(spans) for spans in traces.values()]
    return sorted(rows, key=lambda row: cast("str", row[PLACE]), reverse=True)


def _summary(spans: Sequence[Document]) -> Document:
    root = min(spans, key=_root_first)
    names = {name for span in spans for name in cast("Document", span.get("scores") or {})}
    means = {name: _mean([get(span, ("scores", name)) for span in spans]) for name in sorted(names)}
    scores = {name: mean for name, mean in means.items() if mean is not None}
    counted = [span for span in spans if get(span, ("span_attributes", "purpose")) != "scorer"]
    return {**root, "scores": scores or None, "metrics": _metrics(counted), "span_type_info": _info(root, spans)}


def _root_first(span: Document) -> tuple[bool, bool, datetime, str]:
    """Return the key by which the span that stands for its trace is the least: a root, the earliest of several."""
    created = span["created"]
    return not span["is_root"], created is None, cast("datetime", created), cast("str", span[PLACE])


def _numbers(values: Sequence[Value]) -> list[Number]:
    return [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]


def _mean(values: Sequence[Value]) -> Value:
    found = _numbers(values)
    return math.fsum(found) / len(found) if found else None


def _metric(spans: Sequence[Document], name: str) -> list[Number]:
    return _numbers([get(span, ("metrics", name)) for span in spans])


def _metrics(spans: Sequence[Document]) -> Document:
    sums = {name: sum(found) if (found := _metric(spans, name)) else None for name in SUMS}
    llm = [span for span in spans if get(span, ("span_attributes", "type")) == "llm"]
    tool = [span for span in spans if get(span, ("span_attributes", "type")) == "tool"]
    failed_llm, failed_tool = (sum(span.get("error") is not None for span in each) for each in (llm, tool))
    begin, end = _metric(spans, "start"), _metric(spans, "end")
    prompt, completion = sums["prompt_tokens"], sums["completion_tokens"]
    return {
        **_custom(spans),
        **sums,
        "total_tokens": None if prompt is completion is None else (prompt or 0) + (completion or 0),
        "llm_calls": len(llm),
        "tool_calls": len(tool),
        "errors": failed_llm + failed_tool,
        "llm_errors": failed_llm,
        "tool_errors": failed_tool,
        "start": min(begin, default=None),
        "end": max(end, default=None),
        "duration": max(end) - min(begin) if begin and end else None,
        "llm_duration": _llm_duration(llm),
        "time_to_first_token": _mean([get(span, ("metrics", "time_to_first_token")) for span in llm]),
    }


def _custom(spans: Sequence[Document]) -> Document:
    """Return the sums of metrics that have no meaning of their own."""
    names = {name for span in spans for name in cast("Document", span.get("metrics") or {})}
    return {name: sum(found) for name in sorted(names) if (found := _metric(spans, name))}


def _llm_duration(llm: Sequence[Document]) -> Value:
    pairs = [(get(span, ("metrics", "start")), get(span, ("metrics", "end"))) for span in llm]
    durations = [end - begin for begin, end in pairs if isinstance(begin, int | float) and isinstance(end, int | float)]
    return math.fsum(durations) if durations else None


def _info(root: Document, spans: Sequence[Document]) -> Document:
    llm = [span for span in spans if get(span, ("span_attributes", "type")) == "llm"]
    cached = [get(span, ("metrics", "cached")) for span in llm]
    return {
        **cast("Document", root.get("span_attributes") or {}),
        "cached": bool(cached) and all(value in (1, True) for value in cached),
        "has_error": any(span.get("error") is not None for span in spans),
    }
