"""In BTQL. There are no tables to make."""

from __future__ import annotations

from benchmarks.beside.recipe import Pages, Recipe
from benchmarks.beside.rivals.btql import SOURCE

_NEWEST_50 = "sort: created desc | limit: 50"

_CLAUSES = {
    "newest 100": "select: id, created, span_attributes.name as name, metadata.model as model, metrics.tokens as tokens"
    " | sort: created desc | limit: 100",
    "newest 100 whole": "select: * | sort: created desc | limit: 100",
    "one span": "select: * | filter: id = '{span}'",
    "trace of 10": "select: * | filter: root_span_id = '{trace_10}'",
    "trace of 1,000": "select: * | filter: root_span_id = '{trace_1000}'",
    "trace of 10,000": "select: * | filter: root_span_id = '{trace_10000}'",
    "nested path newest 50": "select: id, created, metadata.user_id as user"
    f" | filter: metadata.release.version = '2.6.2' | {_NEWEST_50}",
    "user newest 50": "select: id, created, span_attributes.name as name"
    f" | filter: metadata.user_id = '{{user}}' | {_NEWEST_50}",
    "user count": "measures: count(1) as n | filter: metadata.user_id = '{user}'",
    "one session": "select: * | filter: metadata.session_id = '{session}'",
    "by model": "dimensions: metadata.model as model | measures: count(1) as n, avg(metrics.tokens) as tokens, "
    "percentile(metrics.end - metrics.start, 0.95) as p95",
    "error rate by hour": "dimensions: hour(created) as h | measures: count(error) / count(1) as rate",
    "distinct users": "measures: count(distinct metadata.user_id) as n",
    "rare word": f"select: id, created, input | filter: input MATCH 'zyxomma' | {_NEWEST_50}",
    "common word": f"select: id, created, input | filter: input MATCH 'they' | {_NEWEST_50}",
    "common word count": "measures: count(1) as n | filter: input MATCH 'they'",
    "phrase": f"select: id, created, input | filter: input MATCH 'over the rainbow' | {_NEWEST_50}",
    "two fields": "select: id, created, input, output"
    f" | filter: input MATCH 'zyxomma' OR output MATCH 'cromulent' | {_NEWEST_50}",
    "fragment": f"select: id, created | filter: input ILIKE '%uokkalop%' | {_NEWEST_50}",
    "fragment of words": f"select: id, created | filter: input ILIKE '%bow over the hi%' | {_NEWEST_50}",
    "any span": "measures: count(1) as n"
    " | filter: is_root AND ANY_SPAN(error IS NOT NULL) AND ANY_SPAN(metadata.model = 'claude-opus-4-1')",
    "scores": "dimensions: score | measures: avg(value) as mean, count(1) as n | unpivot: scores as (score, value)",
    "export": "select: * | filter: created >= '{from}' AND created < '{to}'",
}

_SUMMARY = (
    "select: root_span_id, created, span_attributes.name as name, metrics.total_tokens as tokens, "
    "metrics.errors as errors, metrics.llm_calls as llm_calls, metrics.duration as duration"
    # Without the condition, traces whose root was deleted are there, too.
    f" | {SOURCE} summary | filter: is_root | sort: created desc | limit: 100"
)
_LIST = (
    "select: id, created, span_attributes.name as name, _pagination_key"
    f" | {SOURCE} | filter: is_root | sort: _pagination_key desc | limit: 1000"
)

RECIPE = Recipe(
    load=(),
    texts={
        **{name: f"{clauses} | {SOURCE}" for name, clauses in _CLAUSES.items()},
        "summary of traces": _SUMMARY,
        "trace list": Pages(_LIST, "", ""),
    },
)
